//! The queues of the journal, and the order in which batches take from them.
//!
//! Queues and families take turns. Whoever has written little in the current round comes first, so that a commit of
//! an agent that writes little waits for the batch that is being written, and not for all that write much.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use foldhash::fast::RandomState;

use super::super::staging::Staged;
use super::super::writer::Step;
use super::Entry;
use crate::spare::shrink;
use crate::store::Serial;

/// The most commits, and the greatest weight, of one batch, which is one transaction.
const BATCH_COMMITS: usize = 4096;
const BATCH_WEIGHT: usize = 1 << 20;
/// The greatest weight that one turn adds to a batch, unless a single piece is heavier.
const TURN_WEIGHT: usize = 256 << 10;
/// The most spare queues, and the most entries that each may have room for.
const SPARE: usize = 256;
const SPARE_ENTRIES: usize = 8;

#[derive(Default)]
pub(super) struct Queues {
    pub of: HashMap<Serial, Queue, RandomState>,
    /// Queues and families that have something to write and have written less than [`TURN_WEIGHT`] in this round.
    light: VecDeque<Turn>,
    /// The others that have something to write, in the order of their turns. A round is one turn of each.
    heavy: VecDeque<Turn>,
    /// The weight that each has written in this round, and the number of turns that are left of the round.
    written: HashMap<Turn, usize, RandomState>,
    left_of_round: usize,
    /// True if the last batch had no room for any of [`Queues::heavy`]: the next one begins with one of them.
    owes_heavy: bool,
    /// The family of each agent that was deployed through `ams`, named by the agent at the root of the
    /// deployments.
    pub families: HashMap<Serial, Serial, RandomState>,
    /// The queues of each family that have something to write, in the order of their turns.
    lines: HashMap<Serial, VecDeque<Serial>, RandomState>,
    /// Empty queues for later use, since nearly every commit opens a queue and ends one.
    spare: Vec<VecDeque<Box<Entry>>>,
    /// True if the store has to be looked after.
    pub is_due: bool,
    /// True for a relaxed store. Only the journal's own thread syncs it, so commits are not left to lent
    /// threads.
    pub is_relaxed: bool,
    /// The time at which `close` stops waiting; `None` before `close`.
    pub deadline: Option<Instant>,
    /// True once no commit is taken any more.
    pub is_closed: bool,
}

/// A turn of one queue, or of a family.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Turn {
    Of(Serial),
    OfFamily(Serial),
}

/// A batch while it is put together.
#[derive(Default)]
struct Batch {
    steps: Vec<Step>,
    weight: usize,
    /// The weight that the current turn has added.
    of_turn: usize,
    is_full: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    pub entries: VecDeque<Box<Entry>>,
    /// A commit before all entries, of which a part is written already.
    pub staged: Option<Box<Staged>>,
    /// Bytes of its unwritten commits, including those in the batch that is being written.
    pub bytes: usize,
    /// True if it is among [`Queues::turns`] or in the line of its family.
    pub is_listed: bool,
}

impl Queues {
    /// Returns the queue of this member, and makes it if there is none.
    pub fn open(&mut self, of: Serial) -> &mut Queue {
        let spare = &mut self.spare;
        let new = || Queue { entries: spare.pop().unwrap_or_default(), ..Queue::default() };
        self.of.entry(of).or_insert_with(new)
    }

    /// Removes a queue of which nothing is left.
    pub fn end(&mut self, of: Serial) {
        if let Some(Queue { entries, .. }) = self.of.remove(&of)
            && entries.capacity() <= SPARE_ENTRIES
            && self.spare.len() < SPARE
        {
            self.spare.push(entries);
        }
    }

    /// Returns the number of queues and families that have something to write.
    pub fn waiting(&self) -> usize {
        self.light.len() + self.heavy.len()
    }

    /// Lines a queue up for its turn, unless it is in line already.
    pub fn list(&mut self, of: Serial) {
        let Some(queue) = self.of.get_mut(&of).filter(|queue| !queue.is_listed) else { return };
        queue.is_listed = true;
        let Some(first) = self.families.get(&of) else {
            return self.line_up(Turn::Of(of));
        };
        let line = self.lines.entry(*first).or_default();
        line.push_back(of);
        if line.len() == 1 {
            let turn = Turn::OfFamily(*first);
            self.line_up(turn);
        }
    }

    fn line_up(&mut self, turn: Turn) {
        match self.written.get(&turn).is_some_and(|weight| *weight >= TURN_WEIGHT) {
            true => self.heavy.push_back(turn),
            false => self.light.push_back(turn),
        }
    }

    /// Takes the next batch: a little of each queue, in turns.
    pub fn next_batch(&mut self) -> Vec<Step> {
        let mut batch = Batch::default();
        let mut owes_heavy = std::mem::take(&mut self.owes_heavy);
        let heavy_waits = !self.heavy.is_empty();
        let mut has_heavy = false;
        for _ in 0..self.waiting() {
            let owed = if std::mem::take(&mut owes_heavy) { self.heavy.pop_front() } else { None };
            let light = if owed.is_none() { self.light.pop_front() } else { None };
            let is_light = light.is_some();
            let Some(turn) = owed.or(light).or_else(|| self.heavy.pop_front()) else { break };
            batch.of_turn = 0;
            let has_more = match turn {
                Turn::Of(of) => self.take(of, &mut batch),
                Turn::OfFamily(first) => self.take_of_family(first, &mut batch),
            };
            let comes_later = has_more && batch.is_full && batch.of_turn == 0;
            match (comes_later, is_light) {
                (true, true) => self.light.push_front(turn),
                (true, false) => self.heavy.push_front(turn),
                (false, _) => {
                    self.count(turn, batch.of_turn, is_light);
                    has_heavy |= !is_light;
                    if has_more {
                        self.heavy.push_back(turn);
                    }
                }
            }
            if batch.is_full {
                break;
            }
        }
        self.owes_heavy = batch.is_full && heavy_waits && !has_heavy;
        if self.heavy.is_empty() {
            // Nobody waits for the end of a round.
            self.begin_round();
        }
        batch.steps
    }

    /// Counts the turn of a queue or a family.
    fn count(&mut self, turn: Turn, weight: usize, is_light: bool) {
        if !is_light {
            self.left_of_round = self.left_of_round.saturating_sub(1);
        }
        if self.left_of_round == 0 {
            self.begin_round();
        }
        *self.written.entry(turn).or_default() += weight;
    }

    fn begin_round(&mut self) {
        self.written.clear();
        shrink(&mut self.written);
        self.left_of_round = self.heavy.len().max(1);
    }

    /// Closes the queues, and returns the steps that are left.
    pub fn close(&mut self) -> Vec<Step> {
        self.is_closed = true;
        self.light.clear();
        self.heavy.clear();
        self.lines.clear();
        let mut rest = Vec::new();
        for (_, queue) in self.of.drain() {
            rest.extend(queue.staged.map(Step::Staged));
            rest.extend(queue.entries.into_iter().map(Step::Whole));
        }
        rest
    }

    /// Lets `agent` share one turn with all other agents that `first` has deployed, directly or indirectly.
    pub fn join_family(&mut self, agent: Serial, first: Serial) {
        let first = self.families.get(&first).copied().unwrap_or(first);
        self.families.insert(agent, first);
    }

    /// Takes an agent that is gone out of its family.
    pub fn leave_family(&mut self, agent: Serial) {
        if self.families.remove(&agent).is_some() {
            shrink(&mut self.families);
        }
    }

    /// Takes as much of a queue as the batch and the turn have room for. Returns true if the queue has more.
    fn take(&mut self, of: Serial, batch: &mut Batch) -> bool {
        let Some(queue) = self.of.get_mut(&of) else { return false };
        queue.is_listed = false;
        while let Some(weight) = queue.next_weight() {
            if !batch.has_room(weight) {
                break;
            }
            let Some(step) = queue.take(of) else { break };
            let is_staged = matches!(step, Step::Staged(_));
            batch.steps.push(step);
            batch.weight += weight;
            batch.of_turn += weight;
            if is_staged {
                break;
            }
        }
        // The rest of a commit of several pieces is put back in front of the queue before the next batch is
        // taken.
        queue.is_listed = !queue.entries.is_empty() || queue.staged.is_some();
        let has_more = queue.is_listed;
        if queue.is_over() {
            self.end(of);
        }
        has_more
    }

    /// Does the same for the queues of a family, in their turns. Returns true if the family has more.
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
            if batch.is_full || batch.of_turn >= TURN_WEIGHT {
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
    /// Returns true if a step of this weight has room in the batch and in the current turn.
    fn has_room(&mut self, weight: usize) -> bool {
        let is_first = self.steps.is_empty();
        self.is_full =
            !is_first && self.weight + weight > BATCH_WEIGHT || self.steps.len() >= BATCH_COMMITS;
        !self.is_full && (self.of_turn == 0 || self.of_turn + weight <= TURN_WEIGHT)
    }
}

impl Queue {
    /// Returns true if nothing of it is left, not even in the batch that is being written.
    pub fn is_over(&self) -> bool {
        self.bytes == 0 && self.entries.is_empty() && self.staged.is_none()
    }

    /// Returns the weight of the next step, or `None` if there is none.
    fn next_weight(&self) -> Option<usize> {
        match &self.staged {
            Some(staged) => Some(staged.next_weight()),
            None => self.entries.front().map(|entry| entry.next_weight()),
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
