//! What a store keeps, and what it does not: nothing of what came to nothing or is gone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use caxton::{Deploy, Durability, ErrorKind, Point, Runtime, Wasm, inspect_store};
use rusqlite::Connection;

use crate::store::{Folder, count, counter, open, send};
use crate::support::{agent, answerer, handler, inform, module, until, wait};

/// Rows of each table but those of numbers and dead letters.
fn rows(path: &Path) -> Vec<(&'static str, i64)> {
    let connection = Connection::open(path).unwrap();
    ["agents", "modules", "data", "timers", "subscriptions", "letters"]
        .into_iter()
        .map(|table| {
            let sql = format!("SELECT count(*) FROM {table}");
            (table, connection.query_row(&sql, [], |row| row.get(0)).unwrap())
        })
        .filter(|(_, rows)| *rows > 0)
        .collect()
}

/// An agent whose init does all that an init may do, waits, and ends with `code`.
fn starting(code: u32) -> Deploy {
    let code = format!(
        r#"(func (export "agent_init") (result i32)
            (drop (call $store {{key}} {{key}}))
            (drop (call $set_timer (i64.const 3600000000)))
            (drop (call $subscribe {{topic}}))
            (drop (call $send {{message}}))
            (call $sleep (i64.const 50000))
            (i32.const {code}))
        (func (export "handle_timer") (param i32) (result i32) (i32.const 0))
        {}"#,
        handler("(i32.const 0)")
    );
    let message = r#"{"performative":"inform","receiver":"b","content":"from init"}"#;
    agent(&code, &[("key", "key"), ("topic", "topic"), ("message", message)]).config("[1, 2]")
}

#[test]
fn a_deployment_that_came_to_nothing_leaves_nothing() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let b = wait(runtime.deploy(answerer().name("b"))).unwrap();
    wait(b.suspend()).unwrap();
    std::thread::scope(|scope| {
        let deploying = scope.spawn(|| wait(runtime.deploy(starting(3).name("a"))).unwrap_err());
        // Messages come while its init is running.
        until("it is here", || runtime.agent_named("a").is_ok());
        for _ in 0..10 {
            drop(runtime.try_send(&inform("a", "early")));
        }
        assert_eq!(deploying.join().unwrap().kind(), ErrorKind::AgentFailed);
    });
    // All of several, or none: the second name is taken by the first.
    let names = vec!["c".to_owned(), "c".to_owned()];
    let error = wait(runtime.deploy_many(starting(0), names)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NameTaken);
    // A deployer that is gone leaves nothing either.
    {
        let mut deploying = Box::pin(runtime.deploy(starting(0).name("d")));
        until("it is here", || {
            let _ = crate::support::poll_once(&mut deploying);
            runtime.agent_named("d").is_ok()
        });
    }
    until("only one is left", || runtime.agents().len() == 1);
    wait(runtime.close());
    assert_eq!(rows(&folder.file()), [("agents", 1), ("modules", 1)]);
    let runtime = open(&folder.file());
    assert_eq!(runtime.agents().len(), 1);
    wait(runtime.close());
}

#[test]
fn a_module_goes_with_the_last_agent_that_has_it() {
    let folder = Folder::new();
    let reopened = |expected: &[(&str, i64)], work: &dyn Fn(&Runtime)| {
        let runtime = open(&folder.file());
        work(&runtime);
        wait(runtime.close());
        assert_eq!(rows(&folder.file()), expected);
    };
    let remove = |runtime: &Runtime, name: &str| {
        wait(runtime.agent_named(name).unwrap().remove()).unwrap();
    };
    reopened(&[("agents", 3), ("modules", 2), ("data", 2)], &|runtime| {
        for (name, deploy) in [("a", counter()), ("b", counter()), ("c", answerer())] {
            wait(runtime.deploy(deploy.name(name))).unwrap();
        }
        assert_eq!(count(runtime, "a").unwrap(), 1);
        assert_eq!(count(runtime, "b").unwrap(), 1);
    });
    reopened(&[("agents", 2), ("modules", 2), ("data", 1)], &|runtime| remove(runtime, "a"));
    // Other code takes the place of what an agent had.
    reopened(&[("agents", 2), ("modules", 1), ("data", 1)], &|runtime| {
        let other = counter_module();
        wait(runtime.agent_named("b").unwrap().replace(Wasm::bytes(other.clone()))).unwrap();
        wait(runtime.agent_named("c").unwrap().replace(Wasm::bytes(other))).unwrap();
    });
    reopened(&[("agents", 1), ("modules", 1)], &|runtime| remove(runtime, "b"));
    // A letter that waits goes with its receiver.
    reopened(&[], &|runtime| {
        let agent = runtime.agent_named("c").unwrap();
        wait(agent.suspend()).unwrap();
        send(runtime, "c", "x").unwrap();
        remove(runtime, "c");
    });
}

/// A third module.
fn counter_module() -> Vec<u8> {
    module(&handler("(i32.const 0)"), &[]).into_bytes()
}

#[test]
fn ten_thousand_letters_of_a_thousand_agents_come_back() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let names: Vec<String> = (0..1000).map(|number| format!("a{number}")).collect();
    wait(runtime.deploy_many(answerer(), names)).unwrap();
    let agent = runtime.agent_named("a0").unwrap();
    wait(agent.suspend()).unwrap();
    send(&runtime, "a0", "x").unwrap();
    wait(runtime.close());
    Connection::open(folder.file())
        .unwrap()
        .execute_batch(
            "UPDATE agents SET state = 'suspended';
             INSERT INTO letters (receiver, kind, message)
             WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10)
             SELECT agents.serial, letters.kind, letters.message FROM letters, agents, n
             WHERE agents.name <> 'a0' OR i < 10;
             UPDATE marks SET value = 20000 WHERE name = 'rows';",
        )
        .unwrap();
    let begun = Instant::now();
    let found = inspect_store(folder.file()).unwrap();
    assert_eq!((found.agents.len(), found.mailbox_messages), (1000, 10_000));
    let (looked, begun) = (begun.elapsed(), Instant::now());
    let runtime = open(&folder.file());
    println!("looked at in {looked:?}, opened in {:?}", begun.elapsed());
    for agent in runtime.agents() {
        assert_eq!(agent.stats().mailbox_messages, 10);
    }
    wait(runtime.close());
}

#[test]
fn a_relaxed_store_is_synced_within_a_second_or_two() {
    let folder = Folder::new();
    let syncs = Arc::new(AtomicU64::new(0));
    let counted = syncs.clone();
    let hook = Arc::new(move |point| {
        // The second one fails, and is tried again.
        if point == Point::Sync && counted.fetch_add(1, Ordering::SeqCst) == 1 {
            return Err(std::io::Error::other("the disk is broken"));
        }
        Ok(())
    });
    let builder = Runtime::builder().store(folder.file()).durability(Durability::Relaxed);
    let runtime = builder.commit_hook(hook).build().unwrap();
    wait(runtime.deploy(counter().name("a"))).unwrap();
    until("it is synced", || syncs.load(Ordering::SeqCst) == 1);
    let begun = Instant::now();
    assert_eq!(count(&runtime, "a").unwrap(), 1);
    until("it is synced again, at the second attempt", || syncs.load(Ordering::SeqCst) == 3);
    assert!(begun.elapsed().as_secs() < 10, "it took {:?}", begun.elapsed());
    assert_eq!(count(&runtime, "a").unwrap(), 2);
    wait(runtime.close());
    // What was not synced by then is with the end: nothing is left in the log.
    assert!(!folder.0.join("agents.db-wal").exists());
    let runtime = open(&folder.file());
    assert_eq!(count(&runtime, "a").unwrap(), 3);
    wait(runtime.close());
}

#[test]
fn the_log_is_written_from_its_beginning_again() {
    const MESSAGES: u64 = 400;
    let folder = Folder::new();
    let copies = Arc::new(AtomicU64::new(0));
    let counted = copies.clone();
    let hook = Arc::new(move |point| {
        // The first time that the log is copied fails, and is tried again.
        if point == Point::Sync && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(std::io::Error::other("the disk is broken"));
        }
        Ok(())
    });
    let runtime = Runtime::builder().store(folder.file()).commit_hook(hook).build().unwrap();
    wait(runtime.deploy(counter().name("a"))).unwrap();
    let log_bytes = || folder.0.join("agents.db-wal").metadata().unwrap().len();
    let content = format!("Q{}", "-".repeat(60_000));
    let mut longest = 0;
    for _ in 0..MESSAGES {
        // Each takes more than 16 pages of 4 KiB.
        send(&runtime, "a", &content).unwrap();
        longest = longest.max(log_bytes());
    }
    until("the log was copied", || copies.load(Ordering::SeqCst) >= 2);
    // 16 MiB, and what was set aside or written meanwhile.
    assert!((16 << 20..19 << 20).contains(&longest), "it has {longest} bytes");
    assert_eq!(count(&runtime, "a").unwrap(), MESSAGES + 1);

    // What is left in it of before is not taken for what came since.
    let copy = folder.0.join("copy.db");
    for end in ["", "-wal"] {
        let [from, to] = ["agents", "copy"].map(|name| folder.0.join(format!("{name}.db{end}")));
        std::fs::copy(from, to).unwrap();
    }
    let copied = open(&copy);
    assert_eq!(count(&copied, "a").unwrap(), MESSAGES + 2);
    wait(copied.close());
    wait(runtime.close());
    assert!(!folder.0.join("agents.db-wal").exists());
}
