//! The journal: commits on their way to the store, written in batches by a thread of its own, or by one
//! that would only wait for that.
//!
//! Each agent, each host agent, the program and the runtime itself have a queue, and the writer goes
//! round them; agents that another one has deployed through `ams` take one turn together. What stands before
//! a commit in its queue is on disk before it, or with it; between two queues there is no order, and none is
//! needed: what a commit sends leaves when it is on disk, so that whoever goes on from there commits later.
//! What changes or ends a member stands in its own queue. So a process that is killed finds in its store
//! every turn done, or not begun.

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

/// Bytes of one queue that are unwritten above which nothing more is begun for it.
const MAX_OF_QUEUE: usize = 16 << 20;
/// Commits of one agent that are unwritten at which it begins no turn.
const MAX_COMMITS: u32 = 64;
/// Bytes of all queues that are unwritten above which whoever has any begins nothing more.
const MAX_OF_ALL: usize = 256 << 20;
/// How long what nobody waits for is kept back after the store has failed.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often a relaxed store is made durable.
pub(super) const SYNC_EVERY: Duration = Duration::from_secs(1);
/// What `close` leaves the writer of its time at least.
const GRACE: Duration = Duration::from_millis(50);

#[derive(Default)]
pub(crate) struct Journal {
    queues: Mutex<Queues>,
    /// Something is in a queue, or else to be done, that nobody waits for on a thread of his own.
    work: Condvar,
    /// Who has it takes from the queues, and writes.
    writer: Mutex<Option<Writer>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    backlog: Backlog,
    /// Something was written, or has failed.
    room: Notify,
}

/// Bytes of all commits that are not written.
#[derive(Clone, Default)]
pub(crate) struct Backlog(Arc<AtomicUsize>);

/// A commit in the journal.
pub(super) struct Entry {
    pub commit: Arc<Commit>,
    pub parts: Parts,
    /// What it takes, in bytes.
    pub bytes: usize,
    /// How it is cut; empty where it is written in one go.
    pub pieces: Vec<Piece>,
}

/// What of an agent, or of a host agent, waits for the store.
#[derive(Default)]
pub(crate) struct Unwritten {
    commits: u32,
    bytes: usize,
    max_commits: u32,
    /// What waits of all.
    of_all: Option<Backlog>,
}

impl Unwritten {
    /// Of an agent in a runtime with this journal.
    pub fn of_agent(journal: Option<&Arc<Journal>>) -> Self {
        let of_all = journal.map(|journal| journal.backlog.clone());
        Unwritten { of_all, max_commits: MAX_COMMITS, ..Unwritten::default() }
    }

    /// Of a host agent, which is bounded by bytes alone.
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

    /// Whether no turn may begin before some of it is written. Who waits is looked at again with each
    /// of its own commits that is.
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
    /// Begins to write to `storage`.
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

    /// Puts a commit at the end of its queue. Gives it back where nothing is written any more.
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
        let is_alone = is_its_first && queues.turns.len() == 1 && !queues.is_relaxed;
        if !(is_alone && lent::leave(self)) {
            self.work.notify_one();
        }
        Ok(())
    }

    /// A commit of nothing, which comes after all that has been committed in the queue `of` so far. It
    /// fails with what stands before it, or with what is tried again meanwhile.
    pub fn barrier(self: &Arc<Self>, of: Serial) -> Arc<Commit> {
        let commit = Commit::of(of);
        if self.push(commit.clone(), Parts::default()).is_err() {
            commit.fail(closed());
        }
        commit
    }

    /// Whether the queue `of`, of the program or of a host agent, takes more: what waits of it for the
    /// store, and of all, is bounded.
    pub fn has_room(&self, of: Serial) -> bool {
        let of_all = self.backlog.0.load(Ordering::Relaxed);
        if of_all < MAX_OF_QUEUE {
            return true;
        }
        let queues = self.queues.lock();
        let bytes = queues.of.get(&of).map_or(0, |queue| queue.bytes);
        queues.is_closed || bytes == 0 || (bytes < MAX_OF_QUEUE && of_all < MAX_OF_ALL)
    }

    /// Waits until the queue `of` takes more.
    pub async fn wait_for_room(&self, of: Serial) {
        loop {
            let written = self.room.notified();
            if self.has_room(of) {
                return;
            }
            written.await;
        }
    }

    /// An agent takes its turns with all others that `first` has deployed through `ams`, or somebody whom
    /// that one has.
    pub fn join_family(&self, agent: Serial, first: Serial) {
        self.queues.lock().join_family(agent, first);
    }

    /// An agent is gone.
    pub fn leave_family(&self, agent: Serial) {
        self.queues.lock().leave_family(agent);
    }

    /// Takes the turns of one agent out.
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

    /// Commits of these queues, of so many bytes, are written or have failed.
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

    /// Puts what goes on, or is tried again, before all else of its queue.
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

    /// Whether no time is left to try again.
    pub(super) fn is_closing(&self) -> bool {
        self.queues.lock().deadline.is_some()
    }

    /// Lets its thread give back the memory that is free there.
    pub fn release(&self) {
        let _queues = self.queues.lock();
        self.work.notify_one();
    }

    /// Writes what is left until `deadline`, fails the rest, and closes the store.
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

    /// Waits until there is something to do, `timeout` at most; false once the journal is closed, and
    /// empty or out of time.
    fn wait_for_work(&self, timeout: Option<Duration>, releases: &mut Releases) -> bool {
        let mut queues = self.queues.lock();
        loop {
            if queues.deadline.is_some_and(|deadline| monotonic() >= deadline) {
                return false;
            }
            if !queues.turns.is_empty() || std::mem::take(&mut queues.is_due) {
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

    /// What is to be written next.
    fn next_batch(&self) -> Vec<Step> {
        self.queues.lock().next_batch()
    }

    /// Takes nothing more; what is left.
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
        if !queues.turns.is_empty() || queues.is_due {
            self.work.notify_one();
        }
    }

    fn blocks(&self) -> bool {
        true
    }
}
