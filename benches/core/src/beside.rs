//! Honest agents beside a hundred that spin: how long their turns take to come.

use std::error::Error;
use std::time::Instant;

use caxton::blocking::block_on;
use caxton::{Deploy, Draft, Filter, Performative, Runtime, Wasm};
use serde_json::{Value, json};

use crate::agents::message;
use crate::rows::unlimited;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Agents that spin, for so many milliseconds a turn, and are woken at once.
const SPINNING: usize = 100;
const SPIN_MILLIS: u64 = 90;
/// Turns of each honest agent that are timed in a round.
const SHORT_TURNS: usize = 200;
const LONG_TURNS: usize = 10;
/// Rounds of the loop by which a machine's pace is found.
const TRIAL: u64 = 100_000_000;

/// An agent that goes round so many times for each message and each timer, and answers a message.
fn working(rounds: u64, on_init: &str, after_timer: &str) -> String {
    let answer = message("host", "done");
    let (length, escaped) = (answer.len(), answer.replace('"', "\\22"));
    format!(
        r#"(module
        (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
        (import "caxton" "set_timer" (func $set_timer (param i64) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "{escaped}")
        (func $work (local $i i64)
            (loop $more (local.set $i (i64.add (local.get $i) (i64.const 1)))
                (br_if $more (i64.lt_u (local.get $i) (i64.const {rounds})))))
        (func (export "agent_init") (result i32) {on_init} (i32.const 0))
        (func (export "handle_timer") (param i32) (result i32)
            (call $work) {after_timer} (i32.const 0))
        (func (export "handle_message") (param i32 i32) (result i32)
            (call $work) (call $send (i32.const 16) (i32.const {length}))))"#
    )
}

/// Microseconds of each round: the halfway and the slowest hundredth of turns of 50 µs, and the slowest of
/// turns of 2 ms.
pub fn measure(rounds: usize) -> Fallible<Value> {
    let a_milli = rounds_a_milli()?;
    let runtime = Runtime::builder().workers(2).limits(unlimited()).build()?;
    for (name, work) in [("short", a_milli / 20), ("long", 2 * a_milli)] {
        let code = working(work, "", "");
        block_on(runtime.deploy(Deploy::bytes(code.into_bytes()).name(name)))?;
    }
    let set = |micros: u64| format!("(drop (call $set_timer (i64.const {micros})))");
    let code = working(SPIN_MILLIS * a_milli, &set(1000), &set(0));
    let spinning = Deploy::new(Wasm::bytes(code.into_bytes()));
    let names = (0..SPINNING).map(|number| format!("spinning-{number}"));
    block_on(runtime.deploy_many(spinning, names))?;
    let (mut p50, mut p99, mut long) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let short = latencies(&runtime, "short", SHORT_TURNS)?;
        let slow = latencies(&runtime, "long", LONG_TURNS)?;
        // The first shows how long the turns are.
        if round > 0 {
            p50.push(short[SHORT_TURNS / 2]);
            p99.push(short[SHORT_TURNS * 99 / 100]);
            long.push(slow[LONG_TURNS - 1]);
        }
    }
    block_on(runtime.close());
    Ok(json!({"short_p50": p50, "short_p99": p99, "long_p99": long}))
}

fn rounds_a_milli() -> Fallible<u64> {
    let runtime = Runtime::builder().workers(1).limits(unlimited()).build()?;
    let code = working(TRIAL, "", "").into_bytes();
    let agent = block_on(runtime.deploy(Deploy::bytes(code).name("trial")))?;
    latencies(&runtime, "trial", 1)?;
    let micros = agent.stats().cpu_micros.max(1);
    block_on(runtime.close());
    Ok(TRIAL * 1000 / micros)
}

/// Microseconds from a message to its answer, in order, of so many one after the other. They go through
/// the pool: nobody asks.
fn latencies(runtime: &Runtime, name: &str, count: usize) -> Fallible<Vec<f64>> {
    let filter = json!({"sender": name}).to_string();
    let seen = runtime.subscribe(Filter::read(filter.as_bytes())?)?;
    let draft = Draft::new(Performative::Inform, name, &1)?;
    let mut latencies = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        block_on(runtime.send(&draft, None))?;
        block_on(seen.next()).ok_or("nothing was sent")?;
        latencies.push(began.elapsed().as_secs_f64() * 1e6);
    }
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}
