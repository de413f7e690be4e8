//! JSON to Python objects.

use jiter::{Jiter, JiterError, JsonErrorType, Peek, PythonParse, StringCacheMode, map_json_error};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString};

use crate::errors::invalid_message;

/// Reads JSON into `None`, `bool`, `int` of any size, `float`, `str`, lists and dicts, however deep it is nested.
pub fn decode<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match parse().python_parse(py, json) {
        Ok(value) => Ok(value),
        // The quick parser goes 200 deep.
        Err(error) if matches!(error.error_type, JsonErrorType::RecursionLimitExceeded) => {
            decode_deep(py, json)
        }
        Err(error) => Err(undecodable(py, &map_json_error(json, &error))),
    }
}

fn parse() -> PythonParse {
    PythonParse {
        allow_inf_nan: false,
        cache_mode: StringCacheMode::Keys,
        ..PythonParse::default()
    }
}

fn undecodable(py: Python<'_>, why: &dyn std::fmt::Display) -> PyErr {
    invalid_message(py, &format!("the content cannot be decoded: {why}"))
}

/// A list or a dict that is being read.
enum Open<'py> {
    List(Bound<'py, PyList>),
    /// The key is that of the value that comes next.
    Dict(Bound<'py, PyDict>, Bound<'py, PyString>),
}

/// The same without recursion.
fn decode_deep<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let wrong = |error: JiterError| undecodable(py, &error);
    let mut jiter = Jiter::new(json);
    let mut open = Vec::new();
    let mut next = jiter.peek().map_err(wrong)?;
    loop {
        let mut value = match next {
            Peek::Array => match jiter.known_array().map_err(wrong)? {
                Some(first) => {
                    open.push(Open::List(PyList::empty(py)));
                    next = first;
                    continue;
                }
                None => PyList::empty(py).into_any(),
            },
            Peek::Object => match jiter.known_object().map_err(wrong)? {
                Some(key) => {
                    open.push(Open::Dict(PyDict::new(py), PyString::new(py, key)));
                    next = jiter.peek().map_err(wrong)?;
                    continue;
                }
                None => PyDict::new(py).into_any(),
            },
            Peek::String => PyString::new(py, jiter.known_str().map_err(wrong)?).into_any(),
            Peek::Null => {
                jiter.known_null().map_err(wrong)?;
                py.None().into_bound(py)
            }
            Peek::True | Peek::False => {
                let flag = jiter.known_bool(next).map_err(wrong)?;
                PyBool::new(py, flag).to_owned().into_any()
            }
            number => {
                let digits = jiter.known_number_bytes(number).map_err(wrong)?;
                let read = parse().python_parse(py, digits);
                read.map_err(|error| undecodable(py, &map_json_error(digits, &error)))?
            }
        };
        // What is complete is put where it belongs, which may complete that in turn.
        loop {
            value = match open.pop() {
                None => {
                    jiter.finish().map_err(wrong)?;
                    return Ok(value);
                }
                Some(Open::List(list)) => {
                    list.append(value)?;
                    match jiter.array_step().map_err(wrong)? {
                        Some(item) => {
                            open.push(Open::List(list));
                            next = item;
                            break;
                        }
                        None => list.into_any(),
                    }
                }
                Some(Open::Dict(dict, key)) => {
                    dict.set_item(key, value)?;
                    match jiter.next_key().map_err(wrong)? {
                        Some(key) => {
                            open.push(Open::Dict(dict, PyString::new(py, key)));
                            next = jiter.peek().map_err(wrong)?;
                            break;
                        }
                        None => dict.into_any(),
                    }
                }
            };
        }
    }
}
