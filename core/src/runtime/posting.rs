//! What a turn, or a call of the program, sends out: in a runtime with a store it is held back until
//! it is on disk, all of it together.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ask::Ask;
use super::core::{Core, Party};
use super::dead_letter::DeadLetter;
use super::events::Event;
use super::journal::Journal;
use crate::account::{Account, Charge};
use crate::agent::{Agent, Lane, Letter, OnStarted, Undo};
use crate::directory::{Member, Note};
use crate::error::{Error, ErrorKind};
use crate::host_agent::Desk;
use crate::message::Message;
use crate::store::{Change, Serial};

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
    /// The desk of the host agent that has handled a message with it.
    pub desk: Option<Arc<Desk>>,
    /// What all of it takes, in bytes, of the account that pays for it.
    pub charge: Option<Charge>,
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
    /// Whose queue of the journal it stands in.
    queue: Serial,
    state: AtomicU8,
    /// What is handed to the store as soon as a mailbox takes its message.
    own: Mutex<Option<(Arc<Journal>, Parts)>>,
    error: Mutex<Option<Error>>,
    settled: Notify,
}

const PENDING: u8 = 0;
const WRITTEN: u8 = 1;
/// All that waited for it has been let out, too.
const DONE: u8 = 2;
const FAILED: u8 = 3;

/// How a commit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Done,
    Failed,
}

impl Posting {
    /// A commit in the queue of the member with this serial, of the program, or of the runtime.
    pub fn of(queue: Serial) -> Self {
        let commit = Arc::new(Commit { queue, ..Commit::default() });
        Posting { parts: RefCell::default(), commit }
    }

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
    /// A commit of nothing.
    pub fn of(queue: Serial) -> Arc<Self> {
        Arc::new(Commit { queue, ..Commit::default() })
    }

    /// Whose queue of the journal it stands in.
    pub fn queue(&self) -> Serial {
        self.queue
    }

    pub fn standing(&self) -> Standing {
        match self.state.load(Ordering::Acquire) {
            PENDING => Standing::Pending,
            WRITTEN | DONE => Standing::Done,
            _ => Standing::Failed,
        }
    }

    /// A commit that goes to the journal by itself when a mailbox takes its message.
    pub fn own(queue: Serial, journal: &Arc<Journal>, parts: Parts) -> Arc<Self> {
        let own = Mutex::new(Some((journal.clone(), parts)));
        Arc::new(Commit { queue, own, ..Commit::default() })
    }

    /// Goes to the journal, where it has not and does so by itself.
    pub fn submit(self: &Arc<Self>) {
        let own = self.own.lock().take();
        if let Some((journal, parts)) = own
            && journal.push(self.clone(), parts).is_err()
        {
            self.fail(closed());
        }
    }

    /// It is on disk: what waited for it may go its way.
    pub fn written(&self) {
        self.state.store(WRITTEN, Ordering::Release);
    }

    /// It is on disk, or nobody needs it to be, and all has gone its way.
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
            match self.state.load(Ordering::Acquire) {
                PENDING | WRITTEN => settled.await,
                DONE => return Ok(()),
                _ => {
                    return Err(self.error.lock().clone().unwrap_or_else(Error::closed));
                }
            }
        }
    }
}

impl Core {
    /// Runs `work` with a posting of its own, where there is a store; the commit that it came to, in the
    /// runtime's own queue.
    pub fn alone<T>(
        &self,
        post: Post<'_>,
        work: impl FnOnce(Post<'_>) -> T,
    ) -> (T, Option<Arc<Commit>>) {
        self.alone_of(Party::AMS.0, post, work)
    }

    /// The same in the queue of the member with the serial `of`, or of the program.
    pub fn alone_of<T>(
        &self,
        of: Serial,
        post: Post<'_>,
        work: impl FnOnce(Post<'_>) -> T,
    ) -> (T, Option<Arc<Commit>>) {
        if post.posting.is_some() || self.journal.is_none() {
            return (work(post), None);
        }
        let posting = Posting::of(of);
        let result = work(Post { posting: Some(&posting), ..post });
        let (commit, parts) = posting.finish();
        (result, Some(self.submit(commit, parts)))
    }

    /// Hands a commit over to the store. One that writes nothing takes effect at once.
    pub fn submit(&self, commit: Arc<Commit>, mut parts: Parts) -> Arc<Commit> {
        match &self.journal {
            Some(journal) if !parts.changes.is_empty() => {
                self.put_down(journal, commit.clone(), parts, &self.account);
            }
            _ => {
                // Nobody counts what waits for nothing.
                parts.desk = None;
                commit.written();
                self.let_out(&commit, parts);
            }
        }
        commit
    }

    /// Puts a commit into the journal; one that comes when that is closed fails.
    fn put_down(
        &self,
        journal: &Arc<Journal>,
        commit: Arc<Commit>,
        mut parts: Parts,
        account: &Arc<Account>,
    ) {
        let bytes = parts.bytes();
        parts.charge = Some(account.charge(bytes));
        if let Some(turn) = &parts.turn {
            turn.agent.mailbox.turn_unwritten(bytes);
        }
        if let Some(desk) = &parts.desk {
            desk.mailbox.turn_unwritten(bytes);
        }
        if let Err((commit, parts)) = journal.push(commit, parts) {
            self.take_back(&commit, parts, &closed());
        }
    }

    /// Hands the commit of a turn over to the store. One that writes nothing, of an agent of which
    /// nothing waits for the store, is given back, to take effect at once.
    pub fn submit_turn(
        &self,
        agent: &Arc<Agent>,
        posting: Posting,
        consumed: Option<Letter>,
    ) -> Option<(Arc<Commit>, Parts)> {
        let (commit, mut parts) = posting.finish();
        match &self.journal {
            // Nothing may show what earlier turns did before those are on disk.
            Some(journal) if !parts.changes.is_empty() || agent.mailbox.has_unwritten() => {
                parts.turn = Some(CommittedTurn { agent: agent.clone(), consumed });
                self.put_down(journal, commit, parts, &agent.face.account);
                None
            }
            _ => {
                commit.written();
                Some((commit, parts))
            }
        }
    }

    /// Lets out what a commit has held back that has been written: first its letters, so that nobody who
    /// hears of it comes before them.
    pub fn let_out(&self, commit: &Commit, parts: Parts) {
        let bytes = parts.paid();
        for member in parts.mailboxes {
            member.settle(commit.queue());
        }
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
                Outward::Done(done, result) => {
                    self.once_served(commit.queue(), Box::new(move || done(result)));
                }
            }
        }
        if let Some(turn) = parts.turn {
            turn.agent.turn_settled(bytes);
        }
        if let Some(desk) = parts.desk {
            desk.turn_settled(bytes);
        }
        drop(parts.charge);
        commit.done();
    }
}

impl Parts {
    /// What it takes to keep them until they are written, in bytes.
    pub fn bytes(&self) -> usize {
        let changes: usize = self.changes.iter().map(Change::bytes).sum();
        let others = self.outward.len() + self.mailboxes.len() + self.undo.len();
        changes + self.message_bytes + others * std::mem::size_of::<Outward>()
    }

    /// The same, as it was paid for.
    pub fn paid(&self) -> usize {
        let paid = self.charge.as_ref().map_or(0, Charge::bytes);
        usize::try_from(paid).unwrap_or(usize::MAX)
    }
}

/// The error of a commit that came to nothing since the runtime was closed.
pub(super) fn closed() -> Error {
    let text = "the runtime was closed before this was written to its store";
    Error::new(ErrorKind::Closed, text)
}
