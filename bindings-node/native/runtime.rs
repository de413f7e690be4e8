//! The runtime.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use caxton::{
    Draft, Durability, Error, EventFilter, Filter, Profile, Protocols, Register, Runtime,
    Subscription,
};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use crate::agent::{AgentHandle, Figure, figures};
use crate::fault::Fault;
use crate::handler::{HostHandle, JsHandler};
use crate::hub::{CallId, Hub, SharedLoop, begin};
use crate::message::{Text, Written, draft, text};
use crate::options::{
    DeployOptions, PathOrBytes, RuntimeOptions, ceiling, compile_limits, content_limits, deploy,
    limits, timeout,
};
use crate::outcome::{Outcome, Value, failed};
use crate::subscription::SubscriptionHandle;

/// A system of agents.
// It has methods in other files, and napi-derive knows another name of a class only in what it meets later.
#[napi]
pub struct RuntimeHandle {
    pub(crate) runtime: AssertUnwindSafe<Runtime>,
    pub(crate) hub: SharedLoop,
}

/// A message that reached nobody.
#[napi(object, object_from_js = false)]
pub struct Undelivered {
    pub id: f64,
    pub at: f64,
    pub message: Text,
    pub reason: String,
    pub agent: Option<String>,
}

/// Starts a runtime whose calls wait at `hub`.
#[napi(catch_unwind)]
pub fn open_runtime(hub: &Hub, options: RuntimeOptions) -> Either<RuntimeHandle, Fault> {
    match open(options) {
        Ok(runtime) => Either::A(RuntimeHandle {
            runtime: AssertUnwindSafe(runtime),
            hub: AssertUnwindSafe(Rc::clone(hub.shared())),
        }),
        Err(fault) => Either::B(*fault),
    }
}

fn open(options: RuntimeOptions) -> Result<Runtime, Box<Fault>> {
    let mut builder = Runtime::builder();
    if let Some(name) = options.name {
        builder = builder.name(name);
    }
    if let Some(limits) = limits(options.limits)? {
        builder = builder.limits(limits);
    }
    if let Some(limits) = content_limits(options.content_limits)? {
        builder = builder.content_limits(limits);
    }
    if let Some(limits) = compile_limits(options.compile_limits)? {
        builder = builder.compile_limits(limits);
    }
    if let Some(workers) = options.workers {
        builder = builder.workers(workers as usize);
    }
    if let Some(max_agents) = options.max_agents {
        builder = builder.max_agents(max_agents as usize);
    }
    if let Some(seed) = options.seed {
        builder = builder.seed(seed as u64);
    }
    if let Some(durability) = options.durability {
        builder = builder.durability(Durability::parse(&durability).map_err(Fault::from)?);
    }
    if let Some(protocols) = options.protocols {
        builder = builder.protocols(Protocols::parse(&protocols).map_err(Fault::from)?);
    }
    if let Some(profile) = options.profile {
        builder = builder.profile(Profile::parse(&profile).map_err(Fault::from)?);
    }
    if let Some(given) = options.ceiling {
        builder = builder.ceiling(ceiling(given)?);
    }
    if let Some(path) = options.store {
        builder = builder.store(path);
    }
    Ok(builder.build().map_err(Fault::from)?)
}

#[napi]
impl RuntimeHandle {
    #[napi(getter, catch_unwind)]
    pub fn name(&self) -> &str {
        self.runtime.name()
    }

    #[napi(catch_unwind)]
    pub fn deploy(&self, wasm: PathOrBytes, options: DeployOptions) -> Value {
        let deploy = match deploy(wasm, options) {
            Ok(deploy) => deploy,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move {
            match runtime.deploy(deploy).await {
                Ok(agent) => Outcome::Agent(agent, runtime),
                Err(error) => Outcome::Failed(error.into()),
            }
        })
    }

    #[napi(catch_unwind)]
    pub fn deploy_many(
        &self,
        wasm: PathOrBytes,
        names: Vec<String>,
        options: DeployOptions,
    ) -> Value {
        let deploy = match deploy(wasm, options) {
            Ok(deploy) => deploy,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move {
            match runtime.deploy_many(deploy, names).await {
                Ok(agents) => Outcome::Agents(agents, runtime),
                Err(error) => Outcome::Failed(error.into()),
            }
        })
    }

    /// `number` names the JavaScript function that takes the messages, if one is to take them all.
    #[napi(catch_unwind)]
    pub fn register(
        &self,
        name: String,
        number: Option<u32>,
        capabilities: Vec<String>,
        concurrency: Option<f64>,
    ) -> Either<HostHandle, Fault> {
        let mut register = match number {
            Some(number) => Register::new(name, JsHandler::new(number, self.hub.inbox.clone())),
            None => Register::named(name),
        };
        register = register.capabilities(capabilities);
        if let Some(concurrency) = concurrency {
            register = register.concurrency(concurrency as usize);
        }
        match self.runtime.register(register) {
            Ok(handle) => Either::A(HostHandle::new(handle, self.hub.inbox.clone())),
            Err(error) => Either::B(error.into()),
        }
    }

    #[napi(catch_unwind)]
    pub fn send(&self, message: Written, millis: Option<f64>) -> Value {
        let (runtime, draft, timeout) = (self.runtime.clone(), draft(message), timeout(millis));
        begin(&self.hub, async move { Outcome::of_nothing(runtime.send(&draft, timeout).await) })
    }

    #[napi(catch_unwind)]
    pub fn try_send(&self, message: Written) -> Option<Fault> {
        self.runtime.try_send(&draft(message)).err().map(Fault::from)
    }

    #[napi(catch_unwind)]
    pub fn send_many(&self, messages: Vec<Written>, millis: Option<f64>) -> Value {
        let drafts: Vec<Draft> = messages.into_iter().map(draft).collect();
        let (runtime, timeout) = (self.runtime.clone(), timeout(millis));
        begin(
            &self.hub,
            async move { Outcome::of_nothing(runtime.send_many(&drafts, timeout).await) },
        )
    }

    /// `within` is the task in whose handler the call is made.
    #[napi(catch_unwind)]
    pub fn ask(&self, message: Written, millis: Option<f64>, within: Option<CallId>) -> Value {
        let call = self.runtime.ask(draft(message));
        let call = call.timeout(timeout(millis)).within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn request(&self, message: Written, millis: Option<f64>, within: Option<CallId>) -> Value {
        let call = self.runtime.request(draft(message));
        let call = call.timeout(timeout(millis)).within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn ask_many(
        &self,
        messages: Vec<Written>,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let drafts: Vec<Draft> = messages.into_iter().map(draft).collect();
        let (runtime, timeout) = (self.runtime.clone(), timeout(millis));
        let within = self.hub.within(within);
        begin(&self.hub, async move {
            Outcome::Answers(runtime.ask_many_within(drafts, timeout, within).await)
        })
    }

    /// How many agents got it. `content` is JSON, `filter` and `fields` are JSON objects.
    #[napi(catch_unwind)]
    pub fn broadcast(
        &self,
        content: String,
        performative: String,
        fields: Option<String>,
        filter: String,
    ) -> Either<f64, Fault> {
        let fields = fields.as_deref().map(str::as_bytes);
        let sent = Filter::read(filter.as_bytes()).and_then(|filter| {
            let draft = Draft::compose(&performative, None, content.as_bytes(), fields)?;
            self.runtime.broadcast(filter, &draft)
        });
        match sent {
            Ok(receivers) => Either::A(receivers as f64),
            Err(error) => Either::B(error.into()),
        }
    }

    #[napi(catch_unwind)]
    pub fn subscribe(&self, filter: String) -> Either<SubscriptionHandle, Fault> {
        let filter = Filter::read(filter.as_bytes());
        self.opened(filter.and_then(|filter| self.runtime.subscribe(filter)))
    }

    #[napi(catch_unwind)]
    pub fn events(&self, filter: String) -> Either<SubscriptionHandle, Fault> {
        let filter = EventFilter::read(filter.as_bytes());
        self.opened(filter.and_then(|filter| self.runtime.events(filter)))
    }

    #[napi(catch_unwind)]
    pub fn metrics(&self) -> Figures {
        let metrics = self.runtime.metrics();
        let agents = metrics.agents.iter();
        Figures {
            total: figures(&metrics.total),
            agents: agents
                .map(|(name, stats)| NamedFigures { name: name.clone(), figures: figures(stats) })
                .collect(),
            host_agents: metrics.host_agents as f64,
            dead_letters: metrics.dead_letters as f64,
        }
    }

    #[napi(catch_unwind)]
    pub fn prometheus(&self) -> String {
        self.runtime.metrics().to_prometheus()
    }

    #[napi(catch_unwind)]
    pub fn agents(&self) -> Vec<AgentHandle> {
        let agents = self.runtime.agents().into_iter();
        agents.map(|agent| AgentHandle::new(agent, self.runtime.clone(), &self.hub)).collect()
    }

    #[napi(catch_unwind)]
    pub fn agent_named(&self, name: String) -> Either<AgentHandle, Fault> {
        match self.runtime.agent_named(&name) {
            Ok(agent) => Either::A(AgentHandle::new(agent, self.runtime.clone(), &self.hub)),
            Err(error) => Either::B(error.into()),
        }
    }

    #[napi(catch_unwind)]
    pub fn find(&self, filter: String) -> Either<Vec<String>, Fault> {
        match Filter::read(filter.as_bytes()).and_then(|filter| self.runtime.find(filter)) {
            Ok(names) => Either::A(names),
            Err(error) => Either::B(error.into()),
        }
    }

    #[napi(catch_unwind)]
    pub fn dead_letters(&self) -> Vec<Undelivered> {
        let letters = self.runtime.dead_letters().into_iter();
        letters
            .map(|letter| Undelivered {
                id: letter.id as f64,
                at: letter.at as f64,
                message: text(&letter.message),
                reason: letter.reason,
                agent: letter.agent.map(|name| name.to_string()),
            })
            .collect()
    }

    #[napi(catch_unwind)]
    pub fn replay_dead_letter(&self, id: f64) -> Option<Fault> {
        self.runtime.replay_dead_letter(id as u64).err().map(Fault::from)
    }

    #[napi(catch_unwind)]
    pub fn drop_dead_letter(&self, id: f64) -> Option<Fault> {
        self.runtime.drop_dead_letter(id as u64).err().map(Fault::from)
    }

    #[napi(getter, catch_unwind)]
    pub fn is_closed(&self) -> bool {
        self.runtime.is_closed()
    }

    #[napi(catch_unwind)]
    pub fn close(&self, millis: Option<f64>) -> Value {
        let runtime = self.runtime.clone();
        let timeout = timeout(millis).unwrap_or(Duration::MAX);
        begin(&self.hub, async move {
            runtime.close_within(timeout).await;
            Outcome::Done
        })
    }
}

impl RuntimeHandle {
    fn opened(&self, result: Result<Subscription, Error>) -> Either<SubscriptionHandle, Fault> {
        match result {
            Ok(subscription) => {
                let runtime = self.runtime.clone();
                Either::A(SubscriptionHandle::new(subscription, runtime, &self.hub))
            }
            Err(error) => Either::B(error.into()),
        }
    }
}

/// The figures of a runtime.
#[napi(object, object_from_js = false)]
pub struct Figures {
    pub total: Vec<Figure>,
    pub agents: Vec<NamedFigures>,
    pub host_agents: f64,
    pub dead_letters: f64,
}

/// The figures of one agent.
#[napi(object, object_from_js = false)]
pub struct NamedFigures {
    pub name: String,
    pub figures: Vec<Figure>,
}
