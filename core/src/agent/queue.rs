//! What waits for an agent, and who may run it: the state of a mailbox, under its one lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::OnStarted;
use super::due::Due;
use super::letter::Letter;
use super::line::Line;
use super::pending::Pending;
use super::room::{Reservations, Waiter};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Loaded, Standing, Unwritten};
use crate::sandbox::InstancePermit;

#[derive(Default)]
pub(super) struct Inner {
    /// What can be handled.
    pub line: Line,
    /// What can be once its commit is on disk.
    pub pending: Pending,
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
    /// What waits for the store of this agent's turns.
    pub unwritten: Unwritten,
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
    /// The scheduler holds it, for the next turn.
    Queued,
    /// The scheduler holds it, in the middle of a turn.
    Halfway,
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

    /// Puts a letter at the end, or among those that wait for the store, which may have it from now on.
    pub fn enter(&mut self, letter: Letter) {
        letter.submit();
        if self.pending.holds_back(&letter) {
            self.pending.push(letter);
        } else if letter.standing() != Standing::Failed {
            // One that has failed by now was told to its sender.
            self.line.push(letter);
        }
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

    /// Whether there is something that can be done now.
    pub fn ready(&self) -> bool {
        self.shutdown
            || !self.orders.is_empty()
            || (!self.delayed
                && (self.init
                    || (!self.paused
                        && !self.unwritten.is_behind()
                        && (!self.line.is_empty() || !self.due.is_empty()))))
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
        let mut waiting = self.line.drain();
        // What the store keeps is ended once it is on disk: before that it may yet come to nothing.
        waiting.extend(self.pending.drain_unkept());
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
