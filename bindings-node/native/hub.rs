//! Where calls wait, and how the JavaScript thread learns that they are ready.
//!
//! A call is polled once on the JavaScript thread when it is made. If it has to wait, its waker puts
//! the call's id into a queue and wakes the event loop, unless that has been done already: one
//! wake-up serves everything that is ready when the event loop gets to it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use caxton::{Draft, Reply, Task, Within};
use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::fault::Fault;
use crate::message::{Text, text};
use crate::outcome::{Outcome, Value, pending};

/// Names a call that waits, or a task that is handled. Never used twice.
pub type CallId = i64;

/// Weak: it does not keep the process alive. The TypeScript layer does, as long as a call waits.
type WakeUp = ThreadsafeFunction<(), (), (), Status, false, true>;

type Work = Pin<Box<dyn Future<Output = Outcome>>>;

/// The part that any thread may touch.
pub struct Inbox {
    events: Mutex<Vec<Event>>,
    wake_up: WakeUp,
    is_woken: AtomicBool,
    is_closed: AtomicBool,
}

enum Event {
    Ready(CallId),
    Task(u32, Task),
    Gone(u32),
}

impl Inbox {
    fn push(&self, event: Event) {
        {
            let mut events = self.events.lock();
            if self.is_closed.load(Ordering::Acquire) {
                drop(events);
                // A task that is dropped here is answered with a failure.
                return drop(event);
            }
            events.push(event);
        }
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.wake_up.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Hands a task to the JavaScript handler with this number.
    pub fn push_task(&self, handler: u32, task: Task) {
        self.push(Event::Task(handler, task));
    }

    /// Says that the handler with this number gets no more tasks.
    pub fn push_gone(&self, handler: u32) {
        self.push(Event::Gone(handler));
    }

    fn take(&self) -> Vec<Event> {
        // In this order: what is pushed from here on wakes the event loop again.
        self.is_woken.store(false, Ordering::Release);
        std::mem::take(&mut *self.events.lock())
    }

    fn close(&self) {
        let events = {
            let mut events = self.events.lock();
            self.is_closed.store(true, Ordering::Release);
            std::mem::take(&mut *events)
        };
        drop(events);
    }
}

struct CallWaker {
    id: CallId,
    inbox: Arc<Inbox>,
    is_queued: AtomicBool,
}

impl Wake for CallWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            self.inbox.push(Event::Ready(self.id));
        }
    }
}

struct Call {
    work: Work,
    waker: Arc<CallWaker>,
}

/// The part that belongs to the JavaScript thread.
pub struct Loop {
    pub inbox: Arc<Inbox>,
    calls: RefCell<HashMap<CallId, Call>>,
    tasks: RefCell<HashMap<CallId, Task>>,
    next_id: Cell<CallId>,
}

/// Panics are caught around everything that the loop runs, and a call that panicked is dropped.
pub type SharedLoop = AssertUnwindSafe<Rc<Loop>>;

impl Loop {
    fn next_id(&self) -> CallId {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        id
    }

    /// The task within which JavaScript makes a call, unless it has ended.
    pub fn within(&self, task: Option<CallId>) -> Option<Within> {
        self.tasks.borrow().get(&task?).map(Task::within)
    }

    fn settle(&self, id: CallId) -> Option<Outcome> {
        // Taken out while it is polled, since polling may come back here.
        let mut call = self.calls.borrow_mut().remove(&id)?;
        call.waker.is_queued.store(false, Ordering::Release);
        match poll(&mut call) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => {
                self.calls.borrow_mut().insert(id, call);
                None
            }
        }
    }
}

/// Begins a call: its answer if there is one at once, or the id under which it waits.
pub fn begin(hub: &SharedLoop, work: impl Future<Output = Outcome> + 'static) -> Value {
    let id = hub.next_id();
    let inbox = hub.inbox.clone();
    let waker = Arc::new(CallWaker { id, inbox, is_queued: AtomicBool::new(false) });
    let mut call = Call { work: Box::pin(work), waker };
    match poll(&mut call) {
        Poll::Ready(outcome) => outcome.into_value(hub),
        Poll::Pending => {
            hub.calls.borrow_mut().insert(id, call);
            pending(id)
        }
    }
}

fn poll(call: &mut Call) -> Poll<Outcome> {
    let waker = Waker::from(call.waker.clone());
    let work = &mut call.work;
    let polled =
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut Context::from_waker(&waker))));
    polled.unwrap_or_else(|_| Poll::Ready(Outcome::Failed(Fault::of_panic())))
}

/// A message for a handler.
#[napi(object, object_from_js = false)]
pub struct Delivery {
    /// The number under which the handler was registered.
    pub handler: u32,
    /// The task, to be ended by `finish`.
    pub task: CallId,
    /// The message as JSON.
    pub message: Text,
}

/// Everything that is ready.
#[napi(object, object_from_js = false)]
pub struct Ready {
    /// The calls that are done.
    pub calls: Vec<CallId>,
    /// What they came to, in the same order.
    pub outcomes: Vec<Value>,
    /// Messages to be handled, in order.
    pub deliveries: Vec<Delivery>,
    /// Handlers that get no more messages.
    pub gone: Vec<u32>,
}

/// What a handler answered.
#[napi]
pub enum Answer {
    Nothing,
    Content,
    Message,
    Failure,
}

/// The calls and tasks of one JavaScript thread.
#[napi]
pub struct Hub {
    inner: SharedLoop,
}

impl Hub {
    pub fn shared(&self) -> &SharedLoop {
        &self.inner
    }
}

#[napi]
impl Hub {
    /// `wake_up` is called from the event loop when something is ready.
    #[napi(constructor)]
    pub fn new(wake_up: Function<'_, (), ()>) -> napi::Result<Self> {
        let wake_up = wake_up.build_threadsafe_function().weak::<true>().build()?;
        let inbox = Inbox {
            events: Mutex::default(),
            wake_up,
            is_woken: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        };
        let inner = Loop {
            inbox: Arc::new(inbox),
            calls: RefCell::default(),
            tasks: RefCell::default(),
            next_id: Cell::new(1),
        };
        Ok(Hub { inner: AssertUnwindSafe(Rc::new(inner)) })
    }

    /// Takes everything that is ready.
    #[napi(catch_unwind)]
    pub fn drain(&self) -> Ready {
        let mut ready = Ready {
            calls: Vec::new(),
            outcomes: Vec::new(),
            deliveries: Vec::new(),
            gone: Vec::new(),
        };
        for event in self.inner.inbox.take() {
            match event {
                Event::Ready(id) => {
                    if let Some(outcome) = self.inner.settle(id) {
                        ready.calls.push(id);
                        ready.outcomes.push(outcome.into_value(&self.inner));
                    }
                }
                Event::Task(handler, task) => {
                    let key = self.inner.next_id();
                    let message = text(task.message());
                    self.inner.tasks.borrow_mut().insert(key, task);
                    ready.deliveries.push(Delivery { handler, task: key, message });
                }
                Event::Gone(handler) => ready.gone.push(handler),
            }
        }
        ready
    }

    /// Drops a call that waits: the runtime takes back what it can.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: CallId) {
        let call = self.inner.calls.borrow_mut().remove(&id);
        drop(call);
    }

    /// Ends a task. `text` is the content or the message as JSON, or why the handler failed, and `code`
    /// that of its error.
    #[napi(catch_unwind)]
    pub fn finish(&self, task: CallId, answer: Answer, text: String, code: Option<String>) {
        let task = self.inner.tasks.borrow_mut().remove(&task);
        if let Some(task) = task {
            task.finish(match answer {
                Answer::Nothing => Reply::Nothing,
                Answer::Content => Reply::Content(text.into_bytes()),
                Answer::Message => Reply::Message(Draft::foreign(text)),
                Answer::Failure => Reply::of_error(code.as_deref().unwrap_or_default(), text),
            });
        }
    }
}

impl Drop for Hub {
    /// The JavaScript thread ends: whatever waits is taken back, and whoever waits for a handler of
    /// this thread is told that there will be no answer.
    fn drop(&mut self) {
        self.inner.inbox.close();
        let calls = self.inner.calls.take();
        let tasks = self.inner.tasks.take();
        drop((calls, tasks));
    }
}
