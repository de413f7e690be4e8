//! Python objects to JSON, straight into bytes.

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple,
};
use serde_json::value::RawValue;

use crate::errors::invalid_message;

/// How deep an object may be nested: as deep as content limits go. A list that holds itself is deeper than that.
const MAX_DEPTH: usize = 65_536;

/// An object as JSON: `None`, `bool`, `int` of any size, finite `float`, `str`, lists, tuples and
/// mappings whose keys are `str`.
pub fn encode(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    // Without recursion: nothing that can be read overflows the stack when it is sent.
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = begin(value, &mut out)?;
    loop {
        if let Some(begun) = next.take() {
            if open.len() == MAX_DEPTH {
                let text =
                    format!("the content is nested deeper than {MAX_DEPTH}, or holds itself");
                return Err(invalid_message(value.py(), &text));
            }
            open.push(begun);
        }
        let Some(last) = open.last_mut() else { return Ok(out) };
        match last.items.next() {
            Some(item) => {
                if !std::mem::take(&mut last.is_first) {
                    out.push(b',');
                }
                let (key, item) = item?;
                if let Some(key) = key {
                    write_key(&key, &mut out)?;
                }
                next = begin(&item, &mut out)?;
            }
            None => {
                out.push(last.end);
                open.pop();
            }
        }
    }
}

/// An array or an object that is being written.
struct Open<'py> {
    items: Box<dyn Iterator<Item = PyResult<Item<'py>>> + 'py>,
    is_first: bool,
    end: u8,
}

/// An item of an array, or a key and its value.
type Item<'py> = (Option<Bound<'py, PyAny>>, Bound<'py, PyAny>);

/// JSON that is there already, as `bytes` or `bytearray`; anything else is encoded.
pub fn encode_or_bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return Ok(bytes.to_vec());
    }
    encode(value)
}

/// The same for the core, which writes it as it is.
pub fn encode_raw(value: &Bound<'_, PyAny>) -> PyResult<Box<RawValue>> {
    raw(value.py(), encode(value)?)
}

/// JSON as the core takes it; an `InvalidMessage` if it is none.
pub fn raw(py: Python<'_>, json: Vec<u8>) -> PyResult<Box<RawValue>> {
    let text = String::from_utf8(json).map_err(|wrong| invalid_message(py, &wrong.to_string()))?;
    RawValue::from_string(text).map_err(|wrong| invalid_message(py, &format!("no JSON: {wrong}")))
}

/// Writes a value, or begins to: what is to be written of it then.
fn begin<'py>(value: &Bound<'py, PyAny>, out: &mut Vec<u8>) -> PyResult<Option<Open<'py>>> {
    let py = value.py();
    if let Ok(text) = value.cast::<PyString>() {
        write_text(text, out)?;
    } else if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(Some(object(
            dict.clone().into_iter().map(|(key, value)| Ok((key, value))),
            out,
        )));
    } else if value.is_none() {
        out.extend_from_slice(b"null");
    } else if let Ok(flag) = value.cast::<PyBool>() {
        out.extend_from_slice(if flag.is_true() { b"true" } else { b"false" });
    } else if let Ok(number) = value.cast::<PyInt>() {
        write_int(number, out)?;
    } else if let Ok(number) = value.cast::<PyFloat>() {
        write_float(number, out)?;
    } else if let Ok(list) = value.cast::<PyList>() {
        return Ok(Some(array(list.clone().into_iter(), out)));
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        return Ok(Some(array(tuple.clone().into_iter(), out)));
    } else if let Ok(mapping) = value.cast::<PyMapping>() {
        let pairs = mapping.items()?.into_iter().map(|item| item.extract());
        return Ok(Some(object(pairs, out)));
    } else {
        let text = format!(
            "{} is not JSON: expected None, bool, int, float, str, list or dict",
            type_name(value)
        );
        return Err(invalid_message(py, &text));
    }
    Ok(None)
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

fn object<'py>(
    pairs: impl Iterator<Item = PyResult<Pair<'py>>> + 'py,
    out: &mut Vec<u8>,
) -> Open<'py> {
    out.push(b'{');
    let items = pairs.map(|pair| pair.map(|(key, value)| (Some(key), value)));
    Open { items: Box::new(items), is_first: true, end: b'}' }
}

fn array<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>> + 'py,
    out: &mut Vec<u8>,
) -> Open<'py> {
    out.push(b'[');
    Open { items: Box::new(items.map(|item| Ok((None, item)))), is_first: true, end: b']' }
}

fn write_key(key: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    let Ok(key) = key.cast::<PyString>() else {
        let text = format!("a key of type {} is not JSON: expected str", type_name(key));
        return Err(invalid_message(key.py(), &text));
    };
    write_text(key, out)?;
    out.push(b':');
    Ok(())
}

fn write_text(text: &Bound<'_, PyString>, out: &mut Vec<u8>) -> PyResult<()> {
    let Ok(text) = text.to_str() else {
        return Err(invalid_message(text.py(), "a str with lone surrogates is not JSON"));
    };
    to_json(text, out);
    Ok(())
}

fn write_int(number: &Bound<'_, PyInt>, out: &mut Vec<u8>) -> PyResult<()> {
    match number.extract::<i64>() {
        Ok(small) => to_json(&small, out),
        Err(error) if error.is_instance_of::<PyOverflowError>(number.py()) => {
            // `int.__repr__` and not `str`, which an enum may have made its own.
            let digits = number.py().get_type::<PyInt>().call_method1("__repr__", (number,))?;
            out.extend_from_slice(digits.cast::<PyString>()?.to_str()?.as_bytes());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn write_float(number: &Bound<'_, PyFloat>, out: &mut Vec<u8>) -> PyResult<()> {
    let value = number.value();
    if !value.is_finite() {
        return Err(invalid_message(number.py(), &format!("{value} is not JSON")));
    }
    to_json(&value, out);
    Ok(())
}

fn to_json(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    // Neither a string nor a finite number can fail, and a vector takes all bytes.
    let _ = serde_json::to_writer(out, value);
}

/// The name of an object's type, for errors.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}
