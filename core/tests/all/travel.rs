//! How a message travels: order, room, asks and their answers.

use std::future::IntoFuture;
use std::sync::mpsc;
use std::time::Duration;

use caxton::{ErrorKind, Handler, Limits, Register, Reply, Runtime, Task};
use serde_json::json;

use crate::support::*;

/// Hands its tasks over to the test.
struct Tasks(mpsc::Sender<Task>);

impl Handler for Tasks {
    fn handle(&self, task: Task) {
        self.0.send(task).unwrap();
    }
}

/// A host agent that handles one message at a time, and no other waits in its mailbox but one.
fn narrow() -> (Runtime, mpsc::Receiver<Task>) {
    let mut limits = Limits::default();
    limits.mailbox_capacity = 1;
    let runtime = Runtime::builder().limits(limits).build().unwrap();
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("narrow", Tasks(tasks)).concurrency(1)).unwrap();
    (runtime, taken)
}

#[test]
fn keeps_the_order_of_each_sender() {
    let runtime = runtime(2);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("all", Tasks(tasks)).concurrency(1)).unwrap();
    let numbers = 300;
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let runtime = runtime.clone();
            scope.spawn(move || {
                for number in 0..numbers {
                    let message = json!({"performative": "inform", "receiver": "all",
                        "sender": format!("s{sender}"), "content": number});
                    wait(runtime.send(&draft(message), HANGS)).unwrap();
                }
            });
        }
        let mut next = std::collections::HashMap::new();
        for _ in 0..8 * numbers {
            let task = taken.recv_timeout(HANGS).unwrap();
            let expected = next.entry(task.message().sender().to_owned()).or_insert(0);
            assert_eq!(content(task.message()), *expected);
            *expected += 1;
            task.finish(Reply::Nothing);
        }
    });
    wait(runtime.close());
}

#[test]
fn agents_keep_the_order_too() {
    let runtime = runtime(2);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("host-agent", Tasks(tasks)).concurrency(1)).unwrap();
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    deploy(&runtime, "relay", built("c").limits(limits));
    for number in 0..200 {
        let content = json!({"action": "relay", "data": {"operation": "none", "data": "x",
            "then": [{"agent": "host-agent", "operation": number.to_string()}]}});
        let request = json!({"performative": "request", "receiver": "relay", "content": content});
        wait(runtime.send(&draft(request), HANGS)).unwrap();
    }
    for number in 0..200 {
        let task = taken.recv_timeout(HANGS).unwrap();
        assert_eq!(content(task.message())["data"]["operation"], number.to_string());
        task.finish(Reply::Nothing);
    }
    wait(runtime.close());
}

#[test]
fn those_who_wait_for_room_are_served_in_order() {
    let (runtime, taken) = narrow();
    let drafts: Vec<_> = (0..6).map(|number| inform("narrow", number)).collect();
    wait(runtime.send(&drafts[0], HANGS)).unwrap();
    wait(runtime.send(&drafts[1], HANGS)).unwrap();
    let mut waiting: Vec<_> =
        drafts[2..].iter().map(|draft| Box::pin(runtime.send(draft, HANGS))).collect();
    for send in &mut waiting {
        assert!(poll_once(send).is_pending());
    }
    assert_eq!(runtime.try_send(&drafts[0]).unwrap_err().kind(), ErrorKind::MailboxFull);
    // One of them gives up; those behind it move on.
    drop(waiting.remove(1));
    for number in [0, 1, 2, 4, 5] {
        let task = taken.recv_timeout(HANGS).unwrap();
        assert_eq!(content(task.message()), number);
        task.finish(Reply::Nothing);
    }
    for send in waiting {
        wait(send).unwrap();
    }
    wait(runtime.close());
}

#[test]
fn waiting_for_room_has_a_timeout() {
    let (runtime, taken) = narrow();
    wait(runtime.send(&inform("narrow", 0), HANGS)).unwrap();
    wait(runtime.send(&inform("narrow", 1), HANGS)).unwrap();
    let late = wait(runtime.send(&inform("narrow", 2), Duration::from_millis(20)));
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Timeout);
    for number in 0..2 {
        let task = taken.recv_timeout(HANGS).unwrap();
        assert_eq!(content(task.message()), number);
        task.finish(Reply::Nothing);
    }
    assert!(taken.try_recv().is_err(), "what timed out was sent");
    wait(runtime.close());
}

#[test]
fn room_that_a_dropped_turn_held_goes_to_who_waits() {
    let runtime = runtime(2);
    let mut limits = Limits::default();
    limits.mailbox_capacity = 1;
    let receiver =
        deploy(&runtime, "receiver", agent(&handler("(i32.const 0)"), &[]).limits(limits));
    let code = "(drop (call $send_to {to} {message})) (call $log {held})
        (call $sleep (i64.const 300000)) unreachable";
    let texts =
        [("to", "receiver"), ("message", r#"{"performative":"inform"}"#), ("held", "it is held")];
    let holder = deploy(&runtime, "holder", agent(&handler(code), &texts));
    wait(holder.send(&())).unwrap();
    until("the holder holds a place", || log_has(&holder, "it is held"));
    wait(runtime.send(&inform("receiver", 1), HANGS)).unwrap();
    until("the receiver gets the message", || receiver.stats().messages_in == 1);
    wait(runtime.close());
}

#[test]
fn an_ask_of_an_idle_agent_needs_no_worker() {
    let runtime = runtime(1);
    let idle = deploy(&runtime, "idle", built("rust"));
    let hog = deploy(&runtime, "hog", spinner().limits(patient()));
    wait(hog.send(&())).unwrap();
    until("the hog has the only worker", || hog.stats().mailbox_messages == 0);
    // On a busy machine a slice may be interrupted, and then waits for the hog's quantum to end.
    let content = json!({"action": "get_status"});
    let mut at_once = 0;
    for _ in 0..50 {
        let mut call = idle.ask(&content).into_future();
        match poll_once(&mut call) {
            std::task::Poll::Ready(reply) => {
                reply.unwrap();
                at_once += 1;
            }
            std::task::Poll::Pending => drop(wait(call).unwrap()),
        }
    }
    assert!(at_once > 0);
    wait(runtime.close());
}

#[test]
fn an_ask_that_is_given_up_is_taken_out_of_the_mailbox() {
    let runtime = runtime(1);
    let sleeper = deploy(&runtime, "sleeper", sleeper());
    wait(sleeper.send(&())).unwrap();
    until("it sleeps", || sleeper.stats().mailbox_messages == 0);
    let late = wait(sleeper.ask(&()).timeout(Duration::from_millis(20)));
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(sleeper.stats().mailbox_messages, 0);
    let mut call = sleeper.ask(&()).into_future();
    assert!(poll_once(&mut call).is_pending());
    assert_eq!(sleeper.stats().mailbox_messages, 1);
    drop(call);
    assert_eq!(sleeper.stats().mailbox_messages, 0);
    wait(runtime.close());
}

#[test]
fn the_answer_of_a_third_agent_does_not_count() {
    let runtime = runtime(1);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("judge", Tasks(tasks))).unwrap();
    deploy(&runtime, "liar", answerer());
    let mut call = runtime.ask(request("judge")).into_future();
    assert!(poll_once(&mut call).is_pending());
    let task = taken.recv_timeout(HANGS).unwrap();
    wait(runtime.send(&inform("liar", 1), HANGS)).unwrap();
    until("the forged answer is a dead letter", || !runtime.dead_letters().is_empty());
    assert!(poll_once(&mut call).is_pending());
    task.finish(Reply::Content(b"\"guilty\"".to_vec()));
    assert_eq!(content(&wait(call).unwrap()), "guilty");
    wait(runtime.close());
}

#[test]
fn what_an_agent_tells_others_meanwhile_passes_nothing_on() {
    let runtime = runtime(1);
    let told = r#"{"performative":"inform","receiver":"liar"}"#;
    let quiet = handler("(call $send {told})");
    deploy(&runtime, "asked", agent(&quiet, &[("told", told)]));
    let liar = deploy(&runtime, "liar", answerer());
    let mut call = runtime.ask(request("asked")).into_future();
    let _ = poll_once(&mut call);
    until("the liar has lied", || liar.stats().messages_out == 1);
    until("the lie is a dead letter", || runtime.dead_letters().len() == 1);
    assert!(poll_once(&mut call).is_pending());
    wait(runtime.close());
}

#[test]
fn a_failure_is_answered_by_nobody() {
    let runtime = runtime(1);
    let failures =
        runtime.subscribe(caxton::Filter::read(br#"{"performative":"failure"}"#).unwrap()).unwrap();
    let ask = r#"{"performative":"request","receiver":"second","reply_with":"x"}"#;
    let first = "(drop (call $send {ask}))
        (if (global.get $again) (then unreachable)) (global.set $again (i32.const 1)) (i32.const 0)";
    let code = format!("(global $again (mut i32) (i32.const 0)) {}", handler(first));
    let first = deploy(&runtime, "first", agent(&code, &[("ask", ask)]));
    let second = deploy(&runtime, "second", agent(&handler("unreachable"), &[]));
    wait(first.send(&())).unwrap();
    // The second traps, and the first traps over the failure that tells it so.
    until("both have trapped", || first.stats().dropped_turns == 1);
    assert_eq!(second.stats().dropped_turns, 1);
    wait(runtime.close());
    assert_eq!(failures.try_next().unwrap().receiver(), "first");
    assert!(failures.try_next().is_none(), "a failure was answered");
}

#[test]
fn a_script_may_answer_in_the_name_of_its_host_agent() {
    let runtime = runtime(1);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("slow", Tasks(tasks))).unwrap();
    let mut call = runtime.ask(request("slow")).into_future();
    assert!(poll_once(&mut call).is_pending());
    taken.recv_timeout(HANGS).unwrap().finish(Reply::Nothing);
    let answer = json!({"performative": "inform", "sender": "slow", "receiver": "host",
        "in_reply_to": "r1", "content": 7});
    wait(runtime.send(&draft(answer), HANGS)).unwrap();
    assert_eq!(content(&wait(call).unwrap()), 7);
    wait(runtime.close());
}
