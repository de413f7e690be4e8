//! The store in a SQLite file.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::apply::number;
use super::batch::{Batch, Write};
use super::change::{Contents, Leftovers, Row, Serial};
use super::faults::{cannot_open, explain, lost};
use super::file::{Access, Locked};
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
    /// The error of every further commit, once the files are not those that were opened.
    lost: Option<Error>,
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
        let log_path = connection.log_path();
        let file = File::options().write(true).open(&log_path);
        let file = file.and_then(|file| connection.watch.add_log(&file).map(|()| file));
        let file = file.map_err(|error| cannot_open(&log_path, Access::Write, &error))?;
        let log = Log::new(file, &mut connection).map_err(wrong)?;
        let store = Sqlite {
            connection,
            log,
            path: path.to_owned(),
            durability,
            hook,
            lost: None,
            rows_below: contents.next_row,
            serials_below: contents.next_serial,
        };
        Ok((store, contents))
    }

    /// Brings a file of an older version up to date, finishes what an earlier run has left unfinished, and
    /// deletes what nothing names any more.
    pub fn update(&self, leftovers: &Leftovers) -> Result<(), Error> {
        self.connection.update(leftovers)
    }

    /// Returns an error if the files are not those that were opened, now and ever after.
    fn check(&mut self) -> Result<(), Error> {
        if self.lost.is_none() {
            self.lost = self.connection.watch.check().err().map(|what| lost(&self.path, &what));
        }
        self.lost.clone().map_or(Ok(()), Err)
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

    fn write(&mut self, writes: &[Write<'_>]) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.reach(Point::Begun)?;
        let mut batch = Batch::new(&self.connection);
        for write in writes {
            batch.write(write, || self.reach(Point::Changed))?;
        }
        batch.finish()?;
        let (mut rows, mut serials) = (self.rows_below, self.serials_below);
        if batch.rows > rows {
            rows = batch.rows + BLOCK;
            set_mark(&self.connection, "rows", rows)?;
        }
        if batch.serials > serials {
            serials = batch.serials + BLOCK;
            set_mark(&self.connection, "serials", serials)?;
        }
        self.reach(Point::BeforeCommit)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        batch.committed();
        self.rows_below = rows;
        self.serials_below = serials;
        Ok(())
    }
}

impl Storage for Sqlite {
    fn commit(&mut self, writes: &[Write<'_>]) -> Result<(), Error> {
        if let Some(error) = &self.lost {
            return Err(error.clone());
        }
        self.log.make_room();
        if let Err(error) = self.write(writes) {
            if !self.connection.is_autocommit() {
                drop(self.connection.execute_batch("ROLLBACK"));
            }
            self.log.void_rest();
            return Err(explain(&self.path, error));
        }
        self.check()?;
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
        self.check()?;
        self.reach(Point::Sync)
            .and_then(|()| checkpoint(&self.connection, "PASSIVE"))
            .map_err(|error| explain(&self.path, error))?;
        self.log.copied();
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), Error> {
        let Sqlite { connection, log, path, lost, .. } = *self;
        drop(log);
        if let Some(error) = lost {
            return Err(error);
        }
        checkpoint(&connection, "TRUNCATE").map_err(|error| explain(&path, error))
    }
}

fn checkpoint(connection: &Connection, kind: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({kind})"), [], |_| Ok(()))
}

fn set_mark(connection: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)")?
        .execute(params![name, number(value)])
        .map(drop)
}
