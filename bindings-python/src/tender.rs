//! Proposals that wait to be decided upon, for the functions of `caxton._negotiate`.

use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::encode::encode_raw;
use crate::errors::invalid_argument;
use crate::mode::{Mode, Value};
use crate::outcome::Answer;

/// Proposals that wait to be decided upon. Each call but `close` uses it up; what is not decided upon is
/// cancelled.
#[pyclass(frozen, module = "caxton")]
pub struct Tender {
    tender: Mutex<Option<caxton::Tender>>,
    runtime: caxton::Runtime,
    mode: Mode,
}

impl Tender {
    pub fn new(tender: caxton::Tender, runtime: caxton::Runtime, mode: Mode) -> Self {
        Tender { tender: Mutex::new(Some(tender)), runtime, mode }
    }

    fn take(&self, py: Python<'_>) -> PyResult<caxton::Tender> {
        let tender = self.tender.lock().take();
        tender.ok_or_else(|| invalid_argument(py, "it has been decided already"))
    }
}

#[pymethods]
impl Tender {
    /// The proposals, in the order in which the participants were named.
    fn proposals(&self, py: Python<'_>) -> PyResult<Vec<Answer>> {
        let proposals: Vec<caxton::Answer> = {
            let tender = self.tender.lock();
            tender.iter().flat_map(|tender| tender.proposals()).cloned().collect()
        };
        proposals.iter().map(|answer| Answer::new(py, answer)).collect()
    }

    /// How many rounds there were.
    fn rounds(&self) -> u32 {
        self.tender.lock().as_ref().map_or(0, caxton::Tender::rounds)
    }

    /// Accepts the proposals of these participants, rejects the others, and waits for results.
    fn award(&self, py: Python<'_>, to: Vec<String>) -> PyResult<Py<PyAny>> {
        let (tender, runtime) = (self.take(py)?, self.runtime.clone());
        self.mode.run(py, async move {
            let outcome = tender.award(&to).await?;
            Ok(Value::outcome(outcome, &runtime))
        })
    }

    /// Calls these participants again with another task; the tender that comes of it.
    fn call_again(&self, task: &Bound<'_, PyAny>, to: Vec<String>) -> PyResult<Py<PyAny>> {
        let (py, task) = (task.py(), encode_raw(task)?);
        let (mut tender, runtime) = (self.take(py)?, self.runtime.clone());
        self.mode.run(py, async move {
            tender.call_again(&task, &to).await?;
            Ok(Value::Tender(Box::new(tender), runtime))
        })
    }

    /// Cancels what has not been decided upon.
    fn close(&self, py: Python<'_>) {
        let tender = self.tender.lock().take();
        py.detach(|| drop(tender));
    }
}
