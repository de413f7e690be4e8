//! The modules that are nested in a component.

use wasm_encoder::Encode;
use wasmparser::{BinaryReaderError, Chunk, Parser, Payload};

/// The bytes of a component's or module's magic, version and layer.
const HEADER: usize = 8;
/// The section of a component that holds a module, and the one that holds a component.
const MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// Which custom sections of a component itself stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Custom {
    Kept,
    Dropped,
}

/// A module or component that was rewritten; nothing where that cannot be done.
pub(super) type Rewritten = Result<Option<Vec<u8>>, BinaryReaderError>;

/// The component with each module in it, at any depth, changed by `change`; nothing once that gives nothing.
/// The component has to be valid.
pub(super) fn with_modules(
    wasm: &[u8],
    custom: Custom,
    change: &mut dyn FnMut(&[u8]) -> Rewritten,
) -> Rewritten {
    let mut component = wasm.get(..HEADER).unwrap_or_default().to_vec();
    let mut parser = Parser::new(0);
    let mut at = 0;
    while let Some(rest) = wasm.get(at..).filter(|rest| !rest.is_empty()) {
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else { break };
        at += consumed;
        let (id, data) = match &payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                at = unchecked_range.end;
                let module = wasm.get(unchecked_range.clone()).unwrap_or_default();
                let Some(module) = change(module)? else { return Ok(None) };
                (MODULE, module)
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                at = unchecked_range.end;
                let inner = wasm.get(unchecked_range.clone()).unwrap_or_default();
                let Some(inner) = with_modules(inner, custom, change)? else { return Ok(None) };
                (COMPONENT, inner)
            }
            Payload::CustomSection(_) if custom == Custom::Dropped => continue,
            Payload::End(_) => break,
            other => match other.as_section() {
                Some((id, range)) => (id, wasm.get(range).unwrap_or_default().to_vec()),
                None => continue,
            },
        };
        component.push(id);
        data.encode(&mut component);
    }
    Ok(Some(component))
}
