//! Pictures of conversations that went well, went wrong, or mean harm.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail this way")]

mod fixture;
mod hostile;
mod shapes;
