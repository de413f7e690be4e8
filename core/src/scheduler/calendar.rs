//! What has to happen when.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::source::Source;

/// The longest sleep, so that a clock which drifts is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// What times are rounded up to, in microseconds: what is due in one millisecond comes due together.
const GRAIN: u64 = 1000;
/// Entries that are taken out at once; in between other tasks of the thread have their turn, and
/// other threads the lock.
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
    /// Enters something that is due at `due`, in place of what stands there under the same key.
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

    /// Takes an entry out that has not come due; what it was.
    pub fn cancel(&self, due: u64, key: K) -> Option<V> {
        self.entries.lock().remove(&(due, key))
    }

    /// Waits until something is due, up to a millisecond longer than that, and takes out what is, in
    /// its order; the rest of many at the next call.
    ///
    /// Cancel safe: nothing is taken out before it is returned. For one task only.
    pub async fn next_due(&self, source: &Source) -> Vec<(K, V)> {
        // Who comes back has done what was due before: now others may.
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
