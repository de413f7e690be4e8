//! The time for which the system gives a thread's core to others.
//!
//! A clock of the processor takes much longer to read than the time, so it is read after slices that have taken
//! long enough to have been interrupted.

use std::cell::Cell;

use crate::processor_time::ThreadClock;

thread_local! {
    /// The time in [`nanos`](crate::source::nanos) and the thread's own processor time at the last comparison.
    static COMPARED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// Returns the nanoseconds for which the calling thread has had no core since the last comparison on it, until
/// `now`, and compares again from there. Returns 0 at the first comparison, and on systems that do not say.
pub(super) fn kept_from_core(now: u64) -> u64 {
    let Some(had) = ThreadClock::OF_CALLER.and_then(ThreadClock::nanos) else { return 0 };
    match COMPARED.replace(Some((now, had))) {
        Some((then, had_then)) => {
            now.saturating_sub(then).saturating_sub(had.saturating_sub(had_then))
        }
        None => 0,
    }
}

/// Notes that the calling thread has slept: the next comparison on it is a first one.
pub(super) fn slept() {
    COMPARED.set(None);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::nanos;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a thread that sleeps has no core")]
    fn time_without_a_core_is_told_from_work() {
        slept();
        let began = nanos();
        assert_eq!(kept_from_core(began), 0);
        std::thread::sleep(Duration::from_millis(5));
        let kept = kept_from_core(nanos());
        assert!(kept >= 4_000_000, "it slept for 5 ms, and {kept} ns are found");
        slept();
        assert_eq!(kept_from_core(nanos()), 0, "what it slept is forgotten");
    }
}
