//! The clock of one agent's turns, shared between the guest's preemption points and who runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::fault::{Fault, FaultKind};
use crate::processor_time;
use crate::source::nanos;

/// How a slice that has reached a preemption point goes on.
pub(crate) enum Verdict {
    Continue,
    Yield,
    Drop(Fault),
}

/// Says when a slice ends for the sake of others.
pub(crate) trait Pacer: Send + Sync {
    /// Returns true if the slice in progress is to end. Asked at each preemption point, on the thread that
    /// runs the slice.
    fn should_yield(&self) -> bool;
}

/// Measures one agent: the slice that runs now, and the turn that it is part of. Points in time are
/// nanoseconds of [`nanos`].
pub(crate) struct Meter {
    pacer: Arc<dyn Pacer>,
    max_execution: Option<Duration>,
    /// When the slice that runs now began, and for how long its thread had been without a core until then.
    slice_began: AtomicU64,
    kept_before: AtomicU64,
    /// Nanoseconds that earlier slices and host waits of this turn took, without those in line for a worker or a core.
    spent: AtomicU64,
    /// When a host call began to wait.
    waiting_since: AtomicU64,
    /// When the wait ended: what comes after it is waiting for a worker, and not counted.
    woken_at: AtomicU64,
    /// The wait is one in line behind others, and this much of such waits of the turn was not counted.
    is_in_line: AtomicBool,
    uncounted: AtomicU64,
    /// The last slice ended at a preemption point, not in a host call.
    yielded: AtomicBool,
    stop: AtomicBool,
}

const NEVER: u64 = u64::MAX;
/// Nanoseconds in line that are not counted in a turn: whoever stands there longer waits for what may never end.
const MOST_UNCOUNTED: u64 = 60_000_000_000;

impl Meter {
    /// The meter of turns that take at most so long, and of slices that end when `pacer` says so.
    pub fn new(max_execution_micros: Option<u64>, pacer: Arc<dyn Pacer>) -> Self {
        Meter {
            pacer,
            max_execution: max_execution_micros.map(Duration::from_micros),
            slice_began: AtomicU64::new(0),
            kept_before: AtomicU64::new(0),
            spent: AtomicU64::new(0),
            waiting_since: AtomicU64::new(NEVER),
            woken_at: AtomicU64::new(NEVER),
            is_in_line: AtomicBool::new(false),
            uncounted: AtomicU64::new(0),
            yielded: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        }
    }

    /// A new turn begins: nothing is spent yet.
    pub fn begin_turn(&self) {
        self.spent.store(0, Ordering::Relaxed);
        self.uncounted.store(0, Ordering::Relaxed);
        self.waiting_since.store(NEVER, Ordering::Relaxed);
        self.woken_at.store(NEVER, Ordering::Relaxed);
    }

    /// A slice begins at `now`. Charges the host wait that it follows, if it follows one.
    pub fn begin_slice(&self, now: u64) {
        let since = self.waiting_since.swap(NEVER, Ordering::Relaxed);
        if since != NEVER {
            let until = self.woken_at.swap(NEVER, Ordering::Relaxed).min(now);
            let mut waited = until.saturating_sub(since);
            if self.is_in_line.swap(false, Ordering::Relaxed) {
                let uncounted = self.uncounted.load(Ordering::Relaxed);
                let free = waited.min(MOST_UNCOUNTED.saturating_sub(uncounted));
                self.uncounted.store(uncounted + free, Ordering::Relaxed);
                waited -= free;
            }
            self.spent.fetch_add(waited, Ordering::Relaxed);
        }
        self.yielded.store(false, Ordering::Relaxed);
        self.slice_began.store(now, Ordering::Relaxed);
        self.kept_before.store(processor_time::kept_from_core(), Ordering::Relaxed);
    }

    /// The slice ended. Returns when.
    pub fn end_slice(&self) -> u64 {
        let now = nanos();
        let ran = now.saturating_sub(self.slice_began.load(Ordering::Relaxed));
        let kept = processor_time::kept_in(ran, now, self.kept_before.load(Ordering::Relaxed));
        self.spent.fetch_add(ran.saturating_sub(kept), Ordering::Relaxed);
        now
    }

    /// A host call waits from now on.
    pub fn begin_wait(&self) {
        self.waiting_since.store(nanos(), Ordering::Relaxed);
    }

    /// The wait that a host call is about to begin is one in line: others' work is not the turn's time.
    pub fn stand_in_line(&self) {
        self.is_in_line.store(true, Ordering::Relaxed);
    }

    /// What the host call waited for has come.
    pub fn woken(&self) {
        self.woken_at.fetch_min(nanos(), Ordering::Relaxed);
    }

    /// Whether the last slice ended because its time was up.
    pub fn has_yielded(&self) -> bool {
        self.yielded.load(Ordering::Relaxed)
    }

    /// What is left of the turn's time; `None` where it has no limit.
    pub fn left(&self) -> Option<Duration> {
        let max = self.max_execution?;
        Some(max.saturating_sub(Duration::from_nanos(self.spent.load(Ordering::Relaxed))))
    }

    /// What the turn has taken so far.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Ordering::Relaxed))
    }

    /// Ends the turn at its next preemption point.
    pub fn interrupt(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the turn has been told to end.
    pub fn is_interrupted(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asked at each preemption point.
    pub fn verdict(&self) -> Verdict {
        // On a thread that is no worker this is the first look.
        processor_time::look(nanos());
        if let Err(fault) = self.check_turn() {
            return Verdict::Drop(fault);
        }
        if self.pacer.should_yield() {
            self.yielded.store(true, Ordering::Relaxed);
            return Verdict::Yield;
        }
        Verdict::Continue
    }

    /// Whether the turn may go on, asked in the middle of a slice.
    pub fn check_turn(&self) -> Result<(), Fault> {
        if self.is_interrupted() {
            return Err(Fault::new(FaultKind::Closed, "the runtime is closing"));
        }
        let Some(max) = self.max_execution else { return Ok(()) };
        let now = nanos();
        let ran = now.saturating_sub(self.slice_began.load(Ordering::Relaxed));
        let used = self.spent.load(Ordering::Relaxed).saturating_add(ran);
        if Duration::from_nanos(used) < max {
            return Ok(());
        }
        // The system may have given the core to others meanwhile.
        let kept =
            processor_time::look(now).saturating_sub(self.kept_before.load(Ordering::Relaxed));
        let used = Duration::from_nanos(used.saturating_sub(kept));
        if used < max { Ok(()) } else { Err(self.out_of_time(used)) }
    }

    /// The fault of a turn that took `used`.
    pub fn out_of_time(&self, used: Duration) -> Fault {
        let limit = self.max_execution.unwrap_or_default().as_micros() as u64;
        let used = used.as_micros() as u64;
        Fault::limit(
            FaultKind::Time,
            format!("the turn took longer than its limit of {limit} microseconds"),
            limit,
            used.max(limit),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Never;

    impl Pacer for Never {
        fn should_yield(&self) -> bool {
            false
        }
    }

    /// Lets a host call wait for a millisecond.
    fn wait(meter: &Meter) -> Duration {
        let before = meter.spent();
        meter.begin_wait();
        let began = nanos();
        while nanos() < began + 1_000_000 {
            std::hint::spin_loop();
        }
        meter.woken();
        meter.begin_slice(nanos());
        meter.spent() - before
    }

    #[test]
    #[cfg(target_os = "linux")]
    #[allow(clippy::disallowed_methods, reason = "a thread that sleeps has no core")]
    fn a_turn_whose_thread_had_no_core_is_not_out_of_time() {
        let meter = Meter::new(Some(20_000), Arc::new(Never));
        for look in [true, false] {
            processor_time::forget();
            processor_time::look(nanos());
            meter.begin_turn();
            meter.begin_slice(nanos());
            std::thread::sleep(Duration::from_millis(30));
            assert!(!look || meter.check_turn().is_ok());
            meter.end_slice();
            assert!(meter.spent() < Duration::from_millis(20), "{:?}", meter.spent());
            meter.begin_slice(nanos());
            while meter.check_turn().is_ok() {}
            assert!(meter.spent() < Duration::from_millis(20));
        }
    }

    #[test]
    fn a_wait_in_line_is_not_the_turns_time_and_the_next_wait_is() {
        let meter = Meter::new(None, Arc::new(Never));
        meter.begin_turn();
        meter.begin_slice(nanos());
        meter.stand_in_line();
        assert_eq!(wait(&meter), Duration::ZERO);
        assert!(wait(&meter) >= Duration::from_millis(1));
        // Whoever waits for what never ends comes to the end of the turn some time.
        meter.uncounted.store(MOST_UNCOUNTED, Ordering::Relaxed);
        meter.stand_in_line();
        assert!(wait(&meter) >= Duration::from_millis(1));
    }
}
