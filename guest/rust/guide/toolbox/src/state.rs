//! The guide's "State Persistence".

#[link(wasm_import_module = "caxton")]
extern "C" {
    /// Store persistent data
    fn store_data(key_ptr: *const u8, key_len: usize,
                  data_ptr: *const u8, data_len: usize) -> i32;

    /// Retrieve persistent data
    fn load_data(key_ptr: *const u8, key_len: usize,
                 data_ptr: *mut u8, data_len: usize) -> i32;

    /// Delete persistent data
    fn delete_data(key_ptr: *const u8, key_len: usize) -> i32;
}

// Agent implementation
use std::collections::HashMap;

#[derive(Default, Serialize, Deserialize)]
struct AgentState {
    counters: HashMap<String, u64>,
    last_update: u64,
    configuration: AgentConfig,
}

impl AgentState {
    fn save(&self) -> Result<(), Box<dyn std::error::Error>> {
        let serialized = serde_json::to_vec(self)?;
        let key = b"agent_state";

        let result = unsafe {
            store_data(
                key.as_ptr(),
                key.len(),
                serialized.as_ptr(),
                serialized.len(),
            )
        };

        if result == 0 { Ok(()) } else { Err("Failed to save state".into()) }
    }

    fn load() -> Result<AgentState, Box<dyn std::error::Error>> {
        let key = b"agent_state";
        let mut buffer = vec![0u8; 4096]; // Max state size

        let result = unsafe {
            load_data(
                key.as_ptr(),
                key.len(),
                buffer.as_mut_ptr(),
                buffer.len(),
            )
        };

        if result > 0 {
            buffer.truncate(result as usize);
            let state: AgentState = serde_json::from_slice(&buffer)?;
            Ok(state)
        } else {
            Ok(AgentState::default())
        }
    }
}

// Missing lines of the guide (and the derive of `AgentState`).

use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct AgentConfig {
    greeting: String,
}

/// Counts an action in what is stored; how often it came.
pub fn count(action: &str) -> Result<u64, String> {
    let mut state = AgentState::load().map_err(|e| e.to_string())?;
    let count = state.counters.entry(action.to_string()).or_default();
    *count += 1;
    let count = *count;
    state.last_update = caxton_sdk::current_timestamp();
    state.save().map_err(|e| e.to_string())?;
    let key = b"spare";
    unsafe { delete_data(key.as_ptr(), key.len()) };
    Ok(count)
}
