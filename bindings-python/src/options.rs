//! Options as Python gives them.

use std::path::PathBuf;
use std::time::Duration;

use caxton::{Ceiling, CompileLimits, ContentLimits, Error, Filter, Grants, Limits, Wasm};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyInt, PyMapping, PyMemoryView, PyString};

use crate::encode::{encode, type_name};
use crate::errors::{invalid_argument, text_of, to_py};
use crate::message::shown;

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

/// The names and defaults of all limits of compiling.
#[pyfunction]
pub fn compile_limits_defaults() -> Vec<(&'static str, Option<u64>)> {
    let limits = CompileLimits::default();
    CompileLimits::NAMES.iter().map(|name| (*name, limits.get(name))).collect()
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

/// The core's limits of compiling from a `caxton.CompileLimits`.
pub fn to_compile_limits(limits: &Bound<'_, PyAny>) -> PyResult<CompileLimits> {
    let mut result = CompileLimits::default();
    read(limits, "compile_limits", "caxton.CompileLimits", CompileLimits::NAMES, |name, value| {
        result.set(name, value)
    })?;
    Ok(result)
}

/// The core's grants from a `caxton.Grants`.
pub fn to_grants(grants: &Bound<'_, PyAny>) -> PyResult<Grants> {
    let py = grants.py();
    let Ok(to_dict) = grants.getattr("to_dict") else {
        let text = format!("grants is of type {}, expected caxton.Grants", type_name(grants));
        return Err(invalid_argument(py, &text));
    };
    let written = to_dict.call0().map_err(|error| match error.value(py).hasattr("code") {
        // It says already which field is wrong.
        Ok(true) => error,
        _ => invalid_argument(py, &format!("grants cannot be read: {}", text_of(py, &error))),
    })?;
    let json = String::from_utf8_lossy(&encode(&written)?).into_owned();
    Grants::from_json(&json).map_err(|error| to_py(py, &error))
}

/// The core's ceiling from a `caxton.Ceiling`.
pub fn to_ceiling(ceiling: &Bound<'_, PyAny>) -> PyResult<Ceiling> {
    let (Ok(grants), Ok(limits)) = (ceiling.getattr("grants"), ceiling.getattr("limits")) else {
        let text = format!("ceiling is of type {}, expected caxton.Ceiling", type_name(ceiling));
        return Err(invalid_argument(ceiling.py(), &text));
    };
    let bound = Ceiling::new(to_grants(&grants)?);
    if limits.is_none() { Ok(bound) } else { Ok(bound.limits(to_limits(&limits)?)) }
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

/// Seconds by which something has to be there.
pub fn to_deadline(py: Python<'_>, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let text = format!("deadline is {seconds}, expected seconds from 0");
        invalid_argument(py, &text)
    })
}

/// A number of things, at least one.
pub fn to_count(py: Python<'_>, what: &str, count: i64) -> PyResult<u32> {
    u32::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
        let text = format!("{what} is {count}, expected a whole number from 1 to {}", u32::MAX);
        invalid_argument(py, &text)
    })
}

/// A whole number between these two; anything else is an `InvalidArgument` that names the option.
pub fn to_whole(what: &str, given: &Bound<'_, PyAny>, least: u64, most: u64) -> PyResult<u64> {
    let number = match given.is_instance_of::<PyBool>() {
        true => None,
        false => given.extract::<u64>().ok().filter(|number| (least..=most).contains(number)),
    };
    number.ok_or_else(|| {
        let shown = match given.is_instance_of::<PyInt>() {
            // An `int` of thousands of digits is not written out.
            true => given
                .repr()
                .map_or_else(|_| "a huge number".to_owned(), |it| shown(&it.to_string_lossy())),
            false => format!("of type {}", type_name(given)),
        };
        let text = format!("{what} is {shown}, expected a whole number from {least} to {most}");
        invalid_argument(given.py(), &text)
    })
}

/// The name of an agent, given as such or as the agent itself.
pub struct Name(pub String);

/// Names of agents, given as such or as the agents themselves: one, or several.
pub struct Names(pub Vec<String>);

/// Names of agents, given as such or as the agents themselves: always several.
pub struct Participants(pub Vec<String>);

/// The name, if this is one or an agent.
fn name_of(value: &Bound<'_, PyAny>) -> Option<String> {
    if let Ok(name) = value.cast::<PyString>() {
        return name.to_str().ok().map(str::to_owned);
    }
    let name = value.getattr("name").ok()?;
    name.cast::<PyString>().ok()?.to_str().ok().map(str::to_owned)
}

fn no_name(value: &Bound<'_, PyAny>) -> PyErr {
    let text = format!("an object of type {} is no agent's name and no agent", type_name(value));
    invalid_argument(value.py(), &text)
}

fn names_of(values: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let Ok(values) = values.try_iter() else { return Err(no_name(values)) };
    let mut names = Vec::new();
    for value in values {
        let value = value?;
        names.push(name_of(&value).ok_or_else(|| no_name(&value))?);
    }
    Ok(names)
}

impl<'py> FromPyObject<'_, 'py> for Name {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        name_of(&value).map(Name).ok_or_else(|| no_name(&value))
    }
}

impl<'py> FromPyObject<'_, 'py> for Names {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match name_of(&value) {
            Some(name) => Ok(Names(vec![name])),
            None => names_of(&value).map(Names),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Participants {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if name_of(&value).is_some() {
            let text = "one agent is no list of participants: expected a list of them";
            return Err(invalid_argument(value.py(), text));
        }
        names_of(&value).map(Participants)
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

/// A filter from a capability, and a dict or keyword arguments.
pub fn to_filter(
    py: Python<'_>,
    capability: Option<&str>,
    filter: Option<&Bound<'_, PyAny>>,
) -> PyResult<Filter> {
    let fields = PyDict::new(py);
    if let Some(filter) = filter {
        let Ok(filter) = filter.cast::<PyMapping>() else {
            let text = format!("filter is of type {}, expected a dict", type_name(filter));
            return Err(invalid_argument(py, &text));
        };
        fields.update(filter)?;
    }
    if let Some(capability) = capability {
        if fields.contains("capabilities")? {
            return Err(invalid_argument(py, "give either capability or capabilities"));
        }
        fields.set_item("capabilities", capability)?;
    }
    let json = encode(fields.as_any())?;
    Filter::read(&json).map_err(|error| to_py(py, &error))
}
