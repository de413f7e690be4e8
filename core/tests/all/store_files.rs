//! Files that are no stores, broken ones, and those of others: each is refused with a sentence that
//! says what is wrong, and left as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use caxton::{ErrorKind, Runtime, inspect_store};
use rusqlite::Connection;

use crate::child;
use crate::store::{Folder, count, counter, open, send};
use crate::support::{until, wait};

/// A store with something of everything in it.
fn sample(folder: &Folder) {
    let runtime = open(&folder.file());
    for name in ["a", "b"] {
        wait(runtime.deploy(counter().name(name))).unwrap();
        assert_eq!(count(&runtime, name).unwrap(), 1);
    }
    send(&runtime, "a", "X").unwrap();
    assert_eq!(count(&runtime, "a").unwrap(), 2);
    wait(runtime.agent_named("b").unwrap().suspend()).unwrap();
    send(&runtime, "b", "Q").unwrap();
    send(&runtime, "b", "Q").unwrap();
    wait(runtime.close());
    change(
        &folder.file(),
        "INSERT INTO timers SELECT serial, 7, 9000000000000000, 0 FROM agents;
         INSERT INTO subscriptions SELECT serial, 9, '{\"topic\":\"t\"}', 0 FROM agents;
         INSERT INTO hosts VALUES (1000, 'h-id', 'h', '{}');",
    );
}

fn change(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

/// The files of a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect()
}

fn try_open(path: &Path) -> Result<Runtime, caxton::Error> {
    Runtime::builder().workers(1).store(path).build()
}

/// Checks that a file is refused with these words, and stays as it is.
fn is_refused(folder: &Folder, words: &str) {
    let before = files(&folder.0);
    let error = try_open(&folder.file()).expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.message().contains(words), "{error}, expected {words:?}");
    assert!(files(&folder.0) == before, "the files were changed: {error}");
}

/// The same, and for who only looks.
fn is_refused_to_all(folder: &Folder, words: &str) {
    is_refused(folder, words);
    let before = files(&folder.0);
    let error = inspect_store(folder.file()).expect_err(words);
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.message().contains(words), "{error}, expected {words:?}");
    assert!(files(&folder.0) == before, "the files were changed: {error}");
}

#[test]
fn what_is_no_store_is_left_as_it_is() {
    let folder = Folder::new();
    for (bytes, words) in [
        ("short".as_bytes().to_vec(), "is not a store"),
        ("a text that is longer than a header. ".repeat(200).into_bytes(), "is not a store"),
        (vec![0; 10], "is not a store"),
        (vec![0; 8192], "is not a store"),
        (b"SQLite format 3\0".to_vec(), "is not a store"),
        (b"SQLite format 3\0".repeat(500), "not one of Caxton's"),
    ] {
        std::fs::write(folder.file(), bytes).unwrap();
        is_refused_to_all(&folder, words);
    }
    for journal in ["DELETE", "WAL"] {
        std::fs::remove_file(folder.file()).unwrap();
        change(
            &folder.file(),
            &format!(
                "PRAGMA journal_mode = {journal}; CREATE TABLE t (x); INSERT INTO t VALUES (1)"
            ),
        );
        is_refused_to_all(&folder, "not one of Caxton's");
    }
    // One that another program has not finished with is not tidied up.
    let other = Connection::open(folder.file()).unwrap();
    other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    let copy = Folder::new();
    for end in ["", "-wal"] {
        let name = format!("agents.db{end}");
        std::fs::copy(folder.0.join(&name), copy.0.join(&name)).unwrap();
    }
    is_refused_to_all(&copy, "not one of Caxton's");
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = Folder::new();
    std::fs::write(folder.file(), "").unwrap();
    assert_eq!(inspect_store(folder.file()).unwrap().version, 0);
    assert_eq!(files(&folder.0).len(), 1);
    wait(open(&folder.file()).close());
    assert_eq!(inspect_store(folder.file()).unwrap().version, 2);
    assert_eq!(files(&folder.0).len(), 1);
}

#[test]
fn looking_changes_nothing() {
    let folder = Folder::new();
    sample(&folder);
    let before = files(&folder.0);
    let found = inspect_store(folder.file()).unwrap();
    assert!(files(&folder.0) == before);
    let names: Vec<&str> = found.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(found.agents[1].state, "suspended");
    assert_eq!((found.agents[1].mailbox_messages, found.mailbox_messages), (2, 2));
    assert_eq!((found.agents[0].timers, found.agents[0].subscriptions), (1, 1));
    assert_eq!((found.agents[0].stored_keys, found.agents[0].stored_bytes), (1, 15 + 96));
    assert_eq!((found.host_agents[0].name.as_str(), found.dead_letters), ("h", 2));
    // The log of a program that was killed stays as well.
    let runtime = open(&folder.file());
    let copy = Folder::new();
    for end in ["", "-wal"] {
        let name = format!("agents.db{end}");
        std::fs::copy(folder.0.join(&name), copy.0.join(&name)).unwrap();
    }
    assert_eq!(count(&runtime, "a").unwrap(), 3);
    for end in ["", "-wal"] {
        let name = format!("agents.db{end}");
        std::fs::copy(folder.0.join(&name), copy.0.join(&name)).unwrap();
    }
    let before = files(&copy.0);
    assert_eq!(inspect_store(copy.file()).unwrap().agents.len(), 2);
    assert!(files(&copy.0) == before);
    wait(runtime.close());
}

#[test]
fn a_newer_store_is_left_as_it_is() {
    let folder = Folder::new();
    sample(&folder);
    change(&folder.file(), "PRAGMA user_version = 99");
    is_refused_to_all(&folder, "has version 99");
    change(&folder.file(), "PRAGMA user_version = -1");
    is_refused_to_all(&folder, "has version");
    change(&folder.file(), "PRAGMA user_version = 0");
    is_refused_to_all(&folder, "version 0");
    change(&folder.file(), "PRAGMA user_version = 1; PRAGMA application_id = 5");
    is_refused_to_all(&folder, "not one of Caxton's");
}

#[test]
fn tables_that_are_not_a_stores_are_refused() {
    let folder = Folder::new();
    for (sql, words) in [
        ("DROP TABLE letters", r#"the table "letters""#),
        ("DROP INDEX agents_by_module", r#"the index "agents_by_module""#),
        ("ALTER TABLE hosts ADD COLUMN x", r#"the table "hosts""#),
        ("CREATE TABLE more (x)", r#"it has a table "more""#),
        (
            "DROP TABLE letters; CREATE VIEW letters (row, receiver, kind, message) AS
             WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)
             SELECT i, 16, 'direct', x'7b7d' FROM n",
            r#"the table "letters""#,
        ),
        (
            "CREATE TRIGGER t AFTER DELETE ON letters BEGIN DELETE FROM agents; END",
            r#"it has a trigger "t""#,
        ),
    ] {
        drop(std::fs::remove_file(folder.file()));
        sample(&folder);
        change(&folder.file(), sql);
        is_refused_to_all(&folder, words);
    }
}

#[test]
fn rows_that_are_not_as_they_were_written_are_named() {
    let folder = Folder::new();
    sample(&folder);
    let good = std::fs::read(folder.file()).unwrap();
    for (sql, words) in [
        ("UPDATE agents SET state = x'00'", "`state` is a blob of 1 bytes"),
        ("UPDATE agents SET state = 'odd'", r#"`state` is the text "odd""#),
        ("UPDATE agents SET name = x'6162' WHERE name = 'a'", "`name` is a blob"),
        ("UPDATE agents SET name = CAST(x'ff' AS TEXT) WHERE name = 'a'", "expected text in UTF-8"),
        (
            "UPDATE agents SET serial = 1 WHERE name = 'a'",
            "`serial` is 1, expected a number from 16",
        ),
        ("UPDATE agents SET serial = -5 WHERE name = 'a'", "`serial` is -5"),
        (
            "UPDATE agents SET serial = 9223372036854775807 WHERE name = 'a'",
            "`serial` is 9223372036",
        ),
        ("UPDATE agents SET module = x'00' WHERE name = 'a'", "expected a hash of 32 bytes"),
        ("DELETE FROM modules", "the module is missing"),
        ("UPDATE modules SET wasm = 'text'", "`wasm` is the text"),
        ("UPDATE agents SET next_timer = -1", "`next_timer` is -1"),
        ("UPDATE agents SET next_subscription = 1e300", "`next_subscription` is 1000"),
        ("UPDATE data SET value = 'text'", "`value` is the text"),
        ("UPDATE timers SET id = 0 WHERE agent = 16", "`id` is 0, expected a number from 1"),
        ("UPDATE timers SET id = 2147483648", "`id` is 2147483648"),
        ("UPDATE timers SET due = -1", "`due` is -1"),
        ("UPDATE timers SET in_init = 2", "`in_init` is 2"),
        ("UPDATE subscriptions SET id = -1", "`id` is -1"),
        ("UPDATE subscriptions SET filter = x'00'", "`filter` is a blob"),
        ("UPDATE letters SET kind = 'odd'", r#"`kind` is the text "odd""#),
        ("UPDATE letters SET message = 'text'", "`message` is the text"),
        ("UPDATE dead_letters SET message = -1", "`message` is -1"),
        ("UPDATE messages SET json = 'text'", "`json` is the text"),
        ("DELETE FROM messages", "is missing"),
        (
            "INSERT INTO staged_commits VALUES (1); INSERT INTO staged VALUES (1, 1, 'odd', 0, 0, 0, 0, 0, NULL, NULL, NULL)",
            r#"`kind` is the text "odd""#,
        ),
        (
            "INSERT INTO staged_commits VALUES (1); INSERT INTO staged VALUES (1, 1, 'timer', 16, 0, 0, 0, 0, NULL, NULL, NULL)",
            "`other` is 0",
        ),
        (
            "INSERT INTO staged_commits VALUES (1); INSERT INTO staged VALUES (1, 1, 'host', 16, 0, 0, 0, 0, '{}', NULL, NULL)",
            "expected all that is said of it",
        ),
        ("UPDATE letters SET row = -1 WHERE row = (SELECT min(row) FROM letters)", "`row` is -1"),
        ("UPDATE letters SET receiver = 'text'", "`receiver` is the text"),
        ("UPDATE dead_letters SET at = 'text'", "`at` is the text"),
        ("UPDATE dead_letters SET reason = x'00'", "`reason` is a blob"),
        ("UPDATE marks SET value = -1", "`value` is -1"),
        ("UPDATE marks SET value = 9223372036854775807", "`value` is 9223372036854775807"),
        ("UPDATE hosts SET name = x'00'", "`name` is a blob"),
        ("UPDATE agents SET settings = '{'", "settings cannot be read"),
    ] {
        std::fs::write(folder.file(), &good).unwrap();
        change(&folder.file(), sql);
        is_refused_to_all(&folder, words);
    }
}

#[test]
fn what_cannot_be_brought_back_is_named() {
    let folder = Folder::new();
    sample(&folder);
    let good = std::fs::read(folder.file()).unwrap();
    for (sql, words) in [
        ("UPDATE agents SET name = '' WHERE name = 'a'", "cannot be the name of an agent"),
        ("UPDATE agents SET name = 'topic:x' WHERE name = 'a'", "are topics"),
        ("UPDATE agents SET name = 'ams' WHERE name = 'a'", r#""ams" cannot be the name"#),
        ("UPDATE agents SET name = 'host' WHERE name = 'a'", "it is a name of the runtime"),
        ("UPDATE hosts SET name = 'a'", r#"two agents have "a""#),
        ("UPDATE agents SET id = 'same'", r#"the id "same""#),
        ("UPDATE agents SET id = '' WHERE name = 'a'", r#"the id """#),
        (
            "UPDATE hosts SET serial = (SELECT min(serial) FROM agents)",
            "two agents have the serial",
        ),
        ("UPDATE modules SET wasm = x'00'", r#"the agent "a""#),
        ("UPDATE modules SET wasm = x'0061736d01000000'", r#"the agent "a""#),
        (
            "UPDATE modules SET wasm = CAST(replace(wasm, 'const 48', 'const 49') AS BLOB)",
            "its module is not the one that was deployed",
        ),
        (
            "UPDATE agents SET settings = json_set(settings, '$.restart', 'odd')",
            r#"restart is "odd""#,
        ),
        ("UPDATE agents SET settings = json_set(settings, '$.odd', 1)", "unknown field `odd`"),
        (
            "UPDATE agents SET settings = json_set(settings, '$.limits.max_timers', -1)",
            "a limit is -1",
        ),
        (
            "UPDATE agents SET settings = json_set(settings, '$.registered', 7) WHERE name = 'a'",
            r#"the agent "a""#,
        ),
        (
            "UPDATE agents SET settings = json_set(settings, '$.registered', json('{\"description\":{\"odd\":1}}'))",
            "unknown field `odd`",
        ),
        (
            "UPDATE hosts SET settings = '{\"registered\":{\"lease_until\":1}}'",
            "missing field `description`",
        ),
        ("UPDATE hosts SET settings = '{\"odd\":1}'", "unknown field `odd`"),
        ("UPDATE hosts SET settings = ''", "the host agent"),
        ("UPDATE subscriptions SET filter = '{'", "subscription 9"),
        ("UPDATE messages SET json = x'7b7d'", "a message in the store cannot be read"),
        ("UPDATE messages SET json = zeroblob(5000000)", "a message in the store cannot be read"),
        ("UPDATE messages SET json = x''", "a message in the store cannot be read"),
    ] {
        std::fs::write(folder.file(), &good).unwrap();
        change(&folder.file(), sql);
        is_refused(&folder, words);
    }
    // One name twice takes an index that does not know of it.
    std::fs::write(folder.file(), &good).unwrap();
    let trick = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, ' UNIQUE', '') WHERE name = 'agents';
        DELETE FROM sqlite_schema WHERE name = 'sqlite_autoindex_agents_1';";
    change(&folder.file(), trick);
    change(&folder.file(), "UPDATE agents SET name = 'a'");
    is_refused_to_all(&folder, r#"the table "agents" is not as it was made"#);
    std::fs::write(folder.file(), &good).unwrap();
    let builder = Runtime::builder().max_agents(1).store(folder.file());
    let error = builder.build().unwrap_err();
    assert!(error.message().contains("it holds 2 agents, and max_agents is 1"), "{error}");
    assert_eq!(std::fs::read(folder.file()).unwrap(), good);
    // Nothing was lost in all this.
    let runtime = open(&folder.file());
    assert_eq!(count(&runtime, "a").unwrap(), 3);
    wait(runtime.close());
}

#[test]
fn what_belongs_to_nobody_is_given_up_once() {
    let folder = Folder::new();
    sample(&folder);
    change(
        &folder.file(),
        "UPDATE letters SET receiver = 5000;
         INSERT INTO data VALUES (5001, x'00', x'00');
         INSERT INTO timers VALUES (5002, 1, 5, 0);
         INSERT INTO subscriptions VALUES (5003, 1, '{}', 0)",
    );
    for _ in 0..2 {
        let runtime = open(&folder.file());
        until("both are dead letters", || runtime.dead_letters().len() == 4);
        wait(runtime.close());
    }
    let connection = Connection::open(folder.file()).unwrap();
    for table in [
        "data WHERE agent = 5001",
        "timers WHERE agent = 5002",
        "letters",
        "messages WHERE row NOT IN (SELECT message FROM dead_letters)",
        "subscriptions WHERE agent = 5003",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn a_truncated_store_is_refused() {
    let folder = Folder::new();
    sample(&folder);
    // Of a page that nothing uses a part may be missing.
    change(&folder.file(), "VACUUM");
    let good = std::fs::read(folder.file()).unwrap();
    for length in (1..good.len()).step_by(509) {
        std::fs::write(folder.file(), &good[..length]).unwrap();
        is_refused_to_all(&folder, "");
    }
}

const FLIPS: &str = "store_files::flipped_bytes_never_do_more_than_refuse";

#[test]
fn flipped_bytes_never_do_more_than_refuse() {
    if !child::is_here(FLIPS) {
        child::run(FLIPS, &[]);
        return;
    }
    let folder = Folder::new();
    sample(&folder);
    let good = std::fs::read(folder.file()).unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut opened, mut refused) = (0, 0);
    for round in 0..1500 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(8) {
            let at = match random.below(3) {
                // The header, the page heads, anywhere.
                0 => random.below(200),
                1 => random.below(bytes.len() / 4096) * 4096 + random.below(64),
                _ => random.below(bytes.len()),
            };
            bytes[at] = random.below(256) as u8;
        }
        std::fs::write(folder.file(), &bytes).unwrap();
        let looked = inspect_store(folder.file());
        let left = files(&folder.0);
        assert!(left.len() == 1 && left[&folder.file()] == bytes, "round {round}: {looked:?}");
        if let Err(error) = &looked {
            assert_eq!(error.kind(), ErrorKind::Store, "round {round}: {error}");
        }
        if round % 3 > 0 {
            continue;
        }
        match try_open(&folder.file()) {
            Ok(runtime) => {
                opened += 1;
                wait(runtime.close_within(Duration::ZERO));
                for end in ["", "-wal"] {
                    drop(std::fs::remove_file(folder.0.join(format!("agents.db{end}"))));
                }
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.kind(), ErrorKind::Store, "round {round}: {error}");
                let left = files(&folder.0);
                assert!(left.len() == 1 && left[&folder.file()] == bytes, "round {round}: {error}");
            }
        }
    }
    println!("{opened} opened, {refused} refused");
    assert!(opened > 20 && refused > 100, "{opened} opened, {refused} refused");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 600_000, "it took {peak} kB");
}

const SECOND: &str = "store_files::a_second_process_is_told_at_once";

#[test]
fn a_second_process_is_told_at_once() {
    if child::is_here(SECOND) {
        let path = PathBuf::from(std::env::var_os("CAXTON_TEST_STORE").unwrap());
        for error in [try_open(&path).unwrap_err(), inspect_store(&path).unwrap_err()] {
            assert!(error.message().contains("in use by another runtime"), "{error}");
        }
        return;
    }
    let folder = Folder::new();
    let runtime = open(&folder.file());
    let env = [("CAXTON_TEST_STORE", folder.0.join("agents.db"))];
    let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (*k, v.to_str().unwrap())).collect();
    child::run(SECOND, &env);
    // Nor does an attempt of this process take the lock from it.
    std::os::unix::fs::symlink(folder.file(), folder.0.join("link")).unwrap();
    for path in [folder.file(), folder.0.join("link")] {
        assert!(try_open(&path).is_err() && inspect_store(&path).is_err());
        child::run(SECOND, &env);
    }
    wait(runtime.close());
}

#[test]
fn a_place_where_no_store_can_be_is_named() {
    let folder = Folder::new();
    let no_folder = folder.0.join("none").join("agents.db");
    for (path, words) in [
        (folder.0.as_path(), "is a folder"),
        (&no_folder, "there is no folder"),
        (Path::new("/proc/agents.db"), "cannot be opened for writing"),
        (Path::new("/dev/null"), "no ordinary file"),
        (Path::new(""), "the store"),
    ] {
        let error = try_open(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
        assert!(error.message().contains(words), "{error}, expected {words:?}");
    }
    assert!(files(&folder.0).is_empty());
}

const READ_ONLY: &str = "store_files::a_store_that_cannot_be_written_can_be_looked_at";

#[test]
fn a_store_that_cannot_be_written_can_be_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    if child::is_here(READ_ONLY) {
        let file = PathBuf::from(std::env::var_os("CAXTON_TEST_STORE").unwrap());
        let folder = file.parent().unwrap();
        // Rights do not bind who has them all.
        // SAFETY: it takes a number, and nothing of this process depends on its user.
        let _ = unsafe { libc::setuid(65_534) };
        if std::fs::write(folder.join("probe"), "").is_ok() {
            println!("this user may write everywhere");
            return;
        }
        assert_eq!(inspect_store(&file).unwrap().agents.len(), 2);
        let error = try_open(&file).unwrap_err();
        assert!(
            error.message().contains("writable") || error.message().contains("writing"),
            "{error}"
        );
        let error = try_open(&folder.join("new.db")).unwrap_err();
        assert!(error.message().contains("cannot be opened for writing"), "{error}");
        return;
    }
    let folder = Folder::new();
    sample(&folder);
    let rights = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let file = folder.file();
    for mode in [0o444, 0o666] {
        rights(&file, mode);
        rights(&folder.0, 0o555);
        let before = files(&folder.0);
        child::run(READ_ONLY, &[("CAXTON_TEST_STORE", file.to_str().unwrap())]);
        assert!(files(&folder.0) == before);
    }
    rights(&folder.0, 0o755);
}

/// Numbers without a pattern, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}
