//! Stores: what comes back, what is taken back, and who may have a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use caxton::{AgentState, Deploy, Draft, ErrorKind, Message, Point, Runtime};
use serde_json::json;

use crate::support::{agent, until, wait};

/// A folder for one test; deleted at its end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("caxton-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("agents.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// An agent that counts its messages and timers in its stored data, as ten digits, and tells the
/// program the count. A message that has an `X` in it makes it trap after it has counted; one with a
/// `T` sets a timer of 1 ms; one with a `Q` gets no answer.
pub fn counter() -> Deploy {
    let tell =
        r#"{"performative":"inform","receiver":"host","in_reply_to":"r1","content":"0000000000"}"#;
    let at = 1024;
    let digits = at + tell.find("0000000000").unwrap();
    let last = digits + 9;
    let code = format!(
        r#"
        (func $count
            (local $digit i32)
            (drop (call $load {{key}} (i32.const {digits}) (i32.const 10)))
            (local.set $digit (i32.const {last}))
            (loop $next
                (i32.store8 (local.get $digit)
                    (i32.add (i32.load8_u (local.get $digit)) (i32.const 1)))
                (if (i32.eq (i32.load8_u (local.get $digit)) (i32.const 58)) (then
                    (i32.store8 (local.get $digit) (i32.const 48))
                    (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
                    (br $next))))
            (drop (call $store {{key}} (i32.const {digits}) (i32.const 10))))
        (func $has (param $ptr i32) (param $len i32) (param $char i32) (result i32)
            (loop $next
                (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
                (if (i32.eq (i32.load8_u (local.get $ptr)) (local.get $char))
                    (then (return (i32.const 1))))
                (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
                (local.set $len (i32.sub (local.get $len) (i32.const 1)))
                (br $next))
            unreachable)
        (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
            (call $count)
            (if (call $has (local.get $ptr) (local.get $len) (i32.const 88)) (then unreachable))
            (if (call $has (local.get $ptr) (local.get $len) (i32.const 84))
                (then (drop (call $set_timer (i64.const 1000)))))
            (if (call $has (local.get $ptr) (local.get $len) (i32.const 81))
                (then (return (i32.const 0))))
            (call $send {{tell}}))
        (func (export "handle_timer") (param i32) (result i32)
            (call $count)
            (i32.const 0))"#
    );
    agent(&code, &[("tell", tell), ("key", "count")])
}

pub fn open(path: &Path) -> Runtime {
    Runtime::builder().store(path).build().unwrap()
}

/// Asks the counter called `name`; its count.
pub fn count(runtime: &Runtime, name: &str) -> Result<u64, caxton::Error> {
    let draft = Draft::json(
        json!({"performative": "request", "receiver": name, "reply_with": "r1"}).to_string(),
    );
    wait(runtime.ask(draft)).map(|reply| number(&reply))
}

fn number(reply: &Message) -> u64 {
    reply.content().trim_matches('"').parse().unwrap()
}

pub fn send(runtime: &Runtime, name: &str, content: &str) -> Result<(), caxton::Error> {
    let message = json!({"performative": "inform", "receiver": name, "content": content});
    wait(runtime.send(&Draft::json(message.to_string()), None))
}

#[test]
fn an_agent_comes_back_with_its_data() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let agent = wait(runtime.deploy(counter().name("a").capabilities(["counting"]))).unwrap();
    let id = agent.id().to_owned();
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    assert_eq!(count(&runtime, "a").unwrap(), 2);
    wait(runtime.close());
    assert!(!folder.0.join("agents.db-wal").exists());

    let runtime = open(&folder.file());
    let agent = runtime.agent_named("a").unwrap();
    assert_eq!(agent.id(), id);
    assert_eq!(agent.stats().stored_bytes, 15 + 96);
    assert_eq!(count(&runtime, "a").unwrap(), 3);
    assert_eq!(agent.capabilities(), ["counting"]);
    let taken = wait(runtime.deploy(counter().name("a"))).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::NameTaken);
    wait(agent.remove()).unwrap();
    wait(runtime.close());

    let runtime = open(&folder.file());
    assert!(runtime.agents().is_empty());
    wait(runtime.close());
}

#[test]
fn messages_wait_in_the_store_for_a_suspended_agent() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let agent = wait(runtime.deploy(counter().name("a"))).unwrap();
    wait(agent.suspend()).unwrap();
    for _ in 0..3 {
        send(&runtime, "a", "Q").unwrap();
    }
    wait(runtime.close());

    let runtime = open(&folder.file());
    let agent = runtime.agent_named("a").unwrap();
    assert_eq!(agent.state().as_str(), "suspended");
    assert_eq!(agent.stats().mailbox_messages, 3);
    wait(agent.resume()).unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 4);
    wait(runtime.close());
    let runtime = open(&folder.file());
    assert_eq!(count(&runtime, "a").unwrap(), 5);
    wait(runtime.close());
}

#[test]
fn timers_fire_after_the_store_is_opened_again_and_once() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let agent = wait(runtime.deploy(counter().name("a"))).unwrap();
    send(&runtime, "a", "TQ").unwrap();
    wait(agent.suspend()).unwrap();
    wait(runtime.close());

    let runtime = open(&folder.file());
    let agent = runtime.agent_named("a").unwrap();
    wait(agent.resume()).unwrap();
    until("the timer has fired, here or before", || agent.stats().stored_bytes > 0);
    until("nothing waits", || agent.stats().mailbox_messages == 0);
    // One message, one timer, and the one that asks.
    until("both have been counted", || count_is_above(&runtime, 2));
    wait(runtime.close());
}

#[test]
fn nobody_runs_before_all_of_a_store_is_there() {
    const TICKS: u64 = 200;
    const DUE: Duration = Duration::from_millis(500);
    let folder = Folder::new();
    let runtime = open(&folder.file());
    // The oldest send to the youngest, with timers that are due when the store is opened again.
    let tell = r#"{"performative":"inform","receiver":"last","content":"Q"}"#;
    let code = format!(
        r#"
        (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
            (drop (call $set_timer (i64.const {})))
            (i32.const 0))
        (func (export "handle_timer") (param i32) (result i32) (call $send {{tell}}))"#,
        DUE.as_micros()
    );
    let names = (0..TICKS).map(|n| format!("tick-{n}"));
    wait(runtime.deploy_many(agent(&code, &[("tell", tell)]), names)).unwrap();
    wait(runtime.deploy(counter().name("last"))).unwrap();
    for n in 0..TICKS {
        send(&runtime, &format!("tick-{n}"), "now").unwrap();
    }
    wait(runtime.close());
    drop(runtime);
    std::thread::sleep(DUE);

    let runtime = open(&folder.file());
    let mut asked = 0;
    until("all have told", || {
        asked += 1;
        count(&runtime, "last").unwrap() >= TICKS + asked
    });
    assert!(runtime.dead_letters().is_empty(), "{:?}", runtime.dead_letters());
    wait(runtime.close());
}

fn count_is_above(runtime: &Runtime, least: u64) -> bool {
    count(runtime, "a").unwrap() > least
}

#[test]
fn one_runtime_at_a_time_has_a_store() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let error = Runtime::builder().store(folder.file()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.message().contains("in use by another runtime"), "{error}");
    wait(runtime.close());
    wait(open(&folder.file()).close());
}

#[test]
fn a_copy_taken_at_any_time_can_be_opened() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    wait(runtime.deploy(counter().name("a"))).unwrap();
    for n in 1..=20 {
        assert_eq!(count(&runtime, "a").unwrap(), n);
        let copy = Folder::new();
        for end in ["", "-wal"] {
            let name = format!("agents.db{end}");
            std::fs::copy(folder.0.join(&name), copy.0.join(&name)).unwrap();
        }
        let again = open(&copy.file());
        assert_eq!(count(&again, "a").unwrap(), n + 1);
        wait(again.close());
    }
    wait(runtime.close());
}

#[test]
fn what_the_store_cannot_keep_never_happened() {
    let folder = Folder::new();
    let broken = Arc::new(AtomicBool::new(false));
    let breaks = broken.clone();
    let hook = Arc::new(move |point| {
        if point == Point::BeforeCommit && breaks.load(Ordering::SeqCst) {
            return Err(std::io::Error::other("the disk is broken"));
        }
        Ok(())
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    let agent = wait(runtime.deploy(counter().name("a"))).unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    send(&runtime, "a", "Q").unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 3);
    broken.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(count(&runtime, "a").unwrap_err().kind(), ErrorKind::Store);
    }
    let error = send(&runtime, "a", "Q").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    let error = wait(runtime.deploy(counter().name("b"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    broken.store(false, Ordering::SeqCst);
    assert_eq!(count(&runtime, "a").unwrap(), 4);
    assert_eq!(agent.stats().restarts, 0, "it is not the agent's fault: {:?}", agent.logs());
    wait(runtime.close());

    let runtime = open(&folder.file());
    assert_eq!(runtime.agents().len(), 1);
    assert_eq!(count(&runtime, "a").unwrap(), 5);
    wait(runtime.close());
}

#[test]
fn a_message_that_crashed_its_agent_is_kept_as_a_dead_letter() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    wait(runtime.deploy(counter().name("a"))).unwrap();
    send(&runtime, "a", "X").unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    // Beside it there is the failure that nobody waited for.
    let crash = |runtime: &Runtime| {
        let dead = runtime.dead_letters();
        dead.into_iter().find(|letter| letter.agent.as_deref() == Some("a"))
    };
    assert!(crash(&runtime).is_some());
    wait(runtime.close());
    let runtime = open(&folder.file());
    assert_eq!(runtime.dead_letters().len(), 2);
    runtime.drop_dead_letter(crash(&runtime).unwrap().id).unwrap();
    wait(runtime.close());
    let runtime = open(&folder.file());
    assert_eq!(runtime.dead_letters().len(), 1);
    assert!(crash(&runtime).is_none());
    wait(runtime.close());
}

#[test]
fn a_suspended_agent_that_is_restarted_comes_back_suspended() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let agent = wait(runtime.deploy(counter().name("a"))).unwrap();
    wait(agent.suspend()).unwrap();
    wait(agent.restart()).unwrap();
    assert_eq!(agent.state(), AgentState::Suspended);
    wait(runtime.close());
    let runtime = open(&folder.file());
    let agent = runtime.agent_named("a").unwrap();
    assert_eq!(agent.state(), AgentState::Suspended);
    wait(agent.resume()).unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    wait(runtime.close());
}
