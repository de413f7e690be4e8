//! Looking at a store without a runtime.

use caxton::StoreInspection;
use napi_derive::napi;

use crate::hub::Hub;
use crate::inspect::on_thread;
use crate::outcome::{Outcome, Value};

/// One agent of a store.
#[napi(object, object_from_js = false)]
pub struct FoundAgent {
    pub name: String,
    pub id: String,
    pub state: String,
    pub module_hash: String,
    pub module_bytes: f64,
    pub restart: &'static str,
    pub capabilities: Vec<String>,
    pub stored_bytes: f64,
    pub stored_keys: f64,
    pub timers: f64,
    pub subscriptions: f64,
    pub mailbox_messages: f64,
}

/// One host agent of a store.
#[napi(object, object_from_js = false)]
pub struct FoundHost {
    pub name: String,
    pub mailbox_messages: f64,
}

/// The contents of a store.
#[napi(object, object_from_js = false)]
pub struct FoundStore {
    pub version: u32,
    pub size_bytes: f64,
    pub agents: Vec<FoundAgent>,
    pub host_agents: Vec<FoundHost>,
    pub dead_letters: f64,
    pub mailbox_messages: f64,
}

impl From<StoreInspection> for FoundStore {
    fn from(found: StoreInspection) -> Self {
        let agents = found.agents.into_iter().map(|agent| FoundAgent {
            name: agent.name,
            id: agent.id,
            state: agent.state,
            module_hash: agent.module_hash,
            module_bytes: agent.module_bytes as f64,
            restart: agent.restart.as_str(),
            capabilities: agent.capabilities,
            stored_bytes: agent.stored_bytes as f64,
            stored_keys: agent.stored_keys as f64,
            timers: agent.timers as f64,
            subscriptions: agent.subscriptions as f64,
            mailbox_messages: agent.mailbox_messages as f64,
        });
        let hosts = found.host_agents.into_iter().map(|host| FoundHost {
            name: host.name,
            mailbox_messages: host.mailbox_messages as f64,
        });
        FoundStore {
            version: found.version,
            size_bytes: found.size_bytes as f64,
            agents: agents.collect(),
            host_agents: hosts.collect(),
            dead_letters: found.dead_letters as f64,
            mailbox_messages: found.mailbox_messages as f64,
        }
    }
}

/// Looks at a store, and leaves it as it is.
#[napi(catch_unwind)]
pub fn inspect_store(hub: &Hub, path: String) -> Value {
    on_thread(hub, move || match caxton::inspect_store(path) {
        Ok(inspection) => Outcome::FoundStore(inspection),
        Err(error) => Outcome::Failed(error.into()),
    })
}
