//! `caxton store`.

use std::path::PathBuf;

use caxton::{StoreInspection, inspect_store, printable};
use clap::Args;
use serde_json::{Value, json};

use crate::fail::Failure;
use crate::show::{BOLD, Show, bytes};

#[derive(Args)]
pub struct Store {
    /// The store's file; it stays as it is
    file: PathBuf,
}

impl Store {
    pub fn run(self, show: &mut Show) -> Result<(), Failure> {
        let found = inspect_store(&self.file)?;
        let name = self.file.display().to_string();
        show.found(|| to_json(&name, &found), || lines(&name, &found))
    }
}

fn to_json(name: &str, found: &StoreInspection) -> Value {
    let agents: Vec<_> = found
        .agents
        .iter()
        .map(|agent| {
            json!({
                "name": agent.name,
                "id": agent.id,
                "state": agent.state,
                "module_hash": agent.module_hash,
                "module_bytes": agent.module_bytes,
                "restart": agent.restart.as_str(),
                "capabilities": agent.capabilities,
                "stored_bytes": agent.stored_bytes,
                "stored_keys": agent.stored_keys,
                "timers": agent.timers,
                "subscriptions": agent.subscriptions,
                "mailbox_messages": agent.mailbox_messages,
            })
        })
        .collect();
    let host_agents: Vec<_> = found
        .host_agents
        .iter()
        .map(|agent| json!({"name": agent.name, "mailbox_messages": agent.mailbox_messages}))
        .collect();
    json!({
        "file": name,
        "version": found.version,
        "size_bytes": found.size_bytes,
        "agents": agents,
        "host_agents": host_agents,
        "dead_letters": found.dead_letters,
        "mailbox_messages": found.mailbox_messages,
    })
}

fn lines(name: &str, found: &StoreInspection) -> Vec<String> {
    let mut lines = vec![
        format!("{BOLD}{name}{BOLD:#}"),
        format!("size          {}", bytes(found.size_bytes)),
        format!("waiting       {} messages", found.mailbox_messages),
        format!("dead letters  {}", found.dead_letters),
    ];
    if !found.agents.is_empty() {
        let width = found.agents.iter().map(|it| printable(&it.name).chars().count()).max();
        let width = width.unwrap_or(0).clamp(4, 32);
        lines.push(String::new());
        lines.push(format!(
            "{BOLD}{:width$}  {:9}  {:>10}  {:>5}  {:>6}  {:>7}  module{BOLD:#}",
            "name", "state", "stored", "keys", "timers", "waiting"
        ));
        lines.extend(found.agents.iter().map(|agent| {
            format!(
                "{:width$}  {:9}  {:>10}  {:>5}  {:>6}  {:>7}  {}, {}",
                printable(&agent.name),
                agent.state,
                bytes(agent.stored_bytes),
                agent.stored_keys,
                agent.timers,
                agent.mailbox_messages,
                agent.module_hash.get(..8).unwrap_or_default(),
                bytes(agent.module_bytes),
            )
        }));
    }
    for host in &found.host_agents {
        let name = printable(&host.name);
        lines.push(format!("{name} (of the program), {} messages wait", host.mailbox_messages));
    }
    lines
}
