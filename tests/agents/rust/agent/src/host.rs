//! The host functions that the agent uses, without their pointers.

#[link(wasm_import_module = "caxton")]
unsafe extern "C" {
    fn send_message(ptr: *const u8, len: usize) -> i32;
    fn console_log(ptr: *const u8, len: usize);
    fn console_error(ptr: *const u8, len: usize);
    safe fn current_timestamp() -> u64;
}

/// Queues a message. The host refuses with a negative code.
pub fn send(message: &[u8]) -> i32 {
    // SAFETY: the host reads the slice before it returns, and keeps no pointer.
    unsafe { send_message(message.as_ptr(), message.len()) }
}

pub fn log(line: &str) {
    // SAFETY: as for `send`.
    unsafe { console_log(line.as_ptr(), line.len()) }
}

pub fn error(line: &str) {
    // SAFETY: as for `send`.
    unsafe { console_error(line.as_ptr(), line.len()) }
}

/// Microseconds since the Unix epoch.
pub fn now() -> u64 {
    current_timestamp()
}
