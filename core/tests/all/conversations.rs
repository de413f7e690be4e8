//! Conversations, followed as their messages pass.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use caxton::{
    ConversationFilter, ConversationState, Draft, ErrorKind, EventFilter, Filter, Message, Note,
    Performative, Protocols, Register, Reply, Runtime, Stage, Subscription,
};
use serde_json::{Value, json};

use crate::store::Folder;
use crate::support::*;

/// A host agent that never answers.
fn silent(runtime: &Runtime, name: &str) {
    let handler = runtime.handler(|_| async { Reply::Nothing });
    runtime.register(Register::new(name, handler)).unwrap();
}

fn say(runtime: &Runtime, message: Value) -> Result<(), caxton::Error> {
    wait(runtime.send(&draft(message), HANGS))
}

fn events(runtime: &Runtime, kind: &str) -> Subscription {
    let filter = json!({ "kind": kind }).to_string();
    runtime.events(EventFilter::read(filter.as_bytes()).unwrap()).unwrap()
}

fn next(subscription: &Subscription) -> Message {
    wait(subscription.next_within(Some(HANGS))).unwrap().unwrap()
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

fn strict() -> Runtime {
    Runtime::builder().workers(1).protocols(Protocols::Strict).build().unwrap()
}

#[test]
fn a_message_out_of_sequence_is_delivered_and_told() {
    let runtime = runtime(1);
    silent(&runtime, "a");
    let told = events(&runtime, "violation");
    let seen = runtime.subscribe(Filter::everything()).unwrap();
    let request = json!({"performative": "request", "receiver": "a", "protocol": "fipa-request",
        "conversation_id": "c"});
    say(&runtime, request.clone()).unwrap();
    say(&runtime, request).unwrap();
    let event = content(&next(&told));
    assert_eq!(event["agent"], "host");
    assert_eq!(event["note"], "repeated");
    assert_eq!(event["conversation_id"], "c");
    assert_eq!(event["protocol"], "fipa-request");
    say(
        &runtime,
        json!({"performative": "inform", "sender": "a", "receiver": "host",
        "conversation_id": "c"}),
    )
    .unwrap();
    say(
        &runtime,
        json!({"performative": "agree", "sender": "a", "receiver": "host",
        "conversation_id": "c"}),
    )
    .unwrap();
    let event = content(&next(&told));
    assert_eq!((&event["agent"], &event["note"]), (&json!("a"), &json!("out-of-sequence")));
    for _ in 0..4 {
        next(&seen);
    }
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.state, ConversationState::Ended);
    assert_eq!(conversation.participants[0].stage, Stage::Done);
    let notes: Vec<Option<Note>> = conversation.messages.iter().map(|said| said.note).collect();
    assert_eq!(notes, [None, Some(Note::Repeated), None, Some(Note::OutOfSequence)]);
}

#[test]
fn a_strict_runtime_delivers_nothing_that_a_protocol_forbids() {
    let runtime = strict();
    silent(&runtime, "a");
    let asked = json!({"performative": "request", "receiver": "a", "protocol": "fipa-request",
        "conversation_id": "c"});
    say(&runtime, asked.clone()).unwrap();
    let error = say(&runtime, asked).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMessage);
    assert!(error.message().contains("was said already"), "{error}");
    let error = say(
        &runtime,
        json!({"performative": "propose", "sender": "a", "receiver": "host",
        "conversation_id": "c"}),
    )
    .unwrap_err();
    assert!(error.message().contains("agree, failure, inform, not-understood, refuse"), "{error}");
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.messages.len(), 1);

    // An agent is answered, and what it said is a dead letter.
    let wrong = r#"{"performative":"propose","receiver":"host","conversation_id":"d",
        "protocol":"fipa-request","in_reply_to":"r1"}"#;
    let proposer =
        deploy(&runtime, "b", agent(&handler("(call $send {wrong})"), &[("wrong", wrong)]));
    let asked = json!({"performative": "request", "receiver": "b", "protocol": "fipa-request",
        "conversation_id": "d", "reply_with": "r1"});
    say(&runtime, asked).unwrap();
    until("it is answered", || proposer.stats().messages_in >= 2);
    let dead = runtime.dead_letters();
    assert_eq!(dead[0].message.performative(), Performative::Propose);
    assert!(dead[0].reason.contains("fipa-request does not let \"b\" say propose"), "{dead:?}");
    // What neither begins a conversation nor belongs to one has no place.
    let error = say(
        &runtime,
        json!({"performative": "inform", "receiver": "a", "protocol": "fipa-request",
        "conversation_id": "unknown"}),
    )
    .unwrap_err();
    assert!(error.message().contains("one begins with request"), "{error}");
}

#[test]
fn what_a_strict_runtime_has_kept_in_its_store_may_be_answered() {
    let folder = Folder::new();
    let open = || {
        Runtime::builder()
            .workers(1)
            .store(folder.file())
            .protocols(Protocols::Strict)
            .build()
            .unwrap()
    };
    let yes = r#"{"performative":"inform","receiver":"host","conversation_id":"c",
        "protocol":"fipa-request"}"#;
    let runtime = open();
    let a = deploy(&runtime, "a", agent(&handler("(call $send {yes})"), &[("yes", yes)]));
    wait(a.suspend()).unwrap();
    let asked = json!({"performative": "request", "receiver": "a", "protocol": "fipa-request",
        "conversation_id": "c"});
    say(&runtime, asked).unwrap();
    wait(runtime.close());
    let runtime = open();
    wait(runtime.agent_named("a").unwrap().resume()).unwrap();
    until("it is answered", || {
        runtime.conversation("c").is_some_and(|it| it.state == ConversationState::Ended)
    });
    wait(runtime.close());
}

#[test]
fn in_a_strict_runtime_several_receivers_get_a_message_or_none() {
    let runtime = strict();
    silent(&runtime, "a");
    silent(&runtime, "b");
    let cfp = |to: Value| {
        json!({"performative": "cfp", "receiver": to, "protocol": "fipa-contract-net",
            "conversation_id": "c"})
    };
    say(&runtime, cfp(json!("a"))).unwrap();
    assert!(say(&runtime, cfp(json!(["b", "a"]))).is_err());
    assert_eq!(runtime.conversation("c").unwrap().participants.len(), 1);
    say(&runtime, cfp(json!(["b"]))).unwrap();
    assert_eq!(runtime.conversation("c").unwrap().participants.len(), 2);
}

#[test]
fn an_answer_that_names_only_what_it_answers_belongs_to_the_conversation() {
    let runtime = runtime(1);
    let a = deploy(&runtime, "a", answerer());
    let asked = json!({"performative": "request", "receiver": "a", "reply_with": "r1",
        "protocol": "fipa-request", "conversation_id": "c"});
    wait(runtime.ask(draft(asked))).unwrap();
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.state, ConversationState::Ended);
    assert_eq!(conversation.messages.len(), 2);
    // A request without a conversation gets one.
    wait(a.request(&1).timeout(Duration::from_millis(50))).unwrap_err();
    let all = runtime.conversations(&ConversationFilter::everything());
    assert_eq!(all.len(), 2);
    assert!(all[1].participants[0].late);
    let filter = ConversationFilter::read(br#"{"agent": "a", "state": "ended"}"#).unwrap();
    assert_eq!(runtime.conversations(&filter).len(), 2);
    for (json, count) in [
        (&br#"{"protocol": "fipa-query"}"#[..], 0),
        (br#"{"initiator": ["x", "host"]}"#, 2),
        (br#"{"initiator": "a"}"#, 0),
        (br#"{"state": "open"}"#, 0),
    ] {
        let filter = ConversationFilter::read(json).unwrap();
        assert_eq!(runtime.conversations(&filter).len(), count);
    }
    for wrong in [&br#"{"protocol": "mine"}"#[..], br#"{"what": 1}"#, br#"[]"#] {
        let error = ConversationFilter::read(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn who_is_not_answered_in_time_is_told_by_the_runtime() {
    let runtime = runtime(1);
    let told = events(&runtime, "deadline");
    let failures = runtime.subscribe(Filter::read(br#"{"sender": "ams"}"#).unwrap()).unwrap();
    silent(&runtime, "a");
    silent(&runtime, "b");
    let by = micros() + 30_000;
    let asked = json!({"performative": "query-ref", "receiver": ["a", "b"], "reply_with": "k",
        "reply_by": by});
    say(&runtime, asked).unwrap();
    say(
        &runtime,
        json!({"performative": "inform", "sender": "a", "receiver": "host",
        "in_reply_to": "k"}),
    )
    .unwrap();
    let event = content(&next(&told));
    assert_eq!((&event["agent"], &event["waiting"]), (&json!("b"), &json!("host")));
    assert_eq!(event["reply_by"], by);
    let failure = next(&failures);
    assert_eq!(failure.in_reply_to(), Some("k"));
    assert_eq!(content(&failure)["kind"], "deadline");
    assert_eq!(content(&failure)["agent"], "b");
    assert!(micros() >= by);
    assert!(told.try_next().is_none());
    // A deadline in the past has passed.
    say(
        &runtime,
        json!({"performative": "cfp", "receiver": "a", "reply_by": 1,
        "protocol": "fipa-contract-net", "conversation_id": "c"}),
    )
    .unwrap();
    let event = content(&next(&told));
    assert_eq!(event["conversation_id"], "c");
    until("it is late", || runtime.conversation("c").unwrap().participants[0].late);
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.messages[1].note, Some(Note::Deadline));
    assert_eq!(conversation.state, ConversationState::Ended);
    // An answer that comes after it is one all the same.
    say(
        &runtime,
        json!({"performative": "propose", "sender": "a", "receiver": "host",
        "conversation_id": "c"}),
    )
    .unwrap();
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.messages[2].note, Some(Note::Late));
    assert_eq!(conversation.participants[0].stage, Stage::Proposed);
    assert_eq!(conversation.state, ConversationState::Open);
}

#[test]
fn an_agent_is_told_of_a_deadline() {
    let runtime = runtime(1);
    silent(&runtime, "a");
    let late = format!(
        r#"{{"performative":"request","receiver":"a","reply_with":"k","reply_by":{}}}"#,
        micros() + 20_000
    );
    // It asks when it is told to begin, and logs when anything else comes.
    let code = format!(
        "(global $begun (mut i32) (i32.const 0)) {}",
        handler(
            "(if (result i32) (global.get $begun)
               (then (call $log (local.get $ptr) (local.get $len)) (i32.const 0))
               (else (global.set $begun (i32.const 1)) (call $send {late})))"
        )
    );
    let asker = deploy(&runtime, "asker", agent(&code, &[("late", &late)]));
    wait(asker.send(&())).unwrap();
    until("it was told", || log_has(&asker, r#""kind":"deadline""#));
    assert!(log_has(&asker, r#""in_reply_to":"k""#));
}

#[test]
fn what_was_passed_on_is_answered_for() {
    let runtime = runtime(1);
    let failures = runtime.subscribe(Filter::read(br#"{"sender": "ams"}"#).unwrap()).unwrap();
    silent(&runtime, "b");
    silent(&runtime, "c");
    let by = micros() + 60_000;
    say(
        &runtime,
        json!({"performative": "request", "receiver": "b", "reply_with": "k", "reply_by": by,
        "protocol": "fipa-request", "conversation_id": "x"}),
    )
    .unwrap();
    say(
        &runtime,
        json!({"performative": "request", "sender": "b", "receiver": "c", "reply_with": "k",
        "reply_to": "host", "protocol": "fipa-request", "conversation_id": "x"}),
    )
    .unwrap();
    assert_eq!(runtime.conversation("x").unwrap().participants.len(), 2);
    say(
        &runtime,
        json!({"performative": "inform", "sender": "c", "receiver": "host",
        "in_reply_to": "k", "conversation_id": "x"}),
    )
    .unwrap();
    let conversation = runtime.conversation("x").unwrap();
    assert_eq!(conversation.state, ConversationState::Ended);
    assert!(conversation.participants.iter().all(|it| it.stage == Stage::Done));
    // The deadline was met, so nothing comes when it is over.
    let marker = json!({"performative": "query-ref", "receiver": "b", "reply_with": "m",
        "reply_by": by + 20_000});
    say(&runtime, marker).unwrap();
    assert_eq!(next(&failures).in_reply_to(), Some("m"));
}

#[test]
fn agents_that_wait_for_each_other_are_named() {
    let runtime = runtime(1);
    let told = events(&runtime, "deadlock");
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let asks = format!(
            r#"{{"performative":"request","receiver":"{to}","protocol":"fipa-request","reply_with":"k"}}"#
        );
        // Each asks the next when the program tells it to, and answers nobody.
        let code = format!(
            "(global $begun (mut i32) (i32.const 0)) {}",
            handler(
                "(if (result i32) (global.get $begun) (then (i32.const 0))
                   (else (global.set $begun (i32.const 1)) (call $send {asks})))"
            )
        );
        deploy(&runtime, from, agent(&code, &[("asks", &asks)]));
    }
    for name in ["a", "b", "c"] {
        wait(runtime.agent_named(name).unwrap().send(&())).unwrap();
    }
    let path = content(&next(&told))["path"].clone();
    let mut path: Vec<String> = serde_json::from_value(path).unwrap();
    assert_eq!(path.len(), 3);
    // Each waits for the next; where the circle begins depends on who was last.
    let a = path.iter().position(|name| name == "a").unwrap();
    path.rotate_left(a);
    assert_eq!(path, ["a", "b", "c"]);
}

#[test]
fn a_circle_that_is_broken_in_time_is_none() {
    let runtime = runtime(1);
    let told = events(&runtime, "deadlock");
    silent(&runtime, "a");
    silent(&runtime, "b");
    let ask = |from: &str, to: &str, id: &str| {
        say(
            &runtime,
            json!({"performative": "request", "sender": from, "receiver": to,
            "protocol": "fipa-request", "conversation_id": id}),
        )
        .unwrap();
    };
    ask("a", "b", "1");
    ask("b", "a", "2");
    say(
        &runtime,
        json!({"performative": "inform", "sender": "a", "receiver": "b",
        "conversation_id": "2"}),
    )
    .unwrap();
    // Another circle, which stands, is told first and alone.
    silent(&runtime, "x");
    silent(&runtime, "y");
    ask("x", "y", "3");
    ask("y", "x", "4");
    let path = content(&next(&told))["path"].clone();
    assert_eq!(path.as_array().unwrap().len(), 2);
    assert!(path.as_array().unwrap().contains(&json!("x")), "{path}");
}

#[test]
fn two_that_use_one_id_have_a_conversation_each() {
    let runtime = runtime(1);
    let told = events(&runtime, "violation");
    for name in ["a", "b", "other"] {
        silent(&runtime, name);
    }
    let ask = |sender: &str, to: &str| {
        json!({"performative": "request", "sender": sender, "receiver": to,
            "protocol": "fipa-request", "conversation_id": "c"})
    };
    let of_host = || {
        let conversation = runtime.conversation("c").unwrap();
        assert_eq!((conversation.initiator.as_str(), conversation.participants.len()), ("host", 1));
        (conversation.state, conversation.messages.len())
    };
    say(&runtime, ask("host", "a")).unwrap();
    say(&runtime, ask("other", "b")).unwrap();
    assert_eq!(of_host(), (ConversationState::Open, 1));
    say(
        &runtime,
        json!({"performative": "refuse", "sender": "a", "receiver": "host",
        "conversation_id": "c"}),
    )
    .unwrap();
    // It has ended, and stays what it was.
    say(&runtime, ask("other", "a")).unwrap();
    assert_eq!(of_host(), (ConversationState::Ended, 2));
    assert_eq!(runtime.conversations(&ConversationFilter::default()).len(), 2);
    assert!(told.try_next().is_none());
}

#[test]
fn a_protocol_that_nobody_knows_is_carried() {
    let runtime = strict();
    let told = events(&runtime, "violation");
    silent(&runtime, "a");
    for act in ["request", "request", "inform"] {
        say(
            &runtime,
            json!({"performative": act, "receiver": "a", "protocol": "my-own",
            "conversation_id": "c"}),
        )
        .unwrap();
    }
    assert!(runtime.conversation("c").is_none());
    assert!(told.try_next().is_none());
}

#[test]
fn whoever_hears_a_call_to_a_topic_may_answer() {
    let runtime = runtime(1);
    let told = events(&runtime, "violation");
    silent(&runtime, "a");
    say(
        &runtime,
        json!({"performative": "cfp", "receiver": "topic:jobs",
        "protocol": "fipa-contract-net", "conversation_id": "c"}),
    )
    .unwrap();
    say(
        &runtime,
        json!({"performative": "propose", "sender": "a", "receiver": "host",
        "protocol": "fipa-contract-net", "conversation_id": "c"}),
    )
    .unwrap();
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.participants[0].stage, Stage::Proposed);
    assert!(told.try_next().is_none());
}

#[test]
fn of_a_hundred_thousand_conversations_the_oldest_are_given_up() {
    let runtime = runtime(1);
    let told = events(&runtime, "abandoned");
    silent(&runtime, "a");
    for at in 0..100_000 {
        let id = format!("c{at}");
        let ask = draft(json!({"performative": "request", "receiver": "a",
            "protocol": "fipa-request", "conversation_id": id}));
        wait(runtime.send(&ask, HANGS)).unwrap();
    }
    assert_eq!(content(&next(&told))["conversation_id"], "c0");
    let all = runtime.conversations(&ConversationFilter::everything());
    let open = all.iter().filter(|it| it.state == ConversationState::Open).count();
    let abandoned = all.iter().filter(|it| it.state == ConversationState::Abandoned).count();
    assert_eq!((open, abandoned), (20_000, 1024));
    assert!(runtime.conversation("c0").is_none());
    assert!(runtime.conversation("c99999").is_some());
    // One that was given up goes on when something is said in it.
    let id = &all[0].id;
    assert_eq!(runtime.conversation(id).unwrap().state, ConversationState::Abandoned);
    say(
        &runtime,
        json!({"performative": "agree", "sender": "a", "receiver": "host",
        "conversation_id": id}),
    )
    .unwrap();
    let conversation = runtime.conversation(id).unwrap();
    assert_eq!(conversation.state, ConversationState::Open);
    assert_eq!(conversation.participants[0].stage, Stage::Agreed);
}

#[test]
fn a_long_conversation_keeps_its_beginning_and_its_end() {
    let runtime = runtime(1);
    silent(&runtime, "a");
    say(
        &runtime,
        json!({"performative": "subscribe", "receiver": "a",
        "protocol": "fipa-subscribe", "conversation_id": "c"}),
    )
    .unwrap();
    for count in 0..1000 {
        say(
            &runtime,
            json!({"performative": "inform", "sender": "a", "receiver": "host",
            "conversation_id": "c", "content": count}),
        )
        .unwrap();
    }
    let huge = "x".repeat(100_000);
    say(
        &runtime,
        json!({"performative": "inform", "sender": "a", "receiver": "host",
        "conversation_id": "c", "content": huge}),
    )
    .unwrap();
    let conversation = runtime.conversation("c").unwrap();
    assert_eq!(conversation.messages.len() as u64 + conversation.omitted, 1002);
    assert_eq!(conversation.messages[0].message.performative(), Performative::Subscribe);
    let last = &conversation.messages.last().unwrap().message;
    assert_eq!(content(last), json!("(100002 bytes)"));
    let before = &conversation.messages[conversation.messages.len() - 2].message;
    assert_eq!(content(before), json!(999));
}

#[test]
fn what_could_not_be_kept_was_never_said() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let folder = std::env::temp_dir().join(format!("caxton-conversations-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let failing = fails.clone();
    let runtime = Runtime::builder()
        .workers(1)
        .store(folder.join("agents.db"))
        .protocols(Protocols::Strict)
        .commit_hook(Arc::new(move |_| match failing.load(Ordering::SeqCst) {
            true => Err(std::io::Error::other("no disk")),
            false => Ok(()),
        }))
        .build()
        .unwrap();
    silent(&runtime, "a");
    let asked = json!({"performative": "request", "receiver": "a", "protocol": "fipa-request",
        "conversation_id": "c"});
    fails.store(true, Ordering::SeqCst);
    assert_eq!(say(&runtime, asked.clone()).unwrap_err().kind(), ErrorKind::Store);
    fails.store(false, Ordering::SeqCst);
    // It may be said again, since it was not.
    say(&runtime, asked).unwrap();
    assert_eq!(runtime.conversation("c").unwrap().messages.len(), 1);
    wait(runtime.close());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_reply_from_a_script_goes_on_in_its_conversation() {
    let runtime = strict();
    let handler = runtime.handler(|asked: Message| async move {
        let reply = Draft::reply(&asked, Performative::Agree, &json!({})).unwrap();
        Reply::Message(reply)
    });
    runtime.register(Register::new("a", handler)).unwrap();
    let seen = runtime.subscribe(Filter::read(br#"{"sender": "a"}"#).unwrap()).unwrap();
    say(
        &runtime,
        json!({"performative": "request", "receiver": "a", "protocol": "fipa-request",
        "ontology": "o", "language": "l", "reply_with": "k"}),
    )
    .unwrap();
    let agree = next(&seen);
    assert_eq!((agree.ontology(), agree.language()), (Some("o"), Some("l")));
    assert_eq!((agree.protocol(), agree.in_reply_to()), (Some("fipa-request"), Some("k")));
    let id = agree.conversation_id().unwrap();
    assert_eq!(runtime.conversation(id).unwrap().participants[0].stage, Stage::Agreed);
}

#[test]
fn too_many_answers_that_are_due_are_said_to_be() {
    let runtime = runtime(1);
    silent(&runtime, "a");
    let told = events(&runtime, "deadline");
    let by = micros() + 3_600_000_000;
    let messages: Vec<Draft> = (0..16_384)
        .map(|at| {
            draft(json!({"performative": "query-ref", "sender": "asker", "receiver": "a",
                "reply_with": format!("k{at}"), "reply_by": by}))
        })
        .collect();
    wait(runtime.send_many(&messages, HANGS)).unwrap();
    // One more under that name is not waited for, and one of somebody else is.
    let late = |sender: &str| {
        json!({"performative": "query-ref", "sender": sender, "receiver": "a", "reply_with": "late",
            "reply_by": 1})
    };
    say(&runtime, late("asker")).unwrap();
    say(&runtime, late("other")).unwrap();
    assert_eq!(content(&next(&told))["waiting"], "other");
    // An answer makes room.
    say(
        &runtime,
        json!({"performative": "inform", "sender": "a", "receiver": "asker",
        "in_reply_to": "k7"}),
    )
    .unwrap();
    say(&runtime, late("asker")).unwrap();
    assert_eq!(content(&next(&told))["waiting"], "asker");
}
