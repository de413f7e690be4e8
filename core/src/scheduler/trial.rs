//! A worker's queues alone, for `cargo bench`.

use std::sync::Arc;
use std::time::Duration;

use super::queues::{Queues, Worker};
use super::{CpuAccount, Lane, Pace, Runnable};

/// The time of a turn, in nanoseconds.
const TURN: u64 = 900;

/// One worker of several, and items that take turns.
pub(crate) struct Trial {
    queues: Queues<Arc<Item>>,
    worker: Worker<Arc<Item>>,
    now: u64,
}

/// An item that does nothing.
struct Item(Pace);

impl Runnable for Arc<Item> {
    fn pace(&self) -> &Pace {
        &self.0
    }

    fn run(self, _lane: Lane<'_, Self>) {}

    fn leave(&self) -> bool {
        false
    }
}

impl Trial {
    /// Returns the first of `workers` workers, with `items` items.
    pub fn new(workers: usize, items: usize) -> Self {
        let queues = Queues::new(workers);
        for _ in 0..items {
            let (account, board) = (CpuAccount::new(100), queues.board.clone());
            let pace = Pace::new(account, board, Duration::from_millis(100));
            queues.push(0, Arc::new(Item(pace)));
        }
        Trial { queues, worker: Worker::new(0), now: 0 }
    }

    /// Takes the next item, ends a turn of it, and queues it as if that turn had made it ready. Returns false
    /// if there was none.
    pub fn pass(&mut self) -> bool {
        let Some((class, item)) = self.queues.take(&self.worker) else {
            return false;
        };
        self.now += TURN;
        self.worker.set_now(self.now);
        item.pace().end_turn(self.now, false);
        self.queues.push_own(&self.worker, item);
        self.queues.settle(&self.worker, class, TURN);
        true
    }
}
