//! Looking at a store without a runtime.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::errors::to_py;

/// One agent of a store.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct StoredAgent {
    name: String,
    id: String,
    state: String,
    module_hash: String,
    module_bytes: u64,
    restart: &'static str,
    capabilities: Vec<String>,
    stored_bytes: u64,
    stored_keys: u64,
    timers: u64,
    subscriptions: u64,
    mailbox_messages: u64,
}

/// One host agent of a store.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct StoredHostAgent {
    name: String,
    mailbox_messages: u64,
}

/// The contents of a store.
#[pyclass(frozen, get_all, module = "caxton")]
pub struct StoreInspection {
    version: u32,
    size_bytes: u64,
    agents: Vec<Py<StoredAgent>>,
    host_agents: Vec<Py<StoredHostAgent>>,
    dead_letters: u64,
    mailbox_messages: u64,
}

#[pymethods]
impl StoredAgent {
    fn __repr__(&self) -> String {
        format!("<StoredAgent {:?}, {}>", self.name, self.state)
    }
}

#[pymethods]
impl StoredHostAgent {
    fn __repr__(&self) -> String {
        format!("<StoredHostAgent {:?}>", self.name)
    }
}

#[pymethods]
impl StoreInspection {
    fn __repr__(&self) -> String {
        format!(
            "<StoreInspection {} agents, {} host agents, {} bytes>",
            self.agents.len(),
            self.host_agents.len(),
            self.size_bytes
        )
    }
}

/// Looks at a store, and leaves it as it is.
#[pyfunction]
pub fn inspect_store(py: Python<'_>, path: PathBuf) -> PyResult<StoreInspection> {
    let found = py.detach(|| caxton::inspect_store(path)).map_err(|error| to_py(py, &error))?;
    let agents = found.agents.into_iter().map(|agent| {
        let agent = StoredAgent {
            name: agent.name,
            id: agent.id,
            state: agent.state,
            module_hash: agent.module_hash,
            module_bytes: agent.module_bytes,
            restart: agent.restart.as_str(),
            capabilities: agent.capabilities,
            stored_bytes: agent.stored_bytes,
            stored_keys: agent.stored_keys,
            timers: agent.timers,
            subscriptions: agent.subscriptions,
            mailbox_messages: agent.mailbox_messages,
        };
        Py::new(py, agent)
    });
    let host_agents = found.host_agents.into_iter().map(|host| {
        let host = StoredHostAgent { name: host.name, mailbox_messages: host.mailbox_messages };
        Py::new(py, host)
    });
    Ok(StoreInspection {
        version: found.version,
        size_bytes: found.size_bytes,
        agents: agents.collect::<PyResult<_>>()?,
        host_agents: host_agents.collect::<PyResult<_>>()?,
        dead_letters: found.dead_letters,
        mailbox_messages: found.mailbox_messages,
    })
}
