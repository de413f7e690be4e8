//! Room in a mailbox: scripts that wait for it, and turns that hold it.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::letter::Letter;
use super::queue::Refusal;
use super::{Agent, Lane};
use crate::message::Message;
use crate::store::Serial;

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

    /// The queue of the journal by which its letter comes, as long as that waits.
    pub fn queue(&self) -> Option<Serial> {
        self.0.lock().letter.as_ref()?.queue()
    }

    pub(super) fn put(&self, letter: Letter) {
        self.0.lock().letter = Some(letter);
    }

    pub(super) fn finish(&self, done: Result<(), Refusal>) -> Option<Waker> {
        let mut waiting = self.0.lock();
        waiting.done = Some(done);
        waiting.waker.take()
    }

    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        let mut waiting = self.0.lock();
        match waiting.done {
            Some(done) => Poll::Ready(done),
            None => {
                let old = waiting.waker.replace(context.waker().clone());
                // Dropping a waker may drop a task, and what that holds: not under the lock.
                drop(waiting);
                drop(old);
                Poll::Pending
            }
        }
    }
}

/// What turns in progress hold of a mailbox, all of it and by the serial of the agent whose turn it is.
#[derive(Default)]
pub(super) struct Reservations {
    messages: usize,
    bytes: usize,
    of_holders: HashMap<u64, usize, RandomState>,
}

impl Reservations {
    /// Places that are held.
    pub fn len(&self) -> usize {
        self.messages
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Places that one agent holds.
    pub fn of(&self, holder: u64) -> usize {
        if self.messages == 0 { 0 } else { self.of_holders.get(&holder).copied().unwrap_or(0) }
    }

    pub fn add(&mut self, charge: usize, holder: u64) {
        self.messages += 1;
        self.bytes += charge;
        *self.of_holders.entry(holder).or_default() += 1;
    }

    /// Gives one place back.
    pub fn end(&mut self, charge: usize, holder: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(charge);
        if let Some(count) = self.of_holders.get_mut(&holder) {
            *count -= 1;
            if *count == 0 {
                self.of_holders.remove(&holder);
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
            self.agent.schedule(Lane::outside());
        }
    }
}
