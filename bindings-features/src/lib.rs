//! Nothing but dependencies.
//!
//! Cargo builds a crate anew for each set of features that is asked of it. napi and jiter ask more
//! of some crates below wasmtime than the core does, so building one binding without the other
//! would compile the whole engine again. Both depend on this crate, which asks for the union.
