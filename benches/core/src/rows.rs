//! The rows of the table that Rust measures.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use caxton::blocking::block_on;
use caxton::{Agent, Deploy, Draft, Limits, Performative, Runtime, Wasm};
use serde_json::{Value, json};

use crate::agents::{TRIVIAL, message, storing};
use crate::floor::{self, Floor, Linked};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Rounds that do not count.
const WARM_UP: u32 = 3;
/// Agents that hop messages to each other, in pairs.
const HOPPING: usize = 16;
/// Agents that do so, store something in each turn, and have a store.
const STORING: usize = 100;
/// As long as they do so in a round.
const BUSY: Duration = Duration::from_millis(100);
const HOPS: u64 = 20_000;
const TURNS: u64 = 5_000;
const DEPLOYED: u64 = 100;
/// What the trivial agents' messages hold.
const TEXT: &str = "as long as most";

/// One contestant: does so many of what it does; microseconds each.
type Contestant<'a> = Box<dyn FnMut(u64) -> Fallible<f64> + 'a>;

/// Rounds of every contestant in turns; the figures as JSON.
pub fn measure(agent: &[u8], rounds: u32) -> Fallible<Value> {
    let floor = Floor::new()?;
    let mut contestants: Vec<(&str, u64, Contestant<'_>)> = vec![
        ("hop_floor", HOPS, hop_floor(&floor)?),
        ("hop", 0, hop(1)?),
        ("hop_two_workers", 0, hop(2)?),
        ("turn_floor", TURNS, turn_floor(&floor, agent)?),
        ("rust_ask", TURNS, rust_ask(agent)?),
        ("deploy_floor", DEPLOYED, deploy_floor(&floor, agent)?),
        ("deploy", DEPLOYED, deploy(agent)?),
    ];
    let mut samples: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 0..WARM_UP + rounds {
        for (name, times, contestant) in &mut contestants {
            let figure = contestant(*times)?;
            if round >= WARM_UP {
                samples.entry(name).or_default().push(figure);
            }
        }
        contestants.reverse();
    }
    Ok(json!(samples))
}

/// Does one row so many times, and nothing else.
pub fn count(row: &str, agent: &[u8], times: u64) -> Fallible<()> {
    let floor = Floor::new()?;
    let mut contestant = match row {
        "hop_floor" => hop_floor(&floor)?,
        "hop" => hop(1)?,
        "durable" => durable()?,
        "turn_floor" => turn_floor(&floor, agent)?,
        "rust_ask" => rust_ask(agent)?,
        "deploy_floor" => deploy_floor(&floor, agent)?,
        "deploy" => deploy(agent)?,
        _ => return Err(format!("there is no row {row:?}").into()),
    };
    contestant(times).map(drop)
}

/// Microseconds for each of `times`.
fn each(times: u64, mut work: impl FnMut() -> Fallible<()>) -> Fallible<f64> {
    let began = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(micros(began.elapsed(), times))
}

fn micros(took: Duration, times: u64) -> f64 {
    took.as_secs_f64() * 1e6 / times.max(1) as f64
}

pub fn unlimited() -> Limits {
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    limits
}

/// A message as the trivial agents are handed it.
fn as_handed() -> Fallible<Vec<u8>> {
    let runtime = Runtime::builder().workers(1).build()?;
    let deploy = Deploy::bytes(TRIVIAL.as_bytes()).name("a");
    block_on(runtime.deploy(deploy.config(message("host", TEXT))))?;
    let seen = runtime.subscribe(caxton::Filter::read(br#"{"sender":"a"}"#)?)?;
    block_on(runtime.send(&Draft::new(Performative::Inform, "a", &1)?, None))?;
    let message = block_on(seen.next()).ok_or("nothing was sent")?;
    Ok(message.as_json().to_vec())
}

fn hop_floor(floor: &Floor) -> Fallible<Contestant<'_>> {
    let linked = Linked::new(floor, TRIVIAL.as_bytes())?;
    let mut agent = floor::Agent::new(floor, &linked, Some(message("b", TEXT)))?;
    let mut message = as_handed()?;
    Ok(Box::new(move |times| {
        each(times, || {
            agent.turn(&message)?;
            // What one has sent is what the other is handed.
            std::mem::swap(&mut message, &mut agent.store.data_mut().bytes);
            Ok(())
        })
    }))
}

/// Pairs of trivial agents that send messages to and fro; for as long as `BUSY`, or so many hops.
fn hop(workers: usize) -> Fallible<Contestant<'static>> {
    let hopping = Hopping::new(workers, HOPPING, TEXT)?;
    Ok(Box::new(move |times| hopping.run(times)))
}

/// The same with a store, on two workers: each agent stores the last bytes of what it was sent.
fn durable() -> Fallible<Contestant<'static>> {
    let file = std::env::temp_dir().join(format!("caxton-benches-{}.db", std::process::id()));
    let runtime = Runtime::builder().workers(2).limits(unlimited()).store(&file).build()?;
    let mut agents = Vec::new();
    for number in 0..STORING {
        let wasm = storing(&format!("a{}", number ^ 1));
        let deploy = Deploy::bytes(wasm.as_bytes()).name(format!("a{number}"));
        agents.push(block_on(runtime.deploy(deploy))?);
    }
    // One message for each pair would leave half of them idle.
    let storing = Hopping::begin(runtime, agents, 1, Some(file))?;
    Ok(Box::new(move |times| storing.run(times)))
}

pub struct Hopping {
    runtime: Runtime,
    agents: Vec<Agent>,
    store: Option<PathBuf>,
}

impl Hopping {
    pub fn new(workers: usize, count: usize, text: &str) -> Fallible<Self> {
        let mut limits = unlimited();
        (limits.max_message_bytes, limits.max_turn_bytes) = (8 << 20, 16 << 20);
        limits.max_storage_bytes = 8 << 20;
        let runtime = Runtime::builder().workers(workers).limits(limits).build()?;
        let mut agents = Vec::new();
        let wasm = Wasm::bytes(TRIVIAL.as_bytes());
        for number in 0..count {
            let deploy = Deploy::new(wasm.clone()).name(format!("a{number}"));
            // In pairs; one that is left over sends to itself.
            let other = if number ^ 1 < count { number ^ 1 } else { number };
            let sends = message(&format!("a{other}"), text);
            agents.push(block_on(runtime.deploy(deploy.config(sends)))?);
        }
        Self::begin(runtime, agents, 2, None)
    }

    /// Sends every `step`th agent a message, which it handles in a run.
    fn begin(
        runtime: Runtime,
        agents: Vec<Agent>,
        step: usize,
        store: Option<PathBuf>,
    ) -> Fallible<Self> {
        for agent in &agents {
            block_on(agent.suspend())?;
        }
        for agent in agents.iter().step_by(step) {
            let first = Draft::new(Performative::Inform, agent.name(), &1)?;
            block_on(runtime.send(&first, None))?;
        }
        Ok(Hopping { runtime, agents, store })
    }

    pub fn run(&self, times: u64) -> Fallible<f64> {
        for agent in &self.agents {
            block_on(agent.resume())?;
        }
        let (before, began) = (self.turns(), Instant::now());
        while times > 0 && self.turns() - before < times {
            std::thread::sleep(Duration::from_millis(1));
        }
        if times == 0 {
            std::thread::sleep(BUSY);
        }
        let (turns, took) = (self.turns() - before, began.elapsed());
        for agent in &self.agents {
            block_on(agent.suspend())?;
        }
        Ok(micros(took, turns))
    }

    fn turns(&self) -> u64 {
        self.agents.iter().map(|agent| agent.stats().turns).sum()
    }
}

impl Drop for Hopping {
    fn drop(&mut self) {
        // One after the other, so that their places are free when this is over.
        for agent in &self.agents {
            drop(block_on(agent.remove()));
        }
        block_on(self.runtime.close());
        for end in self.store.iter().flat_map(|_| ["", "-wal", "-shm"]) {
            let mut file = self.store.clone().unwrap_or_default().into_os_string();
            file.push(end);
            drop(std::fs::remove_file(file));
        }
    }
}

pub fn request(to: &str) -> Fallible<Draft> {
    let data = json!({"data": "Hello, World!", "operation": "uppercase"});
    let content = json!({"action": "process_data", "data": data});
    Ok(Draft::new(Performative::Request, to, &content)?)
}

/// A request as the parsing agent is handed it.
fn request_as_handed(agent: &[u8]) -> Fallible<Vec<u8>> {
    let runtime = Runtime::builder().workers(1).build()?;
    block_on(runtime.deploy(Deploy::bytes(agent).name("rust")))?;
    let seen = runtime.subscribe(caxton::Filter::read(br#"{"receiver":"rust"}"#)?)?;
    block_on(runtime.ask(request("rust")?))?;
    let message = block_on(seen.next()).ok_or("nothing was sent")?;
    Ok(message.as_json().to_vec())
}

fn turn_floor<'a>(floor: &'a Floor, agent: &[u8]) -> Fallible<Contestant<'a>> {
    let message = request_as_handed(agent)?;
    let linked = Linked::new(floor, agent)?;
    let mut agent = floor::Agent::new(floor, &linked, None)?;
    Ok(Box::new(move |times| {
        let figure = each(times, || match agent.turn(&message)? {
            0 => Ok(()),
            code => Err(format!("the agent returned {code}").into()),
        })?;
        check(&serde_json::from_slice::<Value>(&agent.store.data().bytes)?["content"])?;
        Ok(figure)
    }))
}

fn rust_ask(agent: &[u8]) -> Fallible<Contestant<'static>> {
    let runtime = Runtime::builder().workers(1).build()?;
    block_on(runtime.deploy(Deploy::bytes(agent).name("rust").limits(unlimited())))?;
    let draft = request("rust")?;
    check(&block_on(runtime.ask(draft.clone()))?.read_content()?)?;
    Ok(Box::new(move |times| {
        each(times, || {
            block_on(runtime.ask(draft.clone()))?;
            Ok(())
        })
    }))
}

/// Nobody is measured who answers something else.
fn check(content: &Value) -> Fallible<()> {
    match content["result"]["result"].as_str() {
        Some("HELLO, WORLD!") => Ok(()),
        _ => Err(format!("the agent answered {content}").into()),
    }
}

fn deploy_floor<'a>(floor: &'a Floor, agent: &[u8]) -> Fallible<Contestant<'a>> {
    let linked = Linked::new(floor, agent)?;
    Ok(Box::new(move |times| {
        let mut agents = Vec::new();
        each(times, || {
            agents.push(floor::Agent::new(floor, &linked, None)?);
            Ok(())
        })
    }))
}

fn deploy(agent: &[u8]) -> Fallible<Contestant<'static>> {
    let runtime = Runtime::builder().workers(1).build()?;
    // As long as one lives, the module stays compiled.
    let wasm = Wasm::bytes(agent);
    let first = block_on(runtime.deploy(Deploy::new(wasm.clone()).name("first")))?;
    Ok(Box::new(move |times| {
        let _first = &first;
        let mut agents = Vec::new();
        let figure = each(times, || {
            let name = format!("agent-{}", agents.len());
            agents.push(block_on(runtime.deploy(Deploy::new(wasm.clone()).name(name)))?);
            Ok(())
        })?;
        for agent in agents {
            block_on(agent.remove())?;
        }
        Ok(figure)
    }))
}
