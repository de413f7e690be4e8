//! The log beside a store: SQLite writes each commit to its end.
//!
//! A file that grows has its new size written down with every sync, which takes as long again as the
//! sync itself. So room is set aside in strides: zeros, which SQLite takes for the end of the log. Once
//! the log is long enough to be copied into the store, it is written from its beginning again.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

/// The bytes of SQLite's header of a log, and of each page in it.
const HEADER: u64 = 32;
const PAGE_HEADER: u64 = 24;
/// Pages of the log after which it is copied into the store, 16 MiB.
const LONG: u64 = 4096;
/// Bytes that are set aside at a time.
const STRIDE: u64 = 1 << 20;
/// Pages for which there is room before the next commit; one that needs more makes it itself.
const AHEAD: u64 = 32;

/// The log of an open store.
pub(super) struct Log {
    file: File,
    page: u64,
    /// Pages that are in use, as SQLite tells after each commit.
    pages: Arc<AtomicU64>,
    /// Bytes that the file has, at least.
    room: u64,
}

impl Log {
    /// The log in `file`, of the store that `connection` has open for writing.
    pub fn new(file: File, connection: &mut Connection) -> rusqlite::Result<Self> {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = Arc::new(AtomicU64::new(0));
        let told = pages.clone();
        // This takes the place of SQLite's own checkpoints.
        connection.wal_hook(Some(move |_: &mut _, count: i32| {
            told.store(count.unsigned_abs().into(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Log { file, page: page.unsigned_abs(), pages, room: 0 })
    }

    /// Sets room aside for the next commit. Where there is none, the commit itself will say so.
    pub fn make_room(&mut self) {
        let needed = self.end_of(self.pages.load(Ordering::Relaxed) + AHEAD);
        if needed <= self.room {
            return;
        }
        let file = &mut self.file;
        let mut extend = || {
            let end = file.seek(SeekFrom::End(0))?;
            if end < needed {
                file.write_all(&vec![0; usize::try_from(STRIDE.max(needed - end)).unwrap_or(0)])?;
            }
            file.stream_position()
        };
        match extend() {
            Ok(room) => self.room = room,
            Err(error) => {
                tracing::debug!(%error, "no room was set aside for the store's log");
                self.room = needed;
            }
        }
    }

    /// Makes void what a failed commit has left behind the last one that succeeded. A commit whose pages were all
    /// written before their sync failed would be found there when the store is opened after a kill. The next commit
    /// begins at the same place.
    pub fn void_rest(&mut self) {
        let end = self.end_of(self.pages.load(Ordering::Relaxed));
        let file = &mut self.file;
        let mut erase = || {
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&[0; PAGE_HEADER as usize])?;
            file.sync_data()
        };
        if let Err(error) = erase() {
            tracing::debug!(%error, "the rest of the store's log could not be made void");
        }
    }

    /// Returns the number of bytes of so many pages.
    fn end_of(&self, pages: u64) -> u64 {
        HEADER + pages * (PAGE_HEADER + self.page)
    }

    /// Whether it is time to copy it into the store.
    pub fn is_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= LONG
    }

    /// It has been copied: the next commit says how long it is then.
    pub fn copied(&self) {
        self.pages.store(0, Ordering::Relaxed);
    }
}
