//! Messages: read, written and answered.

use caxton_sdk::testing::MockHost;
use caxton_sdk::*;
use serde_json::{Value, json};

fn read(json: Value) -> FipaMessage {
    FipaMessage::from_json(json.to_string().as_bytes()).unwrap()
}

#[test]
fn all_of_a_message_is_read_and_written() {
    let json = json!({
        "performative": "request", "sender": "anna", "receiver": ["bert", "carl"], "content": {"ä": ["\u{1F600}\"\\\n", 1]},
        "reply_to": "dora", "language": "json", "encoding": "utf-8", "ontology": "o", "protocol": "fipa-request",
        "conversation_id": "c", "reply_with": "w", "in_reply_to": "r", "reply_by": "2100-01-01T00:00:00Z",
        "message_id": "m", "sent_at": 1_764_000_000_000_000_u64, "X-traceparent": "t", "x_other": null,
    });
    let message = read(json.clone());
    assert_eq!(message.receiver, "bert");
    assert_eq!(message.receivers().collect::<Vec<_>>(), ["bert", "carl"]);
    assert_eq!(message.extra["X-traceparent"], "t");
    assert_eq!(serde_json::to_value(&message).unwrap(), json);
}

#[test]
fn numbers_are_not_mangled() {
    let message = read(json!({"performative": "inform", "content": u64::MAX}));
    assert_eq!(message.content.as_u64(), Some(u64::MAX));
}

#[test]
fn what_is_no_message_is_said() {
    for (json, part) in [
        ("", "EOF"),
        ("[]", "a message: an object with `performative`"),
        ("{}", "missing field `performative`"),
        (r#"{"performative": 1}"#, "expected a string"),
        (r#"{"performative": "inform", "receiver": {}}"#, "a name or a list of names"),
        (r#"{"performative": "inform", "sent_at": -1}"#, "u64"),
    ] {
        let error = FipaMessage::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{json}: {error}");
    }
    let deep = "[".repeat(100_000);
    let json = format!(r#"{{"performative": "inform", "content": {deep}"#);
    assert!(FipaMessage::from_json(json.as_bytes()).is_err());
}

#[test]
fn an_answer_goes_where_it_belongs() {
    let asked = read(json!({
        "performative": "request", "sender": "anna", "receiver": "me", "reply_with": "w", "conversation_id": "c",
        "protocol": "p", "ontology": "o", "language": "l", "message_id": "m",
    }));
    let answer = asked.reply("agree", ());
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({
            "performative": "agree", "receiver": "anna", "in_reply_to": "w", "conversation_id": "c",
            "protocol": "p", "ontology": "o", "language": "l",
        })
    );
    let asked = FipaMessage { reply_to: Some(String::new()), ..asked };
    assert_eq!(asked.reply("agree", ()).receiver, "anna");
    let asked = FipaMessage { reply_to: Some("dora".to_string()), ..asked };
    assert_eq!(asked.reply("agree", ()).receiver, "dora");
}

#[test]
fn the_answers_of_the_guide() {
    let host = MockHost::new();
    let asked =
        read(json!({"performative": "request", "sender": "anna", "content": {"action": "dance"}}));
    send_inform_response(&asked, &[1, 2]);
    send_failure(&asked, "no");
    send_not_understood(&asked);
    send_reply(&asked, "refuse", json!("busy"));
    let sent: Vec<_> = host.sent().into_iter().map(|m| (m.performative, m.content)).collect();
    assert_eq!(
        sent,
        [
            ("inform".to_string(), json!({"result": [1, 2]})),
            ("failure".to_string(), json!({"error": "no"})),
            ("not-understood".to_string(), json!({"error": "Unknown action: dance"})),
            ("refuse".to_string(), json!("busy")),
        ]
    );
    host.fail("send_message", Some(HostError::PermissionDenied));
    let line = format!("the answer failure to anna was not sent: {}", HostError::PermissionDenied);
    send_failure(&asked, "no");
    assert_eq!(host.logs(), [(LogLevel::Error, line.clone())]);
    assert_eq!(Err::<(), _>(AgentError::failure("no")).reply_to(&asked), 1);
    assert_eq!(json!(1).reply_to(&asked), 1);
    assert_eq!(Inform(1).reply_to(&asked), 1);
    assert_eq!(host.logs().len(), 3);
}

#[test]
fn what_nobody_handles_is_not_understood_unless_it_ends_an_exchange() {
    let understood = |act: &str, content| handle_other(&FipaMessage::new(act, "me", content));
    let action = json!({"action": "dance"});
    assert_eq!(
        understood("request", action),
        Err(AgentError::not_understood("Unknown action: dance"))
    );
    for content in [json!("dance"), json!({"action": 5}), Value::Null] {
        let error = AgentError::not_understood("No action given");
        assert_eq!(understood("request", content), Err(error));
    }
    let error = AgentError::not_understood("Unsupported performative: cfp");
    assert_eq!(understood("cfp", Value::Null), Err(error));
    for act in ["inform", "failure", "not-understood"] {
        assert_eq!(understood(act, Value::Null), Ok(()));
    }
}

#[test]
fn what_the_host_refuses_is_an_error() {
    let host = MockHost::new().agents(&[("anna", &["painting"]), ("bert", &[])]);
    let told = FipaMessage::new("inform", "anna", 1);
    assert_eq!(send_message(&told), Ok(()));
    assert_eq!(send_local_message("dora", &told), Err(HostError::NotFound));
    assert_eq!(broadcast_to_capability("painting", &told), Ok(1));
    assert_eq!(broadcast_message(&json!({}), &told), Ok(2));
    assert_eq!(broadcast_message(&json!({"colour": 1}), &told), Err(HostError::InvalidArgument));
    let forged = FipaMessage { sender: "bert".to_string(), ..told.clone() };
    assert_eq!(send_message(&forged), Err(HostError::PermissionDenied));
    let nothing = FipaMessage::new("sing", "anna", 1);
    assert_eq!(send_message(&nothing), Err(HostError::InvalidArgument));
    let long = FipaMessage::new("inform", "anna", "x".repeat(1 << 20));
    assert_eq!(send_message(&long), Err(HostError::LimitExceeded));
    host.fail("send_local_message", Some(HostError::MailboxFull));
    assert_eq!(send_to_agent("anna", &told), Err(HostError::MailboxFull));
    let subscription = subscribe_messages(&json!({"topic": "weather"})).unwrap();
    assert_eq!(host.subscriptions()[0].1["topic"], "weather");
    assert_eq!(unsubscribe_messages(subscription), Ok(()));
    assert_eq!(unsubscribe_messages(subscription), Err(HostError::NotFound));
    let names = [
        "the host gave the code -7",
        "mailbox full: ",
        "buffer too small: ",
        "limit exceeded: ",
        "permission denied: ",
        "invalid argument: ",
        "not found: ",
    ];
    for (code, name) in (-7..0).zip(names) {
        let error = HostError::from_code(code).unwrap();
        assert_eq!(error.code(), code);
        assert!(error.to_string().starts_with(name), "{error}");
    }
    assert_eq!(HostError::from_code(0), None);
}

#[test]
fn stored_data() {
    let host = MockHost::new();
    assert_eq!(load::<u8>("a"), Ok(None));
    store("a", &json!({"b": [1]})).unwrap();
    assert_eq!(load("a"), Ok(Some(json!({"b": [1]}))));
    assert!(load::<u8>("a").unwrap_err().text().contains("\"a\""));
    assert_eq!(data_size("a"), Some(9));
    assert!(delete("a"));
    assert!(!delete("a"));
    store_data("raw", &[0xff, 0]).unwrap();
    assert_eq!(load_data("raw"), Some(vec![0xff, 0]));
    store_data("nothing", &[]).unwrap();
    assert_eq!(load_data("nothing"), Some(vec![]));
    assert_eq!(store_data(&"k".repeat(4097), &[]), Err(HostError::InvalidArgument));
    host.fail("store_data", Some(HostError::LimitExceeded));
    assert!(store("a", &1).is_err());
}

#[test]
fn contents_above_the_guides_limits() {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let keys: Value =
        (0..101).map(|i| (i.to_string(), json!(0))).collect::<serde_json::Map<_, _>>().into();
    for (content, part) in [
        (keys, "too many keys"),
        (json!({"k".repeat(257): 1}), "Key too long"),
        (json!(vec![0; 1001]), "Array too large"),
        (json!({"a": ["x".repeat(10_001)]}), "String too long"),
        (nested(65), "Nested too deeply"),
        (json!(vec!["x".repeat(9_999); 200]), "Data too large"),
    ] {
        let error = validate_json_structure(&content).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(validate_json_structure(&nested(64)), Ok(()));
    #[derive(serde::Deserialize)]
    struct Content {
        #[serde(deserialize_with = "caxton_sdk::validated")]
        data: Value,
    }
    assert_eq!(serde_json::from_value::<Content>(json!({"data": 1})).map(|c| c.data).unwrap(), 1);
    assert!(serde_json::from_value::<Content>(json!({"data": "x".repeat(10_001)})).is_err());
}
