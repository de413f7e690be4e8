//! Host agents whose handlers are written in Python.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

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
    task: Mutex<Option<caxton::Task>>,
    within: Within,
    message: Py<Message>,
}

impl Task {
    fn new(py: Python<'_>, task: caxton::Task) -> PyResult<Self> {
        let message = Py::new(py, Message::new(task.message().clone()))?;
        Ok(Task { within: task.within(), message, task: Mutex::new(Some(task)) })
    }

    fn end(&self, py: Python<'_>, reply: Reply) {
        if let Some(task) = self.task.lock().take() {
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
    pub fn into_py(self, py: Python<'_>) -> PyResult<(Py<PyAny>, Py<Task>)> {
        Ok((self.handler.clone_ref(py), Py::new(py, Task::new(py, self.task)?)?))
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
            thread.spawn(move || serve(&waiting))?;
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
        // The lock is only held to take the next task, one thread at a time.
        let received = waiting.lock().recv();
        let Ok(post) = received else { return };
        // Once the interpreter ends nothing attaches to it any more.
        let called = Python::try_attach(|py| {
            let call = CALL.import(py, "caxton._serve", "call")?;
            call.call1(post.into_py(py)?).map(drop)
        });
        match called {
            None => return,
            Some(Ok(())) => {}
            Some(Err(error)) => {
                Python::try_attach(|py| error.write_unraisable(py, None));
            }
        }
    }
}

static WITHIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The task within which this code runs, if it runs within a handler.
pub fn current_task(py: Python<'_>) -> PyResult<Option<Within>> {
    let task = WITHIN.import(py, "caxton._serve", "within")?.call_method0("get")?;
    Ok(task.cast::<Task>().ok().map(|task| task.get().within))
}
