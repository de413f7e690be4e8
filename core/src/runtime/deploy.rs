//! Deploying agents.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::core::Core;
use super::handle::Agent;
use crate::agent::{self, Face};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::message::{ContentLimits, name};
use crate::sandbox::{Inspection, Meter, Seat, Template, inspect};
use crate::scheduler::Lane;

/// An agent to deploy: its module, and what it may do.
#[derive(Debug, Clone)]
pub struct Deploy {
    module: Module,
    name: Option<String>,
    limits: Option<Limits>,
    content_limits: Option<ContentLimits>,
    capabilities: Vec<String>,
}

/// Where a module comes from.
#[derive(Debug, Clone)]
enum Module {
    File(PathBuf),
    Bytes(Arc<[u8]>),
}

impl Deploy {
    /// A module in a file: WebAssembly, or its text format.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Module::File(path.into()))
    }

    /// A module in memory: WebAssembly, or its text format.
    pub fn bytes(wasm: impl Into<Arc<[u8]>>) -> Self {
        Self::new(Module::Bytes(wasm.into()))
    }

    /// A path, or a module in the text format: text that begins with `(` or `;` is a module.
    pub fn path_or_text(text: &str) -> Self {
        if text.trim_start().starts_with(['(', ';']) {
            Self::bytes(text.as_bytes())
        } else {
            Self::file(text)
        }
    }

    fn new(module: Module) -> Self {
        Deploy { module, name: None, limits: None, content_limits: None, capabilities: Vec::new() }
    }

    /// Looks at the module without deploying it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidModule`] if the file cannot be read, or holds no valid module at all.
    pub fn inspect(&self) -> Result<Inspection, Error> {
        self.module.read(inspect)
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

    /// What the content of a message may be that the agent sends or is sent, in place of the runtime's
    /// content limits. Whoever sends it more is told so, and the agent never sees it: a program by
    /// the error of its call, an agent by a `failure` of `ams`.
    #[must_use]
    pub fn content_limits(mut self, limits: ContentLimits) -> Self {
        self.content_limits = Some(limits);
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

impl Module {
    /// Gives the module's bytes to `load`. Errors of a file name it.
    fn read<T>(&self, load: impl FnOnce(&[u8]) -> Result<T, Error>) -> Result<T, Error> {
        match self {
            Module::Bytes(bytes) => load(bytes),
            Module::File(path) => {
                let bytes = std::fs::read(path).map_err(|error| {
                    let text = format!("{} cannot be read: {error}", path.display());
                    Error::new(ErrorKind::InvalidModule, text)
                })?;
                load(&bytes).map_err(|error| error.about(path.display()))
            }
        }
    }
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
        let template = self.load(deploy.module.clone()).await?;
        template.check_limits(&limits)?;
        let limits = Arc::new(limits);
        let mut deployment =
            Deployment { core: self.clone(), agents: Vec::with_capacity(names.len()) };
        let mut starting = Vec::with_capacity(names.len());
        for name in names {
            let (agent, started) =
                self.place(&template, &limits, &content_limits, &deploy.capabilities, name)?;
            deployment.agents.push(agent);
            starting.push(started);
        }
        for started in starting {
            started.await.unwrap_or_else(|_| Err(Error::closed()))?;
        }
        Ok(deployment.keep())
    }

    /// Compiles the module, away from the calling thread.
    async fn load(&self, module: Module) -> Result<Arc<Template>, Error> {
        let engine = self.engine.clone();
        let loading =
            self.io.spawn_blocking(move || module.read(|bytes| Template::load(&engine, bytes)));
        // A join error is a panic of ours, or the runtime's end.
        loading.await.unwrap_or_else(|error| {
            Err(if error.is_panic() {
                Error::new(
                    ErrorKind::Internal,
                    "the runtime itself failed while it loaded a module",
                )
            } else {
                Error::closed()
            })
        })
    }

    /// Enters an agent into the directory and schedules its init.
    fn place(
        self: &Arc<Self>,
        template: &Arc<Template>,
        limits: &Arc<Limits>,
        content_limits: &Option<Arc<ContentLimits>>,
        capabilities: &[String],
        name: String,
    ) -> Result<(Arc<agent::Agent>, Starting), Error> {
        self.check_open()?;
        let slot = AgentSlot::take(self)?;
        let permit = self.engine.permit()?;
        let serial = self.next_serial();
        let id = self.new_id().as_str().into();
        let mut face = Face::new(self.clone(), name.into(), id, serial, limits.clone());
        face.content_limits.clone_from(content_limits);
        let face = Arc::new(face);
        let seat = Seat {
            engine: self.engine.clone(),
            template: template.clone(),
            world: face.clone(),
            meter: Arc::new(Meter::new(limits.max_execution_time_micros)),
            limits: limits.clone(),
        };
        let (started, starting) = oneshot::channel();
        let on_started = Box::new(move |result| drop(started.send(result)));
        let agent = Arc::new(agent::Agent::new(self.clone(), face, seat, permit, on_started));
        if !self.directory.enter(Member::Agent(agent.clone())) {
            return Err(name_taken(agent.name()));
        }
        slot.keep();
        self.list_capabilities(serial, capabilities);
        // Closing ends the agents that it finds; one that came after that is ended here.
        if let Err(closed) = self.check_open() {
            self.begin_removal(&agent);
            return Err(closed);
        }
        if agent.mailbox.request_init() {
            self.scheduler.push(agent.clone(), Lane::outside());
        }
        Ok((agent, starting))
    }

    /// Checks that a new member may have this name.
    pub fn check_name(&self, name: &str) -> Result<(), Error> {
        name::check(name)?;
        if name::is_reserved(name) || self.is_speaker(name) {
            let text =
                format!("{name:?} is a name of the runtime or of this script; choose another");
            return Err(Error::new(ErrorKind::NameTaken, text));
        }
        if self.directory.find(name).is_some() {
            return Err(name_taken(name));
        }
        Ok(())
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
            self.core.begin_removal(agent);
        }
    }
}
