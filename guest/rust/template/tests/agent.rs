//! Tests of the agent without the runtime: the host is a mock.

use caxton_sdk::testing::MockHost;
use caxton_sdk::{FipaMessage, HostError, LogLevel};
use my_agent::AGENT;
use serde_json::{Value, json};

/// Delivers a message; the agent's code, and the act and the content of its only answer.
fn deliver(host: &MockHost, performative: &str, content: Value) -> (i32, String, Value) {
    let message = FipaMessage {
        reply_with: Some("1".to_string()),
        ..FipaMessage::new(performative, "agent", content)
    };
    let code = host.deliver(message);
    let (act, content) = answer(host);
    (code, act, content)
}

fn answer(host: &MockHost) -> (String, Value) {
    let mut sent = host.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let message = sent.remove(0);
    assert_eq!(message.receiver, "tester");
    assert_eq!(message.in_reply_to.as_deref(), Some("1"));
    (message.performative, message.content)
}

fn error(act: &str, text: impl ToString) -> (i32, String, Value) {
    (1, act.to_string(), json!({"error": text.to_string()}))
}

#[test]
fn it_says_that_it_is_ready_and_what_it_can_do() {
    let host = MockHost::of(&AGENT);
    assert_eq!(host.logs(), [(LogLevel::Info, "my-agent is ready".to_string())]);
    let capabilities = host.capabilities().unwrap();
    assert_eq!(capabilities["version"], "0.1.0");
    assert_eq!(capabilities["performatives"], json!(["request"]));
    assert_eq!(capabilities["services"][0]["name"], "greeting");
}

#[test]
fn it_greets_and_counts() {
    let host = MockHost::of(&AGENT);
    for (greeted, name) in [(1, "Ada"), (2, "Zoë \"🙂\"")] {
        let content = json!({"action": "greet", "name": name});
        let greeting = format!("Hello, {name}!");
        let result = json!({"result": {"greeting": greeting, "greeted": greeted}});
        assert_eq!(deliver(&host, "request", content), (0, "inform".to_string(), result));
        host.restart();
    }
    assert_eq!(host.stored("greeted"), Some(2));
}

#[test]
fn it_needs_a_name() {
    let host = MockHost::of(&AGENT);
    for name in [json!(""), json!(5), Value::Null] {
        let text = r#"Expected a name, as in {"action": "greet", "name": "Ada"}"#;
        let content = json!({"action": "greet", "name": name});
        assert_eq!(deliver(&host, "request", content), error("failure", text));
    }
    assert_eq!(deliver(&host, "request", json!({"action": "greet"})).1, "failure");
    assert_eq!(host.keys(), [""; 0]);
}

#[test]
fn it_fails_where_it_cannot_count() {
    let host = MockHost::of(&AGENT);
    host.fail("store_data", Some(HostError::LimitExceeded));
    let answer = deliver(&host, "request", json!({"action": "greet", "name": "Ada"}));
    assert_eq!(answer, error("failure", HostError::LimitExceeded));
}

#[test]
fn it_reminds() {
    let host = MockHost::of(&AGENT);
    let order = json!({"action": "remind", "after_micros": 1000, "text": "tea"});
    assert_eq!(deliver(&host, "request", order), (0, "agree".to_string(), Value::Null));
    let (timer, micros) = host.timers()[0];
    assert_eq!(micros, 1000);
    assert_eq!(host.keys(), [format!("reminder:{timer}")]);
    // What waits is stored, so a fresh instance goes on.
    host.restart();
    host.advance(999);
    assert_eq!(host.sent(), []);
    host.advance(1);
    assert_eq!(host.code(), 0);
    assert_eq!(answer(&host), ("inform".to_string(), json!({"result": {"reminder": "tea"}})));
    assert_eq!(host.keys(), [""; 0]);
}

#[test]
fn it_needs_microseconds_and_a_text() {
    let host = MockHost::of(&AGENT);
    let text = r#"Expected microseconds and a text, as in {"action": "remind", "after_micros": 1000, "text": "tea"}"#;
    for order in [
        json!({"text": "tea"}),
        json!({"after_micros": -1, "text": "tea"}),
        json!({"after_micros": 1.5, "text": "tea"}),
        json!({"after_micros": "1000", "text": "tea"}),
        json!({"after_micros": 1_u64 << 53, "text": "tea"}),
        json!({"after_micros": 1000}),
        json!({"after_micros": 1000, "text": 5}),
    ] {
        let mut order = order;
        order["action"] = json!("remind");
        assert_eq!(deliver(&host, "request", order), error("failure", text));
    }
    assert_eq!(host.timers(), []);
}

#[test]
fn it_fails_where_it_cannot_remind() {
    for function in ["set_timer", "store_data"] {
        let host = MockHost::of(&AGENT);
        host.fail(function, Some(HostError::LimitExceeded));
        let order = json!({"action": "remind", "after_micros": 1000, "text": "tea"});
        assert_eq!(deliver(&host, "request", order), error("failure", HostError::LimitExceeded));
        assert_eq!(host.timers(), []);
        assert_eq!(host.keys(), [""; 0]);
    }
}

#[test]
fn it_understands_no_other_actions_and_acts() {
    let host = MockHost::of(&AGENT);
    let answer = deliver(&host, "request", json!({"action": "dance"}));
    assert_eq!(answer, error("not-understood", "Unknown action: dance"));
    for content in [json!({}), json!({"action": 5}), json!("greet"), Value::Null] {
        let answer = deliver(&host, "request", content);
        assert_eq!(answer, error("not-understood", "No action given"));
    }
    for act in ["query-if", "agree", "refuse"] {
        let answer = deliver(&host, act, json!({"action": "greet", "name": "Ada"}));
        assert_eq!(answer, error("not-understood", format!("Unsupported performative: {act}")));
    }
}

#[test]
fn it_does_not_answer_what_ends_an_exchange() {
    let host = MockHost::of(&AGENT);
    for act in ["inform", "failure", "not-understood"] {
        assert_eq!(host.deliver(FipaMessage::new(act, "agent", json!({"action": "greet"}))), 0);
    }
    assert_eq!(host.sent(), []);
}

#[test]
fn it_logs_what_it_cannot_read() {
    let host = MockHost::of(&AGENT);
    host.logs();
    assert_eq!(host.deliver_bytes(b"{"), 1);
    let (level, line) = host.logs().remove(0);
    assert_eq!(level, LogLevel::Error);
    assert!(line.starts_with("the message cannot be read: "), "{line}");
    assert_eq!(host.sent(), []);
}
