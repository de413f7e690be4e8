//! Agents that want everything leave enough to the others.

use std::sync::Arc;

use caxton::Agent;

use crate::support::*;

/// An agent that answers after some work.
fn worker(rounds: u64) -> caxton::Deploy {
    let work = format!(
        "(local $i i64) (loop $more (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (br_if $more (i64.lt_u (local.get $i) (i64.const {rounds})))) (call $send {{yes}})"
    );
    agent(&handler(&work), &[("yes", YES)])
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
