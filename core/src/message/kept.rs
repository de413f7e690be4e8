//! A message in a store: its bytes are one row there, which whatever is kept of it names.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::store::Row;

/// What is known of a message's row. A message belongs to one runtime, which has one store.
#[derive(Default)]
pub(crate) struct Kept {
    /// 0 as long as nothing names it.
    row: AtomicU64,
    /// Letters and dead letters in the store that name it. Only who writes to the store touches it.
    names: AtomicU32,
    /// Whether the row is in the store. Only who writes to the store touches it.
    is_written: AtomicBool,
}

impl Kept {
    /// The number of the row; 0 where there is none.
    pub fn row(&self) -> Row {
        self.row.load(Ordering::Relaxed)
    }

    /// Gives the message a row, where it has none; whether it had none.
    pub fn begin(&self, next: impl FnOnce() -> Row) -> bool {
        // Two threads may come at once: the number of one of them is given to nobody.
        self.row() == 0
            && self.row.compare_exchange(0, next(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Takes note of what a store has that was just opened.
    pub fn restore(&self, row: Row, names: u32) {
        self.row.store(row, Ordering::Relaxed);
        self.write(names, true);
    }

    /// What names it in the store, and whether the row is there.
    pub fn written(&self) -> (u32, bool) {
        (self.names.load(Ordering::Relaxed), self.is_written.load(Ordering::Relaxed))
    }

    /// Takes note of what the store has from now on.
    pub fn write(&self, names: u32, is_written: bool) {
        self.names.store(names, Ordering::Relaxed);
        self.is_written.store(is_written, Ordering::Relaxed);
    }
}
