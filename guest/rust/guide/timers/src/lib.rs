//! The guide's "Asynchronous Operations".
#![allow(dead_code, unused_mut)] // its future is not used in the guide

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pub struct HostTimer {
    timer_id: u32,
    completed: bool,
}

impl Future for HostTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.completed {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

// Set a timer from host
#[link(wasm_import_module = "caxton")]
extern "C" {
    fn set_timer(delay_micros: u64) -> u32;
    fn cancel_timer(timer_id: u32) -> i32;
}

// Handle long-running operations
#[wasm_bindgen]
pub fn handle_message(msg_ptr: *const u8, msg_len: usize) -> i32 {
    let message = parse_message(msg_ptr, msg_len);

    match message.content.get("action").and_then(|v| v.as_str()) {
        Some("long_operation") => {
            // Start async operation
            start_long_operation(&message);

            // Return immediately - result will be sent via timer
            0
        }
        _ => {
            // Handle synchronously
            handle_sync_message(message)
        }
    }
}

fn start_long_operation(message: &FipaMessage) {
    // Set timer for 5 seconds
    let timer_id = unsafe { set_timer(5_000_000) };

    // Store operation context
    store_operation_context(timer_id, message);
}

#[wasm_bindgen]
pub fn handle_timer(timer_id: u32) -> i32 {
    if let Some(context) = load_operation_context(timer_id) {
        // Complete the operation
        let result = complete_long_operation(&context);

        // Send result back
        send_inform_response(&context.original_message, &result);

        // Cleanup
        cleanup_operation_context(timer_id);
    }

    0
}

// Missing lines of the guide.

use caxton_sdk::{send_inform_response, send_not_understood, FipaMessage};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

#[derive(Serialize, Deserialize)]
struct OperationContext {
    original_message: FipaMessage,
}

fn parse_message(msg_ptr: *const u8, msg_len: usize) -> FipaMessage {
    // What the host writes can be read.
    unsafe { caxton_sdk::parse_message(msg_ptr, msg_len) }.unwrap_or_default()
}

fn handle_sync_message(message: FipaMessage) -> i32 {
    send_not_understood(&message);
    1
}

fn store_operation_context(timer_id: u32, message: &FipaMessage) {
    let context = OperationContext { original_message: message.clone() };
    let _ = caxton_sdk::store(&format!("operation:{timer_id}"), &context);
}

fn load_operation_context(timer_id: u32) -> Option<OperationContext> {
    caxton_sdk::load(&format!("operation:{timer_id}")).ok().flatten()
}

fn complete_long_operation(context: &OperationContext) -> serde_json::Value {
    serde_json::json!({"completed": context.original_message.content["action"]})
}

fn cleanup_operation_context(timer_id: u32) {
    caxton_sdk::delete(&format!("operation:{timer_id}"));
}

#[cfg(test)]
mod tests {
    use caxton_sdk::testing::{Exports, MockHost};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_operation_is_answered_by_its_timer() {
        let exports = Exports { handle_timer: Some(handle_timer), ..Exports::new(handle_message) };
        let host = MockHost::of(&exports);
        let asked = json!({"performative": "request", "sender": "me", "reply_with": "1", "content": {"action": "long_operation"}});
        assert_eq!(host.deliver(asked), 0);
        host.advance(4_999_999);
        assert_eq!(host.sent(), []);
        host.advance(1);
        let sent = host.sent();
        assert_eq!(sent[0].content, json!({"result": {"completed": "long_operation"}}));
        assert_eq!(sent[0].in_reply_to.as_deref(), Some("1"));
        assert_eq!(host.keys(), [""; 0]);
    }
}
