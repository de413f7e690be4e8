//! The writer of the journal's commits, which also takes back those that the store cannot keep.

use std::collections::BTreeMap;
use std::iter::once;
use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use super::events::EventKind;
use super::journal::{Entry, Journal, SYNC_EVERY};
use super::posting::{Commit, CommittedTurn, Outward, Parts, Post, closed};
use super::staging::{Advanced, Piece, Staged, cut, weight};
use crate::agent::OpenTurn;
use crate::error::Error;
use crate::store::{Change, Serial, Storage, Write};

/// The part of a commit that one batch writes.
pub(super) enum Step {
    /// The whole commit.
    Whole(Box<Entry>),
    /// The next piece.
    Staged(Box<Staged>),
}

/// Writes commits to the store.
pub(super) struct Writer {
    journal: Arc<Journal>,
    core: Arc<Core>,
    storage: Box<dyn Storage>,
    /// The time (`Source::elapsed`) of the first commit that is written and not yet synced.
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

    /// Returns true if the store has to be looked after.
    pub fn is_due(&self) -> bool {
        self.storage.is_due()
    }

    /// Time within which the store has to be synced; `None` if nothing is unsynced.
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

    /// Writes a batch. Returns true if the store has failed and some of the batch is to be tried again.
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

    /// Fails the commits of a batch that the store could not keep, and puts those back that are tried again.
    /// Returns true if there are any.
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
                    // Opening the store finishes it.
                    self.is_done(staged.into_entry());
                }
                Step::Staged(staged) if staged.is_for_sure() || staged.is_void() => {
                    kept.push(Step::Staged(staged));
                }
                Step::Staged(staged) => {
                    let removal = Entry::removal(staged.queue(), staged.changes());
                    let (entry, void) = staged.fail();
                    // Its staged pieces are deleted before anything else of the queue is written.
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

    /// Takes back failed commits. For an agent, the turns that it has committed since are taken back too, the
    /// last first.
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
                // The agent commits nothing while the lock is held, and turns that began before are
                // recognised by their generation.
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
            // A sender that learns of the failure may send its next message at once, so earlier messages are
            // put back first.
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

    /// Ends the steps for which no time is left: commits that are certain to be in the store succeed, others
    /// fail.
    pub fn fail_rest(&mut self, rest: Vec<Step>) {
        let error = closed();
        for step in rest {
            match step {
                // Opening the store finishes such a commit, so its caller is told that it succeeded.
                Step::Staged(staged) if staged.is_for_sure() => self.is_done(staged.into_entry()),
                Step::Staged(staged) if staged.is_void() => {}
                Step::Staged(staged) => self.take_back(staged.into_entry(), &error),
                Step::Whole(entry) => self.take_back(*entry, &error),
            }
        }
    }
}

impl Step {
    /// Returns the serial of its queue.
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

    /// Returns the weight of its first step.
    pub fn next_weight(&self) -> usize {
        self.pieces
            .first()
            .map_or_else(|| weight(self.bytes, self.parts.changes.len()), Piece::weight)
    }

    /// Returns true if the commit only tidies up or ends a member that is gone, so that it may be written
    /// later.
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

    /// Returns a commit that ends a member, if these changes end one. A member that is gone does not come
    /// back, so its end is written as soon as the store works again.
    fn removal(queue: Serial, changes: &[Change]) -> Option<Step> {
        let gone = changes.iter().find(|change| matches!(change, Change::Gone(_)))?;
        let parts = Parts { changes: vec![gone.clone()], ..Parts::default() };
        Some(Step::Whole(Box::new(Entry::of(Commit::of(queue), parts, 0))))
    }
}

impl Core {
    /// Takes back the effects of a failed commit, and tells those that wait for it.
    pub(super) fn take_back(&self, commit: &Commit, parts: Parts, error: &Error) {
        let bytes = parts.paid();
        commit.fail(error.clone());
        // Changes of an agent have been taken back by the agent.
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
        // Those that are told may look at the result at once, so all else is taken back before.
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
