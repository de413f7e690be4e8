//! The worker pool, which runs items that are ready, in a fair order.
//!
//! The item that has had less of the workers' time runs first, so that agents that spin cost an honest one
//! little and still come forward themselves. Turns that are expected to be short do not wait for long ones.
//! The pool knows nothing of agents: it runs anything that is [`Runnable`].

mod board;
mod calendar;
#[cfg(test)]
mod model;
mod pace;
mod queues;
mod sleepers;
mod sync;
#[cfg(test)]
mod tests;
mod trial;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

pub(crate) use self::board::Board;
pub(crate) use self::calendar::Calendar;
pub(crate) use self::pace::{CpuAccount, Pace};
use self::queues::{Queues, Worker};
use self::sleepers::Sleepers;
pub(crate) use self::trial::Trial;
use crate::processor_time;
use crate::release::Releases;
use crate::sandbox::Lease;
use crate::source::nanos;

/// An item that the workers run: an agent, or a host agent's desk.
pub(crate) trait Runnable: Send + Sized + 'static {
    /// Returns the item's account and place beside others.
    fn pace(&self) -> &Pace;
    /// Runs a slice on a worker, until its turns have ended or its pace ends the slice.
    fn run(self, lane: Lane<'_, Self>);
    /// Leaves the item to the calling thread, if that is lent and has no chore yet. Returns true if it was
    /// left.
    fn leave(&self) -> bool;
}

pub(crate) struct Scheduler<T> {
    queues: Queues<T>,
    /// The next worker to get an item from a thread that is no worker.
    next: AtomicUsize,
    sleepers: Sleepers,
    stop: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Number of workers that have not ended.
    working: Mutex<usize>,
    one_ended: Condvar,
}

/// The place for items that become ready: the worker that made them so or, from other threads, one of two
/// workers in rotation.
pub(crate) struct Lane<'a, T>(Option<&'a Worker<T>>);

/// Notes, when dropped, that a worker has ended.
struct Ends<T: Runnable>(Arc<Scheduler<T>>);

impl<T: Runnable> Ends<T> {
    fn of(scheduler: &Arc<Scheduler<T>>) -> Self {
        *scheduler.working.lock() += 1;
        Ends(scheduler.clone())
    }
}

impl<T: Runnable> Drop for Ends<T> {
    fn drop(&mut self) {
        let mut working = self.0.working.lock();
        *working -= 1;
        let is_last = *working == 0;
        drop(working);
        if is_last && self.0.stop.load(Ordering::SeqCst) {
            drop(self.0.queues.clear());
        }
        self.0.one_ended.notify_all();
    }
}

impl<T> Clone for Lane<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Lane<'_, T> {}

impl<T> Lane<'_, T> {
    /// Returns the lane of a thread that is no worker.
    pub fn outside() -> Self {
        Lane(None)
    }

    /// Returns the time at which a slice begins on this thread, in nanoseconds of [`nanos`]. A worker has it
    /// from the end of the slice before.
    pub fn begin(&self) -> u64 {
        self.0.map_or_else(nanos, Worker::now)
    }

    /// Notes that a slice has ended on this thread. Returns the time, in nanoseconds of [`nanos`].
    pub fn end(&self) -> u64 {
        let now = nanos();
        self.ended_at(now);
        now
    }

    /// Notes that a slice has ended on this thread at `now`.
    pub fn ended_at(&self, now: u64) {
        if let Some(worker) = self.0 {
            worker.set_now(now);
        }
    }
}

impl<T: Runnable> Scheduler<T> {
    /// Returns a pool of `workers` workers, which are not started yet.
    pub fn new(workers: usize) -> Self {
        Scheduler {
            queues: Queues::new(workers.max(1)),
            next: AtomicUsize::new(0),
            sleepers: Sleepers::default(),
            stop: AtomicBool::new(false),
            threads: Mutex::default(),
            working: Mutex::new(0),
            one_ended: Condvar::new(),
        }
    }

    /// Returns the board, which the pace of every item of this pool needs.
    pub fn board(&self) -> &Arc<Board> {
        &self.queues.board
    }

    /// Starts the workers.
    pub fn start(
        self: &Arc<Self>,
        engine: &Lease,
        io: &tokio::runtime::Handle,
    ) -> std::io::Result<()> {
        for index in 0..self.queues.board.workers() {
            let (scheduler, engine, io) = (self.clone(), engine.clone(), io.clone());
            let ends = Ends::of(self);
            let thread = std::thread::Builder::new().name(format!("caxton-worker-{index}")).spawn(
                move || {
                    let _ends = ends;
                    let _entered = io.enter();
                    scheduler.work(index, &engine);
                },
            )?;
            self.threads.lock().push(thread);
        }
        Ok(())
    }

    /// Schedules an item whose run token the caller hands over.
    pub fn push(&self, item: T, lane: Lane<'_, T>) {
        match lane.0 {
            // The worker takes it next, and wakes others if more is left then.
            Some(worker) => self.queues.push_own(worker, item),
            // While all workers sleep, a thread that waits anyway runs it, so that none need be woken.
            None if self.sleepers.all_asleep() && item.leave() => {}
            None => self.inject(item),
        }
    }

    /// Leaves an item to the workers.
    pub fn inject(&self, item: T) {
        let workers = self.queues.board.workers();
        let next = self.next.fetch_add(1, Ordering::Relaxed) % workers;
        self.queues.push_outside([next, (next + 1) % workers], item);
        self.sleepers.wake_one();
    }

    /// Schedules an item whose slice has ended before its turn.
    pub fn push_preempted(&self, item: T, lane: Lane<'_, T>) {
        match lane.0 {
            // The worker looks at all items that wait with it, and wakes others if there are several.
            Some(worker) => self.queues.push(worker.index, item),
            None => self.inject(item),
        }
    }

    /// Lets other workers have the items that wait in this lane, before its own worker goes on.
    pub fn share(&self, lane: Lane<'_, T>) {
        if let Some(worker) = lane.0
            && self.queues.share(worker)
        {
            self.sleepers.wake_one();
        }
    }

    /// Lets an item that has ended a turn begin its next one at once, without being queued again. Returns
    /// false if another item comes first, and on a thread that is no worker.
    pub fn goes_on(&self, pace: &Pace, lane: Lane<'_, T>) -> bool {
        let Some(worker) = lane.0 else { return false };
        let stand = pace.stand();
        let goes_on = !self.queues.comes_before(worker, stand);
        if goes_on {
            pace.go_on(stand);
        }
        goes_on
    }

    /// Returns true if so many short turns wait in this lane that an agent has to wait before it makes more
    /// agents ready: otherwise a message to thousands would put all of their turns before everyone else's.
    pub fn is_crowded(&self, lane: Lane<'_, T>) -> bool {
        lane.0.is_some_and(|worker| self.queues.is_crowded(worker))
    }

    /// Wakes the workers that sleep, for other work than running items.
    pub fn wake_all(&self) {
        self.sleepers.wake_all();
    }

    /// Tells the workers to end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.sleepers.wake_all();
    }

    /// Waits until `deadline` for the workers, which have been told to stop. A worker that is still busy then
    /// ends by itself later. Does nothing on a worker itself.
    pub fn join(&self, deadline: Instant) {
        let threads = std::mem::take(&mut *self.threads.lock());
        let is_worker = |it: &JoinHandle<()>| it.thread().id() == std::thread::current().id();
        let others = usize::from(threads.iter().any(is_worker));
        let mut working = self.working.lock();
        let mut in_time = !crate::fork::in_child();
        while *working > others && in_time {
            in_time = !self.one_ended.wait_until(&mut working, deadline).timed_out();
        }
        drop(working);
        for thread in threads {
            if thread.thread().id() != std::thread::current().id() && in_time {
                drop(thread.join());
            }
        }
        // The remaining items keep their runtime alive, and with it this pool.
        drop(self.queues.clear());
    }

    fn work(&self, index: usize, engine: &Lease) {
        let sleeper = self.sleepers.register();
        let worker = Worker::new(index);
        let mut releases = Releases::default();
        let has_others = self.queues.board.workers() > 1;
        while !self.stop.load(Ordering::SeqCst) {
            let awake = engine.awake();
            let now = nanos();
            worker.set_now(now);
            processor_time::forget();
            processor_time::look(now);
            while let Some((class, item)) = self.queues.take(&worker) {
                if has_others && self.queues.board.waits_with(index) {
                    self.sleepers.wake_one();
                }
                let began = worker.now();
                item.run(Lane(Some(&worker)));
                self.queues.settle(&worker, class, worker.now().saturating_sub(began));
                if self.stop.load(Ordering::SeqCst) {
                    return;
                }
                releases.release();
            }
            drop(awake);
            releases.release();
            self.sleepers.sleep(&sleeper, || {
                self.stop.load(Ordering::SeqCst)
                    || self.queues.board.anyone_waits()
                    || releases.is_due()
            });
        }
    }
}
