//! `ams`, the agent management system (FIPA SC00023): who is here, and their lives.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Member;
use super::answer::{Caller, Results, check_protocol, say};
use super::df::{DEFAULT_RESULTS, MAX_RESULTS};
use super::reading::Fields;
use super::reason::{Answered, Reason};
use crate::agent::Agent;
use crate::conversation::Protocol;
use crate::error::Error;
use crate::grants::{Grants, bounded, bounded_send_to};
use crate::host_agent::{Handler, Task};
use crate::message::{Performative, name};
use crate::runtime::{Core, Deploy, Wasm};

/// How many requests of one sender are being carried out at once. Others wait, so that what they bring
/// along does not pile up.
pub(super) const CONCURRENCY: usize = 8;

const ACTIONS: [&str; 6] = ["search", "get-description", "suspend", "resume", "remove", "deploy"];

/// Handles what is sent to `ams`. What has to wait does so on the runtime's own tasks.
pub(super) struct Ams;

impl Handler for Ams {
    fn handle(&self, task: Task) {
        let Some(core) = task.core().cloned() else { return };
        let Some(caller) = Caller::to_answer(&core, task.letter()) else {
            return task.settle(|_, _, _| {});
        };
        match read(&core, &caller, task.letter().message.clone()) {
            Err(no) => finish(task, Err(no)),
            Ok(Job::Answer(content)) => finish(task, Ok(content)),
            Ok(Job::Order(order, agent)) => {
                let content = json!({"action": order.as_str(), "name": agent.name()}).to_string();
                let is_own =
                    matches!(&caller, Caller::Member(it) if it.serial() == agent.face.serial);
                core.clone().io.spawn(async move {
                    // Who ends or rests itself is answered before.
                    if is_own {
                        finish(task, Ok(content));
                        drop(order.carry_out(&core, &agent).await);
                        return;
                    }
                    let done = order.carry_out(&core, &agent).await;
                    finish(task, done.map(|()| content).map_err(|error| Reason::not_done(&error)));
                });
            }
            Ok(Job::Deploy(deploy)) => {
                core.clone().io.spawn(async move {
                    let deployed = core.deploy(*deploy).await;
                    let content = deployed.map(
                        |agent| json!({"action": "deploy", "name": agent.name(), "id": agent.id()}),
                    );
                    let content = content.map(|done| done.to_string());
                    finish(task, content.map_err(|error| Reason::not_deployed(&error)));
                });
            }
        }
    }
}

fn finish(task: Task, answer: Answered<String>) {
    let (act, content) = match answer {
        Ok(content) => (Performative::Inform, content),
        Err(no) => (no.act, no.content()),
    };
    task.settle(|core, letter, post| {
        say(core, name::AMS, &letter.into(), act, &content, post);
    });
}

/// What a request comes to.
enum Job {
    /// Its content as JSON.
    Answer(String),
    Order(Order, Arc<Agent>),
    Deploy(Box<Deploy>),
}

#[derive(Clone, Copy)]
enum Order {
    Suspend,
    Resume,
    Remove,
}

impl Order {
    fn as_str(self) -> &'static str {
        match self {
            Order::Suspend => "suspend",
            Order::Resume => "resume",
            Order::Remove => "remove",
        }
    }

    async fn carry_out(self, core: &Core, agent: &Arc<Agent>) -> Result<(), Error> {
        match self {
            Order::Suspend => agent.suspend().await,
            Order::Resume => agent.resume().await,
            Order::Remove => core.remove(agent).await,
        }
    }
}

fn read(core: &Arc<Core>, caller: &Caller, message: crate::Message) -> Answered<Job> {
    match message.performative() {
        Performative::Request => check_protocol(&message, "fipa-request")?,
        Performative::Cancel => return Err(Reason::not_subscribed()),
        other => return Err(Reason::unsupported_act(name::AMS, other)),
    }
    let mut fields = Fields::read(message.content(), usize::MAX)?;
    let action = fields.needed("action")?;
    let order = match action.as_str() {
        "search" => return search(core, fields).map(Job::Answer),
        "get-description" => {
            fields.finish()?;
            return Ok(Job::Answer(description(core).to_string()));
        }
        "suspend" => Order::Suspend,
        "resume" => Order::Resume,
        "remove" => Order::Remove,
        "deploy" => return deployment(core, caller, fields).map(|it| Job::Deploy(Box::new(it))),
        other => return Err(Reason::unsupported_function(other, &ACTIONS)),
    };
    check_may(caller, &action)?;
    let name = fields.needed("name")?;
    fields.finish()?;
    agent_named(core, &name).map(|agent| Job::Order(order, agent))
}

/// Only this program, and agents that it lets, say what becomes of agents.
fn check_may(caller: &Caller, action: &str) -> Answered<()> {
    match caller {
        Caller::Script | Caller::Member(Member::Host(_)) => Ok(()),
        Caller::Member(Member::Agent(agent)) if agent.face.grants.directory_admin => Ok(()),
        Caller::Member(Member::Agent(agent)) => Err(Reason::unauthorised(format!(
            "{:?} has no grant `directory_admin`, which {action:?} needs",
            agent.name()
        ))),
    }
}

fn agent_named(core: &Core, name: &str) -> Answered<Arc<Agent>> {
    match core.directory.find(name) {
        Some(Member::Agent(agent)) => Ok(agent),
        _ => Err(Reason::not_found(name)),
    }
}

/// Who is here.
fn search(core: &Core, mut fields: Fields<'_>) -> Answered<String> {
    let mut example = match fields.take("description") {
        Some(json) => Fields::within("description", json)?,
        None => Fields::default(),
    };
    let (name, state) = (example.text("name")?, example.text("state")?);
    example.finish()?;
    let most = fields.number("max_results", MAX_RESULTS)?;
    fields.finish()?;
    let mut results = Results::new(core, most.map_or(DEFAULT_RESULTS, |most| most as usize));
    for member in core.directory.members() {
        let (kind, is) = match &member {
            Member::Agent(agent) => ("agent", agent.state().as_str()),
            // One that only a store knows waits for its handler.
            Member::Host(host) if host.is_registered() => ("host", "active"),
            Member::Host(_) => ("host", "initiated"),
        };
        let (called, id) = (&**member.name(), &**member.id());
        if name.as_ref().is_none_or(|name| name == called || name == id)
            && state.as_ref().is_none_or(|state| state == is)
        {
            results.add(|| json!({"name": called, "id": id, "state": is, "kind": kind}));
        }
    }
    Ok(results.content())
}

/// What this runtime is.
fn description(core: &Core) -> Value {
    let members = core.directory.members();
    let agents = members.iter().filter(|member| matches!(member, Member::Agent(_))).count();
    let protocols: Vec<&str> = Protocol::ALL.iter().map(|protocol| protocol.as_str()).collect();
    json!({
        "name": &*core.name,
        "version": env!("CARGO_PKG_VERSION"),
        "agents": agents,
        "protocols": protocols,
        "services": [name::AMS, name::DF],
    })
}

/// What is to be deployed: never with more than who wants it has.
fn deployment(core: &Core, caller: &Caller, mut fields: Fields<'_>) -> Answered<Deploy> {
    check_may(caller, "deploy")?;
    let name = fields.text("name")?;
    let like = fields.text("like")?;
    let module = fields.text("module")?;
    let capabilities = fields.texts("capabilities")?;
    let config = fields.take("config").map(RawValue::get);
    fields.finish()?;
    let wasm = match (module, like) {
        (Some(_), Some(_)) => return Err(Reason::unexpected("like")),
        (None, None) => return Err(Reason::missing("module")),
        (None, Some(like)) => Wasm::loaded(agent_named(core, &like)?.loaded()),
        (Some(module), None) => Wasm::bytes(module_bytes(module)?),
    };
    let mut deploy = Deploy::new(wasm);
    if let Some(name) = name {
        deploy = deploy.name(name);
    }
    if let Some(config) = config {
        deploy = deploy.config(config.as_bytes());
    }
    let mut capabilities = capabilities.unwrap_or_default();
    let ceiling = core.ceiling.as_ref();
    let (mut limits, mut send_to) = (Arc::new(core.limits.clone()), None);
    if let Caller::Member(Member::Agent(agent)) = caller {
        let ceiling = &agent.settings.capabilities;
        if let Some(name) =
            capabilities.iter().find(|name| !ceiling.is_empty() && !ceiling.contains(name))
        {
            let error =
                format!("{:?} cannot give what its own deployer did not list", agent.name());
            return Err(Reason::unauthorised_name(name, error));
        }
        // Without a list the new agent could claim anything.
        if capabilities.is_empty() {
            capabilities.clone_from(ceiling);
        }
        send_to = agent.face.grants.send_to.clone();
        limits = agent.face.limits.clone();
        deploy = deploy.deployed_by(agent.face.id.clone());
        if let Some(limits) = &agent.face.content_limits {
            deploy = deploy.content_limits((**limits).clone());
        }
    }
    let limits = bounded(ceiling, &limits);
    let send_to = bounded_send_to(ceiling, send_to);
    let deploy =
        deploy.limits(Arc::unwrap_or_clone(limits)).grants(Grants { send_to, ..Grants::default() });
    Ok(deploy.capabilities(capabilities))
}

/// A module in the text format, or a binary one in Base64.
fn module_bytes(module: String) -> Answered<Vec<u8>> {
    if module.trim_start().starts_with(['(', ';']) {
        return Ok(module.into_bytes());
    }
    STANDARD.decode(&module).map_err(|wrong| {
        let error = format!("`module` is neither a module in the text format nor Base64: {wrong}");
        Reason::unrecognised("module", error)
    })
}
