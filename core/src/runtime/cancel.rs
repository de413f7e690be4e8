//! Withdrawing what was asked.

use std::sync::Arc;

use super::ask::Ask;
use super::core::{Core, Party};
use super::following::Waiting;
use super::posting::Post;
use crate::agent::Letter;
use crate::directory::Member;
use crate::message::{Draft, Performative};

/// What a `cancel` withdraws: what an ask has begun in a conversation.
pub(crate) struct Begun<'a> {
    pub ask: &'a Arc<Ask>,
    pub protocol: &'a str,
    pub conversation_id: &'a str,
}

impl Core {
    /// Withdraws what was asked of `member`, without waiting for room in its mailbox.
    pub fn cancel(&self, begun: &Begun<'_>, member: &Member) {
        let act = Performative::Cancel.as_str();
        let key = begun.ask.key_of("cancel");
        let draft = Draft::with_raw_content(act, Some(member.name()), b"null")
            .field("protocol", begun.protocol)
            .field("conversation_id", begun.conversation_id)
            .field("reply_with", &key);
        let message = match self.stamp_draft(&draft, begun.ask.asker()) {
            Ok(message) => message,
            Err(error) => return tracing::warn!(%error, "a cancel could not be written"),
        };
        self.alone_of(Party::SCRIPT.0, Post::outside(), |post| {
            // Where nothing is under way there is nothing to withdraw.
            let (from, by) = (Party::SCRIPT, Waiting::Caller);
            let Ok(following) = self.follow_own(from, &message, by, post) else { return };
            following.keep();
            self.observe(&message, post);
            let letter = Letter::direct(message, Some(begun.ask.clone()));
            if let Err((_, letter)) = self.deliver(member, letter, post) {
                self.keep_dead(letter.message, "its receiver had no room for it", post);
            }
        });
    }

    /// Takes what still comes for an ask that nobody waits for any more.
    pub fn let_linger(&self, ask: &Arc<Ask>) {
        if let Some(over) = self.lingering.push(ask) {
            self.asks.remove(&over);
        }
    }
}
