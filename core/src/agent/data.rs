//! The data that an agent has stored: found by key, in a few bytes beside key and value.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::datum::Datum;

/// Number of keys from which on they are in several tables. A table that grows moves all that it has, and
/// nobody else runs on that thread meanwhile.
const MANY: usize = 4096;
/// Number of tables then.
const TABLES: usize = 64;

/// Data by their keys.
pub(crate) struct Data {
    /// One table, or [`TABLES`] of them.
    tables: Vec<HashSet<Datum>>,
    hasher: RandomState,
    /// Number of keys.
    len: usize,
}

impl Default for Data {
    fn default() -> Self {
        Data { tables: Vec::new(), hasher: RandomState::new(), len: 0 }
    }
}

impl Data {
    pub fn get(&self, key: &[u8]) -> Option<&Datum> {
        self.tables.get(self.table(key))?.get(key)
    }

    /// Puts a value under its key, or takes out what is under a key that comes without one; what was there.
    pub fn put(&mut self, datum: Datum) -> Option<Datum> {
        if datum.value().is_none() {
            let table = self.table(datum.key());
            let old = self.tables.get_mut(table)?.take(&datum)?;
            self.len -= 1;
            if self.len == 0 {
                self.tables = Vec::new();
            }
            return Some(old);
        }
        self.grow();
        let table = self.table(datum.key());
        let old = self.tables.get_mut(table)?.replace(datum);
        self.len += usize::from(old.is_none());
        old
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn iter(&self) -> impl Iterator<Item = &Datum> {
        self.tables.iter().flatten()
    }

    /// The table that a key belongs in. Tables themselves hash with numbers of their own.
    fn table(&self, key: &[u8]) -> usize {
        if self.tables.len() <= 1 {
            0
        } else {
            self.hasher.hash_one(key) as usize % self.tables.len()
        }
    }

    fn grow(&mut self) {
        if self.tables.is_empty() {
            self.tables = vec![HashSet::new()];
        } else if self.tables.len() == 1 && self.len >= MANY {
            let few = std::mem::take(&mut self.tables);
            self.tables.resize_with(TABLES, HashSet::new);
            for datum in few.into_iter().flatten() {
                let table = self.table(datum.key());
                if let Some(table) = self.tables.get_mut(table) {
                    table.insert(datum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
