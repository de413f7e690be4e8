//! A calendar of entries that come due.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::source::Source;

/// The longest sleep, so that the clock is read again if it drifts.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Microseconds to a multiple of which times are rounded up: entries of one millisecond come due together.
const GRAIN: u64 = 1000;
/// The most entries that are taken out at once. In between, other tasks of the thread run, and other threads
/// get the lock.
const BATCH: usize = 32;

/// Entries that come due, each at a time in microseconds since the Unix epoch.
pub(crate) struct Calendar<K, V> {
    entries: Mutex<BTreeMap<(u64, K), V>>,
    sooner: Notify,
}

impl<K: Ord, V> Default for Calendar<K, V> {
    fn default() -> Self {
        Calendar { entries: Mutex::default(), sooner: Notify::new() }
    }
}

impl<K: Ord + Clone, V> Calendar<K, V> {
    /// Adds an entry that is due at `due`. It replaces an entry with the same time and key.
    pub fn set(&self, due: u64, key: K, value: V) {
        let slot = (due, key);
        let mut entries = self.entries.lock();
        let is_next = entries.first_key_value().is_none_or(|(next, _)| slot < *next);
        entries.insert(slot, value);
        drop(entries);
        if is_next {
            self.sooner.notify_one();
        }
    }

    /// Removes an entry that has not come due, and returns it.
    pub fn cancel(&self, due: u64, key: K) -> Option<V> {
        self.entries.lock().remove(&(due, key))
    }

    /// Waits until entries are due, or up to a millisecond longer, and takes them out in order. Of many
    /// entries, the rest come with the next call.
    ///
    /// Cancel safe: no entry is taken out before it is returned. Only one task may call it.
    pub async fn next_due(&self, source: &Source) -> Vec<(K, V)> {
        // The caller has handled the entries of the call before, so other tasks may run now.
        tokio::task::yield_now().await;
        loop {
            let now = source.now_micros();
            let due = self.take_due(now - now % GRAIN);
            if !due.is_empty() {
                return due;
            }
            let next = self.entries.lock().first_key_value().map(|((due, _), _)| *due);
            let rings_at = next.map(|due| due.checked_next_multiple_of(GRAIN).unwrap_or(due));
            let wait = match rings_at {
                Some(at) => Duration::from_micros(at.saturating_sub(now)).min(LONGEST_SLEEP),
                None => LONGEST_SLEEP,
            };
            tokio::select! {
                () = self.sooner.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn take_due(&self, now: u64) -> Vec<(K, V)> {
        let mut entries = self.entries.lock();
        let mut due = Vec::new();
        while due.len() < BATCH
            && let Some(first) = entries.first_entry()
        {
            if first.key().0 > now {
                break;
            }
            let ((_, key), value) = first.remove_entry();
            due.push((key, value));
        }
        due
    }
}
