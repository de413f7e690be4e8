//! Stored data as types of the agent's own, kept as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::AgentError;
use crate::host::{load_data, store_data};

/// Keeps a value under a key of the agent's own, as JSON.
///
/// ```
/// # use caxton_sdk::{load, store, testing::MockHost};
/// # let _host = MockHost::new();
/// store("greeted", &3)?;
/// assert_eq!(load("greeted")?, Some(3));
/// # Ok::<(), caxton_sdk::AgentError>(())
/// ```
///
/// # Errors
///
/// A `failure` if the value cannot be written as JSON, or the host did not keep it.
pub fn store<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<(), AgentError> {
    Ok(store_data(key, &serde_json::to_vec(value)?)?)
}

/// The value under a key, if there is one.
///
/// # Errors
///
/// A `failure` if what is there is no `T`.
pub fn load<T: DeserializeOwned>(key: &str) -> Result<Option<T>, AgentError> {
    let Some(json) = load_data(key) else { return Ok(None) };
    match serde_json::from_slice(&json) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(AgentError::Failure(alloc::format!(
            "what is stored under {key:?} cannot be read: {error}"
        ))),
    }
}

/// Deletes the value under a key; whether there was one.
pub fn delete(key: &str) -> bool {
    crate::host::delete_data(key).is_ok()
}

/// What the deployer gave the agent as `config`, if that was anything.
///
/// # Errors
///
/// A `failure` if it is no `T`.
pub fn config<T: DeserializeOwned>() -> Result<Option<T>, AgentError> {
    load("config")
}
