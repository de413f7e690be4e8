//! JSON to Python objects.

use jiter::{PythonParse, StringCacheMode, map_json_error};
use pyo3::prelude::*;

use crate::errors::invalid_message;

/// Reads JSON into `None`, `bool`, `int` of any size, `float`, `str`, lists and dicts. JSON that is
/// nested deeper than 200 is an `InvalidMessage`.
pub fn decode<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let parse = PythonParse {
        allow_inf_nan: false,
        cache_mode: StringCacheMode::Keys,
        ..PythonParse::default()
    };
    parse.python_parse(py, json).map_err(|error| {
        // What is nested deeper than the parser goes is JSON all the same, and was carried.
        let text = format!("the content cannot be decoded: {}", map_json_error(json, &error));
        invalid_message(py, &text)
    })
}
