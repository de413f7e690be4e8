//! The mailbox: bounded by count and bytes, in order, with the run token of its agent.
//!
//! Who moves an agent from idle holds its run token. Queue and token are under one lock, so that no
//! message can arrive unseen between a look into the queue and the token's release.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::Agent;
use super::letter::{Kind, Letter};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::message::Message;
use crate::scheduler::Lane;

/// Room above the capacity that only failures of the host may take.
const FAILURE_LANE: usize = 64;

pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    max_messages: usize,
    max_bytes: usize,
}

struct Inner {
    queue: VecDeque<Letter>,
    bytes: usize,
    /// Room that turns in progress hold, by the serial of the agent whose turn it is.
    reserved: Vec<(u64, usize)>,
    reserved_bytes: usize,
    /// Scripts that wait for room, in the order in which they came.
    waiters: VecDeque<Arc<Waiter>>,
    phase: Phase,
    gone: Option<Gone>,
    shutdown: bool,
    init: bool,
}

/// The run token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nobody holds it, and there is nothing to do.
    Idle,
    /// The scheduler holds it.
    Queued,
    /// A worker, or a calling thread, runs a slice.
    Running,
    /// The same, and what the turn waits for has come meanwhile.
    Notified,
    /// A turn waits in a host call.
    Suspended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Failed,
    Removed,
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

/// Why a mailbox did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    /// The agent has failed for good.
    Failed,
    /// The agent is no longer here.
    Removed,
}

/// What the holder of the run token does next.
pub(crate) enum Next {
    Init,
    Message(Letter),
    Shutdown,
    Nothing,
}

impl Mailbox {
    pub fn new(limits: &Limits) -> Self {
        Mailbox {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                bytes: 0,
                reserved: Vec::new(),
                reserved_bytes: 0,
                waiters: VecDeque::new(),
                phase: Phase::Idle,
                gone: None,
                shutdown: false,
                init: false,
            }),
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
        if inner.phase == Phase::Idle && inner.queue.is_empty() && !inner.init && !inner.shutdown {
            inner.phase = Phase::Running;
            return Claim::Run(letter);
        }
        Claim::Queued { wake: inner.push(letter) }
    }

    /// Gives a claimed letter back, with the run token; whether the agent has to be scheduled.
    pub fn give_back(&self, letter: Letter) -> bool {
        let mut inner = self.inner.lock();
        inner.bytes += letter.message.charge();
        inner.queue.push_front(letter);
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
        let held =
            inner.reserved.iter().find(|(serial, _)| *serial == holder).map_or(0, |(_, n)| *n);
        // Only a queue that could hold the share has to be counted.
        let waiting = if inner.queue.len() + held < share {
            0
        } else {
            inner.queue.iter().filter(|letter| letter.message.sender() == sender).count()
        };
        if held + waiting >= share {
            return Err(Refusal::Full);
        }
        match inner.reserved.iter_mut().find(|(serial, _)| *serial == holder) {
            Some((_, count)) => *count += 1,
            None => inner.reserved.push((holder, 1)),
        }
        inner.reserved_bytes += charge;
        Ok(())
    }

    /// Puts a letter into room that was kept; whether the agent has to be scheduled.
    fn fill(&self, letter: Letter, holder: u64) -> Result<bool, (Refusal, Letter)> {
        let mut inner = self.inner.lock();
        inner.unreserve(letter.message.charge(), holder);
        match inner.gone {
            None => Ok(inner.push(letter)),
            Some(Gone::Failed) => Err((Refusal::Failed, letter)),
            Some(Gone::Removed) => Err((Refusal::Removed, letter)),
        }
    }

    /// Gives back what [`Mailbox::reserve`] kept; whether the agent has to be scheduled, for
    /// scripts that waited for the room.
    fn release(&self, charge: usize, holder: u64) -> bool {
        let mut inner = self.inner.lock();
        inner.unreserve(charge, holder);
        let admitted = self.admit(&mut inner);
        let wake = !inner.queue.is_empty() && inner.schedule();
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
        let wake = !inner.queue.is_empty() && inner.schedule();
        drop(inner);
        wake_all(admitted);
        wake
    }

    /// Takes the letter of an ask out that nobody waits for any more; whether it was still here.
    pub fn withdraw(&self, message_id: &str) -> bool {
        let mut inner = self.inner.lock();
        let at = inner.queue.iter().position(|letter| letter.message.message_id() == message_id);
        let found = at.and_then(|at| inner.queue.remove(at));
        if let Some(letter) = &found {
            inner.bytes -= letter.message.charge();
        }
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
        let wake = inner.schedule();
        drop(inner);
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
        if inner.init || (!has_instance && !inner.queue.is_empty()) {
            inner.init = false;
            return Next::Init;
        }
        let Some(letter) = inner.queue.pop_front() else {
            return Next::Nothing;
        };
        inner.bytes -= letter.message.charge();
        let admitted = self.admit(&mut inner);
        drop(inner);
        wake_all(admitted);
        Next::Message(letter)
    }

    /// Gives the token to the scheduler if there is more to do, else back; whether there is.
    pub fn requeue_or_rest(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.phase = Phase::Idle;
        let more = inner.shutdown || inner.init || !inner.queue.is_empty();
        more && inner.schedule()
    }

    /// The slice ended, and the turn wants to go on: the scheduler takes the token.
    pub fn preempt(&self) {
        self.inner.lock().phase = Phase::Queued;
    }

    /// The turn waits in a host call; whether what it waits for has come already.
    pub fn suspend(&self) -> bool {
        let mut inner = self.inner.lock();
        let woken = inner.phase == Phase::Notified;
        inner.phase = if woken { Phase::Queued } else { Phase::Suspended };
        woken
    }

    /// What a suspended turn waits for has come; whether the agent has to be scheduled.
    pub fn wake(&self) -> bool {
        let mut inner = self.inner.lock();
        match inner.phase {
            Phase::Suspended => {
                inner.phase = Phase::Queued;
                true
            }
            Phase::Running => {
                inner.phase = Phase::Notified;
                false
            }
            Phase::Idle | Phase::Queued | Phase::Notified => false,
        }
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.inner.lock().queue.len()
    }

    fn refusal(&self, inner: &Inner, letter: &Letter) -> Option<Refusal> {
        if letter.kind == Kind::Direct && !inner.waiters.is_empty() && inner.gone.is_none() {
            // Who came first is served first; the order of any one sender is kept.
            return Some(Refusal::Full);
        }
        self.refusal_for(inner, letter.message.charge(), letter.kind)
    }

    fn refusal_for(&self, inner: &Inner, charge: usize, kind: Kind) -> Option<Refusal> {
        match inner.gone {
            Some(Gone::Failed) => return Some(Refusal::Failed),
            Some(Gone::Removed) => return Some(Refusal::Removed),
            None => {}
        }
        let reserved: usize = inner.reserved.iter().map(|(_, count)| count).sum();
        let messages = inner.queue.len() + reserved;
        let bytes = inner.bytes + inner.reserved_bytes + charge;
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
        while let Some(waiter) = inner.waiters.front() {
            if let Some(letter) = waiter.take() {
                if self.refusal_for(inner, letter.message.charge(), letter.kind).is_some() {
                    waiter.put(letter);
                    break;
                }
                inner.bytes += letter.message.charge();
                inner.queue.push_back(letter);
                wakers.extend(waiter.finish(Ok(())));
            }
            inner.waiters.pop_front();
        }
        wakers
    }
}

fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

impl Inner {
    fn push(&mut self, letter: Letter) -> bool {
        self.bytes += letter.message.charge();
        self.queue.push_back(letter);
        self.schedule()
    }

    fn unreserve(&mut self, charge: usize, holder: u64) {
        self.reserved_bytes = self.reserved_bytes.saturating_sub(charge);
        if let Some(at) = self.reserved.iter().position(|(serial, _)| *serial == holder) {
            self.reserved[at].1 -= 1;
            if self.reserved[at].1 == 0 {
                self.reserved.swap_remove(at);
            }
        }
    }

    fn schedule(&mut self) -> bool {
        let idle = self.phase == Phase::Idle;
        if idle {
            self.phase = Phase::Queued;
        }
        idle
    }

    fn end(&mut self, gone: Gone) -> (Vec<Letter>, Vec<Waker>) {
        self.gone = Some(gone);
        self.init = false;
        self.bytes = 0;
        let waiting: Vec<Letter> = self.queue.drain(..).collect();
        let mut wakers = Vec::new();
        for waiter in self.waiters.drain(..) {
            let refusal = if gone == Gone::Failed { Refusal::Failed } else { Refusal::Removed };
            // Who waits is told by the error of the call, not by a message.
            drop(waiter.take());
            wakers.extend(waiter.finish(Err(refusal)));
        }
        (waiting, wakers)
    }
}

/// A script's message that waits for room in a mailbox.
pub(crate) struct Waiter(Mutex<Waiting>);

struct Waiting {
    letter: Option<Letter>,
    done: Option<Result<(), Refusal>>,
    waker: Option<Waker>,
}

impl Waiter {
    pub fn new(letter: Letter) -> Arc<Self> {
        Arc::new(Waiter(Mutex::new(Waiting { letter: Some(letter), done: None, waker: None })))
    }

    /// Takes the message back; nobody waits for room any more.
    pub fn take(&self) -> Option<Letter> {
        self.0.lock().letter.take()
    }

    fn put(&self, letter: Letter) {
        self.0.lock().letter = Some(letter);
    }

    fn finish(&self, done: Result<(), Refusal>) -> Option<Waker> {
        let mut waiting = self.0.lock();
        waiting.done = Some(done);
        waiting.waker.take()
    }

    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        let mut waiting = self.0.lock();
        match waiting.done {
            Some(done) => Poll::Ready(done),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Room in a mailbox that a turn holds; given back when dropped.
pub(crate) struct Reserved {
    agent: Arc<Agent>,
    charge: usize,
    holder: u64,
    held: bool,
}

impl Reserved {
    /// Keeps room for `message` with `agent` on behalf of the agent whose serial is `holder`.
    pub fn take(agent: Arc<Agent>, message: &Message, holder: u64) -> Result<Self, Refusal> {
        let charge = message.charge();
        agent.mailbox.reserve(charge, holder, message.sender())?;
        Ok(Reserved { agent, charge, holder, held: true })
    }

    /// The agent whose mailbox it is.
    pub fn agent(&self) -> &Arc<Agent> {
        &self.agent
    }

    /// Puts the letter in; whether the agent has to be scheduled.
    pub fn fill(mut self, letter: Letter) -> Result<bool, (Refusal, Letter)> {
        self.held = false;
        self.agent.mailbox.fill(letter, self.holder)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.held && self.agent.mailbox.release(self.charge, self.holder) {
            self.agent.core.scheduler.push(self.agent.clone(), Lane::outside());
        }
    }
}

impl Refusal {
    /// The error that a script gets.
    pub fn to_error(self, name: &str) -> Error {
        match self {
            Refusal::Full => Error::new(
                ErrorKind::MailboxFull,
                format!("the mailbox of {name:?} is full; try again later, or wait with `send`"),
            ),
            Refusal::Failed => Error::new(
                ErrorKind::AgentFailed,
                format!("{name:?} has failed and takes no messages; see its logs"),
            ),
            Refusal::Removed => {
                Error::new(ErrorKind::AgentNotFound, format!("{name:?} has been removed"))
            }
        }
    }
}
