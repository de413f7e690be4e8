//! Awaitables: a call of the core as a coroutine.
//!
//! Nothing happens before it is awaited. It is then polled once on the event loop's thread, where the
//! core runs an idle agent's first slice; what is answered by that costs no turn of the loop. What is
//! not becomes a future of the loop, which the looper completes.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use caxton::Error;
use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::errors::to_py;
use crate::looper::{Looper, Ticket};
use crate::mode::{Job, Mode, Value};

/// After this much time of calls in a row that were answered at once, the next one lets the event
/// loop have its turn.
const ROW: Duration = Duration::from_millis(1);

thread_local! {
    /// When the present row of calls began, and when its last call ended.
    static IN_A_ROW: Cell<Option<(Instant, Instant)>> = const { Cell::new(None) };
}

/// A call that can be awaited, once.
#[pyclass(frozen, module = "caxton")]
pub struct Call(Mutex<State>);

enum State {
    New(Job),
    /// Answered at once; handed out after the event loop has had its turn.
    Ready(Result<Value, Error>),
    /// The iterator of the loop's future, and the looper's ticket for the job.
    Waiting(Py<PyAny>, Ticket),
    Done,
}

impl Call {
    pub fn new(job: Job) -> Self {
        Call(Mutex::new(State::New(job)))
    }

    fn begin(&self, py: Python<'_>, mut job: Job) -> PyResult<Py<PyAny>> {
        let looper = Looper::current(py)?;
        let ticket = looper.get().ticket();
        let begun = now();
        let waker = Waker::from(ticket.waker());
        let polled = py.detach(|| job.as_mut().poll(&mut Context::from_waker(&waker)));
        match polled {
            Poll::Ready(result) if row_is_over(begun) => {
                *self.0.lock() = State::Ready(result);
                // A bare yield: the loop goes round once.
                Ok(py.None())
            }
            Poll::Ready(result) => Err(finish(py, result)),
            Poll::Pending => {
                IN_A_ROW.set(None);
                let future = looper.get().enter(py, &ticket, job)?;
                let iterator = future.call_method0(intern!(py, "__await__"))?.unbind();
                let yielded = iterator.bind(py).call_method0(intern!(py, "__next__"));
                *self.0.lock() = State::Waiting(iterator, ticket);
                yielded.map(Bound::unbind)
            }
        }
    }
}

/// The exception by which a coroutine returns, or raises, its result.
fn finish(py: Python<'_>, result: Result<Value, Error>) -> PyErr {
    match result {
        Ok(value) => match value.into_py(py, Mode::Async) {
            Ok(value) => PyStopIteration::new_err((value,)),
            Err(error) => error,
        },
        Err(error) => to_py(py, &error),
    }
}

/// Notes a call that was answered at once; whether the event loop should have its turn now.
fn row_is_over(begun: Instant) -> bool {
    let ended = now();
    let row_began = match IN_A_ROW.get() {
        // After a pause as long as a row the loop has surely had its turn.
        Some((began, last)) if begun.duration_since(last) < ROW => began,
        _ => begun,
    };
    let over = ended.duration_since(row_began) > ROW;
    IN_A_ROW.set((!over).then_some((row_began, ended)));
    over
}

#[allow(clippy::disallowed_methods, reason = "the event loop's time, not the runtime's")]
fn now() -> Instant {
    Instant::now()
}

impl Drop for Call {
    /// A call that was never awaited has done nothing, which is hardly what was meant.
    fn drop(&mut self) {
        if !matches!(self.0.get_mut(), State::New(_)) {
            return;
        }
        // Nothing once the interpreter ends.
        Python::try_attach(|py| {
            // It may be dropped while an exception is on its way.
            let raised = PyErr::take(py);
            let category = py.get_type::<PyRuntimeWarning>();
            let text = c"a call of an AsyncRuntime was never awaited: it has done nothing";
            if let Err(error) = PyErr::warn(py, &category, text, 1) {
                error.write_unraisable(py, None);
            }
            if let Some(raised) = raised {
                raised.restore(py);
            }
        });
    }
}

#[pymethods]
impl Call {
    #[getter]
    fn __name__(&self) -> &'static str {
        "caxton.Call"
    }

    #[getter]
    fn __qualname__(&self) -> &'static str {
        "caxton.Call"
    }

    fn __repr__(&self) -> &'static str {
        match &*self.0.lock() {
            State::New(_) => "<caxton.Call, not awaited: it has done nothing yet>",
            State::Ready(_) | State::Waiting(..) => "<caxton.Call, waiting>",
            State::Done => "<caxton.Call, done>",
        }
    }

    /// `caxton.Call[int]`, as annotations write it.
    #[classmethod]
    #[pyo3(signature = (item, /))]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        class.py().import("types")?.getattr("GenericAlias")?.call1((class, item))
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.send(py, py.None())
    }

    /// Goes on; as of a coroutine.
    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let state = std::mem::replace(&mut *self.0.lock(), State::Done);
        match state {
            State::New(job) => self.begin(py, job),
            State::Ready(result) => Err(finish(py, result)),
            State::Waiting(iterator, ticket) => {
                match iterator.bind(py).call_method1(intern!(py, "send"), (value,)) {
                    Ok(yielded) => {
                        let yielded = yielded.unbind();
                        *self.0.lock() = State::Waiting(iterator, ticket);
                        Ok(yielded)
                    }
                    Err(ended) => Err(ended),
                }
            }
            State::Done => Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine")),
        }
    }

    /// Raises an exception where the call waits; the call is given up.
    #[pyo3(signature = (exception, value=None, traceback=None, /))]
    fn throw(
        &self,
        py: Python<'_>,
        exception: Py<PyAny>,
        value: Option<Py<PyAny>>,
        traceback: Option<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let state = std::mem::replace(&mut *self.0.lock(), State::Done);
        if let State::Waiting(iterator, ticket) = &state {
            // The core's future is dropped, which takes a waiting message back.
            ticket.give_up(py);
            let thrown = match (value, traceback) {
                (None, None) => iterator.bind(py).call_method1("throw", (exception,)),
                (value, traceback) => {
                    iterator.bind(py).call_method1("throw", (exception, value, traceback))
                }
            };
            return thrown.map(Bound::unbind);
        }
        py.detach(|| drop(state));
        let exception = exception.into_bound(py);
        Err(match value {
            Some(value) => PyErr::from_value(value.into_bound(py)),
            None => PyErr::from_value(exception),
        })
    }

    /// Gives the call up.
    fn close(&self, py: Python<'_>) {
        let state = std::mem::replace(&mut *self.0.lock(), State::Done);
        if let State::Waiting(_, ticket) = &state {
            ticket.give_up(py);
        }
        py.detach(|| drop(state));
    }
}
