//! The agent's exports through wasm-bindgen, which adds a hash to each name.
//!
//! No step with wasm-bindgen's command line is needed: the host ignores the hash.

// wasm-bindgen takes only safe functions, and the host vouches for the pointers.
#![allow(clippy::not_unsafe_ptr_arg_deref)]

use std::slice;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
pub fn agent_init() -> i32 {
    agent::init()
}

#[wasm_bindgen]
pub fn handle_message(ptr: *const u8, len: usize) -> i32 {
    // SAFETY: the host has written a message there, and leaves it alone until this call returns.
    agent::handle(unsafe { slice::from_raw_parts(ptr, len) })
}

#[wasm_bindgen]
pub fn handle_timer(timer: i32) -> i32 {
    agent::ring(timer)
}

#[wasm_bindgen]
pub fn get_capabilities(ptr: *mut u8, len: usize) -> i32 {
    // SAFETY: the host has set the range aside for the answer.
    agent::capabilities(unsafe { slice::from_raw_parts_mut(ptr, len) })
}

#[wasm_bindgen]
pub fn agent_shutdown() {
    agent::shutdown();
}
