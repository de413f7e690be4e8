//! Looking at a module without a runtime.

use std::collections::HashMap;

use pyo3::prelude::*;

use crate::errors::to_py;
use crate::options::to_module;

/// One export of a module.
#[pyclass(frozen, get_all, module = "caxton")]
#[derive(Clone)]
pub struct Export {
    name: String,
    r#type: String,
}

/// One import of a module.
#[pyclass(frozen, get_all, module = "caxton")]
#[derive(Clone)]
pub struct Import {
    module: String,
    name: String,
    r#type: String,
}

/// The contents of a module, and the reasons why it cannot be an agent, if there are any.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct Inspection {
    bytes: u64,
    sections: HashMap<String, u64>,
    exports: Vec<Py<Export>>,
    imports: Vec<Py<Import>>,
    missing: Vec<String>,
    memory_bytes: u64,
    max_memory_bytes: Option<u64>,
    producers: Vec<String>,
    allocators: Vec<String>,
    start: Option<&'static str>,
    inbox: Option<&'static str>,
    advice: Vec<String>,
    compile_millis: u64,
    compile_function_millis: u64,
    compile_function_bytes: u64,
}

#[pymethods]
impl Inspection {
    fn __repr__(&self) -> String {
        format!(
            "<Inspection {} exports, {} imports, {}>",
            self.exports.len(),
            self.imports.len(),
            if self.missing.is_empty() { "can be an agent" } else { "cannot be an agent" }
        )
    }
}

#[pymethods]
impl Export {
    fn __repr__(&self) -> String {
        format!("<Export {:?}: {}>", self.name, self.r#type)
    }
}

#[pymethods]
impl Import {
    fn __repr__(&self) -> String {
        format!("<Import {:?}.{:?}: {}>", self.module, self.name, self.r#type)
    }
}

/// Looks at a module: a path, bytes, or the text format.
#[pyfunction]
pub fn inspect(py: Python<'_>, wasm: &Bound<'_, PyAny>) -> PyResult<Inspection> {
    let module = to_module(wasm)?;
    let found = py.detach(|| module.inspect()).map_err(|error| to_py(py, &error))?;
    let exports = found
        .exports
        .into_iter()
        .map(|export| Py::new(py, Export { name: export.name, r#type: export.ty }))
        .collect::<PyResult<_>>()?;
    let imports = found
        .imports
        .into_iter()
        .map(|import| {
            Py::new(py, Import { module: import.module, name: import.name, r#type: import.ty })
        })
        .collect::<PyResult<_>>()?;
    Ok(Inspection {
        bytes: found.bytes,
        sections: found.sections.into_iter().map(|it| (it.name, it.bytes)).collect(),
        exports,
        imports,
        missing: found.missing,
        memory_bytes: found.memory_bytes,
        max_memory_bytes: found.max_memory_bytes,
        producers: found.producers,
        allocators: found.allocators,
        start: found.start,
        inbox: found.inbox,
        advice: found.advice,
        compile_millis: found.compile_millis,
        compile_function_millis: found.compile_function_millis,
        compile_function_bytes: found.compile_function_bytes,
    })
}
