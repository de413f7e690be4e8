//! Rationing: what loading adds to a module, so that its allocations are counted.
//!
//! A module gets one more global, the ration: how many allocations its turn may still make. Each
//! `memory.grow`, each `table.grow` and each entry into an exported allocator takes one from it, and
//! traps when it is used up. The global is the module's last one, so no index in it changes, and it
//! can only be named from outside. The module's start function is exported in place of being called
//! while the module is instantiated, so that the host can hand out the ration before any code runs.

use wasm_encoder::{
    BlockType, ConstExpr, Encode, ExportKind, GlobalType, Instruction, Module, SectionId, ValType,
};
use wasmparser::{
    BinaryReaderError, ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef,
};

use super::facts::is_named;
use super::rewrite::{Code, bad, gives_offsets, one_more, put};
use crate::error::Error;
use crate::sandbox::template::unfit;

/// The export of the global.
pub(in crate::sandbox) const RATION: &str = "caxton:ration";
/// The export of the start function, where there is one.
pub(in crate::sandbox) const START: &str = "caxton:start";
/// Changes whenever a module is rewritten in another way, or kept in another form: what was compiled before is not used
/// again.
pub(in crate::sandbox) const VERSION: u32 = 5;

/// The exports that count as allocators.
const ALLOCATORS: &[&str] = &[
    "caxton_alloc",
    "__wbindgen_malloc",
    "__wbindgen_realloc",
    "malloc",
    "calloc",
    "realloc",
    "aligned_alloc",
    "posix_memalign",
    "__new",
    "__renew",
    "cabi_realloc",
];

/// Whether an export is one of an allocator.
pub(in crate::sandbox) fn is_allocator(export: &str) -> bool {
    ALLOCATORS.iter().any(|name| is_named(export, name))
}

/// The module with its allocations counted. `wasm` has to be valid: an invalid module could name the
/// global that is added.
pub(in crate::sandbox) fn ration(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let plan = Plan::read(wasm)?;
    plan.rewrite(wasm).map_err(bad)
}

/// What has to be known before a module is rewritten.
struct Plan {
    imported_functions: u32,
    /// The index of the global that is added.
    ration: u32,
    start: Option<u32>,
    /// The functions that are exported as allocators, in order.
    allocators: Vec<u32>,
}

impl Plan {
    fn read(wasm: &[u8]) -> Result<Self, Error> {
        let mut plan =
            Plan { imported_functions: 0, ration: 0, start: None, allocators: Vec::new() };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(bad)? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import.map_err(bad)?.ty {
                            TypeRef::Func(_) | TypeRef::FuncExact(_) => {
                                plan.imported_functions += 1;
                            }
                            TypeRef::Global(_) => plan.ration += 1,
                            _ => {}
                        }
                    }
                }
                Payload::GlobalSection(globals) => {
                    plan.ration = plan.ration.saturating_add(globals.count());
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export.map_err(bad)?;
                        if [RATION, START].contains(&export.name) {
                            return Err(unfit(
                                "exports what the host adds",
                                vec![format!("export `{}`: a name of the host's", export.name)],
                            ));
                        }
                        if export.kind == ExternalKind::Func && is_allocator(export.name) {
                            plan.allocators.push(export.index);
                        }
                    }
                }
                Payload::StartSection { func, .. } => plan.start = Some(func),
                _ => {}
            }
        }
        plan.allocators.sort_unstable();
        Ok(plan)
    }

    fn rewrite(&self, wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
        let mut module = Module::new();
        let mut has_globals = false;
        let mut code = Code::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Payload::CodeSectionEntry(body) = &payload {
                if let Some(section) = self.add_body(&mut code, body)? {
                    put(&mut module, SectionId::Code as u8, &section);
                }
                continue;
            }
            let Some((id, range)) = payload.as_section() else { continue };
            let data = wasm.get(range).unwrap_or_default();
            match &payload {
                Payload::GlobalSection(_) => {
                    has_globals = true;
                    put(&mut module, id, &one_more(data, &self.global())?);
                }
                Payload::ExportSection(_) => {
                    // Exports come after globals: there are none.
                    if !has_globals {
                        let section = one_more(&[0], &self.global())?;
                        put(&mut module, SectionId::Global as u8, &section);
                    }
                    put(&mut module, id, &self.exports(data)?);
                }
                Payload::StartSection { .. } => {}
                Payload::CodeSectionStart { count, .. } => code = Code::new(*count),
                Payload::CustomSection(custom) if gives_offsets(custom.name()) => {}
                _ => put(&mut module, id, data),
            }
        }
        Ok(module.finish())
    }

    /// The global that is added. The host sets it before any code runs.
    fn global(&self) -> Vec<u8> {
        let mut entry = Vec::new();
        GlobalType { val_type: ValType::I64, mutable: true, shared: false }.encode(&mut entry);
        ConstExpr::i64_const(0).encode(&mut entry);
        entry
    }

    fn exports(&self, section: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
        let mut entry = Vec::new();
        export(&mut entry, RATION, ExportKind::Global, self.ration);
        let section = one_more(section, &entry)?;
        let Some(start) = self.start else {
            return Ok(section);
        };
        entry.clear();
        export(&mut entry, START, ExportKind::Func, start);
        one_more(&section, &entry)
    }

    /// Adds the next function's body; the whole section when it was the last.
    fn add_body(
        &self,
        code: &mut Code,
        body: &FunctionBody<'_>,
    ) -> Result<Option<Vec<u8>>, BinaryReaderError> {
        let index = self.imported_functions.saturating_add(code.done);
        let old = body.as_bytes();
        let begin = body.range().start;
        let mut new = Vec::with_capacity(old.len());
        let mut copied = 0;
        let mut insert_at = |at: usize| {
            let at = at.saturating_sub(begin);
            new.extend_from_slice(old.get(copied..at).unwrap_or_default());
            copied = at;
            self.take_one(&mut new);
        };
        let operators = body.get_operators_reader()?;
        if self.allocators.binary_search(&index).is_ok() {
            insert_at(operators.original_position());
        }
        for operator in operators.into_iter_with_offsets() {
            let (operator, at) = operator?;
            if matches!(operator, Operator::MemoryGrow { .. } | Operator::TableGrow { .. }) {
                insert_at(at);
            }
        }
        new.extend_from_slice(old.get(copied..).unwrap_or_default());
        Ok(code.add(&new))
    }

    /// Takes one from the ration, and traps when there was none. Leaves the stack as it is.
    fn take_one(&self, code: &mut Vec<u8>) {
        for instruction in [
            Instruction::GlobalGet(self.ration),
            Instruction::I64Const(1),
            Instruction::I64Sub,
            Instruction::GlobalSet(self.ration),
            Instruction::GlobalGet(self.ration),
            Instruction::I64Const(0),
            Instruction::I64LtS,
            Instruction::If(BlockType::Empty),
            Instruction::Unreachable,
            Instruction::End,
        ] {
            instruction.encode(code);
        }
    }
}

fn export(entry: &mut Vec<u8>, name: &str, kind: ExportKind, index: u32) {
    name.encode(entry);
    kind.encode(entry);
    index.encode(entry);
}
