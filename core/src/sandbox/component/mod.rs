//! Agents that are components (WASI 0.2): the host's functions in the types of the component model, as
//! `guest/wit/agent.wit` has them.

mod facts;
mod guest;
mod imports;
mod text;
mod vet;

pub(super) use facts::{Facts, MAX_MEMORIES, MAX_MODULES, MAX_TABLES, min_memory};
pub(super) use guest::Guest;
pub(super) use imports::link;
pub(super) use text::{describe, functions};
pub(super) use vet::vet;
