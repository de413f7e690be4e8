//! Tests from the outside: the public interface, on real agents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail this way")]

mod conformance;
mod smoke;
