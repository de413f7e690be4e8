//! Conversations, followed as their messages pass: what their protocols allow, and answers that are
//! due.

use std::sync::{Arc, Weak};

use serde_json::Value;

use super::core::Core;
use super::events::EventKind;
use super::posting::Post;
use crate::agent::{Letter, Undo};
use crate::choice::choice;
use crate::conversation::{
    Circle, Conversation, ConversationFilter, Due, Note, Protocol, Rule, Violation,
};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::message::{Draft, Message, Performative, name};
use crate::sandbox::{Fault, FaultKind, Level, World};

/// Microseconds after which agents that wait for each other in a circle are looked at first, and
/// between further looks.
const FIRST_LOOK: u64 = 100_000;
const NEXT_LOOK: u64 = 250_000;
/// How often a circle is looked at whose agents are still busy.
const MAX_LOOKS: u32 = 240;

/// What the runtime does with a message that its protocol does not allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocols {
    /// It is delivered, since an agent may know better, and told as an event.
    #[default]
    Observe,
    /// It is told as an event and not delivered: an agent is answered with `not-understood`, and a
    /// program's call fails.
    Strict,
}

choice!(Protocols, "protocols", Observe => "observe", Strict => "strict");

/// Who sees to it that an answer comes in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The runtime, by `reply_by`.
    Runtime,
    /// Who sent the message: it has a timer of its own.
    Caller,
}

/// A message of a program that was entered in its conversation. Dropped, it is taken back: it was never
/// sent.
pub(crate) struct Following<'a> {
    core: &'a Core,
    undo: Vec<Undo>,
}

impl Following<'_> {
    /// The message is on its way.
    pub fn keep(mut self) {
        self.undo.clear();
    }

    /// It is on its way once that commit is on disk.
    pub fn keep_with(mut self, post: Post<'_>) {
        for step in std::mem::take(&mut self.undo) {
            post.undo(|| step);
        }
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        for step in self.undo.drain(..).rev() {
            self.core.unsay(step);
        }
    }
}

impl Core {
    /// The conversation with this id, if there is one that names a protocol.
    pub fn conversation(&self, id: &str) -> Option<Conversation> {
        self.book.view(id, self.source.now_micros())
    }

    pub fn conversations(&self, filter: &ConversationFilter) -> Vec<Conversation> {
        self.book.list(filter, self.source.now_micros())
    }

    /// Whether this message has to be followed at all.
    fn is_followed(&self, message: &Message, waiting: Waiting) -> bool {
        (waiting == Waiting::Runtime && message.reply_by().is_some())
            || self.book.concerns(message)
            || !self.deadlines.is_empty()
    }

    /// Enters a message of a program; an error where its protocol forbids it, and nobody gets it.
    pub fn follow_own(
        &self,
        message: &Message,
        waiting: Waiting,
        post: Post<'_>,
    ) -> Result<Following<'_>, Error> {
        let mut following = Following { core: self, undo: Vec::new() };
        if !self.is_followed(message, waiting) {
            return Ok(following);
        }
        let rule = match self.protocols {
            Protocols::Observe => Rule::Observe,
            Protocols::Strict => Rule::AllOrNone,
        };
        let to = self.names_of(message);
        let mut undo = |step| following.undo.push(step);
        let forbidden = self.follow_to(message, &to, rule, waiting, post, Some(&mut undo));
        match forbidden.into_iter().next() {
            Some(violation) => {
                Err(Error::new(ErrorKind::InvalidMessage, text_of(message, &violation)))
            }
            None => Ok(following),
        }
    }

    /// Enters a message of an agent for these receivers; to whom its protocol forbids it.
    pub fn follow(
        &self,
        message: &Message,
        to: impl FnOnce() -> Vec<Arc<str>>,
        waiting: Waiting,
        post: Post<'_>,
    ) -> Vec<Violation> {
        if !self.is_followed(message, waiting) {
            return Vec::new();
        }
        let rule = match self.protocols {
            Protocols::Observe => Rule::Observe,
            Protocols::Strict => Rule::Strict,
        };
        let mut undo = |step| post.undo(|| step);
        let undo: Option<&mut dyn FnMut(Undo)> = match post.posting {
            Some(_) => Some(&mut undo),
            None => None,
        };
        self.follow_to(message, &to(), rule, waiting, post, undo)
    }

    /// The names of everybody whom a message names, topics aside.
    fn names_of(&self, message: &Message) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for to in message.receivers().filter(|to| name::topic_of(to).is_none()) {
            let name = match self.directory.find(to) {
                Some(member) => member.name().clone(),
                None => to.into(),
            };
            names.push(name);
        }
        if names.len() > 1 {
            let mut seen = std::collections::HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
        }
        names
    }

    fn follow_to(
        &self,
        message: &Message,
        to: &[Arc<str>],
        rule: Rule,
        waiting: Waiting,
        post: Post<'_>,
        mut undo: Option<&mut dyn FnMut(Undo)>,
    ) -> Vec<Violation> {
        let from: Arc<str> = message.sender().into();
        for to in to {
            self.deadlines.answered(&from, to, message);
        }
        let mut forbidden = Vec::new();
        if self.book.concerns(message) {
            let entered = self.book.enter(&from, to, message, rule, undo.is_some());
            if let (Some(said), Some(undo)) = (entered.said, &mut undo) {
                undo(Undo::Said(said));
            }
            for violation in &entered.violations {
                self.tell_violation(&from, message, violation, post);
            }
            for id in entered.abandoned {
                self.tell(EventKind::Abandoned, None, post, || [("conversation_id", (*id).into())]);
            }
            if let Some(circle) = entered.circle {
                let due = self.source.now_micros().saturating_add(FIRST_LOOK);
                self.deadlines.look(due, circle, 0);
            }
            if rule != Rule::Observe {
                forbidden = entered.violations;
                // What nobody remembers may still be right.
                forbidden.retain(|violation| violation.is_known);
            }
        }
        let is_due = waiting == Waiting::Runtime
            && message.reply_by().is_some()
            && !message.performative().ends_talk()
            && (rule != Rule::AllOrNone || forbidden.is_empty());
        if is_due {
            for to in to {
                if !forbidden.iter().any(|violation| violation.to == *to) {
                    if !self.deadlines.begin(message, to) {
                        self.warn_of_deadline(message);
                        break;
                    }
                    if let Some(undo) = &mut undo {
                        undo(Undo::Due(message.clone(), to.clone()));
                    }
                }
            }
        }
        forbidden
    }

    /// Says that nobody sees to it that this message is answered in time.
    fn warn_of_deadline(&self, message: &Message) {
        let text = "too many answers are due to it already: this reply_by is not kept";
        tracing::warn!(agent = message.sender(), message = message.message_id(), text);
        if let Some(Member::Agent(agent)) = self.directory.find(message.sender()) {
            agent.face.log(Level::Warn, &format!("{}: {text}", message.message_id()));
        }
    }

    fn tell_violation(
        &self,
        from: &Arc<str>,
        message: &Message,
        violation: &Violation,
        post: Post<'_>,
    ) {
        self.tell(EventKind::Violation, Some(from), post, || {
            let allowed = violation.allowed.iter().map(|act| Value::from(act.as_str()));
            [
                ("receiver", (*violation.to).into()),
                ("performative", message.performative().as_str().into()),
                ("protocol", violation.protocol.as_str().into()),
                ("conversation_id", (*violation.conversation).into()),
                ("message_id", message.message_id().into()),
                ("note", violation.note.as_str().into()),
                ("allowed", allowed.collect()),
            ]
        });
    }

    /// Answers a message with `not-understood` that its protocol forbids, and keeps it as a dead
    /// letter.
    pub fn report_violation(&self, letter: &Letter, violation: &Violation, post: Post<'_>) {
        let message = &letter.message;
        let text = text_of(message, violation);
        self.keep_dead_letter(letter, text.clone(), post);
        if !letter.may_fail() {
            return;
        }
        let allowed: Vec<&str> = violation.allowed.iter().map(|act| act.as_str()).collect();
        let content = serde_json::json!({
            "error": text,
            "agent": &*violation.to,
            "kind": "protocol",
            "allowed": allowed,
        });
        let draft = Draft::raw_reply_to(
            message,
            message.sender(),
            Performative::NotUnderstood,
            content.to_string().as_bytes(),
        );
        match self.stamp_own(&draft) {
            Ok(answer) => self.deliver_own(answer, message.sender(), None, post),
            Err(error) => tracing::error!(%error, "a not-understood could not be written"),
        }
    }

    /// Enters in its conversation that the host reports a failure.
    pub fn follow_fault(&self, original: &Message, agent: &str, failure: &Message, fault: &Fault) {
        self.deadlines.answered(agent, original.answer_to(), failure);
        if self.book.concerns(original) {
            let is_late = fault.kind == FaultKind::Deadline;
            self.book.fault(original.sender(), agent, failure, is_late);
        }
    }

    /// Takes back what was entered of a message that never happened.
    pub fn unsay(&self, undo: Undo) {
        match undo {
            Undo::Said(said) => self.book.unsay(said, self.source.now_micros()),
            Undo::Due(message, asked) => drop(self.deadlines.end(&message, &asked)),
            // The agent's own.
            _ => {}
        }
    }

    /// Does what comes due, as long as the runtime is there.
    pub async fn watch_deadlines(core: Weak<Self>) {
        let Some((deadlines, source)) =
            core.upgrade().map(|core| (core.deadlines.clone(), core.source.clone()))
        else {
            return;
        };
        loop {
            for (_, due) in deadlines.calendar.next_due(&source).await {
                let Some(core) = core.upgrade() else { return };
                match due {
                    Due::Answer { message, asked } => core.deadline_passed(&message, &asked),
                    Due::Circle { circle, looks } => core.look_at_circle(circle, looks),
                }
            }
        }
    }

    fn deadline_passed(&self, message: &Message, asked: &Arc<str>) {
        if !self.deadlines.end(message, asked) || self.check_open().is_err() {
            return;
        }
        self.alone(Post::outside(), |post| {
            let text = format!("{:?} did not answer {:?} in time", &**asked, message.sender());
            let fault = Fault::new(FaultKind::Deadline, text);
            let letter = Letter::direct(message.clone(), None);
            self.tell_sender(&letter, asked, &fault, post);
            self.tell_deadline(message, asked, post);
        });
    }

    /// Tells who watches that somebody did not answer in time.
    pub fn tell_deadline(&self, message: &Message, asked: &Arc<str>, post: Post<'_>) {
        self.tell(EventKind::Deadline, Some(asked), post, || {
            [
                ("waiting", message.sender().into()),
                ("performative", message.performative().as_str().into()),
                ("protocol", message.protocol().into()),
                ("conversation_id", message.conversation_id().into()),
                ("message_id", message.message_id().into()),
                ("reply_by", message.reply_by().into()),
            ]
        });
    }

    fn look_at_circle(&self, circle: Circle, looks: u32) {
        if self.check_open().is_err() || !self.book.stands(&circle) {
            return;
        }
        let is_busy = |name: &Arc<str>| match self.directory.find(name) {
            Some(Member::Agent(agent)) => !agent.mailbox.is_idle() || agent.mailbox.len() > 0,
            Some(Member::Host(host)) => host.has_messages(),
            None => false,
        };
        if looks < MAX_LOOKS && circle.names().any(is_busy) {
            let due = self.source.now_micros().saturating_add(NEXT_LOOK);
            return self.deadlines.look(due, circle, looks + 1);
        }
        let path: Vec<Value> = circle.names().map(|name| Value::from(&**name)).collect();
        tracing::warn!(?circle, "agents wait for each other in a circle");
        self.tell(EventKind::Deadlock, circle.names().next(), Post::outside(), || {
            [("path", path.into())]
        });
    }
}

/// Why a message is not allowed, in one sentence.
fn text_of(message: &Message, violation: &Violation) -> String {
    let Violation { to, conversation, protocol, note, allowed, .. } = violation;
    let (from, act) = (message.sender(), message.performative());
    let id: String = conversation.chars().take(64).collect();
    let place =
        format!("{protocol} does not let {from:?} say {act} to {to:?} in conversation {id:?}");
    if *note == Note::Repeated {
        return format!("{place}: that was said already");
    }
    match allowed.as_slice() {
        [] => format!("{place}: there is nothing that it may say to it there"),
        acts => {
            let acts: Vec<&str> = acts.iter().map(|act| act.as_str()).collect();
            format!("{place} now; it may say {}", acts.join(", "))
        }
    }
}

/// Whether a protocol has proposals, which a program rejects when they come late.
pub(crate) fn has_proposals(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::ContractNet
            | Protocol::IteratedContractNet
            | Protocol::EnglishAuction
            | Protocol::DutchAuction
    )
}
