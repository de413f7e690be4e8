//! Handlers that wait: a small executor on the host's timers and messages.
//!
//! An `async` handler that awaits ends its turn; it goes on in the turn of the timer or the message that it
//! awaits. So nothing is held up meanwhile, and the agent handles other messages. What waits lives in the
//! instance: after a dropped turn, a restart of the agent or of the program it is gone. What has to
//! outlive these keeps its context as stored data and goes on in `handle_timer`.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::error::HostError;
use crate::host::{cancel_timer, random_u32, send_message, set_timer};
use crate::local::local;
use crate::message::FipaMessage;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What the agent waits for.
struct Waiting {
    tasks: BTreeMap<u64, (Task, Arc<Woken>)>,
    /// Spawned and not yet run.
    fresh: VecDeque<u64>,
    timers: BTreeMap<u32, Shared<()>>,
    answers: BTreeMap<String, Shared<FipaMessage>>,
    last_task: u64,
    last_ask: u64,
}

local!(WAITING: Waiting = Waiting {
    tasks: BTreeMap::new(),
    fresh: VecDeque::new(),
    timers: BTreeMap::new(),
    answers: BTreeMap::new(),
    last_task: 0,
    last_ask: 0,
});

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What comes in a later turn, and who is woken by it.
struct Slot<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

type Shared<T> = Rc<RefCell<Slot<T>>>;

fn slot<T>() -> Shared<T> {
    Rc::new(RefCell::new(Slot { value: None, waker: None }))
}

fn fill<T>(slot: &Shared<T>, value: T) {
    let mut slot = slot.borrow_mut();
    slot.value = Some(value);
    if let Some(waker) = slot.waker.take() {
        waker.wake();
    }
}

fn poll<T>(slot: &Shared<T>, context: &mut Context<'_>) -> Poll<T> {
    let mut slot = slot.borrow_mut();
    match slot.value.take() {
        Some(value) => Poll::Ready(value),
        None => {
            slot.waker = Some(context.waker().clone());
            Poll::Pending
        }
    }
}

/// Has a future run beside the handlers, from the end of this handler on.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    WAITING.with(|waiting| {
        waiting.last_task += 1;
        let task = waiting.last_task;
        waiting.tasks.insert(task, (Box::pin(future), Arc::new(Woken(AtomicBool::new(false)))));
        waiting.fresh.push_back(task);
    });
}

/// Waits without holding anybody up: the turn ends, and the handler goes on in another.
///
/// # Panics
///
/// If the host refuses the timer; the turn is then dropped, as in any panic. [`HostTimer::set`] tells.
pub fn sleep(time: Duration) -> HostTimer {
    match HostTimer::set(time) {
        Ok(timer) => timer,
        Err(error) => panic!("the agent cannot sleep: {error}"),
    }
}

/// A timer of the host as a future. Dropped before it is due, it is cancelled.
#[derive(Debug)]
pub struct HostTimer {
    timer: u32,
    is_over: bool,
}

impl HostTimer {
    /// Sets a timer.
    ///
    /// # Errors
    ///
    /// [`HostError::LimitExceeded`] if the host refused it.
    pub fn set(delay: Duration) -> Result<Self, HostError> {
        let timer = set_timer(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX))?;
        WAITING.with(|waiting| waiting.timers.insert(timer, slot()));
        Ok(HostTimer { timer, is_over: false })
    }
}

impl Future for HostTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_over {
            return Poll::Ready(());
        }
        let slot = WAITING.with(|waiting| waiting.timers.get(&self.timer).cloned());
        // What the executor has forgotten cannot come any more.
        let polled = slot.map_or(Poll::Ready(()), |slot| poll(&slot, context));
        if polled.is_ready() {
            self.is_over = true;
            WAITING.with(|waiting| waiting.timers.remove(&self.timer));
        }
        polled
    }
}

impl Drop for HostTimer {
    fn drop(&mut self) {
        let is_set = WAITING.with(|waiting| waiting.timers.remove(&self.timer)).is_some();
        if is_set && !self.is_over {
            // It may have come due meanwhile; then there is nothing to cancel.
            let _ = cancel_timer(self.timer);
        }
    }
}

/// Sends a message and waits for its answer, whatever its act, in turns of its own.
///
/// ```no_run
/// # use caxton_sdk::{ask, AgentError, FipaMessage};
/// # use serde_json::json;
/// # async fn example() -> Result<(), AgentError> {
/// let offer = ask(FipaMessage::new("cfp", "anna", json!({"task": "paint"})))?.await;
/// # Ok(())
/// # }
/// ```
///
/// To wait no longer than until some time, give the message a `reply_by`: the runtime then answers with a `failure`.
///
/// # Errors
///
/// Those of [`send_message`].
pub fn ask(mut message: FipaMessage) -> Result<Answer, HostError> {
    let number = WAITING.with(|waiting| {
        waiting.last_ask += 1;
        waiting.last_ask
    });
    // Another instance of this agent may have asked the same; its answers are not ours.
    let id = alloc::format!("ask-{number}-{:08x}", random_u32());
    message.reply_with = Some(id.clone());
    send_message(&message)?;
    let slot = slot();
    WAITING.with(|waiting| waiting.answers.insert(id.clone(), slot.clone()));
    Ok(Answer { id, slot })
}

/// An answer that is waited for. Dropped, it is waited for no longer, and comes to the handler as any message.
pub struct Answer {
    id: String,
    slot: Shared<FipaMessage>,
}

impl Future for Answer {
    type Output = FipaMessage;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<FipaMessage> {
        poll(&self.slot, context)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        WAITING.with(|waiting| waiting.answers.remove(&self.id));
    }
}

/// Gives a message to the handler that awaits it; the message where nobody does.
pub(crate) fn answered(message: FipaMessage) -> Option<FipaMessage> {
    // An `agree` says that the answer is still to come.
    if message.performative == "agree" {
        let is_awaited = message
            .in_reply_to
            .as_ref()
            .is_some_and(|id| WAITING.with(|waiting| waiting.answers.contains_key(id)));
        return (!is_awaited).then_some(message);
    }
    let slot = message
        .in_reply_to
        .as_ref()
        .and_then(|id| WAITING.with(|waiting| waiting.answers.remove(id)));
    match slot {
        Some(slot) => {
            fill(&slot, message);
            run();
            None
        }
        None => Some(message),
    }
}

/// Lets the handler that awaits a timer go on; whether one does.
pub(crate) fn rang(timer: u32) -> bool {
    let slot = WAITING.with(|waiting| waiting.timers.get(&timer).cloned());
    match slot {
        Some(slot) => {
            fill(&slot, ());
            run();
            true
        }
        None => false,
    }
}

/// Runs what can run, until all of it waits.
pub(crate) fn run() {
    while let Some(id) = next() {
        let task = WAITING.with(|waiting| waiting.tasks.remove(&id));
        let Some((mut future, woken)) = task else { continue };
        woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(woken.clone());
        // Nothing is borrowed while it runs: it may spawn, ask and set timers.
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            WAITING.with(|waiting| waiting.tasks.insert(id, (future, woken)));
        }
    }
}

fn next() -> Option<u64> {
    WAITING.with(|waiting| {
        waiting.fresh.pop_front().or_else(|| {
            let woken = |woken: &Woken| woken.0.load(Ordering::Relaxed);
            waiting.tasks.iter().find(|(_, (_, task))| woken(task)).map(|(id, _)| *id)
        })
    })
}

/// Forgets all that waits, as a fresh instance has.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn forget() {
    let old = WAITING.with(|waiting| {
        waiting.answers.clear();
        (
            core::mem::take(&mut waiting.timers),
            core::mem::take(&mut waiting.tasks),
            core::mem::take(&mut waiting.fresh),
        )
    });
    // What is dropped here may look at what waits, and finds nothing.
    drop(old);
}
