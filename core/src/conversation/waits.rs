//! Who waits for whom, so that a circle of agents that wait for each other is found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most names that are looked at for one circle.
const MAX_LOOKS: usize = 10_000;

/// In which conversations somebody waits for somebody, and how often in each.
type Conversations = HashMap<Arc<str>, u32>;

/// Who waits for whom, in which conversations, and how often in each.
#[derive(Debug, Default)]
pub(super) struct Waits {
    others: HashMap<Arc<str>, HashMap<Arc<str>, Conversations>>,
    /// Whose waiting does not count.
    but: Box<str>,
}

/// Names each of which waits for the next, and the last for the first; each with the conversation in
/// which it does.
#[derive(Debug, Clone)]
pub(crate) struct Circle(Vec<(Arc<str>, Arc<str>)>);

impl Circle {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().map(|(name, _)| name)
    }
}

impl Waits {
    /// Leaves out who waits for this name, and whom it waits for.
    pub fn without(name: &str) -> Self {
        Waits { but: name.into(), ..Waits::default() }
    }

    fn counts(&self, waiter: &str, other: &str) -> bool {
        *self.but != *waiter && *self.but != *other
    }

    /// `waiter` waits for `other` once more; whether it did not before.
    pub fn begin(&mut self, waiter: &Arc<str>, other: &Arc<str>, conversation: &Arc<str>) -> bool {
        if !self.counts(waiter, other) {
            return false;
        }
        let others = self.others.entry(waiter.clone()).or_default();
        let conversations = others.entry(other.clone()).or_default();
        *conversations.entry(conversation.clone()).or_insert(0) += 1;
        conversations.len() == 1
    }

    /// `waiter` waits for `other` once less.
    pub fn end(&mut self, waiter: &str, other: &str, conversation: &str) {
        let Some(others) = self.others.get_mut(waiter) else { return };
        let Some(conversations) = others.get_mut(other) else { return };
        if let Some(count) = conversations.get_mut(conversation) {
            *count -= 1;
            if *count == 0 {
                conversations.remove(conversation);
            }
        }
        if conversations.is_empty() {
            others.remove(other);
        }
        if others.is_empty() {
            self.others.remove(waiter);
        }
    }

    /// The circle that is closed by `waiter`, who waits for `other`: beginning with `waiter`.
    pub fn circle(&self, waiter: &Arc<str>, other: &Arc<str>) -> Option<Circle> {
        // Who waits for nobody ends most searches at once.
        self.others.get(other)?;
        let mut came_from: HashMap<&str, &Arc<str>> = HashMap::new();
        let mut left = vec![other];
        let mut seen: HashSet<&str> = HashSet::from([&**other]);
        while let Some(name) = left.pop() {
            if name == waiter {
                let mut path = Vec::new();
                let mut at = waiter;
                while at != other {
                    at = came_from.get(&**at)?;
                    path.push(at);
                }
                path.push(waiter);
                path.reverse();
                return self.conversations_of(&path);
            }
            for next in self.others.get(name).into_iter().flat_map(HashMap::keys) {
                if seen.len() < MAX_LOOKS && seen.insert(next) {
                    came_from.insert(next, name);
                    left.push(next);
                }
            }
        }
        None
    }

    fn conversations_of(&self, path: &[&Arc<str>]) -> Option<Circle> {
        let waits = path.iter().enumerate().map(|(at, name)| {
            let next = path[(at + 1) % path.len()];
            let conversation = self.others.get(*name)?.get(next)?.keys().next()?;
            Some(((*name).clone(), conversation.clone()))
        });
        waits.collect::<Option<Vec<_>>>().map(Circle)
    }

    /// Whether each still waits for the next in the same conversation.
    pub fn stands(&self, circle: &Circle) -> bool {
        let waits = |(at, (name, conversation)): (usize, &(Arc<str>, Arc<str>))| {
            let (next, _) = &circle.0[(at + 1) % circle.0.len()];
            self.others
                .get(name)
                .and_then(|others| others.get(next))
                .is_some_and(|conversations| conversations.contains_key(conversation))
        };
        circle.0.iter().enumerate().all(waits)
    }
}

#[cfg(test)]
impl Waits {
    /// Whether the same wait for the same, as often.
    pub fn is_like(&self, other: &Self) -> bool {
        self.others == other.others
    }
}
