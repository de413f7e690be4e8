//! Waiting for a future on a thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// Work that others wait for, and that a thread which is about to wait may as well do itself: it spares
/// two threads their waking.
pub(crate) trait Chore {
    /// Does it, if nobody else is at it.
    fn help(&self);
    /// Leaves it to the thread whose work it is.
    fn hand_over(&self);
}

/// What a thread has been left with.
enum Left {
    /// It will not wait, or not here.
    Away,
    /// It waits as soon as it has nothing else to do.
    Nothing,
    Chore(Arc<dyn Chore>),
}

thread_local! {
    static LEFT: RefCell<Left> = const { RefCell::new(Left::Away) };
}

/// Leaves a chore to this thread, if it is about to wait. It does it then, or hands it over.
pub(crate) fn leave(chore: impl FnOnce() -> Arc<dyn Chore>) -> bool {
    LEFT.with_borrow_mut(|left| {
        let takes = matches!(left, Left::Nothing);
        if takes {
            *left = Left::Chore(chore());
        }
        takes
    })
}

/// Lives while a thread runs what it waits for.
struct Waiting(Left);

impl Waiting {
    fn begin() -> Self {
        Waiting(LEFT.replace(Left::Nothing))
    }

    /// Does what it was left with; whether that was anything.
    fn help(&self) -> bool {
        let Left::Chore(chore) = LEFT.replace(Left::Nothing) else {
            return false;
        };
        chore.help();
        true
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let outer = std::mem::replace(&mut self.0, Left::Away);
        if let Left::Chore(chore) = LEFT.replace(outer) {
            chore.hand_over();
        }
    }
}

struct ThreadWaker(Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut never = || Ok::<(), std::convert::Infallible>(());
    match block_on_with(future, Duration::from_secs(3600), &mut never) {
        Ok(output) => output,
        Err(never) => match never {},
    }
}

/// Runs a future to its end on this thread, and calls `look` about every `interval` while it waits,
/// which may end the wait with an error (a signal, for one).
///
/// # Errors
///
/// What `look` returned; the future is dropped then.
pub fn block_on_with<F: Future, E>(
    future: F,
    interval: Duration,
    look: &mut impl FnMut() -> Result<(), E>,
) -> Result<F::Output, E> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(ThreadWaker(thread::current())));
    let mut context = Context::from_waker(&waker);
    let waiting = Waiting::begin();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        if !waiting.help() {
            thread::park_timeout(interval);
        }
        look()?;
    }
}
