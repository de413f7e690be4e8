//! Host agents, as Python sees them: the program's handlers, and where they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use caxton::{HostAgentHandle, Performative, Register};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::errors::{closed, invalid_argument, to_py};
use crate::looper::Looper;
use crate::mode::Mode;
use crate::register::{LoopHandler, PythonHandler, ThreadHandler, Threads};

/// How many messages an async handler is given at once.
const ASYNC_CONCURRENCY: usize = 64;

/// Where the handlers of a runtime run.
pub struct Serving {
    pub mode: Mode,
    /// The loop on which async handlers of a blocking runtime run, once there is one.
    loop_thread: Mutex<Option<Py<PyAny>>>,
    /// Nobody would stop a loop that begins now.
    is_over: AtomicBool,
}

impl Serving {
    pub fn new(mode: Mode) -> Arc<Self> {
        Arc::new(Serving { mode, loop_thread: Mutex::new(None), is_over: AtomicBool::new(false) })
    }

    /// The loop of a blocking runtime's own, started when it is first needed.
    pub fn loop_thread<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(thread) = &*self.loop_thread.lock() {
            return Ok(thread.bind(py).clone());
        }
        if self.is_over.load(Ordering::SeqCst) {
            return Err(closed(py));
        }
        // Starting it runs Python, so the lock is not held meanwhile.
        let thread = py.import("caxton._loop")?.getattr("LoopThread")?.call0()?;
        let other = {
            let mut kept = self.loop_thread.lock();
            match &*kept {
                Some(other) => Some(other.clone_ref(py)),
                None => {
                    *kept = Some(thread.clone().unbind());
                    None
                }
            }
        };
        match other {
            Some(other) => {
                thread.call_method0("stop")?;
                Ok(other.into_bound(py))
            }
            None => Ok(thread),
        }
    }

    /// Ends that loop.
    pub fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.is_over.store(true, Ordering::SeqCst);
        let thread = self.loop_thread.lock().take();
        if let Some(thread) = thread {
            thread.call_method0(py, "stop")?;
        }
        Ok(())
    }

    fn looper<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Looper>> {
        match self.mode {
            Mode::Async => Looper::current(py),
            Mode::Blocking => {
                Ok(self.loop_thread(py)?.call_method0("looper")?.cast_into::<Looper>()?)
            }
        }
    }

    /// How many messages an agent of this handler is given at once, unless that is said.
    fn concurrency(&self, py: Python<'_>, handler: Option<&Py<PyAny>>) -> PyResult<usize> {
        let is_async = match handler {
            Some(handler) => is_async(py, handler)?,
            None => self.mode == Mode::Async,
        };
        Ok(if is_async { ASYNC_CONCURRENCY } else { 1 })
    }

    /// A Python function as a handler: on a loop if it is async, and else on these threads.
    fn handler(
        &self,
        py: Python<'_>,
        function: Py<PyAny>,
        threads: &Threads,
    ) -> PyResult<PythonHandler> {
        if !function.bind(py).is_callable() {
            return Err(invalid_argument(py, "the handler cannot be called"));
        }
        Ok(if is_async(py, &function)? {
            PythonHandler::OnLoop(LoopHandler::new(function, self.looper(py)?.get().shared()))
        } else {
            PythonHandler::OnThreads(ThreadHandler::new(py, function, threads)?)
        })
    }

    /// Registers a host agent, with a handler or without one yet.
    pub fn register(
        self: &Arc<Self>,
        py: Python<'_>,
        runtime: &caxton::Runtime,
        host: Host,
    ) -> PyResult<HostAgent> {
        let concurrency = match host.concurrency {
            Some(concurrency) => concurrency,
            None => self.concurrency(py, host.handler.as_ref())?,
        };
        let threads = Threads::new(&host.name, host.concurrency.unwrap_or(1));
        let register = match host.handler {
            Some(handler) => Register::new(host.name, self.handler(py, handler, &threads)?),
            None => Register::named(host.name),
        };
        let register = register.concurrency(concurrency).capabilities(host.capabilities);
        let handle = py.detach(|| runtime.register(register)).map_err(|error| to_py(py, &error))?;
        Ok(HostAgent { handle, serving: self.clone(), threads })
    }
}

/// A host agent to register.
pub struct Host {
    pub name: String,
    pub handler: Option<Py<PyAny>>,
    pub capabilities: Vec<String>,
    pub concurrency: Option<usize>,
}

/// Whether a function's calls are awaited.
pub fn is_async(py: Python<'_>, handler: &Py<PyAny>) -> PyResult<bool> {
    py.import("caxton._serve")?.call_method1("is_async", (handler,))?.is_truthy()
}

/// A host agent of this program.
#[pyclass(frozen, module = "caxton")]
pub struct HostAgent {
    handle: HostAgentHandle,
    serving: Arc<Serving>,
    /// Where its plain handlers run.
    threads: Threads,
}

#[pymethods]
impl HostAgent {
    /// The agent's name.
    #[getter]
    fn name(&self) -> &str {
        self.handle.name()
    }

    /// The agent's id: a UUID.
    #[getter]
    fn id(&self) -> &str {
        self.handle.id()
    }

    /// Hands messages of this act, and of this protocol, to the decorated function.
    #[pyo3(signature = (performative=None, *, protocol=None))]
    fn on<'py>(
        slf: &Bound<'py, Self>,
        performative: Option<&str>,
        protocol: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        // An act that is none is told here, not where a function is decorated.
        performative.map(Performative::read).transpose().map_err(|error| to_py(py, &error))?;
        py.import("caxton._serve")?.call_method1("route", (slf, performative, protocol))
    }

    /// The same as a call.
    fn _add(
        &self,
        py: Python<'_>,
        performative: Option<&str>,
        protocol: Option<&str>,
        handler: Py<PyAny>,
    ) -> PyResult<()> {
        let act = performative.map(Performative::read).transpose();
        let act = act.map_err(|error| to_py(py, &error))?;
        let handler = self.serving.handler(py, handler, &self.threads)?;
        self.handle.on(act, protocol, handler).map_err(|error| to_py(py, &error))
    }

    /// Takes the agent out of the runtime.
    fn remove(&self, py: Python<'_>) {
        py.detach(|| self.handle.remove());
    }

    fn __repr__(&self) -> String {
        format!("<HostAgent {:?}>", self.name())
    }
}
