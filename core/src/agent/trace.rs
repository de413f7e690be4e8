//! Turns as spans: each is linked to the message that caused it, and what it sends to the turn.

use serde_json::Value;
use tracing::Span;
use tracing::field::Empty;

use super::run::Job;
use super::{Agent, Letter};
use crate::message::Traceparent;
use crate::runtime::EventKind;
use crate::sandbox::{Ended, Fault};

/// The trace that a turn belongs to, and the span that it is where somebody looks.
pub(crate) struct TurnTrace {
    span: Span,
    /// Where its message comes from.
    parent: Option<Traceparent>,
    own: Option<Box<Own>>,
}

/// What a turn is in its trace.
struct Own {
    id: Traceparent,
    /// Microseconds since the Unix epoch.
    began_at: u64,
}

impl TurnTrace {
    /// Begins the span of a turn.
    pub fn begin(agent: &Agent, job: &Job) -> Self {
        let letter = match job {
            Job::Message(letter) => Some(letter),
            _ => None,
        };
        let parent = letter.and_then(|letter| letter.message.traceparent().copied());
        let span = open(agent, job, letter);
        let is_wanted = !span.is_disabled()
            || agent.core.wants_event(EventKind::Turn, agent.name())
            || agent.core.wants_event(EventKind::Dropped, agent.name());
        if !is_wanted {
            return TurnTrace { span, parent, own: None };
        }
        let id = crate::trace::enter(&span, parent)
            .unwrap_or_else(|| agent.core.source.new_span(parent));
        span.record("trace_id", format_args!("{:032x}", id.trace_id));
        span.record("span_id", format_args!("{:016x}", id.span_id));
        let own = Own { id, began_at: agent.core.source.now_micros() };
        TurnTrace { span, parent, own: Some(Box::new(own)) }
    }

    /// What the turn's messages say of where they come from: the turn, or what caused it.
    pub fn caused(&self) -> Option<Traceparent> {
        self.own.as_ref().map(|own| own.id).or(self.parent)
    }

    /// Runs a slice of the turn within its span.
    pub fn within<T>(&self, run: impl FnOnce() -> T) -> T {
        self.span.in_scope(run)
    }

    /// Says how the turn has ended.
    pub fn end(&self, outcome: &Result<Ended, Fault>) {
        if self.span.is_disabled() {
            return;
        }
        match outcome {
            Ok(ended) => {
                self.span.record("code", ended.code);
            }
            Err(fault) => {
                self.span.record("kind", fault.kind.as_str());
                self.span.record("otel.status_code", "ERROR");
                self.span.record("otel.status_description", fault.text.as_str());
            }
        }
    }

    /// What an event says of it: nothing of the turn itself where it began before anybody looked.
    pub fn shown(&self) -> [(&'static str, Value); 4] {
        let (own, caused) = (self.own.as_deref(), self.caused());
        let span_id = |id: Traceparent| format!("{:016x}", id.span_id);
        [
            ("began_at", own.map(|own| own.began_at).into()),
            ("trace_id", caused.map(|id| format!("{:032x}", id.trace_id)).into()),
            ("span_id", own.map(|own| span_id(own.id)).into()),
            ("parent_span_id", self.parent.map(span_id).into()),
        ]
    }
}

fn open(agent: &Agent, job: &Job, letter: Option<&Letter>) -> Span {
    let span = tracing::info_span!(
        target: "caxton::turn",
        parent: None,
        "turn",
        otel.kind = "consumer",
        otel.status_code = Empty,
        otel.status_description = Empty,
        agent = agent.name(),
        of = job.of(),
        message_id = Empty,
        sender = Empty,
        performative = Empty,
        protocol = Empty,
        conversation_id = Empty,
        trace_id = Empty,
        span_id = Empty,
        code = Empty,
        kind = Empty,
    );
    if let Some(Letter { message, .. }) = letter
        && !span.is_disabled()
    {
        span.record("message_id", message.message_id());
        span.record("sender", message.sender());
        span.record("performative", message.performative().as_str());
        span.record("protocol", message.protocol());
        span.record("conversation_id", message.conversation_id());
    }
    span
}
