//! Messages in lines, as they pass, printed to a file of Python's.

use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::Duration;

use caxton::Filter;
use caxton::blocking::block_on;
use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

use crate::errors::{invalid_argument, to_py};

/// How long closing waits for lines that a file takes slowly.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread that prints.
pub struct Printing {
    /// A forked child has no such thread.
    process: u32,
    thread: Mutex<Option<ThreadId>>,
    is_over: Mutex<bool>,
    over: Condvar,
}

impl Printing {
    /// Waits until what was said has been printed, for a while; its own thread waits for nothing.
    pub fn wait(&self) {
        if self.process != std::process::id()
            || *self.thread.lock() == Some(std::thread::current().id())
        {
            return;
        }
        let mut is_over = self.is_over.lock();
        if !*is_over {
            self.over.wait_for(&mut is_over, PATIENCE);
        }
    }

    fn end(&self) {
        *self.is_over.lock() = true;
        self.over.notify_all();
    }
}

/// Prints messages as they pass, until it is closed.
#[pyclass(frozen, module = "caxton")]
pub struct Trace {
    trace: Arc<caxton::Trace>,
    printing: Arc<Printing>,
}

impl Trace {
    /// Begins to print, on a thread of its own that ends with the trace or the runtime.
    pub fn start(
        py: Python<'_>,
        runtime: &caxton::Runtime,
        file: Option<Py<PyAny>>,
        colour: Option<bool>,
        width: Option<i64>,
        filter: Filter,
    ) -> PyResult<Self> {
        let style = py.import("caxton._trace")?.call_method1("style", (file, colour, width))?;
        let (write, colour, width): (Py<PyAny>, bool, i64) = style.extract()?;
        let Ok(width) = usize::try_from(width) else {
            let text = format!("width is {width}, expected a number of columns");
            return Err(invalid_argument(py, &text));
        };
        let trace = runtime.trace(filter, colour, width).map_err(|error| to_py(py, &error))?;
        let trace = Arc::new(trace);
        let printing = Arc::new(Printing {
            process: std::process::id(),
            thread: Mutex::new(None),
            is_over: Mutex::new(false),
            over: Condvar::new(),
        });
        let thread = std::thread::Builder::new().name("caxton-trace".to_owned());
        let (lines, of_thread) = (trace.clone(), printing.clone());
        let thread = thread.spawn(move || {
            print(&lines, &write);
            lines.close();
            of_thread.end();
        })?;
        *printing.thread.lock() = Some(thread.thread().id());
        Ok(Trace { trace, printing })
    }

    /// The thread, as long as it is there.
    pub fn printing(&self) -> Weak<Printing> {
        Arc::downgrade(&self.printing)
    }
}

/// Prints lines as long as `write` takes them.
fn print(lines: &caxton::Trace, write: &Py<PyAny>) {
    while let Some(line) = block_on(lines.next()) {
        // Once the interpreter ends nothing attaches to it any more.
        let goes_on = Python::try_attach(|py| match write.call1(py, (line,)) {
            Ok(goes_on) => goes_on.is_truthy(py).unwrap_or(false),
            Err(error) => {
                error.write_unraisable(py, None);
                false
            }
        });
        if goes_on != Some(true) {
            return;
        }
    }
}

#[pymethods]
impl Trace {
    /// The number of messages that found no room since it began.
    #[getter]
    fn missed(&self) -> u64 {
        self.trace.missed()
    }

    /// Ends it, when what was said has been printed.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            self.trace.close();
            self.printing.wait();
        });
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
