//! What a component is: what it exports, and how much memory it begins with.

use wasmparser::{Parser, Payload, WasmFeatures};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, Type};

use super::text::signature;
use crate::error::{Error, ErrorKind};
use crate::sandbox::template::unfit;

/// What loading has found out about a component.
pub(in crate::sandbox) struct Facts {
    pub handle_message: ComponentExportIndex,
    pub handle_timer: Option<ComponentExportIndex>,
    pub agent_init: Option<ComponentExportIndex>,
    pub agent_shutdown: Option<ComponentExportIndex>,
    pub get_capabilities: Option<ComponentExportIndex>,
    /// The memory that its modules begin with, in bytes.
    pub min_memory: u64,
    /// How many memories it has.
    pub memories: usize,
    /// How many tables it has.
    pub tables: usize,
}

/// The most memories that one component may have, and the most tables and modules.
pub(in crate::sandbox) const MAX_MEMORIES: u32 = 8;
pub(in crate::sandbox) const MAX_TABLES: u32 = 32;
pub(in crate::sandbox) const MAX_MODULES: u32 = 64;

impl Facts {
    /// Reads `component`, whose bytes are `wasm`.
    pub fn read(component: &Component, wasm: &[u8]) -> Result<Self, Error> {
        let mut missing = Vec::new();
        let mut find = |name, params: &[Type], result: Option<Type>| {
            find(component, name, params, result.as_slice(), &mut missing)
        };
        let handle_message = find("handle-message", &[Type::String], Some(Type::S32));
        let handle_timer = find("handle-timer", &[Type::U32], Some(Type::S32));
        let agent_init = find("agent-init", &[], Some(Type::S32));
        let agent_shutdown = find("agent-shutdown", &[], None);
        let get_capabilities = find("get-capabilities", &[], Some(Type::String));
        if handle_message.is_none() && missing.iter().all(|line| !line.contains("handle-message")) {
            missing
                .push("export `handle-message`: func(message: string) -> s32, missing".to_owned());
        }
        let resources = component.resources_required();
        let memories = resources.as_ref().map_or(0, |resources| resources.num_memories);
        let tables = resources.as_ref().map_or(0, |resources| resources.num_tables);
        for (found, most, what) in
            [(memories, MAX_MEMORIES, "memories"), (tables, MAX_TABLES, "tables")]
        {
            if found > most {
                missing.push(format!("it has {found} {what}, and {most} is the most"));
            }
        }
        let Some(handle_message) = handle_message.filter(|_| missing.is_empty()) else {
            return Err(unfit("cannot be an agent", missing));
        };
        Ok(Facts {
            handle_message,
            handle_timer,
            agent_init,
            agent_shutdown,
            get_capabilities,
            min_memory: min_memory(wasm)?,
            memories: memories as usize,
            tables: tables as usize,
        })
    }
}

/// Finds an exported function. One of the wrong type is noted in `wrong`.
fn find(
    component: &Component,
    name: &str,
    params: &[Type],
    results: &[Type],
    wrong: &mut Vec<String>,
) -> Option<ComponentExportIndex> {
    let (item, index) = component.get_export(None, name)?;
    let found = match &item {
        ComponentItem::ComponentFunc(function) => {
            let fits = !function.async_()
                && function.params().map(|(_, ty)| ty).eq(params.iter().cloned())
                && function.results().eq(results.iter().cloned());
            if fits {
                return Some(index);
            }
            signature(function)
        }
        other => super::text::kind(other).to_owned(),
    };
    let params: Vec<_> = params.iter().map(super::text::type_name).collect();
    let result = results.first().map(super::text::type_name);
    let result = result.map(|result| format!(" -> {result}")).unwrap_or_default();
    wrong.push(format!(
        "export `{name}`: expected func({}){result}, found {found}",
        params.join(", ")
    ));
    None
}

/// The memory that all modules in it begin with.
pub(in crate::sandbox) fn min_memory(wasm: &[u8]) -> Result<u64, Error> {
    let mut pages = 0_u64;
    let mut parser = Parser::new(0);
    parser.set_features(WasmFeatures::all());
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(|error| {
            Error::new(ErrorKind::InvalidModule, format!("this is not WebAssembly: {error}"))
        })?;
        if let Payload::MemorySection(memories) = payload {
            for memory in memories.into_iter().flatten() {
                pages = pages.saturating_add(memory.initial);
            }
        }
    }
    Ok(pages.saturating_mul(65_536))
}
