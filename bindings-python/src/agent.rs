//! Deployed agents, as Python sees them.

use std::time::Duration;

use caxton::Draft;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::encode::encode;
use crate::errors::to_py;
use crate::message::{Message, encode_fields};
use crate::mode::{Mode, Value};
use crate::options::{to_module, to_timeout, to_whole};
use crate::register::current_task;

/// What both classes of agents do; they differ in how they wait.
struct Inner {
    agent: caxton::Agent,
    runtime: caxton::Runtime,
    mode: Mode,
}

impl Inner {
    fn compose(
        &self,
        content: &Bound<'_, PyAny>,
        performative: &str,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Draft> {
        let (json, fields) = (encode(content)?, encode_fields(fields)?);
        Draft::compose(performative, Some(self.agent.name()), &json, fields.as_deref())
            .map_err(|error| to_py(content.py(), &error))
    }

    fn send(&self, py: Python<'_>, draft: Draft, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let (runtime, timeout) = (self.runtime.clone(), to_timeout(py, timeout)?);
        self.mode.run(py, async move { runtime.send(&draft, timeout).await.map(|()| Value::None) })
    }

    fn ask(&self, py: Python<'_>, draft: Draft, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let call = self.runtime.ask(draft).timeout(to_timeout(py, timeout)?);
        let call = call.within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Message) })
    }

    fn request(
        &self,
        content: &Bound<'_, PyAny>,
        timeout: Option<f64>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = content.py();
        let (json, fields) = (encode(content)?, encode_fields(fields)?);
        let draft = Draft::request(self.agent.name(), &json, fields.as_deref())
            .map_err(|error| to_py(py, &error))?;
        let call = self.runtime.request(draft).timeout(to_timeout(py, timeout)?);
        let call = call.within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Message) })
    }

    fn suspend(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let agent = self.agent.clone();
        self.mode.run(py, async move { agent.suspend().await.map(|()| Value::None) })
    }

    fn resume(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let agent = self.agent.clone();
        self.mode.run(py, async move { agent.resume().await.map(|()| Value::None) })
    }

    fn restart(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let agent = self.agent.clone();
        self.mode.run(py, async move { agent.restart().await.map(|()| Value::None) })
    }

    fn replace(&self, wasm: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (agent, module) = (self.agent.clone(), to_module(wasm)?);
        self.mode.run(wasm.py(), async move { agent.replace(module).await.map(|()| Value::None) })
    }

    fn remove(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let agent = self.agent.clone();
        self.mode.run(py, async move { agent.remove().await.map(|()| Value::None) })
    }

    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let limits = self.agent.limits();
        named(py, "Limits", caxton::Limits::NAMES, |name| limits.get(name))
    }

    fn content_limits<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(limits) = self.agent.content_limits() else { return Ok(None) };
        named(py, "ContentLimits", caxton::ContentLimits::NAMES, |name| limits.get(name)).map(Some)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        figures(py, &self.agent.stats())
    }

    fn logs(&self) -> Vec<LogLine> {
        let line = |line: caxton::LogLine| LogLine {
            at: line.at,
            level: line.level.as_str(),
            text: line.text,
        };
        self.agent.logs().into_iter().map(line).collect()
    }

    fn start_profile(&self, py: Python<'_>) -> PyResult<()> {
        self.agent.start_profile().map_err(|error| to_py(py, &error))
    }

    fn stop_profile(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.agent.stop_profile()).map_err(|error| to_py(py, &error))
    }
}

/// Limits as Python has them: an object of the package's `class`.
fn named<'py>(
    py: Python<'py>,
    class: &str,
    names: &[&str],
    get: impl Fn(&str) -> Option<u64>,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    for name in names {
        fields.set_item(name, get(name))?;
    }
    py.import("caxton")?.getattr(class)?.call((), Some(&fields))
}

macro_rules! agent_class {
    ($(#[$doc:meta])* $class:ident, $mode:expr) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "caxton")]
        pub struct $class(Inner);

        impl $class {
            pub fn new(agent: caxton::Agent, runtime: caxton::Runtime) -> Self {
                $class(Inner { agent, runtime, mode: $mode })
            }
        }

        #[pymethods]
        impl $class {
            /// The agent's name.
            #[getter]
            fn name(&self) -> &str {
                self.0.agent.name()
            }

            /// The agent's id: a UUID.
            #[getter]
            fn id(&self) -> &str {
                self.0.agent.id()
            }

            /// Where it is in its life: "initiated", "active", "suspended", "failed" or
            /// "removed".
            #[getter]
            fn state(&self) -> &'static str {
                self.0.agent.state().as_str()
            }

            /// What it can do.
            #[getter]
            fn capabilities(&self) -> Vec<String> {
                self.0.agent.capabilities()
            }

            /// Its limits.
            #[getter]
            fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.0.limits(py)
            }

            /// The limits of the content that it sends and is sent, if it has any.
            #[getter]
            fn content_limits<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
                self.0.content_limits(py)
            }

            /// The agent's figures by name: counts, bytes and microseconds.
            fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                self.0.stats(py)
            }

            /// The last lines of its log, oldest first.
            fn logs(&self) -> Vec<LogLine> {
                self.0.logs()
            }

            /// Begins to sample its stack.
            fn start_profile(&self, py: Python<'_>) -> PyResult<()> {
                self.0.start_profile(py)
            }

            /// Ends the sampling; what it has found as JSON, to be opened in Firefox's profiler.
            fn stop_profile(&self, py: Python<'_>) -> PyResult<String> {
                self.0.stop_profile(py)
            }

            /// Sends a message; returns when the mailbox has it. `timeout` in seconds.
            #[pyo3(signature = (content, performative="inform", *, timeout=30.0, **fields))]
            fn send(
                &self,
                content: &Bound<'_, PyAny>,
                performative: &str,
                timeout: Option<f64>,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Py<PyAny>> {
                let draft = self.0.compose(content, performative, fields)?;
                self.0.send(content.py(), draft, timeout)
            }

            /// Sends a message and waits for the first reply of any act. `timeout` in seconds.
            #[pyo3(signature = (content, performative="request", *, timeout=30.0, **fields))]
            fn ask(
                &self,
                content: &Bound<'_, PyAny>,
                performative: &str,
                timeout: Option<f64>,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Py<PyAny>> {
                let draft = self.0.compose(content, performative, fields)?;
                self.0.ask(content.py(), draft, timeout)
            }

            /// A FIPA request: waits through `agree` and returns the `inform`. `timeout` in seconds.
            #[pyo3(signature = (content, *, timeout=30.0, **fields))]
            fn request(
                &self,
                content: &Bound<'_, PyAny>,
                timeout: Option<f64>,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Py<PyAny>> {
                self.0.request(content, timeout, fields)
            }

            /// Suspends the agent: its messages and timers wait. Returns when none of its turns runs.
            fn suspend(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.0.suspend(py)
            }

            /// Goes on with what has waited, unless its store grants it more than the runtime's ceiling.
            fn resume(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.0.resume(py)
            }

            /// Starts it afresh between two turns; its mailbox and data are kept.
            fn restart(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.0.restart(py)
            }

            /// Gives it other code between two turns; its name, mailbox and data are kept.
            fn replace(&self, wasm: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                self.0.replace(wasm)
            }

            /// Ends the agent; its name is free at once.
            fn remove(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.0.remove(py)
            }

            fn _repr_html_(&self, py: Python<'_>) -> String {
                py.detach(|| self.0.agent.to_html())
            }

            fn __repr__(&self) -> String {
                let agent = &self.0.agent;
                format!("<{} {:?} {}>", stringify!($class), agent.name(), agent.state().as_str())
            }
        }
    };
}

agent_class! {
    /// A deployed agent of a blocking runtime.
    Agent, Mode::Blocking
}

agent_class! {
    /// A deployed agent of a runtime that is awaited.
    AsyncAgent, Mode::Async
}

/// One line of an agent's log.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct LogLine {
    /// Microseconds since the Unix epoch.
    at: u64,
    /// "error", "warn", "info", "debug" or "trace".
    level: &'static str,
    /// What the agent, or the host about it, wrote.
    text: String,
}

#[pymethods]
impl LogLine {
    fn __repr__(&self) -> String {
        let at = Duration::from_micros(self.at).as_secs_f64();
        format!("<LogLine {at:.6} {}: {:?}>", self.level, self.text)
    }
}

/// A message that reached nobody, or that made its receiver crash.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct DeadLetter {
    /// Its number.
    id: u64,
    /// The time at which it was given up, in microseconds since the Unix epoch.
    at: u64,
    /// The message.
    message: Py<Message>,
    /// The reason, in a sentence.
    reason: String,
    /// The agent that crashed on it; `None` if it reached nobody.
    agent: Option<String>,
}

impl DeadLetter {
    pub fn new(py: Python<'_>, letter: caxton::DeadLetter) -> PyResult<Self> {
        let message = Py::new(py, Message::new(letter.message))?;
        Ok(DeadLetter {
            id: letter.id,
            at: letter.at,
            message,
            reason: letter.reason,
            agent: letter.agent.map(|name| name.to_string()),
        })
    }

    /// The number of a dead letter, given as itself or by its number.
    pub fn id_of(letter: &Bound<'_, PyAny>) -> PyResult<u64> {
        match letter.cast::<DeadLetter>() {
            Ok(letter) => Ok(letter.get().id),
            Err(_) => to_whole("the dead letter's id", letter, 0, u64::MAX),
        }
    }
}

#[pymethods]
impl DeadLetter {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let message = self.message.bind(py).repr()?;
        Ok(format!("<DeadLetter {:?}: {message}>", self.reason))
    }
}

/// The figures of an agent, or of all, by name.
pub fn figures<'py>(py: Python<'py>, stats: &caxton::Stats) -> PyResult<Bound<'py, PyDict>> {
    let figures = PyDict::new(py);
    for (name, value) in stats.fields() {
        figures.set_item(name, value)?;
    }
    Ok(figures)
}
