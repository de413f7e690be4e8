//! A message on its way to one receiver.

use std::sync::Arc;

use crate::message::Message;
use crate::runtime::Ask;

/// Why a receiver gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is a receiver.
    Direct,
    /// It subscribed to messages like this one.
    Copy,
    /// The host reports a failure.
    Failure,
}

/// One message for one receiver, with what the host knows of it.
#[derive(Clone)]
pub(crate) struct Letter {
    pub message: Message,
    /// The ask that this message is part of, however many agents passed it on.
    pub ask: Option<Arc<Ask>>,
    pub kind: Kind,
}

impl Letter {
    pub fn direct(message: Message, ask: Option<Arc<Ask>>) -> Self {
        Letter { message, ask, kind: Kind::Direct }
    }

    /// Whether who sent this waits for an answer, and so does whoever waits for the sender.
    pub fn wants_answer(&self) -> bool {
        self.kind == Kind::Direct
            && (self.message.reply_with().is_some() || self.message.performative().asks())
    }

    /// Whether the host may answer this with a failure. It never does for a failure, a
    /// `not-understood` or a copy, so that no two agents feed each other errors for ever.
    pub fn may_fail(&self) -> bool {
        self.kind == Kind::Direct && !self.message.performative().ends_talk()
    }
}
