//! The store in a SQLite file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::change::{Change, Contents, Row, Serial, WRITABLE};
use super::file::{Access, Locked, explain};
use super::log::Log;
use super::{Durability, Hook, Point, Storage, schema};
use crate::error::Error;

/// Numbers are set aside in blocks of this many, so that a commit seldom has to write one.
const BLOCK: u64 = 1 << 20;

/// One open store. It is locked for this process until it is closed.
pub(crate) struct Sqlite {
    connection: Locked<'static>,
    log: Log,
    path: PathBuf,
    durability: Durability,
    hook: Option<Hook>,
    /// Rows below this may have been given out, as far as the file knows; the same for serials.
    rows_below: Row,
    serials_below: Serial,
}

impl Sqlite {
    /// Opens a store, or makes one; what it holds. Where this fails, or what is made of it is dropped
    /// without [`Storage::close`], the file stays as it was.
    pub fn open(
        path: &Path,
        durability: Durability,
        hook: Option<Hook>,
    ) -> Result<(Self, Contents), Error> {
        let wrong = |error: rusqlite::Error| explain(path, error);
        let mut connection = Locked::open(path, Access::Write, schema::MIGRATIONS)?;
        connection.set_prepared_statement_cache_capacity(64);
        let contents = connection.read()?;
        // All that follows changes nothing that the file holds.
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(wrong)?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous).map_err(wrong)?;
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(wrong)?;
        let log = Log::open(&connection.log_path(), &mut connection).map_err(wrong)?;
        let store = Sqlite {
            connection,
            log,
            path: path.to_owned(),
            durability,
            hook,
            rows_below: contents.next_row,
            serials_below: contents.next_serial,
        };
        Ok((store, contents))
    }

    fn reach(&self, point: Point) -> rusqlite::Result<()> {
        match &self.hook {
            Some(hook) => hook(point).map_err(|error| {
                rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
                    Some(error.to_string()),
                )
            }),
            None => Ok(()),
        }
    }

    fn write(&mut self, changes: &mut dyn Iterator<Item = &Change>) -> rusqlite::Result<()> {
        let (mut rows, mut serials) = (self.rows_below, self.serials_below);
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.reach(Point::Begun)?;
        for change in changes {
            match change {
                Change::Letter { row, .. } => rows = rows.max(row + 1),
                Change::DeadLetter(letter) => rows = rows.max(letter.row + 1),
                Change::Agent(agent) => serials = serials.max(agent.serial + 1),
                Change::Host(host) => serials = serials.max(host.serial + 1),
                _ => {}
            }
            apply(&self.connection, change)?;
            self.reach(Point::Changed)?;
        }
        if rows > self.rows_below {
            rows += BLOCK;
            set_mark(&self.connection, "rows", rows)?;
        }
        if serials > self.serials_below {
            serials += BLOCK;
            set_mark(&self.connection, "serials", serials)?;
        }
        self.reach(Point::BeforeCommit)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.rows_below = rows;
        self.serials_below = serials;
        Ok(())
    }
}

impl Storage for Sqlite {
    fn commit(&mut self, changes: &mut dyn Iterator<Item = &Change>) -> Result<(), Error> {
        self.log.make_room();
        if let Err(error) = self.write(changes) {
            if !self.connection.is_autocommit() {
                drop(self.connection.execute_batch("ROLLBACK"));
            }
            return Err(explain(&self.path, error));
        }
        // From here on it is on disk, whatever the hook thinks of it.
        drop(self.reach(Point::Committed));
        Ok(())
    }

    fn is_relaxed(&self) -> bool {
        self.durability == Durability::Relaxed
    }

    fn is_due(&self) -> bool {
        self.log.is_long()
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.reach(Point::Sync)
            .and_then(|()| checkpoint(&self.connection, "PASSIVE"))
            .map_err(|error| explain(&self.path, error))?;
        self.log.copied();
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), Error> {
        let Sqlite { connection, log, path, .. } = *self;
        drop(log);
        checkpoint(&connection, "TRUNCATE").map_err(|error| explain(&path, error))
    }
}

fn checkpoint(connection: &Connection, kind: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({kind})"), [], |_| Ok(()))
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(values).map(drop)
    };
    match change {
        Change::Letter { row, to, kind, message } => run(
            "INSERT INTO letters (row, receiver, kind, message) VALUES (?, ?, ?, ?)",
            params![number(*row), number(*to), kind, message.as_ref()],
        ),
        Change::NoLetter(row) => run("DELETE FROM letters WHERE row = ?", params![number(*row)]),
        Change::Data { agent, key, value: Some(value) } => run(
            "INSERT INTO data (agent, key, value) VALUES (?, ?, ?)
             ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value",
            params![number(*agent), key.as_ref(), value.as_ref()],
        ),
        Change::Data { agent, key, value: None } => run(
            "DELETE FROM data WHERE agent = ? AND key = ?",
            params![number(*agent), key.as_ref()],
        ),
        Change::Timer { agent, id, due, in_init } => {
            run(
                "INSERT OR REPLACE INTO timers (agent, id, due, in_init) VALUES (?, ?, ?, ?)",
                params![number(*agent), id, number(*due), in_init],
            )?;
            run(
                "UPDATE agents SET next_timer = max(next_timer, ?) WHERE serial = ?",
                params![i64::from(*id) + 1, number(*agent)],
            )
        }
        Change::NoTimer { agent, id } => {
            run("DELETE FROM timers WHERE agent = ? AND id = ?", params![number(*agent), id])
        }
        Change::Subscription { agent, id, filter, in_init } => {
            run(
                "INSERT OR REPLACE INTO subscriptions (agent, id, filter, in_init) \
                 VALUES (?, ?, ?, ?)",
                params![number(*agent), id, filter.as_ref(), in_init],
            )?;
            run(
                "UPDATE agents SET next_subscription = max(next_subscription, ?) WHERE serial = ?",
                params![i64::from(*id) + 1, number(*agent)],
            )
        }
        Change::NoSubscription { agent, id } => {
            run("DELETE FROM subscriptions WHERE agent = ? AND id = ?", params![number(*agent), id])
        }
        Change::Agent(row) => {
            let hash = row.hash.as_slice();
            let known = connection
                .prepare_cached("SELECT 1 FROM modules WHERE hash = ?")?
                .exists(params![hash])?;
            if !known {
                run(
                    "INSERT INTO modules (hash, wasm) VALUES (?, ?)",
                    params![hash, row.wasm.as_ref()],
                )?;
            }
            // One of the same name that is about to go is gone already.
            let same_name: Option<i64> = connection
                .prepare_cached("SELECT serial FROM agents WHERE name = ? AND serial <> ?")?
                .query_row(params![row.name.as_ref(), number(row.serial)], |row| row.get(0))
                .optional()?;
            if let Some(serial) = same_name {
                forget(connection, serial)?;
            }
            run(
                "INSERT INTO agents (serial, id, name, module, state, settings) \
                 VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (serial) DO UPDATE SET \
                 module = excluded.module, state = excluded.state, settings = excluded.settings",
                params![
                    number(row.serial),
                    row.id.as_ref(),
                    row.name.as_ref(),
                    hash,
                    row.state,
                    row.settings
                ],
            )?;
            drop_unused_modules(connection)
        }
        Change::Host(row) => run(
            "INSERT OR REPLACE INTO hosts (serial, id, name, settings) VALUES (?, ?, ?, ?)",
            params![number(row.serial), row.id.as_ref(), row.name.as_ref(), row.settings],
        ),
        Change::Writable(place) => run(
            "INSERT OR IGNORE INTO marks (name, value) VALUES (?, 1)",
            params![format!("{WRITABLE}{place}")],
        ),
        Change::State(serial, state) => {
            run("UPDATE agents SET state = ? WHERE serial = ?", params![state, number(*serial)])
        }
        Change::Settings(serial, settings) => {
            let values = params![settings, number(*serial)];
            run("UPDATE agents SET settings = ? WHERE serial = ?", values)?;
            run("UPDATE hosts SET settings = ? WHERE serial = ?", values)
        }
        Change::Gone(serial) => {
            forget(connection, number(*serial))?;
            drop_unused_modules(connection)
        }
        Change::DeadLetter(letter) => run(
            "INSERT OR REPLACE INTO dead_letters (row, at, agent, reason, message) \
             VALUES (?, ?, ?, ?, ?)",
            params![
                number(letter.row),
                number(letter.at),
                letter.agent.as_deref(),
                letter.reason,
                letter.message.as_ref()
            ],
        ),
        Change::NoDeadLetter(row) => {
            run("DELETE FROM dead_letters WHERE row = ?", params![number(*row)])
        }
    }
}

/// Deletes a member with all that it has.
fn forget(connection: &Connection, serial: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM data WHERE agent = ?",
        "DELETE FROM timers WHERE agent = ?",
        "DELETE FROM subscriptions WHERE agent = ?",
        "DELETE FROM letters WHERE receiver = ?",
        "DELETE FROM hosts WHERE serial = ?",
        "DELETE FROM agents WHERE serial = ?",
    ] {
        connection.prepare_cached(sql)?.execute(params![serial])?;
    }
    Ok(())
}

fn drop_unused_modules(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM modules WHERE NOT EXISTS \
             (SELECT 1 FROM agents WHERE agents.module = modules.hash)",
        )?
        .execute([])
        .map(drop)
}

fn set_mark(connection: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)")?
        .execute(params![name, number(value)])
        .map(drop)
}

/// SQLite's integers are signed. What does not fit is a time that never comes.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
