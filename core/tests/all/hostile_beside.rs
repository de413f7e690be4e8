//! The cases of `tests/hostile/beside.json`, which every language runs: many that mean harm, and how long honest
//! agents beside them wait, what they leave in the host's memory, and whether it closes in time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use caxton::{Agent, Deploy, Filter, Limits, Protocols, Runtime, Wasm};
use serde_json::{Map, Value, json};

use crate::child;
use crate::conformance::expect::{compare_error, expand};
use crate::conformance::step;
use crate::hostile_agents::{each_case, generate, modules};
use crate::store::Folder;
use crate::support::{HANGS, ask, draft, latencies, poll_once, until, wait};

const CASE: [&str; 13] = [
    "name",
    "runtime",
    "before",
    "attackers",
    "start",
    "deploys",
    "pause",
    "promise",
    "memory",
    "until",
    "kept",
    "stays",
    "close",
];
/// Factor by which a promise may be exceeded here: the benchmarks hold it to the letter.
const PATIENCE: f64 = 10.0;
/// The most times that the honest agents are measured.
const TRIES: usize = 3;
/// Agents that are measured, with the messages, rings or deployments that are.
const MEASURED: [(&str, usize); 5] =
    [("short", 200), ("long", 12), ("timer", 50), ("durable", 40), ("deploy", 50)];
/// Memory that the process may have besides, in MiB.
const SLACK: f64 = 32.0;
const MIB: f64 = 1_048_576.0;
/// The longest that closing may take where a case says nothing else, and the time that a busy machine may add.
const CLOSE_SECONDS: f64 = 10.0;
const LATE: Duration = Duration::from_secs(5);
/// Rounds of a loop by which the machine's pace is found.
const TRIAL: u64 = 50_000_000;

#[test]
fn every_case() {
    const NAME: &str = "hostile_beside::every_case";
    if !child::is_here(NAME) {
        // Its memory is looked at, so nobody else's is to be there, and what is freed goes back at once.
        let glibc = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"];
        let mut env: Vec<_> = glibc.map(|name| (name, "65536")).to_vec();
        env.extend([("MALLOC_ARENA_MAX", "1"), ("CAXTON_CACHE_DIR", "")]);
        child::run(NAME, &env);
        return;
    }
    each_case("beside.json", run);
}

/// Runs one case in a runtime of its own.
fn run(case: &Map<String, Value>) -> Result<(), String> {
    if let Some(key) = case.keys().find(|key| !CASE.contains(&key.as_str())) {
        return Err(format!("unknown key {key:?}"));
    }
    let store = Folder::new();
    let runtime = build(case.get("runtime"), &store);
    let result = within(&runtime, case);
    let seconds = case.get("close").map_or(CLOSE_SECONDS, |seconds| seconds.as_f64().unwrap());
    let timeout = Duration::from_secs_f64(seconds);
    let begun = Instant::now();
    wait(runtime.close_within(timeout));
    let closed = begun.elapsed();
    result?;
    if closed > timeout + LATE {
        return Err(format!("closing took {closed:?}, with a timeout of {timeout:?}"));
    }
    Ok(())
}

fn build(options: Option<&Value>, store: &Folder) -> Runtime {
    let mut builder = Runtime::builder().workers(2);
    for (name, value) in options.and_then(Value::as_object).into_iter().flatten() {
        builder = match name.as_str() {
            "store" if value == true => builder.store(store.file()),
            "protocols" => builder.protocols(Protocols::parse(value.as_str().unwrap()).unwrap()),
            other => panic!("unknown option {other:?} of the runtime"),
        };
    }
    builder.build().unwrap()
}

fn within(runtime: &Runtime, case: &Map<String, Value>) -> Result<(), String> {
    let promises = case["promise"].as_object().unwrap();
    deploy_honest(runtime, promises);
    let before = case.get("before").and_then(Value::as_array).cloned().unwrap_or_default();
    step::run_in(runtime, modules(case), None, &before)?;
    let mut memory = Memory::default();
    let alone = measure(runtime, case, &mut memory);
    let start = resident();
    memory.most = 0.0;

    let attackers = attack(runtime, case)?;
    let work = |attackers: &[Agent]| attackers.iter().map(|it| it.stats().cpu_micros).sum::<u64>();
    let done = work(&attackers);
    let stop = AtomicBool::new(false);
    let mut wrong = std::thread::scope(|scope| {
        let deploying = keep_deploying(runtime, case, &stop, scope);
        let mut measured = || exceeding(promises, &alone, &measure(runtime, case, &mut memory));
        // A machine that others hold up is looked at again: an attack that works does so each time.
        let early = (1..TRIES).map(|_| measured()).find(Vec::is_empty);
        let wrong = early.unwrap_or_else(measured);
        stop.store(true, Ordering::Relaxed);
        deploying.into_iter().try_for_each(|thread| thread.join().unwrap())?;
        Ok::<_, String>(wrong)
    })?;
    // A flood may have to wait for the disk.
    until("they go on", || attackers.is_empty() || work(&attackers) > done);
    let allowed =
        case.get("memory").map_or(64.0 * attackers.len() as f64, |mib| mib.as_f64().unwrap());
    let own: f64 = attackers.iter().map(own_memory).sum();
    let most = 1.2 * start + own + allowed + SLACK;
    println!(
        "  memory: {:.0} MiB, {start:.0} at the start, {own:.0} their own, at most {most:.0}",
        memory.most
    );
    if start > 0.0 && memory.most > most {
        wrong.push(format!("the process had {:.0} MiB, and {most:.0} at most", memory.most));
    }
    if case.get("stays") != Some(&Value::Bool(true)) {
        leave_nothing(&attackers, start, case).unwrap_or_else(|what| wrong.push(what));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// The promises that are not kept.
fn exceeding(promises: &Map<String, Value>, alone: &Measured, beside: &Measured) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, promise) in promises {
        for (at, promised) in promise.as_object().unwrap() {
            let (alone, beside) = (percentile(&alone[kind], at), percentile(&beside[kind], at));
            let bound = PATIENCE * promised_millis(promised, alone).max(alone);
            println!("  {kind} {at}: {beside:.2} ms, alone {alone:.2}, at most {bound:.0}");
            if beside > bound {
                wrong.push(format!("{kind} {at} is {beside:.2} ms, and {bound:.2} at most"));
            }
        }
    }
    wrong
}

/// Removes the attackers: the host keeps nothing for them.
fn leave_nothing(attackers: &[Agent], start: f64, case: &Map<String, Value>) -> Result<(), String> {
    // All at once: each waits for its turn to end.
    let mut removals: Vec<_> = attackers.iter().map(|it| Box::pin(it.remove())).collect();
    let mut waiting: Vec<_> = removals.iter_mut().map(|it| poll_once(it).is_pending()).collect();
    for ((attacker, removal), pending) in attackers.iter().zip(removals).zip(waiting.drain(..)) {
        if pending {
            wait(removal).map_err(|error| format!("{}: {error:?}", attacker.name()))?;
        }
        let left = attacker.stats().host_bytes;
        if left != 0 {
            return Err(format!("{} left {left} bytes", attacker.name()));
        }
    }
    let begun = Instant::now();
    let kept = case.get("kept").map_or(0.0, |mib| mib.as_f64().unwrap());
    while resident() > 1.1 * start + kept + SLACK {
        if begun.elapsed() > LATE {
            return Err(format!("{:.0} MiB stay, {start:.0} were there before", resident()));
        }
        std::thread::yield_now();
    }
    println!("  left: {:.0} MiB", resident());
    Ok(())
}

/// What has been promised, in milliseconds: a number, or `{"ms", "alone"}` for so much, and so often what it is
/// without attackers.
fn promised_millis(promised: &Value, alone: f64) -> f64 {
    let part = |key: &str| promised.get(key).map_or(0.0, |part| part.as_f64().unwrap());
    promised.as_f64().unwrap_or_else(|| part("ms") + part("alone") * alone)
}

fn percentile(sorted: &[f64], at: &str) -> f64 {
    let percent: usize = at.strip_prefix('p').unwrap().parse().unwrap();
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn deploy_honest(runtime: &Runtime, promises: &Map<String, Value>) {
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    for kind in promises.keys() {
        let micros = |micros: u64| json!(micros * pace() / 1000).to_string();
        let (module, config) = match kind.as_str() {
            "short" => ("works", micros(50)),
            "long" => ("works", micros(2000)),
            "timer" => ("says-when-it-rings", "0".to_owned()),
            "durable" => ("stores-and-answers", "0".to_owned()),
            // It keeps the module compiled.
            "deploy" => ("takes-everything", "0".to_owned()),
            other => panic!("nobody is called {other:?}"),
        };
        let deploy = Deploy::new(module_named(module)).name(kind).config(config);
        wait(runtime.deploy(deploy.limits(limits.clone()))).unwrap();
    }
}

fn module_named(name: &str) -> Wasm {
    let modules = modules(&Map::new());
    Wasm::bytes(modules[name][0].as_str().unwrap().as_bytes())
}

/// Rounds of the loop of the agents that take a millisecond here.
fn pace() -> u64 {
    static PACE: OnceLock<u64> = OnceLock::new();
    *PACE.get_or_init(|| {
        let runtime = crate::support::runtime(1);
        let mut limits = Limits::default();
        limits.max_execution_time_micros = None;
        let deploy = Deploy::new(module_named("works")).name("trial").limits(limits);
        let agent = wait(runtime.deploy(deploy.config(TRIAL.to_string()))).unwrap();
        latencies(&runtime, "trial", 1);
        let rounds = TRIAL * 1000 / agent.stats().cpu_micros.max(1);
        wait(runtime.close());
        rounds
    })
}

type Measured = std::collections::HashMap<String, Vec<f64>>;

/// Milliseconds of each kind, in order.
fn measure(runtime: &Runtime, case: &Map<String, Value>, memory: &mut Memory) -> Measured {
    let kinds = MEASURED.into_iter().filter(|(kind, _)| case["promise"].get(*kind).is_some());
    let pause = Duration::from_millis(case.get("pause").map_or(0, |pause| pause.as_u64().unwrap()));
    kinds
        .map(|(kind, count)| {
            let mut figures: Vec<f64> = match kind {
                "timer" => late(runtime, kind, count, memory),
                _ => (0..count)
                    .map(|n| {
                        let took = match kind {
                            "durable" => millis(|| drop(ask(runtime, kind).unwrap())),
                            "deploy" => deployed(runtime),
                            _ => {
                                if !pause.is_zero() {
                                    std::thread::sleep(pause);
                                }
                                latencies(runtime, kind, 1)[0].as_secs_f64() * 1000.0
                            }
                        };
                        if n % 8 == 0 {
                            memory.look();
                        }
                        took
                    })
                    .collect(),
            };
            memory.look();
            figures.sort_by(f64::total_cmp);
            (kind.to_owned(), figures)
        })
        .collect()
}

fn millis(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1000.0
}

fn deployed(runtime: &Runtime) -> f64 {
    let deploy = Deploy::new(module_named("takes-everything"));
    let begun = Instant::now();
    let agent = wait(runtime.deploy(deploy)).unwrap();
    let took = begun.elapsed();
    wait(agent.remove()).unwrap();
    took.as_secs_f64() * 1000.0
}

/// By how much each timer of 10 ms rang too late.
fn late(runtime: &Runtime, name: &str, count: usize, memory: &mut Memory) -> Vec<f64> {
    let filter = json!({"sender": name}).to_string();
    let seen = runtime.subscribe(Filter::read(filter.as_bytes()).unwrap()).unwrap();
    let mut next = || {
        memory.look();
        wait(seen.next()).unwrap().sent_at()
    };
    let mut last = next();
    (0..count)
        .map(|_| {
            let sent_at = next();
            let micros = (sent_at - last).saturating_sub(10_000);
            last = sent_at;
            micros as f64 / 1000.0
        })
        .collect()
}

/// Deploys the attackers, and waits until all are at it.
fn attack(runtime: &Runtime, case: &Map<String, Value>) -> Result<Vec<Agent>, String> {
    let Some(attackers) = case.get("attackers") else { return Ok(Vec::new()) };
    let mut deploy = attackers.as_object().unwrap().clone();
    let count = deploy.remove("count").unwrap();
    deploy.remove("bench");
    deploy.insert("names".to_owned(), json!({"$list": "attacker-#", "times": count}));
    let deploy = expand(worked_out(Value::Object(deploy), &count));
    let names: Vec<String> = serde_json::from_value(deploy["names"].clone()).unwrap();
    step::run_in(runtime, modules(case), None, &[json!({"deploy_many": deploy})])?;
    let agents: Vec<Agent> = names.iter().map(|name| runtime.agent_named(name).unwrap()).collect();
    if let Some(message) = case.get("start") {
        for name in &names {
            let mut message = message.clone();
            message["receiver"] = json!(name);
            wait(runtime.send(&draft(message), HANGS)).map_err(|error| format!("{error:?}"))?;
        }
    }
    until("they attack", || agents.iter().all(|agent| is_at_it(agent, case)));
    Ok(agents)
}

/// True if an attacker has got as far as the case says or, where that says nothing, has begun.
fn is_at_it(agent: &Agent, case: &Map<String, Value>) -> bool {
    let stats = agent.stats();
    let turns = stats.timers + stats.messages_in + stats.dropped_turns;
    let figures: Map<String, Value> =
        stats.fields().map(|(name, figure)| (name.to_owned(), figure.into())).collect();
    let Some(least) = case.get("until") else { return turns > 2 || stats.cpu_micros > 1000 };
    least.as_object().unwrap().iter().all(|(name, least)| figures[name].as_u64() >= least.as_u64())
}

/// Puts the rounds of a loop in place of `{"$micros": n}`, for which it is to go, and the number of attackers in
/// place of `"attackers"` where something is listed so often.
fn worked_out(value: Value, attackers: &Value) -> Value {
    match value {
        Value::Object(object) => match object.get("$micros") {
            Some(micros) => json!(micros.as_u64().unwrap() * pace() / 1000),
            None => object
                .into_iter()
                .map(|(key, value)| match key.as_str() {
                    "times" if value == "attackers" => (key, attackers.clone()),
                    _ => (key, worked_out(value, attackers)),
                })
                .collect(),
        },
        Value::Array(array) => array.into_iter().map(|it| worked_out(it, attackers)).collect(),
        other => other,
    }
}

/// Threads that each deploy a module again and again, always another one to the compiler.
fn keep_deploying<'scope>(
    runtime: &'scope Runtime,
    case: &'scope Map<String, Value>,
    stop: &'scope AtomicBool,
    scope: &'scope std::thread::Scope<'scope, '_>,
) -> Vec<std::thread::ScopedJoinHandle<'scope, Result<(), String>>> {
    let Some(deploys) = case.get("deploys") else { return Vec::new() };
    let count = deploys["count"].as_u64().unwrap();
    let text = generate(&deploys["generate"]);
    let deploy = move || {
        while !stop.load(Ordering::Relaxed) {
            let text = different(&text);
            let result = wait(runtime.deploy(Deploy::bytes(text.into_bytes())));
            match (result, deploys.get("error")) {
                (Err(error), Some(expected)) => compare_error(expected, &error)?,
                (Ok(agent), None) => wait(agent.remove()).unwrap(),
                (result, expected) => {
                    return Err(format!("expected {expected:?}, got {:?}", result.map(drop)));
                }
            }
        }
        Ok(())
    };
    (0..count).map(|_| scope.spawn(deploy.clone())).collect()
}

/// The module with a number that none had before, so that nobody has it compiled.
fn different(module: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let number = since.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) as i64;
    let inside = module.strip_suffix(')').unwrap();
    format!("{inside} (global i64 (i64.const {number})))")
}

/// Memory and stored data of an attacker, in MiB.
fn own_memory(agent: &Agent) -> f64 {
    let stats = agent.stats();
    (stats.peak_memory_bytes + stats.stored_bytes) as f64 / MIB
}

/// The most memory that this process was seen to have, in MiB.
#[derive(Default)]
struct Memory {
    most: f64,
}

impl Memory {
    fn look(&mut self) {
        self.most = self.most.max(resident());
    }
}

/// The memory of this process in MiB; nothing where the system does not say.
fn resident() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else { return 0.0 };
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    kib / 1024.0
}
