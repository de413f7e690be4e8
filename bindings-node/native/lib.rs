//! The part of the package `caxton` for Node that is Rust.
//!
//! It converts and calls; what a user sees is written in TypeScript, in `src/`. JSON crosses as
//! text, errors as [`Fault`](fault::Fault)s, and waits as numbers: a call that is answered at once
//! returns its answer, any other the id under which [`hub::Hub`] reports it later.

mod agent;
mod answers;
mod command;
mod conversation;
mod fault;
mod handler;
mod hub;
mod informs;
mod inspect;
mod inspect_store;
mod message;
mod negotiate;
mod options;
mod outcome;
mod runtime;
mod subscription;
mod tender;
mod trace;

#[napi_derive::module_init]
fn set_up() {
    caxton_bindings_allocator::set_up();
}
