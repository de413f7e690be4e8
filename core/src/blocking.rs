//! Waiting for a future on a thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

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
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        thread::park_timeout(interval);
        look()?;
    }
}
