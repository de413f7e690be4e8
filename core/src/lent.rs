//! Lent threads: a thread that is about to wait for some work does the work itself, where that saves waking
//! two threads.
//!
//! A call lends its thread while it is polled, for about one tick, so that an event loop soon goes on. A
//! chore that is left over then is handed to the threads whose work it is.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::release::release;
use crate::source::monotonic;

/// Work that may be left to a lent thread.
pub(crate) trait Chore {
    /// Does the work, unless another thread is doing it. Only a chore that [blocks](Chore::blocks) may take
    /// longer than a tick.
    fn help(self: Arc<Self>);
    /// Hands the work to the threads whose work it is.
    fn hand_over(self: Arc<Self>);
    /// Returns true if the work makes its thread wait for a disk, which an event loop's thread must not.
    fn blocks(&self) -> bool;
}

/// Time for which a thread is lent, and for which it runs a turn before the pool takes the turn over: about
/// one tick, even if a tick comes early.
pub(crate) const LENT: Duration = Duration::from_millis(1);

/// The state of a thread.
enum Stand {
    /// It has other things to do.
    Busy,
    Lent,
    Left(Arc<dyn Chore>),
}

thread_local! {
    static STAND: RefCell<Stand> = const { RefCell::new(Stand::Busy) };
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Leaves a chore to this thread if it is lent and has none yet. Returns true if it was left.
pub(crate) fn leave<C: Chore + 'static>(chore: &Arc<C>) -> bool {
    STAND.with_borrow_mut(|stand| {
        let takes = matches!(stand, Stand::Lent) && (!chore.blocks() || MAY_BLOCK.get());
        if takes {
            *stand = Stand::Left(chore.clone());
        }
        takes
    })
}

/// Runs `work`, and then lends this thread to the chores that `work` has made ready. If the thread was lent
/// already, its outer lender does them.
pub(crate) fn lend_after<T>(work: impl FnOnce() -> T) -> T {
    if STAND.with_borrow(|stand| !matches!(stand, Stand::Busy)) {
        return work();
    }
    let lent = Lent::begin();
    let result = work();
    let mut clock = Clock::default();
    while lent.help() && clock.goes_on() {}
    result
}

/// Lends the thread that polls `future`, for as long as it is polled.
pub(crate) async fn lending<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| poll_lending(future.as_mut(), context)).await
}

fn poll_lending<F: Future>(mut future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    let lent = Lent::begin();
    let mut clock = Clock::default();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        if !lent.help() {
            return Poll::Pending;
        }
        if !clock.goes_on() {
            // The chore may have made the future ready.
            return future.as_mut().poll(context);
        }
    }
}

/// Lends the thread until it is dropped, which hands over a chore that is left.
struct Lent(Stand);

impl Lent {
    fn begin() -> Self {
        Lent(STAND.replace(Stand::Lent))
    }

    /// Does the chore that was left to the thread. Returns false if there was none.
    fn help(&self) -> bool {
        match STAND.replace(Stand::Lent) {
            Stand::Left(chore) => {
                chore.help();
                true
            }
            Stand::Busy | Stand::Lent => false,
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let outer = std::mem::replace(&mut self.0, Stand::Busy);
        if let Stand::Left(chore) = STAND.replace(outer) {
            chore.hand_over();
        }
        release();
    }
}

/// Measures the time for which a thread is lent, beginning after the first chore.
#[derive(Default)]
struct Clock(Option<std::time::Instant>);

impl Clock {
    fn goes_on(&mut self) -> bool {
        let now = monotonic();
        now.duration_since(*self.0.get_or_insert(now)) < LENT
    }
}

/// Allows chores that block on this thread until it is dropped.
pub(crate) struct Blocking(bool);

impl Blocking {
    pub fn begin() -> Self {
        Blocking(MAY_BLOCK.replace(true))
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        MAY_BLOCK.set(self.0);
    }
}
