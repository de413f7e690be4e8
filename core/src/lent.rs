//! Threads that lend themselves: one that is about to wait does what it waits for, where that spares
//! two threads their waking.
//!
//! A call lends its thread while it is polled, for about one tick: an event loop goes on after that.
//! What is left to it then is handed over to those whose work it is.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::release::release;
use crate::source::monotonic;

/// What a thread that lends itself may be left with.
pub(crate) trait Chore {
    /// Does it, if nobody else is at it; what takes longer than a tick only where it
    /// [blocks](Chore::blocks).
    fn help(self: Arc<Self>);
    /// Leaves it to the threads whose work it is.
    fn hand_over(self: Arc<Self>);
    /// Whether it makes its thread wait, for a disk: an event loop must not.
    fn blocks(&self) -> bool;
}

/// How long a thread is lent, and what of a turn it runs before the pool takes that over: about one
/// tick, and not less where a tick comes early.
pub(crate) const LENT: Duration = Duration::from_millis(1);

/// How a thread stands.
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

/// Leaves a chore to this thread, if that lends itself and has none yet; whether it did.
pub(crate) fn leave<C: Chore + 'static>(chore: &Arc<C>) -> bool {
    STAND.with_borrow_mut(|stand| {
        let takes = matches!(stand, Stand::Lent) && (!chore.blocks() || MAY_BLOCK.get());
        if takes {
            *stand = Stand::Left(chore.clone());
        }
        takes
    })
}

/// Lends this thread after `work`: to what that makes ready. Where the thread is lent already, it is
/// whoever lent it who goes on.
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
            // What it has done may be what was waited for.
            return future.as_mut().poll(context);
        }
    }
}

/// Lives while a thread is lent; ends with handing over what it was left with.
struct Lent(Stand);

impl Lent {
    fn begin() -> Self {
        Lent(STAND.replace(Stand::Lent))
    }

    /// Does what the thread was left with; whether that was anything.
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

/// How long a thread has been lent; it is not asked before something has been done.
#[derive(Default)]
struct Clock(Option<std::time::Instant>);

impl Clock {
    fn goes_on(&mut self) -> bool {
        let now = monotonic();
        now.duration_since(*self.0.get_or_insert(now)) < LENT
    }
}

/// Lives while somebody blocks on this thread.
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
