//! Commits on their way to the disk: who waits for whom, how much waits at most, and large ones.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use caxton::{Agent, Deploy, ErrorKind, Limits, LogLevel, Point, Runtime, inspect_store};
use rusqlite::Connection;
use serde_json::json;

use crate::child;
use crate::crash::killer;
use crate::store::{Folder, count, counter, open};
use crate::support::{HANGS, agent, deploy, draft, handler, inform, until, wait};

const WORKS: u8 = 0;
const STANDS: u8 = 1;

/// A runtime whose disk works, or stands still.
struct Standing {
    disk: Arc<AtomicU8>,
    runtime: Runtime,
    _folder: Folder,
}

impl Standing {
    fn new() -> Self {
        let folder = Folder::new();
        let disk = Arc::new(AtomicU8::new(WORKS));
        let state = disk.clone();
        let hook = Arc::new(move |_| {
            while state.load(Ordering::SeqCst) == STANDS {
                std::thread::yield_now();
            }
            Ok(())
        });
        let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
        Standing { disk, runtime, _folder: folder }
    }

    fn set(&self, state: u8) {
        self.disk.store(state, Ordering::SeqCst);
    }
}

/// An agent that logs its messages, and passes those with an `F` in them on to `b`.
fn forwarder() -> Deploy {
    let code = r#"(func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
        (local $at i32)
        (call $log (local.get $ptr) (local.get $len))
        (loop $next
            (if (i32.eq (i32.load8_u (i32.add (local.get $ptr) (local.get $at))) (i32.const 70))
                (then (return (call $send {on}))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $at) (local.get $len))))
        (i32.const 0))"#;
    let on = r#"{"performative":"inform","receiver":"b","content":"passed on"}"#;
    agent(code, &[("on", on)])
}

/// The contents of what an agent has logged.
fn noted(agent: &Agent) -> Vec<String> {
    let lines = agent.logs().into_iter().filter(|line| line.level == LogLevel::Info);
    let content = |text: String| {
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        message["content"].as_str().unwrap().to_owned()
    };
    lines.map(|line| content(line.text)).collect()
}

fn asking(receiver: &str, content: &str) -> caxton::Draft {
    draft(json!({
        "performative": "request", "receiver": receiver, "reply_with": "r1", "content": content,
    }))
}

#[test]
fn a_letter_that_is_not_on_disk_holds_up_nobody_else() {
    let standing = Standing::new();
    let runtime = &standing.runtime;
    let a = deploy(runtime, "a", forwarder());
    let b = deploy(runtime, "b", forwarder());
    standing.set(STANDS);
    std::thread::scope(|scope| {
        scope.spawn(|| wait(runtime.ask(asking("a", "F")).timeout(HANGS)));
        until("the letter waits for the disk", || b.stats().mailbox_messages == 1);
        scope.spawn(|| wait(runtime.ask(asking("b", "past it")).timeout(HANGS)));
        until("who came later is served", || noted(&b) == ["past it"]);
        assert_eq!(b.stats().mailbox_messages, 1);
        standing.set(WORKS);
        until("then the letter comes", || noted(&b).len() == 2);
        assert_eq!(noted(&b), ["past it", "passed on"]);
        wait(a.remove()).unwrap();
        wait(b.remove()).unwrap();
        wait(runtime.close());
    });
}

#[test]
fn what_one_sender_says_keeps_its_order_also_where_only_a_part_is_kept() {
    let standing = Standing::new();
    let runtime = &standing.runtime;
    let b = deploy(runtime, "b", forwarder());
    standing.set(STANDS);
    runtime.try_send(&inform("b", "first")).unwrap();
    runtime.try_send(&inform("b", "second")).unwrap();
    std::thread::scope(|scope| {
        // No store keeps what somebody waits for.
        scope.spawn(|| wait(runtime.ask(asking("b", "third")).timeout(HANGS)));
        until("it stands behind them", || b.stats().mailbox_messages == 3);
        // One that is given up leaves from there, too.
        let given_up = wait(runtime.ask(asking("b", "given up")).timeout(Duration::from_millis(1)));
        assert_eq!(given_up.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(b.stats().mailbox_messages, 3);
        assert!(noted(&b).is_empty());
        standing.set(WORKS);
        until("all are handled", || noted(&b).len() == 3);
        assert_eq!(noted(&b), ["first", "second", "third"]);
        wait(b.remove()).unwrap();
        wait(runtime.close());
    });
}

#[test]
fn a_letter_to_somebody_who_is_gone_becomes_one_dead_letter() {
    let standing = Standing::new();
    let runtime = &standing.runtime;
    let b = deploy(runtime, "b", forwarder());
    standing.set(STANDS);
    runtime.try_send(&inform("b", "too late")).unwrap();
    std::thread::scope(|scope| {
        let removed = scope.spawn(|| wait(b.remove()));
        until("it is gone", || runtime.agent_named("b").is_err());
        assert!(runtime.dead_letters().is_empty(), "it may yet come to nothing");
        standing.set(WORKS);
        removed.join().unwrap().unwrap();
    });
    let dead = || runtime.dead_letters().into_iter().filter(|it| it.message.sender() == "host");
    until("it is a dead letter", || dead().count() == 1);
    wait(runtime.close());
    let runtime = open(&standing._folder.file());
    let dead: Vec<_> = runtime.dead_letters().into_iter().map(|letter| letter.reason).collect();
    let of_removal = dead.iter().filter(|reason| reason.contains("\"b\" has been removed"));
    assert_eq!(of_removal.count(), 1, "{dead:?}");
    wait(runtime.close());
}

#[test]
fn an_agent_that_is_far_ahead_of_the_disk_waits() {
    let standing = Standing::new();
    let runtime = &standing.runtime;
    let mut limits = Limits::default();
    limits.max_messages_per_second = None;
    let a = deploy(runtime, "a", counter().limits(limits));
    wait(a.suspend()).unwrap();
    for _ in 0..200 {
        wait(runtime.send(&inform("a", "Q"), None)).unwrap();
    }
    standing.set(STANDS);
    std::thread::scope(|scope| {
        let resumed = scope.spawn(|| wait(a.resume()));
        until("it is as far as it may be", || a.stats().mailbox_messages <= 200 - 64);
        for _ in 0..1000 {
            std::thread::yield_now();
        }
        assert_eq!(a.stats().mailbox_messages, 200 - 64);
        standing.set(WORKS);
        resumed.join().unwrap().unwrap();
    });
    assert_eq!(count(runtime, "a").unwrap(), 201);
    wait(runtime.close());
}

#[test]
fn a_program_that_is_far_ahead_of_the_disk_waits_or_is_told() {
    let standing = Standing::new();
    let runtime = &standing.runtime;
    let mut limits = Limits::default();
    limits.mailbox_bytes = 100 << 20;
    let b = deploy(runtime, "b", agent(&handler("(i32.const 0)"), &[]).limits(limits));
    wait(b.suspend()).unwrap();
    let large = "x".repeat(1 << 19);
    standing.set(STANDS);
    let told = (0..100).find_map(|_| runtime.try_send(&inform("b", large.as_str())).err());
    let told = told.expect("it took 50 MB");
    assert_eq!(told.kind(), ErrorKind::MailboxFull);
    assert!(told.message().contains("the store is behind"), "{told}");
    let sent = b.stats().mailbox_messages;
    assert!((30..=34).contains(&sent), "{sent} were taken");
    let late = wait(runtime.send(&inform("b", "small"), Some(Duration::from_millis(5))));
    let late = late.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    assert!(late.message().contains("the store was behind"), "{late}");
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| wait(runtime.send(&inform("b", "small"), Some(HANGS))));
        standing.set(WORKS);
        sending.join().unwrap().unwrap();
    });
    assert_eq!(b.stats().mailbox_messages, sent + 1);
    wait(runtime.close());
}

/// An agent that stores fifteen values of a megabyte each time its timer rings, which is at once.
fn flooder() -> Deploy {
    Deploy::bytes(
        br#"(module
        (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
        (import "caxton" "set_timer" (func $set_timer (param i64) (result i32)))
        (memory (export "memory") 20)
        (func (export "agent_init") (result i32)
            (drop (call $set_timer (i64.const 0))) (i32.const 0))
        (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0))
        (func (export "handle_timer") (param i32) (result i32)
            (local $key i32)
            (loop $next
                (i32.store8 (i32.const 0) (local.get $key))
                (drop (call $store (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 1000000)))
                (local.set $key (i32.add (local.get $key) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $key) (i32.const 15))))
            (drop (call $set_timer (i64.const 0)))
            (i32.const 0)))"#
            .as_slice(),
    )
}

/// Kilobytes that this process has, or had at most.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    found.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").trim().parse().unwrap()
}

const FLOOD: &str = "store_journal::one_who_floods_the_journal_is_the_one_who_waits";

#[test]
fn one_who_floods_the_journal_is_the_one_who_waits() {
    if !child::is_here(FLOOD) {
        child::run(FLOOD, &[]);
        return;
    }
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let honest = deploy(&runtime, "honest", counter());
    assert_eq!(count(&runtime, "honest").unwrap(), 1);
    let before = memory("VmRSS");
    let flooder = deploy(&runtime, "flooder", flooder());
    for n in 2..=30 {
        assert_eq!(count(&runtime, "honest").unwrap(), n);
    }
    until("it has flooded", || flooder.stats().timers > 5);
    // What is stored twice over, before and after, and what may be unwritten.
    let grown = memory("VmHWM").saturating_sub(before) / 1024;
    assert!(grown < 150, "the process grew by {grown} MiB");
    assert_eq!(honest.stats().restarts, 0);
    let begun = Instant::now();
    wait(runtime.close_within(Duration::from_secs(3)));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let runtime = open(&folder.file());
    assert_eq!(count(&runtime, "honest").unwrap(), 31);
    wait(runtime.close());
}

/// An agent that writes one more into six values of a megabyte with each message, and answers.
fn stamper() -> Deploy {
    let yes = r#"{"performative":"inform","receiver":"host","in_reply_to":"r1","content":"yes"}"#;
    let escaped: String = yes.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let code = format!(
        r#"(module
        (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
        (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
        (import "caxton" "load_data" (func $load (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 20)
        (data (i32.const 1024) "{escaped}")
        (func (export "handle_message") (param i32 i32) (result i32)
            (local $key i32)
            (drop (call $load (i32.const 0) (i32.const 1) (i32.const 2048) (i32.const 1000000)))
            (i32.store (i32.const 2048) (i32.add (i32.load (i32.const 2048)) (i32.const 1)))
            (loop $next
                (i32.store8 (i32.const 0) (local.get $key))
                (drop (call $store (i32.const 0) (i32.const 1) (i32.const 2048) (i32.const 1000000)))
                (local.set $key (i32.add (local.get $key) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $key) (i32.const 6))))
            (i32.store8 (i32.const 0) (i32.const 0))
            (call $send (i32.const 1024) (i32.const {}))))"#,
        yes.len()
    );
    Deploy::bytes(code.into_bytes()).name("stamper")
}

/// What the stamper has counted, which all its values say, in a store that is closed.
fn stamped(path: &Path) -> u32 {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT key, value FROM data ORDER BY key").unwrap();
    let rows = statement.query_map([], |row| {
        let value: Vec<u8> = row.get(1)?;
        Ok((row.get(0)?, value.len(), u32::from_le_bytes(value[..4].try_into().unwrap())))
    });
    let rows: Vec<(Vec<u8>, usize, u32)> = rows.unwrap().map(Result::unwrap).collect();
    let Some((_, _, count)) = rows.first().cloned() else { return 0 };
    let expected: Vec<_> = (0..6).map(|key| (vec![key], 1_000_000, count)).collect();
    assert_eq!(rows, expected, "a commit is there in part");
    for table in ["staged", "staged_commits", "letters"] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    count
}

fn stamp(runtime: &Runtime) -> Result<(), caxton::Error> {
    wait(runtime.ask(asking("stamper", "stamp")).timeout(HANGS)).map(drop)
}

#[test]
fn a_large_commit_that_fails_never_happened_and_leaves_nothing() {
    // Six pieces are staged, and six are moved.
    for fails_at in 0..14 {
        let folder = Folder::new();
        let (commits, at) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(u64::MAX)));
        let (seen, limit) = (commits.clone(), at.clone());
        let hook = Arc::new(move |point| {
            let fails = point == Point::BeforeCommit
                && seen.fetch_add(1, Ordering::SeqCst) == limit.load(Ordering::SeqCst);
            match fails {
                true => Err(std::io::Error::other("the disk is broken")),
                false => Ok(()),
            }
        });
        let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
        wait(runtime.deploy(stamper())).unwrap();
        stamp(&runtime).unwrap();
        at.store(commits.load(Ordering::SeqCst) + fails_at, Ordering::SeqCst);
        let outcome = stamp(&runtime);
        // Once all is staged, it is for sure.
        assert_eq!(outcome.is_err(), fails_at < 6, "{fails_at}: {outcome:?}");
        let expected = if outcome.is_ok() { 3 } else { 2 };
        at.store(u64::MAX, Ordering::SeqCst);
        stamp(&runtime).unwrap();
        wait(runtime.close());
        assert_eq!(stamped(&folder.file()), expected, "{fails_at}");
    }
}

const KILLED: &str = "store_journal::a_process_that_is_killed_while_a_large_commit_is_written";
const PLACE: &str = "CAXTON_STAGED_FOLDER";
const POINT: &str = "CAXTON_STAGED_POINT";

#[test]
fn a_process_that_is_killed_while_a_large_commit_is_written() {
    if let Some(folder) = std::env::var_os(PLACE) {
        return stamp_until_killed(Path::new(&folder));
    }
    let folder = Folder::new();
    let (mut acknowledged, mut rounds_with_staged) = (0, 0);
    for kill in 0..60_u64 {
        let points = ["begun", "changed", "before", "committed"];
        let point = format!("{} {}", points[kill as usize % 4], kill / 2);
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", KILLED, "--nocapture", "--test-threads=1"])
            .env(PLACE, &folder.0)
            .env(POINT, &point)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{point}: it was not killed");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        acknowledged += said.lines().filter(|line| line.contains("stamped")).count() as u32;
        rounds_with_staged += u32::from(has_staged(&folder));
        // Who only looks sees what will be there.
        let looked = inspect_store(folder.file()).unwrap();
        wait(open(&folder.file()).close());
        assert_eq!(inspect_store(folder.file()).unwrap().agents.len(), looked.agents.len());
        let count = stamped(&folder.file());
        // The last one may be there without anybody having been told.
        assert!(
            (acknowledged..=acknowledged + 1).contains(&count),
            "{point}: {count} are there, {acknowledged} were acknowledged"
        );
        acknowledged = count;
    }
    assert!(acknowledged > 5, "only {acknowledged} were stamped");
    assert!(rounds_with_staged > 10, "only {rounds_with_staged} were killed on the way");
}

/// Whether a copy of the store, with its log, has staged changes.
fn has_staged(folder: &Folder) -> bool {
    let copy = Folder::new();
    for end in ["", "-wal"] {
        let name = format!("agents.db{end}");
        drop(std::fs::copy(folder.0.join(&name), copy.0.join(&name)));
    }
    let connection = Connection::open(copy.file()).unwrap();
    connection
        .query_row("SELECT EXISTS (SELECT 1 FROM staged)", [], |row| row.get(0))
        .unwrap_or(false)
}

fn stamp_until_killed(folder: &Path) {
    let builder = Runtime::builder().store(folder.join("agents.db"));
    let runtime = builder.commit_hook(killer(&std::env::var(POINT).unwrap())).build().unwrap();
    if runtime.agent_named("stamper").is_err() {
        wait(runtime.deploy(stamper())).unwrap();
    }
    loop {
        stamp(&runtime).unwrap();
        println!("stamped");
    }
}

#[test]
fn what_close_finds_no_time_to_write_fails_and_the_rest_is_there() {
    let folder = Folder::new();
    let slow = Arc::new(AtomicU8::new(0));
    let is_slow = slow.clone();
    let hook = Arc::new(move |point| {
        if point == Point::Begun && is_slow.load(Ordering::SeqCst) == 1 {
            // A disk as slow as that.
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    let mut limits = Limits::default();
    limits.mailbox_bytes = 100 << 20;
    let b = deploy(&runtime, "b", agent(&handler("(i32.const 0)"), &[]).limits(limits));
    wait(b.suspend()).unwrap();
    slow.store(1, Ordering::SeqCst);
    let large = "x".repeat(1 << 19);
    for number in 0..30 {
        runtime.try_send(&inform("b", format!("{number:02}{large}"))).unwrap();
    }
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| wait(runtime.send(&inform("b", "the last"), Some(HANGS))));
        until("it waits for the disk", || b.stats().mailbox_messages == 31);
        let begun = Instant::now();
        wait(runtime.close_within(Duration::from_millis(300)));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let unkept = sending.join().unwrap().unwrap_err();
        assert_eq!(unkept.kind(), ErrorKind::Closed, "{unkept}");
    });
    let connection = Connection::open(folder.file()).unwrap();
    let sql = "SELECT json FROM letters, messages WHERE letters.message = messages.row
        ORDER BY letters.row";
    let mut statement = connection.prepare(sql).unwrap();
    let kept = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let kept: Vec<String> = kept.map(|json| String::from_utf8(json.unwrap()).unwrap()).collect();
    assert!((1..30).contains(&kept.len()), "{} were written", kept.len());
    for (number, json) in kept.iter().enumerate() {
        assert!(json.contains(&format!("\"{number:02}x")), "{number} is not there");
    }
}
