//! Modules and agents that mean no good.

use caxton::{Deploy, ErrorKind, Limits};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::child;
use crate::support::*;

/// Ranges that a small guest does not have, and some that overflow.
const BAD: [(i32, i32); 8] = [
    (0x4000_0000, 1),
    (1, 0x4000_0000),
    (0x7fff_fff0, 0x20),
    (-1, 1),
    (-1, -1),
    (0, -1),
    (i32::MIN, i32::MIN),
    (i32::MAX, i32::MAX),
];

#[test]
fn ranges_outside_the_memory() {
    let mut body = String::new();
    let must = |call: String| {
        format!("(if (i32.ne {call} (i32.const -2)) (then (call $log {{wrong}}) unreachable))\n")
    };
    for (ptr, len) in BAD {
        let bad = format!("(i32.const {ptr}) (i32.const {len})");
        body.push_str(&must(format!("(call $send {bad})")));
        body.push_str(&must(format!("(call $subscribe {bad})")));
        body.push_str(&must(format!("(call $send_to {bad} {{message}})")));
        body.push_str(&must(format!("(call $send_to {{me}} {bad})")));
        body.push_str(&must(format!("(call $broadcast {bad} {{message}})")));
        body.push_str(&must(format!("(call $broadcast {{all}} {bad})")));
        body.push_str(&format!("(call $log {bad}) (call $error {bad})"));
        body.push_str(&format!("(call $log_at (i32.const {ptr}) {bad})"));
    }
    body.push_str("(call $send {yes})");
    let texts = [
        ("yes", YES),
        ("message", r#"{"performative":"inform"}"#),
        ("me", "a"),
        ("all", "{}"),
        ("wrong", "the host took it"),
    ];
    let runtime = runtime(1);
    let agent = deploy(&runtime, "a", agent(&handler(&body), &texts));
    assert_eq!(content(&ask(&runtime, "a").unwrap()), "yes");
    assert!(log_has(&agent, "outside the memory"));
    wait(runtime.close());
}

#[test]
fn texts_that_are_none() {
    let body = "(if (i32.ne (call $send_to {bad} {message}) (i32.const -2)) (then unreachable))
        (if (i32.ne (call $subscribe {bad}) (i32.const -2)) (then unreachable))
        (if (i32.ne (call $send {bad}) (i32.const -2)) (then unreachable))
        (i32.store8 (i32.const 0) (i32.const 0xff)) (call $log (i32.const 0) (i32.const 1))
        (if (i32.ne (call $send_to (i32.const 0) (i32.const 1) {message}) (i32.const -2))
            (then unreachable))
        (call $send {yes})";
    let texts =
        [("yes", YES), ("message", r#"{"performative":"inform"}"#), ("bad", &"\u{0}{".repeat(300))];
    let runtime = runtime(1);
    deploy(&runtime, "a", agent(&handler(body), &texts));
    assert_eq!(content(&ask(&runtime, "a").unwrap()), "yes");
    wait(runtime.close());
}

#[test]
fn modules_with_wrong_bytes() {
    const NAME: &str = "hostile::modules_with_wrong_bytes";
    if !child::is_here(NAME) {
        // What compiles after all is not to be kept.
        child::run(NAME, &[("CAXTON_CACHE_DIR", "")]);
        return;
    }
    let runtime = runtime(1);
    let mut limits = Limits::default();
    limits.max_execution_time_micros = Some(20_000);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/agents/build/");
    let modules =
        ["c", "assemblyscript"].map(|name| std::fs::read(format!("{folder}{name}.wasm")).unwrap());
    let change = (0usize..2, any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let mut runner = TestRunner::new(Config { cases: 120, ..Config::default() });
    runner
        .run(&prop::collection::vec(change, 1..4), |changes| {
            let mut wasm = modules[changes[0].0].clone();
            for (_, at, byte, cut) in &changes {
                let at = at.index(wasm.len().max(1));
                match cut {
                    true if changes.len() == 1 => wasm.truncate(at),
                    _ => wasm[at] ^= byte,
                }
            }
            let _ = caxton::inspect(&wasm);
            let deploy = Deploy::bytes(wasm).limits(limits.clone());
            match wait(runtime.deploy(deploy)) {
                Ok(agent) => {
                    let _ = wait(agent.ask(&1).timeout(std::time::Duration::from_millis(50)));
                    wait(agent.remove()).unwrap();
                }
                Err(error) => prop_assert_ne!(error.kind(), ErrorKind::Internal),
            }
            Ok(())
        })
        .unwrap();
    let agent = deploy(&runtime, "whole", built("c"));
    assert_eq!(uppercase(&agent, "x"), "X");
    wait(runtime.close());
}
