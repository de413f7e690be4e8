//! Tables that everybody shares, beside one agent that fills them.

use caxton::{Agent, ConversationState, Limits, Register, Reply, Runtime};
use serde_json::{Value, json};

use crate::support::*;

fn silent(runtime: &Runtime, name: &str) {
    let handler = runtime.handler(|_| async { Reply::Nothing });
    runtime.register(Register::new(name, handler)).unwrap();
}

/// Limits that let an agent send as much as it likes.
fn busy() -> Limits {
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    limits.max_turn_work = None;
    limits.max_host_calls = None;
    limits
}

/// An agent that sends a message `count` times whenever it gets one that is no failure.
fn sender(runtime: &Runtime, name: &str, message: &Value, count: u32) -> Agent {
    let text = message.to_string();
    let code = handler(&format!(
        "(local $left i32) (local.set $left (i32.const {count}))
         (loop $again
           (drop (call $send {{text}}))
           (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
         (i32.const 0)"
    ));
    deploy(runtime, name, agent(&code, &[("text", &text)]).limits(busy()))
}

#[test]
fn one_message_to_many_unknown_names_leaves_the_dead_letters_of_others() {
    let runtime = runtime(1);
    let lost = json!({"performative": "inform", "sender": "me", "receiver": "host", "content": 1});
    for _ in 0..300 {
        wait(runtime.send(&draft(lost.clone()), HANGS)).unwrap();
    }
    let names: Vec<String> = (0..1_100).map(|at| format!("nobody{at}")).collect();
    let flood = json!({"performative": "failure", "receiver": names});
    let attacker = sender(&runtime, "attacker", &flood, 1);
    wait(attacker.send(&())).unwrap();
    let of = |name: &str| {
        let letters = runtime.dead_letters();
        letters.iter().filter(|it| it.message.sender() == name).count()
    };
    until("it has flooded them", || of("attacker") == 1_024 - 300);
    assert_eq!(of("me"), 300);
    assert!(attacker.stats().host_bytes > 0);
    // What it leaves behind is nobody's.
    wait(attacker.remove()).unwrap();
    assert_eq!((of("attacker"), attacker.stats().host_bytes), (1_024 - 300, 0));
}

#[test]
fn answers_that_are_wanted_by_one_for_nobody_leave_the_dead_letters_of_others() {
    for service in ["service", "df", "ams"] {
        answers_for_nobody_leave_the_dead_letters_of_others(service);
    }
}

fn answers_for_nobody_leave_the_dead_letters_of_others(service: &str) {
    let runtime = runtime(1);
    let answers = runtime.handler(|_| async { Reply::Content(b"1".to_vec()) });
    runtime.register(Register::new("service", answers)).unwrap();
    let lost = json!({"performative": "inform", "receiver": "host", "content": 1});
    for _ in 0..10 {
        wait(runtime.send(&draft(lost.clone()), HANGS)).unwrap();
    }
    let of = |name: &str| {
        let letters = runtime.dead_letters();
        letters.iter().filter(|it| it.message.sender() == name).count()
    };
    assert_eq!(of("host"), 10);
    let asks = json!({"performative": "request", "receiver": service, "reply_to": "nobody"});
    let attacker = sender(&runtime, "attacker", &asks, 100);
    for turn in 1..=12 {
        wait(attacker.send(&())).unwrap();
        until("it is answered", || of(service) >= (100 * turn).min(1_000));
        until("it has asked", || attacker.stats().messages_in == turn as u64);
    }
    // What the host agent itself sends to nobody stands beside them.
    assert_eq!(of("host"), 10);
    assert!(attacker.stats().host_bytes > 500_000, "{}", attacker.stats().host_bytes);
    wait(attacker.remove()).unwrap();
    assert_eq!(attacker.stats().host_bytes, 0);
    assert_eq!(of("host"), 10);
}

#[test]
fn twenty_thousand_conversations_of_one_agent_leave_those_of_others() {
    let runtime = runtime(1);
    silent(&runtime, "shop");
    for at in 0..10 {
        let asked = json!({"performative": "request", "receiver": "shop",
            "protocol": "fipa-request", "conversation_id": format!("mine{at}")});
        wait(runtime.send(&draft(asked), HANGS)).unwrap();
    }
    let request = json!({"performative": "request", "receiver": "shop",
        "protocol": "fipa-request"});
    let attacker = sender(&runtime, "attacker", &request, 1_000);
    for _ in 0..21 {
        wait(attacker.send(&())).unwrap();
    }
    until("it has begun them", || attacker.stats().messages_out >= 21_000);
    for at in 0..10 {
        let mine = runtime.conversation(&format!("mine{at}")).unwrap();
        assert_eq!(mine.state, ConversationState::Open);
    }
    assert!(attacker.stats().host_bytes > 10_000_000);
    wait(attacker.remove()).unwrap();
    assert_eq!(attacker.stats().host_bytes, 0);
}

#[test]
fn answers_that_are_due_keep_no_messages() {
    let runtime = runtime(1);
    deploy(&runtime, "silent", agent(&handler("(i32.const 0)"), &[]));
    let large = json!({"performative": "query-ref", "receiver": "silent", "reply_with": "a",
        "reply_by": 253_402_300_000_000_000_u64, "content": "x".repeat(50_000)});
    let attacker = sender(&runtime, "attacker", &large, 100);
    let silent = runtime.agent_named("silent").unwrap();
    for turn in 1..=4 {
        wait(attacker.send(&())).unwrap();
        until("it has asked", || silent.stats().messages_in == 100 * turn);
    }
    let kept = attacker.stats().host_bytes;
    // Some 1,300 bytes for each.
    assert!((100_000..1_000_000).contains(&kept), "{kept} bytes are kept");
    wait(attacker.remove()).unwrap();
    assert_eq!(attacker.stats().host_bytes, 0);
}
