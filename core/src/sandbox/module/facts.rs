//! What a module is: how it starts, how messages reach it, what it is made of.

use wasmparser::{ExternalKind, Operator, Parser, Payload};
use wasmtime::{ExternType, FuncType, Module, ValType};

use super::allocator::Allocator;
use crate::error::{Error, ErrorKind};
use crate::sandbox::template::unfit;
use crate::sandbox::wasi;

/// The most functions of one module: each takes memory while they are compiled, all at once.
const MAX_FUNCTIONS: u32 = 150_000;

/// Refuses a module that would cost too much to compile.
pub(in crate::sandbox) fn vet(wasm: &[u8]) -> Result<(), Error> {
    for payload in Parser::new(0).parse_all(wasm).flatten() {
        match payload {
            Payload::FunctionSection(section) if section.count() > MAX_FUNCTIONS => {
                let text = format!(
                    "the module has {} functions, and {MAX_FUNCTIONS} is the most",
                    section.count()
                );
                return Err(Error::new(ErrorKind::InvalidModule, text));
            }
            Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    Ok(())
}

/// What loading has found out about a module.
pub(in crate::sandbox) struct Facts {
    pub start: Start,
    pub exports: Exports,
    pub inbox: InboxKind,
    pub uses_wasi: bool,
    /// The memory that it begins with, in bytes.
    pub min_memory: u64,
}

/// What has to be called before `agent_init`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Start {
    Nothing,
    Initialize,
    Command,
}

/// The names under which the module exports what the host calls.
pub(in crate::sandbox) struct Exports {
    pub handle_message: String,
    pub handle_timer: Option<String>,
    pub agent_init: Option<String>,
    pub agent_shutdown: Option<String>,
    pub get_capabilities: Option<String>,
}

/// How a message gets into the guest's memory.
pub(in crate::sandbox) enum InboxKind {
    /// Through an allocator that the module exports.
    Allocator(Allocator),
    /// Into pages that the host adds.
    Pages,
}

impl Facts {
    /// Reads `module`, whose bytes are `wasm`.
    pub fn read(module: &Module, wasm: &[u8]) -> Result<Self, Error> {
        let mut missing = Vec::new();
        let mut min_memory = 0;
        match module.get_export("memory") {
            Some(ExternType::Memory(memory)) => min_memory = memory.minimum().saturating_mul(65536),
            Some(other) => {
                missing.push(format!("export `memory`: expected a memory, found {}", kind(&other)))
            }
            None => missing.push("export `memory`: a memory, missing".to_owned()),
        }
        let handler = &[ValType::I32, ValType::I32];
        let one = &[ValType::I32];
        let result = Some(ValType::I32);
        let handle_message = find(module, "handle_message", handler, result.clone(), &mut missing);
        if handle_message.is_none() && missing.iter().all(|line| !line.contains("handle_message")) {
            missing.push("export `handle_message`: (i32, i32) -> i32, missing".to_owned());
        }
        let exports = Exports {
            handle_message: handle_message.unwrap_or_default(),
            agent_init: find(module, "agent_init", &[], result.clone(), &mut missing),
            handle_timer: find(module, "handle_timer", one, result.clone(), &mut missing),
            agent_shutdown: find(module, "agent_shutdown", &[], None, &mut missing),
            get_capabilities: find(module, "get_capabilities", handler, result, &mut missing),
        };
        if !missing.is_empty() {
            return Err(unfit("cannot be an agent", missing));
        }
        let start = if is_plain_function(module, "_initialize") {
            Start::Initialize
        } else if is_plain_function(module, "_start") {
            Start::Command
        } else {
            Start::Nothing
        };
        Ok(Facts {
            start,
            exports,
            inbox: InboxKind::choose(module, wasm)?,
            uses_wasi: module.imports().any(|import| import.module() == wasi::MODULE),
            min_memory,
        })
    }
}

impl InboxKind {
    fn choose(module: &Module, wasm: &[u8]) -> Result<Self, Error> {
        if let Some(allocator) = Allocator::find(module) {
            return Ok(InboxKind::Allocator(allocator));
        }
        let is_assemblyscript =
            module.imports().any(|import| import.module() == "env" && import.name() == "abort");
        let makers = Makers::read(wasm)?;
        if is_assemblyscript || !makers.grows_memory || makers.leaves_foreign_pages_alone {
            return Ok(InboxKind::Pages);
        }
        Err(unfit(
            "gives the host no way to hand it a message",
            vec![
                "export `caxton_alloc`: (i32) -> i32, and `caxton_free`: (i32, i32), or malloc and \
                 free, missing; this toolchain takes all memory for its own, so the host cannot \
                 add pages to it"
                    .to_owned(),
            ],
        ))
    }
}

/// Finds an export, also with the suffix that wasm-bindgen's macros leave. One of the wrong type is
/// noted in `wrong`.
fn find(
    module: &Module,
    name: &str,
    params: &[ValType],
    result: Option<ValType>,
    wrong: &mut Vec<String>,
) -> Option<String> {
    let export = module.exports().find(|export| is_named(export.name(), name))?;
    let expected = FuncType::new(module.engine(), params.iter().cloned(), result);
    match export.ty() {
        ExternType::Func(found) if found.matches(&expected) => Some(export.name().to_owned()),
        ExternType::Func(found) => {
            wrong.push(format!(
                "export `{name}`: expected {}, found {}",
                signature(&expected),
                signature(&found)
            ));
            None
        }
        other => {
            wrong.push(format!(
                "export `{name}`: expected {}, found {}",
                signature(&expected),
                kind(&other)
            ));
            None
        }
    }
}

/// Whether an export is `name`, or `name` with wasm-bindgen's `_` and 16 hex digits.
pub(in crate::sandbox) fn is_named(export: &str, name: &str) -> bool {
    match export.strip_prefix(name) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('_').is_some_and(|suffix| {
            suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit())
        }),
        None => false,
    }
}

fn is_plain_function(module: &Module, name: &str) -> bool {
    matches!(module.get_export(name), Some(ExternType::Func(ty))
        if ty.params().len() == 0 && ty.results().len() == 0)
}

/// A function's type as people write it: `(i32, i32) -> i32`.
pub(in crate::sandbox) fn signature(ty: &FuncType) -> String {
    let join = |types: Vec<String>| types.join(", ");
    let params = join(ty.params().map(|t| t.to_string()).collect());
    let results: Vec<String> = ty.results().map(|t| t.to_string()).collect();
    if results.is_empty() {
        format!("({params})")
    } else {
        format!("({params}) -> {}", join(results))
    }
}

/// What an import or export is, in a word.
pub(in crate::sandbox) fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Global(_) => "global",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Tag(_) => "tag",
    }
}

/// Who made a module, and whether its code grows its memory.
struct Makers {
    grows_memory: bool,
    /// Rust's and clang's allocators keep to the pages that they got themselves, but for those that
    /// were there when they first allocated.
    leaves_foreign_pages_alone: bool,
}

impl Makers {
    fn read(wasm: &[u8]) -> Result<Self, Error> {
        let bad = |e: wasmparser::BinaryReaderError| {
            Error::new(ErrorKind::InvalidModule, format!("this is not WebAssembly: {e}"))
        };
        let mut makers = Makers { grows_memory: false, leaves_foreign_pages_alone: false };
        let mut claims_all = false;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(bad)? {
                Payload::CodeSectionEntry(body)
                    if !makers.grows_memory && may_grow_memory(body.as_bytes()) =>
                {
                    for operator in body.get_operators_reader().map_err(bad)? {
                        if let Operator::MemoryGrow { .. } = operator.map_err(bad)? {
                            makers.grows_memory = true;
                            break;
                        }
                    }
                }
                Payload::CustomSection(section) if section.name() == "producers" => {
                    for producer in producers(section.data(), section.data_offset()) {
                        match producer.as_str() {
                            "rustc" | "clang" | "Rust" => makers.leaves_foreign_pages_alone = true,
                            "Go" | "TinyGo" | "Go cmd/compile" => claims_all = true,
                            _ => {}
                        }
                    }
                }
                // Stripping takes the producers away; what rustc leaves all the same are the globals
                // of its linker, and the paths of its library in the texts of panics.
                Payload::ExportSection(section) => {
                    let is_global = |name| {
                        section.clone().into_iter().flatten().any(|export| {
                            export.kind == ExternalKind::Global && export.name == name
                        })
                    };
                    if is_global("__heap_base") && is_global("__data_end") {
                        makers.leaves_foreign_pages_alone = true;
                    }
                }
                Payload::DataSection(section)
                    if section.clone().into_iter().flatten().any(|d| has_rust_paths(d.data)) =>
                {
                    makers.leaves_foreign_pages_alone = true;
                }
                _ => {}
            }
        }
        makers.leaves_foreign_pages_alone &= !claims_all;
        Ok(makers)
    }
}

/// Whether a function's bytes look as if it grew a memory, which few do: reading the operators of all takes long. The
/// operator comes before the index of a memory, which is 0 in one byte or, with bits that say nothing, in several.
fn may_grow_memory(body: &[u8]) -> bool {
    body.array_windows()
        .any(|[operator, index]| *operator == 0x40 && (*index == 0 || *index >= 0x80))
}

fn has_rust_paths(data: &[u8]) -> bool {
    let library = b"library/";
    data.windows(library.len() + 10).any(|window| {
        window.strip_prefix(library).is_some_and(|rest| {
            rest.starts_with(b"alloc/src/")
                || rest.starts_with(b"core/src/")
                || rest.starts_with(b"std/src/")
        })
    })
}

/// The names in a `producers` section; what cannot be read is left out.
pub(in crate::sandbox) fn producers(data: &[u8], offset: usize) -> Vec<String> {
    let reader = wasmparser::BinaryReader::new(data, offset);
    let Ok(section) = wasmparser::ProducersSectionReader::new(reader) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for field in section.into_iter().flatten() {
        names
            .extend(field.values.into_iter().flatten().take(64).map(|value| value.name.to_owned()));
    }
    names
}
