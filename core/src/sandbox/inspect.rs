//! Looking at a module without a runtime.

use wasmparser::{Parser, Payload};
use wasmtime::ExternType;

use super::engine::Engine;
use super::link::link;
use super::module::{Facts, InboxKind, Start, kind, producers, signature};
use super::ration::is_allocator;
use super::template::{compile, on_threads, to_binary};
use crate::error::Error;

/// What is in a module, and whether it can be an agent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inspection {
    /// What the module exports.
    pub exports: Vec<Export>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// Why it cannot be an agent: one line for each import or export, empty if it can.
    pub missing: Vec<String>,
    /// The memory that it begins with, in bytes.
    pub memory_bytes: u64,
    /// The most memory that it asks for, in bytes, where it says so.
    pub max_memory_bytes: Option<u64>,
    /// The tools and languages that made it, as they named themselves.
    pub producers: Vec<String>,
    /// How it starts: `plain`, `wasi-reactor` or `wasi-command`; absent where it cannot be an agent.
    pub start: Option<&'static str>,
    /// The allocators that it exports, each entry of which counts towards `max_allocations`; where
    /// there is none, only `memory.grow` and `table.grow` count.
    pub allocators: Vec<String>,
    /// How messages reach it: `allocator` or `pages`; absent where it cannot be an agent.
    pub inbox: Option<&'static str>,
}

/// One export of a module.
#[derive(Debug, Clone)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// A function's type, or the word for what it is.
    pub ty: String,
}

/// One import of a module.
#[derive(Debug, Clone)]
pub struct Import {
    /// The module that it names.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// A function's type, or the word for what it is.
    pub ty: String,
}

/// Looks at a module: WebAssembly, or its text format.
///
/// # Errors
///
/// [`InvalidModule`](crate::ErrorKind::InvalidModule) if the bytes are no valid module at all. A valid one that lacks what
/// an agent needs is no error: see [`Inspection::missing`].
pub fn inspect(wasm: &[u8]) -> Result<Inspection, Error> {
    let wasm = to_binary(wasm)?;
    let engine = Engine::lease(None)?;
    let module = on_threads(|| compile(&engine, &wasm))?;
    let mut missing = Vec::new();
    if let Err(error) = link(&module) {
        missing.extend_from_slice(error.missing());
    }
    let facts = Facts::read(&module, &wasm);
    if let Err(error) = &facts {
        missing.extend_from_slice(error.missing());
    }
    let facts = facts.ok().filter(|_| missing.is_empty());
    let memory = match module.get_export("memory") {
        Some(ExternType::Memory(memory)) => Some(memory),
        _ => None,
    };
    Ok(Inspection {
        allocators: module
            .exports()
            .filter(|export| is_allocator(export.name()) && export.ty().func().is_some())
            .map(|export| export.name().to_owned())
            .collect(),
        exports: module
            .exports()
            .map(|export| Export { name: export.name().to_owned(), ty: describe(&export.ty()) })
            .collect(),
        imports: module
            .imports()
            .map(|import| Import {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                ty: describe(&import.ty()),
            })
            .collect(),
        missing,
        memory_bytes: memory.as_ref().map_or(0, |memory| memory.minimum().saturating_mul(65536)),
        max_memory_bytes: memory.and_then(|memory| memory.maximum()?.checked_mul(65536)),
        producers: read_producers(&wasm),
        start: facts.as_ref().map(|facts| match facts.start {
            Start::Nothing => "plain",
            Start::Initialize => "wasi-reactor",
            Start::Command => "wasi-command",
        }),
        inbox: facts.as_ref().map(|facts| match facts.inbox {
            InboxKind::Allocator(_) => "allocator",
            InboxKind::Pages => "pages",
        }),
    })
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(function) => signature(function),
        other => kind(other).to_owned(),
    }
}

fn read_producers(wasm: &[u8]) -> Vec<String> {
    Parser::new(0)
        .parse_all(wasm)
        .flatten()
        .find_map(|payload| match payload {
            Payload::CustomSection(section) if section.name() == "producers" => {
                Some(producers(section.data(), section.data_offset()))
            }
            _ => None,
        })
        .unwrap_or_default()
}
