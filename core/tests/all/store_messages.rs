//! Messages in a store: each is there once, however many letters name it, and as long as one does.

use std::path::{Path, PathBuf};

use caxton::{Deploy, ErrorKind, Performative, Register, Reply, Runtime, inspect_store};
use rusqlite::Connection;
use serde_json::json;

use crate::store::{Folder, count, open};
use crate::support::{ask, deploy, draft, until, wait};

/// A number that the file knows.
fn number(path: &Path, sql: &str) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn change(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Texts of messages that a host agent was given, as a channel hands them out.
fn register(runtime: &Runtime, name: &str) -> std::sync::mpsc::Receiver<String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let handler = runtime.handler(move |message| {
        let sent = sender.send(message.content().to_owned());
        async move {
            sent.unwrap();
            match message.performative() {
                Performative::Request => Reply::Content(b"1".to_vec()),
                _ => Reply::Nothing,
            }
        }
    });
    runtime.register(Register::new(name, handler)).unwrap();
    receiver
}

#[test]
fn a_store_of_version_1_is_brought_up_to_date() {
    let folder = Folder::new();
    let old = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/stores/version-1.db");
    std::fs::copy(&old, folder.file()).unwrap();
    let looked = inspect_store(folder.file()).unwrap();
    assert_eq!((looked.version, looked.mailbox_messages, looked.dead_letters), (1, 5, 2));
    let names: Vec<&str> = looked.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["counter", "keeper"]);
    assert_eq!(looked.host_agents[0].mailbox_messages, 2);
    assert!(std::fs::read(&old).unwrap() == std::fs::read(folder.file()).unwrap());

    let runtime = open(&folder.file());
    assert_eq!(runtime.dead_letters().len(), 2);
    assert_eq!(count(&runtime, "counter").unwrap(), 4);
    let keeper = runtime.agent_named("keeper").unwrap();
    assert_eq!((keeper.stats().mailbox_messages, keeper.stats().timers), (3, 0));
    wait(keeper.resume()).unwrap();
    until("all is handled", || keeper.stats().mailbox_messages == 0);
    let told: Vec<String> = keeper.logs().into_iter().map(|line| line.text).collect();
    for (line, content) in told.iter().zip(["both 0", "both 1", "last"]) {
        assert!(line.contains(content), "{told:?}");
    }
    let given = register(&runtime, "desk");
    assert_eq!([given.recv().unwrap(), given.recv().unwrap()], ["\"both 0\"", "\"both 1\""]);
    // With its answer, what came before it is handled too.
    ask(&runtime, "desk").unwrap();
    wait(runtime.close());
    let looked = inspect_store(folder.file()).unwrap();
    assert_eq!((looked.version, looked.mailbox_messages, looked.dead_letters), (2, 0, 2));
    assert_eq!(number(&folder.file(), "SELECT count(*) FROM messages"), 2);
    wait(open(&folder.file()).close());
}

#[test]
fn a_file_of_version_1_that_is_refused_stays_as_it_is() {
    let folder = Folder::new();
    let old = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/stores/version-1.db");
    std::fs::copy(&old, folder.file()).unwrap();
    change(&folder.file(), "UPDATE modules SET wasm = x'00'");
    let before = std::fs::read(folder.file()).unwrap();
    let error = Runtime::builder().store(folder.file()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(std::fs::read(folder.file()).unwrap() == before);
}

/// An agent that sends one message of a megabyte to 500 names that nobody has, when a timer rings.
fn shouter() -> Deploy {
    let names: Vec<String> = (0..500).map(|number| format!("nobody-{number}")).collect();
    let head = format!(
        r#"{{"performative":"inform","receiver":{},"content":""#,
        serde_json::to_string(&names).unwrap()
    );
    let escaped: String = head.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let (length, content) = (head.len(), 1_000_000);
    let end = length + content;
    Deploy::bytes(
        format!(
            r#"(module
            (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
            (import "caxton" "set_timer" (func $set_timer (param i64) (result i32)))
            (memory (export "memory") 20)
            (data (i32.const 0) "{escaped}")
            (func (export "agent_init") (result i32)
                (drop (call $set_timer (i64.const 1000))) (i32.const 0))
            (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0))
            (func (export "handle_timer") (param i32) (result i32)
                (memory.fill (i32.const {length}) (i32.const 120) (i32.const {content}))
                (i32.store16 (i32.const {end}) (i32.const 0x7d22))
                (call $send (i32.const 0) (i32.const {}))))"#,
            end + 2
        )
        .into_bytes(),
    )
}

#[test]
fn a_message_to_many_names_is_stored_once() {
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let agent = deploy(&runtime, "shouter", shouter());
    until("nobody got it", || !runtime.dead_letters().is_empty());
    until("it was told of each", || agent.stats().mailbox_messages == 0);
    // It does not shout again when the store is opened.
    wait(agent.suspend()).unwrap();
    wait(runtime.close());
    let large = "SELECT count(*) FROM messages WHERE length(json) > 500000";
    assert_eq!(number(&folder.file(), large), 1);
    let naming = "SELECT count(*) FROM dead_letters WHERE message IN
        (SELECT row FROM messages WHERE length(json) > 500000)";
    assert!(number(&folder.file(), naming) > 1);
    let size = std::fs::metadata(folder.file()).unwrap().len();
    assert!(size < 8 << 20, "it takes {size} bytes");

    let runtime = open(&folder.file());
    let dead = runtime.dead_letters();
    let of_shouter = || dead.iter().filter(|letter| letter.message.sender() == "shouter");
    let first = of_shouter().next().unwrap();
    for letter in of_shouter() {
        assert!(std::ptr::eq(letter.message.as_json(), first.message.as_json()));
        runtime.drop_dead_letter(letter.id).unwrap();
    }
    wait(runtime.close());
    assert_eq!(number(&folder.file(), large), 0);
}

#[test]
fn a_message_is_there_until_the_last_has_it() {
    const RECEIVERS: usize = 1000;
    let folder = Folder::new();
    let names: Vec<String> = (0..RECEIVERS).map(|number| format!("h{number}")).collect();
    let runtime = open(&folder.file());
    names.iter().for_each(|name| drop(register(&runtime, name)));
    wait(runtime.close());

    // Now they wait for their handlers.
    let runtime = open(&folder.file());
    let to_all = json!({"performative": "inform", "receiver": names, "content": 7});
    wait(runtime.send(&draft(to_all), None)).unwrap();
    wait(runtime.close());
    let file = folder.file();
    assert_eq!(number(&file, "SELECT count(*) FROM messages"), 1);
    assert_eq!(number(&file, "SELECT count(*) FROM letters"), RECEIVERS as i64);
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size < 1 << 20, "it takes {size} bytes");

    let runtime = open(&file);
    let (last, others) = names.split_last().unwrap();
    for name in others {
        assert_eq!(register(&runtime, name).recv().unwrap(), "7");
        ask(&runtime, name).unwrap();
    }
    wait(runtime.close());
    assert_eq!(number(&file, "SELECT count(*) FROM messages"), 1);
    assert_eq!(number(&file, "SELECT count(*) FROM letters"), 1);
    let runtime = open(&file);
    assert_eq!(register(&runtime, last).recv().unwrap(), "7");
    ask(&runtime, last).unwrap();
    wait(runtime.close());
    assert_eq!(number(&file, "SELECT count(*) FROM messages"), 0);
}

#[test]
fn messages_that_nothing_names_are_deleted_and_missing_ones_are_named() {
    let folder = Folder::new();
    wait(open(&folder.file()).close());
    change(&folder.file(), "INSERT INTO messages VALUES (7, x'7b7d')");
    wait(open(&folder.file()).close());
    assert_eq!(number(&folder.file(), "SELECT count(*) FROM messages"), 0);
    change(&folder.file(), "INSERT INTO letters VALUES (8, 16, 'direct', 9)");
    let error = Runtime::builder().store(folder.file()).build().unwrap_err();
    assert!(error.message().contains("at the row 8, the message 9 is missing"), "{error}");
}

#[test]
fn an_index_of_the_users_is_damage_only_where_it_is_unique() {
    let folder = Folder::new();
    wait(open(&folder.file()).close());
    change(&folder.file(), "CREATE INDEX mine ON letters (receiver)");
    wait(open(&folder.file()).close());
    assert_eq!(inspect_store(folder.file()).unwrap().version, 2);
    change(&folder.file(), "CREATE UNIQUE INDEX only ON letters (receiver)");
    let error = Runtime::builder().store(folder.file()).build().unwrap_err();
    assert!(error.message().contains(r#"it has an index "only""#), "{error}");
}

#[test]
fn statistics_and_other_spaces_are_no_damage() {
    let folder = Folder::new();
    wait(open(&folder.file()).close());
    change(&folder.file(), "CREATE INDEX mine ON letters (receiver); ANALYZE");
    let closer = "PRAGMA writable_schema = 1;
        UPDATE sqlite_schema SET sql = replace(replace(sql, char(10), ' '), ' (', char(9) || '(')";
    change(&folder.file(), closer);
    wait(open(&folder.file()).close());
    let other = "PRAGMA writable_schema = 1;
        UPDATE sqlite_schema SET sql = replace(sql, 'TEXT NOT NULL', 'TEXTNOT NULL')
        WHERE name = 'hosts'";
    change(&folder.file(), other);
    let error = Runtime::builder().store(folder.file()).build().unwrap_err();
    assert!(error.message().contains(r#"the table "hosts" is not as it was made"#), "{error}");
}
