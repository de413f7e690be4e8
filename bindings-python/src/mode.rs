//! How a call waits: on its thread, or on an event loop.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use caxton::blocking::block_on_with;
use caxton::{Error, Message as CoreMessage};
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::agent::{Agent, AsyncAgent};
use crate::call::Call;
use crate::errors::{build, to_py};
use crate::informs::{AsyncInforms, Informs};
use crate::message::Message;
use crate::outcome::Outcome;
use crate::tender::Tender;

/// How often a blocking wait looks for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Whether a class blocks, or returns something to await.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Blocking,
    Async,
}

/// What a call of the core results in.
pub enum Value {
    None,
    Message(CoreMessage),
    Answers(Vec<Result<CoreMessage, Error>>),
    Agent(caxton::Agent, caxton::Runtime),
    Agents(Vec<caxton::Agent>, caxton::Runtime),
    /// The next message of a subscription.
    Next(Option<CoreMessage>),
    Truth(bool),
    Messages(Vec<CoreMessage>),
    Informs(caxton::Informs),
    Tender(Box<caxton::Tender>, caxton::Runtime),
    Outcome(Box<caxton::Outcome>, Option<Box<caxton::Conversation>>),
    Object(Py<PyAny>),
}

/// A call of the core, on its way.
pub type Job = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send>>;

impl Mode {
    /// Waits for `job`, or returns an awaitable for it.
    pub fn run(
        self,
        py: Python<'_>,
        job: impl Future<Output = Result<Value, Error>> + Send + 'static,
    ) -> PyResult<Py<PyAny>> {
        match self {
            Mode::Blocking => match wait(py, job)? {
                Ok(value) => value.into_py(py, self),
                Err(error) => Err(to_py(py, &error)),
            },
            Mode::Async => Ok(Py::new(py, Call::new(Box::pin(job)))?.into_any()),
        }
    }

    /// An agent as an object of this mode's class.
    pub fn agent(
        self,
        py: Python<'_>,
        agent: caxton::Agent,
        runtime: caxton::Runtime,
    ) -> PyResult<Py<PyAny>> {
        Ok(match self {
            Mode::Blocking => Py::new(py, Agent::new(agent, runtime))?.into_any(),
            Mode::Async => Py::new(py, AsyncAgent::new(agent, runtime))?.into_any(),
        })
    }
}

/// Waits on this thread without the GIL; a signal ends the wait with its exception.
pub fn wait<F: Future + Send>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F::Output: Send,
{
    py.detach(|| {
        let mut look = || Python::attach(|py| py.check_signals());
        block_on_with(future, SIGNAL_INTERVAL, &mut look)
    })
}

impl Value {
    /// An outcome, with its conversation as it is now.
    pub fn outcome(outcome: caxton::Outcome, runtime: &caxton::Runtime) -> Self {
        let conversation = runtime.conversation(&outcome.conversation_id);
        Value::Outcome(Box::new(outcome), conversation.map(Box::new))
    }

    /// The value as a Python object.
    pub fn into_py(self, py: Python<'_>, mode: Mode) -> PyResult<Py<PyAny>> {
        Ok(match self {
            Value::None => py.None(),
            Value::Message(message) => Py::new(py, Message::new(message))?.into_any(),
            Value::Answers(answers) => {
                let list = PyList::empty(py);
                for answer in answers {
                    match answer {
                        Ok(message) => list.append(Py::new(py, Message::new(message))?)?,
                        Err(error) => list.append(build(py, &error)?)?,
                    }
                }
                list.into_any().unbind()
            }
            Value::Agent(agent, runtime) => mode.agent(py, agent, runtime)?,
            Value::Agents(agents, runtime) => {
                let list = PyList::empty(py);
                for agent in agents {
                    list.append(mode.agent(py, agent, runtime.clone())?)?;
                }
                list.into_any().unbind()
            }
            Value::Next(Some(message)) => Py::new(py, Message::new(message))?.into_any(),
            Value::Truth(truth) => truth.into_pyobject(py)?.to_owned().into_any().unbind(),
            Value::Messages(messages) => {
                let list = PyList::empty(py);
                for message in messages {
                    list.append(Py::new(py, Message::new(message))?)?;
                }
                list.into_any().unbind()
            }
            Value::Informs(informs) => match mode {
                Mode::Blocking => Py::new(py, Informs::new(informs))?.into_any(),
                Mode::Async => Py::new(py, AsyncInforms::new(informs))?.into_any(),
            },
            Value::Tender(tender, runtime) => {
                Py::new(py, Tender::new(*tender, runtime, mode))?.into_any()
            }
            Value::Outcome(outcome, conversation) => {
                let conversation = conversation.map(|conversation| *conversation);
                Py::new(py, Outcome::new(py, *outcome, conversation)?)?.into_any()
            }
            Value::Object(object) => object,
            Value::Next(None) => return Err(PyStopAsyncIteration::new_err(())),
        })
    }
}
