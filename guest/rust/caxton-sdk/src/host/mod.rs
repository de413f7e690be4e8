//! The host's functions without their pointers.
//!
//! All that a handler does through them takes effect when it returns, or never: a turn is a transaction.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod mock;
#[cfg(target_arch = "wasm32")]
pub mod raw;

/// The host's functions as an agent imports them, with their pointers; natively those of the mock host.
#[cfg(not(target_arch = "wasm32"))]
pub mod raw {
    pub use super::mock::functions::*;
}

use alloc::vec::Vec;

use serde::Serialize;

use crate::error::HostError;
use crate::log::LogLevel;
use crate::message::FipaMessage;

/// Microseconds since the Unix epoch, by the runtime's clock.
pub fn current_timestamp() -> u64 {
    // SAFETY: it has no arguments.
    unsafe { raw::current_timestamp() }
}

/// A random number from the runtime's source, which is secure unless its program chose a seed.
pub fn random_u32() -> u32 {
    // SAFETY: it has no arguments.
    unsafe { raw::random_u32() }
}

/// Waits in the middle of the turn, which holds nobody up but counts towards the turn's time. To
/// wait longer than a turn may last, end the turn: [`sleep`](crate::sleep), or [`set_timer`].
pub fn sleep_micros(micros: u64) {
    // SAFETY: the argument is a number.
    unsafe { raw::sleep_micros(micros) }
}

/// Writes a line to the agent's log, at the level `info`.
pub fn console_log(line: &str) {
    // SAFETY: the host reads the text before it returns, and keeps no pointer.
    unsafe { raw::console_log(line.as_ptr(), line.len()) }
}

/// Writes a line to the agent's log, at the level `error`.
pub fn console_error(line: &str) {
    // SAFETY: as for `console_log`.
    unsafe { raw::console_error(line.as_ptr(), line.len()) }
}

/// Writes a line to the agent's log.
pub fn log(level: LogLevel, line: &str) {
    // SAFETY: as for `console_log`.
    unsafe { raw::log(level as i32, line.as_ptr(), line.len()) }
}

/// Sends a message to its receivers. To name one that does not exist is no error here: the agent then
/// gets a `failure` from `ams`.
///
/// # Errors
///
/// What the host gave: a message that is none, one that the agent may not send, or too many.
pub fn send_message(message: &FipaMessage) -> Result<(), HostError> {
    let json = message.to_json();
    // SAFETY: as for `console_log`.
    HostError::check(unsafe { raw::send_message(json.as_ptr(), json.len()) }).map(drop)
}

/// Sends a message to one agent of this runtime, whatever its `receiver` says, and tells at once
/// if that agent is unknown or has no room.
///
/// # Errors
///
/// [`HostError::NotFound`], [`HostError::MailboxFull`], and those of [`send_message`].
pub fn send_local_message(agent: &str, message: &FipaMessage) -> Result<(), HostError> {
    let json = message.to_json();
    // SAFETY: as for `console_log`.
    let code =
        unsafe { raw::send_local_message(agent.as_ptr(), agent.len(), json.as_ptr(), json.len()) };
    HostError::check(code).map(drop)
}

/// Sends a message to every other agent that matches a filter, such as
/// `json!({"capabilities": ["painting"]})`; how many they are.
///
/// # Errors
///
/// [`HostError::InvalidArgument`] if the filter is none, and those of [`send_message`].
pub fn broadcast_message(filter: &impl Serialize, message: &FipaMessage) -> Result<u32, HostError> {
    let filter = to_json(filter)?;
    let json = message.to_json();
    // SAFETY: as for `console_log`.
    HostError::check(unsafe {
        raw::broadcast_message(filter.as_ptr(), filter.len(), json.as_ptr(), json.len())
    })
}

/// [`send_local_message`], under the name that it has in the guide.
///
/// # Errors
///
/// Those of [`send_local_message`].
pub fn send_to_agent(agent: &str, message: &FipaMessage) -> Result<(), HostError> {
    send_local_message(agent, message)
}

/// Sends a message to every other agent that has a capability; how many they are.
///
/// # Errors
///
/// Those of [`broadcast_message`].
pub fn broadcast_to_capability(capability: &str, message: &FipaMessage) -> Result<u32, HostError> {
    broadcast_message(&serde_json::json!({ "capabilities": [capability] }), message)
}

/// From the end of this turn on, the agent gets copies of messages that match, such as those of
/// `json!({"topic": "weather"})`; the subscription.
///
/// # Errors
///
/// [`HostError::InvalidArgument`] if the filter is none, [`HostError::LimitExceeded`] if there are too many.
pub fn subscribe_messages(filter: &impl Serialize) -> Result<u32, HostError> {
    let filter = to_json(filter)?;
    // SAFETY: as for `console_log`.
    HostError::check(unsafe { raw::subscribe_messages(filter.as_ptr(), filter.len()) })
}

/// Ends a subscription.
///
/// # Errors
///
/// [`HostError::NotFound`] if there is none of this number.
pub fn unsubscribe_messages(subscription: u32) -> Result<(), HostError> {
    // SAFETY: the argument is a number.
    HostError::check(unsafe { raw::unsubscribe_messages(subscription as i32) }).map(drop)
}

/// Has `handle_timer` called after so many microseconds, in a turn of its own, with the timer that this
/// returns. With a store, a timer outlives the program.
///
/// # Errors
///
/// [`HostError::LimitExceeded`] if the host refused it: the agent has too many, or no `handle_timer`.
pub fn set_timer(micros: u64) -> Result<u32, HostError> {
    // SAFETY: the argument is a number.
    match unsafe { raw::set_timer(micros) } {
        0 => Err(HostError::LimitExceeded),
        timer => Ok(timer),
    }
}

/// Ends a timer that has not come due.
///
/// # Errors
///
/// [`HostError::NotFound`] if there is none of this number.
pub fn cancel_timer(timer: u32) -> Result<(), HostError> {
    // SAFETY: the argument is a number.
    HostError::check(unsafe { raw::cancel_timer(timer) }).map(drop)
}

/// Keeps a value under a key of the agent's own. It outlives the instance and, with a store, the program.
///
/// # Errors
///
/// [`HostError::LimitExceeded`] if all that the agent stores would be too long.
pub fn store_data(key: &str, value: &[u8]) -> Result<(), HostError> {
    // SAFETY: as for `console_log`.
    HostError::check(unsafe {
        raw::store_data(key.as_ptr(), key.len(), value.as_ptr(), value.len())
    })
    .map(drop)
}

/// The value under a key, if there is one.
pub fn load_data(key: &str) -> Option<Vec<u8>> {
    let size = data_size(key)?;
    let mut value = alloc::vec![0; size];
    // SAFETY: the host writes at most as many bytes as there are.
    let written =
        unsafe { raw::load_data(key.as_ptr(), key.len(), value.as_mut_ptr(), value.len()) };
    value.truncate(usize::try_from(written).ok()?);
    Some(value)
}

/// Deletes the value under a key.
///
/// # Errors
///
/// [`HostError::NotFound`] if there is none.
pub fn delete_data(key: &str) -> Result<(), HostError> {
    // SAFETY: as for `console_log`.
    HostError::check(unsafe { raw::delete_data(key.as_ptr(), key.len()) }).map(drop)
}

/// The length in bytes of the value under a key, if there is one.
pub fn data_size(key: &str) -> Option<usize> {
    // SAFETY: as for `console_log`.
    usize::try_from(unsafe { raw::data_size(key.as_ptr(), key.len()) }).ok()
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, HostError> {
    serde_json::to_vec(value).map_err(|error| {
        console_error(&alloc::format!("a filter cannot be written as JSON: {error}"));
        HostError::InvalidArgument
    })
}
