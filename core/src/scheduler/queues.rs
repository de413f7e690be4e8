//! The queues of the workers, and the order in which a worker takes from them.
//!
//! Short turns run before long ones. While long ones wait, each worker owes them a third of the time that it
//! gives to short ones. When the debt reaches [`QUANTUM`], the worker runs long turns for that time.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering as Order;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use super::Runnable;
use super::board::{Board, Class};
use super::pace::{QUANTUM, SHORT, Stand};

/// A worker owes long turns one part in this many of the time that it gives to short ones.
const OWED_PART: u64 = 3;
/// Nanoseconds after which a worker that has short turns looks for earlier ones of others again.
const LOOK_EVERY: u64 = 64_000;
/// Nanoseconds by which the order of a waiting item must be lower for it to come before an item that was just
/// made ready. So two agents that send to each other stay in the caches for a while.
const SLOT_LEAD: u64 = 4_000;
/// Nanoseconds by which the order of a waiting item must be lower for an agent with more to do to make room
/// for it between two turns.
const ROW_LEAD: u64 = 16_000;

/// Number of short turns that wait with a worker at which an agent that makes others ready waits for them.
const CROWD: u64 = 1024;

/// The queues of all workers.
pub(super) struct Queues<T> {
    pub board: Arc<Board>,
    heaps: Box<[CachePadded<Mutex<Heaps<T>>>]>,
}

/// The items that wait with one worker.
struct Heaps<T> {
    short: BinaryHeap<Entry<T>>,
    long: BinaryHeap<Entry<T>>,
    next_number: u64,
}

/// A waiting item. The greatest entry is the first to run: the one of the lowest order and, of several, the
/// one that came first.
struct Entry<T> {
    stand: Stand,
    number: u64,
    item: T,
}

/// The state that a worker keeps for itself.
pub(super) struct Worker<T> {
    pub index: usize,
    /// The item that the current turn made ready first. It may run next without having been in a queue. Other
    /// workers do not see it, so it stays here no longer than the host's work for one turn takes.
    slot: RefCell<Option<Entry<T>>>,
    /// The time at which the last slice ended, and the next one begins.
    now: Cell<u64>,
    looked: Cell<u64>,
    /// True if long turns waited with other workers at the last look.
    long_elsewhere: Cell<bool>,
    owed: Cell<u64>,
    /// The rest of the owed time in which the worker runs long turns first.
    paying: Cell<u64>,
}

impl<T> Worker<T> {
    pub fn new(index: usize) -> Self {
        Worker {
            index,
            slot: RefCell::new(None),
            now: Cell::new(0),
            looked: Cell::new(0),
            long_elsewhere: Cell::new(false),
            owed: Cell::new(0),
            paying: Cell::new(0),
        }
    }

    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Sets the time at which the next slice begins.
    pub fn set_now(&self, now: u64) {
        self.now.set(now);
    }
}

impl<T: Runnable> Queues<T> {
    pub fn new(workers: usize) -> Self {
        let heaps = || CachePadded::new(Mutex::new(Heaps::default()));
        Queues {
            board: Arc::new(Board::new(workers)),
            heaps: (0..workers).map(|_| heaps()).collect(),
        }
    }

    /// Queues an item that a worker has made ready: in its slot if that is empty, or else in its heaps.
    pub fn push_own(&self, worker: &Worker<T>, item: T) {
        let entry = Entry::of(item);
        let mut slot = worker.slot.borrow_mut();
        match &*slot {
            None => *slot = Some(entry),
            Some(_) => self.enter(worker.index, entry),
        }
    }

    /// Queues an item in a worker's heaps.
    pub fn push(&self, worker: usize, item: T) {
        self.enter(worker, Entry::of(item));
    }

    /// Queues an item with one of two workers: the one that has got further, where the item comes sooner.
    pub fn push_outside(&self, [worker, other]: [usize; 2], item: T) {
        let entry = Entry::of(item);
        let first = |worker| self.board.own(worker, entry.stand.class).unwrap_or(u64::MAX);
        let is_sooner = first(other) > first(worker);
        self.enter(if is_sooner { other } else { worker }, entry);
    }

    /// Moves the item in the worker's slot to its heaps, where others see it. Returns true if any item waits
    /// with the worker.
    pub fn share(&self, worker: &Worker<T>) -> bool {
        if let Some(entry) = worker.slot.take() {
            self.enter(worker.index, entry);
        }
        self.board.waits_with(worker.index)
    }

    /// Returns true if an item that waits with this worker comes before `stand`.
    pub fn comes_before(&self, worker: &Worker<T>, stand: Stand) -> bool {
        let slot = worker.slot.borrow();
        let first = |class| {
            let of_slot = slot.as_ref().filter(|entry| entry.stand.class == class);
            let own = self.board.own(worker.index, class);
            own.into_iter().chain(of_slot.map(|entry| entry.stand.order)).min()
        };
        let is_lower = |order: u64| order.saturating_add(ROW_LEAD) < stand.order;
        match stand.class {
            Class::Short => first(Class::Short).is_some_and(is_lower),
            Class::Long => {
                first(Class::Short).is_some() || first(Class::Long).is_some_and(is_lower)
            }
        }
    }

    /// Returns true if [`CROWD`] short turns wait with this worker. Then it gives up its time that is owed to
    /// long turns, so that the short ones run first.
    pub fn is_crowded(&self, worker: &Worker<T>) -> bool {
        let is_crowded = self.board.count(worker.index, Class::Short) >= CROWD;
        if is_crowded {
            worker.paying.set(0);
        }
        is_crowded
    }

    /// Takes the item that the worker runs next, and begins its slice.
    pub fn take(&self, worker: &Worker<T>) -> Option<(Class, T)> {
        let slot = worker.slot.take();
        let now = worker.now.get();
        let Entry { stand, item, .. } = match slot {
            Some(entry) if self.runs_next(worker, &entry, now) => entry,
            slot => self.choose(worker, slot, now)?,
        };
        let owed_until = match stand.class {
            Class::Long => now.saturating_add(worker.paying.get()),
            Class::Short => 0,
        };
        item.pace().begin_on(worker.index, stand, now, owed_until);
        Some((stand.class, item))
    }

    /// Returns true if this item, which was just made ready, runs next without a look at other workers.
    fn runs_next(&self, worker: &Worker<T>, entry: &Entry<T>, now: u64) -> bool {
        entry.stand.class == Class::Short
            && worker.paying.get() == 0
            && !self.looks(worker, now)
            && self
                .board
                .own(worker.index, Class::Short)
                .is_none_or(|first| entry.stand.order <= first.saturating_add(SLOT_LEAD))
    }

    fn looks(&self, worker: &Worker<T>, now: u64) -> bool {
        self.board.workers() > 1 && now.saturating_sub(worker.looked.get()) >= LOOK_EVERY
    }

    fn choose(&self, worker: &Worker<T>, mut slot: Option<Entry<T>>, now: u64) -> Option<Entry<T>> {
        let looks = self.looks(worker, now);
        if looks {
            worker.looked.set(now);
            let waits = self.board.others(worker.index, Class::Long, now).is_some();
            worker.long_elsewhere.set(waits);
        }
        let classes = match worker.paying.get() {
            0 => [Class::Short, Class::Long],
            _ => [Class::Long, Class::Short],
        };
        for class in classes {
            let of_slot = slot.as_ref().filter(|entry| entry.stand.class == class);
            let first = self.board.own(worker.index, class);
            let own = first.into_iter().chain(of_slot.map(|entry| entry.stand.order)).min();
            let whose = match own {
                Some(_) if class == Class::Short && !looks => Some(worker.index),
                _ => self.board.whose(worker.index, own, class, now),
            };
            let taken = match whose {
                Some(own) if own == worker.index => self.exchange(own, &mut slot, class),
                Some(other) => self.take_first(other, class),
                None => None,
            };
            if taken.is_some() {
                if let Some(entry) = slot {
                    self.enter(worker.index, entry);
                }
                return taken;
            }
            if class == Class::Long {
                // No long turn waits, so nothing is owed.
                worker.paying.set(0);
            }
        }
        slot.or_else(|| self.take_anywhere())
    }

    /// Takes an item that waits with any worker, for a worker that has found none where it looked.
    fn take_anywhere(&self) -> Option<Entry<T>> {
        let all = 0..self.board.workers();
        let mut found = [Class::Short, Class::Long].into_iter().flat_map(|class| {
            let has = move |worker: &usize| self.board.own(*worker, class).is_some();
            all.clone().filter(has).map(move |worker| (worker, class))
        });
        found.find_map(|(worker, class)| self.take_first(worker, class))
    }

    /// Counts the time of a slice that was taken as one of this class.
    pub fn settle(&self, worker: &Worker<T>, class: Class, ran: u64) {
        let (short, long) = match class {
            Class::Short if ran <= 2 * SHORT => (ran, 0),
            // It turned out to be long.
            Class::Short => (SHORT, ran - SHORT),
            Class::Long => (0, ran),
        };
        let owed = worker.owed.get().saturating_sub(long);
        worker.paying.set(worker.paying.get().saturating_sub(long));
        if worker.long_elsewhere.get() || self.board.own(worker.index, Class::Long).is_some() {
            let owed = owed + short / OWED_PART;
            if owed >= QUANTUM {
                worker.owed.set(0);
                worker.paying.set(QUANTUM);
                return;
            }
            worker.owed.set(owed);
        } else {
            worker.owed.set(owed);
        }
    }

    fn enter(&self, worker: usize, mut entry: Entry<T>) {
        let mut heaps = self.heaps[worker].lock();
        let class = entry.stand.class;
        entry.number = heaps.next_number();
        heaps.of(class).push(entry);
        self.publish(worker, class, &mut heaps);
    }

    fn take_first(&self, worker: usize, class: Class) -> Option<Entry<T>> {
        let mut heaps = self.heaps[worker].lock();
        let taken = heaps.of(class).pop();
        self.publish(worker, class, &mut heaps);
        taken
    }

    /// Takes the first item of a class, out of the heap and the slot. If the heap's comes first, the slot's
    /// takes its place there.
    fn exchange(
        &self,
        worker: usize,
        slot: &mut Option<Entry<T>>,
        class: Class,
    ) -> Option<Entry<T>> {
        let Some(mut entry) = slot.take_if(|entry| entry.stand.class == class) else {
            return self.take_first(worker, class);
        };
        let mut heaps = self.heaps[worker].lock();
        entry.number = heaps.next_number();
        let changed = heaps.of(class).peek_mut().is_some_and(|mut first| {
            let comes_before = *first > entry;
            if comes_before {
                std::mem::swap(&mut *first, &mut entry);
            }
            comes_before
        });
        if changed {
            self.publish(worker, class, &mut heaps);
        }
        Some(entry)
    }

    fn publish(&self, worker: usize, class: Class, heaps: &mut Heaps<T>) {
        let heap = heaps.of(class);
        let first = heap.peek().map(|entry| entry.stand.order);
        self.board.publish(worker, class, heap.len(), first);
    }

    /// Removes all waiting items, and returns them.
    pub fn clear(&self) -> Vec<T> {
        let mut all = Vec::new();
        for (worker, heaps) in self.heaps.iter().enumerate() {
            let mut heaps = heaps.lock();
            for class in [Class::Short, Class::Long] {
                all.extend(heaps.of(class).drain().map(|entry| entry.item));
                self.publish(worker, class, &mut heaps);
            }
        }
        all
    }
}

impl<T> Heaps<T> {
    fn of(&mut self, class: Class) -> &mut BinaryHeap<Entry<T>> {
        match class {
            Class::Short => &mut self.short,
            Class::Long => &mut self.long,
        }
    }

    fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl<T> Default for Heaps<T> {
    fn default() -> Self {
        Heaps { short: BinaryHeap::new(), long: BinaryHeap::new(), next_number: 0 }
    }
}

impl<T: Runnable> Entry<T> {
    fn of(item: T) -> Self {
        Entry { stand: item.pace().stand(), number: 0, item }
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Order {
        let key = |entry: &Self| (entry.stand.order, entry.number);
        key(other).cmp(&key(self))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Order::Equal
    }
}

impl<T> Eq for Entry<T> {}
