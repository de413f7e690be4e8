//! Reading and writing messages, and filters, by what always has to be so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail this way")]

use std::collections::HashSet;

use proptest::prelude::*;
use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};

use super::*;

fn write(text: &str, sender: &str) -> Option<Message> {
    let envelope = Envelope::read(text.as_bytes()).ok()?;
    let stamp =
        Stamp { sender: Some(sender), message_id: Some("id"), sent_at: 7, ..Stamp::default() };
    Message::write(&envelope, &stamp).ok()
}

fn read(text: &str) -> Message {
    write(text, "host").unwrap_or_else(|| panic!("{text} is a message"))
}

/// The keys of an object, each as often as it stands there.
struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.push(key);
        }
        Ok(keys)
    }
}

/// What must be so of anything that the host has written.
fn check(message: &Message, sender: &str) {
    let json = message.as_json();
    let parsed: Value = serde_json::from_slice(json).unwrap();
    assert_eq!(parsed["sender"], sender);
    assert_eq!(message.sender(), sender);
    assert_eq!(parsed["message_id"], "id");
    assert_eq!(parsed["sent_at"], 7);
    assert_eq!(parsed["performative"], message.performative().as_str());
    let keys = serde_json::Deserializer::from_slice(json).deserialize_map(Keys).unwrap();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "{keys:?}");
    let receivers: Vec<&str> = message.receivers().collect();
    match &parsed["receiver"] {
        Value::String(one) => assert_eq!(receivers, [one]),
        Value::Array(many) => assert_eq!(receivers, *many),
        other => panic!("the receiver is {other}"),
    }
    for (key, value) in [
        ("reply_to", message.reply_to()),
        ("language", message.language()),
        ("encoding", message.encoding()),
        ("ontology", message.ontology()),
        ("protocol", message.protocol()),
        ("conversation_id", message.conversation_id()),
        ("reply_with", message.reply_with()),
        ("in_reply_to", message.in_reply_to()),
    ] {
        assert_eq!(parsed.get(key).and_then(Value::as_str), value, "{key}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,8}",
        any::<String>(),
        Just("\u{0}\"\\\n\u{2028}🙂".to_owned()),
        Just("ams".to_owned()),
    ]
}

fn content() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A field's name, sometimes one that the host writes itself.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "sender", "reply_to", "language", "encoding", "ontology", "protocol",
            "conversation_id", "reply_with", "in_reply_to", "message_id", "sent_at", "X-a",
        ])
        .prop_map(str::to_owned),
        1 => text(),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_true_json(
        act in prop::sample::select(Performative::ALL.to_vec()),
        receivers in prop::collection::vec(text(), 1..4),
        fields in prop::collection::btree_map(key(), text(), 0..8),
        content in content(),
        sender in text(),
    ) {
        let mut object = json!({"performative": act.as_str(), "content": content});
        let one = receivers.len() == 1;
        object["receiver"] = if one { receivers[0].clone().into() } else { receivers.into() };
        for (key, value) in fields {
            object.as_object_mut().unwrap().entry(key).or_insert(value.into());
        }
        let message = write(&object.to_string(), &sender).unwrap();
        check(&message, &sender);
        prop_assert_eq!(serde_json::from_str::<Value>(message.content()).unwrap(), content);
        // What the host has written can be sent again, and stays what it is.
        let again = write(std::str::from_utf8(message.as_json()).unwrap(), &sender).unwrap();
        prop_assert_eq!(again.as_json(), message.as_json());
    }

    #[test]
    fn any_text_is_a_message_or_an_error(text in any::<String>()) {
        if let Some(message) = write(&text, "me") {
            check(&message, "me");
        }
    }

    #[test]
    fn damaged_messages_are_messages_or_errors(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        insert in any::<bool>(),
    ) {
        let mut bytes = br#"{"performative":"inform","receiver":["a","b\u0062"],"content":{"a":[1,"x"]},
            "sender":"me","reply_by":"2100-01-01T00:00:00Z","X-a":null}"#.to_vec();
        let at = at.index(bytes.len());
        if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        if let Ok(envelope) = Envelope::read(&bytes) {
            let stamp = Stamp {
                sender: Some("me"), message_id: Some("id"), sent_at: 7, ..Stamp::default()
            };
            if let Ok(message) = Message::write(&envelope, &stamp) {
                prop_assert!(serde_json::from_slice::<IgnoredAny>(message.as_json()).is_ok());
                prop_assert_eq!(message.sender(), "me");
            }
        }
    }

    #[test]
    fn filters_never_panic(text in any::<String>()) {
        let _ = Filter::read(text.as_bytes());
    }
}

#[test]
fn a_receiver_in_place_of_those_named_may_need_escapes() {
    let envelope = Envelope::read(br#"{"performative":"inform","receiver":"b"}"#).unwrap();
    let stamp = Stamp { receiver: Some("say \"hi\""), ..Stamp::default() };
    let message = Message::write(&envelope, &stamp).unwrap();
    assert_eq!(message.receiver(), "say \"hi\"");
}

#[test]
fn keys_are_compared_without_their_escapes() {
    for text in [
        r#"{"performative":"inform","performative":"inform","receiver":"a"}"#,
        r#"{"performative":"inform","receiver":"a","\u0072eceiver":"a"}"#,
        r#"{"performative":"inform","receiver":"a","x_a":1,"x\u005fa":2}"#,
        r#"{"performative":"inform","receiver":"a","sent_at":1,"sent_at":1}"#,
    ] {
        assert!(write(text, "host").is_none(), "{text}");
    }
}

#[test]
fn replies_keep_what_ties_them() {
    let asked = read(
        r#"{"performative":"request","receiver":"a","reply_with":"w","conversation_id":"c",
            "protocol":"p","ontology":"o","language":"l","reply_to":"other"}"#,
    );
    let reply = Draft::reply(&asked, Performative::Inform, &1).unwrap().to_message().unwrap();
    assert_eq!(reply.receiver(), "other");
    assert_eq!(reply.in_reply_to(), Some("w"));
    assert_eq!(reply.conversation_id(), Some("c"));
    assert_eq!((reply.protocol(), reply.ontology()), (Some("p"), Some("o")));
    assert_eq!(reply.language(), Some("l"));
    assert!(reply.answers(&asked));
}

#[test]
fn a_reply_is_completed_where_it_says_nothing() {
    let asked = read(r#"{"performative":"request","receiver":"a","reply_with":"w"}"#);
    let json = br#"{"performative":"agree","receiver":null,"in_reply_to":null,"sender":"me"} "#;
    let reply = Draft::json(json).complete(&asked).unwrap().to_message().unwrap();
    assert_eq!((reply.receiver(), reply.in_reply_to()), ("host", Some("w")));
    assert_eq!(reply.sender(), "me");
    let own = br#"{"performative":"agree","receiver":"x","in_reply_to":"y"}"#;
    let reply = Draft::json(own).complete(&asked).unwrap().to_message().unwrap();
    assert_eq!((reply.receiver(), reply.in_reply_to()), ("x", Some("y")));
    assert!(Draft::json(b"{}").complete(&asked).unwrap_err().message().contains("performative"));
}

#[test]
fn a_field_may_be_added_to_any_draft() {
    let draft = Draft::json("{\"performative\":\"inform\",\"receiver\":\"a\"} \n");
    let message = draft.field("ontology", "o\"").to_message().unwrap();
    assert_eq!(message.ontology(), Some("o\""));
    assert!(Draft::json("").field("a", "b").to_message().is_err());
}

#[test]
fn a_request_names_its_protocol() {
    let of = |fields: &[u8]| {
        let draft = Draft::request("a", b"1", Some(fields)).unwrap();
        draft.to_message().unwrap().protocol().map(ToOwned::to_owned)
    };
    assert_eq!(of(b"{}").as_deref(), Some("fipa-request"));
    assert_eq!(of(br#"{"protocol":null}"#).as_deref(), Some("fipa-request"));
    assert_eq!(of(br#"{"protocol":"mine"}"#).as_deref(), Some("mine"));
}

#[test]
fn filters_match_all_fields_and_any_value() {
    let message = read(
        r#"{"performative":"inform","receiver":["a","topic:news"],"protocol":"p","conversation_id":"c"}"#,
    );
    let matches = |filter: &str| Filter::read(filter.as_bytes()).unwrap().matches(&message);
    for filter in [
        "{}",
        r#"{"performative":"INFORM"}"#,
        r#"{"performative":["request","inform"]}"#,
        r#"{"sender":"host","receiver":"a"}"#,
        r#"{"topic":"news"}"#,
        r#"{"receiver":"topic:news","protocol":["x","p"]}"#,
    ] {
        assert!(matches(filter), "{filter}");
    }
    for filter in [
        r#"{"performative":[]}"#,
        r#"{"sender":"other"}"#,
        r#"{"topic":"a"}"#,
        r#"{"protocol":"p","conversation_id":"d"}"#,
        r#"{"ontology":"o"}"#,
    ] {
        assert!(!matches(filter), "{filter}");
    }
    for filter in ["", "[]", "null", r#"{"colour":"red"}"#, r#"{"topic":"a","topic":"b"}"#] {
        assert!(Filter::read(filter.as_bytes()).is_err(), "{filter}");
    }
}

#[test]
fn deadlines_are_times() {
    let by = |json: &str| {
        let text = format!(r#"{{"performative":"inform","receiver":"a","reply_by":{json}}}"#);
        write(&text, "host").map(|message| message.reply_by())
    };
    assert_eq!(by("17"), Some(Some(17)));
    assert_eq!(by("null"), Some(None));
    assert_eq!(by(r#""1970-01-01T00:00:01Z""#), Some(Some(1_000_000)));
    assert_eq!(by(r#""1970-01-01T02:00:01+02:00""#), Some(Some(1_000_000)));
    for wrong in ["-1", "1.5", "true", r#""soon""#, "[]"] {
        assert_eq!(by(wrong), None, "{wrong}");
    }
}

#[test]
fn a_filter_lists_so_many_names_and_no_more() {
    let listing = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| at.to_string()).collect();
        Filter::read(json!({ "receiver": names }).to_string().as_bytes())
    };
    assert!(listing(10_000).is_ok());
    let error = listing(10_001).unwrap_err();
    assert!(error.to_string().contains("more than 10000 names"), "{error}");
    // All of its fields count together.
    let some = vec!["x"; 6_000];
    let both = json!({ "receiver": some, "topic": some }).to_string();
    assert!(Filter::read(both.as_bytes()).is_err());
    // What comes after the last of them is not read.
    let unread = format!("{{\"receiver\":[{}!", "\"x\",".repeat(10_001));
    let error = Filter::read(unread.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("more than 10000 names"), "{error}");
}
