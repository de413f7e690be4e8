//! Facts that every worker can read about the others without a lock: the first item of each class that waits
//! with each worker, and the largest account that has run.

use crossbeam_utils::CachePadded;

use super::sync::{AtomicU64, Ordering};

/// Stands for an order if no item waits.
const NOBODY: u64 = u64::MAX;
/// The most workers of which each looks at all others.
const LOOKS_AT_ALL: usize = 8;
/// Number of other workers that a worker looks at if there are more.
const SAMPLE: usize = 2;
/// Nanoseconds by which the order of an item must be lower to be taken from another worker.
const STEAL_LEAD: u64 = 1_000_000;
/// Least growth of the largest account, in nanoseconds, that is written down.
const STEP: u64 = 16_000;

/// The expected length of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Short,
    Long,
}

pub(crate) struct Board {
    /// The largest account that has been taken to run, for each class.
    largest: [CachePadded<AtomicU64>; 2],
    /// The lowest order that waits with each worker, for each class.
    firsts: Box<[CachePadded<[AtomicU64; 2]>]>,
    /// Number of items that wait with each worker, for each class.
    counts: Box<[CachePadded<[AtomicU64; 2]>]>,
}

impl Board {
    pub fn new(workers: usize) -> Self {
        let nobody = || CachePadded::new([AtomicU64::new(NOBODY), AtomicU64::new(NOBODY)]);
        let none = || CachePadded::new([AtomicU64::new(0), AtomicU64::new(0)]);
        Board {
            largest: Default::default(),
            firsts: (0..workers).map(|_| nobody()).collect(),
            counts: (0..workers).map(|_| none()).collect(),
        }
    }

    pub fn workers(&self) -> usize {
        self.firsts.len()
    }

    pub fn largest(&self, class: Class) -> u64 {
        self.largest[class as usize].load(Ordering::Relaxed)
    }

    /// Notes that an item was taken to run whose account stands at `used`.
    pub fn raise(&self, class: Class, used: u64) {
        let largest = &self.largest[class as usize];
        if used >= largest.load(Ordering::Relaxed).saturating_add(STEP) {
            largest.fetch_max(used, Ordering::Relaxed);
        }
    }

    /// Publishes the number of items that wait with a worker, and the order of the first. The caller holds the
    /// lock of the worker's heaps.
    pub fn publish(&self, worker: usize, class: Class, count: usize, order: Option<u64>) {
        self.counts[worker][class as usize].store(count as u64, Ordering::Relaxed);
        let order = order.map_or(NOBODY, |order| order.min(NOBODY - 1));
        self.firsts[worker][class as usize].store(order, Ordering::Relaxed);
    }

    /// Returns the number of items that wait with this worker.
    pub fn count(&self, worker: usize, class: Class) -> u64 {
        self.counts[worker][class as usize].load(Ordering::Relaxed)
    }

    /// Returns the lowest order that waits with this worker.
    pub fn own(&self, worker: usize, class: Class) -> Option<u64> {
        let order = self.firsts[worker][class as usize].load(Ordering::Relaxed);
        (order != NOBODY).then_some(order)
    }

    /// Returns the worker with the lowest waiting order among the others, or among a few of them, and that
    /// order.
    pub fn others(&self, worker: usize, class: Class, seed: u64) -> Option<(usize, u64)> {
        let count = self.firsts.len();
        let look = |other: usize| Some((other, self.own(other, class)?));
        if count <= LOOKS_AT_ALL {
            let others = (0..count).filter(|other| *other != worker);
            return others.filter_map(look).min_by_key(|(_, order)| *order);
        }
        // Of many workers a few are picked by the time. They need not be random, only different from time to
        // time.
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (0..SAMPLE)
            .map(|which| (mixed >> (16 + 20 * which)) as usize % (count - 1))
            .map(|at| if at < worker { at } else { at + 1 })
            .filter_map(look)
            .min_by_key(|(_, order)| *order)
    }

    /// Returns the lowest order that this worker would take next. The orders of other workers are raised by
    /// [`STEAL_LEAD`], so that they compare with its own.
    pub fn first(&self, worker: usize, class: Class, seed: u64) -> Option<u64> {
        let own = self.own(worker, class);
        let others =
            self.others(worker, class, seed).map(|(_, order)| order.saturating_add(STEAL_LEAD));
        own.into_iter().chain(others).min()
    }

    /// Returns the worker from which this worker takes the next item of a class: itself, unless the order of
    /// another worker's is lower by more than [`STEAL_LEAD`].
    pub fn whose(&self, worker: usize, own: Option<u64>, class: Class, seed: u64) -> Option<usize> {
        match (own, self.others(worker, class, seed)) {
            (None, None) => None,
            (None, Some((other, _))) => Some(other),
            (Some(own), Some((other, order))) if order.saturating_add(STEAL_LEAD) < own => {
                Some(other)
            }
            (Some(_), _) => Some(worker),
        }
    }

    /// Returns true if an item waits with this worker.
    pub fn waits_with(&self, worker: usize) -> bool {
        self.own(worker, Class::Short).is_some() || self.own(worker, Class::Long).is_some()
    }

    /// Returns true if an item waits with any worker.
    pub fn anyone_waits(&self) -> bool {
        (0..self.firsts.len()).any(|worker| self.waits_with(worker))
    }
}
