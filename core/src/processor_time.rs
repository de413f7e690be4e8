//! The processor time that threads have had, and the time for which the system gave their core to others.
//!
//! Linux counts it for every thread, other Unix systems for the calling one. Elsewhere there is none to read. Such a
//! clock takes much longer to read than the time, so a thread reads it only where that may change something: after
//! slices that have taken long enough to have been interrupted, and where a turn seems to be out of time.

#![cfg_attr(unix, allow(unsafe_code))] // The clocks of the system

use std::cell::Cell;

/// The clock of one thread's processor time.
#[derive(Clone, Copy)]
pub(crate) struct ThreadClock(#[cfg(unix)] libc::clockid_t);

#[cfg(unix)]
impl ThreadClock {
    /// The clock of whichever thread reads it.
    pub const OF_CALLER: Option<ThreadClock> = Some(ThreadClock(libc::CLOCK_THREAD_CPUTIME_ID));

    /// Returns the nanoseconds of processor time that the thread has had, or `None` if it has ended.
    pub fn nanos(self) -> Option<u64> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a place for a time. The clock of a thread that has ended is an error, and nothing is
        // written.
        let failed = unsafe { libc::clock_gettime(self.0, &mut time) };
        if failed != 0 {
            return None;
        }
        let seconds = u64::try_from(time.tv_sec).ok()?;
        seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec).ok()?)
    }
}

#[cfg(not(unix))]
impl ThreadClock {
    pub const OF_CALLER: Option<ThreadClock> = None;

    pub fn nanos(self) -> Option<u64> {
        None
    }
}

impl ThreadClock {
    /// Returns the clock of the calling thread, which other threads can read too.
    #[cfg(target_os = "linux")]
    pub fn of_this_thread() -> Option<ThreadClock> {
        let mut clock = 0;
        // SAFETY: the calling thread is alive, and `clock` is a place for a clock's number.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock) };
        (failed == 0).then_some(ThreadClock(clock))
    }

    #[cfg(not(target_os = "linux"))]
    pub fn of_this_thread() -> Option<ThreadClock> {
        None
    }
}

/// Time between two looks at the clock for which the second brings nothing new, in nanoseconds.
const FRESH: u64 = 8_000;

/// The least time of a slice after which it is worth to look at the clock, in nanoseconds: a look takes a third of a
/// microsecond.
const COMPARED_FROM: u64 = 64_000;

thread_local! {
    static SEEN: Cell<Seen> = const { Cell::new(Seen { compared: None, kept: 0 }) };
}

#[derive(Clone, Copy)]
struct Seen {
    /// The time in [`nanos`](crate::source::nanos) and the thread's processor time at the last look.
    compared: Option<(u64, u64)>,
    /// The nanoseconds without a core that all looks have found.
    kept: u64,
}

/// Returns the nanoseconds for which the calling thread had no core, as far as looks have found such: a number that
/// only grows.
pub(crate) fn kept_from_core() -> u64 {
    SEEN.get().kept
}

/// Looks at the clock at `now`, and returns the same as [`kept_from_core`] after that. The time from one look to the
/// next counts, from the first after [`forget`].
pub(crate) fn look(now: u64) -> u64 {
    let Seen { compared, mut kept } = SEEN.get();
    if compared.is_some_and(|(then, _)| now.saturating_sub(then) < FRESH) {
        return kept;
    }
    let Some(had) = ThreadClock::OF_CALLER.and_then(ThreadClock::nanos) else { return kept };
    if let Some((then, had_then)) = compared {
        kept += now.saturating_sub(then).saturating_sub(had.saturating_sub(had_then));
    }
    SEEN.set(Seen { compared: Some((now, had)), kept });
    kept
}

/// Returns the nanoseconds for which the calling thread had no core in a slice that has run for `ran` until `now`, if
/// it is long enough to have been interrupted; `before` is [`kept_from_core`] at its beginning.
pub(crate) fn kept_in(ran: u64, now: u64, before: u64) -> u64 {
    if ran < COMPARED_FROM { 0 } else { look(now).saturating_sub(before) }
}

/// Lets the next look begin anew: the calling thread has slept, or has done something else.
pub(crate) fn forget() {
    SEEN.set(Seen { compared: None, ..SEEN.get() });
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "tests fail this way")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::nanos;

    #[test]
    fn the_clock_of_another_thread_goes_on_while_it_works_and_ends_with_it() {
        let (ready, clock) = std::sync::mpsc::channel();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let busy = std::thread::spawn(move || {
            ready.send(ThreadClock::of_this_thread()).unwrap();
            while stopped.try_recv().is_err() {}
        });
        let clock = clock.recv().unwrap().unwrap();
        let first = clock.nanos().unwrap();
        while clock.nanos().unwrap() == first {}
        stop.send(()).unwrap();
        busy.join().unwrap();
        assert_eq!(clock.nanos(), None);
        assert!(ThreadClock::OF_CALLER.unwrap().nanos().is_some());
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a thread that sleeps has no core")]
    fn time_without_a_core_is_told_from_work() {
        forget();
        let before = look(nanos());
        std::thread::sleep(Duration::from_millis(5));
        let kept = look(nanos()) - before;
        assert!(kept >= 4_000_000, "it slept for 5 ms, and {kept} ns are found");
        assert_eq!(kept_from_core(), before + kept);
        std::thread::sleep(Duration::from_millis(1));
        forget();
        assert_eq!(look(nanos()), before + kept, "that it slept is forgotten");
    }
}
