//! What a turn does takes effect as a whole.

use crate::support::*;

const NEWS: &str = r#"{"topic":"news"}"#;

#[test]
fn subscriptions_outlive_the_instance_unless_its_init_made_them() {
    let runtime = runtime(1);
    // It subscribes in its first turn, and traps in its second.
    let body = "(global.set $turns (i32.add (global.get $turns) (i32.const 1)))
        (if (i32.eq (global.get $turns) (i32.const 2)) (then unreachable))
        (if (i32.eq (local.get $len) (i32.const 0)) (then unreachable))
        (drop (call $subscribe {news})) (i32.const 0)";
    let code = format!("(global $turns (mut i32) (i32.const 0)) {}", handler(body));
    let reader = deploy(&runtime, "reader", agent(&code, &[("news", NEWS)]));
    wait(reader.send(&())).unwrap();
    wait(reader.send(&())).unwrap();
    until("it has trapped", || reader.stats().dropped_turns == 1);
    wait(runtime.send(&inform("topic:news", 1), HANGS)).unwrap();
    until("it gets what it subscribed to", || reader.stats().messages_in == 3);
    wait(runtime.close());
}

#[test]
fn an_init_that_runs_again_may_subscribe_again() {
    let runtime = runtime(1);
    let mut limits = caxton::Limits::default();
    limits.max_subscriptions = 1;
    let init = "(func (export \"agent_init\") (result i32)
        (i32.lt_s (call $subscribe {news}) (i32.const 1)))";
    // It traps over each message that was sent to it, and not over what it reads.
    let body = "(if (i32.gt_u (local.get $len) (i32.const 1000)) (then unreachable)) (i32.const 0)";
    let code = format!("{init} {}", handler(body));
    let reader = deploy(&runtime, "reader", agent(&code, &[("news", NEWS)]).limits(limits));
    for round in 1..=3 {
        wait(reader.send(&"x".repeat(1000))).unwrap();
        until("it has trapped", || reader.stats().dropped_turns == round);
        wait(runtime.send(&inform("topic:news", 1), HANGS)).unwrap();
        until("it reads one copy", || reader.stats().turns == 1 + 2 * round);
    }
    wait(runtime.close());
}

#[test]
fn a_dropped_turn_subscribes_to_nothing() {
    let runtime = runtime(1);
    let code = handler("(drop (call $subscribe {news})) unreachable");
    let reader = deploy(&runtime, "reader", agent(&code, &[("news", NEWS)]));
    wait(reader.send(&())).unwrap();
    until("it has trapped", || reader.stats().dropped_turns == 1);
    wait(runtime.send(&inform("topic:news", 1), HANGS)).unwrap();
    assert_eq!(ask(&runtime, "reader").unwrap().sender(), "ams");
    assert_eq!(reader.stats().messages_in, 2);
    wait(runtime.close());
}

#[test]
fn restarts_at_the_same_time_are_all_told() {
    let runtime = runtime(1);
    let init = "(func (export \"agent_init\") (result i32) (call $log {begins}) (i32.const 0))";
    let nap = handler("(call $sleep (i64.const 300000)) (i32.const 0)");
    let code = format!("{init} {nap}");
    let napper = deploy(&runtime, "napper", agent(&code, &[("begins", "begins")]));
    wait(napper.send(&())).unwrap();
    // All of them are ordered before its turn ends.
    let restarts: Vec<_> = (0..3).map(|_| napper.restart()).collect();
    for restarted in wait(futures_util::future::join_all(restarts)) {
        restarted.unwrap();
    }
    assert_eq!(napper.logs().len(), 2, "one init serves them all");
    wait(runtime.close());
}
