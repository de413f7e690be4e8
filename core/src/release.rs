//! Memory that is free, and that the process has nevertheless.
//!
//! An allocator with a heap for each thread finds what other threads have freed there, and gives it back
//! to the system, when that thread allocates again. A thread that sleeps does not. So a program may say
//! how a thread does it; when agents have gone, each thread of the runtimes does it once, and each of the
//! program's own at its next call.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time from an agent's end to the next round, which is for all that end until then. By then they have
/// left the tables that everybody shares.
pub(crate) const AFTER: Duration = Duration::from_millis(250);
/// Time to the last round: by then the messages that were on their way to them have come to their end too.
pub(crate) const LAST_AFTER: Duration = Duration::from_secs(1);
/// Rounds after the end of an agent, if no other ends meanwhile.
pub(crate) const ROUNDS_EACH: usize = 2;

static HOW: OnceLock<fn()> = OnceLock::new();
/// Number of rounds in which threads gave back what was free.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static RELEASES: Cell<Option<Releases>> = const { Cell::new(None) };
}

/// Sets what a thread does to give back memory that is free in its allocator's heap.
///
/// The threads of all runtimes call it some time after agents have gone, and so do threads of the program
/// in a call of theirs. Only the first call sets it. It must not call the runtime.
pub fn on_release(how: fn()) {
    HOW.get_or_init(|| how);
}

/// Returns true if there is a way to give memory back.
pub(crate) fn is_wanted() -> bool {
    HOW.get().is_some()
}

/// Begins a round: each thread gives back what is free when it next comes by. Who sleeps has to be woken.
pub(crate) fn begin_round() {
    ROUNDS.fetch_add(1, Ordering::SeqCst);
}

/// Gives back what is free on this thread, if a round has begun since it last was here.
pub(crate) fn release() {
    let mut releases = RELEASES.get().unwrap_or_default();
    releases.release();
    RELEASES.set(Some(releases));
}

/// Gives back what is free on this thread, after work that took much memory for a while. Who works for the
/// tokio runtimes on a blocking thread does it itself: such a thread sleeps for seconds, and comes by nowhere.
pub(crate) fn release_now() {
    if let Some(how) = HOW.get() {
        how();
    }
}

/// The rounds that a thread has come by in. A new thread has nothing to give back.
#[derive(Clone, Copy)]
pub(crate) struct Releases(u64);

impl Default for Releases {
    fn default() -> Self {
        Releases(ROUNDS.load(Ordering::Relaxed))
    }
}

impl Releases {
    /// Returns true if a round has begun since.
    pub fn is_due(self) -> bool {
        self.0 != ROUNDS.load(Ordering::Relaxed)
    }

    /// Gives back what is free on this thread, if a round has begun since.
    pub fn release(&mut self) {
        if self.is_due() {
            *self = Releases::default();
            release_now();
        }
    }
}
