//! Waiting for a future on a thread.

use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::hint;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::lent::Blocking;
use crate::source::monotonic;

/// How long a thread looks again and again before it sleeps. To wake one that sleeps takes about as long.
const WATCHFUL: Duration = Duration::from_micros(50);
/// How often it looks before it looks at the clock too.
const LOOKS: u32 = 64;

thread_local! {
    /// What this thread sleeps by, unless it is in use further out.
    static SLEEPER: Cell<Option<Arc<Sleeper>>> = const { Cell::new(None) };
    /// What it waits for is busy with others first.
    static IS_IN_LINE: Cell<bool> = const { Cell::new(false) };
}

/// A thread that waits.
struct Sleeper {
    thread: Thread,
    state: AtomicU8,
}

/// It looks itself whether it was woken.
const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const WOKEN: u8 = 2;

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            self.thread.unpark();
        }
    }
}

impl Sleeper {
    fn new() -> Arc<Self> {
        Arc::new(Sleeper { thread: thread::current(), state: AtomicU8::new(AWAKE) })
    }

    /// Waits until somebody wakes this thread, for about `interval` at most; whether somebody did.
    fn sleep(&self, interval: Duration) -> bool {
        // Who stands in line does not watch: it would take the core of those for whom it waits.
        let watches = !IS_IN_LINE.take();
        let woken = watches && watch(|| self.state.load(Ordering::Relaxed) == WOKEN);
        let falls_asleep = !woken
            && self
                .state
                .compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if falls_asleep {
            thread::park_timeout(interval);
        }
        self.state.swap(AWAKE, Ordering::AcqRel) == WOKEN
    }
}

/// What this thread is about to wait for is busy with others first.
pub(crate) fn stands_in_line() {
    IS_IN_LINE.set(true);
}

/// Looks again and again for a moment whether something has come, where there is a core to spare; whether
/// it has. Who hands something to a thread that sleeps, and gets something back, waits twice until a
/// thread is awake; one that watches is there at once.
pub fn watch(mut has_come: impl FnMut() -> bool) -> bool {
    static HAS_CORES: OnceLock<bool> = OnceLock::new();
    if has_come() {
        return true;
    }
    if !HAS_CORES.get_or_init(|| thread::available_parallelism().is_ok_and(|it| it.get() > 1)) {
        return false;
    }
    let began = monotonic();
    while began.elapsed() < WATCHFUL {
        for _ in 0..LOOKS {
            if has_come() {
                return true;
            }
            hint::spin_loop();
        }
    }
    false
}

/// Runs a future to its end on this thread.
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    let mut never = || Ok::<(), std::convert::Infallible>(());
    match block_on_with(future.into_future(), Duration::from_secs(3600), &mut never) {
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
    let _blocking = Blocking::begin();
    let sleeper = SLEEPER.try_with(Cell::take).ok().flatten().unwrap_or_else(Sleeper::new);
    let waker = Waker::from(sleeper.clone());
    let mut context = Context::from_waker(&waker);
    let mut looked = None;
    IS_IN_LINE.set(false);
    let result = loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            break Ok(output);
        }
        let last = *looked.get_or_insert_with(monotonic);
        // Most are woken once. Who is woken again and again looks in time too.
        if sleeper.sleep(interval) && last.elapsed() < interval {
            continue;
        }
        if let Err(error) = look() {
            break Err(error);
        }
        looked = Some(monotonic());
    };
    let _ = SLEEPER.try_with(|kept| kept.set(Some(sleeper)));
    result
}
