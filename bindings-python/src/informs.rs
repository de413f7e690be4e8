//! What an agent tells who has subscribed to it, as Python sees it.

use std::sync::Arc;

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use crate::errors::to_py;
use crate::message::Message;
use crate::mode::{Mode, Value, wait};
use crate::options::to_timeout;

/// The messages that an agent sends to its subscriber: iterate it. Dropping it cancels the subscription.
#[pyclass(frozen, module = "caxton")]
pub struct Informs(Arc<caxton::Informs>);

/// The same under a runtime that is awaited: iterate it with `async for`.
#[pyclass(frozen, module = "caxton")]
pub struct AsyncInforms(Arc<caxton::Informs>);

macro_rules! informs_class {
    ($class:ident) => {
        impl $class {
            pub fn new(informs: caxton::Informs) -> Self {
                $class(Arc::new(informs))
            }
        }

        #[pymethods]
        impl $class {
            /// The agent that sends them.
            #[getter]
            fn agent(&self) -> &str {
                self.0.agent()
            }

            /// The conversation's id.
            #[getter]
            fn conversation_id(&self) -> &str {
                self.0.conversation_id()
            }

            /// The number of messages that found no room since it began.
            #[getter]
            fn missed(&self) -> u64 {
                self.0.missed()
            }

            /// Ends the subscription and sends the agent a `cancel`.
            fn close(&self, py: Python<'_>) {
                py.detach(|| self.0.close());
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let agent = self.agent().into_pyobject(py)?.repr()?;
                Ok(format!("<{} of {agent}>", stringify!($class)))
            }
        }
    };
}

informs_class!(Informs);
informs_class!(AsyncInforms);

#[pymethods]
impl Informs {
    /// The next `inform`; `None` once the subscription is closed. `timeout` in seconds.
    #[pyo3(signature = (*, timeout=30.0))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Message>> {
        let timeout = to_timeout(py, timeout)?;
        match wait(py, self.0.next_within(timeout))? {
            Ok(next) => Ok(next.map(Message::new)),
            Err(error) => Err(to_py(py, &error)),
        }
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Message> {
        self.next(py, None)?.ok_or_else(|| PyStopIteration::new_err(()))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        py.detach(|| self.0.close());
    }
}

#[pymethods]
impl AsyncInforms {
    /// The next `inform`; `None` once the subscription is closed. `timeout` in seconds.
    #[pyo3(signature = (*, timeout=30.0))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let (informs, timeout) = (self.0.clone(), to_timeout(py, timeout)?);
        Mode::Async.run(py, async move {
            let next = informs.next_within(timeout).await?;
            Ok(next.map_or(Value::None, Value::Message))
        })
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let informs = self.0.clone();
        Mode::Async.run(py, async move { informs.next().await.map(Value::Next) })
    }

    fn __aenter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Mode::Async.run(py, async move { Ok(Value::Object(slf.into_any())) })
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let informs = self.0.clone();
        Mode::Async.run(py, async move {
            informs.close();
            Ok(Value::None)
        })
    }
}
