//! Subscriptions, as Python sees them.

use std::sync::Arc;

use caxton::blocking::block_on;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

use crate::errors::to_py;
use crate::message::Message;
use crate::mode::{Mode, Value, wait};
use crate::options::to_timeout;

/// A subscription of a blocking runtime: iterate it.
#[pyclass(frozen, module = "caxton")]
pub struct Subscription(Arc<caxton::Subscription>);

/// A subscription of a runtime that is awaited: iterate it with `async for`.
#[pyclass(frozen, module = "caxton")]
pub struct AsyncSubscription(Arc<caxton::Subscription>);

impl Subscription {
    pub fn new(subscription: Arc<caxton::Subscription>) -> Self {
        Subscription(subscription)
    }
}

impl AsyncSubscription {
    pub fn new(subscription: Arc<caxton::Subscription>) -> Self {
        AsyncSubscription(subscription)
    }
}

#[pymethods]
impl Subscription {
    /// The number of messages that found no room since the subscription began.
    #[getter]
    fn missed(&self) -> u64 {
        self.0.missed()
    }

    /// The next message; `None` once the subscription is closed. `timeout` in seconds.
    #[pyo3(signature = (*, timeout=30.0))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Message>> {
        let timeout = to_timeout(py, timeout)?;
        match wait(py, self.0.next_within(timeout))? {
            Ok(next) => Ok(next.map(Message::new)),
            Err(error) => Err(to_py(py, &error)),
        }
    }

    /// Returns the next message if one waits.
    fn try_next(&self) -> Option<Message> {
        self.0.try_next().map(Message::new)
    }

    /// Ends the subscription. Messages that wait can still be read.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Message> {
        match wait(py, self.0.next())? {
            Some(message) => Ok(Message::new(message)),
            None => Err(PyStopIteration::new_err(())),
        }
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
        self.close(py);
    }
}

#[pymethods]
impl AsyncSubscription {
    /// The number of messages that found no room since the subscription began.
    #[getter]
    fn missed(&self) -> u64 {
        self.0.missed()
    }

    /// The next message; `None` once the subscription is closed. `timeout` in seconds.
    #[pyo3(signature = (*, timeout=30.0))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let (subscription, timeout) = (self.0.clone(), to_timeout(py, timeout)?);
        Mode::Async.run(py, async move {
            let next = subscription.next_within(timeout).await?;
            Ok(next.map_or(Value::None, Value::Message))
        })
    }

    /// Returns the next message if one waits.
    fn try_next(&self) -> Option<Message> {
        self.0.try_next().map(Message::new)
    }

    /// Ends the subscription. Messages that wait can still be read.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let subscription = self.0.clone();
        Mode::Async.run(py, async move { Ok(Value::Next(subscription.next().await)) })
    }
}

/// Calls a plain function for each message, on a daemon thread of Python's own that ends with the
/// subscription.
pub fn call_back(
    py: Python<'_>,
    subscription: Arc<caxton::Subscription>,
    callback: Py<PyAny>,
) -> PyResult<()> {
    let feed = Feed(subscription);
    py.import("caxton._serve")?.call_method1("start_callback", (feed, callback)).map(drop)
}

/// What a callback's thread waits for.
#[pyclass(frozen, module = "caxton")]
pub struct Feed(Arc<caxton::Subscription>);

#[pymethods]
impl Feed {
    /// Waits for the next message; nothing once there will be no more. No signal ends the wait: signals
    /// are the main thread's.
    fn next(&self, py: Python<'_>) -> Option<Message> {
        py.detach(|| block_on(self.0.next())).map(Message::new)
    }
}
