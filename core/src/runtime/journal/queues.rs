//! The queues of the journal, and whose turn it is.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use foldhash::fast::RandomState;

use super::super::staging::Staged;
use super::super::writer::Step;
use super::Entry;
use crate::spare::shrink;
use crate::store::Serial;

/// The most commits and bytes of one batch, which is one transaction.
const BATCH_COMMITS: usize = 4096;
const BATCH_BYTES: usize = 1 << 20;
/// The most bytes of a batch that are of one turn, unless it is one piece.
const TURN_BYTES: usize = 256 << 10;
/// Empty queues of entries that are kept at most, and the room of such a one.
const SPARE: usize = 256;
const SPARE_ENTRIES: usize = 8;

#[derive(Default)]
pub(super) struct Queues {
    pub of: HashMap<Serial, Queue, RandomState>,
    /// From whom something can be taken, in the order in which it is their turn.
    pub turns: VecDeque<Turn>,
    /// Who has deployed an agent, at first: those that one has deployed are a family.
    pub families: HashMap<Serial, Serial, RandomState>,
    /// The queues of a family from which something can be taken, by who has deployed it.
    lines: HashMap<Serial, VecDeque<Serial>, RandomState>,
    /// Empty queues of entries, for those that come next: nearly every commit opens one and is the end of one.
    spare: Vec<VecDeque<Box<Entry>>>,
    /// The store wants to be looked after.
    pub is_due: bool,
    /// A relaxed store is synced from time to time, which only its own thread does.
    pub is_relaxed: bool,
    /// When the runtime wants to be closed.
    pub deadline: Option<Instant>,
    /// Nothing is written any more.
    pub is_closed: bool,
}

/// Whose turn it is.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    Of(Serial),
    OfFamily(Serial),
}

/// A batch that is being put together.
#[derive(Default)]
struct Batch {
    steps: Vec<Step>,
    bytes: usize,
    /// Bytes of the turn that is being taken.
    of_turn: usize,
    is_full: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    pub entries: VecDeque<Box<Entry>>,
    /// The one before them all, of which a part is written already.
    pub staged: Option<Box<Staged>>,
    /// Bytes that are unwritten, also of what is being written.
    pub bytes: usize,
    /// It is among [`Queues::turns`], or in the line of its family.
    pub is_listed: bool,
}

impl Queues {
    /// The queue of this member, which is empty where there was none.
    pub fn open(&mut self, of: Serial) -> &mut Queue {
        let spare = &mut self.spare;
        let new = || Queue { entries: spare.pop().unwrap_or_default(), ..Queue::default() };
        self.of.entry(of).or_insert_with(new)
    }

    /// Forgets a queue of which nothing is left.
    pub fn end(&mut self, of: Serial) {
        if let Some(Queue { entries, .. }) = self.of.remove(&of)
            && entries.capacity() <= SPARE_ENTRIES
            && self.spare.len() < SPARE
        {
            self.spare.push(entries);
        }
    }

    /// Gives a queue its turn, unless it waits for it already, or for what is being written of it.
    pub fn list(&mut self, of: Serial) {
        let Some(queue) = self.of.get_mut(&of).filter(|queue| !queue.is_listed) else { return };
        queue.is_listed = true;
        let Some(first) = self.families.get(&of) else {
            return self.turns.push_back(Turn::Of(of));
        };
        let line = self.lines.entry(*first).or_default();
        line.push_back(of);
        if line.len() == 1 {
            self.turns.push_back(Turn::OfFamily(*first));
        }
    }

    /// What is to be written next: of each a little, in turns.
    pub fn next_batch(&mut self) -> Vec<Step> {
        let mut batch = Batch::default();
        for _ in 0..self.turns.len() {
            let Some(turn) = self.turns.pop_front() else { break };
            batch.of_turn = 0;
            let has_more = match turn {
                Turn::Of(of) => self.take(of, &mut batch),
                Turn::OfFamily(first) => self.take_of_family(first, &mut batch),
            };
            if has_more {
                match batch.is_full && batch.of_turn == 0 {
                    true => self.turns.push_front(turn),
                    false => self.turns.push_back(turn),
                }
            }
            if batch.is_full {
                break;
            }
        }
        batch.steps
    }

    /// Takes nothing more; what is left.
    pub fn close(&mut self) -> Vec<Step> {
        self.is_closed = true;
        self.turns.clear();
        self.lines.clear();
        let mut rest = Vec::new();
        for (_, queue) in self.of.drain() {
            rest.extend(queue.staged.map(Step::Staged));
            rest.extend(queue.entries.into_iter().map(Step::Whole));
        }
        rest
    }

    /// An agent takes its turns with all others that `first` has deployed, or somebody whom that one has.
    pub fn join_family(&mut self, agent: Serial, first: Serial) {
        let first = self.families.get(&first).copied().unwrap_or(first);
        self.families.insert(agent, first);
    }

    /// An agent is gone.
    pub fn leave_family(&mut self, agent: Serial) {
        if self.families.remove(&agent).is_some() {
            shrink(&mut self.families);
        }
    }

    /// Takes as much of a queue as the batch and the turn have room for; whether it has more.
    fn take(&mut self, of: Serial, batch: &mut Batch) -> bool {
        let Some(queue) = self.of.get_mut(&of) else { return false };
        queue.is_listed = false;
        while let Some(size) = queue.next_bytes() {
            if !batch.has_room(size) {
                break;
            }
            let Some(step) = queue.take(of) else { break };
            let is_staged = matches!(step, Step::Staged(_));
            batch.steps.push(step);
            batch.bytes += size;
            batch.of_turn += size;
            if is_staged {
                break;
            }
        }
        // The rest of a commit of several pieces is put back before the next batch is taken, and comes
        // before what stands behind it.
        queue.is_listed = !queue.entries.is_empty() || queue.staged.is_some();
        let has_more = queue.is_listed;
        if queue.is_over() {
            self.end(of);
        }
        has_more
    }

    /// The same of the queues of a family, in their turns.
    fn take_of_family(&mut self, first: Serial, batch: &mut Batch) -> bool {
        let Some(mut line) = self.lines.remove(&first) else { return false };
        for _ in 0..line.len() {
            let Some(of) = line.pop_front() else { break };
            let taken = batch.steps.len();
            if self.take(of, batch) {
                match batch.steps.len() == taken {
                    true => line.push_front(of),
                    false => line.push_back(of),
                }
            }
            if batch.is_full || batch.of_turn >= TURN_BYTES {
                break;
            }
        }
        let has_more = !line.is_empty();
        if has_more {
            self.lines.insert(first, line);
        }
        has_more
    }
}

impl Batch {
    /// Whether a step of `bytes` has a place in it, and in the turn that is being taken.
    fn has_room(&mut self, bytes: usize) -> bool {
        let is_first = self.steps.is_empty();
        self.is_full =
            !is_first && self.bytes + bytes > BATCH_BYTES || self.steps.len() >= BATCH_COMMITS;
        !self.is_full && (self.of_turn == 0 || self.of_turn + bytes <= TURN_BYTES)
    }
}

impl Queue {
    /// Whether nothing of it is left.
    pub fn is_over(&self) -> bool {
        self.bytes == 0 && self.entries.is_empty() && self.staged.is_none()
    }

    /// Bytes of what is taken next.
    fn next_bytes(&self) -> Option<usize> {
        match &self.staged {
            Some(staged) => Some(staged.next_bytes()),
            None => self.entries.front().map(|entry| entry.next_bytes()),
        }
    }

    fn take(&mut self, of: Serial) -> Option<Step> {
        if let Some(staged) = self.staged.take() {
            return Some(Step::Staged(staged));
        }
        let entry = self.entries.pop_front()?;
        Some(Staged::begin(of, entry).map_or_else(Step::Whole, Step::Staged))
    }
}

#[cfg(test)]
mod tests;
