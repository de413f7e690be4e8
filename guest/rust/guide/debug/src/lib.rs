//! The guide's "Debugging Tools".
#![allow(static_mut_refs)] // as the guide has it

// Debug utilities for agents
pub struct DebugLogger {
    enabled: bool,
    log_level: LogLevel,
}

#[derive(PartialEq, PartialOrd)]
pub enum LogLevel {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
    Trace = 5,
}

impl DebugLogger {
    pub fn new() -> Self {
        Self {
            enabled: cfg!(debug_assertions),
            log_level: LogLevel::Info,
        }
    }

    pub fn error(&self, msg: &str) {
        if self.enabled && self.log_level >= LogLevel::Error {
            let full_msg = format!("[ERROR] {}", msg);
            unsafe {
                console_error(full_msg.as_ptr(), full_msg.len());
            }
        }
    }

    pub fn warn(&self, msg: &str) {
        if self.enabled && self.log_level >= LogLevel::Warn {
            let full_msg = format!("[WARN] {}", msg);
            unsafe {
                console_log(full_msg.as_ptr(), full_msg.len());
            }
        }
    }

    pub fn info(&self, msg: &str) {
        if self.enabled && self.log_level >= LogLevel::Info {
            let full_msg = format!("[INFO] {}", msg);
            unsafe {
                console_log(full_msg.as_ptr(), full_msg.len());
            }
        }
    }

    pub fn debug(&self, msg: &str) {
        if self.enabled && self.log_level >= LogLevel::Debug {
            let full_msg = format!("[DEBUG] {}", msg);
            unsafe {
                console_log(full_msg.as_ptr(), full_msg.len());
            }
        }
    }
}

// Performance profiler
pub struct Profiler {
    checkpoints: std::collections::HashMap<String, u64>,
    enabled: bool,
}

impl Profiler {
    pub fn new() -> Self {
        Self {
            checkpoints: std::collections::HashMap::new(),
            enabled: cfg!(debug_assertions),
        }
    }

    pub fn start(&mut self, name: &str) {
        if self.enabled {
            let timestamp = unsafe { current_timestamp() };
            self.checkpoints.insert(name.to_string(), timestamp);
        }
    }

    pub fn end(&mut self, name: &str) -> Option<u64> {
        if self.enabled {
            let end_time = unsafe { current_timestamp() };
            if let Some(start_time) = self.checkpoints.remove(name) {
                let duration = end_time - start_time;

                let log_msg = format!("Profile [{}]: {} microseconds", name, duration);
                unsafe {
                    console_log(log_msg.as_ptr(), log_msg.len());
                }

                Some(duration)
            } else {
                None
            }
        } else {
            None
        }
    }
}

// Usage in agent code
static mut LOGGER: Option<DebugLogger> = None;
static mut PROFILER: Option<Profiler> = None;

#[wasm_bindgen]
pub fn agent_init() -> i32 {
    unsafe {
        LOGGER = Some(DebugLogger::new());
        PROFILER = Some(Profiler::new());
    }

    log_info("Agent initialized successfully");
    0
}

#[wasm_bindgen]
pub fn handle_message(msg_ptr: *const u8, msg_len: usize) -> i32 {
    profile_start("message_handling");

    let result = match parse_and_handle_message(msg_ptr, msg_len) {
        Ok(_) => {
            log_debug("Message handled successfully");
            0
        }
        Err(e) => {
            log_error(&format!("Message handling failed: {}", e));
            1
        }
    };

    profile_end("message_handling");
    result
}

fn log_info(msg: &str) {
    unsafe {
        if let Some(ref logger) = LOGGER {
            logger.info(msg);
        }
    }
}

fn log_error(msg: &str) {
    unsafe {
        if let Some(ref logger) = LOGGER {
            logger.error(msg);
        }
    }
}

fn log_debug(msg: &str) {
    unsafe {
        if let Some(ref logger) = LOGGER {
            logger.debug(msg);
        }
    }
}

fn profile_start(name: &str) {
    unsafe {
        if let Some(ref mut profiler) = PROFILER {
            profiler.start(name);
        }
    }
}

fn profile_end(name: &str) {
    unsafe {
        if let Some(ref mut profiler) = PROFILER {
            profiler.end(name);
        }
    }
}

// Missing lines of the guide.

use caxton_sdk::raw::{console_error, console_log, current_timestamp};
use wasm_bindgen::prelude::*;

fn parse_and_handle_message(msg_ptr: *const u8, msg_len: usize) -> Result<(), caxton_sdk::AgentError> {
    let message = unsafe { caxton_sdk::parse_message(msg_ptr, msg_len) }?;
    caxton_sdk::send_inform_response(&message, "handled");
    Ok(())
}

#[cfg(test)]
mod tests {
    use caxton_sdk::testing::{Exports, MockHost};

    use super::*;

    #[test]
    fn what_it_does_is_in_its_log() {
        let host = MockHost::of(&Exports { agent_init: Some(agent_init), ..Exports::new(handle_message) });
        assert_eq!(host.deliver(serde_json::json!({"performative": "request", "sender": "me"})), 0);
        let lines: Vec<String> = host.logs().into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, ["[INFO] Agent initialized successfully", "Profile [message_handling]: 0 microseconds"]);
        assert_ne!(host.deliver_bytes(b"{"), 0);
        assert!(host.logs()[0].1.starts_with("[ERROR] Message handling failed: "));
    }
}
