//! The steps of a case.

use std::collections::HashMap;
use std::future::{Future, IntoFuture};
use std::time::{Duration, Instant};

use caxton::{
    Agent, Ceiling, CompileLimits, ContentLimits, DeadLetter, Deploy, Draft, Durability, Error,
    EventFilter, Filter, Grants, Handler, HostAgentHandle, Informs, Limits, Message, Performative,
    Profile, Protocols, Register, Reply, Restart, Runtime, Stats, Subscription, Task, Wasm,
};
use serde_json::{Map, Value, json};

use super::expect::{compare, compare_error, expand};
use super::folder::Folder;
use super::inspected::{inspected, inspected_store};
use super::negotiate;
use super::tests_folder;

/// How long a step may hang.
const HANGS: Duration = Duration::from_secs(120);
/// How often a step is tried that comes true in the end.
const LOOKS_AGAIN: Duration = Duration::from_millis(2);

/// Runs all steps of a case.
pub fn run(case: &Value, each: Option<&str>) -> Result<(), String> {
    let folder = case.get("folder").map(Folder::new).transpose()?;
    let case = &folder.as_ref().map_or_else(|| case.clone(), |folder| folder.name_in(case));
    let options = case.get("runtime").cloned().unwrap_or_default();
    let runtime = build(&options).map_err(|error| format!("runtime: {error:?}"))?;
    let modules = case.get("modules").cloned().unwrap_or_default();
    let steps = case["steps"].as_array().ok_or("a case has `steps`")?;
    let mut stage = Stage::new(&runtime, options, modules, each);
    let result = stage.run(steps, "step ");
    let _ = wait(stage.runtime.close());
    result
}

/// Runs steps in a runtime that is there already, and stays.
pub fn run_in(
    runtime: &Runtime,
    modules: Value,
    each: Option<&str>,
    steps: &[Value],
) -> Result<(), String> {
    Stage::new(runtime, Value::Null, modules, each).run(steps, "step ")
}

pub struct Stage {
    pub runtime: Runtime,
    options: Value,
    modules: Value,
    each: Option<String>,
    agents: HashMap<String, Agent>,
    hosts: HashMap<String, HostAgentHandle>,
    subscriptions: HashMap<String, Subscription>,
    pub informs: HashMap<String, Informs>,
}

/// What a step came to: the value that `expect` is compared with, or an error.
pub type Outcome = Result<Result<Value, Error>, String>;

/// The steps, with what may stand beside each.
const STEPS: &[(&str, &[&str])] = &[
    ("deploy", &[]),
    ("deploy_many", &[]),
    ("register", &[]),
    ("ask", &["timeout"]),
    ("request", &["timeout"]),
    ("send", &["timeout"]),
    ("try_send", &[]),
    ("ask_text", &["timeout"]),
    ("send_text", &["timeout"]),
    ("send_many", &["timeout"]),
    ("ask_many", &["timeout"]),
    ("broadcast", &[]),
    ("subscribe", &["filter"]),
    ("next", &[]),
    ("none", &[]),
    ("find", &[]),
    ("agents", &[]),
    ("state", &[]),
    ("capabilities", &[]),
    ("logs", &[]),
    ("stats", &[]),
    ("events", &["kind", "agent"]),
    ("metrics", &[]),
    ("prometheus", &[]),
    ("dead_letters", &[]),
    ("replay_dead_letter", &[]),
    ("drop_dead_letter", &[]),
    ("suspend", &[]),
    ("resume", &[]),
    ("restart", &[]),
    ("start_profile", &[]),
    ("stop_profile", &[]),
    ("replace", &["module"]),
    ("remove", &[]),
    ("unregister", &[]),
    ("inspect", &[]),
    ("inspect_store", &[]),
    ("close", &[]),
    ("reopen", &[]),
    ("open", &[]),
    ("repeat", &["steps"]),
];

/// What a deployment may say.
const DEPLOYMENT: &[&str] = &[
    "module",
    "limits",
    "content_limits",
    "compile_limits",
    "capabilities",
    "grants",
    "restart",
    "config",
];

impl Stage {
    fn new(runtime: &Runtime, options: Value, modules: Value, each: Option<&str>) -> Self {
        Stage {
            runtime: runtime.clone(),
            options,
            modules,
            each: each.map(ToOwned::to_owned),
            agents: HashMap::new(),
            hosts: HashMap::new(),
            subscriptions: HashMap::new(),
            informs: HashMap::new(),
        }
    }

    fn run(&mut self, steps: &[Value], label: &str) -> Result<(), String> {
        for (index, step) in steps.iter().enumerate() {
            let at = format!("{label}{}", index + 1);
            let step = expand(step.clone());
            let object = step.as_object().ok_or_else(|| format!("{at}: a step is an object"))?;
            self.step(object, &at).map_err(|wrong| format!("{at}: {wrong}"))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Map<String, Value>, at: &str) -> Result<(), String> {
        let steps = STEPS.iter().chain(negotiate::STEPS);
        let mut named = steps.filter(|(name, _)| step.contains_key(*name));
        let (Some((name, extra)), None) = (named.next(), named.next()) else {
            return Err(format!("this is not one of the steps: {step:?}"));
        };
        only(step, &[&[*name, "expect", "error", "eventually"], *extra].concat())?;
        if *name == "repeat" {
            let steps = step["steps"].as_array().ok_or("`repeat` has `steps`")?;
            for round in 1..=step["repeat"].as_u64().ok_or("`repeat` is a number")? {
                self.run(steps, &format!("{at}, round {round}, step "))?;
            }
            return Ok(());
        }
        let begun = Instant::now();
        loop {
            let result = self.try_step(name, step);
            if result.is_ok() || !step.contains_key("eventually") || begun.elapsed() > HANGS {
                return result;
            }
            std::thread::sleep(LOOKS_AGAIN);
        }
    }

    fn try_step(&mut self, name: &str, step: &Map<String, Value>) -> Result<(), String> {
        let outcome = self.act(name, &step[name], step)?;
        match (outcome, step.get("error")) {
            (Ok(got), None) => match step.get("expect") {
                Some(expected) if name == "logs" => has_lines(expected, &got),
                Some(expected) => compare(expected, Some(&got), "it"),
                None => Ok(()),
            },
            (Err(error), Some(expected)) => compare_error(expected, &error),
            (Ok(got), Some(expected)) => Err(format!("expected {expected}, and it gave {got}")),
            (Err(error), None) => Err(format!("{error:?}")),
        }
    }

    fn act(&mut self, name: &str, value: &Value, step: &Map<String, Value>) -> Outcome {
        let timeout = match step.get("timeout") {
            Some(seconds) => Duration::from_secs_f64(seconds.as_f64().ok_or("a time in seconds")?),
            None => Duration::from_secs(30),
        };
        let runtime = self.runtime.clone();
        Ok(match name {
            "deploy" => {
                let name = value["name"].as_str();
                let deploy = match self.deployment(value, &["name"])? {
                    Ok(deploy) => deploy,
                    Err(error) => return Ok(Err(error)),
                };
                let deploy = name.into_iter().fold(deploy, Deploy::name);
                wait(runtime.deploy(deploy))?.map(|agent| self.keep(agent))
            }
            "deploy_many" => {
                let names = texts(&value["names"])?;
                let deploy = match self.deployment(value, &["names"])? {
                    Ok(deploy) => deploy,
                    Err(error) => return Ok(Err(error)),
                };
                wait(runtime.deploy_many(deploy, names))?.map(|agents| {
                    agents.into_iter().map(|agent| self.keep(agent)).collect::<Value>()
                })
            }
            "register" => self.register(value)?,
            "ask" => wait(runtime.ask(draft(value)).timeout(timeout).into_future())?.map(shown),
            "ask_text" => {
                let draft = Draft::json(text(value)?);
                wait(runtime.ask(draft).timeout(timeout).into_future())?.map(shown)
            }
            "request" => {
                only(value.as_object().ok_or("an object")?, &["agent", "content"])?;
                let call = self.agent(&value["agent"])?.request(&value["content"]);
                wait(call.timeout(timeout).into_future())?.map(shown)
            }
            "send" => wait(runtime.send(&draft(value), timeout))?.map(Value::from),
            "send_text" => {
                let draft = Draft::json(text(value)?);
                wait(runtime.send(&draft, timeout))?.map(Value::from)
            }
            "try_send" => runtime.try_send(&draft(value)).map(Value::from),
            "send_many" => {
                let drafts = drafts(value)?;
                wait(runtime.send_many(&drafts, timeout))?.map(Value::from)
            }
            "ask_many" => {
                let answers = wait(runtime.ask_many(drafts(value)?, timeout))?;
                let show = |answer: Result<Message, Error>| match answer {
                    Ok(message) => shown(message),
                    Err(error) => json!({"error": {"code": error.code()}}),
                };
                Ok(answers.into_iter().map(show).collect())
            }
            "broadcast" => {
                only(value.as_object().ok_or("an object")?, &["content", "filter", "fields"])?;
                let content = value["content"].to_string();
                let mut fields = value["fields"].as_object().cloned().unwrap_or_default();
                let act = fields.remove("performative");
                let act = act.as_ref().and_then(Value::as_str).unwrap_or("inform");
                let fields = Value::Object(fields).to_string();
                filter(&value["filter"]).and_then(|filter| {
                    let fields = Some(fields.as_bytes());
                    let draft = Draft::compose(act, None, content.as_bytes(), fields)?;
                    runtime.broadcast(filter, &draft).map(Value::from)
                })
            }
            "subscribe" => {
                let filter = step.get("filter").map_or(Ok(Filter::everything()), filter);
                filter.and_then(|filter| runtime.subscribe(filter)).map(|subscription| {
                    self.subscriptions.insert(value.to_string(), subscription);
                    Value::Null
                })
            }
            "next" => Ok(wait(self.subscription(value)?.next())?.map_or(Value::Null, shown)),
            "none" => match self.subscription(value)?.try_next() {
                Some(message) => return Err(format!("there was {message:?}")),
                None => Ok(Value::Null),
            },
            "find" => filter(value).and_then(|filter| runtime.find(filter)).map(Value::from),
            "agents" => Ok(runtime.agents().iter().map(|agent| agent.name()).collect()),
            "state" => Ok(self.agent(value)?.state().as_str().into()),
            "capabilities" => Ok(self.agent(value)?.capabilities().into()),
            "logs" => Ok(self.agent(value)?.logs().into_iter().map(|line| line.text).collect()),
            "stats" => Ok(self.agent(value)?.stats().fields().collect::<HashMap<_, _>>())
                .map(|figures| json!(figures)),
            "events" => {
                let mut filter = Map::new();
                for key in ["kind", "agent"] {
                    filter.extend(step.get(key).map(|value| (key.to_owned(), value.clone())));
                }
                EventFilter::read(Value::Object(filter).to_string().as_bytes())
                    .and_then(|filter| runtime.events(filter))
                    .map(|events| {
                        self.subscriptions.insert(value.to_string(), events);
                        Value::Null
                    })
            }
            "metrics" => {
                let metrics = runtime.metrics();
                let figures = |stats: &Stats| stats.fields().collect::<HashMap<_, _>>();
                let agents = metrics.agents.iter().map(|(name, stats)| (name, figures(stats)));
                Ok(json!({
                    "total": figures(&metrics.total),
                    "agents": agents.collect::<HashMap<_, _>>(),
                    "host_agents": metrics.host_agents,
                    "dead_letters": metrics.dead_letters,
                }))
            }
            "prometheus" => Ok(runtime.metrics().to_prometheus().into()),
            "dead_letters" => Ok(runtime
                .dead_letters()
                .into_iter()
                .map(|dead| {
                    let DeadLetter { message, reason, agent, .. } = dead;
                    json!({"message": shown(message), "reason": reason, "agent": agent.as_deref()})
                })
                .collect()),
            "replay_dead_letter" => {
                let id = self.dead_letter(value)?;
                runtime.replay_dead_letter(id).map(Value::from)
            }
            "drop_dead_letter" => {
                runtime.drop_dead_letter(self.dead_letter(value)?).map(Value::from)
            }
            "suspend" => wait(self.agent(value)?.suspend())?.map(Value::from),
            "resume" => wait(self.agent(value)?.resume())?.map(Value::from),
            "start_profile" => self.agent(value)?.start_profile().map(Value::from),
            "stop_profile" => self.agent(value)?.stop_profile().map(Value::from),
            "restart" => wait(self.agent(value)?.restart())?.map(Value::from),
            "replace" => {
                let module = Wasm::bytes(self.module(text(&step["module"])?)?);
                wait(self.agent(value)?.replace(module))?.map(Value::from)
            }
            "remove" => wait(self.agent(value)?.remove())?.map(Value::from),
            "unregister" => {
                self.hosts.get(text(value)?).ok_or("no such host agent")?.remove();
                Ok(Value::Null)
            }
            "inspect" => {
                caxton::inspect(&self.module(text(value)?)?).map(|found| inspected(&found))
            }
            "inspect_store" => {
                caxton::inspect_store(text(value)?).map(|found| inspected_store(&found))
            }
            "close" => {
                wait(runtime.close())?;
                Ok(Value::Null)
            }
            "reopen" => {
                wait(runtime.close())?;
                self.hosts.clear();
                self.subscriptions.clear();
                self.informs.clear();
                if let (Some(all), Some(changed)) =
                    (self.options.as_object_mut(), value.as_object())
                {
                    all.extend(changed.clone());
                }
                build(&self.options).map(|runtime| {
                    let agents = runtime.agents().into_iter();
                    self.agents = agents.map(|agent| (agent.name().to_owned(), agent)).collect();
                    self.runtime = runtime;
                    Value::Null
                })
            }
            "open" => match build(value) {
                Ok(other) => wait(other.close()).map(|()| Ok(Value::Null))?,
                Err(error) => Err(error),
            },
            other => return negotiate::act(self, other, value, step, timeout),
        })
    }

    fn keep(&mut self, agent: Agent) -> Value {
        let name = agent.name().to_owned();
        self.agents.insert(name.clone(), agent);
        name.into()
    }

    fn agent(&self, name: &Value) -> Result<&Agent, String> {
        self.agents.get(text(name)?).ok_or_else(|| format!("{name} was not deployed"))
    }

    fn subscription(&self, id: &Value) -> Result<&Subscription, String> {
        self.subscriptions.get(&id.to_string()).ok_or_else(|| format!("no subscription {id}"))
    }

    fn deployment(&self, value: &Value, extra: &[&str]) -> Result<Result<Deploy, Error>, String> {
        let object = value.as_object().ok_or("a deployment is an object")?;
        only(object, &[DEPLOYMENT, extra].concat())?;
        let module = text(&value["module"])?;
        let mut deploy = match module.strip_prefix("file:") {
            Some(path) => Deploy::file(path),
            None => Deploy::bytes(self.module(module)?),
        };
        if let Some(given) = object.get("limits") {
            deploy = deploy.limits(limits(given)?);
        }
        if let Some(given) = object.get("content_limits") {
            deploy = deploy.content_limits(content_limits(given)?);
        }
        if let Some(given) = object.get("compile_limits") {
            deploy = deploy.compile_limits(compile_limits(given)?);
        }
        if let Some(listed) = object.get("capabilities") {
            deploy = deploy.capabilities(texts(listed)?);
        }
        if let Some(grants) = object.get("grants") {
            match Grants::from_json(&grants.to_string()) {
                Ok(grants) => deploy = deploy.grants(grants),
                Err(error) => return Ok(Err(error)),
            }
        }
        if let Some(policy) = object.get("restart") {
            deploy = deploy.restart(Restart::parse(text(policy)?).map_err(text_of)?);
        }
        if let Some(config) = object.get("config") {
            deploy = deploy.config(config.to_string());
        }
        Ok(Ok(deploy))
    }

    /// The id of the dead letter at this place, counted from the oldest.
    fn dead_letter(&self, at: &Value) -> Result<u64, String> {
        let at = at.as_u64().ok_or("a dead letter is named by its place")? as usize;
        let letters = self.runtime.dead_letters();
        Ok(letters.get(at).map_or(u64::MAX, |letter| letter.id))
    }

    fn module(&self, name: &str) -> Result<Vec<u8>, String> {
        if let Some(hex) = name.strip_prefix("bytes:") {
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16);
            return (0..hex.len()).step_by(2).map(byte).collect::<Result<_, _>>().map_err(text_of);
        }
        if let Some(lines) = self.modules.get(name) {
            return Ok(texts(lines)?.join("\n").into_bytes());
        }
        let name = if name == "$each" { self.each.as_deref().ok_or("no `each`")? } else { name };
        let path = tests_folder().join(format!("agents/build/{name}.wasm"));
        std::fs::read(&path)
            .map_err(|wrong| format!("{}: {wrong}; run tests/agents/build.sh", path.display()))
    }

    fn register(&mut self, value: &Value) -> Outcome {
        let object = value.as_object().ok_or("a host agent is an object")?;
        only(object, &["name", "capabilities", "concurrency", "reply", "on"])?;
        let name = text(&value["name"])?;
        let scripted =
            |reply: &Value| Scripted { reply: reply.clone(), runtime: self.runtime.clone() };
        let mut register = match object.get("reply") {
            Some(reply) => Register::new(name, scripted(reply)),
            None => Register::named(name),
        };
        if let Some(listed) = object.get("capabilities") {
            register = register.capabilities(texts(listed)?);
        }
        if let Some(most) = object.get("concurrency") {
            register = register.concurrency(most.as_u64().ok_or("a number")? as usize);
        }
        let routes = object.get("on").and_then(Value::as_array).cloned().unwrap_or_default();
        let registered = self.runtime.register(register).and_then(|handle| {
            for route in &routes {
                let act = match route["performative"].as_str() {
                    Some(act) => Some(Performative::read(act)?),
                    None => None,
                };
                handle.on(act, route["protocol"].as_str(), scripted(&route["reply"]))?;
            }
            Ok(handle)
        });
        Ok(registered.map(|handle| {
            self.hosts.insert(handle.name().to_owned(), handle);
            Value::Null
        }))
    }
}

/// A host agent that answers as its case says.
struct Scripted {
    reply: Value,
    runtime: Runtime,
}

impl Handler for Scripted {
    fn handle(&self, task: Task) {
        let reply = self.reply.as_object().and_then(|reply| reply.iter().next());
        let (kind, value) = reply.map_or(("nothing", &Value::Null), |(k, v)| (k.as_str(), v));
        let reply = match kind {
            "content" => Reply::Content(value.to_string().into()),
            "message" => Reply::Message(Draft::json(value.to_string())),
            "raise" => Reply::Failure(value.as_str().unwrap_or_default().to_owned()),
            "nonsense" => Reply::Content(b"nonsense".to_vec()),
            "echo" => Reply::Content(task.message().content().into()),
            "nothing" => Reply::Nothing,
            "ask" => {
                let call = self.runtime.ask(draft(value)).within(task.within());
                std::thread::spawn(move || {
                    task.finish(match caxton::blocking::block_on(call.into_future()) {
                        Ok(answer) => Reply::Content(answer.content().into()),
                        Err(error) => Reply::Failure(error.message().to_owned()),
                    });
                });
                return;
            }
            other => panic!("unknown reply {other:?} of a host agent"),
        };
        task.finish(reply);
    }
}

fn build(options: &Value) -> Result<Runtime, Error> {
    let mut builder = Runtime::builder();
    for (key, value) in options.as_object().into_iter().flatten() {
        builder = match key.as_str() {
            "name" => builder.name(value.as_str().unwrap()),
            "limits" => builder.limits(limits(value).unwrap()),
            "content_limits" => builder.content_limits(content_limits(value).unwrap()),
            "ceiling" => builder.ceiling(ceiling(value)?),
            "compile_limits" => builder.compile_limits(compile_limits(value).unwrap()),
            "store" => builder.store(value.as_str().unwrap()),
            "durability" => builder.durability(Durability::parse(value.as_str().unwrap())?),
            "protocols" => builder.protocols(Protocols::parse(value.as_str().unwrap())?),
            "profile" => builder.profile(Profile::parse(value.as_str().unwrap())?),
            "workers" => builder.workers(value.as_u64().unwrap() as usize),
            "max_agents" => builder.max_agents(value.as_u64().unwrap() as usize),
            other => panic!("unknown option {other:?} of the runtime"),
        };
    }
    builder.build()
}

/// Waits for what must come within [`HANGS`].
pub fn wait<F: Future>(future: F) -> Result<F::Output, String> {
    let begun = Instant::now();
    let mut look = || if begun.elapsed() < HANGS { Ok(()) } else { Err("it hangs".to_owned()) };
    caxton::blocking::block_on_with(future, Duration::from_millis(100), &mut look)
}

pub fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown key {key:?}")),
        None => Ok(()),
    }
}

fn ceiling(given: &Value) -> Result<Ceiling, Error> {
    let ceiling = match given.get("grants") {
        Some(grants) => Ceiling::new(Grants::from_json(&grants.to_string())?),
        None => Ceiling::default(),
    };
    Ok(match given.get("limits") {
        Some(written) => ceiling.limits(limits(written).unwrap()),
        None => ceiling,
    })
}

fn limits(given: &Value) -> Result<Limits, String> {
    let mut limits = Limits::default();
    for (name, value) in given.as_object().ok_or("limits are an object")? {
        limits.set(name, value.as_u64()).map_err(text_of)?;
    }
    Ok(limits)
}

fn content_limits(given: &Value) -> Result<ContentLimits, String> {
    let mut limits = ContentLimits::default();
    for (name, value) in given.as_object().ok_or("limits are an object")? {
        limits.set(name, value.as_u64()).map_err(text_of)?;
    }
    Ok(limits)
}

fn compile_limits(given: &Value) -> Result<CompileLimits, String> {
    let mut limits = CompileLimits::default();
    for (name, value) in given.as_object().ok_or("limits are an object")? {
        limits.set(name, value.as_u64()).map_err(text_of)?;
    }
    Ok(limits)
}

fn draft(message: &Value) -> Draft {
    Draft::json(message.to_string())
}

fn drafts(messages: &Value) -> Result<Vec<Draft>, String> {
    Ok(messages.as_array().ok_or("an array of messages")?.iter().map(draft).collect())
}

fn filter(written: &Value) -> Result<Filter, Error> {
    if written.is_null() {
        return Ok(Filter::everything());
    }
    Filter::read(written.to_string().as_bytes())
}

pub fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is not a text"))
}

pub fn texts(value: &Value) -> Result<Vec<String>, String> {
    let array = value.as_array().ok_or_else(|| format!("{value} is not an array"))?;
    array.iter().map(|value| text(value).map(ToOwned::to_owned)).collect()
}

pub fn text_of(wrong: impl ToString) -> String {
    wrong.to_string()
}

/// A message as the language shows it: its JSON.
pub fn shown(message: Message) -> Value {
    serde_json::from_slice(message.as_json()).unwrap()
}

fn has_lines(expected: &Value, lines: &Value) -> Result<(), String> {
    let parts =
        if expected.is_array() { texts(expected)? } else { vec![text(expected)?.to_owned()] };
    let lines = texts(lines)?;
    match parts.iter().find(|part| !lines.iter().any(|line| line.contains(part.as_str()))) {
        Some(part) => Err(format!("no line of the log contains {part:?}: {lines:?}")),
        None => Ok(()),
    }
}
