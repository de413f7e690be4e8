//! Taking turns back that the store could not keep.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::queue::Refusal;
use super::{Agent, Alarm, Lane, Letter, OpenTurn, Timer};
use crate::conversation::Said;
use crate::datum::Datum;
use crate::error::Error;
use crate::message::Filter;
use crate::sandbox::{Level, Made, Seat};

/// How long an agent rests after the store has failed.
const REST: Duration = Duration::from_millis(100);

/// How one change of an agent is taken back.
pub(crate) enum Undo {
    /// What was stored under a key before.
    Data(Datum),
    TimerSet(u32),
    TimerEnded(u32, Timer),
    SubscriptionBegun(u32),
    SubscriptionEnded(u32, Filter, Made),
    /// What ran before other code did.
    Code(Arc<Seat>),
    /// A message was entered in its conversation.
    Said(Said),
    /// The answer with this number was due.
    Due(u64),
}

/// What turns had consumed that were taken back, and is not handled again.
pub(crate) struct InVain {
    /// Asks that no store keeps: who asked is told.
    asked: Vec<Letter>,
    /// What an agent takes no more that has come to its end.
    refused: Option<(Refusal, Vec<Letter>)>,
}

impl Agent {
    /// Grows with each failure of the store that took turns of this agent back. A turn that began in
    /// an earlier generation saw what never happened: it is taken back too.
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Begins a new generation, once all is as it was before. The caller holds
    /// [`Agent::commit_lock`].
    pub fn begin_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes the changes of one turn back, the last first. The caller holds
    /// [`Agent::commit_lock`].
    pub fn undo(self: &Arc<Self>, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            match step {
                Undo::Data(old) => drop(self.face.holdings.put(old)),
                Undo::TimerSet(id) => drop(self.core.forget_timer(self, id)),
                Undo::TimerEnded(id, timer) => self.core.set_timer(self, id, timer),
                Undo::SubscriptionBegun(id) => drop(self.core.take_subscription(self, id)),
                Undo::SubscriptionEnded(id, filter, made) => {
                    self.core.put_subscription(self, id, filter, made);
                }
                Undo::Code(seat) => self.seat.store(seat),
                said @ (Undo::Said(_) | Undo::Due(..)) => self.core.unsay(said),
            }
        }
    }

    /// Takes a turn back that was sealed and will not be committed. The caller holds
    /// [`Agent::commit_lock`].
    pub(super) fn void(self: &Arc<Self>, turn: OpenTurn, error: &Error) {
        let (commit, parts) = turn.posting.finish();
        self.undo(parts.undo);
        commit.fail(error.clone());
        for member in parts.mailboxes {
            member.settle(commit.queue());
        }
        // A letter that the store has is handled when that is opened again.
        if let Some(ask) = turn.consumed.and_then(|letter| letter.ask) {
            ask.fail(error.clone());
        }
    }

    /// Puts back what turns had consumed that were taken back: what was sent is handled again, after
    /// a rest. What is not is for [`Agent::taken_back`].
    pub fn put_back(&self, consumed: Vec<Letter>) -> InVain {
        let (again, asked) =
            consumed.into_iter().partition(|letter| letter.ask.is_none() || letter.row.is_some());
        InVain { asked, refused: self.mailbox.put_back(again).err() }
    }

    /// Tells those whose messages are not handled again, and ends the rest when it is time.
    pub fn taken_back(self: &Arc<Self>, in_vain: InVain, error: &Error) {
        self.face.log(Level::Error, &format!("turns were taken back: {error}"));
        for ask in in_vain.asked.into_iter().filter_map(|letter| letter.ask) {
            ask.fail(error.clone());
        }
        if let Some((refusal, letters)) = in_vain.refused {
            self.core.end_letters(letters, self.name(), refusal, self.face.serial);
        }
        let due = self.core.source.now_micros().saturating_add(REST.as_micros() as u64);
        self.core.timers.set(due, self, Alarm::Restart);
    }

    /// A commit of this agent has come to its end, good or bad.
    pub fn turn_settled(self: &Arc<Self>, bytes: usize) {
        if self.mailbox.turn_settled(bytes) {
            self.schedule(Lane::outside());
        }
    }
}
