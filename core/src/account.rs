//! Memory that the host keeps on behalf of somebody: counted, and bounded by a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that the host keeps for one agent, or for the runtime itself. Agents that were deployed by
/// another one through `ams` share its account.
#[derive(Debug)]
pub(crate) struct Account {
    bytes: AtomicU64,
    limit: u64,
}

/// Some bytes of an account; given back when dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Charge {
    account: Arc<Account>,
    bytes: u64,
}

impl Account {
    /// An account that holds at most `limit` bytes.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Account { bytes: AtomicU64::new(0), limit })
    }

    /// Bytes that are charged now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes that may be charged.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Charges `bytes`, unless the account would hold more than its limit with them.
    pub fn try_charge(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        let bytes = bytes as u64;
        let grown = |held: u64| held.checked_add(bytes).filter(|total| *total <= self.limit);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).ok()?;
        Some(Charge { account: self.clone(), bytes })
    }

    /// Charges `bytes` whatever the limit is: for what has to be kept, and is bounded in another way.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        let bytes = bytes as u64;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Charge { account: self.clone(), bytes }
    }
}

impl Charge {
    /// Bytes that this charge holds.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes this charge one of `bytes`, whatever the limit is.
    pub fn resize(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.account.bytes.fetch_add(bytes.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// Makes this charge one of `bytes`, unless the account would hold more than its limit with them.
    pub fn try_resize(&mut self, bytes: usize) -> bool {
        let more = (bytes as u64).saturating_sub(self.bytes);
        match self.account.try_charge(usize::try_from(more).unwrap_or(usize::MAX)) {
            Some(mut extra) => {
                self.bytes += std::mem::take(&mut extra.bytes);
                self.resize(bytes);
                true
            }
            None => false,
        }
    }

    /// Moves this charge to another account, whatever the limit of that is.
    pub fn move_to(&mut self, account: &Arc<Account>) {
        *self = account.charge(usize::try_from(self.bytes).unwrap_or(usize::MAX));
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
