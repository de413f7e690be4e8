//! Tests of the agent without the runtime: the host is a mock.

use caxton_sdk::testing::Host;
use caxton_sdk::{FipaMessage, HostError, LogLevel};
use my_agent::AGENT;
use serde_json::{Value, json};

fn request(content: Value) -> FipaMessage {
    FipaMessage {
        performative: "request".to_string(),
        sender: "me".to_string(),
        receiver: "agent".to_string(),
        reply_with: Some("1".to_string()),
        content,
        ..Default::default()
    }
}

/// The only message that was sent, as its act and content.
fn answer(host: &Host) -> (String, Value) {
    let mut sent = host.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let message = sent.remove(0);
    assert_eq!(message.receiver, "me");
    assert_eq!(message.in_reply_to.as_deref(), Some("1"));
    (message.performative, message.content)
}

#[test]
fn it_is_ready_and_says_what_it_can() {
    let host = Host::of(&AGENT);
    assert_eq!(host.logs(), [(LogLevel::Info, "my-agent is ready".to_string())]);
    let capabilities = host.capabilities().unwrap();
    assert_eq!(capabilities["services"][0]["name"], "greeting");
    assert_eq!(capabilities["performatives"], json!(["request"]));
}

#[test]
fn it_greets_and_counts() {
    let host = Host::of(&AGENT);
    for greeted in 1..=2 {
        assert_eq!(host.deliver(request(json!({"action": "greet", "name": "Ada"}))), 0);
        let content = json!({"result": {"greeting": "Hello, Ada!", "greeted": greeted}});
        assert_eq!(answer(&host), ("inform".to_string(), content));
    }
    host.restart();
    assert_eq!(host.stored("greeted"), Some(2));
}

#[test]
fn it_says_what_it_expected() {
    let host = Host::of(&AGENT);
    for content in [json!({"action": "greet"}), json!({"action": "greet", "name": ""})] {
        assert_eq!(host.deliver(request(content)), 1);
        let (act, content) = answer(&host);
        assert_eq!(act, "failure");
        let expected = r#"Expected a name, as in {"action": "greet", "name": "Ada"}"#;
        assert_eq!(content, json!({ "error": expected }));
    }
}

#[test]
fn it_understands_nothing_else() {
    let host = Host::of(&AGENT);
    assert_eq!(host.deliver(request(json!({"action": "dance"}))), 1);
    let content = json!({"error": "Unknown action: dance"});
    assert_eq!(answer(&host), ("not-understood".to_string(), content));
    assert_eq!(host.deliver(request(json!("hello"))), 1);
    assert_eq!(answer(&host).1, json!({"error": "No action given"}));

    let asked = FipaMessage { performative: "query-if".to_string(), ..request(json!({})) };
    assert_eq!(host.deliver(asked), 1);
    assert_eq!(answer(&host).1, json!({"error": "Unsupported performative: query-if"}));

    let told = FipaMessage { performative: "inform".to_string(), ..request(json!({})) };
    assert_eq!(host.deliver(told), 0);
    assert_eq!(host.sent(), []);
}

#[test]
fn it_logs_what_it_cannot_read() {
    let host = Host::of(&AGENT);
    host.logs();
    assert_eq!(host.deliver_bytes(b"{"), 1);
    assert_eq!(host.logs()[0].0, LogLevel::Error);
    assert_eq!(host.sent(), []);
}

#[test]
fn it_reminds() {
    let host = Host::of(&AGENT);
    let order = json!({"action": "remind", "after_micros": 1000, "text": "tea"});
    assert_eq!(host.deliver(request(order)), 0);
    assert_eq!(answer(&host).0, "agree");
    let (timer, micros) = host.timers()[0];
    assert_eq!(micros, 1000);
    assert_eq!(host.keys(), [format!("reminder:{timer}")]);
    host.advance(999);
    assert_eq!(host.sent(), []);
    // What waits is stored, so a fresh instance goes on.
    host.restart();
    host.advance(1);
    let content = json!({"result": {"reminder": "tea"}});
    assert_eq!(answer(&host), ("inform".to_string(), content));
    assert_eq!(host.keys(), [""; 0]);
}

#[test]
fn it_fails_where_it_cannot_remind() {
    let host = Host::of(&AGENT);
    for order in [json!({"after_micros": -1, "text": "tea"}), json!({"after_micros": 1})] {
        let mut order = order;
        order["action"] = json!("remind");
        assert_eq!(host.deliver(request(order)), 1);
        assert_eq!(answer(&host).0, "failure");
    }
    host.fail("set_timer", Some(HostError::LimitExceeded));
    let order = json!({"action": "remind", "after_micros": 1000, "text": "tea"});
    assert_eq!(host.deliver(request(order)), 1);
    assert_eq!(answer(&host).0, "failure");
    assert_eq!(host.keys(), [""; 0]);
}
