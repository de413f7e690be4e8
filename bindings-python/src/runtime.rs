//! The runtime, as Python sees it.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use caxton::{Deploy, Draft, Durability, EventFilter, Filter, Profile, Protocols, Restart};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::agent::{DeadLetter, figures};
use crate::encode::encode;
use crate::errors::to_py;
use crate::host_agent::{Host, HostAgent, Serving, is_async};
use crate::message::{encode_fields, to_draft};
use crate::mode::{Mode, Value};
use crate::options::{
    to_ceiling, to_compile_limits, to_content_limits, to_filter, to_grants, to_limits, to_module,
    to_timeout, to_whole,
};
use crate::register::current_task;
use crate::subscription::{self, AsyncSubscription, Subscription};
use crate::trace::{Printing, Trace};

/// The most agents that can be deployed at once.
pub struct MaxAgents(usize);

impl<'py> FromPyObject<'_, 'py> for MaxAgents {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let most = to_whole("max_agents", &value, 0, u64::from(u32::MAX))?;
        Ok(MaxAgents(most as usize))
    }
}

/// More threads, or more messages at once, than any system has room for.
const MAX_THREADS: u64 = 65_536;

/// What both classes of runtimes do; they differ in how they wait.
pub struct Inner {
    pub runtime: caxton::Runtime,
    pub mode: Mode,
    serving: Arc<Serving>,
    traces: Mutex<Vec<Weak<Printing>>>,
}

/// The options of a runtime.
struct Options<'a, 'py> {
    name: Option<String>,
    limits: Option<&'a Bound<'py, PyAny>>,
    content_limits: Option<&'a Bound<'py, PyAny>>,
    compile_limits: Option<&'a Bound<'py, PyAny>>,
    workers: Option<&'a Bound<'py, PyAny>>,
    max_agents: usize,
    seed: Option<&'a Bound<'py, PyAny>>,
    store: Option<PathBuf>,
    ceiling: Option<&'a Bound<'py, PyAny>>,
    durability: &'a str,
    protocols: &'a str,
    profile: Option<&'a str>,
}

/// The options of a deployment, beside its names.
struct DeployOptions<'a, 'py> {
    limits: Option<&'a Bound<'py, PyAny>>,
    content_limits: Option<&'a Bound<'py, PyAny>>,
    compile_limits: Option<&'a Bound<'py, PyAny>>,
    capabilities: Vec<String>,
    grants: Option<&'a Bound<'py, PyAny>>,
    restart: &'a str,
    config: Option<&'a Bound<'py, PyAny>>,
}

impl Inner {
    fn new(py: Python<'_>, mode: Mode, options: Options<'_, '_>) -> PyResult<Self> {
        let mut builder = caxton::Runtime::builder().max_agents(options.max_agents);
        if let Some(name) = options.name {
            builder = builder.name(name);
        }
        if let Some(limits) = options.limits {
            builder = builder.limits(to_limits(limits)?);
        }
        if let Some(limits) = options.content_limits {
            builder = builder.content_limits(to_content_limits(limits)?);
        }
        if let Some(limits) = options.compile_limits {
            builder = builder.compile_limits(to_compile_limits(limits)?);
        }
        if let Some(workers) = options.workers {
            builder = builder.workers(to_whole("workers", workers, 1, MAX_THREADS)? as usize);
        }
        if let Some(seed) = options.seed {
            builder = builder.seed(to_whole("seed", seed, 0, u64::MAX)?);
        }
        let durability = Durability::parse(options.durability);
        builder = builder.durability(durability.map_err(|error| to_py(py, &error))?);
        let protocols = Protocols::parse(options.protocols);
        builder = builder.protocols(protocols.map_err(|error| to_py(py, &error))?);
        if let Some(profile) = options.profile {
            builder = builder.profile(Profile::parse(profile).map_err(|error| to_py(py, &error))?);
        }
        if let Some(ceiling) = options.ceiling {
            builder = builder.ceiling(to_ceiling(ceiling)?);
        }
        if let Some(path) = options.store {
            builder = builder.store(path);
        }
        let runtime = py.detach(|| builder.build()).map_err(|error| to_py(py, &error))?;
        Ok(Inner { runtime, mode, serving: Serving::new(mode), traces: Mutex::default() })
    }

    fn to_deploy(wasm: &Bound<'_, PyAny>, options: DeployOptions<'_, '_>) -> PyResult<Deploy> {
        let restart = Restart::parse(options.restart).map_err(|error| to_py(wasm.py(), &error))?;
        let deploy = Deploy::new(to_module(wasm)?).restart(restart);
        let mut deploy = deploy.capabilities(options.capabilities);
        if let Some(limits) = options.limits {
            deploy = deploy.limits(to_limits(limits)?);
        }
        if let Some(limits) = options.content_limits {
            deploy = deploy.content_limits(to_content_limits(limits)?);
        }
        if let Some(limits) = options.compile_limits {
            deploy = deploy.compile_limits(to_compile_limits(limits)?);
        }
        if let Some(grants) = options.grants {
            deploy = deploy.grants(to_grants(grants)?);
        }
        if let Some(config) = options.config {
            deploy = deploy.config(encode(config)?);
        }
        Ok(deploy)
    }

    fn deploy(&self, py: Python<'_>, deploy: Deploy) -> PyResult<Py<PyAny>> {
        let runtime = self.runtime.clone();
        self.mode.run(py, async move {
            let agent = runtime.deploy(deploy).await?;
            Ok(Value::Agent(agent, runtime))
        })
    }

    fn deploy_many(
        &self,
        py: Python<'_>,
        deploy: Deploy,
        names: Vec<String>,
    ) -> PyResult<Py<PyAny>> {
        let runtime = self.runtime.clone();
        self.mode.run(py, async move {
            let agents = runtime.deploy_many(deploy, names).await?;
            Ok(Value::Agents(agents, runtime))
        })
    }

    fn send(
        &self,
        py: Python<'_>,
        drafts: Vec<Draft>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let (runtime, timeout) = (self.runtime.clone(), to_timeout(py, timeout)?);
        self.mode
            .run(py, async move { runtime.send_many(&drafts, timeout).await.map(|()| Value::None) })
    }

    fn ask(
        &self,
        py: Python<'_>,
        draft: Draft,
        timeout: Option<f64>,
        request: bool,
    ) -> PyResult<Py<PyAny>> {
        let call = if request { self.runtime.request(draft) } else { self.runtime.ask(draft) };
        let call = call.timeout(to_timeout(py, timeout)?).within(current_task(py)?);
        self.mode.run(py, async move { call.await.map(Value::Message) })
    }

    fn ask_many(
        &self,
        py: Python<'_>,
        drafts: Vec<Draft>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let (runtime, timeout) = (self.runtime.clone(), to_timeout(py, timeout)?);
        let within = current_task(py)?;
        self.mode.run(py, async move {
            Ok(Value::Answers(runtime.ask_many_within(drafts, timeout, within).await))
        })
    }

    fn broadcast(
        &self,
        content: &Bound<'_, PyAny>,
        capability: Option<&str>,
        performative: &str,
        filter: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let py = content.py();
        let filter = to_filter(py, capability, filter)?;
        let (json, fields) = (encode(content)?, encode_fields(fields)?);
        py.detach(|| {
            let draft = Draft::compose(performative, None, &json, fields.as_deref())?;
            self.runtime.broadcast(filter, &draft)
        })
        .map_err(|error| to_py(py, &error))
    }

    /// Subscribes, and has messages handed to `callback` if there is one.
    fn subscribe(
        &self,
        py: Python<'_>,
        callback: Option<Py<PyAny>>,
        filter: Filter,
    ) -> PyResult<Arc<caxton::Subscription>> {
        let subscription = self.runtime.subscribe(filter).map_err(|error| to_py(py, &error))?;
        let subscription = Arc::new(subscription);
        let Some(callback) = callback else { return Ok(subscription) };
        if !is_async(py, &callback)? {
            subscription::call_back(py, subscription.clone(), callback)?;
        } else if self.mode == Mode::Async {
            let messages = AsyncSubscription::new(subscription.clone());
            py.import("caxton._loop")?.call_method1("pump", (messages, callback))?;
        } else {
            let messages = AsyncSubscription::new(subscription.clone());
            self.serving.loop_thread(py)?.call_method1("pump", (messages, callback))?;
        }
        Ok(subscription)
    }

    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<Py<PyAny>> {
        let timeout = to_timeout(py, Some(timeout))?.unwrap_or(Duration::MAX);
        let runtime = self.runtime.clone();
        let closed = self.mode.run(py, async move {
            runtime.close_within(timeout).await;
            Ok(Value::None)
        })?;
        self.serving.stop(py)?;
        if self.mode == Mode::Blocking {
            self.end_traces(py);
        }
        Ok(closed)
    }

    /// Waits for what traces have still to print.
    fn end_traces(&self, py: Python<'_>) {
        let traces = std::mem::take(&mut *self.traces.lock());
        py.detach(|| traces.iter().filter_map(Weak::upgrade).for_each(|it| it.wait()));
    }

    fn trace(
        &self,
        py: Python<'_>,
        file: Option<Py<PyAny>>,
        colour: Option<bool>,
        width: Option<i64>,
        filter: Filter,
    ) -> PyResult<Trace> {
        let trace = Trace::start(py, &self.runtime, file, colour, width, filter)?;
        let mut traces = self.traces.lock();
        traces.retain(|printing| printing.strong_count() > 0);
        traces.push(trace.printing());
        Ok(trace)
    }

    fn agents(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Value::Agents(self.runtime.agents(), self.runtime.clone()).into_py(py, self.mode)
    }

    fn agent_named(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        let agent = self.runtime.agent_named(name).map_err(|error| to_py(py, &error))?;
        self.mode.agent(py, agent, self.runtime.clone())
    }

    fn replay_dead_letter(&self, letter: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, id) = (letter.py(), DeadLetter::id_of(letter)?);
        py.detach(|| self.runtime.replay_dead_letter(id)).map_err(|error| to_py(py, &error))
    }

    fn drop_dead_letter(&self, letter: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, id) = (letter.py(), DeadLetter::id_of(letter)?);
        py.detach(|| self.runtime.drop_dead_letter(id)).map_err(|error| to_py(py, &error))
    }

    fn events(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        agent: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Arc<caxton::Subscription>> {
        let filter = PyDict::new(py);
        filter.set_item("kind", kind)?;
        filter.set_item("agent", agent)?;
        let events = EventFilter::read(&encode(&filter)?)
            .and_then(|filter| self.runtime.events(filter))
            .map_err(|error| to_py(py, &error))?;
        Ok(Arc::new(events))
    }

    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metrics = self.runtime.metrics();
        let agents = PyDict::new(py);
        for (name, stats) in &metrics.agents {
            agents.set_item(name, figures(py, stats)?)?;
        }
        let all = PyDict::new(py);
        all.set_item("total", figures(py, &metrics.total)?)?;
        all.set_item("agents", agents)?;
        all.set_item("host_agents", metrics.host_agents)?;
        all.set_item("dead_letters", metrics.dead_letters)?;
        Ok(all)
    }

    fn dead_letters(&self, py: Python<'_>) -> PyResult<Vec<Py<DeadLetter>>> {
        let letters = self.runtime.dead_letters();
        letters.into_iter().map(|letter| Py::new(py, DeadLetter::new(py, letter)?)).collect()
    }
}

fn to_drafts(messages: &Bound<'_, PyAny>) -> PyResult<Vec<Draft>> {
    messages.try_iter()?.map(|message| to_draft(&message?)).collect()
}

macro_rules! runtime_class {
    ($(#[$doc:meta])* $class:ident, $mode:expr, $subscription:ident) => {
        $(#[$doc])*
        #[pyclass(frozen, weakref, subclass, module = "caxton")]
        pub struct $class(pub(crate) Inner);

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (*, store=None, ceiling=None, durability="full", name=None, limits=None, content_limits=None, compile_limits=None, protocols="observe", workers=None, max_agents=MaxAgents(12_000), profile=None, seed=None), text_signature = "(*, store=None, ceiling=None, durability='full', name=None, limits=None, content_limits=None, compile_limits=None, protocols='observe', workers=None, max_agents=12_000, profile=None, seed=None)")]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn new(
                py: Python<'_>,
                store: Option<PathBuf>,
                ceiling: Option<&Bound<'_, PyAny>>,
                durability: &str,
                name: Option<String>,
                limits: Option<&Bound<'_, PyAny>>,
                content_limits: Option<&Bound<'_, PyAny>>,
                compile_limits: Option<&Bound<'_, PyAny>>,
                protocols: &str,
                workers: Option<&Bound<'_, PyAny>>,
                max_agents: MaxAgents,
                profile: Option<&str>,
                seed: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<Self> {
                let options = Options {
                    name, limits, content_limits, compile_limits, protocols, workers, max_agents: max_agents.0, seed, store, ceiling, durability, profile,
                };
                Ok($class(Inner::new(py, $mode, options)?))
            }

            /// The name under which this program speaks.
            #[getter]
            fn name(&self) -> &str {
                self.0.runtime.name()
            }

            /// Whether the runtime has been closed, or is being closed.
            #[getter]
            fn closed(&self) -> bool {
                self.0.runtime.is_closed()
            }

            /// Deploys an agent; returns when its `agent_init` has succeeded.
            #[pyo3(signature = (wasm, name=None, *, limits=None, content_limits=None, compile_limits=None, capabilities=Vec::new(), grants=None, restart="on-failure", config=None))]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn deploy(
                &self,
                wasm: &Bound<'_, PyAny>,
                name: Option<String>,
                limits: Option<&Bound<'_, PyAny>>,
                content_limits: Option<&Bound<'_, PyAny>>,
                compile_limits: Option<&Bound<'_, PyAny>>,
                capabilities: Vec<String>,
                grants: Option<&Bound<'_, PyAny>>,
                restart: &str,
                config: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<Py<PyAny>> {
                let options = DeployOptions { limits, content_limits, compile_limits, capabilities, grants, restart, config };
                let deploy = Inner::to_deploy(wasm, options)?;
                let deploy = match name {
                    Some(name) => deploy.name(name),
                    None => deploy,
                };
                self.0.deploy(wasm.py(), deploy)
            }

            /// Deploys one module under many names: all of them, or none.
            #[pyo3(signature = (wasm, names, *, limits=None, content_limits=None, compile_limits=None, capabilities=Vec::new(), grants=None, restart="on-failure", config=None))]
            #[allow(clippy::too_many_arguments, reason = "they are keywords in Python")]
            fn deploy_many(
                &self,
                wasm: &Bound<'_, PyAny>,
                names: &Bound<'_, PyAny>,
                limits: Option<&Bound<'_, PyAny>>,
                content_limits: Option<&Bound<'_, PyAny>>,
                compile_limits: Option<&Bound<'_, PyAny>>,
                capabilities: Vec<String>,
                grants: Option<&Bound<'_, PyAny>>,
                restart: &str,
                config: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<Py<PyAny>> {
                let names = names.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>()?;
                let options = DeployOptions { limits, content_limits, compile_limits, capabilities, grants, restart, config };
                let deploy = Inner::to_deploy(wasm, options)?;
                self.0.deploy_many(wasm.py(), deploy, names)
            }

            /// Makes a function an agent of this runtime; without one it is given handlers by `on`.
            #[pyo3(signature = (name, handler=None, *, capabilities=Vec::new(), concurrency=None))]
            fn register(
                &self,
                py: Python<'_>,
                name: String,
                handler: Option<Py<PyAny>>,
                capabilities: Vec<String>,
                concurrency: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<HostAgent> {
                let most = |given| to_whole("concurrency", given, 1, MAX_THREADS);
                let concurrency = concurrency.map(most).transpose()?.map(|most| most as usize);
                let host = Host { name, handler, capabilities, concurrency };
                self.0.serving.register(py, &self.0.runtime, host)
            }

            /// The same as a decorator, of one function or of several.
            #[pyo3(signature = (name, *, capabilities=Vec::new(), concurrency=None))]
            fn agent<'py>(
                slf: &Bound<'py, Self>,
                name: String,
                capabilities: Vec<String>,
                concurrency: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let py = slf.py();
                let options = PyDict::new(py);
                options.set_item("capabilities", capabilities)?;
                options.set_item("concurrency", concurrency)?;
                let register = slf.getattr("register")?;
                py.import("caxton._serve")?.getattr("Registration")?.call1((register, name, options))
            }

            /// Sends a message; returns when every receiver's mailbox has it. `timeout` in seconds.
            #[pyo3(signature = (message, *, timeout=30.0))]
            fn send(&self, message: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
                self.0.send(message.py(), vec![to_draft(message)?], timeout)
            }

            /// Sends a message if there is room now.
            fn try_send(&self, message: &Bound<'_, PyAny>) -> PyResult<()> {
                let (py, draft) = (message.py(), to_draft(message)?);
                py.detach(|| self.0.runtime.try_send(&draft)).map_err(|error| to_py(py, &error))
            }

            /// Sends messages one after the other.
            #[pyo3(signature = (messages, *, timeout=30.0))]
            fn send_many(&self, messages: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
                self.0.send(messages.py(), to_drafts(messages)?, timeout)
            }

            /// Sends a message and waits for the first reply of any act. `timeout` in seconds.
            #[pyo3(signature = (message, *, timeout=30.0))]
            fn ask(&self, message: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
                self.0.ask(message.py(), to_draft(message)?, timeout, false)
            }

            /// Sends a FIPA request and waits for its result. `timeout` in seconds.
            #[pyo3(signature = (message, *, timeout=30.0))]
            fn request(&self, message: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
                self.0.ask(message.py(), to_draft(message)?, timeout, true)
            }

            /// Asks all messages at once; the answers in the same order, with an exception in the
            /// place of each that failed.
            #[pyo3(signature = (messages, *, timeout=30.0))]
            fn ask_many(&self, messages: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
                self.0.ask_many(messages.py(), to_drafts(messages)?, timeout)
            }

            /// Sends a message to every agent that the filter matches; returns their number.
            #[pyo3(signature = (content, *, capability=None, performative="inform", filter=None, **fields))]
            fn broadcast(
                &self,
                content: &Bound<'_, PyAny>,
                capability: Option<&str>,
                performative: &str,
                filter: Option<&Bound<'_, PyAny>>,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<u64> {
                self.0.broadcast(content, capability, performative, filter, fields)
            }

            /// Returns copies of every matching message from now on.
            #[pyo3(signature = (callback=None, **filter))]
            fn subscribe(
                &self,
                py: Python<'_>,
                callback: Option<Py<PyAny>>,
                filter: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<$subscription> {
                let filter = to_filter(py, None, filter.map(Bound::as_any))?;
                self.0.subscribe(py, callback, filter).map($subscription::new)
            }

            /// Prints messages from now on that match, a line each.
            #[pyo3(signature = (file=None, *, colour=None, width=None, **filter))]
            fn trace(
                &self,
                py: Python<'_>,
                file: Option<Py<PyAny>>,
                colour: Option<bool>,
                width: Option<i64>,
                filter: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Trace> {
                let filter = to_filter(py, None, filter.map(Bound::as_any))?;
                self.0.trace(py, file, colour, width, filter)
            }

            /// Shows the runtime in a notebook, as it changes; looked at every `interval` seconds.
            #[pyo3(signature = (*, interval=0.25))]
            fn watch<'py>(slf: &Bound<'py, Self>, interval: f64) -> PyResult<Bound<'py, PyAny>> {
                let py = slf.py();
                py.import("caxton._watch")?.getattr("Watch")?.call1((slf, interval))
            }

            /// What happens to agents from now on.
            #[pyo3(signature = (kind=None, agent=None))]
            fn events(
                &self,
                py: Python<'_>,
                kind: Option<&Bound<'_, PyAny>>,
                agent: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<$subscription> {
                self.0.events(py, kind, agent).map($subscription::new)
            }

            /// The figures of each agent, and their sums.
            fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                self.0.metrics(py)
            }

            /// The same in the text format of Prometheus.
            fn prometheus(&self) -> String {
                self.0.runtime.metrics().to_prometheus()
            }

            /// The names of all agents that have a capability or match a filter.
            #[pyo3(signature = (capability=None, **filter))]
            fn find(
                &self,
                py: Python<'_>,
                capability: Option<&str>,
                filter: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Vec<String>> {
                let filter = to_filter(py, capability, filter.map(Bound::as_any))?;
                self.0.runtime.find(filter).map_err(|error| to_py(py, &error))
            }

            /// Every deployed agent, in the order of deployment.
            fn agents(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.0.agents(py)
            }

            /// The agent with this name or id.
            fn agent_named(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
                self.0.agent_named(py, name)
            }

            /// Hands a dead letter, or the one with this id, to its receiver again, as it was.
            fn replay_dead_letter(&self, letter: &Bound<'_, PyAny>) -> PyResult<()> {
                self.0.replay_dead_letter(letter)
            }

            /// Drops a dead letter, or the one with this id.
            fn drop_dead_letter(&self, letter: &Bound<'_, PyAny>) -> PyResult<()> {
                self.0.drop_dead_letter(letter)
            }

            /// The last messages that reached nobody, oldest first.
            fn dead_letters(&self, py: Python<'_>) -> PyResult<Vec<Py<DeadLetter>>> {
                self.0.dead_letters(py)
            }

            /// Closes the runtime; `timeout` in seconds is for everything.
            #[pyo3(signature = (*, timeout=5.0))]
            fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<Py<PyAny>> {
                self.0.close(py, timeout)
            }

            /// Closes the runtime on this thread, whatever the class: for the interpreter's end.
            fn _close_blocking(&self, py: Python<'_>) -> PyResult<()> {
                let runtime = &self.0.runtime;
                if !runtime.is_closed() {
                    crate::mode::wait(py, async { runtime.close().await })?;
                }
                self.0.end_traces(py);
                Ok(())
            }

            fn __repr__(&self) -> String {
                let runtime = &self.0.runtime;
                let state = if runtime.is_closed() { "closed" } else { "open" };
                format!("<{} {:?} {state}, {} agents>", stringify!($class), runtime.name(), runtime.agents().len())
            }
        }
    };
}

runtime_class! {
    /// A system of agents, whose calls block.
    Runtime, Mode::Blocking, Subscription
}

runtime_class! {
    /// A system of agents, whose calls are awaited.
    AsyncRuntime, Mode::Async, AsyncSubscription
}
