//! Conversations, followed as their messages pass: what their protocols allow, and answers that are
//! due.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use serde_json::Value;

use super::core::{Core, Party};
use super::events::EventKind;
use super::posting::Post;
use crate::agent::{Letter, Undo};
use crate::choice::choice;
use crate::conversation::{
    Awaited, Circle, Conversation, ConversationFilter, Due, FIRST_LOOK, Note, Protocol, Saying,
    Violation,
};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::message::{Draft, Message, Performative, name};
use crate::sandbox::{Fault, FaultKind, Level, World};
use crate::shares::Owner;

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

/// Receivers that are entered under one hold of the book's lock.
const PART: usize = 32;

/// Which of a message's receivers are entered in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The first of them, or all: with them the message itself is entered.
    First,
    /// More of them.
    Later,
}

/// To whom its protocol forbids a message, and why.
#[derive(Default)]
pub(crate) struct Forbidden(HashMap<Arc<str>, Violation>);

impl Forbidden {
    /// Why the message may not go to whoever has this name, if it may not.
    pub fn to(&self, name: &str) -> Option<&Violation> {
        self.0.get(name)
    }

    /// Number of those to whom it may not go.
    pub fn len(&self) -> usize {
        self.0.len()
    }
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
    pub(super) fn is_followed(&self, message: &Message, waiting: Waiting) -> bool {
        (waiting == Waiting::Runtime && message.reply_by().is_some())
            || self.book.concerns(message)
            || !self.deadlines.is_empty()
    }

    /// Enters a message of a program; an error where its protocol forbids it, and nobody gets it.
    pub fn follow_own(
        &self,
        from: Party,
        message: &Message,
        waiting: Waiting,
        post: Post<'_>,
    ) -> Result<Following<'_>, Error> {
        let mut following = Following { core: self, undo: Vec::new() };
        if !self.is_followed(message, waiting) {
            return Ok(following);
        }
        let to = self.names_of(message);
        if self.protocols == Protocols::Strict && self.book.concerns(message) {
            // All of them get it or none.
            let sender: Arc<str> = message.sender().into();
            let owner = &self.owner_of(from, &sender);
            let saying = Saying { from: &sender, owner, message, is_first: true, undo: false };
            for to in to.chunks(PART) {
                let violations = self.book.forbids(&saying, to);
                for violation in &violations {
                    self.tell_violation(&sender, message, violation, post);
                }
                if let Some(violation) = violations.first() {
                    return Err(not_allowed(message, violation));
                }
            }
        }
        let mut undo = |step| following.undo.push(step);
        let entering = Entering::new(from, message, Part::First, waiting);
        let forbidden = self.follow_parts(entering, &to, post, Some(&mut undo));
        match to.iter().find_map(|to| forbidden.to(to)) {
            Some(violation) => Err(not_allowed(message, violation)),
            None => Ok(following),
        }
    }

    /// Enters a message of an agent for these receivers, all of them or a part; to whom its protocol
    /// forbids it. What it costs grows with these receivers only.
    pub fn follow(
        &self,
        from: Party,
        message: &Message,
        part: Part,
        to: impl FnOnce() -> Vec<Arc<str>>,
        waiting: Waiting,
        post: Post<'_>,
    ) -> Forbidden {
        if !self.is_followed(message, waiting) {
            return Forbidden::default();
        }
        let mut undo = |step| post.undo(|| step);
        let undo: Option<&mut dyn FnMut(Undo)> = match post.posting {
            Some(_) => Some(&mut undo),
            None => None,
        };
        self.follow_parts(Entering::new(from, message, part, waiting), &to(), post, undo)
    }

    /// Enters a message for its receivers one part after the other: others come to the tables between
    /// two of them.
    fn follow_parts(
        &self,
        mut entering: Entering<'_>,
        to: &[Arc<str>],
        post: Post<'_>,
        mut undo: Option<&mut dyn FnMut(Undo)>,
    ) -> Forbidden {
        let mut forbidden = Forbidden::default();
        let mut left = to;
        loop {
            let (some, more) = left.split_at(left.len().min(PART));
            let undo: Option<&mut dyn FnMut(Undo)> = match &mut undo {
                Some(undo) => Some(&mut **undo),
                None => None,
            };
            forbidden.0.extend(self.follow_to(&mut entering, some, post, undo).0);
            if more.is_empty() {
                return forbidden;
            }
            (left, entering.part) = (more, Part::Later);
        }
    }

    /// Enters a message that a store has kept for somebody, who has not handled it: its answer belongs to
    /// a conversation again.
    pub fn follow_again(&self, message: &Message, to: &Arc<str>) {
        let protocol = message.protocol().and_then(Protocol::named);
        if protocol.is_some_and(|protocol| protocol.opens(message.performative())) {
            let saying = Saying {
                from: &message.sender().into(),
                owner: &self.owner_named(message.sender()),
                message,
                is_first: false,
                undo: false,
            };
            self.book.enter(&saying, std::slice::from_ref(to));
        }
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
        entering: &mut Entering<'_>,
        to: &[Arc<str>],
        post: Post<'_>,
        mut undo: Option<&mut dyn FnMut(Undo)>,
    ) -> Forbidden {
        let message = entering.message;
        let from: Arc<str> = message.sender().into();
        self.deadlines.answered(&from, to, message);
        let mut forbidden = Forbidden::default();
        if self.book.concerns(message) {
            let saying = Saying {
                from: &from,
                owner: &self.owner_of(entering.from, &from),
                message,
                is_first: entering.part == Part::First,
                undo: undo.is_some(),
            };
            let entered = self.book.enter(&saying, to);
            if let (Some(said), Some(undo)) = (entered.said, &mut undo) {
                undo(Undo::Said(said));
            }
            for violation in &entered.violations {
                self.tell_violation(&from, message, violation, post);
            }
            for id in entered.abandoned {
                self.tell(EventKind::Abandoned, None, post, || [("conversation_id", (*id).into())]);
            }
            if entered.look {
                let now = self.source.now_micros();
                self.deadlines.look_at_circles(now.saturating_add(FIRST_LOOK));
            }
            if self.protocols == Protocols::Strict {
                let violations = entered.violations.into_iter();
                forbidden.0 = violations.map(|it| (it.to.clone(), it)).collect();
            }
        }
        let is_due = entering.waiting == Waiting::Runtime
            && message.reply_by().is_some()
            && !message.performative().ends_talk();
        if is_due {
            let to = to.iter().filter(|to| forbidden.to(to).is_none());
            self.await_answers(entering, &from, to, undo);
        }
        forbidden
    }

    /// Sees to it that a message is answered by these in time.
    fn await_answers<'a>(
        &self,
        entering: &mut Entering<'_>,
        from: &str,
        to: impl Iterator<Item = &'a Arc<str>>,
        mut undo: Option<&mut dyn FnMut(Undo)>,
    ) {
        let mut to = to.peekable();
        if to.peek().is_none() {
            return;
        }
        let message = entering.message;
        let owner = self.owner_of(entering.from, from);
        let awaited = Awaited::new(message, entering.from.0, owner.account());
        for to in to {
            let begun = awaited.as_ref().and_then(|awaited| self.deadlines.begin(awaited, to));
            let Some(number) = begun else {
                if !std::mem::replace(&mut entering.warned, true) {
                    self.warn_of_deadline(message);
                }
                return;
            };
            if let Some(undo) = &mut undo {
                undo(Undo::Due(number));
            }
        }
    }

    /// Who is charged for what a party has in tables that all share.
    pub fn owner_of(&self, party: Party, name: &str) -> Owner {
        if party == Party::SCRIPT || self.hosts.contains_key(&party.0) {
            return Owner::of(&self.account);
        }
        if party == Party::AMS || party == Party::DF {
            return Owner::services(&self.account);
        }
        match self.directory.find(name) {
            Some(Member::Agent(agent)) if agent.face.serial == party.0 => {
                Owner::of(&agent.face.account)
            }
            _ => match self.leaving.get(&party.0) {
                Some(agent) => Owner::of(&agent.face.account),
                None => Owner::gone(&self.account),
            },
        }
    }

    /// Says that nobody sees to it that this message is answered in time.
    fn warn_of_deadline(&self, message: &Message) {
        let text = "too many answers are due to it already, or the host keeps too much for it: this \
                    reply_by is not kept";
        tracing::warn!(agent = message.sender(), message = message.message_id(), text);
        if let Some(Member::Agent(agent)) = self.directory.find(message.sender()) {
            agent.face.remark(Level::Warn, &format!("{}: {text}", message.message_id()));
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
            let allowed = violation.allowed();
            let allowed = allowed.iter().map(|act| Value::from(act.as_str()));
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
        let allowed: Vec<&str> = violation.allowed().iter().map(|act| act.as_str()).collect();
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
        self.deadlines.answered(agent, &[original.answer_to().into()], failure);
        if self.book.concerns(original) {
            let is_late = fault.kind == FaultKind::Deadline;
            self.book.fault(original.sender(), agent, failure, is_late);
        }
    }

    /// Takes back what was entered of a message that never happened.
    pub fn unsay(&self, undo: Undo) {
        match undo {
            Undo::Said(said) => self.book.unsay(said, self.source.now_micros()),
            Undo::Due(number) => self.deadlines.end(number),
            // The agent's own.
            _ => {}
        }
    }

    /// Does what comes due, as long as the runtime is there: some of it, and then others have their turn.
    pub async fn watch_deadlines(core: Weak<Self>) {
        let Some((deadlines, source)) =
            core.upgrade().map(|core| (core.deadlines.clone(), core.source.clone()))
        else {
            return;
        };
        loop {
            let due = deadlines.calendar.next_due(&source).await;
            let Some(core) = core.upgrade() else { return };
            for (number, due) in due {
                match due {
                    Due::Answer => core.deadline_passed(number),
                    Due::Circles => core.look_for_circles(),
                }
            }
        }
    }

    fn deadline_passed(&self, number: u64) {
        let Some((message, asked)) = self.deadlines.passed(number) else { return };
        if self.check_open().is_err() {
            return;
        }
        // Whoever wanted so many answers waits for the store, too.
        let queue = self.directory.find(message.sender()).map_or(Party::AMS.0, |it| it.serial());
        self.alone_of(queue, Post::outside(), |post| {
            let text = format!("{:?} did not answer {:?} in time", &*asked, message.sender());
            let fault = Fault::new(FaultKind::Deadline, text);
            let letter = Letter::direct(message.clone(), None);
            self.tell_sender(&letter, &asked, &fault, post);
            self.tell_deadline(&message, &asked, post);
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

    /// Looks for agents that wait for each other, for one slice.
    fn look_for_circles(&self) {
        if self.check_open().is_err() {
            return;
        }
        let now = self.source.now_micros();
        for circle in self.book.look(now) {
            if circle.names().any(|name| self.is_busy(name)) {
                self.book.look_again(&circle);
            } else if self.book.tell_circle(&circle) {
                self.tell_circle(&circle);
            }
        }
        if let Some(next) = self.book.next_look(now) {
            self.deadlines.look_at_circles(next);
        }
    }

    /// Returns true if somebody has something to do, and may answer yet.
    fn is_busy(&self, name: &str) -> bool {
        match self.directory.find(name) {
            Some(Member::Agent(agent)) => !agent.mailbox.is_idle() || agent.mailbox.len() > 0,
            Some(Member::Host(host)) => host.has_messages(),
            None => false,
        }
    }

    fn tell_circle(&self, circle: &Circle) {
        let path: Vec<Value> = circle.names().map(|name| Value::from(&**name)).collect();
        tracing::warn!(?circle, "agents wait for each other in a circle");
        self.tell(EventKind::Deadlock, circle.names().next(), Post::outside(), || {
            [("path", path.into())]
        });
    }
}

/// A message of somebody, or a part of its receivers, on its way into its conversation.
struct Entering<'a> {
    from: Party,
    message: &'a Message,
    part: Part,
    waiting: Waiting,
    /// It has been said that nobody sees to some of the answers.
    warned: bool,
}

impl<'a> Entering<'a> {
    fn new(from: Party, message: &'a Message, part: Part, waiting: Waiting) -> Self {
        Entering { from, message, part, waiting, warned: false }
    }
}

/// The error of a message that its protocol does not allow.
fn not_allowed(message: &Message, violation: &Violation) -> Error {
    Error::new(ErrorKind::InvalidMessage, text_of(message, violation))
}

/// Why a message is not allowed, in one sentence.
fn text_of(message: &Message, violation: &Violation) -> String {
    let Violation { to, conversation, protocol, note, .. } = violation;
    let (from, act) = (message.sender(), message.performative());
    let id: String = conversation.chars().take(64).collect();
    let place =
        format!("{protocol} does not let {from:?} say {act} to {to:?} in conversation {id:?}");
    if *note == Note::Repeated {
        return format!("{place}: that was said already");
    }
    let acts: Vec<&str> = violation.allowed().iter().map(|act| act.as_str()).collect();
    match acts.join(", ") {
        acts if !violation.is_known() => {
            format!("{place}: the two have no such conversation; one begins with {acts}")
        }
        acts if acts.is_empty() => format!("{place}: there is nothing that it may say to it there"),
        acts => format!("{place} now; it may say {acts}"),
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
