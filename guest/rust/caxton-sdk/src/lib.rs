//! Write agents for [Caxton](https://github.com/caxton-dev/caxton) in Rust.
//!
//! An agent is a WebAssembly module that handles FIPA messages. It is a library crate with `crate-type = ["cdylib"]`,
//! built for `wasm32-unknown-unknown`:
//!
//! ```
//! use caxton_sdk::*;
//! use serde_json::{Value, json};
//!
//! #[caxton::agent(init = init)]
//! fn handle(message: FipaMessage) -> Result<(), AgentError> {
//!     handle_other(&message)
//! }
//!
//! fn init() {
//!     register_handler("greet", greet);
//! }
//!
//! fn greet(message: FipaMessage) -> Result<Value, AgentError> {
//!     let name = message.content["name"].as_str().ok_or("Expected a name")?;
//!     Ok(json!({"greeting": format!("Hello, {name}!")}))
//! }
//!
//! // Natively, the host is a mock.
//! let host = testing::MockHost::of(&AGENT);
//! host.deliver(json!({"performative": "request", "content": {"action": "greet", "name": "Ada"}}));
//! assert_eq!(host.sent()[0].content["greeting"], "Hello, Ada!");
//! ```
//!
//! - Messages: [`FipaMessage`], [`send_message`], [`send_reply`] and the guide's answers.
//! - Handlers: [`caxton::agent`](macro@agent), [`register_handler`]; what they may return: [`IntoReply`].
//! - Handlers that wait: [`sleep`], [`ask`]. Timers as callbacks: [`set_timer`], [`on_timer`].
//! - Stored data: [`store`], [`load`], [`delete`]; what the deployer gave: [`config`].
//! - What an agent can do: [`AgentCapabilities`]. What it may be sent: [`ContentLimits`].
//! - What it does: [`console_log`], [`DebugLogger`], [`Profiler`], [`CountingAllocator`].
//! - Tests without the runtime: [`testing`].
//!
//! Without the feature `std` it needs `alloc` alone.

#![cfg_attr(not(any(feature = "std", not(target_arch = "wasm32"))), no_std)]
#![warn(missing_docs)]

extern crate alloc;
/// So that `use caxton_sdk::*` is enough for `#[caxton::agent]`.
pub extern crate self as caxton;

mod allocator;
mod capabilities;
mod content;
mod error;
mod handlers;
mod host;
mod local;
mod log;
mod message;
mod panics;
mod profiler;
mod reply;
mod resources;
mod state;
mod task;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use allocator::{AllocationStats, CountingAllocator};
pub use capabilities::{AgentCapabilities, ResourceRequirements, ServiceDescription};
pub use caxton_sdk_macros::agent;
pub use content::{ContentLimits, estimate_json_size, validate_json_structure, validated};
pub use error::{AgentError, HostError};
pub use handlers::{
    IntoCode, dispatch, dispatch_or, dispatch_timer, handle_raw, on_timer, parse_message,
    register_async_handler, register_handler, run_handler, run_plain, write_capabilities,
};
pub use host::{
    broadcast_message, broadcast_to_capability, cancel_timer, console_error, console_log,
    current_timestamp, data_size, delete_data, load_data, log, random_u32, raw, send_local_message,
    send_message, send_to_agent, set_timer, sleep_micros, store_data, subscribe_messages,
    unsubscribe_messages,
};
pub use log::{DebugLogger, LogLevel};
pub use message::FipaMessage;
pub use panics::log_panics;
pub use profiler::Profiler;
pub use reply::{
    Inform, IntoReply, handle_other, not_understood, send_error, send_failure,
    send_inform_response, send_not_understood, send_reply,
};
pub use resources::{ResourceError, ResourceLimits, ResourceMonitor};
pub use state::{config, delete, load, store};
pub use task::{Answer, HostTimer, ask, sleep, spawn};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
