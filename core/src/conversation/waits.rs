//! Who waits for whom, so that a circle of agents that wait for each other is found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most names that are looked at for one circle.
const MAX_LOOKS: usize = 10_000;

/// Who waits for whom, and in how many conversations.
#[derive(Debug, Default)]
pub(super) struct Waits(HashMap<Arc<str>, HashMap<Arc<str>, u32>>);

impl Waits {
    /// `waiter` waits for `other` once more; whether it did not before.
    pub fn begin(&mut self, waiter: &Arc<str>, other: &Arc<str>) -> bool {
        let count = self.0.entry(waiter.clone()).or_default().entry(other.clone()).or_insert(0);
        *count += 1;
        *count == 1
    }

    /// `waiter` waits for `other` once less.
    pub fn end(&mut self, waiter: &str, other: &str) {
        let Some(others) = self.0.get_mut(waiter) else { return };
        if let Some(count) = others.get_mut(other) {
            *count -= 1;
            if *count == 0 {
                others.remove(other);
            }
        }
        if others.is_empty() {
            self.0.remove(waiter);
        }
    }

    /// The circle that is closed by `waiter`, who waits for `other`: the names in the order in which
    /// each waits for the next, beginning with `waiter`.
    pub fn circle(&self, waiter: &Arc<str>, other: &Arc<str>) -> Option<Vec<Arc<str>>> {
        // Who waits for nobody ends most searches at once.
        self.0.get(other)?;
        let mut came_from: HashMap<&str, &Arc<str>> = HashMap::new();
        let mut left = vec![other];
        let mut seen: HashSet<&str> = HashSet::from([&**other]);
        while let Some(name) = left.pop() {
            if name == waiter {
                let mut path = Vec::new();
                let mut at = waiter;
                while at != other {
                    at = came_from.get(&**at)?;
                    path.push(at.clone());
                }
                path.push(waiter.clone());
                path.reverse();
                return Some(path);
            }
            for next in self.0.get(name).into_iter().flat_map(HashMap::keys) {
                if seen.len() < MAX_LOOKS && seen.insert(next) {
                    came_from.insert(next, name);
                    left.push(next);
                }
            }
        }
        None
    }

    /// Whether each of these still waits for the next, and the last one for the first.
    pub fn stands(&self, circle: &[Arc<str>]) -> bool {
        let waits = |(at, name): (usize, &Arc<str>)| {
            let next = &circle[(at + 1) % circle.len()];
            self.0.get(name).is_some_and(|others| others.contains_key(next))
        };
        circle.iter().enumerate().all(waits)
    }
}

#[cfg(test)]
impl Waits {
    /// Whether the same wait for the same, as often.
    pub fn is_like(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
