//! What a turn, or a call of the program, sends out: in a runtime with a store it is held back until
//! it is on disk, all of it together.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ask::Ask;
use super::core::Core;
use super::dead_letter::DeadLetter;
use super::events::Event;
use super::journal::Journal;
use crate::agent::{Agent, Lane, Letter, OnStarted, Undo};
use crate::directory::{Member, Note};
use crate::error::Error;
use crate::message::Message;
use crate::store::Change;

/// The way of what is sent: the queue that a ready receiver is put into, and the posting that holds
/// messages back. Without a store nothing is held back.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub lane: Lane<'a>,
    pub posting: Option<&'a Posting>,
}

impl<'a> Post<'a> {
    /// The way of a thread that is no worker, and has no posting.
    pub fn outside() -> Self {
        Post { lane: Lane::outside(), posting: None }
    }

    /// Lets something name this message in the store, where there is one.
    pub fn keep(&self, core: &Core, message: &Message) {
        if let Some(posting) = self.posting {
            posting.keep(core, message);
        }
    }

    /// Writes something, where there is a store.
    pub fn change(&self, change: impl FnOnce() -> Change) {
        if let Some(posting) = self.posting {
            posting.parts.borrow_mut().changes.push(change());
        }
    }

    /// Says how a change of an agent is taken back, where it may have to be.
    pub fn undo(&self, undo: impl FnOnce() -> Undo) {
        if let Some(posting) = self.posting {
            posting.parts.borrow_mut().undo.push(undo());
        }
    }

    /// Holds something back until it is on disk; gives it back where nothing is held back.
    pub fn hold(&self, outward: Outward) -> Option<Outward> {
        match self.posting {
            Some(posting) => {
                posting.parts.borrow_mut().outward.push(outward);
                None
            }
            None => Some(outward),
        }
    }

    /// Tells somebody how a start has ended, when that is on disk.
    pub fn tell(&self, done: OnStarted, result: Result<(), Error>) {
        if let Some(Outward::Done(done, result)) = self.hold(Outward::Done(done, result)) {
            done(result);
        }
    }

    /// The way of a worker.
    pub fn of(lane: Lane<'a>, posting: Option<&'a Posting>) -> Self {
        Post { lane, posting }
    }
}

/// A commit that is being put together.
#[derive(Default)]
pub(crate) struct Posting {
    parts: RefCell<Parts>,
    commit: Arc<Commit>,
}

/// What a commit writes, and what it sets free.
#[derive(Default)]
pub(crate) struct Parts {
    pub changes: Vec<Change>,
    /// Bytes of the messages that are first named in it.
    pub message_bytes: usize,
    pub outward: Vec<Outward>,
    /// Whose mailboxes hold messages of this commit.
    pub mailboxes: Vec<Member>,
    /// How the agent's changes are taken back if it fails.
    pub undo: Vec<Undo>,
    pub turn: Option<CommittedTurn>,
}

/// The turn of a commit, and the message that it consumed.
pub(crate) struct CommittedTurn {
    pub agent: Arc<Agent>,
    pub consumed: Option<Letter>,
}

/// What leaves the runtime, or tells somebody that something is so.
pub(crate) enum Outward {
    /// A message for the script's subscriptions.
    Observe(Message),
    /// The answer of an ask, from the member with this serial.
    Answer(Arc<Ask>, u64, Message),
    DeadLetter(DeadLetter),
    /// Something for who watches events.
    Event(Event),
    /// Something for the directory.
    Note(Note),
    /// A start, a restart or a replacement has come to its end.
    Done(OnStarted, Result<(), Error>),
}

/// Where a commit is on its way to the store. The messages of a commit wait in their mailboxes, and
/// take their room, until it is there.
#[derive(Default)]
pub(crate) struct Commit {
    state: AtomicU8,
    /// What waits for the store.
    parts: Mutex<Option<Parts>>,
    /// What is handed to the store as soon as a mailbox takes its message.
    own: Mutex<Option<(Arc<Journal>, Parts)>>,
    error: Mutex<Option<Error>>,
    settled: Notify,
}

const PENDING: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// How a commit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Done,
    Failed,
}

impl Posting {
    /// The commit that messages of this posting wait for.
    pub fn commit(&self) -> &Arc<Commit> {
        &self.commit
    }

    pub fn change(&self, change: Change) {
        self.parts.borrow_mut().changes.push(change);
    }

    /// Something names this message in the store: gives it a row there, where it has none.
    pub fn keep(&self, core: &Core, message: &Message) {
        if message.kept().begin(|| core.next_row()) {
            self.parts.borrow_mut().message_bytes += message.as_json().len();
        }
    }

    /// A mailbox holds a message of this posting.
    pub fn holds(&self, member: Member) {
        self.parts.borrow_mut().mailboxes.push(member);
    }

    /// What it has come to.
    pub fn finish(self) -> (Arc<Commit>, Parts) {
        (self.commit, self.parts.into_inner())
    }
}

impl Commit {
    pub fn standing(&self) -> Standing {
        match self.state.load(Ordering::Acquire) {
            PENDING => Standing::Pending,
            DONE => Standing::Done,
            _ => Standing::Failed,
        }
    }

    /// Keeps what is to be written until [`Commit::take`].
    pub fn prepare(&self, parts: Parts) {
        *self.parts.lock() = Some(parts);
    }

    pub fn take(&self) -> Option<Parts> {
        self.parts.lock().take()
    }

    /// Looks at what is to be written.
    pub fn with<T>(&self, look: impl FnOnce(&Parts) -> T) -> Option<T> {
        self.parts.lock().as_ref().map(look)
    }

    /// A commit that goes to the journal by itself when a mailbox takes its message.
    pub fn own(journal: &Arc<Journal>, parts: Parts) -> Arc<Self> {
        Arc::new(Commit { own: Mutex::new(Some((journal.clone(), parts))), ..Commit::default() })
    }

    /// Goes to the journal, where it has not and does so by itself.
    pub fn submit(self: &Arc<Self>) {
        let own = self.own.lock().take();
        if let Some((journal, parts)) = own {
            self.prepare(parts);
            journal.push(self.clone());
        }
    }

    /// It is on disk, or nobody needs it to be.
    pub fn done(&self) {
        self.state.store(DONE, Ordering::Release);
        self.settled.notify_waiters();
    }

    /// The store could not keep it.
    pub fn fail(&self, error: Error) {
        *self.error.lock() = Some(error);
        self.state.store(FAILED, Ordering::Release);
        self.settled.notify_waiters();
    }

    /// Waits until it is on disk.
    pub async fn settled(&self) -> Result<(), Error> {
        loop {
            let settled = self.settled.notified();
            match self.standing() {
                Standing::Pending => settled.await,
                Standing::Done => return Ok(()),
                Standing::Failed => {
                    return Err(self.error.lock().clone().unwrap_or_else(Error::closed));
                }
            }
        }
    }
}

impl Core {
    /// Runs `work` with a posting of its own, where there is a store; the commit that it came to.
    pub fn alone<T>(
        &self,
        post: Post<'_>,
        work: impl FnOnce(Post<'_>) -> T,
    ) -> (T, Option<Arc<Commit>>) {
        if post.posting.is_some() || self.journal.is_none() {
            return (work(post), None);
        }
        let posting = Posting::default();
        let result = work(Post { posting: Some(&posting), ..post });
        (result, Some(self.submit(posting)))
    }

    /// Hands a posting over to the store. One that writes nothing takes effect at once.
    pub fn submit(&self, posting: Posting) -> Arc<Commit> {
        let (commit, parts) = posting.finish();
        match &self.journal {
            Some(journal) if !parts.changes.is_empty() => {
                commit.prepare(parts);
                journal.push(commit.clone());
            }
            _ => {
                commit.done();
                self.let_out(parts);
            }
        }
        commit
    }

    /// Hands the commit of a turn over to the store. One that writes nothing, of an agent of which
    /// nothing waits for the store, is given back, to take effect at once.
    pub fn submit_turn(
        &self,
        agent: &Arc<Agent>,
        posting: Posting,
        consumed: Option<Letter>,
    ) -> Option<Parts> {
        let (commit, mut parts) = posting.finish();
        match &self.journal {
            // Nothing may show what earlier turns did before those are on disk.
            Some(journal) if !parts.changes.is_empty() || agent.has_unsettled() => {
                parts.turn = Some(CommittedTurn { agent: agent.clone(), consumed });
                agent.mailbox.turn_unsettled();
                commit.prepare(parts);
                journal.push(commit);
                None
            }
            _ => {
                commit.done();
                Some(parts)
            }
        }
    }

    /// Lets out what a commit has held back.
    pub fn let_out(&self, parts: Parts) {
        for outward in parts.outward {
            match outward {
                Outward::Observe(message) => {
                    self.show(&message);
                }
                Outward::Answer(ask, from, message) => {
                    if !self.hand_answer(&ask, from, &message, Post::outside()) {
                        let to = ask.asker().to_owned();
                        let reason = format!("nobody waits for it at {to:?}");
                        self.keep_dead(message, reason, Post::outside());
                    }
                }
                Outward::DeadLetter(letter) => self.show_dead(letter),
                Outward::Event(event) => self.show_event(&event),
                Outward::Note(note) => self.take_note(note),
                Outward::Done(done, result) => done(result),
            }
        }
        for member in parts.mailboxes {
            member.look_again();
        }
        if let Some(turn) = parts.turn {
            turn.agent.turn_settled();
        }
    }
}
