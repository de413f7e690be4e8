//! The program itself as an agent.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use caxton::{Handler, Limits, Message, Register, Reply, Runtime, Task};
use serde_json::json;

use crate::store::Folder;
use crate::support::*;

#[test]
fn a_panic_fails_one_message() {
    let runtime = runtime(1);
    let handler = runtime.handler(|message| async move {
        assert_ne!(message.content(), "13", "an unlucky number");
        Reply::Content(message.content().into())
    });
    runtime.register(Register::new("h", handler)).unwrap();
    for (number, act) in [(1, "inform"), (13, "failure"), (2, "inform")] {
        let reply = wait(runtime.ask(inform("h", number))).unwrap();
        assert_eq!((reply.performative().as_str(), reply.sender()), (act, "h"));
    }
    wait(runtime.close());
}

/// Panics on the thread that delivers, which may be a worker.
struct Panics;

impl Handler for Panics {
    fn handle(&self, task: Task) {
        assert_ne!(task.message().content(), "13", "an unlucky number");
        task.finish(Reply::Content(b"1".to_vec()));
    }
}

#[test]
fn a_panic_on_the_delivering_thread_takes_nothing_with_it() {
    let runtime = runtime(1);
    runtime.register(Register::new("h", Panics).concurrency(1)).unwrap();
    let reply = wait(runtime.ask(inform("h", 13))).unwrap();
    assert_eq!(reply.performative().as_str(), "failure");
    assert_eq!(content(&wait(runtime.ask(inform("h", 1))).unwrap()), 1);
    // The same on the only worker.
    let to_h = r#"{"performative":"inform","receiver":"h","content":13}"#;
    let teller = deploy(&runtime, "teller", agent(&handler("(call $send {to})"), &[("to", to_h)]));
    wait(teller.send(&())).unwrap();
    // The failure is a message to the teller, which tells once more; then it is stopped.
    until("the teller has told", || teller.stats().messages_out >= 1);
    wait(teller.remove()).unwrap();
    assert_eq!(content(&wait(runtime.ask(inform("h", 1))).unwrap()), 1);
    wait(runtime.close());
}

/// Says on which thread it handles.
struct Threads(mpsc::Sender<String>);

impl Handler for Threads {
    fn handle(&self, task: Task) {
        self.0.send(std::thread::current().name().unwrap_or_default().to_owned()).unwrap();
        task.finish(Reply::Nothing);
    }
}

#[test]
fn the_thread_that_writes_the_store_handles_nothing() {
    let folder = Folder::new();
    let runtime = Runtime::builder().workers(1).store(folder.file()).build().unwrap();
    let (sender, threads) = mpsc::channel();
    runtime.register(Register::new("h", Threads(sender))).unwrap();
    let to_h = r#"{"performative":"inform","receiver":"h","content":1}"#;
    let teller = deploy(&runtime, "teller", agent(&handler("(call $send {to})"), &[("to", to_h)]));
    for _ in 0..20 {
        wait(teller.send(&())).unwrap();
        let thread = threads.recv_timeout(HANGS).unwrap();
        assert!(thread.starts_with("caxton-worker"), "{thread}");
    }
    wait(runtime.close());
}

struct Tasks(mpsc::Sender<Task>);

impl Handler for Tasks {
    fn handle(&self, task: Task) {
        self.0.send(task).unwrap();
    }
}

/// What an ask comes to, asked on a thread of its own.
fn asked(runtime: &Runtime, to: &str) -> std::thread::JoinHandle<Result<Message, caxton::Error>> {
    let call = runtime.ask(request(to)).timeout(HANGS);
    std::thread::spawn(move || wait(call))
}

#[test]
fn who_asked_is_told_once_nobody_is_left_who_could_answer() {
    let folder = Folder::new();
    for store in [None, Some(folder.file())] {
        let mut builder = Runtime::builder();
        if let Some(store) = store {
            builder = builder.store(store);
        }
        let runtime = builder.build().unwrap();
        let (tasks, taken) = mpsc::channel();
        let register =
            |name: &str| runtime.register(Register::new(name, Tasks(tasks.clone()))).unwrap();
        let next = || taken.recv_timeout(HANGS).unwrap();
        let error = |asking: std::thread::JoinHandle<Result<Message, caxton::Error>>| {
            let failure = asking.join().unwrap().unwrap();
            assert_eq!(failure.sender(), "ams");
            content(&failure)["error"].as_str().unwrap().to_owned()
        };

        // Its handler is through when it is removed, or ends after that.
        for is_first in [true, false] {
            let (host, asking) = (register("h"), asked(&runtime, "h"));
            let task = next();
            if is_first {
                task.finish(Reply::Nothing);
                host.remove();
            } else {
                host.remove();
                task.finish(Reply::Nothing);
            }
            assert!(error(asking).starts_with("\"h\" was removed after it had taken"));
        }
        // What it handles goes on.
        let (host, asking) = (register("h"), asked(&runtime, "h"));
        let task = next();
        host.remove();
        task.finish(Reply::Content(b"1".to_vec()));
        assert_eq!(content(&asking.join().unwrap().unwrap()), 1);

        // It has passed the ask on, and who got it answers, or goes too.
        for answers in [true, false] {
            let [host, other] = ["h", "other"].map(register);
            let asking = asked(&runtime, "h");
            let task = next();
            let key = task.message().reply_with().unwrap();
            let on = json!({"performative": "request", "receiver": "other", "reply_with": key});
            task.finish(Reply::Message(draft(on)));
            let task = next();
            host.remove();
            if answers {
                let answer = json!({"performative": "inform", "receiver": "host", "content": 2});
                task.finish(Reply::Message(draft(answer)));
                assert_eq!(content(&asking.join().unwrap().unwrap()), 2);
                other.remove();
            } else {
                task.finish(Reply::Nothing);
                other.remove();
                assert!(error(asking).starts_with("\"other\" was removed after it had taken"));
            }
        }
        wait(runtime.close());
    }
}

#[test]
fn an_ask_within_a_task_that_has_ended_is_no_deadlock() {
    let runtime = runtime(1);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("h", Tasks(tasks)).concurrency(1)).unwrap();
    let asking = asked(&runtime, "h");
    let task = taken.recv_timeout(HANGS).unwrap();
    let within = task.within();
    let deadlock = wait(runtime.ask(request("h")).within(within)).unwrap();
    assert_eq!(content(&deadlock)["kind"], "deadlock");
    task.finish(Reply::Content(b"1".to_vec()));
    assert_eq!(content(&asking.join().unwrap().unwrap()), 1);
    let call = runtime.ask(request("h")).within(within).timeout(HANGS);
    let asking = std::thread::spawn(move || wait(call));
    taken.recv_timeout(HANGS).unwrap().finish(Reply::Content(b"2".to_vec()));
    assert_eq!(content(&asking.join().unwrap().unwrap()), 2);
    wait(runtime.close());
}

#[test]
fn at_most_so_many_at_once_and_in_order() {
    let runtime = runtime(2);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("h", Tasks(tasks)).concurrency(3)).unwrap();
    for number in 0..10 {
        wait(runtime.send(&inform("h", number), HANGS)).unwrap();
    }
    let mut held: Vec<Task> = (0..3).map(|_| taken.recv_timeout(HANGS).unwrap()).collect();
    assert!(taken.try_recv().is_err(), "more than three at once");
    for number in 3..10 {
        held.remove(1).finish(Reply::Nothing);
        let task = taken.recv_timeout(HANGS).unwrap();
        assert_eq!(content(task.message()), number);
        assert!(taken.try_recv().is_err(), "more than three at once");
        held.push(task);
    }
    drop(held);
    wait(runtime.close());
}

#[test]
fn a_task_that_is_dropped_fails() {
    let runtime = runtime(1);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("h", Tasks(tasks))).unwrap();
    let mut call = runtime.ask(request("h")).into_future();
    assert!(poll_once(&mut call).is_pending());
    drop(taken.recv_timeout(HANGS).unwrap());
    let reply = wait(call).unwrap();
    assert_eq!((reply.performative().as_str(), reply.sender()), ("failure", "h"));
    wait(runtime.close());
}

#[test]
fn what_wants_no_answer_is_no_deadlock() {
    let runtime = runtime(1);
    let (tasks, taken) = mpsc::channel();
    runtime.register(Register::new("h", Tasks(tasks)).concurrency(1)).unwrap();
    let note = r#"{"performative":"inform","receiver":"h","content":"halfway"}"#;
    let answer =
        r#"{"performative":"inform","receiver":"host","in_reply_to":"r1","content":"yes"}"#;
    let code = handler("(drop (call $send {note})) (call $send {answer})");
    deploy(&runtime, "a", agent(&code, &[("note", note), ("answer", answer)]));
    wait(runtime.send(&inform("h", "begin"), HANGS)).unwrap();
    let task = taken.recv_timeout(HANGS).unwrap();
    let call = runtime.ask(request("a")).within(task.within());
    assert_eq!(content(&wait(call).unwrap()), "yes");
    task.finish(Reply::Nothing);
    let next = taken.recv_timeout(HANGS).unwrap();
    assert_eq!(content(next.message()), "halfway");
    drop(next);
    wait(runtime.close());
}

#[test]
fn asks_from_within_go_as_deep_as_there_is_room() {
    let runtime = runtime(1);
    let depth = Arc::new(AtomicUsize::new(0));
    let (tasks, taken) = mpsc::channel::<Task>();
    runtime.register(Register::new("h", Tasks(tasks)).concurrency(4)).unwrap();
    let (asker, counted) = (runtime.clone(), depth.clone());
    // Each task asks its own agent again; the fifth finds every place taken by those who wait.
    let serving = std::thread::spawn(move || {
        for _ in 0..4 {
            let task = taken.recv_timeout(HANGS).unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let call = asker.ask(request("h")).within(task.within());
            std::thread::spawn(move || {
                let reply = wait(call).unwrap();
                task.finish(Reply::Content(reply.content().into()));
            });
        }
    });
    let reply = wait(runtime.ask(request("h"))).unwrap();
    assert_eq!(content(&reply)["kind"], "deadlock");
    assert_eq!(depth.load(Ordering::SeqCst), 4);
    serving.join().unwrap();
    wait(runtime.close());
}

#[test]
fn an_answer_to_what_a_handler_returned_counts_in_the_rate() {
    let runtime = runtime(1);
    let returns = runtime.handler(|_| async { Reply::Content(b"1".to_vec()) });
    runtime.register(Register::new("h", returns)).unwrap();
    let ask = r#"{"performative":"request","receiver":"h"}"#;
    let asks_again = r#"(func (export "handle_message") (param i32 i32) (result i32)
        (drop (call $send {ask})) (i32.const 0))"#;
    let mut limits = Limits::default();
    limits.max_messages_per_second = Some(5);
    let guest = agent(asks_again, &[("ask", ask)]).name("a").limits(limits);
    let guest = wait(runtime.deploy(guest)).unwrap();
    let began = Instant::now();
    wait(runtime.send(&inform("a", 0), None)).unwrap();
    for _ in 0..200 {
        wait(runtime.ask(request("h"))).unwrap();
    }
    let sent = guest.stats().messages_out;
    let allowed = 5 * (began.elapsed().as_secs() + 2);
    assert!((1..=allowed).contains(&sent), "{sent} were sent, {allowed} at most");
    wait(runtime.close());
}
