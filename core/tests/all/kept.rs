//! Memory that the host keeps for agents.

use caxton::{Agent, Deploy, Limits, Runtime};

use crate::support::*;

/// An agent that writes a line of `bytes` bytes whenever it gets a message.
fn writer(runtime: &Runtime, name: &str, bytes: usize) -> Agent {
    let code = handler(&format!("(call $log (i32.const 65536) (i32.const {bytes})) (i32.const 0)"));
    let mut limits = Limits::default();
    limits.max_log_bytes = 1 << 20;
    let module = module(&code, &[])
        .replace("(memory (export \"memory\") 1)", "(memory (export \"memory\") 17)");
    deploy(runtime, name, Deploy::bytes(module.into_bytes()).limits(limits))
}

fn turns(agent: &Agent, count: u64) {
    for _ in 0..count {
        wait(agent.send(&())).unwrap();
    }
    until("it has had its turns", || agent.stats().turns > count);
}

#[test]
fn logs_of_many_take_what_is_allowed_together_and_those_who_write_little_keep_theirs() {
    const LINE: usize = 1_000_000;
    let runtime = runtime(2);
    let quiet = writer(&runtime, "quiet", 10);
    turns(&quiet, 1);
    let loud: Vec<Agent> =
        (0..275).map(|at| writer(&runtime, &format!("loud-{at}"), LINE)).collect();
    for agent in &loud {
        turns(agent, 1);
    }
    let lines = |agent: &Agent| agent.logs().len();
    let left: Vec<usize> = loud.iter().map(lines).collect();
    let (all, most) = (left.iter().sum::<usize>(), (256 << 20) / LINE);
    assert!((most - 8..=most).contains(&all), "{all} lines of a megabyte are left");
    assert!(left.is_sorted(), "the oldest went first: {left:?}");
    assert_eq!(lines(&quiet), 1);
    let kept = loud.iter().map(|agent| agent.stats().host_bytes).sum::<u64>();
    assert!(kept <= 256 << 20, "{kept} bytes are charged");
    assert!(kept >= (all * LINE) as u64);
}
