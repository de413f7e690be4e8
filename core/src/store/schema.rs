//! The tables of a store, and how older ones become these.

use rusqlite::Connection;

/// Marks a SQLite file as one of ours: "Cxtn".
pub(super) const APPLICATION_ID: i32 = 0x4378_746e;

/// What each version of the schema did to the one before it. The number of steps is the version of
/// this program; a file says in `user_version` how many it has behind it.
pub(super) const MIGRATIONS: &[&str] = &["
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
"];

/// The version that this program writes.
pub(super) fn version() -> i64 {
    MIGRATIONS.len() as i64
}

/// Brings a file up to date, in one transaction.
pub(super) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version())?;
    transaction.commit()
}
