//! What ties the core to one asyncio event loop.
//!
//! Whatever completes anywhere is noted in one list, and the first note writes one byte to a socket
//! that the loop reads: one wake-up serves every completion that is ready, without the GIL on the
//! side of the runtime's threads.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::errors::build;
use crate::mode::{Job, Mode};
use crate::register::Post;

/// The completions of one event loop.
#[pyclass(frozen, weakref, module = "caxton")]
pub struct Looper {
    shared: Arc<Shared>,
    slots: Arc<Slots>,
    reader: UnixStream,
}

/// What other threads touch.
pub struct Shared {
    ready: Mutex<Vec<u64>>,
    /// Tasks for handlers; nothing once the loop is closed.
    posts: Mutex<Option<Vec<Post>>>,
    signaled: AtomicBool,
    writer: UnixStream,
    next: AtomicU64,
}

type Weak = Py<PyWeakrefReference>;

type Slots = Mutex<HashMap<u64, (Job, Py<PyAny>)>>;

/// Names one call on one loop.
pub struct Ticket {
    id: u64,
    shared: Arc<Shared>,
    slots: Arc<Slots>,
}

/// Why no handler of a closed loop answers.
const CLOSED: &str = "the event loop of the handler is closed";

struct CallWaker {
    id: u64,
    shared: Arc<Shared>,
}

impl Wake for CallWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.shared.ready.lock().push(self.id);
        self.shared.signal();
    }
}

impl Shared {
    fn signal(&self) {
        if !self.signaled.swap(true, Ordering::SeqCst) {
            // A full socket is a signal already, and a closed one a loop that is gone.
            let _ = (&self.writer).write(&[1]);
        }
    }

    /// Hands a task to the loop; one that is closed fails it.
    pub fn post(&self, post: Post) {
        let refused = match &mut *self.posts.lock() {
            Some(posts) => {
                posts.push(post);
                None
            }
            None => Some(post),
        };
        match refused {
            Some(post) => post.fail(CLOSED),
            None => self.signal(),
        }
    }

    /// The loop is closed: what waits for it fails, and so does what is handed to it from now on.
    fn end(&self) {
        let waiting = self.posts.lock().take();
        waiting.into_iter().flatten().for_each(|post| post.fail(CLOSED));
    }
}

impl Ticket {
    pub fn waker(&self) -> Arc<impl Wake + Send + Sync + 'static> {
        Arc::new(CallWaker { id: self.id, shared: self.shared.clone() })
    }

    /// Drops the job, if it still waits.
    pub fn give_up(&self, py: Python<'_>) {
        let slot = self.slots.lock().remove(&self.id);
        if let Some((job, future)) = slot {
            py.detach(|| drop(job));
            drop(future);
        }
    }
}

static LOOPERS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
/// The loop that was asked from last and its looper, both weak: hardly a program has two loops at work.
static LAST: Mutex<Option<(Weak, Weak)>> = Mutex::new(None);
static GET_RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static START: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The loop that runs on this thread; an error where none does.
fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    GET_RUNNING_LOOP.import(py, "asyncio", "get_running_loop")?.call0()
}

impl Looper {
    /// The looper of the event loop that runs on this thread.
    pub fn current(py: Python<'_>) -> PyResult<Bound<'_, Looper>> {
        let running = running_loop(py)?;
        if let Some(looper) = Self::last(&running) {
            return Ok(looper);
        }
        let looper = Self::of(&running)?;
        let weak = (PyWeakrefReference::new(&running)?, PyWeakrefReference::new(&looper)?);
        let last = LAST.lock().replace((weak.0.unbind(), weak.1.unbind()));
        drop(last);
        Ok(looper)
    }

    /// The looper of this loop, if it was asked from last.
    fn last<'py>(running: &Bound<'py, PyAny>) -> Option<Bound<'py, Looper>> {
        let py = running.py();
        let (of, looper) =
            LAST.lock().as_ref().map(|(of, looper)| (of.clone_ref(py), looper.clone_ref(py)))?;
        if !of.bind(py).upgrade()?.is(running) {
            return None;
        }
        looper.bind(py).upgrade()?.cast_into().ok()
    }

    /// The looper of a loop, made when it is first asked for.
    fn of<'py>(running: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Looper>> {
        let py = running.py();
        let loopers = LOOPERS
            .get_or_try_init(py, || {
                PyResult::Ok(py.import("weakref")?.getattr("WeakKeyDictionary")?.call0()?.unbind())
            })?
            .bind(py);
        let found = loopers.call_method1("get", (running,))?;
        if let Ok(looper) = found.cast_into::<Looper>() {
            return Ok(looper);
        }
        let looper = Bound::new(py, Looper::new()?)?;
        let drain = looper.getattr("drain")?;
        running.call_method1("add_reader", (looper.get().reader.as_raw_fd(), drain))?;
        loopers.set_item(running, &looper)?;
        py.import("caxton._loop")?.call_method1("watch_close", (running, &looper))?;
        Ok(looper)
    }

    fn new() -> PyResult<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            ready: Mutex::default(),
            posts: Mutex::new(Some(Vec::new())),
            signaled: AtomicBool::new(false),
            writer,
            next: AtomicU64::new(0),
        });
        Ok(Looper { shared, slots: Arc::default(), reader })
    }

    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    pub fn ticket(&self) -> Ticket {
        Ticket {
            id: self.shared.next.fetch_add(1, Ordering::Relaxed),
            shared: self.shared.clone(),
            slots: self.slots.clone(),
        }
    }

    /// Keeps a job that waits; the future of the loop that is completed with it.
    pub fn enter<'py>(
        &self,
        py: Python<'py>,
        ticket: &Ticket,
        job: Job,
    ) -> PyResult<Bound<'py, PyAny>> {
        let future = running_loop(py)?.call_method0(intern!(py, "create_future"))?;
        self.slots.lock().insert(ticket.id, (job, future.clone().unbind()));
        Ok(future)
    }

    /// Polls a job that was woken, and completes its future if it is ready.
    fn go_on(&self, py: Python<'_>, id: u64) -> PyResult<()> {
        let Some((mut job, future)) = self.slots.lock().remove(&id) else { return Ok(()) };
        let waker = Waker::from(Arc::new(CallWaker { id, shared: self.shared.clone() }));
        let polled = py.detach(|| job.as_mut().poll(&mut Context::from_waker(&waker)));
        let result = match polled {
            Poll::Pending => {
                self.slots.lock().insert(id, (job, future));
                return Ok(());
            }
            Poll::Ready(result) => result,
        };
        let future = future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        let outcome = match result {
            Ok(value) => value.into_py(py, Mode::Async),
            Err(error) => {
                future.call_method1(intern!(py, "set_exception"), (build(py, &error)?,))?;
                return Ok(());
            }
        };
        match outcome {
            Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
            Err(error) => future.call_method1(intern!(py, "set_exception"), (error.value(py),))?,
        };
        Ok(())
    }
}

impl Drop for Looper {
    /// The loop is gone, closed or not.
    fn drop(&mut self) {
        self.shared.end();
    }
}

#[pymethods]
impl Looper {
    /// The looper of the event loop that runs on this thread.
    #[staticmethod]
    #[pyo3(name = "current")]
    fn py_current(py: Python<'_>) -> PyResult<Bound<'_, Looper>> {
        Self::current(py)
    }

    /// The loop is closed: calls that wait there are given up, and who waits for its handlers is told.
    fn end(&self, py: Python<'_>) {
        let slots = std::mem::take(&mut *self.slots.lock());
        let (jobs, futures): (Vec<_>, Vec<_>) = slots.into_values().unzip();
        py.detach(|| {
            drop(jobs);
            self.shared.end();
        });
        drop(futures);
    }

    /// Called by the loop when something is ready.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        let mut bytes = [0; 64];
        // One byte stands for any number of completions.
        while matches!((&self.reader).read(&mut bytes), Ok(count) if count == bytes.len()) {}
        self.shared.signaled.store(false, Ordering::SeqCst);
        let ready = std::mem::take(&mut *self.shared.ready.lock());
        let posts = self.shared.posts.lock().as_mut().map(std::mem::take).unwrap_or_default();
        for id in ready {
            if let Err(error) = self.go_on(py, id) {
                error.write_unraisable(py, None);
            }
        }
        if !posts.is_empty() {
            let start = START.import(py, "caxton._loop", "start")?.clone().unbind();
            for post in posts {
                // A task that cannot be begun is dropped, which tells who sent the message.
                if let Err(error) = post.into_py(py, false).and_then(|post| start.call1(py, post)) {
                    error.write_unraisable(py, None);
                }
            }
        }
        Ok(())
    }
}
