//! Who writes the journal's commits to the store, and what becomes of those that it cannot keep.

use std::collections::BTreeMap;
use std::iter::once;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::events::EventKind;
use super::journal::{Entry, Journal, SYNC_EVERY};
use super::posting::{Commit, CommittedTurn, Outward, Parts, Post, closed};
use super::staging::{Advanced, Piece, Staged, cut};
use crate::agent::OpenTurn;
use crate::error::Error;
use crate::store::{Change, Serial, Storage, Write};

/// What one batch writes of one commit.
pub(super) enum Step {
    /// All of it.
    Whole(Box<Entry>),
    /// The next piece.
    Staged(Box<Staged>),
}

/// What it takes to write.
pub(super) struct Writer {
    journal: Arc<Journal>,
    core: Arc<Core>,
    storage: Box<dyn Storage>,
    /// When the first commit was written that is not durable yet.
    unsynced_since: Option<Duration>,
}

impl Writer {
    pub fn new(journal: &Arc<Journal>, core: &Arc<Core>, storage: Box<dyn Storage>) -> Self {
        Writer { journal: journal.clone(), core: core.clone(), storage, unsynced_since: None }
    }

    /// Closes the store.
    pub fn close(self) -> Result<(), Error> {
        self.storage.close()
    }

    /// Whether the store wants to be looked after.
    pub fn is_due(&self) -> bool {
        self.storage.is_due()
    }

    /// How long it may be left alone.
    pub fn syncs_within(&self) -> Option<Duration> {
        self.unsynced_since.map(|_| SYNC_EVERY)
    }

    /// Syncs the store when it is time.
    pub fn look_after(&mut self) {
        let now = self.core.source.elapsed();
        let is_late = |since: Duration| now.saturating_sub(since) >= SYNC_EVERY;
        if !self.storage.is_due() && !self.unsynced_since.is_some_and(is_late) {
            return;
        }
        match self.storage.sync() {
            Ok(()) => self.unsynced_since = None,
            Err(error) => {
                tracing::error!(%error, "the store could not be synced; it is tried again");
                self.unsynced_since = self.unsynced_since.map(|_| now);
            }
        }
    }

    /// Writes a batch; whether some of it is kept back, since the store has failed.
    pub fn write(&mut self, batch: Vec<Step>) -> bool {
        if batch.is_empty() {
            return false;
        }
        let mut writes = Vec::with_capacity(batch.len());
        for step in &batch {
            match step {
                Step::Whole(entry) if entry.parts.changes.is_empty() => {}
                Step::Whole(entry) => writes.push(Write::Whole(&entry.parts.changes)),
                Step::Staged(staged) => staged.writes(&mut writes),
            }
        }
        let result = if writes.is_empty() { Ok(()) } else { self.storage.commit(&writes) };
        drop(writes);
        match result {
            Ok(()) => {
                if self.storage.is_relaxed() && self.unsynced_since.is_none() {
                    self.unsynced_since = Some(self.core.source.elapsed());
                }
                self.journal.are_through(batch.iter().filter_map(|step| match step {
                    Step::Whole(entry) => Some((entry.queue(), entry.bytes)),
                    Step::Staged(_) => None,
                }));
                for step in batch {
                    match step {
                        Step::Whole(entry) => self.let_out(*entry),
                        Step::Staged(staged) => match staged.advance() {
                            Advanced::GoesOn(staged) => {
                                self.journal.put_back(Step::Staged(staged));
                            }
                            Advanced::Done(entry) => self.is_done(*entry),
                            Advanced::Gone => {}
                        },
                    }
                }
                false
            }
            Err(error) => self.failed(batch, &error),
        }
    }

    fn is_done(&self, entry: Entry) {
        self.journal.are_through(once((entry.queue(), entry.bytes)));
        self.let_out(entry);
    }

    fn let_out(&self, entry: Entry) {
        let Entry { commit, parts, .. } = entry;
        commit.written();
        self.core.let_out(&commit, parts);
    }

    /// Sorts out what is told that it has failed, and what is tried again; whether there is such.
    fn failed(&self, batch: Vec<Step>, error: &Error) -> bool {
        tracing::error!(%error, "the store could not keep {} commits", batch.len());
        self.core.tell(EventKind::StoreFailed, None, Post::outside(), || {
            [("error", error.message().into())]
        });
        let is_closing = self.journal.is_closing();
        let (mut kept, mut failed) = (Vec::new(), Vec::new());
        for step in batch {
            match step {
                Step::Whole(entry) if entry.is_bookkeeping() => kept.push(Step::Whole(entry)),
                Step::Whole(entry) => {
                    kept.extend(Entry::removal(entry.queue(), &entry.parts.changes));
                    failed.push(*entry);
                }
                Step::Staged(staged) if staged.is_for_sure() && is_closing => {
                    // Whoever opens the store finishes it.
                    self.is_done(staged.into_entry());
                }
                Step::Staged(staged) if staged.is_for_sure() || staged.is_void() => {
                    kept.push(Step::Staged(staged));
                }
                Step::Staged(staged) => {
                    let removal = Entry::removal(staged.queue(), staged.changes());
                    let (entry, void) = staged.fail();
                    // What it leaves is deleted before anything else of the queue is written.
                    kept.extend(removal);
                    kept.extend(void.map(Step::Staged));
                    failed.push(entry);
                }
            }
        }
        self.fail(failed, error);
        if is_closing {
            for step in kept {
                self.drop_bookkeeping(step, error);
            }
            return false;
        }
        let keeps = !kept.is_empty();
        for step in kept.into_iter().rev() {
            self.journal.put_back(step);
        }
        keeps
    }

    fn drop_bookkeeping(&self, step: Step, error: &Error) {
        if let Step::Whole(entry) = step {
            self.take_back(*entry, error);
        }
    }

    /// Takes failed commits back: with those of an agent all turns that it has committed since, the last
    /// first.
    fn fail(&self, failed: Vec<Entry>, error: &Error) {
        let mut of_agents: BTreeMap<Serial, Vec<Entry>> = BTreeMap::new();
        for entry in failed {
            match &entry.parts.turn {
                Some(turn) => {
                    of_agents.entry(turn.agent.face.serial).or_default().push(entry);
                }
                None => self.take_back(entry, error),
            }
        }
        for (serial, mut entries) in of_agents {
            let Some(agent) =
                entries.first().and_then(|entry| Some(entry.parts.turn.as_ref()?.agent.clone()))
            else {
                continue;
            };
            let in_vain = {
                // Nothing of the agent is committed while the lock is held, and what began before is
                // recognised by its generation.
                let mut open = agent.commit_lock.lock();
                entries.extend(self.journal.take_turns_of(serial));
                if let Some(OpenTurn { posting, consumed }) = open.take() {
                    let (commit, mut parts) = posting.finish();
                    parts.turn = Some(CommittedTurn { agent: agent.clone(), consumed });
                    agent.mailbox.turn_unwritten(0);
                    entries.push(Entry::of(commit, parts, 0));
                }
                for entry in entries.iter_mut().rev() {
                    agent.undo(std::mem::take(&mut entry.parts.undo));
                }
                let turns = entries.iter_mut().filter_map(|entry| entry.parts.turn.as_mut());
                let in_vain =
                    agent.put_back(turns.filter_map(|turn| turn.consumed.take()).collect());
                agent.begin_generation();
                in_vain
            };
            // Who is told may send the next message at once: what comes before it is in its place.
            for entry in entries {
                self.take_back(entry, error);
            }
            agent.taken_back(in_vain, error);
        }
    }

    fn take_back(&self, entry: Entry, error: &Error) {
        self.journal.are_through(once((entry.queue(), entry.bytes)));
        self.core.take_back(&entry.commit, entry.parts, error);
    }

    /// No time is left for these.
    pub fn fail_rest(&mut self, rest: Vec<Step>) {
        let error = closed();
        for step in rest {
            match step {
                // What is done is told, also where no byte had to be written for it.
                Step::Staged(staged) if staged.is_for_sure() => self.is_done(staged.into_entry()),
                Step::Staged(staged) if staged.is_void() => {}
                Step::Staged(staged) => self.take_back(staged.into_entry(), &error),
                Step::Whole(entry) => self.take_back(*entry, &error),
            }
        }
    }
}

impl Step {
    /// Whose queue it is of.
    pub fn queue(&self) -> Serial {
        match self {
            Step::Whole(entry) => entry.queue(),
            Step::Staged(staged) => staged.queue(),
        }
    }
}

impl Entry {
    pub fn of(commit: Arc<Commit>, parts: Parts, bytes: usize) -> Self {
        let pieces: Vec<Piece> = cut(&parts.changes, bytes);
        Entry { commit, parts, bytes, pieces }
    }

    pub fn queue(&self) -> Serial {
        self.commit.queue()
    }

    /// Bytes of what is written of it first.
    pub fn next_bytes(&self) -> usize {
        self.pieces.first().map_or(self.bytes, |piece| piece.bytes)
    }

    /// Whether nobody would notice if it were written later: it only tidies up, or ends what is gone.
    fn is_bookkeeping(&self) -> bool {
        let parts = &self.parts;
        parts.turn.is_none()
            && !parts.changes.is_empty()
            && parts.mailboxes.is_empty()
            && parts
                .outward
                .iter()
                .all(|outward| matches!(outward, Outward::DeadLetter(_) | Outward::Event(_)))
            && parts.changes.iter().all(|change| {
                matches!(
                    change,
                    Change::NoLetter { .. }
                        | Change::DeadLetter(_)
                        | Change::NoDeadLetter { .. }
                        | Change::NoMessage(_)
                        | Change::Gone(_)
                )
            })
    }

    /// A commit of the end of a member, where these changes have one: what is gone does not come back,
    /// so it is written when that is possible again.
    fn removal(queue: Serial, changes: &[Change]) -> Option<Step> {
        let gone = changes.iter().find(|change| matches!(change, Change::Gone(_)))?;
        let parts = Parts { changes: vec![gone.clone()], ..Parts::default() };
        Some(Step::Whole(Box::new(Entry::of(Commit::of(queue), parts, 0))))
    }
}

impl Core {
    /// Tells who waits for a commit that it has failed.
    pub(super) fn take_back(&self, commit: &Commit, parts: Parts, error: &Error) {
        let bytes = parts.paid();
        commit.fail(error.clone());
        // What changes of an agent there were has been taken back by the agent.
        for undo in parts.undo.into_iter().rev() {
            self.unsay(undo);
        }
        let mut told = Vec::new();
        for outward in parts.outward {
            match outward {
                Outward::Note(note) => self.take_note_back(note),
                other => told.push(other),
            }
        }
        // Who is told may look at once.
        for outward in told {
            match outward {
                Outward::Answer(ask, ..) => ask.fail(error.clone()),
                Outward::Done(done, _) => done(Err(error.clone())),
                Outward::Observe(_)
                | Outward::DeadLetter(_)
                | Outward::Event(_)
                | Outward::Note(_) => {}
            }
        }
        for member in parts.mailboxes {
            member.settle(commit.queue());
        }
        if let Some(turn) = parts.turn {
            turn.agent.turn_settled(bytes);
        }
        if let Some(desk) = parts.desk {
            desk.turn_settled(bytes);
        }
    }
}
