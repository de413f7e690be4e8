//! Telling who sent a message that it did not arrive.

use std::sync::Arc;

use super::ask::Ask;
use super::core::{Core, Party};
use super::posting::{Outward, Post};
use crate::agent::{Agent, Kind, Letter, Refusal};
use crate::error::Error;
use crate::host_agent::HostAgent;
use crate::message::{Draft, Message, Performative};
use crate::sandbox::{Fault, FaultKind};

impl Core {
    /// Refuses a message that has come back to the handler whose ask it is part of: it could only be handled after the
    /// answer to that ask. Whoever sent it is told. If that one was to answer the ask, it has failed.
    pub(super) fn report_deadlock(&self, letter: &Letter, host: &HostAgent, post: Post<'_>) {
        let text = format!("{:?} waits for the answer to this very ask", &*host.name);
        let fault = Fault::new(FaultKind::Deadlock, text);
        if self.tell_sender(letter, &host.name, &fault, post) {
            return;
        }
        // An answer that others owe may come all the same.
        let owes = |ask: &&Arc<Ask>| letter.from.is_some_and(|from| ask.counts(from));
        let Some(ask) = letter.ask.as_ref().filter(owes) else { return };
        self.tell_asker(ask, &host.name, &fault, post);
    }

    /// Answers an ask in the name of `ams`, whoever passed its message on, with what happened.
    pub(super) fn tell_asker(&self, ask: &Arc<Ask>, agent: &str, fault: &Fault, post: Post<'_>) {
        let content = failure_content(agent, fault);
        let act = Performative::Failure.as_str();
        let draft = Draft::with_raw_content(act, Some(ask.asker()), content.as_bytes())
            .field("in_reply_to", ask.key());
        match self.stamp_own(&draft) {
            Ok(failure) => {
                self.observe(&failure, post);
                let answer = Outward::Answer(ask.clone(), Party::RUNTIME.0, failure.clone());
                if post.hold(answer).is_some() {
                    ask.answer(Party::RUNTIME.0, &failure);
                }
            }
            Err(error) => ask.fail(error),
        }
    }

    /// Says what became of a letter that was handled and dropped: to who sent it, or, where the
    /// host must not answer, in the dead letters.
    pub fn report_failure(&self, letter: &Letter, agent: &str, fault: &Fault, post: Post<'_>) {
        if fault.kind == FaultKind::Closed || !letter.may_fail() {
            self.keep_dead_letter(letter, fault.text.clone(), post);
        }
        self.tell_sender(letter, agent, fault, post);
    }

    /// Says what became of a letter that crashed its receiver: it is not tried again, and kept.
    pub fn report_crash(&self, letter: &Letter, agent: &Arc<str>, fault: &Fault, post: Post<'_>) {
        self.keep_crashing(letter.message.clone(), fault.text.clone(), agent, post);
        self.tell_sender(letter, agent, fault, post);
    }

    /// Answers a letter in the name of `ams` with what happened to it; whether that answered an ask.
    pub fn tell_sender(&self, letter: &Letter, agent: &str, fault: &Fault, post: Post<'_>) -> bool {
        if fault.kind == FaultKind::Closed || !letter.may_fail() {
            return false;
        }
        let original = &letter.message;
        let content = failure_content(agent, fault);
        // The host answers who truly sent the message, whomever that one named for replies.
        let draft = Draft::raw_reply_to(
            original,
            original.sender(),
            Performative::Failure,
            content.as_bytes(),
        );
        let failure = match self.stamp_own(&draft) {
            Ok(failure) => failure,
            Err(error) => {
                tracing::error!(%error, "a failure could not be written");
                return false;
            }
        };
        self.follow_fault(original, agent, &failure, fault);
        let seen = self.observe(&failure, post);
        let to = original.sender();
        if self.answer(Party::RUNTIME.0, to, &failure, letter.ask.as_ref(), post) {
            return true;
        }
        self.deliver_seen(failure, to, seen, post);
        false
    }

    /// Sends a message of the host to `to`.
    pub fn deliver_own(&self, message: Message, to: &str, ask: Option<&Arc<Ask>>, post: Post<'_>) {
        let seen = self.observe(&message, post);
        if !self.answer(Party::RUNTIME.0, to, &message, ask, post) {
            self.deliver_seen(message, to, seen, post);
        }
    }

    fn deliver_seen(&self, failure: Message, to: &str, seen: bool, post: Post<'_>) {
        match self.directory.find(to) {
            Some(member) => {
                let letter = Letter::new(failure, None, Kind::Failure);
                if let Err((_, letter)) = self.deliver(&member, letter, post) {
                    self.keep_dead(letter.message, "its receiver has no room for failures", post);
                }
            }
            None if seen => {}
            None => self.keep_dead(failure, format!("nobody waits for it at {to:?}"), post),
        }
    }

    /// Keeps a letter that nobody took as a dead letter, and tells who sent it.
    pub fn report_refusal(&self, letter: &Letter, agent: &str, refusal: Refusal, post: Post<'_>) {
        self.alone(post, |post| self.report_refused(letter, agent, refusal, post));
    }

    fn report_refused(&self, letter: &Letter, agent: &str, refusal: Refusal, post: Post<'_>) {
        letter.end(post);
        let (kind, what) = match refusal {
            Refusal::Full => (FaultKind::Mailbox, "has no room in its mailbox"),
            Refusal::Failed => (FaultKind::Trap, "has failed and takes no messages"),
            Refusal::Removed => (FaultKind::Unknown, "has been removed"),
        };
        let fault = Fault::new(kind, format!("{agent:?} {what}"));
        self.keep_dead_letter(letter, fault.text.clone(), post);
        self.tell_sender(letter, agent, &fault, post);
    }

    /// Keeps a letter that is above its receiver's content limits as a dead letter, and tells who
    /// sent it.
    pub(super) fn report_content(
        &self,
        letter: &Letter,
        agent: &Agent,
        error: &Error,
        post: Post<'_>,
    ) {
        let (limit, used) = error.limit_and_used().unwrap_or_default();
        let fault = Fault::limit(FaultKind::Content, error.message(), limit, used);
        self.keep_dead_letter(letter, error.message(), post);
        self.tell_sender(letter, agent.name(), &fault, post);
    }
}

/// The content of a `failure` of the host.
fn failure_content(agent: &str, fault: &Fault) -> String {
    let mut content = serde_json::json!({
        "error": fault.text,
        "agent": agent,
        "kind": fault.kind.as_str(),
    });
    if let (Some(limit), Some(used), Some(object)) =
        (fault.limit, fault.used, content.as_object_mut())
    {
        object.insert("limit".to_owned(), limit.into());
        object.insert("used".to_owned(), used.into());
    }
    if let (Some(backtrace), Some(object)) = (&fault.backtrace, content.as_object_mut()) {
        object.insert(
            "backtrace".to_owned(),
            backtrace.chars().take(4096).collect::<String>().into(),
        );
    }
    content.to_string()
}
