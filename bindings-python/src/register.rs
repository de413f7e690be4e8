//! Host agents whose handlers are written in Python.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use caxton::blocking::watch;
use caxton::{Handler, Reply, Within};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::encode::{encode, type_name};
use crate::looper::Shared;
use crate::message::Message;

/// A message that a handler has to answer.
#[pyclass(frozen, module = "caxton")]
pub struct Task {
    state: Mutex<State>,
    within: Within,
    message: Py<Message>,
    /// Whoever called the handler ends the task, when Python is left.
    ends_later: bool,
}

enum State {
    Open(caxton::Task),
    Answered(caxton::Task, Reply),
    Ended,
}

impl Task {
    fn new(py: Python<'_>, task: caxton::Task, ends_later: bool) -> PyResult<Self> {
        let message = Py::new(py, Message::new(task.message().clone()))?;
        let (within, state) = (task.within(), Mutex::new(State::Open(task)));
        Ok(Task { state, within, message, ends_later })
    }

    fn take(&self) -> State {
        std::mem::replace(&mut *self.state.lock(), State::Ended)
    }

    fn end(&self, py: Python<'_>, reply: Reply) {
        match self.take() {
            State::Open(task) if self.ends_later => {
                *self.state.lock() = State::Answered(task, reply);
            }
            State::Open(task) => py.detach(|| task.finish(reply)),
            answered => *self.state.lock() = answered,
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
            Reply::Message(message.get().json().to_vec())
        } else {
            match encode(result) {
                Ok(json) => Reply::Content(json),
                Err(error) => Reply::Failure(format!(
                    "the handler returned an object of type {} that is no answer: {}",
                    type_name(result),
                    error.value(py)
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
/// with the last one.
pub struct Threads {
    name: String,
    count: usize,
    tasks: Mutex<Option<Sender<Post>>>,
}

impl Threads {
    pub fn new(name: &str, count: usize) -> Self {
        let name = format!("caxton-{}", name.chars().take(8).collect::<String>());
        Threads { name, count, tasks: Mutex::new(None) }
    }

    fn start(&self) -> PyResult<Sender<Post>> {
        let mut tasks = self.tasks.lock();
        if let Some(tasks) = &*tasks {
            return Ok(tasks.clone());
        }
        let (sender, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..self.count {
            let waiting = waiting.clone();
            let thread = std::thread::Builder::new().name(self.name.clone());
            // Its state in the interpreter is made once, and not for each task.
            thread.spawn(move || Python::try_attach(|py| py.detach(|| serve(&waiting))))?;
        }
        *tasks = Some(sender.clone());
        Ok(sender)
    }
}

/// A handler that runs on the threads of its agent.
pub struct ThreadHandler {
    handler: Arc<Py<PyAny>>,
    tasks: Sender<Post>,
}

impl ThreadHandler {
    pub fn new(handler: Py<PyAny>, threads: &Threads) -> PyResult<Self> {
        Ok(ThreadHandler { handler: Arc::new(handler), tasks: threads.start()? })
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

static CALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn serve(waiting: &Mutex<Receiver<Post>>) {
    loop {
        let Some(post) = next(waiting) else { return };
        let called = Python::try_attach(|py| call(py, post));
        match called {
            // The interpreter ends: nothing attaches to it any more, and so this thread ends with it.
            None => loop {
                std::thread::park();
            },
            Some(State::Answered(task, reply)) => task.finish(reply),
            // What was not answered fails by being dropped.
            Some(State::Open(_) | State::Ended) => {}
        }
    }
}

/// Waits for the next task. The lock is only held for that, one thread at a time.
fn next(waiting: &Mutex<Receiver<Post>>) -> Option<Post> {
    let waiting = waiting.lock();
    let mut received = Err(TryRecvError::Empty);
    let has_come = watch(|| {
        received = waiting.try_recv();
        !matches!(received, Err(TryRecvError::Empty))
    });
    if has_come { received.ok() } else { waiting.recv().ok() }
}

/// Calls a handler; what became of its task.
fn call(py: Python<'_>, post: Post) -> State {
    let called = CALL.import(py, "caxton._serve", "call").and_then(|call| {
        let (handler, task) = post.into_py(py, true)?;
        call.call1((handler, &task))?;
        Ok(task.get().take())
    });
    called.unwrap_or_else(|error| {
        error.write_unraisable(py, None);
        State::Ended
    })
}

static WITHIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The task within which this code runs, if it runs within a handler.
pub fn current_task(py: Python<'_>) -> PyResult<Option<Within>> {
    let task = WITHIN.import(py, "caxton._serve", "within")?.call_method0("get")?;
    Ok(task.cast::<Task>().ok().map(|task| task.get().within))
}
