//! Functions' names and backtraces as people read them. Names are the guest's to choose, so what is made
//! of them has a bound.

use std::fmt::{self, Write};

use wasmparser::{BinaryReader, Name, NameSectionReader, Parser, Payload};
use wasmtime::{FrameInfo, WasmBacktrace};

/// The frames of a backtrace that are written, the innermost.
const MAX_FRAMES: usize = 32;
/// The bytes of a name that are written.
const MAX_NAME_BYTES: usize = 256;
/// Names longer than this stay as they are, in bytes: reading a mangled name takes time that grows with it.
const MAX_MANGLED_BYTES: usize = 4096;

/// A backtrace as text, a line for each frame, innermost first. Wasmtime's own text also reads names of
/// C++, of which a few hundred bytes can stand for gigabytes.
pub(super) fn backtrace(backtrace: &WasmBacktrace) -> String {
    let frames = backtrace.frames();
    let mut text = "error while executing at wasm backtrace:".to_owned();
    for (at, frame) in frames.iter().take(MAX_FRAMES).enumerate() {
        text.push_str(&format!("\n  {at:>3}: "));
        if let Some(offset) = frame.module_offset() {
            text.push_str(&format!("{offset:#8x} - "));
        }
        push_frame(&mut text, frame);
    }
    if frames.len() > MAX_FRAMES {
        text.push_str("\n  and further ones");
    }
    text
}

fn push_frame(text: &mut String, frame: &FrameInfo) {
    push(text, format_args!("{}", frame.module().name().unwrap_or("<unknown>")));
    text.push('!');
    match frame.func_name() {
        Some(name) => push_name(text, name, false),
        None => text.push_str(&format!("<wasm function {}>", frame.func_index())),
    }
}

/// The name of a function as people write it, without what a compiler adds to tell two of them apart.
pub(super) fn name_of(name: Option<&str>, index: u32) -> String {
    let Some(name) = name else { return format!("function {index}") };
    let mut text = String::new();
    push_name(&mut text, name, true);
    text
}

/// The module or component with no name of a function that stands for more than one may: where its code is written down
/// for `perf`, wasmtime reads names by itself, as long as that takes. Those lose their first character, a `_`.
pub(super) fn with_plain_names(mut wasm: Vec<u8>) -> Vec<u8> {
    for place in hostile_names(&wasm) {
        if let Some(first) = wasm.get_mut(place) {
            *first = b'.';
        }
    }
    wasm
}

/// Where the names begin that take long to read, in all name sections; what cannot be read of those nobody reads.
fn hostile_names(wasm: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        if section.name() != "name" {
            continue;
        }
        let reader = BinaryReader::new(section.data(), section.data_offset());
        for names in NameSectionReader::new(reader).map_while(Result::ok) {
            let Name::Function(names) = names else { continue };
            for naming in names.into_iter().map_while(Result::ok) {
                if is_hostile(naming.name) {
                    // Where it lies in the module: it is a part of it.
                    places.push(naming.name.as_ptr().addr().wrapping_sub(wasm.as_ptr().addr()));
                }
            }
        }
    }
    places
}

fn is_hostile(name: &str) -> bool {
    let mut text = String::new();
    let mut bounded = Bounded { text: &mut text, left: MAX_NAME_BYTES };
    match rustc_demangle::try_demangle(name) {
        Ok(demangled) => write!(bounded, "{demangled}").is_err(),
        // Names of C++ begin with it.
        Err(_) => name.starts_with('_'),
    }
}

/// Adds a name; what is longer than it may be ends in an ellipsis. Only Rust's names are read.
fn push_name(text: &mut String, name: &str, is_short: bool) {
    let mangled = Some(name).filter(|name| name.len() <= MAX_MANGLED_BYTES);
    match mangled.and_then(|name| rustc_demangle::try_demangle(name).ok()) {
        Some(demangled) if is_short => push(text, format_args!("{demangled:#}")),
        Some(demangled) => push(text, format_args!("{demangled}")),
        None => push(text, format_args!("{name}")),
    }
}

fn push(text: &mut String, what: fmt::Arguments<'_>) {
    if (Bounded { text, left: MAX_NAME_BYTES }).write_fmt(what).is_err() {
        text.push('…');
    }
}

/// Takes so many bytes, and fails at the next one.
struct Bounded<'a> {
    text: &'a mut String,
    left: usize,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let fits = part.floor_char_boundary(self.left);
        self.text.push_str(&part[..fits]);
        if fits < part.len() {
            self.left = 0;
            return Err(fmt::Error);
        }
        self.left -= fits;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
