//! Host agents whose handlers are written in Python.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use caxton::blocking::watch;
use caxton::{Handler, Reply, Within};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::encode::{encode, type_name};
use crate::errors::describe;
use crate::looper::Shared;
use crate::message::Message;

/// A message that a handler has to answer.
#[pyclass(frozen, module = "caxton")]
pub struct Task {
    task: Mutex<Option<caxton::Task>>,
    within: Within,
    message: Py<Message>,
    /// The thread that called the handler ends the task, when it has left Python.
    ends_later: bool,
}

thread_local! {
    /// What a handler on this thread has answered.
    static ANSWERED: RefCell<Option<(caxton::Task, Reply)>> = const { RefCell::new(None) };
}

impl Task {
    fn new(py: Python<'_>, task: caxton::Task, ends_later: bool) -> PyResult<Self> {
        let message = Py::new(py, Message::new(task.message().clone()))?;
        Ok(Task { within: task.within(), message, task: Mutex::new(Some(task)), ends_later })
    }

    fn end(&self, py: Python<'_>, reply: Reply) {
        let Some(task) = self.task.lock().take() else { return };
        if self.ends_later {
            ANSWERED.set(Some((task, reply)));
        } else {
            py.detach(|| task.finish(reply));
        }
    }
}

#[pymethods]
impl Task {
    #[getter]
    fn message(&self, py: Python<'_>) -> Py<Message> {
        self.message.clone_ref(py)
    }

    /// Answers with what the handler returned.
    fn finish(&self, py: Python<'_>, result: &Bound<'_, PyAny>) {
        let reply = if result.is_none() {
            Reply::Nothing
        } else if let Ok(message) = result.cast::<Message>() {
            Reply::Message(message.get().to_draft())
        } else {
            match encode(result) {
                Ok(json) => Reply::Content(json),
                Err(error) => Reply::Failure(format!(
                    "the handler returned an object of type {} that is no answer: {}",
                    type_name(result),
                    describe(py, &error)
                )),
            }
        };
        self.end(py, reply);
    }

    /// Answers with what an error of this code comes to.
    fn fail(&self, py: Python<'_>, text: String, code: &str) {
        self.end(py, Reply::of_error(code, text));
    }
}

/// A task for a handler, on its way to an event loop.
pub struct Post {
    handler: Arc<Py<PyAny>>,
    task: caxton::Task,
}

impl Post {
    /// Answers that no handler will take it.
    pub fn fail(self, why: &str) {
        self.task.finish(Reply::Failure(why.to_owned()));
    }

    pub fn into_py(self, py: Python<'_>, ends_later: bool) -> PyResult<(Py<PyAny>, Py<Task>)> {
        let task = Py::new(py, Task::new(py, self.task, ends_later)?)?;
        Ok((self.handler.clone_ref(py), task))
    }
}

/// A handler that runs on an event loop.
pub struct LoopHandler {
    handler: Arc<Py<PyAny>>,
    shared: Arc<Shared>,
}

impl LoopHandler {
    pub fn new(handler: Py<PyAny>, shared: Arc<Shared>) -> Self {
        LoopHandler { handler: Arc::new(handler), shared }
    }
}

impl Handler for LoopHandler {
    fn handle(&self, task: caxton::Task) {
        self.shared.post(Post { handler: self.handler.clone(), task });
    }
}

/// The threads on which an agent's plain handlers run. They are started for the first handler, and end
/// with the last one. They are Python's own, and daemons: what still runs when the interpreter ends
/// goes with it.
pub struct Threads {
    name: String,
    count: usize,
    tasks: Mutex<Option<Sender<Post>>>,
}

impl Threads {
    pub fn new(name: &str, count: usize) -> Self {
        Threads { name: format!("caxton-{name}"), count, tasks: Mutex::new(None) }
    }

    fn start(&self, py: Python<'_>) -> PyResult<Sender<Post>> {
        if let Some(tasks) = &*self.tasks.lock() {
            return Ok(tasks.clone());
        }
        let (sender, waiting) = channel();
        let tasks = Py::new(py, Tasks(Mutex::new(waiting)))?;
        let start = py.import("caxton._serve")?.getattr("start_threads")?;
        start.call1((&self.name, self.count, tasks))?;
        // Starting them runs Python, so the lock is not held meanwhile; one of two is enough.
        Ok(self.tasks.lock().get_or_insert(sender).clone())
    }
}

/// Where the threads of an agent find their tasks.
#[pyclass(frozen, module = "caxton")]
pub struct Tasks(Mutex<Receiver<Post>>);

#[pymethods]
impl Tasks {
    /// Ends the last task of this thread with what its handler has answered, and waits for the next: the
    /// handler and its task, or nothing once there will be no more.
    fn next(&self, py: Python<'_>) -> PyResult<Option<(Py<PyAny>, Py<Task>)>> {
        let post = py.detach(|| {
            if let Some((task, reply)) = ANSWERED.take() {
                task.finish(reply);
            }
            self.wait()
        });
        post.map(|post| post.into_py(py, true)).transpose()
    }
}

impl Tasks {
    /// The lock is only held to take the next task, one thread at a time.
    fn wait(&self) -> Option<Post> {
        let waiting = self.0.lock();
        let mut received = Err(TryRecvError::Empty);
        let has_come = watch(|| {
            received = waiting.try_recv();
            !matches!(received, Err(TryRecvError::Empty))
        });
        if has_come { received.ok() } else { waiting.recv().ok() }
    }
}

/// A handler that runs on the threads of its agent.
pub struct ThreadHandler {
    handler: Arc<Py<PyAny>>,
    tasks: Sender<Post>,
}

impl ThreadHandler {
    pub fn new(py: Python<'_>, handler: Py<PyAny>, threads: &Threads) -> PyResult<Self> {
        Ok(ThreadHandler { handler: Arc::new(handler), tasks: threads.start(py)? })
    }
}

impl Handler for ThreadHandler {
    fn handle(&self, task: caxton::Task) {
        // Where the threads are gone the task comes back and fails by being dropped.
        let _ = self.tasks.send(Post { handler: self.handler.clone(), task });
    }
}

/// Either of the two.
pub enum PythonHandler {
    OnLoop(LoopHandler),
    OnThreads(ThreadHandler),
}

impl Handler for PythonHandler {
    fn handle(&self, task: caxton::Task) {
        match self {
            PythonHandler::OnLoop(handler) => handler.handle(task),
            PythonHandler::OnThreads(handler) => handler.handle(task),
        }
    }
}

/// How the task is asked for.
static WITHIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The task within which this code runs, if it runs within a handler.
pub fn current_task(py: Python<'_>) -> PyResult<Option<Within>> {
    let within = WITHIN.get_or_try_init(py, || {
        py.import("caxton._serve")?.getattr("within")?.getattr("get").map(Bound::unbind)
    })?;
    let task = within.bind(py).call0()?;
    Ok(task.cast::<Task>().ok().map(|task| task.get().within))
}
