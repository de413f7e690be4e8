//! Looking at a store without a runtime, and without changing it.

use std::collections::HashMap;
use std::path::Path;

use super::change::{Contents, Serial, StoredAgent};
use super::faults::damaged;
use super::file::{Access, Locked};
use super::place::log_bytes;
use super::schema;
use crate::agent::Restart;
use crate::error::{Error, shown};
use crate::runtime::Settings;
use crate::sandbox::KEY_BYTES;

/// What is in a store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoreInspection {
    /// The version of its form; 0 where nothing has been written to it.
    pub version: u32,
    /// The size of the file, and of the log beside it.
    pub size_bytes: u64,
    /// Its agents, in the order in which they came.
    pub agents: Vec<StoredAgentInfo>,
    /// Its host agents, in the order in which they came.
    pub host_agents: Vec<StoredHostInfo>,
    /// Messages that reached nobody, or that crashed who they reached.
    pub dead_letters: u64,
    /// Messages that wait, for whomever.
    pub mailbox_messages: u64,
}

/// What a store says of one agent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredAgentInfo {
    /// Its name.
    pub name: String,
    /// Its id: a UUID.
    pub id: String,
    /// `active`, `suspended` or `failed`.
    pub state: String,
    /// SHA-256 of its module, in hexadecimal digits.
    pub module_hash: String,
    /// The size of its module.
    pub module_bytes: u64,
    /// What becomes of it when a turn of it was dropped.
    pub restart: Restart,
    /// What it can do, as its deployer said.
    pub capabilities: Vec<String>,
    /// All that it has stored, keys, values, and 96 for each key.
    pub stored_bytes: u64,
    /// How many keys it has stored something under.
    pub stored_keys: u64,
    /// Timers that are set.
    pub timers: u64,
    /// Its subscriptions.
    pub subscriptions: u64,
    /// Messages that wait for it.
    pub mailbox_messages: u64,
}

/// What a store says of one host agent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredHostInfo {
    /// Its name.
    pub name: String,
    /// Messages that wait for it.
    pub mailbox_messages: u64,
}

/// Looks at a store. The file, and the log beside it, stay as they are.
///
/// # Errors
///
/// [`ErrorKind::Store`](crate::ErrorKind::Store) if there is no such file, if a runtime has it open, if
/// it is not a store, is damaged, or is from a newer version.
pub fn inspect_store(path: impl AsRef<Path>) -> Result<StoreInspection, Error> {
    let path = path.as_ref();
    let size = || path.metadata().map_or(0, |file| file.len()) + log_bytes(path);
    if size() == 0 && path.is_file() {
        return inspection(path, 0, 0, Contents::default());
    }
    let (store, size_bytes) = (Locked::open(path, Access::Read, schema::MIGRATIONS)?, size());
    let (version, contents) = store.look()?;
    inspection(path, version, size_bytes, contents)
}

fn inspection(
    path: &Path,
    version: i64,
    size_bytes: u64,
    contents: Contents,
) -> Result<StoreInspection, Error> {
    let mut waiting: HashMap<Serial, u64> = HashMap::new();
    for letter in &contents.letters {
        *waiting.entry(letter.to).or_default() += 1;
    }
    let waits_for = |serial: Serial| waiting.get(&serial).copied().unwrap_or(0);
    let agents = contents.agents.iter().map(|agent| {
        agent_info(agent, waits_for(agent.row.serial)).map_err(|error| {
            let name = shown(&agent.row.name);
            damaged(path, &format!("the agent {name:?}: {}", error.message()))
        })
    });
    let agents = agents.collect::<Result<_, _>>()?;
    let hosts = contents.hosts.iter().map(|host| StoredHostInfo {
        name: host.name.to_string(),
        mailbox_messages: waits_for(host.serial),
    });
    Ok(StoreInspection {
        version: u32::try_from(version).unwrap_or_default(),
        size_bytes,
        agents,
        host_agents: hosts.collect(),
        dead_letters: contents.dead_letters.len() as u64,
        mailbox_messages: contents.letters.len() as u64,
    })
}

fn agent_info(agent: &StoredAgent, mailbox_messages: u64) -> Result<StoredAgentInfo, Error> {
    let row = &agent.row;
    let (settings, _) = Settings::from_json(&row.settings)?;
    let stored = agent.data.iter().map(|datum| datum.len() as u64 + KEY_BYTES);
    Ok(StoredAgentInfo {
        name: row.name.to_string(),
        id: row.id.to_string(),
        state: row.state.clone(),
        module_hash: row.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        module_bytes: row.wasm.len() as u64,
        restart: settings.restart,
        capabilities: settings.capabilities,
        stored_bytes: stored.sum(),
        stored_keys: agent.data.len() as u64,
        timers: agent.timers.len() as u64,
        subscriptions: agent.subscriptions.len() as u64,
        mailbox_messages,
    })
}
