//! The processor time that threads have had, as the system counts it.
//!
//! Linux counts it for every thread, other Unix systems for the calling one. Elsewhere there is none to read.

#![cfg_attr(unix, allow(unsafe_code))] // The clocks of the system

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

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "tests fail this way")]
mod tests {
    use super::*;

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
}
