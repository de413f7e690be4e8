//! The worker pool: who runs what is ready, and in which order.
//!
//! Whoever has had less of the workers' time runs first, so that agents that spin cost an honest one
//! little and still come forward themselves. What is expected to be short does not wait for what is
//! long. The pool knows nothing of agents: it runs whatever is [`Runnable`].

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
use crate::release::Releases;
use crate::sandbox::Lease;
use crate::source::nanos;

/// What the workers run.
pub(crate) trait Runnable: Send + Sized + 'static {
    /// How it stands beside others.
    fn pace(&self) -> &Pace;
    /// Runs a slice on a worker, to its end or until its pace says so.
    fn run(self, lane: Lane<'_, Self>);
    /// Leaves it to the calling thread, if that lends itself and has nothing to do yet; whether it did.
    fn leave(&self) -> bool;
}

pub(crate) struct Scheduler<T> {
    queues: Queues<T>,
    /// The worker that is handed the next of what comes from elsewhere.
    next: AtomicUsize,
    sleepers: Sleepers,
    stop: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Number of workers that have not come to their end.
    working: Mutex<usize>,
    one_ended: Condvar,
}

/// Where what becomes ready is put: with the worker that made it so, or with each of them in turns.
pub(crate) struct Lane<'a, T>(Option<&'a Worker<T>>);

/// Says that a worker has come to its end.
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
    /// The lane of a thread that is no worker.
    pub fn outside() -> Self {
        Lane(None)
    }

    /// The time at which a slice begins on this thread, in nanoseconds of [`nanos`]: a worker has it from
    /// the end of the slice before.
    pub fn begin(&self) -> u64 {
        self.0.map_or_else(nanos, Worker::now)
    }

    /// A slice has ended on this thread. Returns the time.
    pub fn end(&self) -> u64 {
        let now = nanos();
        self.ended_at(now);
        now
    }

    /// The same where the time is known.
    pub fn ended_at(&self, now: u64) {
        if let Some(worker) = self.0 {
            worker.set_now(now);
        }
    }
}

impl<T: Runnable> Scheduler<T> {
    /// A pool of so many workers, which are not started yet.
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

    /// What the pace of everything that is to be run here needs to know.
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

    /// Schedules one whose run token the caller hands over.
    pub fn push(&self, item: T, lane: Lane<'_, T>) {
        match lane.0 {
            // The worker itself comes to it next; it wakes others if more is left then.
            Some(worker) => self.queues.push_own(worker, item),
            // A worker that is awake comes to it soon; none is woken where this thread waits anyway.
            None if self.sleepers.all_asleep() && item.leave() => {}
            None => self.inject(item),
        }
    }

    /// Leaves one to the workers.
    pub fn inject(&self, item: T) {
        let worker = self.next.fetch_add(1, Ordering::Relaxed) % self.queues.board.workers();
        self.queues.push(worker, item);
        self.sleepers.wake_one();
    }

    /// Schedules one whose slice has ended before its turn.
    pub fn push_preempted(&self, item: T, lane: Lane<'_, T>) {
        match lane.0 {
            // The worker looks at all that waits with it, and wakes others if more than one does.
            Some(worker) => self.queues.push(worker.index, item),
            None => self.inject(item),
        }
    }

    /// Lets another worker have what waits in this lane, before its own worker goes on.
    pub fn share(&self, lane: Lane<'_, T>) {
        if let Some(worker) = lane.0
            && self.queues.share(worker)
        {
            self.sleepers.wake_one();
        }
    }

    /// Lets an item that has ended a turn begin its next one at once, in place of queueing again.
    /// Returns false if somebody else comes first, and for a thread that is no worker.
    pub fn goes_on(&self, pace: &Pace, lane: Lane<'_, T>) -> bool {
        let Some(worker) = lane.0 else { return false };
        let stand = pace.stand();
        let goes_on = !self.queues.comes_before(worker, stand);
        if goes_on {
            pace.go_on(stand);
        }
        goes_on
    }

    /// Wakes the workers that sleep, for something else than what is to be run.
    pub fn wake_all(&self) {
        self.sleepers.wake_all();
    }

    /// Lets the workers come to their end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.sleepers.wake_all();
    }

    /// Waits until `deadline` for the workers, which have been told to stop. One that is in the middle of
    /// something by then ends after it, by itself. Does nothing on a worker itself.
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
        // What is left keeps what it belongs to, and so this pool.
        drop(self.queues.clear());
    }

    fn work(&self, index: usize, engine: &Lease) {
        let sleeper = self.sleepers.register();
        let worker = Worker::new(index);
        let mut releases = Releases::default();
        let has_others = self.queues.board.workers() > 1;
        while !self.stop.load(Ordering::SeqCst) {
            let awake = engine.awake();
            worker.set_now(nanos());
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
