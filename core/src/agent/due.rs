//! Timers that have come due and have not been handled, in the order in which they came.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

#[derive(Default)]
pub(super) struct Due {
    /// Each with its ticket. One that was taken back stays until it comes to the front.
    pub(super) order: VecDeque<(u64, u32)>,
    /// The tickets of those that are still to be handled.
    tickets: HashMap<u32, u64, RandomState>,
    next: u64,
}

impl Due {
    /// Puts a timer at the end, unless it is there.
    pub fn push(&mut self, id: u32) {
        if self.tickets.contains_key(&id) {
            return;
        }
        if self.order.len() > 2 * self.tickets.len() + 64 {
            let tickets = &self.tickets;
            self.order.retain(|(ticket, id)| tickets.get(id) == Some(ticket));
        }
        self.next += 1;
        self.tickets.insert(id, self.next);
        self.order.push_back((self.next, id));
    }

    /// Takes the next one out.
    pub fn pop(&mut self) -> Option<u32> {
        while let Some((ticket, id)) = self.order.pop_front() {
            if self.tickets.get(&id) == Some(&ticket) {
                self.tickets.remove(&id);
                return Some(id);
            }
        }
        None
    }

    /// Takes a timer back.
    pub fn forget(&mut self, id: u32) {
        self.tickets.remove(&id);
    }

    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    pub fn clear(&mut self) {
        self.order.clear();
        self.tickets.clear();
    }
}
