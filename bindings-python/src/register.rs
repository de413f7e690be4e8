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

    /// Answers with a failure.
    fn fail(&self, py: Python<'_>, text: String) {
        self.end(py, Reply::Failure(text));
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

/// A handler that runs on threads of its own. They end with it.
pub struct ThreadHandler {
    tasks: Sender<caxton::Task>,
}

static CALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

impl ThreadHandler {
    pub fn start(name: &str, handler: Py<PyAny>, threads: usize) -> PyResult<Self> {
        let (tasks, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let handler = Arc::new(handler);
        for _ in 0..threads {
            let (waiting, handler) = (waiting.clone(), handler.clone());
            std::thread::Builder::new()
                .name(format!("caxton-{}", name.chars().take(8).collect::<String>()))
                .spawn(move || serve(&waiting, &handler))?;
        }
        Ok(ThreadHandler { tasks })
    }
}

impl Handler for ThreadHandler {
    fn handle(&self, task: caxton::Task) {
        // Where the threads are gone the task comes back and fails by being dropped.
        let _ = self.tasks.send(task);
    }
}

fn serve(waiting: &Mutex<Receiver<caxton::Task>>, handler: &Py<PyAny>) {
    loop {
        // The lock is only held to take the next task, one thread at a time.
        let received = waiting.lock().recv();
        let Ok(task) = received else { return };
        // Once the interpreter ends nothing attaches to it any more.
        let called = Python::try_attach(|py| {
            let call = CALL.import(py, "caxton._serve", "call")?;
            let task = Py::new(py, Task::new(py, task)?)?;
            call.call1((handler, task)).map(drop)
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

/// A registered handler of this program.
#[pyclass(frozen, module = "caxton")]
pub struct HostAgent(pub caxton::HostAgentHandle);

#[pymethods]
impl HostAgent {
    /// The agent's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The agent's id: a UUID.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// Takes the agent out of the runtime.
    fn remove(&self, py: Python<'_>) {
        py.detach(|| self.0.remove());
    }

    fn __repr__(&self) -> String {
        format!("<HostAgent {:?}>", self.0.name())
    }
}
