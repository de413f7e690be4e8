//! What folders agents of this process have been granted: which are granted now, and which an agent may
//! write, or once could.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use super::Access;
use super::folder::{Found, Identity, Links};

/// Folders that are remembered for having been written; beyond them every link counts as planted.
pub(crate) const MAX_WRITABLE: usize = 65_536;

static GRANTED: LazyLock<Mutex<Granted>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Granted {
    now: HashMap<Identity, Weak<Held>>,
    writable: HashSet<Identity>,
    /// The same by their paths: one that was made anew is another folder at the same place.
    writable_places: HashSet<PathBuf>,
}

/// A folder that is granted as long as this lives. All agents that are granted one folder share it.
pub(crate) struct Held(Found);

impl Deref for Held {
    type Target = Found;

    fn deref(&self) -> &Found {
        &self.0
    }
}

impl Held {
    /// Counts a folder among those that are granted.
    pub fn new(found: Found) -> Arc<Self> {
        let Some(identity) = found.identity() else { return Arc::new(Held(found)) };
        let new = Arc::new(Held(found));
        let mut granted = GRANTED.lock();
        let known = granted.now.get(&identity).and_then(Weak::upgrade);
        if known.is_none() {
            granted.now.insert(identity, Arc::downgrade(&new));
        }
        // What is not needed is dropped without the lock, which its end takes.
        drop(granted);
        known.unwrap_or(new)
    }

    /// Remembers that an agent may write in the folder, which is at `place` now, before it can.
    pub fn note(&self, place: &Path, access: Access) {
        if access == Access::ReadOnly {
            return;
        }
        let mut granted = GRANTED.lock();
        if granted.writable_places.len() > MAX_WRITABLE {
            return;
        }
        granted.writable.extend(self.identity());
        granted.writable_places.insert(place.to_owned());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(identity) = self.identity() else { return };
        let mut granted = GRANTED.lock();
        // Another may have come to stand for the same folder meanwhile.
        let is_over = |held: &Weak<Held>| held.strong_count() == 0;
        if granted.now.get(&identity).is_some_and(is_over) {
            granted.now.remove(&identity);
        }
    }
}

/// Whether one of these folders is granted now.
pub(super) fn is_granted(way: &[Identity]) -> bool {
    let granted = GRANTED.lock();
    way.iter().any(|folder| granted.now.get(folder).is_some_and(|held| held.strong_count() > 0))
}

/// Whether an agent can have planted a link at `link`, in the last of the folders `way`: one may write
/// there, or once could. `stored` are folders that agents of a store could write.
pub(super) fn may_be_planted(way: &[Identity], link: &Path, stored: &HashSet<PathBuf>) -> bool {
    let granted = GRANTED.lock();
    granted.writable_places.len() > MAX_WRITABLE
        || stored.len() > MAX_WRITABLE
        || way.iter().any(|folder| granted.writable.contains(folder))
        || link
            .ancestors()
            .skip(1)
            .any(|folder| granted.writable_places.contains(folder) || stored.contains(folder))
}

/// Whether an agent may write in the folder at `path` or in one that it is in, or once could.
pub(crate) fn was_written(path: &Path) -> bool {
    let stored = HashSet::new();
    if GRANTED.lock().writable_places.is_empty() {
        return false;
    }
    match Found::walk(path, Links::NotPlanted(&stored)) {
        Ok(found) => may_be_planted(&found.way, &found.place.join("x"), &stored),
        Err(_) => true,
    }
}
