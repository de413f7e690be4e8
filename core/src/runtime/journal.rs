//! The journal: commits on their way to the store. They are written in batches, by the journal's own thread
//! or by a thread that would otherwise only wait for its commit.
//!
//! Each agent, each host agent, the program and the runtime have a queue, and the writer goes round the
//! queues. Agents that another agent has deployed through `ams` take one turn together. The commits of a
//! queue reach the disk in order. Between queues there is no order, and none is needed: the messages of a
//! commit leave when it is on disk, so a commit that depends on them is made later. Changes to a member, and
//! its removal, stand in its own queue. So when a process is killed, each turn in its store is done or not
//! begun.

mod queues;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use self::queues::Queues;
use super::core::Core;
use super::posting::{Commit, Parts, closed};
use super::staging::Piece;
use super::writer::{Step, Writer};
use crate::lent::{self, Chore};
use crate::release::Releases;
use crate::source::monotonic;
use crate::store::{Serial, Storage};

/// Unwritten bytes of one queue at which its owner begins nothing more.
const MAX_OF_QUEUE: usize = 16 << 20;
/// Number of unwritten commits at which an agent begins no turn.
const MAX_COMMITS: u32 = 64;
/// Unwritten bytes of all queues at which no owner of unwritten commits begins anything more.
const MAX_OF_ALL: usize = 256 << 20;
/// Time for which commits that are tried again are kept back after the store has failed.
const PATIENCE: Duration = Duration::from_millis(100);
/// Time after which the commits of a relaxed store are synced.
pub(super) const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Least time that `close` leaves to the writer.
const GRACE: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(crate) struct Journal {
    queues: Mutex<Queues>,
    /// Wakes the journal's thread: a commit is queued that no lent thread writes, or other work is due.
    work: Condvar,
    /// The holder of the lock takes commits from the queues and writes them.
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    backlog: Backlog,
    /// Notified when commits were written or have failed.
    room: Notify,
}

/// Bytes of all unwritten commits.
#[derive(Clone, Default)]
pub(crate) struct Backlog(Arc<AtomicUsize>);

/// A commit in the journal.
pub(super) struct Entry {
    pub commit: Arc<Commit>,
    pub parts: Parts,
    /// The bytes that it was charged for.
    pub bytes: usize,
    /// The pieces in which it is written; empty if it is written as a whole.
    pub pieces: Vec<Piece>,
}

/// Unwritten commits of one agent or host agent.
#[derive(Default)]
pub(crate) struct Unwritten {
    commits: u32,
    bytes: usize,
    max_commits: u32,
    /// The unwritten bytes of all queues; `None` without a store.
    of_all: Option<Backlog>,
}

impl Unwritten {
    /// Counts for an agent in a runtime with this journal.
    pub fn of_agent(journal: Option<&Arc<Journal>>) -> Self {
        let of_all = journal.map(|journal| journal.backlog.clone());
        Unwritten { of_all, max_commits: MAX_COMMITS, ..Unwritten::default() }
    }

    /// Counts for a host agent, which is bounded by bytes alone.
    pub fn of_host(journal: Option<&Arc<Journal>>) -> Self {
        Unwritten { max_commits: u32::MAX, ..Unwritten::of_agent(journal) }
    }

    pub fn begin(&mut self, bytes: usize) {
        self.commits += 1;
        self.bytes += bytes;
    }

    pub fn end(&mut self, bytes: usize) {
        self.commits = self.commits.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    pub fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// Returns true if no turn may begin before some of the commits are written. An agent that waits is
    /// looked at again after each of its own commits, so one without unwritten commits never waits.
    pub fn is_behind(&self) -> bool {
        self.commits > 0
            && (self.commits >= self.max_commits
                || self.bytes >= MAX_OF_QUEUE
                || self.of_all.as_ref().is_some_and(Backlog::is_full))
    }
}

impl Backlog {
    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= MAX_OF_ALL
    }
}

impl Journal {
    /// Starts the thread that writes to `storage`. Returns an error if the system starts no thread.
    pub fn start(
        self: &Arc<Self>,
        core: &Arc<Core>,
        storage: Box<dyn Storage>,
    ) -> std::io::Result<()> {
        let is_relaxed = storage.is_relaxed();
        *self.writer.lock() = Some(Writer::new(self, core, storage));
        self.queues.lock().is_relaxed = is_relaxed;
        let journal = self.clone();
        let thread = std::thread::Builder::new().name("caxton-store".to_owned());
        *self.thread.lock() = Some(thread.spawn(move || journal.run())?);
        Ok(())
    }

    /// Puts a commit at the end of its queue. If the journal is closed, the error has the commit.
    #[expect(clippy::result_large_err, reason = "it is given back as it was")]
    pub fn push(
        self: &Arc<Self>,
        commit: Arc<Commit>,
        parts: Parts,
    ) -> Result<(), (Arc<Commit>, Parts)> {
        let bytes = parts.paid();
        let entry = Box::new(Entry::of(commit, parts, bytes));
        let mut queues = self.queues.lock();
        if queues.is_closed {
            return Err((entry.commit, entry.parts));
        }
        self.backlog.0.fetch_add(bytes, Ordering::Relaxed);
        let of = entry.queue();
        let queue = queues.open(of);
        queue.bytes += bytes;
        queue.entries.push_back(entry);
        let is_its_first = queue.entries.len() == 1;
        queues.list(of);
        let is_alone = is_its_first && queues.waiting() == 1 && !queues.is_relaxed;
        if !(is_alone && lent::leave(self)) {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Pushes an empty commit that comes after all commits in the queue `of`, and returns it. It fails if a
    /// commit before it fails, or one that is being tried again.
    pub fn barrier(self: &Arc<Self>, of: Serial) -> Arc<Commit> {
        let commit = Commit::of(of);
        if self.push(commit.clone(), Parts::default()).is_err() {
            commit.fail(closed());
        }
        commit
    }

    /// Returns true if the queue `of`, of the program or of a host agent, takes another commit. Unwritten
    /// bytes are bounded for each queue and for all together.
    pub fn has_room(&self, of: Serial) -> bool {
        let of_all = self.backlog.0.load(Ordering::Relaxed);
        if of_all < MAX_OF_QUEUE {
            return true;
        }
        let queues = self.queues.lock();
        let bytes = queues.of.get(&of).map_or(0, |queue| queue.bytes);
        queues.is_closed || bytes == 0 || (bytes < MAX_OF_QUEUE && of_all < MAX_OF_ALL)
    }

    /// Waits until the queue `of` takes another commit.
    pub async fn wait_for_room(&self, of: Serial) {
        loop {
            let written = self.room.notified();
            if self.has_room(of) {
                return;
            }
            written.await;
        }
    }

    /// Lets `agent` share one turn with all other agents that `first` has deployed through `ams`, directly or
    /// through agents that it has deployed.
    pub fn join_family(&self, agent: Serial, first: Serial) {
        self.queues.lock().join_family(agent, first);
    }

    /// Takes an agent that is gone out of its family.
    pub fn leave_family(&self, agent: Serial) {
        self.queues.lock().leave_family(agent);
    }

    /// Takes the commits of an agent's turns out of its queue, and returns them.
    pub(super) fn take_turns_of(&self, serial: Serial) -> Vec<Entry> {
        let mut queues = self.queues.lock();
        let Some(queue) = queues.of.get_mut(&serial) else {
            return Vec::new();
        };
        let entries = std::mem::take(&mut queue.entries);
        let (turns, others) =
            entries.into_iter().partition::<VecDeque<_>, _>(|entry| entry.parts.turn.is_some());
        queue.entries = others;
        turns.into_iter().map(|entry| *entry).collect()
    }

    /// Subtracts commits that were written or have failed, each given as its queue and its bytes.
    pub(super) fn are_through(&self, commits: impl Iterator<Item = (Serial, usize)>) {
        let mut queues = self.queues.lock();
        let mut all = 0;
        for (of, bytes) in commits {
            all += bytes;
            if let Some(queue) = queues.of.get_mut(&of) {
                queue.bytes = queue.bytes.saturating_sub(bytes);
                if queue.is_over() && !queue.is_listed {
                    queues.end(of);
                }
            }
        }
        self.backlog.0.fetch_sub(all, Ordering::Relaxed);
    }

    /// Puts a step that goes on, or is tried again, at the front of its queue.
    pub(super) fn put_back(&self, step: Step) {
        let mut queues = self.queues.lock();
        let of = step.queue();
        let queue = queues.open(of);
        match step {
            Step::Whole(entry) => queue.entries.push_front(entry),
            Step::Staged(staged) => queue.staged = Some(staged),
        }
        queues.list(of);
    }

    /// Returns true once `close` was called: nothing is tried again then.
    pub(super) fn is_closing(&self) -> bool {
        self.queues.lock().deadline.is_some()
    }

    /// Wakes the journal's thread to give back its free memory.
    pub fn release(&self) {
        let _queues = self.queues.lock();
        self.work.notify_one();
    }

    /// Writes the remaining commits until `deadline`, fails the rest, and closes the store.
    pub fn close(&self, deadline: Instant) {
        self.queues.lock().deadline = Some(deadline.max(monotonic() + GRACE));
        self.work.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            drop(thread.join());
        }
    }

    fn run(&self) {
        let mut timeout = None;
        let mut releases = Releases::default();
        while self.wait_for_work(timeout, &mut releases) {
            let kept_back = {
                let mut writer = self.writer.lock();
                let Some(writer) = writer.as_mut() else {
                    return;
                };
                let kept_back = writer.write(self.next_batch());
                self.room.notify_waiters();
                writer.look_after();
                timeout = writer.syncs_within();
                kept_back
            };
            if kept_back {
                self.work.wait_for(&mut self.queues.lock(), PATIENCE);
            }
        }
        let rest = self.end();
        let writer = self.writer.lock().take();
        if let Some(mut writer) = writer {
            writer.fail_rest(rest);
            if let Err(error) = writer.close() {
                tracing::error!(%error, "the store could not be closed");
            }
        }
        self.room.notify_waiters();
    }

    /// Waits for work, `timeout` at most. Returns false once the journal is closing and is empty or out of
    /// time.
    fn wait_for_work(&self, timeout: Option<Duration>, releases: &mut Releases) -> bool {
        let mut queues = self.queues.lock();
        loop {
            if queues.deadline.is_some_and(|deadline| monotonic() >= deadline) {
                return false;
            }
            if queues.waiting() > 0 || std::mem::take(&mut queues.is_due) {
                return true;
            }
            if queues.deadline.is_some() {
                return false;
            }
            if releases.is_due() {
                MutexGuard::unlocked(&mut queues, || releases.release());
                continue;
            }
            match timeout {
                Some(timeout) => {
                    if self.work.wait_for(&mut queues, timeout).timed_out() {
                        return true;
                    }
                }
                None => self.work.wait(&mut queues),
            }
        }
    }

    /// Takes the next batch from the queues.
    fn next_batch(&self) -> Vec<Step> {
        self.queues.lock().next_batch()
    }

    /// Closes the queues, and returns the steps that are left.
    fn end(&self) -> Vec<Step> {
        self.queues.lock().close()
    }
}

impl Chore for Journal {
    fn help(self: Arc<Self>) {
        if let Some(mut writer) = self.writer.try_lock()
            && let Some(writer) = writer.as_mut()
        {
            writer.write(self.next_batch());
            self.room.notify_waiters();
            self.queues.lock().is_due |= writer.is_due();
        }
        self.hand_over();
    }

    fn hand_over(self: Arc<Self>) {
        let queues = self.queues.lock();
        if queues.waiting() > 0 || queues.is_due {
            self.work.notify_one();
        }
    }

    fn blocks(&self) -> bool {
        true
    }
}
