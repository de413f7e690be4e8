//! The agent's exports, by their plain names.
//!
//! No allocator is exported: the host keeps messages in pages of its own.

use std::slice;

#[unsafe(no_mangle)]
pub extern "C" fn agent_init() -> i32 {
    agent::init()
}

/// # Safety
///
/// `ptr` and `len` are a range that the host has written a message to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn handle_message(ptr: *const u8, len: usize) -> i32 {
    // SAFETY: the host leaves the range alone until this call returns.
    agent::handle(unsafe { slice::from_raw_parts(ptr, len) })
}

#[unsafe(no_mangle)]
pub extern "C" fn handle_timer(timer: i32) -> i32 {
    agent::ring(timer)
}

/// # Safety
///
/// `ptr` and `len` are a range that the host has set aside for the answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn get_capabilities(ptr: *mut u8, len: usize) -> i32 {
    // SAFETY: nothing else uses the range during this call.
    agent::capabilities(unsafe { slice::from_raw_parts_mut(ptr, len) })
}

#[unsafe(no_mangle)]
pub extern "C" fn agent_shutdown() {
    agent::shutdown();
}
