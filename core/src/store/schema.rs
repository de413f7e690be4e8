//! The tables of a store, and how older ones become these.

use rusqlite::Connection;

use crate::error::shown;

/// Marks a SQLite file as one of ours: "Cxtn".
pub(super) const APPLICATION_ID: i32 = 0x4378_746e;

/// What each version of the schema did to the one before it. The number of steps is the version of
/// this program; a file says in `user_version` how many it has behind it.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE marks (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE modules (
        hash BLOB PRIMARY KEY,
        wasm BLOB NOT NULL
    );
    CREATE TABLE agents (
        serial INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        name TEXT NOT NULL UNIQUE,
        module BLOB NOT NULL,
        state TEXT NOT NULL,
        settings TEXT NOT NULL,
        next_timer INTEGER NOT NULL DEFAULT 1,
        next_subscription INTEGER NOT NULL DEFAULT 1
    );
    CREATE INDEX agents_by_module ON agents (module);
    CREATE TABLE hosts (
        serial INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        name TEXT NOT NULL UNIQUE,
        settings TEXT NOT NULL
    );
    CREATE TABLE data (
        agent INTEGER NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (agent, key)
    ) WITHOUT ROWID;
    CREATE TABLE timers (
        agent INTEGER NOT NULL,
        id INTEGER NOT NULL,
        due INTEGER NOT NULL,
        in_init INTEGER NOT NULL,
        PRIMARY KEY (agent, id)
    ) WITHOUT ROWID;
    CREATE TABLE subscriptions (
        agent INTEGER NOT NULL,
        id INTEGER NOT NULL,
        filter TEXT NOT NULL,
        in_init INTEGER NOT NULL,
        PRIMARY KEY (agent, id)
    ) WITHOUT ROWID;
    CREATE TABLE letters (
        row INTEGER PRIMARY KEY,
        receiver INTEGER NOT NULL,
        kind TEXT NOT NULL,
        message BLOB NOT NULL
    );
    CREATE TABLE dead_letters (
        row INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        agent TEXT,
        reason TEXT NOT NULL,
        message BLOB NOT NULL
    );
",
    "
    CREATE TABLE messages (
        row INTEGER PRIMARY KEY,
        json BLOB NOT NULL
    );
    INSERT INTO messages (row, json)
        SELECT row, message FROM letters UNION ALL SELECT row, message FROM dead_letters;
    ALTER TABLE letters RENAME TO letters_1;
    CREATE TABLE letters (
        row INTEGER PRIMARY KEY,
        receiver INTEGER NOT NULL,
        kind TEXT NOT NULL,
        message INTEGER NOT NULL
    );
    INSERT INTO letters (row, receiver, kind, message)
        SELECT row, receiver, kind, row FROM letters_1;
    DROP TABLE letters_1;
    ALTER TABLE dead_letters RENAME TO dead_letters_1;
    CREATE TABLE dead_letters (
        row INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        agent TEXT,
        reason TEXT NOT NULL,
        message INTEGER NOT NULL
    );
    INSERT INTO dead_letters (row, at, agent, reason, message)
        SELECT row, at, agent, reason, row FROM dead_letters_1;
    DROP TABLE dead_letters_1;
    CREATE TABLE staged (
        number INTEGER PRIMARY KEY,
        \"commit\" INTEGER NOT NULL,
        kind TEXT NOT NULL,
        row INTEGER NOT NULL,
        other INTEGER NOT NULL,
        time INTEGER NOT NULL,
        message INTEGER NOT NULL,
        in_init INTEGER NOT NULL,
        text TEXT,
        key BLOB,
        value BLOB
    );
    CREATE TABLE staged_commits (
        number INTEGER PRIMARY KEY
    );
",
];

/// Brings a file up to date. The caller has begun a transaction.
pub(super) fn migrate(connection: &Connection, steps: &[&str], from: i64) -> rusqlite::Result<()> {
    for step in steps.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", steps.len() as i64)
}

/// What the file has that a store of its version has not, or lacks: a view or a trigger would run
/// code of whoever wrote the file, and a unique index would refuse what is written. Any other index is
/// its owner's business.
pub(super) fn difference(
    connection: &Connection,
    steps: &[&str],
    version: i64,
) -> rusqlite::Result<Option<String>> {
    let fresh = Connection::open_in_memory()?;
    let known = usize::try_from(version).unwrap_or(0).min(steps.len());
    migrate(&fresh, &steps[..known], 0)?;
    let (found, expected) = (parts(connection)?, parts(&fresh)?);
    let lacking = expected.iter().find(|part| !found.contains(part));
    let mut strange = None;
    for part in found.iter().filter(|part| !expected.contains(part)) {
        if !is_mere_index(connection, part)? {
            strange = Some(part);
            break;
        }
    }
    Ok(match (lacking, strange) {
        (Some((kind, name, _)), _) => {
            Some(format!("the {kind} {:?} is not as it was made, or not there", shown(name)))
        }
        (None, Some((kind, name, _))) => {
            let article = if kind == "index" { "an" } else { "a" };
            let (kind, name) = (shown(kind), shown(name));
            Some(format!("it has {article} {kind} {name:?}, which a store has not"))
        }
        (None, None) => None,
    })
}

/// Whether this is an index that forbids nothing.
fn is_mere_index(connection: &Connection, (kind, name, _): &Part) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema, pragma_index_list(sqlite_schema.tbl_name) list \
               WHERE sqlite_schema.name = ?1 AND list.name = ?1 AND NOT list.\"unique\"";
    Ok(kind == "index" && connection.query_row(sql, [name], |row| row.get::<_, i64>(0))? > 0)
}

/// Kind, name, and the words by which it was made: spaces between them mean nothing.
type Part = (String, String, Vec<String>);

/// Returns the parts of a file, without the statistics that `ANALYZE` keeps.
fn parts(connection: &Connection) -> rusqlite::Result<Vec<Part>> {
    let sql = "SELECT type, name, coalesce(sql, '') FROM sqlite_schema
               WHERE name NOT IN ('sqlite_stat1', 'sqlite_stat4')";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let sql: String = row.get(2)?;
        Ok((row.get(0)?, row.get(1)?, words(&sql)))
    })?;
    rows.collect()
}

/// Splits a statement at its spaces and signs.
fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in sql.split_whitespace() {
        let parts = part.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_'));
        for word in parts.filter(|word| !word.is_empty()) {
            let (name, sign) = match word.char_indices().next_back() {
                Some((at, last)) if !(last.is_alphanumeric() || last == '_') => word.split_at(at),
                _ => (word, ""),
            };
            words.extend([name, sign].into_iter().filter(|it| !it.is_empty()).map(str::to_owned));
        }
    }
    words
}
