//! The host's functions as an agent imports them, with their pointers. What the guide's code declares in
//! `extern` blocks of its own is the same.
//!
//! A result below 0 is an error: see [`HostError`](crate::HostError). Pointers have to be valid for
//! their length; the host keeps none of them.

#[link(wasm_import_module = "caxton")]
unsafe extern "C" {
    /// Sends a message, JSON; 0.
    pub fn send_message(ptr: *const u8, len: usize) -> i32;
    /// Sends a message to one agent of this runtime; 0.
    pub fn send_local_message(
        agent: *const u8,
        agent_len: usize,
        ptr: *const u8,
        len: usize,
    ) -> i32;
    /// Sends a message to all agents that match; how many they are.
    pub fn broadcast_message(
        filter: *const u8,
        filter_len: usize,
        ptr: *const u8,
        len: usize,
    ) -> i32;
    /// Asks for copies of messages; a subscription.
    pub fn subscribe_messages(filter: *const u8, len: usize) -> i32;
    /// Ends a subscription; 0.
    pub fn unsubscribe_messages(subscription: i32) -> i32;
    /// Has `handle_timer` called after so many microseconds; a timer, or 0 where there can be no more.
    pub fn set_timer(micros: u64) -> u32;
    /// Ends a timer; 0.
    pub fn cancel_timer(timer: u32) -> i32;
    /// Keeps a value; 0.
    pub fn store_data(key: *const u8, key_len: usize, ptr: *const u8, len: usize) -> i32;
    /// Writes a value to the buffer; its length in bytes.
    pub fn load_data(key: *const u8, key_len: usize, ptr: *mut u8, len: usize) -> i32;
    /// Deletes a value; 0.
    pub fn delete_data(key: *const u8, key_len: usize) -> i32;
    /// The length of a value in bytes.
    pub fn data_size(key: *const u8, key_len: usize) -> i32;
    /// Microseconds since the Unix epoch.
    pub fn current_timestamp() -> u64;
    /// A random number.
    pub fn random_u32() -> u32;
    /// Waits so many microseconds.
    pub fn sleep_micros(micros: u64);
    /// A line for the log, at the level `info`.
    pub fn console_log(ptr: *const u8, len: usize);
    /// A line for the log, at the level `error`.
    pub fn console_error(ptr: *const u8, len: usize);
    /// A line for the log, at a level from 1 (error) to 5 (trace).
    pub fn log(level: i32, ptr: *const u8, len: usize);
}
