//! The store in a SQLite file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::change::{Change, Contents, Row, Serial};
use super::{Durability, Hook, Point, Storage, load, schema};
use crate::error::{Error, ErrorKind};

/// Numbers are set aside in blocks of this many, so that a commit seldom has to write one.
const BLOCK: u64 = 1 << 20;
/// Pages of the log after which it is copied into the file, 16 MiB.
const CHECKPOINT_PAGES: i32 = 4096;

/// One open store. It is locked for this process until it is closed.
pub(crate) struct Sqlite {
    _opened: Opened,
    connection: Connection,
    path: PathBuf,
    durability: Durability,
    hook: Option<Hook>,
    /// Rows below this may have been given out, as far as the file knows; the same for serials.
    rows_below: Row,
    serials_below: Serial,
}

impl Sqlite {
    /// Opens a store, or makes one; what it holds.
    pub fn open(
        path: &Path,
        durability: Durability,
        hook: Option<Hook>,
    ) -> Result<(Self, Contents), Error> {
        let wrong = |error: rusqlite::Error| explain(path, error);
        check_file(path)?;
        let is_new = !path.metadata().is_ok_and(|file| file.len() > 0);
        make_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(wrong)?;
        connection.busy_timeout(Duration::ZERO).map_err(wrong)?;
        connection.set_prepared_statement_cache_capacity(64);
        // The lock is taken with the first transaction, and kept.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(wrong)?;
        let version = check_version(&connection, path, is_new)?;
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
            .map_err(wrong)?;
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous).map_err(wrong)?;
        connection
            .pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))
            .map_err(wrong)?;
        connection.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(wrong)?;
        if version < schema::version() {
            schema::migrate(&mut connection, version).map_err(wrong)?;
        }
        let contents = load::contents(&connection, path)?;
        let store = Sqlite {
            _opened: Opened::note(path),
            connection,
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
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
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
        self.connection.execute_batch("COMMIT")?;
        self.rows_below = rows;
        self.serials_below = serials;
        Ok(())
    }
}

impl Storage for Sqlite {
    fn commit(&mut self, changes: &mut dyn Iterator<Item = &Change>) -> Result<(), Error> {
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

    fn sync(&mut self) -> Result<(), Error> {
        checkpoint(&self.connection, "PASSIVE").map_err(|error| explain(&self.path, error))
    }

    fn close(self: Box<Self>) -> Result<(), Error> {
        let path = self.path;
        checkpoint(&self.connection, "TRUNCATE").map_err(|error| explain(&path, error))?;
        self.connection.close().map_err(|(_, error)| explain(&path, error))
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
        Change::State(serial, state) => {
            run("UPDATE agents SET state = ? WHERE serial = ?", params![state, number(*serial)])
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

/// The files of this process that are open.
static OPEN_FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The stores that this process has open.
pub(crate) fn open_files() -> Vec<PathBuf> {
    OPEN_FILES.lock().clone()
}

/// As long as it lives, its file is among [`open_files`].
struct Opened(PathBuf);

impl Opened {
    fn note(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        OPEN_FILES.lock().push(path.clone());
        Opened(path)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        OPEN_FILES.lock().retain(|path| *path != self.0);
    }
}

/// SQLite's integers are signed. What does not fit is a time that never comes.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Says of a path what SQLite would not.
fn check_file(path: &Path) -> Result<(), Error> {
    let wrong = |text: String| Err(Error::new(ErrorKind::Store, text));
    match path.metadata() {
        Ok(file) if file.is_dir() => {
            wrong(format!("the store {} is a folder, expected a file", path.display()))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            if folder.is_dir() {
                return Ok(());
            }
            let (path, folder) = (path.display(), folder.display());
            wrong(format!("the store {path} cannot be made: there is no folder {folder}"))
        }
        Err(error) => wrong(format!("the store {} cannot be opened: {error}", path.display())),
    }
}

/// What agents keep is nobody else's business: a new file can be read by its user only.
fn make_private(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(
            ErrorKind::Store,
            format!(
                "the store {} cannot be opened for writing: {error}; choose a place where this \
                 program may write",
                path.display()
            ),
        )),
    }
}

/// The version of a file's schema, if it is a store that this program knows.
fn check_version(connection: &Connection, path: &Path, is_new: bool) -> Result<i64, Error> {
    let wrong = |error: rusqlite::Error| explain(path, error);
    let read = |name: &str| -> Result<i64, Error> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(wrong)
    };
    let (id, version) = (read("application_id")?, read("user_version")?);
    if is_new {
        return Ok(0);
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(wrong)?;
    // A process that was killed while it made the file leaves one without anything in it.
    if id == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if id != i64::from(schema::APPLICATION_ID) {
        return Err(Error::new(
            ErrorKind::Store,
            format!(
                "{} is a SQLite database, but not one of Caxton's; it was not touched, choose \
                 another file",
                path.display()
            ),
        ));
    }
    if version > schema::version() {
        return Err(Error::new(
            ErrorKind::Store,
            format!(
                "the store {} has version {version}, and this version of Caxton knows {} at most; \
                 it was not touched, open it with a newer one",
                path.display(),
                schema::version()
            ),
        ));
    }
    Ok(version)
}

/// Says what went wrong with a store, and what can be done.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let path = path.display();
    let text = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!(
            "the store {path} is in use by another runtime; close that one, or use another file"
        ),
        Some(ErrorCode::DiskFull) => {
            format!("the store {path} cannot grow: the disk is full; make room and try again")
        }
        Some(ErrorCode::NotADatabase) => {
            format!("{path} is not a store; it was not touched, choose another file")
        }
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "the store {path} is damaged; nothing in it was changed: restore a copy, or save what \
             can be read with `sqlite3 {path} .recover`"
        ),
        Some(ErrorCode::ReadOnly) => format!(
            "the store {path} cannot be written; make the file and its folder writable ({error})"
        ),
        Some(ErrorCode::CannotOpen) => {
            format!(
                "the store {path} cannot be opened ({error}); check that its folder is writable"
            )
        }
        _ => format!("the store {path} failed: {error}"),
    };
    Error::new(ErrorKind::Store, text)
}

/// A shared copy of bytes.
pub(super) fn shared(bytes: Vec<u8>) -> Arc<[u8]> {
    bytes.into()
}
