//! An agent of the guide's smaller pieces, each in a file of its own.
#![allow(dead_code, unused_imports)] // the guide's pieces have more than one agent needs

mod allocator;
mod capabilities;
mod limits;
mod local;
mod monitor;
mod state;
mod validation;

use caxton_sdk::FipaMessage;
use serde_json::{json, Value};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
pub fn handle_message(msg_ptr: *const u8, msg_len: usize) -> i32 {
    unsafe {
        caxton_sdk::handle_raw(msg_ptr, msg_len, |message| {
            caxton_sdk::IntoReply::reply_to(answer(&message), &message)
        })
    }
}

#[wasm_bindgen]
pub fn get_capabilities(caps_ptr: *mut u8, caps_len: usize) -> i32 {
    let capabilities = capabilities::AgentCapabilities {
        version: "1.0.0".to_string(),
        performatives: vec!["request".to_string()],
        protocols: vec![],
        ontologies: vec![],
        resource_requirements: capabilities::ResourceRequirements {
            min_memory_mb: 1,
            preferred_memory_mb: 2,
            cpu_intensive: false,
            network_access: false,
            persistence_needed: true,
        },
        services: vec![capabilities::ServiceDescription {
            name: "toolbox".to_string(),
            description: "The guide's pieces".to_string(),
            input_schema: json!({"type": "object"}),
            output_schema: json!({}),
            estimated_latency_ms: 1,
        }],
    };
    let json = serde_json::to_vec(&capabilities).unwrap();
    unsafe { caxton_sdk::write_capabilities(&json, caps_ptr, caps_len) }
}

fn answer(message: &FipaMessage) -> Result<Value, String> {
    let content: validation::MessageContent =
        serde_json::from_value(message.content.clone()).map_err(|error| error.to_string())?;
    let mut monitor = monitor::ResourceMonitor::new();
    let result = match content.action.as_str() {
        "process_data" => {
            let text = content.data.as_ref().and_then(Value::as_str).unwrap_or_default();
            monitor.record_allocation(text.len());
            json!(String::from_utf8_lossy(&allocator::process_small_message(text.as_bytes())))
        }
        "get_status" => json!({"asked": state::count("get_status")?}),
        "transform" => {
            let told = FipaMessage::new("inform", "", json!({"transformed": content.data}));
            let to = content.parameters.get("to").and_then(Value::as_str);
            match to {
                Some(to) => {
                    local::send_to_agent(to, &told)?;
                    json!({"told": 1})
                }
                None => json!({"told": local::broadcast_to_capability("toolbox", &told)?}),
            }
        }
        _ => Value::Null,
    };
    monitor.record_message_sent();
    match monitor.check_limits(&limits::ResourceLimits::default()) {
        Ok(()) => Ok(json!({ "result": result })),
        Err(broken) => Err(format!("{broken:?}")),
    }
}

#[cfg(test)]
mod tests {
    use caxton_sdk::testing::{Exports, MockHost};

    use super::*;

    fn ask(host: &MockHost, content: Value) -> Value {
        host.deliver(json!({"performative": "request", "sender": "me", "content": content}));
        host.sent().pop().map_or(Value::Null, |message| message.content)
    }

    #[test]
    fn the_pieces_work_together() {
        let host = MockHost::of(&Exports::new(handle_message)).agents(&[("anna", &["toolbox"])]);
        // What is shorter than 1,025 bytes the guide's function leaves behind: it never copies it to its buffer.
        let (long, upper) = ("abc".repeat(400), "ABC".repeat(400));
        assert_eq!(ask(&host, json!({"action": "process_data", "data": long})), json!({"result": upper}));
        assert_eq!(ask(&host, json!({"action": "get_status"}))["result"]["asked"], 1);
        assert_eq!(ask(&host, json!({"action": "get_status"}))["result"]["asked"], 2);
        assert_eq!(ask(&host, json!({"action": "transform"}))["result"]["told"], 1);
        assert_eq!(
            ask(&host, json!({"action": "transform", "parameters": {"to": "bert"}}))["error"],
            "Failed to send message, error code: -1"
        );
        let error = ask(&host, json!({"action": "dance"}));
        assert_eq!(error["error"], "Invalid action: dance");
        let long = "x".repeat(10_001);
        assert_eq!(ask(&host, json!({"action": "calculate", "data": long}))["error"], "String too long");
    }
}
