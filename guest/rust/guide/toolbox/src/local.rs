//! The guide's "Inter-Agent Communication".

// High-performance message passing for local agents
#[link(wasm_import_module = "caxton")]
extern "C" {
    /// Send message to local agent (shared memory)
    fn send_local_message(agent_id_ptr: *const u8, agent_id_len: usize,
                         msg_ptr: *const u8, msg_len: usize) -> i32;

    /// Broadcast message to multiple agents
    fn broadcast_message(filter_ptr: *const u8, filter_len: usize,
                        msg_ptr: *const u8, msg_len: usize) -> i32;
}

// Efficient local messaging
pub fn send_to_agent(agent_id: &str, message: &FipaMessage) -> Result<(), String> {
    let agent_bytes = agent_id.as_bytes();
    let msg_bytes = serde_json::to_vec(message).map_err(|e| e.to_string())?;

    let result = unsafe {
        send_local_message(
            agent_bytes.as_ptr(),
            agent_bytes.len(),
            msg_bytes.as_ptr(),
            msg_bytes.len(),
        )
    };

    if result == 0 {
        Ok(())
    } else {
        Err(format!("Failed to send message, error code: {}", result))
    }
}

// Broadcast to multiple agents
pub fn broadcast_to_capability(capability: &str, message: &FipaMessage) -> Result<u32, String> {
    // Note: capabilities are used here for runtime filtering, not agent configuration
    // Agents register their capabilities programmatically, not through static config
    let filter = json!({
        "capabilities": [capability]
    });
    let filter_bytes = serde_json::to_vec(&filter).map_err(|e| e.to_string())?;
    let msg_bytes = serde_json::to_vec(message).map_err(|e| e.to_string())?;

    let result = unsafe {
        broadcast_message(
            filter_bytes.as_ptr(),
            filter_bytes.len(),
            msg_bytes.as_ptr(),
            msg_bytes.len(),
        )
    };

    if result >= 0 {
        Ok(result as u32)
    } else {
        Err(format!("Failed to broadcast message, error code: {}", result))
    }
}

// Missing lines of the guide.

use caxton_sdk::FipaMessage;
use serde_json::json;
