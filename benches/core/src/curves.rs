//! How the figures change with the number of agents, the size of messages and modules, and the cores.

use std::error::Error;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use caxton::blocking::block_on;
use caxton::{Deploy, Draft, Runtime};
use serde_json::{Value, json};

use crate::agents::of_size;
use crate::rows::{Hopping, request, unlimited};

type Fallible<T> = Result<T, Box<dyn Error>>;

const AGENTS: [usize; 6] = [1, 10, 100, 1_000, 3_000, 10_000];
const MESSAGE_BYTES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const MODULE_BYTES: [usize; 5] = [2_000, 20_000, 200_000, 1_000_000, 5_000_000];
/// Figures of which each point is the median.
const REPEATS: usize = 5;
/// Agents that share the messages of the curve of cores, and how many those are.
const CROWD: usize = 100;
const ASKED: usize = 2_000;

pub fn measure(agent: &[u8]) -> Fallible<Value> {
    let mut agents = Vec::new();
    for count in AGENTS {
        agents.push(point(count, hops_a_second(2, count, "as long as most")?));
    }
    let mut bytes = Vec::new();
    for size in MESSAGE_BYTES {
        bytes.push(point(size, hops_a_second(2, 16, &"x".repeat(size))?));
    }
    let mut cores = Vec::new();
    for workers in [1, 2] {
        cores.push(json!({
            "x": workers,
            "hops": hops_a_second(workers, 16, "as long as most")?,
            "asks": asks_a_second(workers, agent)?,
        }));
    }
    let mut deploys = Vec::new();
    for size in MODULE_BYTES {
        let (cold, cached) = deploy_millis(size)?;
        deploys.push(json!({"x": size, "cold": cold, "cached": cached}));
    }
    Ok(json!({
        "messages_a_second_by_agents": agents,
        "messages_a_second_by_bytes": bytes,
        "messages_a_second_by_cores": cores,
        "deploy_milliseconds_by_bytes": deploys,
    }))
}

fn point(x: usize, y: f64) -> Value {
    json!({"x": x, "y": y})
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Messages a second between agents that do not look at them.
fn hops_a_second(workers: usize, count: usize, text: &str) -> Fallible<f64> {
    let hopping = Hopping::new(workers, count, text)?;
    let mut figures = Vec::new();
    for _ in 0..REPEATS {
        figures.push(1e6 / hopping.run(0)?);
    }
    Ok(median(figures))
}

/// Messages a second of a program that asks many agents at once, which read them and answer.
fn asks_a_second(workers: usize, agent: &[u8]) -> Fallible<f64> {
    let runtime = Runtime::builder().workers(workers).build()?;
    let names: Vec<String> = (0..CROWD).map(|number| format!("agent-{number}")).collect();
    block_on(runtime.deploy_many(Deploy::bytes(agent).limits(unlimited()), names.clone()))?;
    let mut drafts: Vec<Draft> = Vec::new();
    for number in 0..ASKED {
        drafts.push(request(&names[number % names.len()])?);
    }
    let mut figures = Vec::new();
    for _ in 0..REPEATS {
        let began = Instant::now();
        for answer in block_on(runtime.ask_many(drafts.clone(), Duration::from_secs(30))) {
            answer?;
        }
        figures.push(ASKED as f64 / began.elapsed().as_secs_f64());
    }
    Ok(median(figures))
}

/// Milliseconds to deploy a module that nobody has seen, and one that the disk has compiled.
fn deploy_millis(size: usize) -> Fallible<(f64, f64)> {
    let (mut cold, mut cached) = (Vec::new(), Vec::new());
    let runtime = Runtime::new()?;
    for _ in 0..if size > 500_000 { 2 } else { REPEATS } {
        let nonce = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
        let wasm = of_size(size, nonce);
        for figures in [&mut cold, &mut cached] {
            let began = Instant::now();
            let deploy = Deploy::bytes(wasm.clone()).name("a");
            let agent = block_on(runtime.deploy(deploy))?;
            figures.push(began.elapsed().as_secs_f64() * 1e3);
            block_on(agent.remove())?;
        }
    }
    Ok((median(cold), median(cached)))
}
