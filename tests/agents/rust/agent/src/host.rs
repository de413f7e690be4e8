//! The host functions that the agent uses, without their pointers.

#[link(wasm_import_module = "caxton")]
unsafe extern "C" {
    fn send_message(ptr: *const u8, len: usize) -> i32;
    fn console_log(ptr: *const u8, len: usize);
    fn console_error(ptr: *const u8, len: usize);
    fn data_size(key: *const u8, key_len: usize) -> i32;
    fn load_data(key: *const u8, key_len: usize, ptr: *mut u8, len: usize) -> i32;
    safe fn current_timestamp() -> u64;
    safe fn random_u32() -> u32;
    #[link_name = "set_timer"]
    safe fn start_timer(micros: i64) -> i32;
    #[link_name = "cancel_timer"]
    safe fn stop_timer(timer: i32) -> i32;
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

/// The stored value; empty if there is none.
pub fn load(key: &str) -> Vec<u8> {
    // SAFETY: as for `send`.
    let size = unsafe { data_size(key.as_ptr(), key.len()) };
    let mut value = vec![0; usize::try_from(size).unwrap_or(0)];
    // SAFETY: the host writes at most as many bytes as there are.
    let read = unsafe { load_data(key.as_ptr(), key.len(), value.as_mut_ptr(), value.len()) };
    value.truncate(usize::try_from(read).unwrap_or(0));
    value
}

/// Microseconds since the Unix epoch.
pub fn now() -> u64 {
    current_timestamp()
}

pub fn random() -> u32 {
    random_u32()
}

/// Has `ring` called after so many microseconds; `None` if there can be no more timers.
pub fn set_timer(micros: i64) -> Option<i32> {
    Some(start_timer(micros)).filter(|timer| *timer > 0)
}

pub fn cancel_timer(timer: i32) {
    stop_timer(timer);
}
