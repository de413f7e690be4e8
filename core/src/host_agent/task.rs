//! A message that a host agent has to handle, and what it answers.

use std::sync::Arc;

use super::HostAgent;
use super::desk::Desk;
use crate::agent::Letter;
use crate::conversation::Protocol;
use crate::error::ErrorKind;
use crate::lent::lend_after;
use crate::message::{Draft, Message, Performative};
use crate::runtime::{Core, Post};

/// Takes the messages of a host agent.
///
/// `handle` is called on a worker, or on a thread that waits for what it answers, so it must not block: it
/// hands the task to somebody who may.
pub trait Handler: Send + Sync + 'static {
    /// Takes one message. At most `concurrency` tasks are given out at once, in order.
    fn handle(&self, task: Task);
}

/// One message that a host agent has to handle. A task that is dropped without an answer fails.
pub struct Task {
    letter: Letter,
    key: u64,
    at: Option<At>,
}

/// The host agent that has a task, and the desk at which it is handled.
struct At {
    host: Arc<HostAgent>,
    desk: Arc<Desk>,
}

/// What a host agent answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// This content, as JSON, in the act that says yes to the message: a `propose` to a `cfp`, an
    /// `accept-proposal` to a `propose`, and else an `inform`. It is sent to nobody if the message asks for nothing: if
    /// it has no `reply_with`, and its act is not answered in its protocol.
    Content(Vec<u8>),
    /// This message. Its receiver, and what ties it to the message that it answers, may be missing.
    Message(Draft),
    /// A `failure` with this sentence.
    Failure(String),
    /// A `refuse` with this sentence, or what stands for it in the message's protocol: a
    /// `reject-proposal` to a `propose`, and a `failure` of what was agreed to before.
    Refusal(String),
    /// A `not-understood` with this sentence.
    NotUnderstood(String),
}

impl Reply {
    /// What a handler answers that has failed with an error of this code: `refused` is a `refuse`,
    /// `not_understood` a `not-understood`, and anything else a `failure`.
    pub fn of_error(code: &str, text: String) -> Self {
        if code == ErrorKind::Refused.code() {
            Reply::Refusal(text)
        } else if code == ErrorKind::NotUnderstood.code() {
            Reply::NotUnderstood(text)
        } else {
            Reply::Failure(text)
        }
    }
}

/// Names a task that is being handled, so that an ask made from within it can be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Within(pub(crate) u64, pub(crate) u64);

impl Task {
    pub(super) fn new(letter: Letter, key: u64, host: Arc<HostAgent>, desk: Arc<Desk>) -> Self {
        Task { letter, key, at: Some(At { host, desk }) }
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.letter.message
    }

    /// To be given to asks that are made while this task is handled: one that would come back to a
    /// handler that waits for it fails at once.
    pub fn within(&self) -> Within {
        Within(self.at.as_ref().map_or(0, |at| at.host.serial), self.key)
    }

    /// Ends a task that no handler takes: what wants an answer is not understood.
    pub(super) fn finish_unhandled(self) {
        let act = self.letter.message.performative();
        // An auction's winner has nothing to say.
        let is_award = act == Performative::AcceptProposal
            && matches!(
                self.letter.message.protocol().and_then(Protocol::named),
                Some(Protocol::ContractNet | Protocol::IteratedContractNet)
            );
        let wants_answer = act.asks() || is_award || act == Performative::Cancel;
        let reply = match wants_answer {
            true => Reply::NotUnderstood(format!("there is no handler for {act} here")),
            false => Reply::Nothing,
        };
        self.finish(reply);
    }

    /// Answers the message and ends the task.
    pub fn finish(mut self, reply: Reply) {
        if let Some(at) = self.at.take() {
            lend_after(|| at.finish(self.key, &self.letter, reply));
        }
    }

    /// Ends the task with `work`: what that changes and sends is in one commit with the message.
    pub(crate) fn settle(mut self, work: impl FnOnce(&Arc<Core>, &Letter, Post<'_>)) {
        if let Some(At { host, desk }) = self.at.take() {
            let work = |post: Post<'_>| work(&host.core, &self.letter, post);
            desk.settle(&host, self.key, &self.letter, work);
        }
    }

    /// The runtime of the host agent. Only a task that has been answered has none, and is gone.
    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        self.at.as_ref().map(|at| &at.host.core)
    }

    pub(crate) fn letter(&self) -> &Letter {
        &self.letter
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(at) = self.at.take() {
            let text = "the handler ended without an answer".to_owned();
            at.finish(self.key, &self.letter, Reply::Failure(text));
        }
    }
}

impl At {
    fn finish(self, key: u64, letter: &Letter, reply: Reply) {
        let At { host, desk } = self;
        desk.settle(&host, key, letter, |post| host.answer(letter, reply, post));
    }
}
