//! A message on its way to one receiver.

use std::sync::Arc;

use crate::message::{Message, Performative};
use crate::runtime::{Ask, Commit, Post, Standing, Terms};
use crate::store::{Change, Row, Serial};

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
    /// The terms on which it was sent. A store does not keep them.
    pub terms: Terms,
    /// The serial of who sent it, where that is known: a store keeps only the name.
    pub from: Option<u64>,
    /// Its number in the store, where it is kept.
    pub row: Option<Row>,
    /// The commit that it is part of, where that may not be on disk yet.
    pub commit: Option<Arc<Commit>>,
    /// Where it stands in the mailbox that took it: what came later has a higher one.
    pub place: u64,
}

impl Kind {
    /// The kind as a store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Direct => "direct",
            Kind::Copy => "copy",
            Kind::Failure => "failure",
        }
    }

    /// Reads a kind as a store keeps it.
    pub fn parse(text: &str) -> Option<Self> {
        [Kind::Direct, Kind::Copy, Kind::Failure].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Letter {
    pub fn new(message: Message, ask: Option<Arc<Ask>>, kind: Kind) -> Self {
        Letter {
            message,
            ask,
            kind,
            terms: Terms::default(),
            from: None,
            row: None,
            commit: None,
            place: 0,
        }
    }

    /// Says who sent it.
    #[must_use]
    pub fn sent_by(self, serial: u64) -> Self {
        Letter { from: Some(serial), ..self }
    }

    /// The serial of its sender, if that wants the answer to be sent to this name, which is not its own.
    pub fn wants_for(&self, name: &str) -> Option<Serial> {
        let is_meant = self.message.reply_to() == Some(name) && name != self.message.sender();
        self.from.filter(|_| is_meant)
    }

    /// Takes it out of the store again.
    #[must_use]
    pub fn unhold(self, post: Post<'_>) -> Self {
        self.end(post);
        Letter { row: None, commit: None, ..self }
    }

    /// It has been dealt with: the store keeps it no longer.
    pub fn end(&self, post: Post<'_>) {
        if let Some(row) = self.row {
            post.change(|| Change::NoLetter { row, message: self.message.clone() });
        }
    }

    /// Whose queue of the journal it stands in, or would stand in: in that order it arrives.
    pub fn queue(&self) -> Option<Serial> {
        self.commit.as_ref().map(|commit| commit.queue()).or(self.from)
    }

    /// How the commit stands that it is part of.
    pub fn standing(&self) -> Standing {
        self.commit.as_ref().map_or(Standing::Done, |commit| commit.standing())
    }

    /// Hands its commit to the store, where that holds nothing else.
    pub fn submit(&self) {
        if let Some(commit) = &self.commit {
            commit.submit();
        }
    }

    pub fn direct(message: Message, ask: Option<Arc<Ask>>) -> Self {
        Letter::new(message, ask, Kind::Direct)
    }

    /// Whether who sent this waits for an answer, and so does whoever waits for the sender.
    pub fn wants_answer(&self) -> bool {
        self.kind == Kind::Direct
            && (self.message.reply_with().is_some() || self.message.performative().asks())
    }

    /// Returns true if a returned value answers this. One for a message that nobody wants answered would make handlers
    /// answer each other for ever.
    pub fn takes_answer(&self) -> bool {
        let is_award = self.message.performative() == Performative::AcceptProposal;
        self.wants_answer() || (self.kind == Kind::Direct && is_award)
    }

    /// Whether the host may answer this with a failure. It never does for a failure, a `not-understood` or a
    /// copy, nor for what an agent sends while it handles a failure, so that no two agents feed each other
    /// errors for ever.
    pub fn may_fail(&self) -> bool {
        self.kind == Kind::Direct
            && !self.terms.is_quiet
            && !self.message.performative().ends_talk()
    }
}
