//! Tables that all owners share: the owner with most entries makes room, the oldest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::account::Account;

/// The owner of entries in a shared table. Agents that share an account are one owner.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    key: usize,
    account: Arc<Account>,
}

/// Keys of owners that have no account of their own. No account lies at these addresses.
const GONE: usize = 0;
const SERVICES: usize = 1;

impl Owner {
    /// Returns the owner that this account is kept for.
    pub fn of(account: &Arc<Account>) -> Self {
        Owner { key: Arc::as_ptr(account).addr(), account: account.clone() }
    }

    /// Returns the owner that stands for all agents that are gone; the runtime is charged.
    pub fn gone(runtime: &Arc<Account>) -> Self {
        Owner { key: GONE, account: runtime.clone() }
    }

    /// Returns the owner that stands for `ams` and `df`; the runtime is charged.
    pub fn services(runtime: &Arc<Account>) -> Self {
        Owner { key: SERVICES, account: runtime.clone() }
    }

    /// Returns the account that is charged.
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

/// The entries of a table by owner and by place, the oldest first.
pub(crate) struct Shares<T> {
    owners: HashMap<usize, Share<T>>,
    /// The owners' keys by number of entries; among equals, the owner of the oldest entry comes last.
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
    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Adds an entry. The caller gives out places, each once, later ones higher.
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

    /// Removes an entry, and returns it if there was one.
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

    /// Returns the oldest entry of the owner with most. The entry at the place `but` is passed over.
    pub fn oldest_of_greatest(&self, but: Option<u64>) -> Option<(Owner, u64, &T)> {
        let shares = self.order.iter().rev().filter_map(|(_, _, key)| self.owners.get(key));
        let mut oldest = shares.filter_map(|share| {
            let mut things = share.things.iter().filter(|(place, _)| Some(**place) != but);
            things.next().map(|(place, thing)| (share.owner.clone(), *place, thing))
        });
        oldest.next()
    }

    /// Returns the oldest entry of this owner.
    pub fn oldest_of(&self, owner: &Owner) -> Option<(u64, &T)> {
        let share = self.owners.get(&owner.key)?;
        share.things.first_key_value().map(|(place, thing)| (*place, thing))
    }

    /// Returns all entries, in no order of owners.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let things = self.owners.values().flat_map(|share| &share.things);
        things.map(|(place, thing)| (*place, thing))
    }
}

/// The bytes that each owner has in a table.
#[derive(Default)]
pub(crate) struct Weights {
    weights: HashMap<usize, Weight>,
    /// The owners' keys by bytes; among equals, the owner unchanged for longest comes last.
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
    /// Returns the bytes of all owners together.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Notes that an entry of this owner has changed its size from `before` to `after` bytes.
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

    /// Returns the owner that stands for agents that are gone, with its bytes, if it has any.
    pub fn of_gone(&self) -> Option<(Owner, usize)> {
        self.weights.get(&GONE).map(|weight| (weight.owner.clone(), weight.bytes))
    }

    /// Returns the owner with most bytes.
    pub fn greatest(&self) -> Option<Owner> {
        let (_, _, key) = self.order.last()?;
        self.weights.get(key).map(|weight| weight.owner.clone())
    }
}

#[cfg(test)]
mod tests;
