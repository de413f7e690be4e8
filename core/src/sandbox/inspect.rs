//! Looking at a module without a runtime.

use wasmparser::{Parser, Payload};
use wasmtime::component::Component;
use wasmtime::{ExternType, Module};

use super::advice::advise;
use super::component;
use super::engine::{Engine, Lease};
use super::estimate::{Estimate, estimate_quickly};
use super::module::{Facts, InboxKind, Start, is_allocator, kind, link, producers, signature};
use super::template::{Artifact, to_binary, vet};
use crate::error::{Error, shown};

/// Sections of a module by their ids, as the specification calls them.
const SECTIONS: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];
/// The most sections that are listed; a module may have any number of custom ones.
const MAX_SECTIONS: usize = 100;
/// The most producers that are listed.
const MAX_PRODUCERS: usize = 64;

/// What is in a module or component, and whether it can be an agent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inspection {
    /// How long it is, in bytes; in the binary form, where it was given as text.
    pub bytes: u64,
    /// What it is made of, in the order in which that comes.
    pub sections: Vec<Section>,
    /// What the module exports.
    pub exports: Vec<Export>,
    /// What it imports.
    pub imports: Vec<Import>,
    /// Why it cannot be an agent: one line for each import or export, empty if it can.
    pub missing: Vec<String>,
    /// The memory that it begins with, in bytes; all of its modules' where it is a component.
    pub memory_bytes: u64,
    /// The most memory that it asks for, in bytes, where it says so.
    pub max_memory_bytes: Option<u64>,
    /// The tools and languages that made it, as they named themselves.
    pub producers: Vec<String>,
    /// How it starts: `plain`, `wasi-reactor`, `wasi-command` or `component`; absent where it cannot be an agent.
    pub start: Option<&'static str>,
    /// The allocators that it exports, each entry of which counts towards `max_allocations`; where
    /// there is none, only `memory.grow` and `table.grow` count.
    pub allocators: Vec<String>,
    /// How messages reach it: `allocator`, `pages`, or `component`, which says so in its types; absent where it
    /// cannot be an agent.
    pub inbox: Option<&'static str>,
    /// Advice for its author, one sentence each.
    pub advice: Vec<String>,
    /// The time that compiling it takes on one thread, by the estimate that
    /// [`CompileLimits::max_compile_millis`](crate::CompileLimits::max_compile_millis) bounds, in milliseconds.
    pub compile_millis: u64,
    /// That of the function which takes longest, in milliseconds.
    pub compile_function_millis: u64,
    /// The memory that the largest of its functions takes while it is compiled, by an estimate, in bytes.
    pub compile_function_bytes: u64,
}

/// One kind of section of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `code`, `data`, and so on; of a custom section, its own name.
    pub name: String,
    /// Its length, in bytes; of a component, that of all its modules' sections of this name.
    pub bytes: u64,
}

/// One export of a module.
#[derive(Debug, Clone)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// A function's type, or the word for what it is.
    pub ty: String,
}

/// One import of a module, or one function of an interface that a component imports.
#[derive(Debug, Clone)]
pub struct Import {
    /// The module or interface that it names.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// A function's type, or the word for what it is.
    pub ty: String,
}

/// Looks at a module or component: WebAssembly, or its text format.
///
/// # Errors
///
/// [`InvalidModule`](crate::ErrorKind::InvalidModule) if the bytes are no valid module at all. A valid one that lacks what
/// an agent needs is no error: see [`Inspection::missing`].
pub fn inspect(wasm: &[u8]) -> Result<Inspection, Error> {
    let wasm = to_binary(wasm)?;
    let engine = Engine::lease(None)?;
    vet(&wasm)?;
    let estimate = estimate_quickly(&wasm)?;
    let mut found = match Artifact::of_skeleton(&engine, &wasm)? {
        Artifact::Component(component) => inspect_component(&engine, &component, &wasm)?,
        Artifact::Module(module) => inspect_module(&module, &wasm),
    };
    found.cost(estimate);
    found.advice = advise(&found);
    Ok(found)
}

impl Inspection {
    fn cost(&mut self, estimate: Estimate) {
        self.compile_millis = estimate.micros.div_ceil(1000);
        self.compile_function_millis = estimate.function_micros.div_ceil(1000);
        self.compile_function_bytes = estimate.function_bytes;
    }
}

fn inspect_module(module: &Module, wasm: &[u8]) -> Inspection {
    let mut missing = Vec::new();
    if let Err(error) = link(module) {
        missing.extend_from_slice(error.missing());
    }
    let facts = Facts::read(module, wasm);
    if let Err(error) = &facts {
        missing.extend_from_slice(error.missing());
    }
    let facts = facts.ok().filter(|_| missing.is_empty());
    let memory = match module.get_export("memory") {
        Some(ExternType::Memory(memory)) => Some(memory),
        _ => None,
    };
    Inspection {
        bytes: wasm.len() as u64,
        sections: read_sections(wasm),
        advice: Vec::new(),
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
        producers: read_producers(wasm),
        start: facts.as_ref().map(|facts| match facts.start {
            Start::Nothing => "plain",
            Start::Initialize => "wasi-reactor",
            Start::Command => "wasi-command",
        }),
        inbox: facts.as_ref().map(|facts| match facts.inbox {
            InboxKind::Allocator(_) => "allocator",
            InboxKind::Pages => "pages",
        }),
        compile_millis: 0,
        compile_function_millis: 0,
        compile_function_bytes: 0,
    }
}

fn inspect_component(
    engine: &Lease,
    component: &Component,
    wasm: &[u8],
) -> Result<Inspection, Error> {
    let linked = component::link(component).map(drop);
    let facts = component::Facts::read(component, wasm).map(drop);
    let missing: Vec<String> = [linked, facts]
        .iter()
        .filter_map(|it| it.as_ref().err())
        .flat_map(|e| e.missing().to_vec())
        .collect();
    let engine = engine.wasmtime();
    let ty = component.component_type();
    let imports = ty.imports(engine).flat_map(|(module, import)| {
        let functions = component::functions(engine, &import.ty);
        let module = module.to_owned();
        functions.into_iter().map(move |(name, ty)| Import { module: module.clone(), name, ty })
    });
    let kind = missing.is_empty().then_some("component");
    Ok(Inspection {
        bytes: wasm.len() as u64,
        sections: read_sections(wasm),
        advice: Vec::new(),
        exports: ty
            .exports(engine)
            .map(|(name, export)| Export {
                name: name.to_owned(),
                ty: component::describe(&export.ty),
            })
            .collect(),
        imports: imports.collect(),
        missing,
        memory_bytes: component::min_memory(wasm)?,
        max_memory_bytes: None,
        producers: read_producers(wasm),
        start: kind,
        allocators: Vec::new(),
        inbox: kind,
        compile_millis: 0,
        compile_function_millis: 0,
        compile_function_bytes: 0,
    })
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(function) => signature(function),
        other => kind(other).to_owned(),
    }
}

/// Those of all modules, each once.
fn read_producers(wasm: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).flatten() {
        if let Payload::CustomSection(section) = payload
            && section.name() == "producers"
        {
            for producer in producers(section.data(), section.data_offset()) {
                if !found.contains(&producer) && found.len() < MAX_PRODUCERS {
                    found.push(producer);
                }
            }
        }
    }
    found
}

/// Sections of one name are one entry.
fn read_sections(wasm: &[u8]) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).flatten() {
        // Modules and components inside come with sections of their own.
        if matches!(payload, Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) {
            continue;
        }
        let Some((id, range)) = payload.as_section() else { continue };
        let name = match &payload {
            Payload::CustomSection(section) => shown(section.name()),
            _ => SECTIONS
                .get(usize::from(id))
                .map_or_else(|| format!("section {id}"), |n| n.to_string()),
        };
        let bytes = range.len() as u64;
        if let Some(section) = found.iter_mut().find(|section| section.name == name) {
            section.bytes += bytes;
        } else if found.len() < MAX_SECTIONS {
            found.push(Section { name, bytes });
        }
    }
    found
}
