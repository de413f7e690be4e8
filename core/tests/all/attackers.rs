//! Some that attack beside an honest agent: it is answered in time, and nothing of them stays.
//!
//! Bounds are ten times what the benchmarks promise, so that a busy machine passes; the host's work for an
//! attacker is its own time, and what waits for it waits for nobody else.

use std::time::Duration;

use caxton::{Agent, Limits, Runtime};
use serde_json::{Value, json};

use crate::support::*;

/// Attackers at once.
const ATTACKERS: usize = 4;
/// The most of an honest agent's latencies: half of them, and 99 in a hundred.
const P50: Duration = Duration::from_millis(20);
const P99: Duration = Duration::from_millis(500);

/// The limits of an attacker, who may send and call as often as it likes.
fn bold() -> Limits {
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    limits.max_host_calls = None;
    limits
}

/// Deploys agents that make this call whenever their timer rings, and let it ring again at once.
fn attack(runtime: &Runtime, call: &str, texts: &[(&str, &str)]) -> Vec<Agent> {
    let code = format!(
        "(func (export \"agent_init\") (result i32)
            (drop (call $set_timer (i64.const 1000))) (i32.const 0))
        (func (export \"handle_timer\") (param i32) (result i32)
            {call} (drop (call $set_timer (i64.const 0))) (i32.const 0)) {}",
        handler("(i32.const 0)")
    );
    let names = (0..ATTACKERS).map(|n| format!("attacker-{n}"));
    let attackers = wait(runtime.deploy_many(agent(&code, texts).limits(bold()), names)).unwrap();
    until("they attack", || attackers.iter().all(|agent| agent.stats().timers > 2));
    attackers
}

/// Checks that an honest agent is answered in time, and that the attackers' removal leaves nothing.
fn endures(runtime: &Runtime, call: &str, texts: &[(&str, &str)]) {
    let mut patient = bold();
    patient.max_turn_work = None;
    deploy(runtime, "honest", answerer().limits(patient));
    let attackers = attack(runtime, call, texts);
    let latencies = latencies(runtime, "honest", 200);
    let (p50, p99) = (latencies[100], latencies[198]);
    assert!(p50 <= P50 && p99 <= P99, "p50 {p50:?}, p99 {p99:?}");
    for attacker in &attackers {
        wait(attacker.remove()).unwrap();
        assert_eq!(attacker.stats().host_bytes, 0, "{}", attacker.name());
    }
    wait(runtime.close());
}

/// A message to so many names.
fn to_many(prefix: &str, fields: Value) -> String {
    let names: Vec<String> = (0..10_000).map(|n| format!("{prefix}{n}")).collect();
    let mut message = json!({"performative": "inform", "receiver": names});
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message.to_string()
}

const SEND: &str = "(drop (call $send {m}))";

#[test]
fn ten_thousand_topics_beside_subscriptions() {
    let runtime = runtime(2);
    let wanted = json!({"performative": "inform", "topic": ["t1", "t5000", "t9999"]}).to_string();
    let subscribes = "(func (export \"agent_init\") (result i32) (local $n i32)
        (loop $more (drop (call $subscribe {wanted}))
            (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))
        (i32.const 0))";
    let code = format!("{subscribes} {}", handler("(i32.const 0)"));
    deploy(&runtime, "reader", agent(&code, &[("wanted", &wanted)]));
    endures(&runtime, SEND, &[("m", &to_many("topic:t", json!({})))]);
}

#[test]
fn ten_thousand_names_that_nobody_has() {
    endures(&runtime(2), SEND, &[("m", &to_many("nobody", json!({})))]);
}

#[test]
fn ten_thousand_names_under_a_protocol_that_is_kept_strictly() {
    let runtime = Runtime::builder().workers(2).protocols(caxton::Protocols::Strict).build();
    let request = json!({"performative": "request", "protocol": "fipa-request",
        "reply_by": 253_402_300_000_000_000_u64});
    endures(&runtime.unwrap(), SEND, &[("m", &to_many("nobody", request))]);
}

#[test]
fn broadcasts_to_everybody() {
    let runtime = runtime(2);
    let crowd = (0..300).map(|n| format!("crowd-{n}"));
    wait(runtime.deploy_many(agent(&handler("(i32.const 0)"), &[]), crowd)).unwrap();
    let message = json!({"performative": "inform", "content": 1}).to_string();
    let call = "(drop (call $broadcast {all} {m}))";
    endures(&runtime, call, &[("all", "{}"), ("m", &message)]);
}

#[test]
fn searches_of_the_directory_with_long_lists() {
    let runtime = runtime(2);
    let crowd = (0..300).map(|n| format!("crowd-{n}"));
    wait(runtime.deploy_many(agent(&handler("(i32.const 0)"), &[]), crowd)).unwrap();
    let services: Vec<Value> = (0..200).map(|n| json!({"name": format!("s{n}")})).collect();
    let search = json!({
        "performative": "request", "receiver": "df", "reply_with": "s",
        "content": {"action": "search", "description": {"services": services}},
    });
    endures(&runtime, SEND, &[("m", &search.to_string())]);
}

#[test]
fn messages_to_themselves() {
    let runtime = runtime(2);
    let texts: Vec<String> = (0..ATTACKERS)
        .map(|n| json!({"performative": "inform", "receiver": format!("attacker-{n}")}).to_string())
        .collect();
    let send = |n: usize| format!("(drop (call $send {{m{n}}}))");
    let call: String = (0..ATTACKERS).map(send).collect();
    let names: Vec<String> = (0..ATTACKERS).map(|n| format!("m{n}")).collect();
    let texts: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    endures(&runtime, &call, &texts);
}
