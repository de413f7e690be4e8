//! Deployed agents.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use caxton::{Agent, Draft, Runtime};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use crate::fault::Fault;
use crate::hub::{CallId, SharedLoop, begin};
use crate::options::{
    LimitInForce, PathOrBytes, camel_case, content_limits_in_force, limits_in_force, module,
    timeout,
};
use crate::outcome::{Outcome, Value, failed};

/// A deployed agent. It keeps its runtime open.
#[napi(js_name = "Agent")]
pub struct AgentHandle {
    agent: AssertUnwindSafe<Agent>,
    runtime: AssertUnwindSafe<Runtime>,
    hub: SharedLoop,
}

/// One line of an agent's log.
#[napi(object, object_from_js = false)]
pub struct LogEntry {
    pub at: f64,
    pub level: &'static str,
    pub text: String,
}

/// One figure of an agent.
#[napi(object, object_from_js = false)]
pub struct Figure {
    pub name: String,
    pub value: f64,
}

impl AgentHandle {
    pub fn new(agent: Agent, runtime: Runtime, hub: &SharedLoop) -> Self {
        AgentHandle {
            agent: AssertUnwindSafe(agent),
            runtime: AssertUnwindSafe(runtime),
            hub: AssertUnwindSafe(Rc::clone(hub)),
        }
    }

    fn draft(
        &self,
        content: &str,
        performative: &str,
        fields: Option<String>,
    ) -> Result<Draft, caxton::Error> {
        let fields = fields.as_deref().map(str::as_bytes);
        Draft::compose(performative, Some(self.agent.name()), content.as_bytes(), fields)
    }
}

#[napi]
impl AgentHandle {
    #[napi(getter, catch_unwind)]
    pub fn name(&self) -> &str {
        self.agent.name()
    }

    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> &str {
        self.agent.id()
    }

    #[napi(getter, catch_unwind)]
    pub fn state(&self) -> &'static str {
        self.agent.state().as_str()
    }

    #[napi(getter, catch_unwind)]
    pub fn capabilities(&self) -> Vec<String> {
        self.agent.capabilities()
    }

    #[napi(getter, catch_unwind)]
    pub fn limits(&self) -> Vec<LimitInForce> {
        limits_in_force(self.agent.limits())
    }

    #[napi(getter, catch_unwind)]
    pub fn content_limits(&self) -> Option<Vec<LimitInForce>> {
        self.agent.content_limits().map(content_limits_in_force)
    }

    #[napi(catch_unwind)]
    pub fn stats(&self) -> Vec<Figure> {
        figures(&self.agent.stats())
    }

    #[napi(catch_unwind)]
    pub fn logs(&self) -> Vec<LogEntry> {
        let lines = self.agent.logs().into_iter();
        lines
            .map(|line| LogEntry {
                at: line.at as f64,
                level: line.level.as_str(),
                text: line.text,
            })
            .collect()
    }

    #[napi(catch_unwind)]
    pub fn start_profile(&self) -> Option<Fault> {
        self.agent.start_profile().err().map(Fault::from)
    }

    #[napi(catch_unwind)]
    pub fn stop_profile(&self) -> Either<String, Fault> {
        match self.agent.stop_profile() {
            Ok(json) => Either::A(json),
            Err(error) => Either::B(Fault::from(error)),
        }
    }

    #[napi(catch_unwind)]
    pub fn send(
        &self,
        content: String,
        performative: String,
        fields: Option<String>,
        millis: Option<f64>,
    ) -> Value {
        let draft = match self.draft(&content, &performative, fields) {
            Ok(draft) => draft,
            Err(error) => return failed(error),
        };
        let runtime = self.runtime.clone();
        let timeout = timeout(millis);
        begin(&self.hub, async move { Outcome::of_nothing(runtime.send(&draft, timeout).await) })
    }

    /// `within` is the task in whose handler the call is made.
    #[napi(catch_unwind)]
    pub fn ask(
        &self,
        content: String,
        performative: String,
        fields: Option<String>,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let draft = match self.draft(&content, &performative, fields) {
            Ok(draft) => draft,
            Err(error) => return failed(error),
        };
        let call = self.runtime.ask(draft).timeout(timeout(millis)).within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn request(
        &self,
        content: String,
        fields: Option<String>,
        millis: Option<f64>,
        within: Option<CallId>,
    ) -> Value {
        let fields = fields.as_deref().map(str::as_bytes);
        let draft = match Draft::request(self.agent.name(), content.as_bytes(), fields) {
            Ok(draft) => draft,
            Err(error) => return failed(error),
        };
        let call =
            self.runtime.request(draft).timeout(timeout(millis)).within(self.hub.within(within));
        begin(&self.hub, async move { Outcome::of_message(call.await) })
    }

    #[napi(catch_unwind)]
    pub fn suspend(&self) -> Value {
        let agent = self.agent.clone();
        begin(&self.hub, async move { Outcome::of_nothing(agent.suspend().await) })
    }

    #[napi(catch_unwind)]
    pub fn resume(&self) -> Value {
        let agent = self.agent.clone();
        begin(&self.hub, async move { Outcome::of_nothing(agent.resume().await) })
    }

    #[napi(catch_unwind)]
    pub fn restart(&self) -> Value {
        let agent = self.agent.clone();
        begin(&self.hub, async move { Outcome::of_nothing(agent.restart().await) })
    }

    #[napi(catch_unwind)]
    pub fn replace(&self, wasm: PathOrBytes, is_path: bool) -> Value {
        let (agent, module) = (self.agent.clone(), module(wasm, is_path));
        begin(&self.hub, async move { Outcome::of_nothing(agent.replace(module).await) })
    }

    #[napi(catch_unwind)]
    pub fn remove(&self) -> Value {
        let agent = self.agent.clone();
        begin(&self.hub, async move { Outcome::of_nothing(agent.remove().await) })
    }
}

/// The figures of an agent, or of all, with their names as JavaScript has them.
pub fn figures(stats: &caxton::Stats) -> Vec<Figure> {
    let figures = stats.fields();
    figures.map(|(name, value)| Figure { name: camel_case(name), value: value as f64 }).collect()
}
