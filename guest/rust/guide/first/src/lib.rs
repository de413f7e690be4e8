// src/lib.rs
use caxton_sdk::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

#[derive(Serialize, Deserialize)]
struct ProcessRequest {
    #[serde(alias = "text")] // what the guide's tests call it
    data: String,
    operation: String,
}

#[derive(Serialize, Deserialize)]
struct ProcessResponse {
    result: String,
    timestamp: u64,
}

// Agent lifecycle hooks
#[wasm_bindgen]
pub fn agent_init() -> i32 {
    console_log("Agent initializing...");

    // Register message handlers
    register_handler("process_data", handle_process_data);
    register_handler("get_status", handle_get_status);

    0 // Success
}

#[wasm_bindgen]
pub fn agent_shutdown() {
    console_log("Agent shutting down...");
    // Cleanup resources
}

// Message handler
#[wasm_bindgen]
pub fn handle_message(msg_ptr: *const u8, msg_len: usize) -> i32 {
    let msg_bytes = unsafe {
        std::slice::from_raw_parts(msg_ptr, msg_len)
    };

    match serde_json::from_slice::<FipaMessage>(msg_bytes) {
        Ok(message) => {
            match message.performative.as_str() {
                "request" => handle_request(message),
                "inform" => handle_inform(message),
                _ => {
                    send_not_understood(&message);
                    1
                }
            }
        }
        Err(e) => {
            console_error(&format!("Failed to parse message: {}", e));
            1
        }
    }
}

fn handle_request(message: FipaMessage) -> i32 {
    match message.content.get("action").and_then(|v| v.as_str()) {
        Some("process_data") => {
            if let Ok(request) = serde_json::from_value::<ProcessRequest>(
                message.content["data"].clone()
            ) {
                let response = process_data(request);
                send_inform_response(&message, &response);
                0
            } else {
                send_failure(&message, "Invalid request format");
                1
            }
        }
        Some("get_status") => {
            let status = get_agent_status();
            send_inform_response(&message, &status);
            0
        }
        _ => {
            send_not_understood(&message);
            1
        }
    }
}

fn process_data(request: ProcessRequest) -> ProcessResponse {
    // Implement your processing logic here
    let result = match request.operation.as_str() {
        "uppercase" => request.data.to_uppercase(),
        "lowercase" => request.data.to_lowercase(),
        "reverse" => request.data.chars().rev().collect(),
        _ => format!("Unknown operation: {}", request.operation),
    };

    ProcessResponse {
        result,
        timestamp: current_timestamp(),
    }
}

// Missing lines of the guide.

fn handle_inform(_message: FipaMessage) -> i32 {
    0
}

fn handle_process_data(message: FipaMessage) -> i32 {
    handle_request(message)
}

fn handle_get_status(message: FipaMessage) -> i32 {
    handle_request(message)
}

fn get_agent_status() -> serde_json::Value {
    serde_json::json!({"status": "ready"})
}

#[cfg(test)]
mod guide_tests;
