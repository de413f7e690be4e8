//! A model of every order in which threads may hand in work, look for it and fall asleep. It runs the real
//! source of the sleepers and of the board with loom's types. A worker that keeps sleeping while there is
//! work never wakes, which loom reports.

#![allow(dead_code, reason = "a model uses some of what the workers use")]
#![allow(clippy::duplicate_mod, reason = "the same source with other types")]
#![allow(clippy::unwrap_used, reason = "tests fail this way")]

#[path = "board.rs"]
mod board;
#[path = "sleepers.rs"]
mod sleepers;

use loom::sync::Arc;
use loom::thread;

use self::board::{Board, Class};
use self::sleepers::Sleepers;
use self::sync::Mutex;

mod sync {
    pub(super) use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
    use loom::sync::{Arc, Condvar, MutexGuard};

    #[derive(Default)]
    pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(super) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    #[derive(Clone, Default)]
    pub(super) struct Unparker(Arc<(loom::sync::Mutex<bool>, Condvar)>);

    impl Unparker {
        pub(super) fn unpark(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_one();
        }
    }

    pub(super) struct Parker(Unparker);

    impl Parker {
        pub(super) fn new() -> Self {
            Parker(Unparker::default())
        }

        pub(super) fn unparker(&self) -> &Unparker {
            &self.0
        }

        pub(super) fn park(&self) {
            let mut woken = self.0.0.0.lock().unwrap();
            while !*woken {
                woken = self.0.0.1.wait(woken).unwrap();
            }
            *woken = false;
        }
    }
}

/// Workers with one queue each, which holds only numbers.
struct Pool {
    board: Board,
    sleepers: Sleepers,
    waiting: Vec<Mutex<Vec<u64>>>,
}

impl Pool {
    fn new(workers: usize) -> Arc<Self> {
        Arc::new(Pool {
            board: Board::new(workers),
            sleepers: Sleepers::default(),
            waiting: (0..workers).map(|_| Mutex::default()).collect(),
        })
    }

    fn hand_in(&self, worker: usize, order: u64) {
        let mut waiting = self.waiting[worker].lock();
        waiting.push(order);
        self.board.publish(worker, Class::Short, waiting.len(), waiting.iter().min().copied());
        drop(waiting);
        self.sleepers.wake_one();
    }

    fn take(&self, worker: usize) -> Option<u64> {
        let own = self.board.own(worker, Class::Short);
        let whose = self.board.whose(worker, own, Class::Short, 0)?;
        let mut waiting = self.waiting[whose].lock();
        let taken = waiting.pop();
        self.board.publish(whose, Class::Short, waiting.len(), waiting.iter().min().copied());
        taken
    }

    /// Takes `count` numbers, and sleeps while there are none.
    fn work(&self, worker: usize, count: usize) {
        let sleeper = self.sleepers.register();
        let mut taken = 0;
        while taken < count {
            match self.take(worker) {
                Some(_) => taken += 1,
                None => self.sleepers.sleep(&sleeper, || self.board.anyone_waits()),
            }
        }
    }
}

#[test]
fn a_worker_finds_what_is_handed_in_while_it_falls_asleep() {
    loom::model(|| {
        let pool = Pool::new(1);
        let worker = thread::spawn({
            let pool = pool.clone();
            move || pool.work(0, 1)
        });
        pool.hand_in(0, 1);
        worker.join().unwrap();
    });
}

#[test]
fn a_worker_finds_what_two_threads_hand_in() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let pool = Pool::new(1);
        let worker = thread::spawn({
            let pool = pool.clone();
            move || pool.work(0, 2)
        });
        let other = thread::spawn({
            let pool = pool.clone();
            move || pool.hand_in(0, 1)
        });
        pool.hand_in(0, 2);
        other.join().unwrap();
        worker.join().unwrap();
    });
}

#[test]
fn a_worker_finds_what_waits_with_another() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        // The other worker runs something all the time.
        let pool = Pool::new(2);
        let worker = thread::spawn({
            let pool = pool.clone();
            move || pool.work(1, 1)
        });
        pool.hand_in(0, 1);
        worker.join().unwrap();
    });
}

#[test]
fn each_of_two_workers_that_sleep_is_woken() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let pool = Pool::new(2);
        let workers = [0, 1].map(|index| {
            let pool = pool.clone();
            thread::spawn(move || pool.work(index, 1))
        });
        pool.hand_in(0, 1);
        pool.hand_in(0, 2);
        for worker in workers {
            worker.join().unwrap();
        }
    });
}
