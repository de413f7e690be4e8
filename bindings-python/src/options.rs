//! Options as Python gives them.

use std::path::PathBuf;
use std::time::Duration;

use caxton::{ContentLimits, Error, Filter, Grants, Limits, Wasm};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString};

use crate::encode::{encode, type_name};
use crate::errors::{invalid_argument, to_py};

/// The names and defaults of all limits.
#[pyfunction]
pub fn limits_defaults() -> Vec<(&'static str, Option<u64>)> {
    let limits = Limits::default();
    Limits::NAMES.iter().map(|name| (*name, limits.get(name))).collect()
}

/// The names and defaults of all limits of content.
#[pyfunction]
pub fn content_limits_defaults() -> Vec<(&'static str, Option<u64>)> {
    let limits = ContentLimits::default();
    ContentLimits::NAMES.iter().map(|name| (*name, limits.get(name))).collect()
}

/// The core's limits from a `caxton.Limits`.
pub fn to_limits(limits: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let mut result = Limits::default();
    read(limits, "limits", "caxton.Limits", Limits::NAMES, |name, value| result.set(name, value))?;
    Ok(result)
}

/// The core's limits of content from a `caxton.ContentLimits`.
pub fn to_content_limits(limits: &Bound<'_, PyAny>) -> PyResult<ContentLimits> {
    let mut result = ContentLimits::default();
    read(limits, "content_limits", "caxton.ContentLimits", ContentLimits::NAMES, |name, value| {
        result.set(name, value)
    })?;
    Ok(result)
}

/// The core's grants from a `caxton.Grants`.
pub fn to_grants(grants: &Bound<'_, PyAny>) -> PyResult<Grants> {
    let py = grants.py();
    let Ok(written) = grants.call_method0("to_dict") else {
        let text = format!("grants is of type {}, expected caxton.Grants", type_name(grants));
        return Err(invalid_argument(py, &text));
    };
    let json = String::from_utf8_lossy(&encode(&written)?).into_owned();
    Grants::from_json(&json).map_err(|error| to_py(py, &error))
}

/// Hands each limit of an object to `set`.
fn read(
    limits: &Bound<'_, PyAny>,
    what: &str,
    class: &str,
    names: &[&str],
    mut set: impl FnMut(&str, Option<u64>) -> Result<(), Error>,
) -> PyResult<()> {
    let py = limits.py();
    for name in names {
        let Ok(value) = limits.getattr(*name) else {
            let text = format!("{what} is of type {}, expected {class}", type_name(limits));
            return Err(invalid_argument(py, &text));
        };
        let value = match value.extract::<Option<u64>>() {
            Ok(value) => value,
            Err(_) => {
                let text = format!(
                    "{name} is {value}, expected a whole number from 0, or None for no limit"
                );
                return Err(invalid_argument(py, &text));
            }
        };
        set(name, value).map_err(|error| to_py(py, &error))?;
    }
    Ok(())
}

/// Seconds, or `None` for ever.
pub fn to_timeout(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = seconds else { return Ok(None) };
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) => Ok(Some(timeout)),
        Err(_) if seconds == f64::INFINITY => Ok(None),
        Err(_) => {
            let text =
                format!("timeout is {seconds}, expected seconds from 0, or None to wait for ever");
            Err(invalid_argument(py, &text))
        }
    }
}

/// A module: a path, bytes, or the text format in a `str`.
pub fn to_module(wasm: &Bound<'_, PyAny>) -> PyResult<Wasm> {
    if let Ok(bytes) = wasm.cast::<PyBytes>() {
        return Ok(Wasm::bytes(bytes.as_bytes()));
    }
    if let Ok(bytes) = wasm.cast::<PyByteArray>() {
        return Ok(Wasm::bytes(bytes.to_vec()));
    }
    if let Ok(view) = wasm.cast::<PyMemoryView>() {
        let bytes = view.call_method0("tobytes")?;
        return Ok(Wasm::bytes(bytes.cast::<PyBytes>()?.as_bytes()));
    }
    if let Ok(text) = wasm.cast::<PyString>() {
        return Ok(Wasm::path_or_text(text.to_str()?));
    }
    if let Ok(path) = wasm.extract::<PathBuf>() {
        return Ok(Wasm::file(path));
    }
    let text =
        format!("wasm is of type {}, expected a path, bytes, or text in str", type_name(wasm));
    Err(invalid_argument(wasm.py(), &text))
}

/// A filter from a capability and keyword arguments.
pub fn to_filter(
    py: Python<'_>,
    capability: Option<&str>,
    fields: Option<&Bound<'_, PyDict>>,
) -> PyResult<Filter> {
    let fields = match fields {
        Some(fields) => fields.copy()?,
        None => PyDict::new(py),
    };
    if let Some(capability) = capability {
        if fields.contains("capabilities")? {
            return Err(invalid_argument(py, "give either capability or capabilities"));
        }
        fields.set_item("capabilities", capability)?;
    }
    let json = encode(fields.as_any())?;
    Filter::read(&json).map_err(|error| to_py(py, &error))
}
