//! Giving free memory back to the system.
//!
//! An allocator with a heap for each thread may find memory that other threads have freed in a heap, and give
//! it back to the system, only when the heap's thread allocates again. A sleeping thread does not. So a
//! program may set a function with which a thread gives its free memory back. After agents have gone, each
//! thread of the runtimes calls it once in each round, and each thread of the program at its next call.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Time from an agent's end to the next round, which serves all agents that end until then. By then they have
/// left the shared tables.
pub(crate) const AFTER: Duration = Duration::from_millis(250);
/// Time to the last round. By then the messages that were on their way to the agents are gone too.
pub(crate) const LAST_AFTER: Duration = Duration::from_secs(1);
/// Number of rounds after the end of an agent, if no other agent ends meanwhile.
pub(crate) const ROUNDS_EACH: usize = 2;

static HOW: OnceLock<fn()> = OnceLock::new();
/// Number of rounds that have begun.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static RELEASES: Cell<Option<Releases>> = const { Cell::new(None) };
}

/// Sets the function with which a thread gives back memory that is free in its allocator's heap.
///
/// The threads of all runtimes call `how` some time after agents have gone, and threads of the program call
/// it when they next call a runtime. Only the first call of `on_release` has an effect. `how` must not call
/// the runtime.
pub fn on_release(how: fn()) {
    HOW.get_or_init(|| how);
}

/// Returns true if [`on_release`] has set a function.
pub(crate) fn is_wanted() -> bool {
    HOW.get().is_some()
}

/// Begins a round: each thread gives back its free memory when it next checks. Sleeping threads have to be
/// woken.
pub(crate) fn begin_round() {
    ROUNDS.fetch_add(1, Ordering::SeqCst);
}

/// Gives back this thread's free memory, if a round has begun since it last did.
pub(crate) fn release() {
    let mut releases = RELEASES.get().unwrap_or_default();
    releases.release();
    RELEASES.set(Some(releases));
}

/// Gives back this thread's free memory, after work that took much memory for a while. Work on a blocking
/// thread of tokio calls this itself, since such a thread may then sleep for seconds without checking for
/// rounds.
pub(crate) fn release_now() {
    if let Some(how) = HOW.get() {
        how();
    }
}

/// The last round that a thread has taken part in. A new thread has nothing to give back.
#[derive(Clone, Copy)]
pub(crate) struct Releases(u64);

impl Default for Releases {
    fn default() -> Self {
        Releases(ROUNDS.load(Ordering::Relaxed))
    }
}

impl Releases {
    /// Returns true if a round has begun since then.
    pub fn is_due(self) -> bool {
        self.0 != ROUNDS.load(Ordering::Relaxed)
    }

    /// Gives back this thread's free memory, if a round has begun since then.
    pub fn release(&mut self) {
        if self.is_due() {
            *self = Releases::default();
            release_now();
        }
    }
}
