//! The pace of an agent: the workers' time that it has had, its place among the waiting agents, and the
//! moment at which a slice gives up its worker.
//!
//! All times are nanoseconds of [`nanos`]. The time of an account is weighted by its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::board::{Board, Class};
use crate::lent::LENT;
use crate::processor_time;
use crate::sandbox::Pacer;
use crate::source::nanos;

/// The longest time of a short turn.
pub(super) const SHORT: u64 = 1_000_000;
/// The least time that a turn is expected to take: among turns that are shorter, who has had less comes first.
const LEAST: u64 = 64_000;
/// The most time that a turn is expected to take, and the time after which a long turn lets other long turns
/// run.
pub(super) const QUANTUM: u64 = 8_000_000;
/// The most by which a waiting account may be above the largest account that has run.
const MOST_AHEAD: u64 = 32_000_000;
/// The share at which time counts as it is.
const WHOLE_SHARE: u64 = 100;
/// Stands for the worker of a slice that runs on a thread that is no worker.
const CALLER: u32 = u32::MAX;

/// The workers' time that an agent has had, together with the agents that it has deployed.
pub(crate) struct CpuAccount {
    used: AtomicU64,
    /// The time for which it has had threads for files, weighted too.
    pub held_files: AtomicU64,
    /// The processor time that its calls on files usually take.
    pub usual_file_call: AtomicU64,
    share: u64,
    /// True if several threads may charge it at the same time: for several agents, or for work of an agent that
    /// goes on outside its turns.
    is_shared: AtomicBool,
}

impl CpuAccount {
    /// Returns an account with this share: an account of 200 gets twice the time of one of 100.
    pub fn new(cpu_share: u32) -> Arc<Self> {
        Arc::new(CpuAccount {
            used: AtomicU64::new(0),
            held_files: AtomicU64::new(0),
            usual_file_call: AtomicU64::new(0),
            share: u64::from(cpu_share.max(1)),
            is_shared: AtomicBool::new(false),
        })
    }

    /// Returns the same account for one more agent.
    pub fn share(self: &Arc<Self>) -> Arc<Self> {
        self.charge_anywhere();
        self.clone()
    }

    /// From now on it may be charged on any thread.
    pub fn charge_anywhere(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    /// So much time by its share.
    pub fn weighted(&self, time: u64) -> u64 {
        match self.share {
            WHOLE_SHARE => time,
            share => time.saturating_mul(WHOLE_SHARE) / share,
        }
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Charges it for so many nanoseconds, on the thread that holds the run token of its one agent.
    pub fn charge(&self, time: u64) {
        let time = self.weighted(time);
        if self.is_shared.load(Ordering::Relaxed) {
            self.used.fetch_add(time, Ordering::Relaxed);
        } else {
            // Only the holder of the agent's run token changes it.
            self.used.store(self.used().saturating_add(time), Ordering::Relaxed);
        }
    }

    /// Moves the account into the range that begins at `largest`, and returns its time: an agent that was
    /// idle for long has no credit from that, and one that has used much is not kept waiting for ever.
    fn clamp(&self, largest: u64) -> u64 {
        let used = self.used();
        let clamped = used.clamp(largest, largest.saturating_add(MOST_AHEAD));
        if clamped > used {
            self.used.fetch_max(clamped, Ordering::Relaxed);
        } else if clamped < used {
            // If another agent of this account has just been charged, that charge stays.
            let _ = self.used.compare_exchange(used, clamped, Ordering::Relaxed, Ordering::Relaxed);
        }
        clamped
    }
}

/// The next thing that an agent does when it gets a worker.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// A new turn.
    Fresh,
    /// A new turn that makes its instance.
    Init,
    /// A turn that goes on.
    Continued,
}

/// The place of an agent among those that wait for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    pub class: Class,
    /// The lowest order runs first.
    pub order: u64,
    /// The time of its account. It may have grown before the agent runs, if other agents share the account.
    pub used: u64,
}

/// The state of an agent for the workers. Only the holder of its run token changes it.
pub(crate) struct Pace {
    account: Arc<CpuAccount>,
    board: Arc<Board>,
    /// The longest slice while another agent waits.
    longest_slice: u64,
    /// True if the time for which the system keeps a worker from its core is not charged.
    by_core_time: bool,
    /// The times of the last turn and of the one before, including the host's work for them.
    last_turn: AtomicU64,
    earlier_turn: AtomicU64,
    /// The time that earlier slices of this turn took.
    spent: AtomicU64,
    /// Number of times that this turn has been asked if its slice is to end.
    looks: AtomicU32,
    stage: AtomicU8,
    /// The slice in progress: when it began, its worker, and its class and order beside the agents that wait.
    began: AtomicU64,
    kept_before: AtomicU64,
    place: AtomicU32,
    is_long: AtomicBool,
    order: AtomicU64,
    /// Until this time it runs in time that is owed to long turns, and no short turn ends its slice.
    owed_until: AtomicU64,
    /// True if it comes before others of its class.
    hurries: AtomicBool,
}

impl Pace {
    /// Returns the pace of an agent that is charged to `account`, and runs for at most `longest_slice` while
    /// another waits.
    pub fn new(account: Arc<CpuAccount>, board: Arc<Board>, longest_slice: Duration) -> Self {
        Pace {
            account,
            board,
            longest_slice: u64::try_from(longest_slice.as_nanos()).unwrap_or(u64::MAX),
            by_core_time: false,
            last_turn: AtomicU64::new(0),
            earlier_turn: AtomicU64::new(0),
            looks: AtomicU32::new(0),
            spent: AtomicU64::new(0),
            stage: AtomicU8::new(Stage::Init as u8),
            began: AtomicU64::new(0),
            kept_before: AtomicU64::new(0),
            place: AtomicU32::new(CALLER),
            is_long: AtomicBool::new(false),
            order: AtomicU64::new(0),
            owed_until: AtomicU64::new(0),
            hurries: AtomicBool::new(false),
        }
    }

    /// Charges the time for which a worker has a core, and not the time for which the system gives that core
    /// to other threads, often to the very one that an agent's message has woken. Only for items that never
    /// wait on the worker's thread.
    pub fn by_core_time(mut self) -> Self {
        self.by_core_time = true;
        self
    }

    /// Lets the agent come before others of its class from now on, no matter how much time its account has
    /// had: the caller waits for the agent's end, and must not wait for its past use.
    pub fn hurry(&self) {
        self.hurries.store(true, Ordering::Relaxed);
    }

    /// Returns the account that the agent's time is charged to.
    pub fn account(&self) -> &Arc<CpuAccount> {
        &self.account
    }

    /// Notes that the agent has no instance: its next turn makes one, and counts as short until it has run
    /// for longer.
    pub fn expect_init(&self) {
        if self.stage() == Stage::Fresh {
            self.stage.store(Stage::Init as u8, Ordering::Relaxed);
        }
    }

    /// Returns true if a calling thread may run the first slice of the agent's next turn: the turn is
    /// expected to be short, or no agent waits.
    pub fn may_run_on_caller(&self) -> bool {
        self.class() == Class::Short || !self.board.anyone_waits()
    }

    fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Fresh,
            1 => Stage::Init,
            _ => Stage::Continued,
        }
    }

    fn class(&self) -> Class {
        let is_long = match self.stage() {
            Stage::Fresh => self.expected() > SHORT,
            Stage::Init => false,
            Stage::Continued => self.is_long.load(Ordering::Relaxed),
        };
        if is_long { Class::Long } else { Class::Short }
    }

    /// Returns the time that the next turn is expected to take: that of the shorter of the last two, since a
    /// short one may look long if the system gave its thread's core to others.
    fn expected(&self) -> u64 {
        let [last, earlier] = [&self.last_turn, &self.earlier_turn];
        last.load(Ordering::Relaxed).min(earlier.load(Ordering::Relaxed))
    }

    /// Returns the agent's place if it is queued now.
    pub(super) fn stand(&self) -> Stand {
        let class = self.class();
        let largest = self.board.largest(class);
        let used = self.account.clamp(largest);
        if self.hurries.load(Ordering::Relaxed) {
            // Among agents that hurry, too, the one that has had less comes first.
            return Stand { class, order: used - largest, used };
        }
        let expected = match (self.stage(), class) {
            (Stage::Init, _) => LEAST,
            (Stage::Continued, Class::Long) => QUANTUM,
            (Stage::Fresh | Stage::Continued, _) => self.expected().clamp(LEAST, QUANTUM),
        };
        Stand { class, order: used.saturating_add(expected), used }
    }

    /// Begins a slice on a worker; until `owed_until` it runs in time that is owed to long turns.
    pub(super) fn begin_on(&self, worker: usize, stand: Stand, now: u64, owed_until: u64) {
        self.place.store(worker as u32, Ordering::Relaxed);
        self.begin(stand, now, owed_until);
    }

    /// Begins a slice on a thread that is no worker.
    pub fn begin_on_caller(&self, now: u64) {
        self.place.store(CALLER, Ordering::Relaxed);
        // The thread did whatever its program does.
        processor_time::forget();
        self.begin(self.stand(), now, 0);
    }

    fn begin(&self, stand: Stand, now: u64, owed_until: u64) {
        self.board.raise(stand.class, stand.used);
        self.began.store(now, Ordering::Relaxed);
        self.kept_before.store(processor_time::kept_from_core(), Ordering::Relaxed);
        self.is_long.store(stand.class == Class::Long, Ordering::Relaxed);
        self.order.store(stand.order, Ordering::Relaxed);
        self.owed_until.store(owed_until, Ordering::Relaxed);
    }

    /// Begins the agent's next turn in the same slice, after [`Pace::end_turn`], with the place `stand`.
    pub(super) fn go_on(&self, stand: Stand) {
        self.board.raise(stand.class, stand.used);
        self.order.store(stand.order, Ordering::Relaxed);
    }

    /// Ends the slice of a turn that goes on later.
    pub fn pause(&self, now: u64) {
        let ran = self.charge(now);
        self.spent.store(self.spent.load(Ordering::Relaxed) + ran, Ordering::Relaxed);
        self.stage.store(Stage::Continued as u8, Ordering::Relaxed);
    }

    /// Ends the turn, including the host's work for it. The time of an init says nothing about the next turn.
    pub fn end_turn(&self, now: u64, was_init: bool) {
        let ran = self.charge(now);
        let spent = self.spent.load(Ordering::Relaxed);
        self.spent.store(0, Ordering::Relaxed);
        self.looks.store(0, Ordering::Relaxed);
        if !was_init {
            self.earlier_turn.store(self.last_turn.load(Ordering::Relaxed), Ordering::Relaxed);
            self.last_turn.store(spent + ran, Ordering::Relaxed);
        }
        self.stage.store(Stage::Fresh as u8, Ordering::Relaxed);
    }

    fn charge(&self, now: u64) -> u64 {
        let mut ran = now.saturating_sub(self.began.load(Ordering::Relaxed));
        if self.by_core_time {
            let kept_before = self.kept_before.load(Ordering::Relaxed);
            ran = ran.saturating_sub(processor_time::kept_in(ran, now, kept_before));
            self.kept_before.store(processor_time::kept_from_core(), Ordering::Relaxed);
        }
        self.account.charge(ran);
        self.began.store(now, Ordering::Relaxed);
        ran
    }

    /// Returns true if the slice in progress is to end. Asked by guests at ticks, and by the host between the
    /// pieces of its work for an agent.
    pub fn should_yield(&self) -> bool {
        self.yields_at(nanos())
    }

    /// Returns true if the slice in progress is to end at `now`.
    pub(super) fn yields_at(&self, now: u64) -> bool {
        let ran = now.saturating_sub(self.began.load(Ordering::Relaxed));
        let is_on_caller = self.place.load(Ordering::Relaxed) == CALLER;
        let weighted = self.account.weighted(ran);
        let looks = self.looks.load(Ordering::Relaxed).saturating_add(1);
        self.looks.store(looks, Ordering::Relaxed);
        if !self.is_long.load(Ordering::Relaxed) {
            // The first look comes within a tick of the beginning of a guest's turn, or later if the system
            // gave the thread's core to others.
            if self.spent.load(Ordering::Relaxed) + ran <= SHORT || looks == 1 {
                return is_on_caller && ran >= LENT.as_nanos() as u64;
            }
            self.is_long.store(true, Ordering::Relaxed);
            let used = self.account.clamp(self.board.largest(Class::Long));
            let order = used.saturating_add(weighted).saturating_add(QUANTUM);
            self.order.store(order, Ordering::Relaxed);
        }
        if is_on_caller {
            return ran >= LENT.as_nanos() as u64;
        }
        let worker = self.place.load(Ordering::Relaxed) as usize;
        let used = self.account.used().saturating_add(weighted);
        if used >= self.order.load(Ordering::Relaxed) {
            self.order.store(used.saturating_add(QUANTUM), Ordering::Relaxed);
        }
        let waits_short = self.board.first(worker, Class::Short, now).is_some();
        if waits_short && now >= self.owed_until.load(Ordering::Relaxed) {
            return true;
        }
        let first_long = self.board.first(worker, Class::Long, now);
        if ran >= self.longest_slice && (waits_short || first_long.is_some()) {
            return true;
        }
        first_long.is_some_and(|order| order < self.order.load(Ordering::Relaxed))
    }
}

impl Pacer for Pace {
    fn should_yield(&self) -> bool {
        self.should_yield()
    }
}
