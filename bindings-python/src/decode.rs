//! JSON to Python objects.

use jiter::{PythonParse, StringCacheMode, map_json_error};
use pyo3::prelude::*;

/// Reads JSON into `None`, `bool`, `int` of any size, `float`, `str`, lists and dicts.
pub fn decode<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let parse = PythonParse {
        allow_inf_nan: false,
        cache_mode: StringCacheMode::Keys,
        ..PythonParse::default()
    };
    parse.python_parse(py, json).map_err(|error| map_json_error(json, &error))
}
