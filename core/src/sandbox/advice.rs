//! What the author of a module might want to change.

use super::inspect::Inspection;
use crate::limits::Limits;

/// Above this, a module that begins with so much memory has most of it for its stack.
const LARGE_MEMORY: u64 = 1 << 20;
/// Above this, what only a debugger reads is worth leaving out.
const LARGE_DEBUG: u64 = 64 << 10;
/// Above this, making a module smaller is worth the work.
const LARGE_CODE: u64 = 1 << 20;

/// Advice on what was found, a sentence each.
pub(super) fn advise(found: &Inspection) -> Vec<String> {
    let mut advice = Vec::new();
    let is_component = found.start == Some("component")
        || found.imports.iter().any(|import| import.module.contains('/'));
    let exports = |name: &str| found.exports.iter().any(|export| export.name.starts_with(name));
    let imports = |name: &str| found.imports.iter().any(|import| import.name == name);
    let made_by = |name: &str| found.producers.iter().any(|producer| producer == name);
    let misses = |part: &str| found.missing.iter().any(|line| line.contains(part));

    if misses("export `handle_message`") && exports("_start") {
        advice.push(
            "it is a program of its own; build it as a library: crate-type = [\"cdylib\"] in Rust, \
             -buildmode=c-shared in Go, -mexec-model=reactor in C, and export `handle_message`"
                .to_owned(),
        );
    } else if misses("export `handle_message`") {
        advice.push(
            "export `handle_message`: #[unsafe(no_mangle)] pub extern \"C\" fn in Rust, //go:wasmexport in Go, \
             __attribute__((export_name(\"handle_message\"))) in C, export function in AssemblyScript"
                .to_owned(),
        );
    }
    if misses("export `handle-message`") {
        advice.push("build it for the world `agent` of the package caxton:agent".to_owned());
    }
    if found
        .missing
        .iter()
        .any(|line| line.contains("`env.emscripten") || line.contains("`env.invoke_"))
    {
        advice.push(
            "it was built for Emscripten, whose functions are JavaScript; build it for WASI"
                .to_owned(),
        );
    }
    if misses("import `env.memory`") || misses("import `env.__memory_base`") {
        advice.push(
            "it imports its memory, as libraries that are linked later do; link it as a module of its \
             own, without -shared and --import-memory"
                .to_owned(),
        );
    }
    if found.imports.iter().any(|import| import.module.starts_with("__wbindgen_")) {
        advice.push(
            "it uses wasm-bindgen: that works, but what only exists in JavaScript traps when it is called"
                .to_owned(),
        );
    }
    if imports("set_timer") && !exports("handle_timer") && !is_component {
        advice.push("it sets timers and has no `handle_timer`: they are refused".to_owned());
    }
    if found.memory_bytes > LARGE_MEMORY && (made_by("rustc") || made_by("clang")) && !is_component
    {
        advice.push(format!(
            "it begins with {} bytes of memory, and every instance has them; link it with a smaller stack: \
             -C link-arg=-zstack-size=65536 in Rust, -Wl,-zstack-size=65536 in C",
            found.memory_bytes
        ));
    }
    let limit = Limits::default().max_memory_bytes;
    if found.memory_bytes > limit {
        advice.push(format!(
            "it begins with {} bytes of memory, above the default limit of {limit}: deploy it with a \
             larger max_memory_bytes",
            found.memory_bytes
        ));
    }
    let size_of = |wanted: fn(&str) -> bool| -> u64 {
        let sections = found.sections.iter().filter(|section| wanted(&section.name));
        sections.map(|section| section.bytes).sum()
    };
    let debug = size_of(|name| name == "name" || name.starts_with(".debug_"));
    if debug > LARGE_DEBUG {
        advice.push(format!(
            "{debug} of its {} bytes are for debuggers: strip = true in Rust, -ldflags=-s in Go, \
             -Wl,--strip-all in C, or wasm-opt --strip-debug",
            found.bytes
        ));
    }
    let code = size_of(|name| name == "code");
    if code > LARGE_CODE && !is_component {
        advice.push(format!(
            "it has {code} bytes of code, which take time to compile once: opt-level = \"z\" and lto = true in \
             Rust, -Oz in C, or wasm-opt -Os"
        ));
    }
    advice
}
