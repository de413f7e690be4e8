//! What is found in modules and stores, as cases show it.

use serde_json::{Value, json};

pub fn inspected(found: &caxton::Inspection) -> Value {
    let exports: Vec<Value> =
        found.exports.iter().map(|e| json!({"name": e.name, "type": e.ty})).collect();
    let imports: Vec<Value> = found
        .imports
        .iter()
        .map(|i| json!({"module": i.module, "name": i.name, "type": i.ty}))
        .collect();
    let sections: serde_json::Map<String, Value> =
        found.sections.iter().map(|s| (s.name.clone(), s.bytes.into())).collect();
    json!({
        "bytes": found.bytes,
        "sections": sections,
        "advice": found.advice,
        "compile_millis": found.compile_millis,
        "compile_function_millis": found.compile_function_millis,
        "compile_function_bytes": found.compile_function_bytes,
        "exports": exports,
        "imports": imports,
        "missing": found.missing,
        "memory_bytes": found.memory_bytes,
        "max_memory_bytes": found.max_memory_bytes,
        "producers": found.producers,
        "allocators": found.allocators,
        "start": found.start,
        "inbox": found.inbox,
    })
}

pub fn inspected_store(found: &caxton::StoreInspection) -> Value {
    let agents = found.agents.iter().map(|agent| {
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
    });
    let hosts = found
        .host_agents
        .iter()
        .map(|host| json!({"name": host.name, "mailbox_messages": host.mailbox_messages}));
    json!({
        "version": found.version,
        "size_bytes": found.size_bytes,
        "agents": agents.collect::<Value>(),
        "host_agents": hosts.collect::<Value>(),
        "dead_letters": found.dead_letters,
        "mailbox_messages": found.mailbox_messages,
    })
}
