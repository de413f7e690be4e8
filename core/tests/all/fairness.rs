//! Agents that want everything leave enough to the others.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use caxton::{Agent, Deploy, Filter, Grants, Limits, Runtime};
use serde_json::json;

use crate::support::*;

/// An agent that answers after some work.
fn worker(rounds: u64) -> caxton::Deploy {
    let work = format!(
        "(local $i i64) (loop $more (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (br_if $more (i64.lt_u (local.get $i) (i64.const {rounds})))) (call $send {{yes}})"
    );
    agent(&handler(&work), &[("yes", YES)])
}

/// Rounds of the loop of [`worker`] that take a millisecond here.
fn rounds_a_milli() -> u64 {
    const ROUNDS: u64 = 20_000_000;
    let runtime = runtime(1);
    let agent = deploy(&runtime, "measured", worker(ROUNDS).limits(patient()));
    ask(&runtime, "measured").unwrap();
    let rounds = ROUNDS * 1000 / agent.stats().cpu_micros.max(1);
    wait(runtime.close());
    rounds
}

/// An agent that works for so many rounds whenever its timer rings, and lets it ring again at once.
fn restless(rounds: u64) -> Deploy {
    agent(&restless_code(rounds, "(i32.const 0)"), &[])
}

/// The code of such an agent, which does this with a message.
fn restless_code(rounds: u64, with_message: &str) -> String {
    format!(
        "(func (export \"agent_init\") (result i32)
            (drop (call $set_timer (i64.const 1000))) (i32.const 0))
        (func (export \"handle_timer\") (param i32) (result i32) (local $i i64)
            (loop $more (local.set $i (i64.add (local.get $i) (i64.const 1)))
                (br_if $more (i64.lt_u (local.get $i) (i64.const {rounds}))))
            (drop (call $set_timer (i64.const 0))) (i32.const 0)) {}",
        handler(with_message)
    )
}

/// Deploys a hundred that work for 90 ms, and then again, and waits until all are at it.
fn deploy_restless(runtime: &Runtime, rounds_a_milli: u64) -> Vec<Agent> {
    let names = (0..100).map(|n| format!("restless-{n}"));
    let agents = wait(runtime.deploy_many(restless(90 * rounds_a_milli), names)).unwrap();
    until("all are at it", || agents.iter().all(|agent| agent.stats().cpu_micros > 1000));
    agents
}

fn unlimited() -> Limits {
    let mut limits = patient();
    limits.max_messages_per_second = None;
    limits
}

fn spin(runtime: &caxton::Runtime, count: usize, max_cpu_micros: u64) -> Vec<Agent> {
    let mut limits = patient();
    limits.max_cpu_micros = max_cpu_micros;
    let names = (0..count).map(|n| format!("spinner-{n}"));
    let agents = wait(runtime.deploy_many(spinner().limits(limits), names)).unwrap();
    for agent in &agents {
        wait(agent.send(&())).unwrap();
    }
    until("all of them have begun", || agents.iter().all(|a| a.stats().mailbox_messages == 0));
    agents
}

#[test]
fn ten_that_spin_leave_room_for_an_honest_one() {
    let runtime = runtime(2);
    let honest = deploy(&runtime, "honest", built("rust"));
    let spinners = spin(&runtime, 10, 10_000);
    for _ in 0..50 {
        assert_eq!(uppercase(&honest, "hello"), "HELLO");
    }
    until("all spinners go on", || spinners.iter().all(|agent| agent.stats().cpu_micros > 0));
    wait(runtime.close());
}

#[test]
fn a_long_turn_costs_a_quantum_of_others_and_not_ten() {
    let runtime = runtime(1);
    deploy(&runtime, "honest", worker(20_000_000));
    let spinners = spin(&runtime, 10, 300_000);
    let spent = || spinners.iter().map(|agent| agent.stats().cpu_micros).sum::<u64>();
    let before = spent();
    assert_eq!(content(&ask(&runtime, "honest").unwrap()), "yes");
    let cost = spent() - before;
    assert!(cost < 1_500_000, "an honest turn waited for {cost} microseconds of others");
    wait(runtime.close());
}

#[test]
fn turns_that_are_preempted_come_to_their_end() {
    let runtime = runtime(1);
    let mut limits = patient();
    limits.max_cpu_micros = 1000;
    deploy(&runtime, "long", worker(30_000_000).limits(limits));
    spin(&runtime, 3, 5000);
    assert_eq!(content(&ask(&runtime, "long").unwrap()), "yes");
    wait(runtime.close());
}

#[test]
fn sleeping_holds_no_worker() {
    let runtime = runtime(1);
    let honest = deploy(&runtime, "honest", built("rust"));
    let names = (0..50).map(|n| format!("sleeper-{n}"));
    let sleepers = wait(runtime.deploy_many(sleeper(), names)).unwrap();
    for agent in &sleepers {
        wait(agent.send(&())).unwrap();
    }
    until("all sleep", || sleepers.iter().all(|a| a.stats().mailbox_messages == 0));
    // Through the pool too, not only on this thread.
    wait(honest.send(&())).unwrap();
    until("the message is handled", || honest.stats().messages_in == 1);
    assert_eq!(uppercase(&honest, "hello"), "HELLO");
    wait(runtime.close());
}

#[test]
fn waiting_for_a_worker_does_not_count_as_time() {
    let runtime = runtime(1);
    let mut limits = caxton::Limits::default();
    limits.max_cpu_micros = 1000;
    // Some twenty slices of a millisecond; between two of them others have the worker for longer
    // than a twentieth of the limit.
    deploy(&runtime, "slow", worker(40_000_000).limits(limits));
    spin(&runtime, 1, 100_000);
    assert_eq!(content(&ask(&runtime, "slow").unwrap()), "yes");
    wait(runtime.close());
}

#[test]
fn many_threads_ask_many_agents() {
    let runtime = Arc::new(runtime(2));
    let names = (0..8).map(|n| format!("a{n}"));
    let agents = wait(runtime.deploy_many(built("rust"), names)).unwrap();
    std::thread::scope(|scope| {
        for first in 0..8 {
            let agents = &agents;
            scope.spawn(move || {
                for n in 0..100 {
                    assert_eq!(uppercase(&agents[(first + n) % 8], "hello"), "HELLO");
                }
            });
        }
    });
    let handled: u64 = agents.iter().map(|agent| agent.stats().messages_in).sum();
    assert_eq!(handled, 800);
    wait(runtime.close());
}

#[test]
fn short_turns_hardly_wait_for_a_hundred_that_spin_and_are_woken_at_once() {
    let rounds = rounds_a_milli();
    let runtime = runtime(2);
    deploy(&runtime, "honest", worker(rounds / 20).limits(unlimited()));
    deploy_restless(&runtime, rounds);
    let latencies = latencies(&runtime, "honest", 200);
    // Ten times what is promised of a machine that does nothing else.
    let (p50, p99) = (latencies[100], latencies[198]);
    assert!(p50 <= Duration::from_millis(20), "p50 {p50:?}, p99 {p99:?}");
    assert!(p99 <= Duration::from_millis(200), "p50 {p50:?}, p99 {p99:?}");
    wait(runtime.close());
}

#[test]
fn turns_of_two_milliseconds_have_their_turn_beside_a_hundred_that_spin() {
    let rounds = rounds_a_milli();
    let runtime = runtime(2);
    deploy(&runtime, "honest", worker(2 * rounds).limits(unlimited()));
    deploy_restless(&runtime, rounds);
    let latencies = latencies(&runtime, "honest", 12);
    assert!(latencies[11] <= Duration::from_secs(10), "{latencies:?}");
    wait(runtime.close());
}

#[test]
fn an_agent_has_time_by_its_share() {
    let rounds = rounds_a_milli();
    let runtime = runtime(1);
    let [less, more] = [100, 400].map(|share| {
        let mut limits = Limits::default();
        limits.cpu_share = share;
        deploy(&runtime, &format!("share-{share}"), restless(20 * rounds).limits(limits))
    });
    // Turns are compared and not their time: a thread that the machine holds up seems to run.
    until("both are at it", || less.stats().timers > 0 && more.stats().timers > 0);
    has_its_share(&less, || more.stats().timers, 1.5..=10.0);
    wait(runtime.close());
}

/// Compares the turns of an agent with those of others, once there are enough. The machine may hold a thread up
/// for as long, so they are compared again before it is said that the agent had less or more.
fn has_its_share(agent: &Agent, others: impl Fn() -> u64, expected: RangeInclusive<f64>) {
    const ENOUGH: u64 = 12;
    let mut ratios = Vec::new();
    while !ratios.last().is_some_and(|ratio| expected.contains(ratio)) {
        assert!(ratios.len() < 5, "{ratios:?}");
        let (before, others_before) = (agent.stats().timers, others());
        until("there is enough to compare", || agent.stats().timers >= before + ENOUGH);
        ratios.push((others() - others_before) as f64 / (agent.stats().timers - before) as f64);
    }
}

#[test]
fn agents_that_one_has_deployed_share_its_time() {
    let rounds = rounds_a_milli();
    let runtime = runtime(1);
    let order = json!({
        "performative": "request", "receiver": "ams",
        "content": {"action": "deploy", "like": "boss"},
    });
    let order = order.to_string();
    // Three times, and not for the answers.
    let deploys = "(if (i32.eqz (global.get $left)) (then (return (i32.const 0))))
        (global.set $left (i32.sub (global.get $left) (i32.const 1))) (call $send {order})";
    let code = restless_code(20 * rounds, deploys) + "(global $left (mut i32) (i32.const 3))";
    let mut grants = Grants::default();
    grants.directory_admin = true;
    let boss = deploy(&runtime, "boss", agent(&code, &[("order", &order)]).grants(grants));
    let other = deploy(&runtime, "other", restless(20 * rounds));
    for _ in 0..3 {
        wait(boss.send(&())).unwrap();
    }
    let turns_of_others = || runtime.metrics().total.timers.saturating_sub(other.stats().timers);
    until("they are there", || {
        let agents = runtime.agents();
        agents.len() >= 5 && agents.iter().all(|agent| agent.stats().timers > 0)
    });
    has_its_share(&other, turns_of_others, 0.4..=2.5);
    wait(runtime.close());
}

#[test]
fn many_timers_of_one_instant_leave_those_of_others_in_time() {
    let runtime = runtime(2);
    // Sets so many timers for one instant, some time from now.
    let code = format!(
        "(func (export \"handle_timer\") (param i32) (result i32) (i32.const 0)) {}",
        handler(
            "(local $i i32) (loop $more (drop (call $set_timer (i64.const 100000)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $more (i32.lt_u (local.get $i) (i32.const 4000)))) (i32.const 0)"
        )
    );
    let mut limits = unlimited();
    (limits.max_timers, limits.max_host_calls, limits.max_turn_work) = (4000, None, None);
    let names = (0..4).map(|n| format!("crowd-{n}"));
    let crowd = wait(runtime.deploy_many(agent(&code, &[]).limits(limits), names)).unwrap();
    // Says when it sets a timer of 10 ms, and when that rings; and then sets the next.
    let says = r#"{"performative":"inform","receiver":"host","content":"here"}"#;
    let next =
        "(drop (call $send {says})) (drop (call $set_timer (i64.const 10000))) (i32.const 0)";
    let code = format!(
        "(func (export \"handle_timer\") (param i32) (result i32) {next}) {}",
        handler(next)
    );
    deploy(&runtime, "honest", agent(&code, &[("says", says)]).limits(unlimited()));
    let seen = runtime.subscribe(Filter::read(br#"{"sender":"honest"}"#).unwrap()).unwrap();
    for agent in &crowd {
        wait(agent.send(&())).unwrap();
    }
    wait(runtime.send(&inform("honest", 1), None)).unwrap();
    let mut last = None;
    let mut latest = 0;
    until("all timers have rung", || {
        let sent_at = wait(seen.next()).unwrap().sent_at();
        if let Some(last) = last.replace(sent_at) {
            latest = latest.max((sent_at - last).saturating_sub(10_000));
        }
        crowd.iter().all(|agent| agent.stats().timers == 4000)
    });
    assert!(latest <= 200_000, "a timer rang {latest} microseconds late");
    wait(runtime.close());
}

/// Sends the message that is its configuration whenever it gets one.
const HOPS: &str = r#"(module
    (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
    (import "caxton" "load_data" (func $load (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 16) "config")
    (global $len (mut i32) (i32.const 0))
    (func (export "agent_init") (result i32)
        (global.set $len
            (call $load (i32.const 16) (i32.const 6) (i32.const 1024) (i32.const 1000)))
        (i32.const 0))
    (func (export "handle_message") (param i32 i32) (result i32)
        (call $send (i32.const 1024) (global.get $len))))"#;

/// An agent that waits for its place among others is in no turn, so to suspend it takes no time.
#[test]
fn an_agent_that_waits_for_its_turn_is_suspended_at_once() {
    let runtime = runtime(1);
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    let agents: Vec<Agent> = (0..3000)
        .map(|at| {
            let sends = json!({"performative": "inform", "receiver": format!("hops-{at}")});
            let hops = Deploy::bytes(HOPS.as_bytes()).config(sends.to_string());
            deploy(&runtime, &format!("hops-{at}"), hops.limits(limits.clone()))
        })
        .collect();
    for agent in &agents {
        wait(runtime.send(&inform(agent.name(), 1), None)).unwrap();
    }
    let (first, others) = agents.split_first().unwrap();
    let began = std::time::Instant::now();
    for agent in others {
        wait(agent.suspend()).unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let turns = || others.iter().map(|agent| agent.stats().turns).sum::<u64>();
    let suspended = turns();
    let hops = first.stats().turns;
    until("the first goes on", || first.stats().turns > hops + 1000);
    assert_eq!(turns(), suspended);
}
