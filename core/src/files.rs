//! Threads on which agents wait for their files.
//!
//! Each call has a thread for as long as it lasts, so that the system's time for it is known. An account has few at a
//! time, and its further calls wait in a line of its own; whoever has had the least time comes first.
//!
//! The system does not interrupt a call that walks over links for milliseconds, so calls of accounts that usually
//! make such calls have only as many threads as there are cores: other accounts' calls find a thread and a core.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::processor_time::ThreadClock;
use crate::sandbox::stand_back;
use crate::source::{monotonic, nanos};

/// Number of threads.
const THREADS: usize = 16;
/// Lowered priority of the threads: one that walks over links for milliseconds is not to hold up turns,
/// and a short call beside busy workers is woken in time all the same.
const NICE: i32 = 5;
/// The most of them that one account has at a time.
const MOST_OF_ONE: usize = 2;
/// Nanoseconds of processor time above which the usual call of an account is a long one.
const LONG: u64 = 1_000_000;
/// A call counts one part in this many in what is usual.
const USUAL_PART: u64 = 4;

/// The agent that makes a call.
pub(crate) trait User: Send + Sync {
    /// Tells one account from others while somebody holds this.
    fn line(&self) -> usize;
    /// The time for which the account has had threads, in weighted nanoseconds. Only [`FileThreads`] changes it.
    fn held(&self) -> &AtomicU64;
    /// The processor time that a call of the account usually takes, in nanoseconds. Only [`FileThreads`] changes it.
    fn usual(&self) -> &AtomicU64;
    /// So many nanoseconds by the share of the account.
    fn weighted(&self, nanos: u64) -> u64;
    /// Charges the account for so many nanoseconds of a call, on the thread that holds the agent's run token.
    fn charge(&self, nanos: u64);
    /// From now on [`User::charge`] may be called on any thread.
    fn charge_anywhere(&self);
    /// Returns true if the agent is being removed: its calls come first, since somebody waits for its end.
    fn hurries(&self) -> bool;
}

/// All threads of a runtime, and who waits for one.
pub(crate) struct FileThreads {
    threads: [Thread; THREADS],
    lines: Mutex<Lines>,
}

/// A thread, which the system has only while there is something to do.
#[derive(Default)]
struct Thread {
    handle: OnceLock<Handle>,
    runtime: Mutex<Option<Runtime>>,
    uncharged: Arc<Mutex<Uncharged>>,
}

struct Lines {
    /// The last that came free is the first to be taken: it is there still.
    free: Vec<usize>,
    accounts: HashMap<usize, Line>,
    /// Accounts with a place, by the time that they had had when they got it: those whose calls are short, and those
    /// whose calls are long.
    orders: [BTreeMap<Rank, usize>; 2],
    /// Number of threads that long calls have, and the most that they have.
    busy_long: usize,
    most_long: usize,
    /// The time that whoever got a thread last had had: nobody who comes later has had less, so who has waited long
    /// has no credit from that.
    least: u64,
    next: u64,
}

/// The time that an account has had, and a number that is never used again.
type Rank = (u64, u64);

/// The length that a call is expected to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

/// The calls of one account.
#[derive(Default)]
struct Line {
    busy: usize,
    waiting: VecDeque<Arc<Ticket>>,
    /// It waits for the next thread that comes free.
    place: Option<(Length, Rank)>,
}

/// A call that waits.
struct Ticket {
    user: Arc<dyn User>,
    state: Mutex<State>,
}

enum State {
    Waiting(Option<Waker>),
    Given(usize, Length),
    /// Nobody waits any more, or has taken the thread.
    Over,
}

/// A thread that a call has.
pub(crate) struct Taken {
    threads: Arc<FileThreads>,
    user: Arc<dyn User>,
    at: usize,
    length: Length,
    /// When it got it, in nanoseconds of [`nanos`].
    since: u64,
    /// The call has done something on the thread.
    has_worked: bool,
}

impl FileThreads {
    pub fn new() -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_long(cores.min(THREADS / 2))
    }

    /// Returns threads of which calls that are expected to be long have at most so many.
    fn with_long(most_long: usize) -> Arc<Self> {
        Arc::new(FileThreads {
            threads: Default::default(),
            lines: Mutex::new(Lines {
                free: (0..THREADS).rev().collect(),
                accounts: HashMap::new(),
                orders: Default::default(),
                busy_long: 0,
                most_long,
                least: 0,
                next: 0,
            }),
        })
    }

    /// Waits for a thread. `in_line` is called each time before the wait begins or goes on.
    pub async fn take(self: &Arc<Self>, user: Arc<dyn User>, in_line: impl Fn()) -> Taken {
        let ticket =
            Arc::new(Ticket { user: user.clone(), state: Mutex::new(State::Waiting(None)) });
        let mut waiting = Waiting { threads: self, ticket };
        self.change(|lines| lines.enter(waiting.ticket.clone()));
        let (at, length) = poll_fn(|context| {
            let polled = waiting.poll(context);
            if polled.is_pending() {
                in_line();
            }
            polled
        })
        .await;
        Taken { threads: self.clone(), user, at, length, since: nanos(), has_worked: false }
    }

    /// Lets a call that waits come first, if its agent hurries now.
    pub fn hurry(&self, user: &dyn User) {
        self.change(|lines| lines.place_anew(user.line()));
    }

    /// Changes the lines, gives the free threads to who comes first, and wakes them.
    fn change(&self, change: impl FnOnce(&mut Lines)) {
        let mut lines = self.lines.lock();
        change(&mut lines);
        let wakers = lines.give();
        drop(lines);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends the threads. Those that are in the middle of a call have time until `deadline`.
    pub fn shut_down(&self, deadline: Instant) {
        for thread in &self.threads {
            let runtime = thread.runtime.lock().take();
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(deadline.saturating_duration_since(monotonic()));
            }
        }
    }
}

impl Drop for FileThreads {
    fn drop(&mut self) {
        for thread in &mut self.threads {
            if let Some(runtime) = thread.runtime.get_mut().take() {
                runtime.shutdown_background();
            }
        }
    }
}

impl Lines {
    fn enter(&mut self, ticket: Arc<Ticket>) {
        let account = ticket.user.line();
        self.accounts.entry(account).or_default().waiting.push_back(ticket);
        self.settle(account);
    }

    /// Takes out a call for which nobody waits any more.
    fn leave(&mut self, ticket: &Arc<Ticket>) {
        let account = ticket.user.line();
        if let Some(line) = self.accounts.get_mut(&account) {
            line.waiting.retain(|other| !Arc::ptr_eq(other, ticket));
        }
        self.settle(account);
    }

    /// Takes back a thread that `user` has had for so many nanoseconds.
    fn give_back(&mut self, at: usize, length: Length, user: &dyn User, nanos: u64) {
        self.free.push(at);
        if length == Length::Long {
            self.busy_long -= 1;
        }
        let account = user.line();
        user.held().fetch_add(user.weighted(nanos), Ordering::Relaxed);
        if let Some(line) = self.accounts.get_mut(&account) {
            line.busy -= 1;
        }
        self.settle(account);
    }

    /// Gives the account the place that it is due, or takes it away.
    fn settle(&mut self, account: usize) {
        let Some(line) = self.accounts.get_mut(&account) else { return };
        let first = line.waiting.front().filter(|_| line.busy < MOST_OF_ONE);
        match (line.place, first) {
            (None, Some(first)) => {
                let held = first.user.held();
                let had = held.load(Ordering::Relaxed).max(self.least);
                held.store(had, Ordering::Relaxed);
                let hurries = first.user.hurries();
                let is_long = !hurries && first.user.usual().load(Ordering::Relaxed) > LONG;
                let length = if is_long { Length::Long } else { Length::Short };
                let rank = (if hurries { 0 } else { had }, self.next);
                self.next += 1;
                line.place = Some((length, rank));
                self.orders[length as usize].insert(rank, account);
            }
            (Some((length, rank)), None) => {
                line.place = None;
                self.orders[length as usize].remove(&rank);
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        if line.busy == 0 && line.waiting.is_empty() {
            self.accounts.remove(&account);
        }
    }

    /// Gives the account the place that it is due now, if it waits.
    fn place_anew(&mut self, account: usize) {
        if let Some(line) = self.accounts.get_mut(&account)
            && let Some((length, rank)) = line.place.take()
        {
            self.orders[length as usize].remove(&rank);
        }
        self.settle(account);
    }

    /// Takes out the account that comes first, of those whose calls may have a thread now.
    fn pop_first(&mut self) -> Option<(Length, Rank, usize)> {
        let first = |length: Length| {
            let (rank, _) = self.orders[length as usize].first_key_value()?;
            Some((*rank, length))
        };
        let long = (self.busy_long < self.most_long).then_some(Length::Long);
        let firsts = [Some(Length::Short), long].into_iter().flatten().filter_map(first);
        let (_, length) = firsts.min_by_key(|(rank, _)| *rank)?;
        let (rank, account) = self.orders[length as usize].pop_first()?;
        Some((length, rank, account))
    }

    /// Gives the free threads to those that come first. Returns who is to be woken.
    fn give(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while !self.free.is_empty()
            && let Some((length, (held, _), account)) = self.pop_first()
        {
            self.least = self.least.max(held);
            let Some(line) = self.accounts.get_mut(&account) else { continue };
            line.place = None;
            if let Some(ticket) = line.waiting.pop_front() {
                let mut state = ticket.state.lock();
                if let State::Waiting(waker) = &mut *state
                    && let Some(at) = self.free.pop()
                {
                    wakers.extend(waker.take());
                    *state = State::Given(at, length);
                    line.busy += 1;
                    if length == Length::Long {
                        self.busy_long += 1;
                    }
                }
            }
            self.settle(account);
        }
        wakers
    }
}

/// A call that waits, until its thread is taken or nobody waits any more.
struct Waiting<'a> {
    threads: &'a Arc<FileThreads>,
    ticket: Arc<Ticket>,
}

impl Waiting<'_> {
    fn poll(&mut self, context: &Context<'_>) -> Poll<(usize, Length)> {
        let mut state = self.ticket.state.lock();
        match &mut *state {
            State::Given(at, length) => {
                let given = (*at, *length);
                *state = State::Over;
                Poll::Ready(given)
            }
            State::Waiting(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            State::Over => Poll::Pending,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.ticket.state.lock(), State::Over);
        match state {
            State::Over => {}
            State::Waiting(_) => self.threads.change(|lines| lines.leave(&self.ticket)),
            State::Given(at, length) => {
                self.threads.change(|lines| lines.give_back(at, length, &*self.ticket.user, 0));
            }
        }
    }
}

impl Taken {
    /// Runs a call whose blocking work goes to this thread. If the call is dropped, the thread is free once it has
    /// done what was begun on it.
    pub async fn run<T>(self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        let mut held = Held(Some(self));
        poll_fn(|context| {
            let Some(taken) = &mut held.0 else { return Poll::Pending };
            let entered = taken.handle().enter();
            let polled = call.as_mut().poll(context);
            drop(entered);
            if polled.is_ready() {
                held.0 = None;
            } else {
                taken.has_worked = true;
            }
            polled
        })
        .await
    }

    fn handle(&self) -> &Handle {
        let thread = &self.threads.threads[self.at];
        thread.handle.get_or_init(|| thread.start())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.has_worked {
            let spent = self.threads.threads[self.at].uncharged.lock().take();
            self.user.charge(spent);
            let usual = self.user.usual();
            let had = usual.load(Ordering::Relaxed);
            usual.store(had - had / USUAL_PART + spent / USUAL_PART, Ordering::Relaxed);
        }
        let had = nanos().saturating_sub(self.since);
        self.threads.change(|lines| lines.give_back(self.at, self.length, &*self.user, had));
    }
}

/// A thread whose call goes on.
struct Held(Option<Taken>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(taken) = self.0.take()
            && taken.has_worked
        {
            taken.user.charge_anywhere();
            let handle = taken.handle().clone();
            // The thread does one thing after the other.
            drop(handle.spawn_blocking(move || drop(taken)));
        }
    }
}

impl Thread {
    fn start(&self) -> Handle {
        let uncharged = self.uncharged.clone();
        let built = Builder::new_current_thread()
            .max_blocking_threads(1)
            .thread_name("caxton-files")
            .on_thread_start(move || {
                stand_back(NICE);
                uncharged.lock().begin();
            })
            .build();
        match built {
            Ok(runtime) => {
                let handle = runtime.handle().clone();
                *self.runtime.lock() = Some(runtime);
                handle
            }
            // It has no driver that could fail; where it did, the threads of the workers' own runtime are left.
            Err(_) => Handle::current(),
        }
    }
}

/// A thread's processor time that is still to be charged.
#[derive(Default)]
struct Uncharged {
    clock: Option<ThreadClock>,
    /// Nanoseconds that have been charged.
    charged: u64,
}

impl Uncharged {
    /// Begins to measure the calling thread.
    fn begin(&mut self) {
        *self = Uncharged { clock: ThreadClock::of_this_thread(), charged: 0 };
    }

    /// Returns the nanoseconds since the last call; 0 where the thread has ended or the system does not say.
    fn take(&mut self) -> u64 {
        let Some(now) = self.clock.and_then(ThreadClock::nanos) else { return 0 };
        now.saturating_sub(std::mem::replace(&mut self.charged, now))
    }
}

#[cfg(test)]
mod tests;
