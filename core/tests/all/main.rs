//! Tests from the outside: the public interface, on real agents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail this way")]
#![allow(clippy::disallowed_methods, reason = "deadlines against hanging are on the wall clock")]

mod child;
mod closing;
mod compiling;
mod conformance;
mod conversations;
mod crash;
mod directory;
mod engine;
mod fairness;
mod folders;
mod host_agents;
mod hostile;
mod hostile_agents;
mod hostile_beside;
mod inbox;
mod kept;
mod negotiation;
mod protocols;
mod releasing;
mod shared_tables;
mod standing;
mod store;
mod store_faults;
mod store_files;
mod store_journal;
mod store_lock;
mod store_messages;
mod store_upkeep;
mod subscriptions;
mod support;
mod traces;
mod travel;
mod turn;
mod wasi;
