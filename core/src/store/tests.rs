//! Stores of other versions.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::path::PathBuf;

use rusqlite::Connection;

use super::change::Leftovers;
use super::file::{Access, Locked};
use super::schema::{self, MIGRATIONS};

/// A file for one test; deleted at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("caxton-{name}-{}.db", std::process::id());
        let file = File(std::env::temp_dir().join(name));
        drop(std::fs::remove_file(&file.0));
        file
    }

    /// Opens it as a program does that knows these steps.
    fn read(&self, steps: &[&str]) -> Result<usize, crate::Error> {
        let locked = Locked::open(&self.0, Access::Write, steps)?;
        let hosts = locked.read()?.hosts.len();
        locked.update(&Leftovers::default())?;
        Ok(hosts)
    }

    fn version(&self) -> i64 {
        let connection = Connection::open(&self.0).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

const NEXT: &str = "ALTER TABLE hosts ADD COLUMN note TEXT NOT NULL DEFAULT '';
    CREATE TABLE notes (id INTEGER PRIMARY KEY);";

#[test]
fn an_older_store_is_brought_up_to_date() {
    let file = File::new("older");
    assert_eq!(file.read(MIGRATIONS).unwrap(), 0);
    let host = "INSERT INTO hosts VALUES (16, 'id', 'name', '{}')";
    Connection::open(&file.0).unwrap().execute_batch(host).unwrap();
    let before = std::fs::read(&file.0).unwrap();
    let steps = [MIGRATIONS, &[NEXT, "DROP TABLE notes"]].concat();

    // Who only looks sees it as it will be.
    let (version, contents) = Locked::open(&file.0, Access::Read, &steps).unwrap().look().unwrap();
    assert_eq!((version, contents.hosts.len()), (MIGRATIONS.len() as i64, 1));
    assert!(std::fs::read(&file.0).unwrap() == before);

    // A step that fails leaves it as it is.
    let broken = [&steps[..], &["INSERT INTO nowhere VALUES (1)"]].concat();
    let error = file.read(&broken).unwrap_err();
    assert!(error.message().contains("nowhere"), "{error}");
    assert!(std::fs::read(&file.0).unwrap() == before);

    assert_eq!(file.read(&steps).unwrap(), 1);
    assert_eq!(file.version(), steps.len() as i64);
    assert_eq!(file.read(&steps).unwrap(), 1);
    // Who knows only the older one leaves it alone.
    let error = file.read(MIGRATIONS).unwrap_err();
    assert!(error.message().contains("open it with a newer one"), "{error}");
}

/// The tables of a store, with their columns, as files have them that were written already. A new
/// version adds a step to the list; no step is ever changed.
#[test]
fn the_steps_make_the_tables_that_files_have() {
    let connection = Connection::open_in_memory().unwrap();
    schema::migrate(&connection, MIGRATIONS, 0).unwrap();
    let columns = "SELECT t.name || ': ' || group_concat(c.name || ' ' || c.type, ', ')
        FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'
        GROUP BY t.name ORDER BY t.name";
    let mut statement = connection.prepare(columns).unwrap();
    let tables: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expected = [
        "agents: serial INTEGER, id TEXT, name TEXT, module BLOB, state TEXT, settings TEXT, \
         next_timer INTEGER, next_subscription INTEGER",
        "data: agent INTEGER, key BLOB, value BLOB",
        "dead_letters: row INTEGER, at INTEGER, agent TEXT, reason TEXT, message INTEGER",
        "hosts: serial INTEGER, id TEXT, name TEXT, settings TEXT",
        "letters: row INTEGER, receiver INTEGER, kind TEXT, message INTEGER",
        "marks: name TEXT, value INTEGER",
        "messages: row INTEGER, json BLOB",
        "modules: hash BLOB, wasm BLOB",
        "staged: number INTEGER, commit INTEGER, kind TEXT, row INTEGER, other INTEGER, time INTEGER, \
         message INTEGER, in_init INTEGER, text TEXT, key BLOB, value BLOB",
        "staged_commits: number INTEGER",
        "subscriptions: agent INTEGER, id INTEGER, filter TEXT, in_init INTEGER",
        "timers: agent INTEGER, id INTEGER, due INTEGER, in_init INTEGER",
    ];
    assert_eq!(tables, expected);
}
