//! Agents that are components (WASI 0.2): the host's functions in the types of the component model, as
//! `guest/wit/agent.wit` has them.

mod facts;
mod guest;
mod imports;
mod text;
mod vet;

use super::module;
use super::nested::{Custom, with_modules};
use super::template::cannot_run;
use crate::error::Error;

pub(super) use facts::{Facts, MAX_MEMORIES, MAX_MODULES, MAX_TABLES, min_memory};
pub(super) use guest::Guest;
pub(super) use imports::link;
pub(super) use text::{describe, functions};
pub(super) use vet::vet;

/// The component with the long operations on memory of its modules in pieces. `wasm` has to be valid.
pub(super) fn in_pieces(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let mut in_pieces = |module: &[u8]| Ok(Some(module::in_pieces(module)?.into_owned()));
    let component = with_modules(wasm, Custom::Kept, &mut in_pieces).map_err(cannot_run)?;
    Ok(component.unwrap_or_default())
}
