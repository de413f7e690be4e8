//! The guide's "Input Validation".

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[derive(Deserialize)]
pub struct MessageContent {
    #[serde(deserialize_with = "validate_action")]
    pub action: String,

    #[serde(default, deserialize_with = "validate_data")]
    pub data: Option<serde_json::Value>,

    #[serde(default, deserialize_with = "validate_parameters")]
    pub parameters: HashMap<String, serde_json::Value>,
}

fn validate_action<'de, D>(deserializer: D) -> Result<String, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let action = String::deserialize(deserializer)?;

    // Whitelist allowed actions
    match action.as_str() {
        "process_data" | "get_status" | "calculate" | "transform" => Ok(action),
        _ => Err(serde::de::Error::custom(
            format!("Invalid action: {}", action)
        )),
    }
}

fn validate_data<'de, D>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let data = Option::<serde_json::Value>::deserialize(deserializer)?;

    if let Some(ref value) = data {
        // Limit size of incoming data
        let size = estimate_json_size(value);
        if size > 1024 * 1024 { // 1MB limit
            return Err(serde::de::Error::custom("Data too large"));
        }

        // Validate data structure
        validate_json_structure(value)
            .map_err(|e| serde::de::Error::custom(e))?;
    }

    Ok(data)
}

fn validate_json_structure(value: &serde_json::Value) -> Result<(), String> {
    match value {
        serde_json::Value::Object(map) => {
            if map.len() > 100 {
                return Err("Object has too many keys".to_string());
            }
            for (key, val) in map {
                if key.len() > 256 {
                    return Err("Key too long".to_string());
                }
                validate_json_structure(val)?;
            }
        }
        serde_json::Value::Array(arr) => {
            if arr.len() > 1000 {
                return Err("Array too large".to_string());
            }
            for val in arr {
                validate_json_structure(val)?;
            }
        }
        serde_json::Value::String(s) => {
            if s.len() > 10000 {
                return Err("String too long".to_string());
            }
        }
        _ => {}
    }
    Ok(())
}

fn estimate_json_size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(map) => {
            map.iter().map(|(k, v)| k.len() + estimate_json_size(v)).sum::<usize>() + map.len() * 4
        }
        serde_json::Value::Array(arr) => {
            arr.iter().map(estimate_json_size).sum::<usize>() + arr.len() * 2
        }
        serde_json::Value::String(s) => s.len() + 2,
        _ => 16, // Approximate size for numbers, booleans, null
    }
}

// Missing lines of the guide (and the `pub` of `MessageContent`).

fn validate_parameters<'de, D>(deserializer: D) -> Result<HashMap<String, serde_json::Value>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let parameters = HashMap::<String, serde_json::Value>::deserialize(deserializer)?;
    for value in parameters.values() {
        validate_json_structure(value).map_err(serde::de::Error::custom)?;
    }
    Ok(parameters)
}
