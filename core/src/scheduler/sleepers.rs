//! Sleeping workers, which found nothing to do.
//!
//! A worker first enters itself as a sleeper, and then looks for work. A thread that hands in work does so
//! first, and then looks for sleepers. So one of the two always sees the other.

use super::sync::{AtomicUsize, Mutex, Ordering, Parker, Unparker, fence};

#[derive(Default)]
pub(super) struct Sleepers {
    count: AtomicUsize,
    asleep: Mutex<Vec<(usize, Unparker)>>,
    next: AtomicUsize,
}

pub(super) struct Sleeper {
    id: usize,
    parker: Parker,
}

impl Sleepers {
    pub fn register(&self) -> Sleeper {
        Sleeper { id: self.next.fetch_add(1, Ordering::Relaxed), parker: Parker::new() }
    }

    /// Sleeps until another thread wakes this sleeper, unless there is work by now.
    pub fn sleep(&self, sleeper: &Sleeper, has_work: impl Fn() -> bool) {
        {
            let mut asleep = self.asleep.lock();
            asleep.push((sleeper.id, sleeper.parker.unparker().clone()));
            self.count.store(asleep.len(), Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        if has_work() {
            let mut asleep = self.asleep.lock();
            if let Some(at) = asleep.iter().position(|(id, _)| *id == sleeper.id) {
                asleep.swap_remove(at);
                self.count.store(asleep.len(), Ordering::SeqCst);
                return;
            }
        }
        sleeper.parker.park();
    }

    /// Returns true if all workers sleep.
    pub fn all_asleep(&self) -> bool {
        self.count.load(Ordering::SeqCst) == self.next.load(Ordering::Relaxed)
    }

    /// Wakes a sleeper, if there is one. To be called after the work has been handed in.
    pub fn wake_one(&self) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut asleep = self.asleep.lock();
        let woken = asleep.pop();
        self.count.store(asleep.len(), Ordering::SeqCst);
        drop(asleep);
        if let Some((_, unparker)) = woken {
            unparker.unpark();
        }
    }

    pub fn wake_all(&self) {
        fence(Ordering::SeqCst);
        let mut asleep = self.asleep.lock();
        let woken = std::mem::take(&mut *asleep);
        self.count.store(0, Ordering::SeqCst);
        drop(asleep);
        for (_, unparker) in woken {
            unparker.unpark();
        }
    }
}
