//! An ask that is waited for: what becomes of it when nobody waits any more.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::ask::Ask;
use super::cancel::Begun;
use super::core::Core;
use super::posting::Post;
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::message::Message;

/// An ask in the table of asks; taken out when it is answered, given up or dropped.
pub(super) struct Waiting<'a> {
    core: &'a Core,
    pub ask: Arc<Ask>,
    pub message: Message,
    pub members: SmallVec<[Member; 1]>,
}

impl<'a> Waiting<'a> {
    pub fn enter(
        core: &'a Core,
        ask: Arc<Ask>,
        message: Message,
        members: SmallVec<[Member; 1]>,
    ) -> Self {
        core.asks.enter(&ask);
        Waiting { core, ask, message, members }
    }

    pub fn timed_out(&self, timeout: Duration) -> Error {
        let withdrawn = self.give_up();
        for member in &self.members {
            self.core.tell_deadline(&self.message, member.name(), Post::outside());
        }
        let name = self.message.receiver();
        let state = if withdrawn {
            "the message still waited in its mailbox, and was taken out"
        } else {
            "the message has been handed over; a reply that still comes becomes a dead letter"
        };
        Error::new(
            ErrorKind::Timeout,
            format!("{name:?} did not answer within {timeout:?}: {state}"),
        )
    }

    /// Whether the message was still in a mailbox.
    fn give_up(&self) -> bool {
        if self.ask.lingers() || !self.ask.give_up() {
            return false;
        }
        if let Some(conversation) = self.message.conversation_id()
            && self.message.protocol().is_some()
        {
            let now = self.core.source.now_micros();
            for member in &self.members {
                let asker = self.message.sender();
                self.core.book.gave_up(conversation, asker, member.name(), now);
            }
        }
        let withdrawn = self.withdraw();
        if !withdrawn && self.ask.has_agreed() {
            self.cancel();
        }
        withdrawn
    }

    /// Tells whoever has agreed that nobody waits for the result any more.
    fn cancel(&self) {
        if let (Some(protocol), Some(conversation_id)) =
            (self.message.protocol(), self.message.conversation_id())
        {
            let begun = Begun { ask: &self.ask, protocol, conversation_id };
            // The answer may come at once.
            self.core.let_linger(&self.ask);
            for member in &self.members {
                self.core.cancel(&begun, member);
            }
        }
    }

    /// Takes the message out of the mailboxes in which it still waits; whether it did.
    fn withdraw(&self) -> bool {
        let id = self.message.message_id();
        self.members.iter().fold(false, |withdrawn, member| {
            withdrawn
                | match member {
                    Member::Agent(agent) => agent.mailbox.withdraw(id),
                    Member::Host(host) => host.withdraw(id),
                }
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.give_up();
        if !self.ask.lingers() {
            self.core.asks.remove(&self.ask);
        }
    }
}
