//! The journal: commits on their way to the store, in order, written in groups by a thread of its
//! own, or by one that would only wait for that.
//!
//! What stands before a commit in the journal is on disk before it, or with it. So a process that is
//! killed finds a prefix of the journal in its store: every turn done, or not begun.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::core::Core;
use super::events::EventKind;
use super::posting::{Commit, CommittedTurn, Outward, Parts, Post};

use crate::agent::OpenTurn;
use crate::error::Error;
use crate::lent::{self, Chore};
use crate::store::{Change, Storage, Write};

/// The most commits that one transaction takes.
const MAX_GROUP: usize = 4096;
/// How long what nobody waits for is kept back after the store has failed.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often a relaxed store is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Journal {
    queue: Mutex<Queue>,
    /// Something is in the queue, or else to be done, that nobody waits for on a thread of his own.
    work: Condvar,
    /// Who has it takes from the queue, and writes.
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    commits: VecDeque<Arc<Commit>>,
    /// The store wants to be looked after.
    is_due: bool,
    /// A relaxed store is synced from time to time, which only its own thread does.
    is_relaxed: bool,
    closing: bool,
}

impl Journal {
    /// Begins to write to `storage`.
    pub fn start(
        self: &Arc<Self>,
        core: &Arc<Core>,
        storage: Box<dyn Storage>,
    ) -> std::io::Result<()> {
        let is_relaxed = storage.is_relaxed();
        let writer =
            Writer { journal: self.clone(), core: core.clone(), storage, unsynced_since: None };
        *self.writer.lock() = Some(writer);
        self.queue.lock().is_relaxed = is_relaxed;
        let journal = self.clone();
        let thread = std::thread::Builder::new().name("caxton-store".to_owned());
        *self.thread.lock() = Some(thread.spawn(move || journal.run())?);
        Ok(())
    }

    /// Puts a commit at the end.
    pub fn push(self: &Arc<Self>, commit: Arc<Commit>) {
        let mut queue = self.queue.lock();
        queue.commits.push_back(commit);
        let is_alone = queue.commits.len() == 1 && !queue.is_relaxed;
        if !(is_alone && lent::leave(self)) {
            self.work.notify_one();
        }
    }

    /// A commit of nothing, which comes after all that has been committed so far. It fails with what
    /// stands before it, or with what is tried again meanwhile.
    pub fn barrier(self: &Arc<Self>) -> Arc<Commit> {
        let commit = Arc::new(Commit::default());
        commit.prepare(Parts::default());
        self.push(commit.clone());
        commit
    }

    /// Takes the commits of one agent out.
    fn take_of(&self, serial: u64) -> Vec<(Arc<Commit>, Parts)> {
        let mut queue = self.queue.lock();
        let mut taken = Vec::new();
        queue.commits.retain(|commit| {
            let is_of = |parts: &Parts| {
                parts.turn.as_ref().is_some_and(|turn| turn.agent.face.serial == serial)
            };
            if !commit.with(is_of).unwrap_or(false) {
                return true;
            }
            taken.extend(commit.take().map(|parts| (commit.clone(), parts)));
            false
        });
        taken
    }

    /// Writes what is left, and closes the store.
    pub fn close(&self) {
        self.queue.lock().closing = true;
        self.work.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            drop(thread.join());
        }
    }
}

impl Journal {
    fn run(&self) {
        let mut timeout = None;
        while self.wait_for_work(timeout) {
            let kept_back = {
                let mut writer = self.writer.lock();
                let Some(writer) = writer.as_mut() else {
                    return;
                };
                let kept_back = writer.write(self.next_group());
                writer.look_after();
                timeout = writer.unsynced_since.map(|_| SYNC_EVERY);
                kept_back
            };
            if kept_back {
                self.work.wait_for(&mut self.queue.lock(), PATIENCE);
            }
        }
        if let Some(writer) = self.writer.lock().take()
            && let Err(error) = writer.storage.close()
        {
            tracing::error!(%error, "the store could not be closed");
        }
    }

    /// Waits until there is something to do, `timeout` at most; false once the journal is closed and
    /// empty.
    fn wait_for_work(&self, timeout: Option<Duration>) -> bool {
        let mut queue = self.queue.lock();
        loop {
            if !queue.commits.is_empty() || std::mem::take(&mut queue.is_due) {
                return true;
            }
            if queue.closing {
                return false;
            }
            match timeout {
                Some(timeout) => {
                    if self.work.wait_for(&mut queue, timeout).timed_out() {
                        return true;
                    }
                }
                None => self.work.wait(&mut queue),
            }
        }
    }

    /// What is to be written next.
    fn next_group(&self) -> Vec<Arc<Commit>> {
        let mut queue = self.queue.lock();
        let count = queue.commits.len().min(MAX_GROUP);
        queue.commits.drain(..count).collect()
    }
}

impl Chore for Journal {
    fn help(self: Arc<Self>) {
        if let Some(mut writer) = self.writer.try_lock()
            && let Some(writer) = writer.as_mut()
        {
            writer.write(self.next_group());
            self.queue.lock().is_due |= writer.storage.is_due();
        }
        self.hand_over();
    }

    fn hand_over(self: Arc<Self>) {
        let queue = self.queue.lock();
        if !queue.commits.is_empty() || queue.is_due {
            self.work.notify_one();
        }
    }

    fn blocks(&self) -> bool {
        true
    }
}

/// What it takes to write.
struct Writer {
    journal: Arc<Journal>,
    core: Arc<Core>,
    storage: Box<dyn Storage>,
    /// When the first commit was written that is not durable yet.
    unsynced_since: Option<Duration>,
}

impl Writer {
    /// Syncs the store when it is time.
    fn look_after(&mut self) {
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

    /// Writes a group of commits; whether some of it is kept back, since the store has failed.
    fn write(&mut self, group: Vec<Arc<Commit>>) -> bool {
        if group.is_empty() {
            return false;
        }
        let parts: Vec<(Arc<Commit>, Parts)> =
            group.into_iter().filter_map(|commit| Some((commit.clone(), commit.take()?))).collect();
        let result = {
            let changes = parts.iter().map(|(_, parts)| &parts.changes[..]);
            let writes: Vec<Write<'_>> =
                changes.filter(|changes| !changes.is_empty()).map(Write::Whole).collect();
            if writes.is_empty() { Ok(()) } else { self.storage.commit(&writes) }
        };
        match result {
            Ok(()) => {
                if self.storage.is_relaxed() && self.unsynced_since.is_none() {
                    self.unsynced_since = Some(self.core.source.elapsed());
                }
                for (commit, parts) in parts {
                    commit.done();
                    self.core.let_out(parts);
                }
                false
            }
            Err(error) => {
                tracing::error!(%error, "the store could not keep {} commits", parts.len());
                self.core.tell(EventKind::StoreFailed, None, Post::outside(), || {
                    [("error", error.message().into())]
                });
                let (mut kept, failed): (Vec<_>, Vec<_>) =
                    parts.into_iter().partition(|(_, parts)| parts.is_bookkeeping());
                kept.extend(failed.iter().filter_map(|(_, parts)| parts.removal()));
                self.fail(failed, &error);
                self.put_back(kept)
            }
        }
    }

    /// Takes failed commits back: with those of an agent all that it has committed since, the last
    /// first.
    fn fail(&self, failed: Vec<(Arc<Commit>, Parts)>, error: &Error) {
        let mut of_agents: BTreeMap<u64, Vec<(Arc<Commit>, Parts)>> = BTreeMap::new();
        for (commit, parts) in failed {
            match &parts.turn {
                Some(turn) => {
                    let serial = turn.agent.face.serial;
                    of_agents.entry(serial).or_default().push((commit, parts));
                }
                None => self.core.take_back(&commit, parts, error),
            }
        }
        for (serial, mut commits) in of_agents {
            let Some(agent) =
                commits.first().and_then(|(_, parts)| Some(parts.turn.as_ref()?.agent.clone()))
            else {
                continue;
            };
            let in_vain = {
                // Nothing of the agent is committed while the lock is held, and what began before is
                // recognised by its generation.
                let mut open = agent.commit_lock.lock();
                commits.extend(self.journal.take_of(serial));
                if let Some(OpenTurn { posting, consumed }) = open.take() {
                    let (commit, mut parts) = posting.finish();
                    parts.turn = Some(CommittedTurn { agent: agent.clone(), consumed });
                    agent.mailbox.turn_unsettled();
                    commits.push((commit, parts));
                }
                for (_, parts) in commits.iter_mut().rev() {
                    agent.undo(std::mem::take(&mut parts.undo));
                }
                let turns = commits.iter_mut().filter_map(|(_, parts)| parts.turn.as_mut());
                let in_vain =
                    agent.put_back(turns.filter_map(|turn| turn.consumed.take()).collect());
                agent.begin_generation();
                in_vain
            };
            // Who is told may send the next message at once: what comes before it is in its place.
            for (commit, parts) in commits {
                self.core.take_back(&commit, parts, error);
            }
            agent.taken_back(in_vain, error);
        }
    }

    /// What only tidies up, or ends what is gone, is tried again later: nobody waits for it, and nothing
    /// is lost meanwhile.
    fn put_back(&self, kept: Vec<(Arc<Commit>, Parts)>) -> bool {
        let mut queue = self.journal.queue.lock();
        if kept.is_empty() || queue.closing {
            return false;
        }
        for (commit, parts) in kept.into_iter().rev() {
            commit.prepare(parts);
            queue.commits.push_front(commit);
        }
        true
    }
}

impl Parts {
    /// Whether nobody would notice if it were written later.
    fn is_bookkeeping(&self) -> bool {
        self.turn.is_none()
            && !self.changes.is_empty()
            && self.mailboxes.is_empty()
            && self
                .outward
                .iter()
                .all(|outward| matches!(outward, Outward::DeadLetter(_) | Outward::Event(_)))
            && self.changes.iter().all(|change| {
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

    /// A commit of the end of a member, where this has one: what is gone does not come back, so it is
    /// written when that is possible again.
    fn removal(&self) -> Option<(Arc<Commit>, Parts)> {
        let gone = self.changes.iter().find(|change| matches!(change, Change::Gone(_)))?;
        let parts = Parts { changes: vec![gone.clone()], ..Parts::default() };
        Some((Arc::new(Commit::default()), parts))
    }
}

impl Core {
    /// Tells who waits for a commit that it has failed.
    fn take_back(&self, commit: &Commit, parts: Parts, error: &Error) {
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
            member.look_again();
        }
        if let Some(turn) = parts.turn {
            turn.agent.turn_settled();
        }
    }
}
