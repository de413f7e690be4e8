//! The thread that advances the engine's epoch every millisecond while anything runs.
//!
//! It is a thread, not a task, since a guest that spins can starve a timer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use parking_lot::Mutex;

use super::signals;

/// The time between two ticks, and so between two preemption points.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// Ticks without anything running after which the thread parks. A script that asks again and again
/// would otherwise wake it each time.
const IDLE_TICKS: u32 = 20;

/// How often the epoch of any engine has advanced.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// Changes about every millisecond while guests run: cheaper to ask than a clock.
pub(super) fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

#[derive(Default)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    runtimes: usize,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    awake: AtomicUsize,
    parked: AtomicBool,
    stop: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

/// As long as it lives, guests may run: the epoch advances.
pub(crate) struct Awake<'a>(&'a Ticker);

impl Ticker {
    /// One more runtime runs; the first of them starts the thread.
    pub fn start(&self, engine: &wasmtime::Engine) -> std::io::Result<()> {
        let mut running = self.running.lock();
        if running.runtimes == 0 {
            let (shared, engine) = (self.shared.clone(), engine.clone());
            shared.stop.store(false, Ordering::SeqCst);
            let thread = thread::Builder::new()
                .name("caxton-ticker".to_owned())
                .spawn(move || shared.run(&engine))?;
            *self.shared.thread.lock() = Some(thread.thread().clone());
            running.thread = Some(thread);
        }
        running.runtimes += 1;
        Ok(())
    }

    /// A runtime has come to its end; the last of them ends the thread.
    pub fn stop(&self) {
        if crate::fork::in_child() {
            return;
        }
        let mut running = self.running.lock();
        running.runtimes -= 1;
        if running.runtimes == 0
            && let Some(thread) = running.thread.take()
        {
            self.shared.stop.store(true, Ordering::SeqCst);
            thread.thread().unpark();
            // The thread takes no lock that is held here and runs no foreign code, so it always
            // comes to its end.
            drop(thread.join());
        }
    }

    /// Says that a guest is about to run on this thread.
    pub fn awake(&self) -> Awake<'_> {
        self.shared.awake.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst)
            && let Some(thread) = &*self.shared.thread.lock()
        {
            thread.unpark();
        }
        Awake(self)
    }
}

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.0.shared.awake.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn run(&self, engine: &wasmtime::Engine) {
        let mut idle = 0;
        while !self.stop.load(Ordering::SeqCst) {
            engine.increment_epoch();
            TICKS.fetch_add(1, Ordering::Relaxed);
            signals::reinstall();
            idle = if self.awake.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
            if idle < IDLE_TICKS {
                thread::park_timeout(TICK);
                continue;
            }
            self.parked.store(true, Ordering::SeqCst);
            // Who becomes awake after this line sees `parked` and unparks this thread.
            if self.awake.load(Ordering::SeqCst) == 0 && !self.stop.load(Ordering::SeqCst) {
                thread::park();
            }
            self.parked.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}
