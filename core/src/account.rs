//! Accounts of the memory that the host keeps for an agent, bounded by a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that the host keeps for one agent, or for the runtime itself. Agents that were deployed by
/// another one through `ams` share its account.
#[derive(Debug)]
pub(crate) struct Account {
    bytes: AtomicU64,
    limit: u64,
}

/// Bytes that are charged to an account, and given back when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Charge {
    account: Arc<Account>,
    bytes: u64,
}

impl Account {
    /// Returns an account that holds at most `limit` bytes.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Account { bytes: AtomicU64::new(0), limit })
    }

    /// Returns the bytes that are charged now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns the bytes that may be charged at most.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Charges `bytes`. Returns `None` if the account would then hold more than its limit.
    pub fn try_charge(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        let bytes = bytes as u64;
        let grown = |held: u64| held.checked_add(bytes).filter(|total| *total <= self.limit);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).ok()?;
        Some(Charge { account: self.clone(), bytes })
    }

    /// Charges `bytes` regardless of the limit, for things that must be kept and are bounded in another way.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        let bytes = bytes as u64;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Charge { account: self.clone(), bytes }
    }
}

impl Charge {
    /// Returns the bytes of this charge.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes this charge to `bytes`, regardless of the limit.
    pub fn resize(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.account.bytes.fetch_add(bytes.wrapping_sub(self.bytes), Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// Changes this charge to `bytes`. Returns false, and changes nothing, if the account would then hold
    /// more than its limit.
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

    /// Moves this charge to another account, regardless of that account's limit.
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
