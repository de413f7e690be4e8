//! How a module is written anew with parts of it changed.

use wasm_encoder::{Encode, Module, RawSection};
use wasmparser::{BinaryReader, BinaryReaderError, ImportSectionReader, TypeRef};

use crate::error::{Error, ErrorKind};

/// The error of a module that cannot be read.
pub(super) fn bad(error: BinaryReaderError) -> Error {
    Error::new(ErrorKind::InvalidModule, format!("this is not WebAssembly: {error}"))
}

/// Number of functions among these imports.
pub(in crate::sandbox) fn imported_functions(
    imports: ImportSectionReader<'_>,
) -> Result<u32, BinaryReaderError> {
    let mut functions = 0;
    for import in imports.into_imports() {
        if let TypeRef::Func(_) | TypeRef::FuncExact(_) = import?.ty {
            functions += 1;
        }
    }
    Ok(functions)
}

/// Returns true for custom sections that give places in the code by their offset, which would be wrong.
pub(super) fn gives_offsets(section: &str) -> bool {
    ["metadata.code.branch_hint", "sourceMappingURL"].contains(&section)
        || section.starts_with(".debug_")
}

/// A code section that is being written.
#[derive(Default)]
pub(super) struct Code {
    section: Vec<u8>,
    count: u32,
    /// Number of bodies in it.
    pub done: u32,
}

impl Code {
    pub fn new(count: u32) -> Self {
        let mut section = Vec::new();
        count.encode(&mut section);
        Code { section, count, done: 0 }
    }

    /// Adds a function's body; the whole section when it was the last.
    pub fn add(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        body.encode(&mut self.section);
        self.done += 1;
        (self.done == self.count).then(|| std::mem::take(&mut self.section))
    }
}

/// Adds a section.
pub(super) fn put(module: &mut Module, id: u8, data: &[u8]) {
    module.section(&RawSection { id, data });
}

/// A section with one more entry at its end.
pub(super) fn one_more(section: &[u8], entry: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(section, 0);
    let count = reader.read_var_u32()?;
    let mut longer = Vec::with_capacity(section.len() + entry.len() + 5);
    count.saturating_add(1).encode(&mut longer);
    longer.extend_from_slice(section.get(reader.original_position()..).unwrap_or_default());
    longer.extend_from_slice(entry);
    Ok(longer)
}
