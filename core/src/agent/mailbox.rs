//! The mailbox: bounded by count and bytes, in order, with the run token of its agent.
//!
//! The thread that moves an agent out of the idle state holds its run token. Queue and token are under one
//! lock, so that no message can arrive unseen between a look at the queue and the release of the token.

use std::sync::Arc;
use std::task::Waker;

use parking_lot::Mutex;

use super::Alarm;
use super::letter::{Kind, Letter};
use super::queue::{Gone, Inner, Order, Phase, Refusal};
use super::room::Waiter;
use crate::limits::Limits;
use crate::runtime::Unwritten;
use crate::store::Serial;

/// Room above the capacity that only failures of the host may take.
const FAILURE_LANE: usize = 64;

pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    max_messages: usize,
    max_bytes: usize,
}

/// The result of [`Mailbox::claim`].
pub(crate) enum Claim {
    /// The agent was idle: the caller holds the run token, and runs the turn.
    Run(Letter),
    /// The message waits; the agent has to be scheduled if `wake` says so.
    Queued { wake: bool },
    /// There is no room, or the agent takes no messages.
    Refused(Letter),
}

/// The place of the run token after its holder has ended its row of turns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// There is more to do: the scheduler holds it.
    Queued,
    /// Nobody holds it.
    Idle,
    /// Nobody holds it, and nothing is taken out until the agent is resumed.
    Paused,
}

/// The next task for the holder of the run token.
pub(crate) enum Next {
    Init,
    Message(Letter),
    Timer(u32),
    Order(Order),
    Shutdown,
    Nothing,
}

/// The outcome for letters that waited for the store.
#[derive(Default)]
pub(crate) struct Settled {
    /// True if the agent has to be scheduled.
    pub wake: bool,
    /// Letters that are on disk, but whose receiver takes none any more.
    pub refused: Option<(Refusal, Vec<Letter>)>,
}

impl Mailbox {
    /// Returns an empty mailbox of a member whose unwritten turns `unwritten` counts.
    pub fn new(limits: &Limits, unwritten: Unwritten) -> Self {
        Mailbox {
            inner: Mutex::new(Inner { unwritten, ..Inner::default() }),
            max_messages: limits.mailbox_capacity as usize,
            max_bytes: usize::try_from(limits.mailbox_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Puts a letter in. Returns true if the agent has to be scheduled. If the letter is refused, the error
    /// has it.
    pub fn push(&self, letter: Letter) -> Result<bool, (Refusal, Letter)> {
        let mut inner = self.inner.lock();
        match self.refusal(&inner, &letter) {
            Some(refusal) => Err((refusal, letter)),
            None => Ok(inner.push(letter)),
        }
    }

    /// Puts a letter in, or hands the letter and the run token to the caller if the agent is idle.
    pub fn claim(&self, letter: Letter) -> Claim {
        let mut inner = self.inner.lock();
        if self.refusal(&inner, &letter).is_some() {
            return Claim::Refused(letter);
        }
        if inner.phase == Phase::Idle
            && inner.line.is_empty()
            && !inner.pending.holds_back(&letter)
            && !inner.unwritten.is_behind()
            && !inner.ready()
            && !inner.paused
            && !inner.delayed
        {
            inner.phase = Phase::Running;
            return Claim::Run(inner.line.place(letter));
        }
        Claim::Queued { wake: inner.push(letter) }
    }

    /// Gives a claimed letter back, with the run token. Returns true if the agent has to be scheduled.
    pub fn give_back(&self, letter: Letter) -> bool {
        let mut inner = self.inner.lock();
        inner.line.put_back(letter);
        inner.phase = Phase::Idle;
        inner.schedule()
    }

    /// Puts a letter in as soon as there is room, after those that wait already. Returns true if the agent
    /// has to be scheduled.
    pub fn wait(&self, waiter: &Arc<Waiter>) -> Result<bool, Refusal> {
        let mut inner = self.inner.lock();
        let Some(letter) = waiter.take() else {
            return Ok(false);
        };
        match self.refusal(&inner, &letter) {
            None => {
                waiter.finish(Ok(()));
                Ok(inner.push(letter))
            }
            Some(Refusal::Full) => {
                waiter.put(letter);
                inner.waiters.push_back(waiter.clone());
                Ok(false)
            }
            Some(refusal) => Err(refusal),
        }
    }

    /// Keeps room for a message of `charge` bytes until the turn of agent `holder` ends. One agent
    /// may hold an eighth of the mailbox.
    pub fn reserve(&self, charge: usize, holder: u64, sender: &str) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if let Some(refusal) = self.refusal_for(&inner, charge, Kind::Direct) {
            return Err(refusal);
        }
        let share = (self.max_messages / 8).max(1);
        let held = inner.reserved.of(holder);
        // Only a line that could hold the share has to be counted.
        if inner.line.len() + held >= share && inner.line.count_of(sender) + held >= share {
            return Err(Refusal::Full);
        }
        inner.reserved.add(charge, holder);
        Ok(())
    }

    /// Puts a letter into room that was kept. Returns true if the agent has to be scheduled.
    pub(super) fn fill(&self, letter: Letter, holder: u64) -> Result<bool, (Refusal, Letter)> {
        let mut inner = self.inner.lock();
        inner.reserved.end(letter.message.charge(), holder);
        match inner.gone {
            None => Ok(inner.push(letter)),
            Some(Gone::Failed) => Err((Refusal::Failed, letter)),
            Some(Gone::Removed) => Err((Refusal::Removed, letter)),
        }
    }

    /// Gives back room that [`Mailbox::reserve`] kept. Returns true if the agent has to be scheduled, since
    /// scripts waited for the room.
    pub(super) fn release(&self, charge: usize, holder: u64) -> bool {
        let mut inner = self.inner.lock();
        inner.reserved.end(charge, holder);
        let admitted = self.admit(&mut inner);
        let wake = !inner.line.is_empty() && inner.schedule();
        drop(inner);
        wake_all(admitted);
        wake
    }

    /// Removes a script that does not wait for room any more, and lets in those behind it. Returns true if
    /// the agent has to be scheduled.
    pub fn forget(&self, waiter: &Arc<Waiter>) -> bool {
        let mut inner = self.inner.lock();
        if waiter.take().is_none() {
            return false;
        }
        inner.waiters.retain(|other| !Arc::ptr_eq(other, waiter));
        let admitted = self.admit(&mut inner);
        let wake = !inner.line.is_empty() && inner.schedule();
        drop(inner);
        wake_all(admitted);
        wake
    }

    /// Removes the letter of an ask that nobody waits for any more. Returns false if it was not here.
    pub fn withdraw(&self, message_id: &str) -> bool {
        let mut inner = self.inner.lock();
        let found = inner.line.withdraw(message_id);
        let found = found.or_else(|| inner.pending.withdraw(message_id));
        let admitted = self.admit(&mut inner);
        drop(inner);
        wake_all(admitted);
        found.is_some()
    }

    /// Asks for an init turn. Returns true if the agent has to be scheduled.
    pub fn request_init(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.init = true;
        inner.schedule()
    }

    /// Ends the agent: no message is taken from now on, and its last turn is its shutdown. Returns the
    /// letters that waited, and true if the agent has to be scheduled.
    pub fn request_shutdown(&self) -> (Vec<Letter>, bool) {
        let mut inner = self.inner.lock();
        inner.shutdown = true;
        let (waiting, wakers) = inner.end(Gone::Removed);
        // Dropping an order tells the caller that waits for it.
        let orders = std::mem::take(&mut inner.orders);
        let wake = inner.schedule();
        drop(inner);
        drop(orders);
        wake_all(wakers);
        (waiting, wake)
    }

    /// Takes no message from now on. Returns the letters that waited.
    pub fn fail(&self) -> Vec<Letter> {
        let (waiting, wakers) = self.inner.lock().end(Gone::Failed);
        wake_all(wakers);
        waiting
    }

    /// Notes that a thread runs the agent from now on.
    pub fn begin_slice(&self) {
        self.inner.lock().phase = Phase::Running;
    }

    /// Returns the next task for the holder of the run token. Without an instance an init comes first.
    pub fn next(&self, has_instance: bool) -> Next {
        let mut inner = self.inner.lock();
        if inner.shutdown {
            inner.shutdown = false;
            return Next::Shutdown;
        }
        if let Some(order) = inner.orders.pop_front() {
            return Next::Order(order);
        }
        if !inner.ready() {
            return Next::Nothing;
        }
        if inner.init || !has_instance {
            inner.init = false;
            return Next::Init;
        }
        // Timers and messages alternate, so that neither can shut the other out.
        if (!inner.rang_last || inner.line.is_empty())
            && let Some(id) = inner.due.pop()
        {
            inner.rang_last = true;
            return Next::Timer(id);
        }
        inner.rang_last = false;
        let Some(letter) = inner.line.pop() else {
            return Next::Nothing;
        };
        let admitted = self.admit(&mut inner);
        drop(inner);
        wake_all(admitted);
        Next::Message(letter)
    }

    /// Gives the run token to the scheduler if there is more to do, and else gives it back.
    pub fn requeue_or_rest(&self) -> Rest {
        let mut inner = self.inner.lock();
        inner.phase = Phase::Idle;
        match inner.schedule() {
            true => Rest::Queued,
            false if inner.paused => Rest::Paused,
            false => Rest::Idle,
        }
    }

    /// Notes that a timer of the agent is due, or its delay is over. Returns true if the agent has to be
    /// scheduled.
    pub fn ring(&self, alarm: Alarm) -> bool {
        let mut inner = self.inner.lock();
        if inner.gone.is_some() {
            return false;
        }
        match alarm {
            Alarm::Restart => inner.delayed = false,
            Alarm::Timer(id) => inner.due.push(id),
        }
        inner.schedule()
    }

    /// Removes a timer that is due and has not been handled.
    pub fn forget_timer(&self, id: u32) {
        self.inner.lock().due.forget(id);
    }

    /// Lets in the letters of commits of the queue `of` that are on disk, and drops those of commits that
    /// have failed.
    pub fn settle(&self, of: Serial) -> Settled {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let refused = match inner.check_here() {
            Ok(()) => {
                inner.pending.settle(of, |letter| inner.line.push(letter));
                None
            }
            Err(gone) => {
                let mut settled = Vec::new();
                inner.pending.settle(of, |letter| settled.push(letter));
                (!settled.is_empty()).then_some((gone, settled))
            }
        };
        let admitted = self.admit(inner);
        let wake = inner.schedule();
        drop(guard);
        wake_all(admitted);
        Settled { wake, refused }
    }

    /// Returns true if the agent has to be scheduled for work that waits.
    pub fn look_again(&self) -> bool {
        self.inner.lock().schedule()
    }

    /// Counts a turn of `bytes` that was handed to the store.
    pub fn turn_unwritten(&self, bytes: usize) {
        self.inner.lock().unwritten.begin(bytes);
    }

    /// Subtracts a turn of `bytes` that the store has written or failed. Returns true if the agent has to be
    /// scheduled.
    pub fn turn_settled(&self, bytes: usize) -> bool {
        let mut inner = self.inner.lock();
        inner.unwritten.end(bytes);
        inner.schedule()
    }

    /// Returns true if turns wait for the store.
    pub fn has_unwritten(&self) -> bool {
        !self.inner.lock().unwritten.is_empty()
    }

    /// Gives the run token back, even if there is more to do.
    pub fn rest(&self) {
        self.inner.lock().phase = Phase::Idle;
    }

    /// Puts in a letter that the store has kept, even if there is no room.
    pub fn restore(&self, letter: Letter) {
        self.inner.lock().enter(letter);
    }

    /// Puts letters that were handled in vain back where they stood, and takes no turn until
    /// [`Alarm::Restart`] rings. If the agent takes no messages any more, the error has the letters.
    pub fn put_back(&self, letters: Vec<Letter>) -> Result<(), (Refusal, Vec<Letter>)> {
        let mut inner = self.inner.lock();
        if let Err(gone) = inner.check_here() {
            return Err((gone, letters));
        }
        inner.delayed = true;
        for letter in letters {
            inner.line.put_back(letter);
        }
        Ok(())
    }

    /// Takes no turn until [`Alarm::Restart`] rings.
    pub fn delay(&self) {
        self.inner.lock().delayed = true;
    }

    /// Gives an order that is done between two turns. Returns true if the agent has to be scheduled. If the
    /// agent is gone for good, the error has the order.
    pub fn order(&self, order: Order) -> Result<bool, Order> {
        let mut inner = self.inner.lock();
        if inner.gone == Some(Gone::Removed) {
            return Err(order);
        }
        inner.orders.push_back(order);
        Ok(inner.schedule())
    }

    /// Suspends the agent: no messages and timers are taken out until [`Mailbox::resume`].
    pub fn pause(&self) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        inner.check_here()?;
        inner.paused = true;
        Ok(())
    }

    /// Resumes the agent. Returns true if it has to be scheduled.
    pub fn resume(&self) -> Result<bool, Refusal> {
        let mut inner = self.inner.lock();
        inner.check_here()?;
        inner.paused = false;
        Ok(inner.schedule())
    }

    pub fn is_paused(&self) -> bool {
        self.inner.lock().paused
    }

    /// Returns true if nobody holds the run token.
    pub fn is_idle(&self) -> bool {
        self.inner.lock().phase == Phase::Idle
    }

    /// Returns true if the agent is suspended and no turn is in progress. It may still be queued in the
    /// scheduler; when it gets a worker, it does nothing.
    pub fn rests(&self) -> bool {
        let inner = self.inner.lock();
        match inner.phase {
            Phase::Idle => true,
            Phase::Queued => inner.paused && inner.orders.is_empty() && !inner.shutdown,
            _ => false,
        }
    }

    /// Takes messages again after a failure.
    pub fn revive(&self) {
        let mut inner = self.inner.lock();
        inner.delayed = false;
        if inner.gone == Some(Gone::Failed) {
            inner.gone = None;
        }
    }

    /// Makes an init the next turn of an agent whose run token the caller holds.
    pub fn init_next(&self) {
        self.inner.lock().init = true;
    }

    /// Hands the run token to the scheduler in the middle of a turn, whose slice has ended.
    pub fn preempt(&self) {
        self.inner.lock().phase = Phase::Halfway;
    }

    /// Notes that the turn waits in a host call. Returns true if the event that it waits for has come
    /// already.
    pub fn suspend(&self) -> bool {
        let mut inner = self.inner.lock();
        let woken = inner.phase == Phase::Notified;
        inner.phase = if woken { Phase::Halfway } else { Phase::Waiting };
        woken
    }

    /// Notes that the event that a turn waits for has come. Returns true if the agent has to be scheduled.
    pub fn wake(&self) -> bool {
        let mut inner = self.inner.lock();
        match inner.phase {
            Phase::Waiting => {
                inner.phase = Phase::Halfway;
                true
            }
            Phase::Running => {
                inner.phase = Phase::Notified;
                false
            }
            Phase::Idle | Phase::Queued | Phase::Halfway | Phase::Notified => false,
        }
    }

    /// Returns the number of messages that can be handled.
    pub fn waiting(&self) -> usize {
        self.inner.lock().line.len()
    }

    /// Returns true if nobody holds the run token and no message can be handled.
    pub fn is_at_rest(&self) -> bool {
        let inner = self.inner.lock();
        inner.phase == Phase::Idle && inner.line.is_empty()
    }

    /// Returns the number of messages that wait, including those that wait for the store.
    pub fn len(&self) -> usize {
        let inner = self.inner.lock();
        inner.line.len() + inner.pending.len()
    }

    fn refusal(&self, inner: &Inner, letter: &Letter) -> Option<Refusal> {
        if letter.kind == Kind::Direct && !inner.waiters.is_empty() && inner.gone.is_none() {
            // Waiting scripts are served first, in the order in which they came, which keeps the order of
            // each sender.
            return Some(Refusal::Full);
        }
        self.refusal_for(inner, letter.message.charge(), letter.kind)
    }

    fn refusal_for(&self, inner: &Inner, charge: usize, kind: Kind) -> Option<Refusal> {
        if let Err(gone) = inner.check_here() {
            return Some(gone);
        }
        let messages = inner.line.len() + inner.pending.len() + inner.reserved.len();
        let bytes = inner.line.bytes() + inner.pending.bytes() + inner.reserved.bytes() + charge;
        let fits = match kind {
            Kind::Failure => messages < self.max_messages + FAILURE_LANE,
            // An empty mailbox takes any message that its sender was allowed to make.
            Kind::Direct | Kind::Copy => {
                messages < self.max_messages && (bytes <= self.max_bytes || messages == 0)
            }
        };
        (!fits).then_some(Refusal::Full)
    }

    /// Lets waiting scripts in as far as there is room.
    fn admit(&self, inner: &mut Inner) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some(waiter) = inner.waiters.front().cloned() {
            if let Some(letter) = waiter.take() {
                if self.refusal_for(inner, letter.message.charge(), letter.kind).is_some() {
                    waiter.put(letter);
                    break;
                }
                inner.enter(letter);
                wakers.extend(waiter.finish(Ok(())));
            }
            inner.waiters.pop_front();
        }
        wakers
    }
}

pub(super) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
