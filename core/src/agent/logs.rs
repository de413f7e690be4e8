//! What all logs of a runtime take together: whoever has most drops its oldest lines.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::log::LogRing;
use crate::shares::{Owner, Shares, Weights};

/// The most bytes of all logs together.
const MOST: usize = 256 << 20;

/// The logs of a runtime. Lines are not entered here one by one: a log tells now and then what it takes.
pub(crate) struct Logs {
    table: Mutex<Table>,
    next: AtomicU64,
    most: usize,
}

#[derive(Default)]
struct Table {
    /// Each log at the place of its oldest line.
    logs: Shares<Weak<LogRing>>,
    weights: Weights,
}

/// What the table has of a log.
#[derive(Clone)]
pub(super) struct Listed {
    pub owner: Owner,
    pub place: u64,
    pub bytes: usize,
}

impl Default for Logs {
    fn default() -> Self {
        Logs::with_most(MOST)
    }
}

impl Logs {
    /// Logs that take at most `most` bytes together.
    pub(super) fn with_most(most: usize) -> Self {
        Logs { table: Mutex::default(), next: AtomicU64::new(0), most }
    }

    /// The place of the next line.
    pub(super) fn next_place(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Enters what a log takes `now` in place of what was `listed` of it.
    pub(super) fn list(&self, listed: &mut Option<Listed>, now: Option<(Listed, &Arc<LogRing>)>) {
        if listed.is_none() && now.is_none() {
            return;
        }
        let mut table = self.table.lock();
        if let Some(before) = listed.take() {
            table.logs.remove(&before.owner, before.place);
            table.weights.change(&before.owner, before.bytes, 0);
        }
        if let Some((now, ring)) = now {
            table.logs.insert(&now.owner, now.place, Arc::downgrade(ring));
            table.weights.change(&now.owner, 0, now.bytes);
            *listed = Some(now);
        }
    }

    /// Drops the oldest lines of whoever has most, until there is room. The caller holds no log.
    pub(super) fn make_room(&self) {
        while let Some((ring, bytes)) = self.too_much() {
            ring.shed(bytes);
        }
    }

    /// The log that is to drop lines, and how many bytes of them.
    fn too_much(&self) -> Option<(Arc<LogRing>, usize)> {
        let table = self.table.lock();
        let bytes = table.weights.total().checked_sub(self.most).filter(|bytes| *bytes > 0)?;
        let greatest = table.weights.greatest()?;
        let (_, ring) = table.logs.oldest_of(&greatest)?;
        // One that is just being dropped takes itself out.
        Some((ring.upgrade()?, bytes))
    }

    /// Bytes of all logs, as far as they have told.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.table.lock().weights.total()
    }
}
