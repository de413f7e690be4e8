//! An agent's account with the workers: the time that it has had, its place among those that wait, and
//! when a slice of it gives its worker up.
//!
//! All times are nanoseconds of [`nanos`]. Time of an account is weighted by its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::board::{Board, Class};
use crate::lent::LENT;
use crate::sandbox::Pacer;
use crate::source::nanos;

/// A turn of at most this time is a short one.
pub(super) const SHORT: u64 = 1_000_000;
/// What a turn is expected to take at least.
const LEAST: u64 = 16_000;
/// What a turn is expected to take at most; the time after which a long one lets others of its kind run.
pub(super) const QUANTUM: u64 = 8_000_000;
/// By how much an account that waits may be ahead of the largest that has been taken to run.
const MOST_AHEAD: u64 = 32_000_000;
/// The share that others are measured by.
const WHOLE_SHARE: u64 = 100;
/// The place of a slice on a thread that is no worker.
const CALLER: u32 = u32::MAX;

/// The time that one agent, or one and those that it has deployed, had of the workers.
pub(crate) struct CpuAccount {
    used: AtomicU64,
    share: u64,
    /// Several agents are charged to it, and may run at the same time.
    is_shared: AtomicBool,
}

impl CpuAccount {
    /// An account of which `cpu_share` in a hundred parts counts: one of 200 has twice the time of one
    /// of 100.
    pub fn new(cpu_share: u32) -> Arc<Self> {
        Arc::new(CpuAccount {
            used: AtomicU64::new(0),
            share: u64::from(cpu_share.max(1)),
            is_shared: AtomicBool::new(false),
        })
    }

    /// The same account for one more agent.
    pub fn share(self: &Arc<Self>) -> Arc<Self> {
        self.is_shared.store(true, Ordering::Relaxed);
        self.clone()
    }

    fn weighted(&self, time: u64) -> u64 {
        match self.share {
            WHOLE_SHARE => time,
            share => time.saturating_mul(WHOLE_SHARE) / share,
        }
    }

    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn charge(&self, time: u64) {
        let time = self.weighted(time);
        if self.is_shared.load(Ordering::Relaxed) {
            self.used.fetch_add(time, Ordering::Relaxed);
        } else {
            // Only the holder of the one run token is here.
            self.used.store(self.used().saturating_add(time), Ordering::Relaxed);
        }
    }

    /// Moves the account to where it may stand beside `largest`: who has waited long has no credit from
    /// that, and who has used much is not kept waiting for ever.
    fn clamp(&self, largest: u64) -> u64 {
        let used = self.used();
        let clamped = used.clamp(largest, largest.saturating_add(MOST_AHEAD));
        if clamped > used {
            self.used.fetch_max(clamped, Ordering::Relaxed);
        } else if clamped < used {
            // Where another agent of this account has just been charged, that counts.
            let _ = self.used.compare_exchange(used, clamped, Ordering::Relaxed, Ordering::Relaxed);
        }
        clamped
    }
}

/// What an agent does next when it gets a worker.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// A new turn.
    Fresh,
    /// A new turn that makes its instance.
    Init,
    /// It goes on with a turn.
    Continued,
}

/// Where an agent stands among those that wait for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    pub class: Class,
    /// Less is earlier.
    pub order: u64,
    /// Its account, which may have grown by the turns of others that it is charged with as well when it
    /// comes to run.
    pub used: u64,
}

/// An agent as the workers see it. Only the holder of its run token changes it.
pub(crate) struct Pace {
    account: Arc<CpuAccount>,
    board: Arc<Board>,
    /// The longest slice while anyone waits.
    longest_slice: u64,
    /// The times of the last turn and of the one before, with what came of them.
    last_turn: AtomicU64,
    earlier_turn: AtomicU64,
    /// The time that earlier slices of this turn took.
    spent: AtomicU64,
    /// How often this turn has been asked whether its slice ends.
    looks: AtomicU32,
    stage: AtomicU8,
    /// The slice in progress: when it began, where, and how it stands beside those that wait.
    began: AtomicU64,
    place: AtomicU32,
    is_long: AtomicBool,
    order: AtomicU64,
    /// Until then it runs in time that is owed to long turns, and no short one ends it.
    owed_until: AtomicU64,
    /// It comes before others of its class.
    hurries: AtomicBool,
}

impl Pace {
    /// The pace of an agent that is charged to `account`, and runs for at most `longest_slice` while
    /// anyone waits.
    pub fn new(account: Arc<CpuAccount>, board: Arc<Board>, longest_slice: Duration) -> Self {
        Pace {
            account,
            board,
            longest_slice: u64::try_from(longest_slice.as_nanos()).unwrap_or(u64::MAX),
            last_turn: AtomicU64::new(0),
            earlier_turn: AtomicU64::new(0),
            looks: AtomicU32::new(0),
            spent: AtomicU64::new(0),
            stage: AtomicU8::new(Stage::Init as u8),
            began: AtomicU64::new(0),
            place: AtomicU32::new(CALLER),
            is_long: AtomicBool::new(false),
            order: AtomicU64::new(0),
            owed_until: AtomicU64::new(0),
            hurries: AtomicBool::new(false),
        }
    }

    /// Lets it come before others of its class from now on, whatever its account has had: somebody waits for
    /// its end who does not have to pay for that.
    pub fn hurry(&self) {
        self.hurries.store(true, Ordering::Relaxed);
    }

    /// The account that the agent's time is charged to.
    pub fn account(&self) -> &Arc<CpuAccount> {
        &self.account
    }

    /// The agent has no instance: its next turn makes one, and is a short one until it shows otherwise.
    pub fn expect_init(&self) {
        if self.stage() == Stage::Fresh {
            self.stage.store(Stage::Init as u8, Ordering::Relaxed);
        }
    }

    /// Returns true if a calling thread may run the first slice of the agent's next turn, which is short,
    /// or keeps nobody waiting.
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

    /// What the next turn is expected to take: the shorter of the last two, since one that was short may
    /// look long where the system gave its thread's core to others.
    fn expected(&self) -> u64 {
        let [last, earlier] = [&self.last_turn, &self.earlier_turn];
        last.load(Ordering::Relaxed).min(earlier.load(Ordering::Relaxed))
    }

    /// Where the agent stands if it is queued now.
    pub(super) fn stand(&self) -> Stand {
        let class = self.class();
        let largest = self.board.largest(class);
        let used = self.account.clamp(largest);
        if self.hurries.load(Ordering::Relaxed) {
            // Among those that hurry, too, who has had less comes first.
            return Stand { class, order: used - largest, used };
        }
        let expected = match (self.stage(), class) {
            (Stage::Init, _) => LEAST,
            (Stage::Continued, Class::Long) => QUANTUM,
            (Stage::Fresh | Stage::Continued, _) => self.expected().clamp(LEAST, QUANTUM),
        };
        Stand { class, order: used.saturating_add(expected), used }
    }

    /// A worker has taken the agent to run; until `owed_until` in time that is owed to long turns.
    pub(super) fn begin_on(&self, worker: usize, stand: Stand, now: u64, owed_until: u64) {
        self.place.store(worker as u32, Ordering::Relaxed);
        self.begin(stand, now, owed_until);
    }

    /// A thread that is no worker runs a slice of the agent.
    pub fn begin_on_caller(&self, now: u64) {
        self.place.store(CALLER, Ordering::Relaxed);
        self.begin(self.stand(), now, 0);
    }

    fn begin(&self, stand: Stand, now: u64, owed_until: u64) {
        self.board.raise(stand.class, stand.used);
        self.began.store(now, Ordering::Relaxed);
        self.is_long.store(stand.class == Class::Long, Ordering::Relaxed);
        self.order.store(stand.order, Ordering::Relaxed);
        self.owed_until.store(owed_until, Ordering::Relaxed);
    }

    /// Begins one more turn of the agent in its place, after [`Pace::end_turn`], which stands so.
    pub(super) fn go_on(&self, stand: Stand) {
        self.board.raise(stand.class, stand.used);
        self.order.store(stand.order, Ordering::Relaxed);
    }

    /// Ends the slice, whose turn goes on later.
    pub fn pause(&self, now: u64) {
        let ran = self.charge(now);
        self.spent.store(self.spent.load(Ordering::Relaxed) + ran, Ordering::Relaxed);
        self.stage.store(Stage::Continued as u8, Ordering::Relaxed);
    }

    /// Ends the turn, with all that came of it. An init says nothing of how long the next turn takes.
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
        let ran = now.saturating_sub(self.began.load(Ordering::Relaxed));
        self.account.charge(ran);
        self.began.store(now, Ordering::Relaxed);
        ran
    }

    /// Returns true if the slice in progress is to end: for guests, and for what the host does for an agent
    /// piece by piece.
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
            // The first look comes within a tick of a guest's turn, or later where the system gave its
            // thread's core to others.
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
