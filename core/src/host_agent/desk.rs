//! A desk: the mailbox of a host agent, and the tasks that are being handled.
//!
//! The workers run desks as they run agents, each on an account. A desk of `ams` or `df` is charged to the
//! account of the one whose messages it takes.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::HostAgent;
use super::task::Task;
use crate::agent::{Face, Lane, Letter, Mailbox, Next, Refusal, Rest, Waiter};
use crate::lent::Chore;
use crate::limits::Limits;
use crate::runtime::{Core, Post, Posting, Ready, Unwritten};
use crate::scheduler::{CpuAccount, Pace};
use crate::source::nanos;
use crate::store::Serial;

/// Messages that one desk may begin in a row before others are looked at.
const TASKS_IN_A_ROW: u32 = 32;
/// The time after which no further message is begun in a row, in nanoseconds.
const ROW_TIME: u64 = 1_000_000;

pub(crate) struct Desk {
    pub mailbox: Mailbox,
    core: Arc<Core>,
    /// Whose messages it takes, where it does not take everybody's.
    pub sender: Serial,
    host: Weak<HostAgent>,
    pace: Pace,
    /// The agent that is charged for it, where it is not the host agent itself.
    payer: Option<Arc<Face>>,
    flight: Mutex<Flight>,
    /// Messages that were taken out of the mailbox so far, and of those that were given to a handler.
    taken: AtomicU64,
    handled: AtomicU64,
    /// What comes once so many are handled.
    afters: Mutex<Vec<(u64, After)>>,
    has_afters: AtomicBool,
}

/// Something that is done once a desk is through with what waited for it.
pub(crate) type After = Box<dyn FnOnce() + Send>;

/// How a desk stands after a look at its mailbox.
#[derive(PartialEq, Eq)]
pub(super) enum Handed {
    /// A task was given out, and there may be more.
    One,
    /// Nothing waits.
    Nothing,
    /// There is no room in flight: who ends a task holds the run token from now on.
    Parked,
}

#[derive(Default)]
struct Flight {
    /// The tasks that are being handled.
    tasks: HashMap<u64, Letter>,
    /// Nobody runs the desk since there is no room in flight; who ends a task goes on.
    parked: bool,
}

impl Desk {
    /// A desk with a mailbox of these limits, which is charged to an account, and to an agent's figures.
    pub fn new(
        host: Weak<HostAgent>,
        core: &Arc<Core>,
        sender: Serial,
        limits: &Limits,
        account: Arc<CpuAccount>,
        payer: Option<Arc<Face>>,
    ) -> Arc<Self> {
        let longest_slice = Duration::from_micros(limits.max_cpu_micros);
        Arc::new(Desk {
            mailbox: Mailbox::new(limits, Unwritten::of_host(core.journal.as_ref())),
            core: core.clone(),
            sender,
            host,
            pace: Pace::new(account, core.scheduler.board().clone(), longest_slice),
            payer,
            flight: Mutex::default(),
            taken: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            afters: Mutex::default(),
            has_afters: AtomicBool::new(false),
        })
    }

    /// The account that its time is charged to.
    pub fn account(&self) -> &Arc<CpuAccount> {
        self.pace.account()
    }

    /// Has the workers run it; the caller hands over the run token.
    pub fn schedule(self: &Arc<Self>, lane: Lane<'_>) {
        self.core.scheduler.push(Ready::Desk(self.clone()), lane);
    }

    /// Puts the letter of a script in as soon as there is room.
    pub fn wait(self: &Arc<Self>, waiter: &Arc<Waiter>) -> Result<(), Refusal> {
        if self.mailbox.wait(waiter)? {
            self.schedule(Lane::outside());
        }
        Ok(())
    }

    /// Takes a script out that waits for room no longer.
    pub fn forget(self: &Arc<Self>, waiter: &Arc<Waiter>) {
        if self.mailbox.forget(waiter) {
            self.schedule(Lane::outside());
        }
    }

    /// Begins what can begin.
    pub fn begin(self: &Arc<Self>) {
        if self.mailbox.look_again() {
            self.schedule(Lane::outside());
        }
    }

    /// The store is through with what ended a task, of so many bytes.
    pub fn turn_settled(self: &Arc<Self>, bytes: usize) {
        if self.mailbox.turn_settled(bytes) {
            self.schedule(Lane::outside());
        }
    }

    /// The message of a task that is being handled.
    pub fn letter_of(&self, key: u64) -> Option<Letter> {
        self.flight.lock().tasks.get(&key).cloned()
    }

    /// Returns true if a handler is at the task with this number.
    pub fn handles(&self, key: u64) -> bool {
        self.flight.lock().tasks.contains_key(&key)
    }

    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Runs a slice on a worker.
    pub fn run(self: Arc<Self>, lane: Lane<'_>) {
        self.mailbox.begin_slice();
        self.contain(lane, |host| self.hand_out(host, lane, TASKS_IN_A_ROW));
    }

    /// Handles all that waits, in the time of whoever is at it; the caller holds the run token.
    pub fn serve(self: &Arc<Self>, lane: Lane<'_>) {
        self.mailbox.begin_slice();
        self.contain(lane, |host| {
            loop {
                match self.hand_out_one(host) {
                    Handed::One => {}
                    other => return other,
                }
            }
        });
    }

    /// Takes no more messages; what waited.
    pub fn end(&self) -> Vec<Letter> {
        let waiting = self.mailbox.request_shutdown().0;
        self.do_afters(u64::MAX);
        waiting
    }

    /// Does something once all is handled that waits now.
    pub fn once_served(&self, then: After) {
        // One that is taken out between the two looks counts twice, and whoever runs the desk does all that is
        // left when nothing waits any more.
        let waiting = self.mailbox.waiting() as u64;
        let until = self.taken.load(Ordering::SeqCst) + waiting;
        self.afters.lock().push((until, then));
        self.has_afters.store(true, Ordering::SeqCst);
        if self.mailbox.is_at_rest() {
            self.do_afters(u64::MAX);
        } else {
            self.do_afters(self.handled.load(Ordering::SeqCst));
        }
    }

    /// Does what was to come once so many are handled.
    fn do_afters(&self, handled: u64) {
        if !self.has_afters.load(Ordering::SeqCst) {
            return;
        }
        let due: Vec<(u64, After)> = {
            let mut afters = self.afters.lock();
            let due = afters.extract_if(.., |(until, _)| *until <= handled).collect();
            self.has_afters.store(!afters.is_empty(), Ordering::SeqCst);
            due
        };
        for (_, then) in due {
            then();
        }
    }

    /// A panic around a task is a defect of ours. It ends the desk's mail, not the thread.
    fn contain(self: &Arc<Self>, lane: Lane<'_>, work: impl FnOnce(&Arc<HostAgent>) -> Handed) {
        let run = || match self.host.upgrade().filter(|host| host.is_registered()) {
            Some(host) => {
                if work(&host) == Handed::Parked {
                    return;
                }
                if self.mailbox.requeue_or_rest() == Rest::Queued {
                    return self.schedule(lane);
                }
                self.do_afters(u64::MAX);
                host.leave_desk(self);
            }
            None => self.mailbox.rest(),
        };
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            tracing::error!("the runtime itself failed; a host agent takes no more messages");
            for letter in self.mailbox.fail() {
                self.core.keep_dead(letter.message, "the runtime itself failed", Post::outside());
            }
        }
    }

    /// Gives out tasks as long as there are messages, and nobody who comes first.
    fn hand_out(self: &Arc<Self>, host: &Arc<HostAgent>, lane: Lane<'_>, most: u32) -> Handed {
        let scheduler = &self.core.scheduler;
        let began = lane.begin();
        let mut now = began;
        for tasks in 1.. {
            match self.hand_out_one(host) {
                Handed::One => {}
                other => return other,
            }
            let ended = lane.end();
            if let Some(payer) = &self.payer {
                payer.counters.served(ended.saturating_sub(now));
            }
            now = ended;
            self.pace.end_turn(now, false);
            let is_over = tasks >= most || now - began > ROW_TIME;
            if is_over || !scheduler.goes_on(&self.pace, lane) {
                break;
            }
            // The next task may be a long one: what this one made ready is not to wait for it.
            scheduler.share(lane);
        }
        match host.registered() {
            Some(registered) if self.parks(registered.concurrency) => Handed::Parked,
            _ => Handed::One,
        }
    }

    /// Leaves the run token to who ends a task, if that many are in flight.
    fn parks(&self, most: usize) -> bool {
        let mut flight = self.flight.lock();
        flight.parked = flight.tasks.len() >= most;
        flight.parked
    }

    /// Gives out the next task where one has ended: on this thread, which is often the one that handles it next,
    /// where that keeps nobody waiting.
    fn go_on(self: &Arc<Self>) {
        thread_local! {
            /// A handler that ends tasks of others gives out none of theirs below its own.
            static GOES_ON: Cell<bool> = const { Cell::new(false) };
        }
        if self.pace.may_run_on_caller() && !GOES_ON.replace(true) {
            self.clone().help();
            GOES_ON.set(false);
        } else {
            self.mailbox.preempt();
            self.schedule(Lane::outside());
        }
    }

    /// Gives out the next task, if there is a message, and room in flight.
    pub(super) fn hand_out_one(self: &Arc<Self>, host: &Arc<HostAgent>) -> Handed {
        let Some(registered) = host.registered() else { return Handed::Nothing };
        if self.parks(registered.concurrency) {
            return Handed::Parked;
        }
        self.taken.fetch_add(1, Ordering::SeqCst);
        let Next::Message(letter) = self.mailbox.next(true) else {
            self.taken.fetch_sub(1, Ordering::SeqCst);
            return Handed::Nothing;
        };
        let key = host.next_key();
        self.flight.lock().tasks.insert(key, letter.clone());
        let handler = registered.handler_of(&letter.message);
        let task = Task::new(letter, key, host.clone(), self.clone());
        match handler {
            // A panic fails the one message, by dropping its task.
            Some(handler) => {
                let handling = AssertUnwindSafe(|| handler.handle(task));
                if catch_unwind(handling).is_err() {
                    tracing::error!(agent = %host.name, "a handler panicked");
                }
            }
            None => task.finish_unhandled(),
        }
        let handled = self.handled.fetch_add(1, Ordering::SeqCst) + 1;
        self.do_afters(handled);
        Handed::One
    }

    /// Ends a task with `work`: what that changes and sends is in one commit with its message.
    pub fn settle(
        self: &Arc<Self>,
        host: &Arc<HostAgent>,
        key: u64,
        letter: &Letter,
        work: impl FnOnce(Post<'_>),
    ) {
        if self.core.journal.is_some() {
            // The message has been dealt with when its answer is on disk, not before.
            let queue = host.queue_of(letter);
            let posting = Posting::of(queue);
            let post = Post { posting: Some(&posting), ..Post::outside() };
            letter.end(post);
            work(post);
            host.has_handled(letter, post);
            let (commit, mut parts) = posting.finish();
            parts.desk = (queue == host.serial).then(|| self.clone());
            self.core.submit(commit, parts);
        } else {
            work(Post::outside());
            host.has_handled(letter, Post::outside());
        }
        let (ended, resumes) = {
            let mut flight = self.flight.lock();
            (flight.tasks.remove(&key), std::mem::take(&mut flight.parked))
        };
        // It may be the last of its ask, and of what waits for that: not under the lock.
        drop(ended);
        if resumes {
            self.go_on();
        }
    }
}

/// A desk that a thread is left with which lends itself: it hands out one task, or a few short ones.
impl Chore for Desk {
    fn help(self: Arc<Self>) {
        self.mailbox.begin_slice();
        self.pace.begin_on_caller(nanos());
        self.contain(Lane::outside(), |host| self.hand_out(host, Lane::outside(), 1));
    }

    fn hand_over(self: Arc<Self>) {
        self.core.scheduler.inject(Ready::Desk(self.clone()));
    }

    fn blocks(&self) -> bool {
        false
    }
}
