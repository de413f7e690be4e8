//! Keeps the handlers by which wasmtime catches a guest's memory faults.
//!
//! Other libraries replace them (Python's `faulthandler.enable()` does), and the next fault of a
//! guest would then end the process. Wasmtime's handler passes on what is not a guest's fault to the
//! handler that was there before it.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
mod unix {
    use std::mem::MaybeUninit;
    use std::sync::OnceLock;

    /// The signals that wasmtime catches on Linux.
    const SIGNALS: [libc::c_int; 3] = [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE];

    static OURS: OnceLock<[libc::sigaction; 3]> = OnceLock::new();

    fn current(signal: libc::c_int) -> Option<libc::sigaction> {
        let mut action = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: with a null new action, sigaction only writes the present one to `action`, which
        // has room for it; it is read only where the call says that it was written.
        unsafe {
            if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) != 0 {
                return None;
            }
            Some(action.assume_init())
        }
    }

    /// Remembers the handlers that are there now: to be called once wasmtime has put its own.
    pub fn remember() {
        if let [Some(a), Some(b), Some(c)] = SIGNALS.map(current) {
            let _ = OURS.set([a, b, c]);
        }
    }

    /// Puts wasmtime's handlers back where somebody replaced them.
    pub fn reinstall() {
        let Some(ours) = OURS.get() else { return };
        for (signal, ours) in SIGNALS.into_iter().zip(ours) {
            let replaced = current(signal).is_some_and(|now| now.sa_sigaction != ours.sa_sigaction);
            if replaced {
                // SAFETY: `ours` is what sigaction itself returned for this signal: wasmtime's
                // handler, which lives as long as the process.
                unsafe { libc::sigaction(signal, ours, std::ptr::null_mut()) };
            }
        }
    }

    /// The same at the price of one system call where nothing was replaced.
    pub fn check() {
        let Some(ours) = OURS.get() else { return };
        if current(SIGNALS[0]).is_none_or(|now| now.sa_sigaction != ours[0].sa_sigaction) {
            reinstall();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod unix {
    // On macOS wasmtime uses Mach ports, and on Windows vectored handlers: nobody replaces them.
    pub fn remember() {}
    pub fn reinstall() {}
    pub fn check() {}
}

pub(super) use unix::{check, reinstall, remember};
