//! Tables that everybody shares: whoever has most in one makes room, the oldest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::account::Account;

/// Who has something in a shared table: those whom one account is kept for count as one.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    key: usize,
    account: Arc<Account>,
}

/// Owners that have no account of their own. No account lies at such an address.
const GONE: usize = 0;
const SERVICES: usize = 1;

impl Owner {
    /// Whoever this account is kept for.
    pub fn of(account: &Arc<Account>) -> Self {
        Owner { key: Arc::as_ptr(account).addr(), account: account.clone() }
    }

    /// Agents that are gone, all of them together; the runtime is charged.
    pub fn gone(runtime: &Arc<Account>) -> Self {
        Owner { key: GONE, account: runtime.clone() }
    }

    /// `ams` and `df`; the runtime is charged.
    pub fn services(runtime: &Arc<Account>) -> Self {
        Owner { key: SERVICES, account: runtime.clone() }
    }

    /// The account that is charged.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// The things in a table, by who has them and by their places, the oldest first.
pub(crate) struct Shares<T> {
    owners: HashMap<usize, Share<T>>,
    /// By how much each has, and among those that have as much by whose is the oldest.
    order: BTreeSet<(usize, Reverse<u64>, usize)>,
    count: usize,
}

struct Share<T> {
    owner: Owner,
    things: BTreeMap<u64, T>,
}

impl<T> Default for Shares<T> {
    fn default() -> Self {
        Shares { owners: HashMap::new(), order: BTreeSet::new(), count: 0 }
    }
}

impl<T> Share<T> {
    fn rank(&self) -> Option<(usize, Reverse<u64>, usize)> {
        let oldest = self.things.first_key_value()?.0;
        Some((self.things.len(), Reverse(*oldest), self.owner.key))
    }
}

impl<T> Shares<T> {
    /// Number of things.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Enters something. Places are given out by the caller, each once, later ones higher.
    pub fn insert(&mut self, owner: &Owner, place: u64, thing: T) {
        let share = self
            .owners
            .entry(owner.key)
            .or_insert_with(|| Share { owner: owner.clone(), things: BTreeMap::new() });
        if let Some(rank) = share.rank() {
            self.order.remove(&rank);
        }
        self.count += usize::from(share.things.insert(place, thing).is_none());
        self.order.extend(share.rank());
    }

    /// Takes something out.
    pub fn remove(&mut self, owner: &Owner, place: u64) -> Option<T> {
        let share = self.owners.get_mut(&owner.key)?;
        let rank = share.rank();
        let thing = share.things.remove(&place)?;
        self.count -= 1;
        if let Some(rank) = rank {
            self.order.remove(&rank);
        }
        match share.rank() {
            Some(rank) => drop(self.order.insert(rank)),
            None => drop(self.owners.remove(&owner.key)),
        }
        Some(thing)
    }

    /// The oldest of whoever has most, except one place.
    pub fn oldest_of_greatest(&self, but: Option<u64>) -> Option<(Owner, u64, &T)> {
        let shares = self.order.iter().rev().filter_map(|(_, _, key)| self.owners.get(key));
        let mut oldest = shares.filter_map(|share| {
            let mut things = share.things.iter().filter(|(place, _)| Some(**place) != but);
            things.next().map(|(place, thing)| (share.owner.clone(), *place, thing))
        });
        oldest.next()
    }

    /// The oldest of this owner.
    pub fn oldest_of(&self, owner: &Owner) -> Option<(u64, &T)> {
        let share = self.owners.get(&owner.key)?;
        share.things.first_key_value().map(|(place, thing)| (*place, thing))
    }

    /// Everything, in no order of owners.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let things = self.owners.values().flat_map(|share| &share.things);
        things.map(|(place, thing)| (*place, thing))
    }
}

/// Bytes that each has in a table.
#[derive(Default)]
pub(crate) struct Weights {
    weights: HashMap<usize, Weight>,
    /// By how much each has, and among those that have as much by whose has not changed for longest.
    order: BTreeSet<(usize, Reverse<u64>, usize)>,
    total: usize,
    changes: u64,
}

struct Weight {
    owner: Owner,
    bytes: usize,
    changed: u64,
}

impl Weights {
    /// Bytes of all together.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Something of this owner has grown, or shrunk, from so many bytes to so many.
    pub fn change(&mut self, owner: &Owner, before: usize, after: usize) {
        if before == after {
            return;
        }
        self.changes += 1;
        let weight = self.weights.entry(owner.key).or_insert_with(|| Weight {
            owner: owner.clone(),
            bytes: 0,
            changed: 0,
        });
        self.order.remove(&(weight.bytes, Reverse(weight.changed), owner.key));
        weight.bytes = (weight.bytes + after).saturating_sub(before);
        weight.changed = self.changes;
        self.total = (self.total + after).saturating_sub(before);
        if weight.bytes == 0 {
            self.weights.remove(&owner.key);
        } else {
            self.order.insert((weight.bytes, Reverse(weight.changed), owner.key));
        }
    }

    /// Agents that are gone, and what they have, if anything.
    pub fn of_gone(&self) -> Option<(Owner, usize)> {
        self.weights.get(&GONE).map(|weight| (weight.owner.clone(), weight.bytes))
    }

    /// Whoever has most.
    pub fn greatest(&self) -> Option<Owner> {
        let (_, _, key) = self.order.last()?;
        self.weights.get(key).map(|weight| weight.owner.clone())
    }
}

#[cfg(test)]
mod tests;
