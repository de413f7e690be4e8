//! Standing searches of the directory beside many changes at once.

use std::sync::{Arc, mpsc};

use caxton::{Register, Reply, Runtime};
use serde_json::json;

use crate::support::*;

fn subscribe(runtime: &Runtime, conversation: &str) {
    let message = json!({
        "performative": "subscribe", "receiver": "df", "conversation_id": conversation,
        "content": {"action": "search", "description": {}},
    });
    let agreed = wait(runtime.ask(draft(message))).unwrap();
    assert_eq!(agreed.performative().as_str(), "agree");
}

#[test]
fn threads_that_register_and_remove_beside_a_standing_search_go_on() {
    let runtime = Arc::new(runtime(1));
    subscribe(&runtime, "c");
    let (done, ended) = mpsc::channel();
    for thread in 0..2 {
        let (runtime, done) = (runtime.clone(), done.clone());
        std::thread::spawn(move || {
            for round in 0..500 {
                let handler = runtime.handler(|_| async { Reply::Nothing });
                let name = format!("h{thread}-{round}");
                runtime.register(Register::new(name, handler)).unwrap().remove();
            }
            done.send(()).unwrap();
        });
    }
    for _ in 0..2 {
        ended.recv_timeout(HANGS).expect("a thread stopped for ever");
    }
    wait(runtime.close());
}

#[test]
fn an_agent_with_many_standing_searches_that_modifies_what_it_registered_goes_on() {
    let runtime = runtime(2);
    let searches: Vec<String> = (0..64)
        .map(|number| {
            json!({"performative": "subscribe", "receiver": "df",
                "conversation_id": format!("c{number}"),
                "content": {"action": "search", "description": {}}})
            .to_string()
        })
        .collect();
    let names: Vec<String> = (0..64).map(|number| format!("search{number}")).collect();
    let subscribes: String =
        names.iter().map(|name| format!("(drop (call $send {{{name}}}))")).collect();
    let to_df = |action: &str| {
        json!({"performative": "request", "receiver": "df",
            "content": {"action": action, "description": {"services": [{"name": "s"}]}}})
        .to_string()
    };
    let (register, modify) = (to_df("register"), to_df("modify"));
    // Each message from df makes it modify what it has registered, 500 times.
    let code = format!(
        "(global $left (mut i32) (i32.const 500))
         (func (export \"agent_init\") (result i32)
           (drop (call $send {{register}})) {subscribes} (i32.const 0))"
    ) + &handler(
        "(if (global.get $left)
           (then (global.set $left (i32.sub (global.get $left) (i32.const 1)))
             (drop (call $send {modify}))))
         (i32.const 0)",
    );
    let mut texts: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(searches.iter().map(String::as_str)).collect();
    texts.extend([("register", &*register), ("modify", &*modify)]);
    let mut limits = caxton::Limits::default();
    limits.max_messages_per_second = None;
    limits.mailbox_capacity = 100_000;
    let modifier = deploy(&runtime, "modifier", agent(&code, &texts).limits(limits));
    until("it has modified it", || modifier.stats().messages_out >= 565);
    wait(runtime.close());
}
