//! The file of a store: who has it, whether it is one, and what is said where it is not.
//!
//! A file is input like any other. Until all that it holds has been read and found to be as it should,
//! nothing is written to it, or to the log beside it.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::apply::apply;
use super::change::{Contents, Leftovers};
use super::faults::{
    damaged, explain, foreign, in_use, log_unread, newer, not_locked, older_unread,
};
use super::lock::{Lock, Refused};
use super::place::{Reserved, beside, check_place, immutable, log_bytes, open_file};
use super::watch::Watch;
use super::{load, schema, staged};
use crate::error::Error;
use crate::grants::check_store;

/// What somebody wants of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Only a look.
    Read,
    /// To keep it open, and to make it where there is none.
    Write,
}

/// A connection that has its file for itself. Dropping it changes nothing that the file holds.
pub(super) struct Locked<'a> {
    connection: Connection,
    /// What each version of the schema did; their number is the version that is known.
    steps: &'a [&'a str],
    path: PathBuf,
    pub watch: Watch,
    // In the order in which they end.
    _lock: Lock,
    reserved: Reserved,
}

impl<'a> Locked<'a> {
    /// Opens the file at `path`, and says what SQLite would not.
    pub fn open(path: &Path, access: Access, steps: &'a [&'a str]) -> Result<Self, Error> {
        // An agent is granted no folder of a store, from here on.
        let mut reserved = Reserved::take(path)?;
        if access == Access::Write {
            check_store(path)?;
        }
        check_place(path, access)?;
        let (file, keeps) = open_file(path, access, steps.len())?;
        reserved.find_out(path);
        let watch =
            Watch::begin(&file, reserved.path()).map_err(|error| not_locked(path, &error))?;
        let lock = Lock::take(reserved.path(), file, keeps).map_err(|refused| match refused {
            Refused::InUse => in_use(path),
            Refused::Failed(error) => not_locked(path, &error),
        })?;
        let wrong = |error: rusqlite::Error| explain(path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Absolute: SQLite reads more into some other paths.
        let connection = match lock.vfs() {
            Some(vfs) => Connection::open_with_flags_and_vfs(reserved.path(), flags, vfs),
            None => Connection::open_with_flags(reserved.path(), flags),
        };
        let connection = connection.map_err(wrong)?;
        let owned = path.to_owned();
        let mut locked = Locked { connection, steps, path: owned, watch, _lock: lock, reserved };
        locked.configure().map_err(wrong)?;
        if access == Access::Write {
            return Ok(locked);
        }
        match locked.probe() {
            // To keep others away takes the right to write. A file without a log is nobody's.
            Err(error) if is_denied(&error) => {
                if locked.log_path().exists() {
                    return Err(log_unread(path));
                }
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX
                    | OpenFlags::SQLITE_OPEN_URI;
                let address = immutable(locked.reserved.path());
                locked.connection = Connection::open_with_flags(address, flags).map_err(wrong)?;
                locked.configure().map_err(wrong)?;
            }
            probed => probed.map_err(wrong)?,
        }
        Ok(locked)
    }

    /// The log beside the file.
    pub fn log_path(&self) -> PathBuf {
        beside(self.reserved.path(), "-wal")
    }

    /// Takes the lock.
    fn probe(&self) -> rusqlite::Result<()> {
        self.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    }

    fn configure(&self) -> rusqlite::Result<()> {
        self.busy_timeout(Duration::ZERO)?;
        self.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        self.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        self.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        self.pragma_update(None, "cell_size_check", true)?;
        // The lock is taken with the first transaction, and kept.
        self.pragma_update(None, "locking_mode", "EXCLUSIVE")
    }

    /// Reads all that the file holds, as it will be once it is up to date. Nothing in it is changed:
    /// that is for [`Locked::update`], once all is found to be as it should.
    pub fn read(&self) -> Result<Contents, Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        self.pragma_update(None, "cache_spill", false).map_err(wrong)?;
        self.execute_batch("BEGIN IMMEDIATE").map_err(wrong)?;
        let read = self.read_in_transaction();
        // After some errors there is no transaction any more.
        let ended = self.execute_batch("ROLLBACK").map_err(wrong);
        let (_, contents) = read?;
        ended?;
        self.pragma_update(None, "cache_spill", true).map_err(wrong)?;
        Ok(contents)
    }

    /// Brings a file up to date whose contents have been read: its tables, what was staged, and what is left
    /// over.
    pub fn update(&self, leftovers: &Leftovers) -> Result<(), Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        self.execute_batch("BEGIN IMMEDIATE").map_err(wrong)?;
        let updated = self.version().and_then(|version| {
            if version < self.steps.len() as i64 {
                schema::migrate(self, self.steps, version).map_err(wrong)?;
            }
            staged::finish(self).map_err(|fault| self.explain(fault))?;
            leftovers.changes().try_for_each(|change| apply(self, &change)).map_err(wrong)
        });
        match updated {
            Ok(()) => self.execute_batch("COMMIT").map_err(wrong),
            Err(error) => {
                drop(self.execute_batch("ROLLBACK"));
                Err(error)
            }
        }
    }

    /// Reads all that the file holds; its version too.
    pub fn look(&self) -> Result<(i64, Contents), Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        self.pragma_update(None, "cache_spill", false).map_err(wrong)?;
        self.execute_batch("BEGIN").map_err(wrong)?;
        let read = match self.version() {
            Ok(0) => Ok((0, Contents::default())),
            _ => self.read_in_transaction(),
        };
        drop(self.execute_batch("ROLLBACK"));
        // What it takes to bring it up to date is taken back, but has to be written.
        let is_denied = self.is_readonly(rusqlite::MAIN_DB).unwrap_or(false);
        read.map_err(|error| match is_denied && error.message().contains("cannot be written") {
            true => older_unread(&self.path),
            false => error,
        })
    }

    fn read_in_transaction(&self) -> Result<(i64, Contents), Error> {
        let path = self.path.as_path();
        let wrong = |error: rusqlite::Error| explain(path, error);
        let version = self.version()?;
        if version > 0 {
            if let Some(what) = schema::difference(self, self.steps, version).map_err(wrong)? {
                return Err(damaged(path, &what));
            }
            let found: String =
                self.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(wrong)?;
            if found != "ok" {
                return Err(damaged(path, found.replace('\n', " ").trim()));
            }
        }
        if version < self.steps.len() as i64 {
            schema::migrate(self, self.steps, version).map_err(wrong)?;
        }
        let read = staged::finish(self).and_then(|()| load::contents(self));
        Ok((version, read.map_err(|fault| self.explain(fault))?))
    }

    fn explain(&self, fault: load::Fault) -> Error {
        match fault {
            load::Fault::Sqlite(error) => explain(&self.path, error),
            load::Fault::Damaged(what) => damaged(&self.path, &what),
        }
    }

    /// The version of the file, 0 where it holds nothing.
    fn version(&self) -> Result<i64, Error> {
        let wrong = |error: rusqlite::Error| explain(&self.path, error);
        let read = |name: &str| -> Result<i64, Error> {
            self.pragma_query_value(None, name, |row| row.get(0)).map_err(wrong)
        };
        let (id, version) = (read("application_id")?, read("user_version")?);
        let tables: i64 = self
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(wrong)?;
        // A process that was killed while it made the file leaves one without anything in it.
        if id == 0 && version == 0 && tables == 0 {
            return Ok(0);
        }
        if id != i64::from(schema::APPLICATION_ID) {
            return Err(foreign(&self.path));
        }
        if version > self.steps.len() as i64 {
            return Err(newer(&self.path, version, self.steps.len()));
        }
        if version < 1 {
            return Err(damaged(&self.path, &format!("it has the version {version}")));
        }
        Ok(version)
    }
}

impl Deref for Locked<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // An empty log was made with the connection, and is to go with it. Any other stays: it is not
        // copied into a file that may be damaged.
        if log_bytes(self.reserved.path()) == 0 {
            let _ = self.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }
}

/// Whether an error is one of the rights that this program has.
fn is_denied(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
        )
    )
}
