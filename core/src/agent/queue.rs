//! What waits for an agent, and who may run it: the state of a mailbox, under its one lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::OnStarted;
use super::due::Due;
use super::letter::Letter;
use super::line::Line;
use super::room::{Reservations, Waiter};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Loaded, Standing};
use crate::sandbox::InstancePermit;

/// How many turns an agent may be ahead of the store.
const MAX_UNSETTLED: u32 = 256;

#[derive(Default)]
pub(super) struct Inner {
    pub line: Line,
    /// Room that turns in progress hold.
    pub reserved: Reservations,
    /// Scripts that wait for room, in the order in which they came.
    pub waiters: VecDeque<Arc<Waiter>>,
    pub phase: Phase,
    pub gone: Option<Gone>,
    pub shutdown: bool,
    pub init: bool,
    /// What a script wants done between two turns.
    pub orders: VecDeque<Order>,
    /// Timers that have come due.
    pub due: Due,
    /// The last turn was a timer's: a message comes next.
    pub rang_last: bool,
    /// The agent is suspended: it takes no messages and no timers.
    pub paused: bool,
    /// The agent has crashed, and is not started again yet.
    pub delayed: bool,
    /// Turns that wait for the store.
    pub unsettled: u32,
}

/// What a script wants done with an agent between two turns.
pub(crate) enum Order {
    /// Its last turn, and a fresh start.
    Restart(OnStarted),
    /// Other code, with room for its instance beside the old one's.
    Replace(Loaded, InstancePermit, OnStarted),
}

/// The run token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody holds it, and there is nothing to do.
    #[default]
    Idle,
    /// The scheduler holds it.
    Queued,
    /// A worker, or a calling thread, runs a slice.
    Running,
    /// The same, and what the turn waits for has come meanwhile.
    Notified,
    /// A turn waits in a host call.
    Waiting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Failed,
    Removed,
}

/// Why a mailbox did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    /// The agent has failed for good.
    Failed,
    /// The agent is no longer here.
    Removed,
}

impl Inner {
    pub fn push(&mut self, letter: Letter) -> bool {
        self.enter(letter);
        self.schedule()
    }

    /// Puts a letter at the end; from now on the store may have it.
    pub fn enter(&mut self, letter: Letter) {
        letter.submit();
        self.line.push(letter);
    }

    /// Hands the run token to the scheduler where nobody holds it and there is something to do;
    /// whether it did.
    pub fn schedule(&mut self) -> bool {
        let begins = self.phase == Phase::Idle && self.ready();
        if begins {
            self.phase = Phase::Queued;
        }
        begins
    }

    /// Drops messages that the store could not keep: whoever sent them has been told.
    pub fn drop_unkept(&mut self) {
        while self.line.front().is_some_and(|letter| letter.standing() == Standing::Failed) {
            drop(self.line.pop());
        }
    }

    /// Whether the next message is one that may be handled.
    pub fn has_settled_letter(&self) -> bool {
        self.line.front().is_some_and(|letter| letter.standing() != Standing::Pending)
    }

    /// Whether there is something that can be done now.
    pub fn ready(&self) -> bool {
        self.shutdown
            || !self.orders.is_empty()
            || (!self.delayed
                && (self.init
                    || (!self.paused
                        && self.unsettled < MAX_UNSETTLED
                        && (self.has_settled_letter() || !self.due.is_empty()))))
    }

    pub fn check_here(&self) -> Result<(), Refusal> {
        match self.gone {
            None => Ok(()),
            Some(Gone::Failed) => Err(Refusal::Failed),
            Some(Gone::Removed) => Err(Refusal::Removed),
        }
    }

    pub fn end(&mut self, gone: Gone) -> (Vec<Letter>, Vec<Waker>) {
        self.gone = Some(gone);
        self.init = false;
        self.delayed = false;
        self.due.clear();
        let waiting = self.line.drain();
        let mut wakers = Vec::new();
        for waiter in self.waiters.drain(..) {
            let refusal = if gone == Gone::Failed { Refusal::Failed } else { Refusal::Removed };
            // Who waits is told by the error of the call, not by a message.
            drop(waiter.take());
            wakers.extend(waiter.finish(Err(refusal)));
        }
        (waiting, wakers)
    }
}

impl Refusal {
    /// The error that a script gets.
    pub fn to_error(self, name: &str) -> Error {
        match self {
            Refusal::Full => Error::new(
                ErrorKind::MailboxFull,
                format!("the mailbox of {name:?} is full; try again later, or wait with `send`"),
            ),
            Refusal::Failed => Error::new(
                ErrorKind::AgentFailed,
                format!("{name:?} has failed and takes no messages; see its logs"),
            ),
            Refusal::Removed => {
                Error::new(ErrorKind::AgentNotFound, format!("{name:?} has been removed"))
            }
        }
    }
}
