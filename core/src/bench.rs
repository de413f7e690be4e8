//! Parts of the runtime, each alone, for `cargo bench`. No part of the interface: it may change at any
//! time.

use std::sync::Arc;

use smallvec::smallvec;

use crate::agent::{self, Letter, Next};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::message::{Draft, Message};
use crate::runtime::{Post, Runtime, Unwritten};
use crate::sandbox::{Addressee, Effect, Receiver, Sent};
use crate::scheduler::Trial;

/// A mailbox through which a message goes.
pub struct Mailbox {
    mailbox: agent::Mailbox,
    message: Message,
}

impl Mailbox {
    /// An empty mailbox, and what goes through it.
    #[must_use]
    pub fn new(message: Message) -> Self {
        Mailbox { mailbox: agent::Mailbox::new(&Limits::default(), Unwritten::default()), message }
    }

    /// Puts the message in, and takes it out; whether it came.
    pub fn pass(&self) -> bool {
        let letter = Letter::direct(self.message.clone(), None);
        let schedules = self.mailbox.push(letter).is_ok_and(|wakes| wakes);
        self.mailbox.begin_slice();
        let came = matches!(self.mailbox.next(true), Next::Message(_));
        self.mailbox.rest();
        schedules && came
    }
}

/// The queues of a worker, in which items wait that take turns of 0.9 µs.
pub struct RunQueue(Trial);

impl RunQueue {
    /// So many items with the first of so many workers.
    #[must_use]
    pub fn new(workers: usize, items: usize) -> Self {
        RunQueue(Trial::new(workers, items))
    }

    /// Takes the next item out, and queues it again; whether there was one.
    pub fn pass(&mut self) -> bool {
        self.0.pass()
    }
}

/// An outbox of one message, which is worked off again and again.
pub struct Commit {
    from: Arc<agent::Agent>,
    to: Arc<agent::Agent>,
    message: Message,
}

impl Commit {
    /// The record of agent `from`, whose `draft` goes to the agent `to`, which has been suspended.
    ///
    /// # Errors
    ///
    /// `AgentNotFound`, `InvalidMessage`.
    pub fn new(runtime: &Runtime, from: &str, to: &str, draft: &Draft) -> Result<Self, Error> {
        let agent = |name| match runtime.core().member(name)? {
            Member::Agent(agent) => Ok(agent),
            Member::Host(_) => Err(Error::new(ErrorKind::AgentNotFound, "that is a host agent")),
        };
        let message = runtime.core().stamp_draft(draft, from)?;
        Ok(Commit { from: agent(from)?, to: agent(to)?, message })
    }

    /// Works off the outbox, and takes the message out of the receiver's mailbox; whether it was there.
    pub fn commit(&self) -> bool {
        let who = Addressee::Member(Member::Agent(self.to.clone()).into_found());
        let sent = Sent { message: self.message.clone(), is_free: false, is_reply: false };
        let effects = smallvec![Effect::Send(sent, smallvec![Receiver { at: 0, who }])];
        agent::Outbox::new(effects, None, None).advance(&self.from, 1, Post::outside());
        self.to.mailbox.withdraw(self.message.message_id())
    }
}
