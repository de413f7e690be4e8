//! The worker pool that runs agents' slices.
//!
//! Fresh turns run before preempted ones, and one slice in eight goes to a preempted one, so that
//! agents that spin cost an honest one little and still come forward themselves.

mod calendar;
mod sleepers;
mod timers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use parking_lot::Mutex;

pub(crate) use self::calendar::Calendar;
use self::sleepers::Sleepers;
pub(crate) use self::timers::{Alarm, Timers};
use crate::agent::{Agent, run_queued};
use crate::lent;
use crate::sandbox::Lease;

/// One slice in this many goes to a preempted turn, if there is one.
const PREEMPTED_SHARE: u32 = 8;
/// One slice in this many goes to what other threads handed in, so that agents that keep a worker
/// busy with each other do not shut them out.
const INJECTED_SHARE: u32 = 16;

pub(crate) struct Scheduler {
    injected: Injector<Arc<Agent>>,
    preempted: Injector<Arc<Agent>>,
    stealers: Mutex<Vec<Stealer<Arc<Agent>>>>,
    sleepers: Sleepers,
    stop: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where what becomes ready is put: the queue of the worker that made it so, or the common one.
#[derive(Clone, Copy)]
pub(crate) struct Lane<'a>(Option<&'a Worker<Arc<Agent>>>);

impl Lane<'_> {
    /// The lane of a thread that is no worker.
    pub fn outside() -> Self {
        Lane(None)
    }
}

impl Scheduler {
    pub fn new() -> Self {
        Scheduler {
            injected: Injector::new(),
            preempted: Injector::new(),
            stealers: Mutex::default(),
            sleepers: Sleepers::default(),
            stop: AtomicBool::new(false),
            threads: Mutex::default(),
        }
    }

    /// Starts the workers.
    pub fn start(
        self: &Arc<Self>,
        workers: usize,
        engine: &Lease,
        io: &tokio::runtime::Handle,
    ) -> std::io::Result<()> {
        let queues: Vec<_> = (0..workers).map(|_| Worker::new_fifo()).collect();
        *self.stealers.lock() = queues.iter().map(Worker::stealer).collect();
        for (index, queue) in queues.into_iter().enumerate() {
            let (scheduler, engine, io) = (self.clone(), engine.clone(), io.clone());
            let thread = std::thread::Builder::new().name(format!("caxton-worker-{index}")).spawn(
                move || {
                    let _entered = io.enter();
                    scheduler.work(index, &queue, &engine);
                },
            )?;
            self.threads.lock().push(thread);
        }
        Ok(())
    }

    /// Schedules an agent whose run token the caller hands over.
    pub fn push(&self, agent: Arc<Agent>, lane: Lane<'_>) {
        match lane.0 {
            // The worker itself comes to it next; it wakes others if more is left then.
            Some(queue) => queue.push(agent),
            // A worker that is awake comes to it soon; none is woken where this thread waits anyway.
            None if self.sleepers.all_asleep() && lent::leave(&agent) => {}
            None => self.inject(agent),
        }
    }

    /// Leaves an agent to the workers.
    pub fn inject(&self, agent: Arc<Agent>) {
        self.injected.push(agent);
        self.sleepers.wake_one();
    }

    /// Lets another worker have what waits in this lane, before its own worker goes on.
    pub fn share(&self, lane: Lane<'_>) {
        if lane.0.is_some_and(|queue| !queue.is_empty()) {
            self.sleepers.wake_one();
        }
    }

    /// Schedules an agent whose turn has used its quantum.
    pub fn push_preempted(&self, agent: Arc<Agent>) {
        self.preempted.push(agent);
        self.sleepers.wake_one();
    }

    /// Lets the workers come to their end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.sleepers.wake_all();
    }

    /// Waits for the workers, which have been told to stop. Does nothing on a worker itself.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            if thread.thread().id() != std::thread::current().id() && !crate::fork::in_child() {
                drop(thread.join());
            }
        }
    }

    fn work(&self, index: usize, queue: &Worker<Arc<Agent>>, engine: &Lease) {
        let sleeper = self.sleepers.register();
        let stealers = self.stealers.lock().clone();
        let mut slices = index as u32;
        while !self.stop.load(Ordering::SeqCst) {
            let awake = engine.awake();
            while let Some(agent) = self.find(queue, &stealers, slices) {
                slices = slices.wrapping_add(1);
                if !queue.is_empty() {
                    self.sleepers.wake_one();
                }
                run_queued(&agent, Lane(Some(queue)));
                if self.stop.load(Ordering::SeqCst) {
                    return;
                }
            }
            drop(awake);
            self.sleepers.sleep(&sleeper, || {
                self.stop.load(Ordering::SeqCst)
                    || !self.injected.is_empty()
                    || !self.preempted.is_empty()
                    || stealers.iter().any(|stealer| !stealer.is_empty())
            });
        }
    }

    fn find(
        &self,
        queue: &Worker<Arc<Agent>>,
        stealers: &[Stealer<Arc<Agent>>],
        slices: u32,
    ) -> Option<Arc<Agent>> {
        if slices.is_multiple_of(PREEMPTED_SHARE)
            && let Some(agent) = retry(|| self.preempted.steal())
        {
            return Some(agent);
        }
        if slices % INJECTED_SHARE == 1
            && let Some(agent) = retry(|| self.injected.steal())
        {
            return Some(agent);
        }
        queue
            .pop()
            .or_else(|| retry(|| self.injected.steal_batch_and_pop(queue)))
            .or_else(|| retry(|| stealers.iter().map(|s| s.steal_batch_and_pop(queue)).collect()))
            .or_else(|| retry(|| self.preempted.steal()))
    }
}

fn retry<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(found) => return Some(found),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
