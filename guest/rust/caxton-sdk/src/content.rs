//! Content that nobody trusts: the limits of the guide's "Input Validation".
//!
//! A runtime can keep them for its agents (`content_limits`); these are for what has stricter ones of its
//! own, or runs where nobody set any.

use alloc::string::String;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a content may be at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentLimits {
    /// The content as JSON, in bytes, about: see [`estimate_json_size`].
    pub max_bytes: usize,
    /// Keys of one object.
    pub max_keys: usize,
    /// One key, in bytes.
    pub max_key_bytes: usize,
    /// Items of one array.
    pub max_array_items: usize,
    /// One string that is no key, in bytes.
    pub max_string_bytes: usize,
    /// Objects and arrays inside one another.
    pub max_depth: usize,
}

/// The guide's.
impl Default for ContentLimits {
    fn default() -> Self {
        ContentLimits {
            max_bytes: 1 << 20,
            max_keys: 100,
            max_key_bytes: 256,
            max_array_items: 1000,
            max_string_bytes: 10_000,
            max_depth: 64,
        }
    }
}

impl ContentLimits {
    /// Checks a content.
    ///
    /// # Errors
    ///
    /// A sentence that says which limit is broken, and by how much.
    pub fn check(&self, content: &Value) -> Result<(), String> {
        let size = estimate_json_size(content);
        if size > self.max_bytes {
            return Err(above("Data too large", size, self.max_bytes, "bytes"));
        }
        self.check_at(content, 0)
    }

    fn check_at(&self, value: &Value, depth: usize) -> Result<(), String> {
        if matches!(value, Value::Object(_) | Value::Array(_)) && depth >= self.max_depth {
            return Err(above("Nested too deeply", depth + 1, self.max_depth, "levels"));
        }
        match value {
            Value::Object(map) => {
                if map.len() > self.max_keys {
                    return Err(above(
                        "Object has too many keys",
                        map.len(),
                        self.max_keys,
                        "keys",
                    ));
                }
                for (key, value) in map {
                    if key.len() > self.max_key_bytes {
                        return Err(above("Key too long", key.len(), self.max_key_bytes, "bytes"));
                    }
                    self.check_at(value, depth + 1)?;
                }
            }
            Value::Array(items) => {
                if items.len() > self.max_array_items {
                    let (found, most) = (items.len(), self.max_array_items);
                    return Err(above("Array too large", found, most, "items"));
                }
                for item in items {
                    self.check_at(item, depth + 1)?;
                }
            }
            Value::String(text) if text.len() > self.max_string_bytes => {
                return Err(above("String too long", text.len(), self.max_string_bytes, "bytes"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn above(what: &str, found: usize, most: usize, unit: &str) -> String {
    alloc::format!("{what}: {found} {unit}, and {most} is the most")
}

/// Checks a content against the guide's limits.
///
/// # Errors
///
/// A sentence that says which limit is broken.
pub fn validate_json_structure(value: &Value) -> Result<(), String> {
    ContentLimits::default().check(value)
}

/// About how long a value is as JSON, in bytes, as the guide estimates it.
pub fn estimate_json_size(value: &Value) -> usize {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| key.len() + estimate_json_size(value)).sum::<usize>()
                + map.len() * 4
        }
        Value::Array(items) => {
            items.iter().map(estimate_json_size).sum::<usize>() + items.len() * 2
        }
        Value::String(text) => text.len() + 2,
        _ => 16,
    }
}

/// For `#[serde(deserialize_with = "caxton_sdk::validated")]`: a value within the guide's limits.
///
/// # Errors
///
/// The deserializer's, and a sentence that says which limit is broken.
pub fn validated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    validate_json_structure(&value).map_err(D::Error::custom)?;
    Ok(value)
}
