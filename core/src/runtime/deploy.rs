//! Deploying agents.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::core::Core;
use super::handle::Agent;
use super::settings::Settings;
use super::wasm::{Loaded, Wasm};
use crate::agent::{self, Face, Lane, Restart};
use crate::compile_limits::CompileLimits;
use crate::datum::Datum;
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::grants::{Folder, Grants, OpenFolder};
use crate::limits::Limits;
use crate::message::{ContentLimits, name};
use crate::sandbox::{KEY_BYTES, Meter, Seat};
use crate::scheduler::Pace;

/// An agent to deploy: its module, and what it may do.
#[derive(Debug, Clone)]
pub struct Deploy {
    wasm: Wasm,
    name: Option<String>,
    restart: Restart,
    grants: Grants,
    config: Option<Vec<u8>>,
    limits: Option<Limits>,
    compile_limits: Option<CompileLimits>,
    content_limits: Option<ContentLimits>,
    capabilities: Vec<String>,
    deployer: Option<Arc<str>>,
}

impl Deploy {
    /// Deploys this module.
    pub fn new(wasm: Wasm) -> Self {
        Deploy {
            wasm,
            name: None,
            restart: Restart::default(),
            grants: Grants::default(),
            config: None,
            limits: None,
            compile_limits: None,
            content_limits: None,
            capabilities: Vec::new(),
            deployer: None,
        }
    }

    /// Deploys a module in a file: WebAssembly, or its text format.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Wasm::file(path))
    }

    /// Deploys a module in memory: WebAssembly, or its text format.
    pub fn bytes(wasm: impl Into<Arc<[u8]>>) -> Self {
        Self::new(Wasm::bytes(wasm))
    }

    /// The agent's name, unique in the runtime. Without one it gets a name of its own.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The agent's limits, in place of the runtime's.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// What compiling the module may cost, in place of the runtime's compile limits.
    #[must_use]
    pub fn compile_limits(mut self, limits: CompileLimits) -> Self {
        self.compile_limits = Some(limits);
        self
    }

    /// What the content of a message may be that the agent sends or is sent, in place of the runtime's
    /// content limits. Whoever sends it more is told so, and the agent never sees it: a program by
    /// the error of its call, an agent by a `failure` of `ams`.
    #[must_use]
    pub fn content_limits(mut self, limits: ContentLimits) -> Self {
        self.content_limits = Some(limits);
        self
    }

    /// What becomes of the agent when a turn of it was dropped; [`Restart::OnFailure`] unless said
    /// otherwise.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// What the agent may do beside handling messages. Without this it may send messages to
    /// everybody in its runtime, and has no files, no environment and no arguments.
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// The id of the agent on whose behalf this one is deployed: what the host does for either counts for
    /// both.
    #[must_use]
    pub(crate) fn deployed_by(mut self, id: Arc<str>) -> Self {
        self.deployer = Some(id);
        self
    }

    /// JSON that the agent finds as stored data under the key `config`.
    #[must_use]
    pub fn config(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.config = Some(json.into());
        self
    }

    /// What the agent can do. What its code says of itself counts only as far as this list, if it
    /// is not empty.
    #[must_use]
    pub fn capabilities(
        mut self,
        capabilities: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.capabilities = capabilities.into_iter().map(Into::into).collect();
        self
    }
}

/// The key under which an agent finds its configuration.
const CONFIG_KEY: &str = "config";

/// Checks that a configuration is JSON, and fits into what the agent may store.
fn check_config(json: &[u8], limits: &Limits) -> Result<Datum, Error> {
    if let Err(wrong) = serde_json::from_slice::<serde::de::IgnoredAny>(json) {
        let text = format!("config is not JSON: {wrong}");
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    let (limit, used) =
        (limits.max_storage_bytes, (CONFIG_KEY.len() + json.len()) as u64 + KEY_BYTES);
    if used > limit {
        let text =
            format!("config takes {used} bytes, above the limit of {limit} (max_storage_bytes)");
        return Err(Error::new(ErrorKind::LimitExceeded, text).with_limit("storage", limit, used));
    }
    Ok(Datum::new(CONFIG_KEY.as_bytes(), Some(json)))
}

/// An agent that is about to be entered into the directory.
pub(super) struct Newcomer {
    pub serial: u64,
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub starting: agent::Starting,
    pub folders: Arc<[OpenFolder]>,
}

/// Tells how the first init ended.
type Starting = oneshot::Receiver<Result<(), Error>>;

impl Core {
    /// Deploys one agent.
    pub async fn deploy(self: &Arc<Self>, deploy: Deploy) -> Result<Agent, Error> {
        let name = match &deploy.name {
            Some(name) => name.clone(),
            None => self.free_name(),
        };
        let mut agents = self.deploy_many(deploy, vec![name]).await?;
        agents.pop().ok_or_else(|| Error::new(ErrorKind::Internal, "no agent was deployed"))
    }

    /// Deploys the same module under many names: all of them, or none.
    pub async fn deploy_many(
        self: &Arc<Self>,
        deploy: Deploy,
        names: Vec<String>,
    ) -> Result<Vec<Agent>, Error> {
        self.check_open()?;
        for name in &names {
            self.check_name(name)?;
        }
        let limits = deploy.limits.clone().unwrap_or_else(|| self.limits.clone());
        limits.check()?;
        let content_limits = match deploy.content_limits.clone() {
            Some(limits) => {
                limits.check()?;
                Some(Arc::new(limits))
            }
            None => self.content_limits.clone(),
        };
        let compile_limits = deploy.compile_limits.as_ref().unwrap_or(&self.compile_limits);
        let deployer = deploy.deployer.as_deref();
        let loaded = self.load(deploy.wasm.clone(), deployer, compile_limits, &limits).await?;
        let config = deploy.config.map(|json| check_config(&json, &limits)).transpose()?;
        let writable = self.writable();
        let (grants, folders) = deploy.grants.open(&|| self.private_paths(), &writable)?;
        self.check_storable(&grants)?;
        self.note_writable(&folders).await?;
        let folders: Arc<[OpenFolder]> = folders.into();
        let settings = Settings {
            limits: Arc::new(limits),
            content_limits,
            capabilities: deploy.capabilities,
            restart: deploy.restart,
            grants: Arc::new(grants),
            deployer: deploy.deployer,
            declared: None,
        };
        let mut deployment =
            Deployment { core: self.clone(), agents: Vec::with_capacity(names.len()) };
        let mut starting = Vec::with_capacity(names.len());
        for name in names {
            let (agent, started) = {
                let folders = folders.clone();
                self.place(&loaded, &settings, folders, config.as_ref(), name)?
            };
            deployment.agents.push(agent);
            starting.push(started);
        }
        for started in starting {
            started.await.unwrap_or_else(|_| Err(Error::closed()))?;
        }
        Ok(deployment.keep())
    }

    /// Enters an agent into the directory and schedules its init.
    fn place(
        self: &Arc<Self>,
        loaded: &Loaded,
        settings: &Settings,
        folders: Arc<[OpenFolder]>,
        config: Option<&Datum>,
        name: String,
    ) -> Result<(Arc<agent::Agent>, Starting), Error> {
        self.check_open()?;
        let (started, starting) = oneshot::channel();
        let on_started = Box::new(move |result| drop(started.send(result)));
        let agent = self.enter(
            Newcomer {
                serial: self.next_serial(),
                id: self.new_id().as_str().into(),
                name: name.into(),
                starting: agent::Starting::First(on_started),
                folders,
            },
            loaded,
            settings,
        )?;
        if let Some(config) = config {
            agent.face.holdings.put(config.clone());
        }
        // Closing ends the agents that it finds; one that came after that is ended here.
        if let Err(closed) = self.check_open() {
            self.begin_removal(&agent);
            return Err(closed);
        }
        if agent.mailbox.request_init() {
            agent.schedule(Lane::outside());
        }
        Ok((agent, starting))
    }

    /// Enters an agent into the directory.
    pub(super) fn enter(
        self: &Arc<Self>,
        newcomer: Newcomer,
        loaded: &Loaded,
        settings: &Settings,
    ) -> Result<Arc<agent::Agent>, Error> {
        let slot = AgentSlot::take(self)?;
        let permit = self.engine.permit(&loaded.template)?;
        let Newcomer { serial, id, name, starting, folders } = newcomer;
        let limits = &settings.limits;
        let mut face = Face::new(self.clone(), name, id, serial, limits.clone());
        if let Some(Member::Agent(deployer)) =
            settings.deployer.as_ref().and_then(|id| self.directory.find(id))
        {
            face.account = deployer.face.account.clone();
            face.cpu = deployer.face.cpu.share();
            if let Some(journal) = &self.journal {
                journal.join_family(serial, deployer.face.serial);
            }
        }
        face.content_limits.clone_from(&settings.content_limits);
        face.grants = settings.grants.clone();
        face.hold_folders(folders);
        let face = Arc::new(face);
        let longest_slice = Duration::from_micros(limits.max_cpu_micros);
        let pace = Pace::new(face.cpu.clone(), self.scheduler.board().clone(), longest_slice);
        let pace = Arc::new(pace.by_core_time());
        let seat = Seat {
            engine: self.engine.clone(),
            template: loaded.template.clone(),
            wasm: loaded.wasm.clone(),
            world: face.clone(),
            meter: Arc::new(Meter::new(limits.max_execution_time_micros, pace.clone())),
            profiler: Arc::default(),
            limits: limits.clone(),
        };
        let (core, settings) = (self.clone(), settings.clone());
        let observes = !settings.grants.observe.is_empty();
        let agent = agent::Agent::new(core, face, seat, pace, permit, settings, starting);
        let agent = Arc::new(agent);
        if !self.directory.enter(Member::Agent(agent.clone())) {
            if let Some(journal) = &self.journal {
                journal.leave_family(serial);
            }
            return Err(name_taken(agent.name()));
        }
        if observes {
            self.observers.fetch_add(1, Ordering::AcqRel);
        }
        slot.keep();
        Ok(agent)
    }

    /// Checks that a new member may have this name.
    pub fn check_name(&self, name: &str) -> Result<(), Error> {
        name::check(name)?;
        let whose = match name::is_reserved(name) {
            true => "of the runtime, which nobody else has in any case or form",
            false if self.is_speaker(name) => "of this program",
            false => "",
        };
        if !whose.is_empty() {
            let text = format!("{name:?} is a name {whose}; choose another");
            return Err(Error::new(ErrorKind::NameTaken, text));
        }
        if self.directory.find(name).is_some() {
            return Err(name_taken(name));
        }
        Ok(())
    }

    /// Checks that a store can keep grants: their folders have paths that are text.
    fn check_storable(&self, grants: &Grants) -> Result<(), Error> {
        let not_text = |folder: &&Folder| folder.host.to_str().is_none();
        match grants.dirs.iter().find(not_text).filter(|_| self.journal.is_some()) {
            None => Ok(()),
            Some(folder) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "the folder {} cannot be granted: its path is no UTF-8, and a store keeps only \
                     text; give the folder another name",
                    folder.host.display()
                ),
            )),
        }
    }

    fn free_name(&self) -> String {
        loop {
            let name = format!("agent-{}", self.next_serial());
            if self.directory.find(&name).is_none() {
                return name;
            }
        }
    }
}

pub(super) fn name_taken(name: &str) -> Error {
    Error::new(
        ErrorKind::NameTaken,
        format!("an agent is called {name:?} already; remove it first, or choose another name"),
    )
}

/// One of the runtime's `max_agents`; given back unless kept.
struct AgentSlot<'a>(&'a Core);

impl<'a> AgentSlot<'a> {
    fn take(core: &'a Core) -> Result<Self, Error> {
        let held = core.agents.fetch_add(1, Ordering::Relaxed);
        let slot = AgentSlot(core);
        if held < core.max_agents {
            return Ok(slot);
        }
        Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("the runtime has {held} agents, and max_agents is {}", core.max_agents),
        )
        .with_limit("agents", core.max_agents as u64, held as u64 + 1))
    }

    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for AgentSlot<'_> {
    fn drop(&mut self) {
        self.0.agents.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Agents that are being deployed; removed again unless all of them start, and the deployer is
/// still there to see it.
struct Deployment {
    core: Arc<Core>,
    agents: Vec<Arc<agent::Agent>>,
}

impl Deployment {
    fn keep(mut self) -> Vec<Agent> {
        std::mem::take(&mut self.agents).into_iter().map(Agent::new).collect()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for agent in &self.agents {
            agent.leave_for_good();
            self.core.begin_removal(agent);
        }
    }
}
