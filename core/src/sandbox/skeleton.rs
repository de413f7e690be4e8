//! Modules and components without their code: what they import and export, with the same types, and functions that do
//! nothing. They compile at once, and the engine says of them what it would say of the whole: which imports it cannot
//! link, and which exports have the wrong type.

use std::collections::HashMap;

use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, HeapType, Module, RawSection, RefType, ValType,
};
use wasmparser::{AbstractHeapType, BinaryReaderError, ExternalKind, Parser, Payload};

use super::module::imported_functions;
use super::nested::{Custom, Rewritten, with_modules};
use super::template::{cannot_run, is_component};
use crate::error::Error;

/// The functions of a skeleton at most, one for each type of what a module exports: they are compiled where a module is read.
const MAX_KEPT: usize = 5000;

/// The skeleton of a module or component, which has to be valid.
pub(super) fn skeleton(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let mut left = MAX_KEPT;
    let mut of_module = |module: &[u8]| of_module(module, &mut left);
    let skeleton = match is_component(wasm) {
        true => with_modules(wasm, Custom::Dropped, &mut of_module),
        false => of_module(wasm),
    };
    match skeleton.map_err(cannot_run)? {
        Some(skeleton) => Ok(skeleton),
        None => Err(cannot_run(format_args!(
            "it exports functions of more than {MAX_KEPT} different types"
        ))),
    }
}

/// The skeleton of a module, if there are no more functions than may be kept.
fn of_module(wasm: &[u8], left: &mut usize) -> Rewritten {
    let mut parts = Parts::default();
    for payload in Parser::new(0).parse_all(wasm) {
        parts.add(wasm, payload?)?;
    }
    let Some(fewer) = left.checked_sub(parts.kept.len()) else { return Ok(None) };
    *left = fewer;
    Ok(Some(parts.finish()))
}

/// What stays of a module.
#[derive(Default)]
struct Parts<'a> {
    types: Option<&'a [u8]>,
    imports: Option<&'a [u8]>,
    tables: Option<&'a [u8]>,
    memories: Option<&'a [u8]>,
    tags: Option<&'a [u8]>,
    imported_functions: u32,
    /// The types of the module's own functions.
    functions: Vec<u32>,
    globals: GlobalSection,
    exports: ExportSection,
    /// The types of the skeleton's own functions, one for each that is exported.
    kept: Vec<u32>,
    places: HashMap<u32, u32>,
}

impl<'a> Parts<'a> {
    fn add(&mut self, wasm: &'a [u8], payload: Payload<'a>) -> Result<(), BinaryReaderError> {
        let bytes = payload.as_section().and_then(|(_, range)| wasm.get(range));
        match payload {
            Payload::TypeSection(_) => self.types = bytes,
            Payload::ImportSection(imports) => {
                self.imports = bytes;
                self.imported_functions += imported_functions(imports)?;
            }
            Payload::FunctionSection(functions) => {
                self.functions = functions.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::TableSection(_) => self.tables = bytes,
            Payload::MemorySection(_) => self.memories = bytes,
            Payload::TagSection(_) => self.tags = bytes,
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let ty = global?.ty;
                    let (val_type, value) = any_value(ty.content_type);
                    let ty = GlobalType { val_type, mutable: ty.mutable, shared: ty.shared };
                    self.globals.global(ty, &value);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    let (kind, index) = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => {
                            (ExportKind::Func, self.function_like(export.index))
                        }
                        ExternalKind::Table => (ExportKind::Table, export.index),
                        ExternalKind::Memory => (ExportKind::Memory, export.index),
                        ExternalKind::Global => (ExportKind::Global, export.index),
                        ExternalKind::Tag => (ExportKind::Tag, export.index),
                    };
                    self.exports.export(export.name, kind, index);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The skeleton's function in place of the module's.
    fn function_like(&mut self, index: u32) -> u32 {
        let Some(own) = index.checked_sub(self.imported_functions) else { return index };
        let ty = self.functions.get(own as usize).copied().unwrap_or_default();
        let next = self.imported_functions + self.kept.len() as u32;
        *self.places.entry(ty).or_insert_with(|| {
            self.kept.push(ty);
            next
        })
    }

    fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        for ty in &self.kept {
            functions.function(*ty);
            let mut function = Function::new([]);
            function.instructions().unreachable().end();
            code.function(&function);
        }
        put(&mut module, 1, self.types);
        put(&mut module, 2, self.imports);
        module.section(&functions);
        put(&mut module, 4, self.tables);
        put(&mut module, 5, self.memories);
        put(&mut module, 13, self.tags);
        module.section(&self.globals);
        module.section(&self.exports);
        module.section(&code);
        module.finish()
    }
}

fn put(module: &mut Module, id: u8, section: Option<&[u8]>) {
    if let Some(data) = section {
        module.section(&RawSection { id, data });
    }
}

/// A global of this type, and a value for it.
fn any_value(ty: wasmparser::ValType) -> (ValType, ConstExpr) {
    match ty {
        wasmparser::ValType::I32 => (ValType::I32, ConstExpr::i32_const(0)),
        wasmparser::ValType::I64 => (ValType::I64, ConstExpr::i64_const(0)),
        wasmparser::ValType::F32 => (ValType::F32, ConstExpr::f32_const(0.0.into())),
        wasmparser::ValType::F64 => (ValType::F64, ConstExpr::f64_const(0.0.into())),
        wasmparser::ValType::V128 => (ValType::V128, ConstExpr::v128_const(0)),
        wasmparser::ValType::Ref(ty) => {
            use wasm_encoder::AbstractHeapType::{Exn, Extern, Func};
            let ty = match ty.heap_type() {
                wasmparser::HeapType::Abstract { ty: AbstractHeapType::Extern, .. } => Extern,
                wasmparser::HeapType::Abstract { ty: AbstractHeapType::Exn, .. } => Exn,
                _ => Func,
            };
            let heap_type = HeapType::Abstract { shared: false, ty };
            (ValType::Ref(RefType { nullable: true, heap_type }), ConstExpr::ref_null(heap_type))
        }
    }
}
