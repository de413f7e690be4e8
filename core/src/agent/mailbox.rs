//! The mailbox: bounded by count and bytes, in order, with the run token of its agent.
//!
//! Who moves an agent from idle holds its run token. Queue and token are under one lock, so that no
//! message can arrive unseen between a look into the queue and the token's release.

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

/// What a mailbox did with a message that somebody wants handled at once.
pub(crate) enum Claim {
    /// The agent was idle: the caller holds the run token, and runs the turn.
    Run(Letter),
    /// The message waits; the agent has to be scheduled if `wake` says so.
    Queued { wake: bool },
    /// There is no room, or the agent takes no messages.
    Refused(Letter),
}

/// What becomes of a run token whose holder has come to the end of its row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// There is more to do: the scheduler has it.
    Queued,
    /// Nobody has it.
    Idle,
    /// Nobody has it, and nothing is taken out until the agent is resumed.
    Paused,
}

/// What the holder of the run token does next.
pub(crate) enum Next {
    Init,
    Message(Letter),
    Timer(u32),
    Order(Order),
    Shutdown,
    Nothing,
}

/// What has come of letters that waited for the store.
#[derive(Default)]
pub(crate) struct Settled {
    /// The agent has to be scheduled.
    pub wake: bool,
    /// Letters that are on disk, of somebody who takes none any more.
    pub refused: Option<(Refusal, Vec<Letter>)>,
}

impl Mailbox {
    /// An empty mailbox of somebody whose turns wait for the store as `unwritten` says.
    pub fn new(limits: &Limits, unwritten: Unwritten) -> Self {
        Mailbox {
            inner: Mutex::new(Inner { unwritten, ..Inner::default() }),
            max_messages: limits.mailbox_capacity as usize,
            max_bytes: usize::try_from(limits.mailbox_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Puts a letter in; whether the agent has to be scheduled.
    pub fn push(&self, letter: Letter) -> Result<bool, (Refusal, Letter)> {
        let mut inner = self.inner.lock();
        match self.refusal(&inner, &letter) {
            Some(refusal) => Err((refusal, letter)),
            None => Ok(inner.push(letter)),
        }
    }

    /// Puts a letter in, or hands it and the run token to the caller where the agent is idle.
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

    /// Gives a claimed letter back, with the run token; whether the agent has to be scheduled.
    pub fn give_back(&self, letter: Letter) -> bool {
        let mut inner = self.inner.lock();
        inner.line.put_back(letter);
        inner.phase = Phase::Idle;
        inner.schedule()
    }

    /// Puts a letter in as soon as there is room, behind those that wait already.
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

    /// Puts a letter into room that was kept; whether the agent has to be scheduled.
    pub(super) fn fill(&self, letter: Letter, holder: u64) -> Result<bool, (Refusal, Letter)> {
        let mut inner = self.inner.lock();
        inner.reserved.end(letter.message.charge(), holder);
        match inner.gone {
            None => Ok(inner.push(letter)),
            Some(Gone::Failed) => Err((Refusal::Failed, letter)),
            Some(Gone::Removed) => Err((Refusal::Removed, letter)),
        }
    }

    /// Gives back what [`Mailbox::reserve`] kept; whether the agent has to be scheduled, for
    /// scripts that waited for the room.
    pub(super) fn release(&self, charge: usize, holder: u64) -> bool {
        let mut inner = self.inner.lock();
        inner.reserved.end(charge, holder);
        let admitted = self.admit(&mut inner);
        let wake = !inner.line.is_empty() && inner.schedule();
        drop(inner);
        wake_all(admitted);
        wake
    }

    /// Takes a script out that waits for room no longer, and lets those behind it in. Whether the
    /// agent has to be scheduled.
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

    /// Takes the letter of an ask out that nobody waits for any more; whether it was still here.
    pub fn withdraw(&self, message_id: &str) -> bool {
        let mut inner = self.inner.lock();
        let found = inner.line.withdraw(message_id);
        let found = found.or_else(|| inner.pending.withdraw(message_id));
        let admitted = self.admit(&mut inner);
        drop(inner);
        wake_all(admitted);
        found.is_some()
    }

    /// Asks for an init turn; whether the agent has to be scheduled.
    pub fn request_init(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.init = true;
        inner.schedule()
    }

    /// Ends the agent: no message is taken from now on, and its last turn is its shutdown. What
    /// waited, and whether the agent has to be scheduled.
    pub fn request_shutdown(&self) -> (Vec<Letter>, bool) {
        let mut inner = self.inner.lock();
        inner.shutdown = true;
        let (waiting, wakers) = inner.end(Gone::Removed);
        // Who waits for an order is told by its end.
        let orders = std::mem::take(&mut inner.orders);
        let wake = inner.schedule();
        drop(inner);
        drop(orders);
        wake_all(wakers);
        (waiting, wake)
    }

    /// Takes no message from now on; what waited.
    pub fn fail(&self) -> Vec<Letter> {
        let (waiting, wakers) = self.inner.lock().end(Gone::Failed);
        wake_all(wakers);
        waiting
    }

    /// Somebody runs the agent from now on.
    pub fn begin_slice(&self) {
        self.inner.lock().phase = Phase::Running;
    }

    /// What the holder of the run token does next. Without an instance an init comes first.
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
        // Neither timers nor messages shut the others out.
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

    /// Gives the token to the scheduler if there is more to do, else back.
    pub fn requeue_or_rest(&self) -> Rest {
        let mut inner = self.inner.lock();
        inner.phase = Phase::Idle;
        match inner.schedule() {
            true => Rest::Queued,
            false if inner.paused => Rest::Paused,
            false => Rest::Idle,
        }
    }

    /// A timer of the agent is due, or its delay is over; whether it has to be scheduled.
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

    /// Takes back a timer that is due and has not been handled.
    pub fn forget_timer(&self, id: u32) {
        self.inner.lock().due.forget(id);
    }

    /// A commit of the queue `of` is on disk, or never will be: its letters wait no longer.
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

    /// Whether the agent has to be scheduled for what waits.
    pub fn look_again(&self) -> bool {
        self.inner.lock().schedule()
    }

    /// A turn has been handed to the store, with so many bytes.
    pub fn turn_unwritten(&self, bytes: usize) {
        self.inner.lock().unwritten.begin(bytes);
    }

    /// The store is through with a turn; whether the agent has to be scheduled.
    pub fn turn_settled(&self, bytes: usize) -> bool {
        let mut inner = self.inner.lock();
        inner.unwritten.end(bytes);
        inner.schedule()
    }

    /// Whether turns wait for the store.
    pub fn has_unwritten(&self) -> bool {
        !self.inner.lock().unwritten.is_empty()
    }

    /// Gives the run token back, whatever there is to do.
    pub fn rest(&self) {
        self.inner.lock().phase = Phase::Idle;
    }

    /// Puts a letter in that the store has kept, whatever room there is.
    pub fn restore(&self, letter: Letter) {
        self.inner.lock().enter(letter);
    }

    /// Puts letters back where they stood, which have been handled in vain, and takes no turn until
    /// [`Alarm::Restart`] rings. Gives them back where the agent takes no messages any more.
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

    /// Wants something done between two turns; whether the agent has to be scheduled. Gives the
    /// order back where the agent is gone for good.
    pub fn order(&self, order: Order) -> Result<bool, Order> {
        let mut inner = self.inner.lock();
        if inner.gone == Some(Gone::Removed) {
            return Err(order);
        }
        inner.orders.push_back(order);
        Ok(inner.schedule())
    }

    /// Takes no messages and timers out until it is told otherwise.
    pub fn pause(&self) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        inner.check_here()?;
        inner.paused = true;
        Ok(())
    }

    /// Goes on; whether the agent has to be scheduled.
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

    /// Returns true if the agent is suspended and no turn is in progress. Its place in the scheduler's line
    /// may still be to come: then nothing happens.
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

    /// Wants an init before anything else, of an agent whose run token the caller holds.
    pub fn init_next(&self) {
        self.inner.lock().init = true;
    }

    /// The slice ended, and the turn wants to go on: the scheduler takes the token.
    pub fn preempt(&self) {
        self.inner.lock().phase = Phase::Halfway;
    }

    /// The turn waits in a host call; whether what it waits for has come already.
    pub fn suspend(&self) -> bool {
        let mut inner = self.inner.lock();
        let woken = inner.phase == Phase::Notified;
        inner.phase = if woken { Phase::Halfway } else { Phase::Waiting };
        woken
    }

    /// What a suspended turn waits for has come; whether the agent has to be scheduled.
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

    /// Messages that can be handled.
    pub fn waiting(&self) -> usize {
        self.inner.lock().line.len()
    }

    /// Whether nobody holds the run token, and no message can be handled.
    pub fn is_at_rest(&self) -> bool {
        let inner = self.inner.lock();
        inner.phase == Phase::Idle && inner.line.is_empty()
    }

    /// Messages that wait, also for the store.
    pub fn len(&self) -> usize {
        let inner = self.inner.lock();
        inner.line.len() + inner.pending.len()
    }

    fn refusal(&self, inner: &Inner, letter: &Letter) -> Option<Refusal> {
        if letter.kind == Kind::Direct && !inner.waiters.is_empty() && inner.gone.is_none() {
            // Who came first is served first; the order of any one sender is kept.
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
