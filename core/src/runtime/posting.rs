//! Postings and commits: the effects of a turn, or of a call of the program. In a runtime with a store all of
//! them are held back until they are on disk together.

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

/// The way in which effects leave a turn or a call: the scheduler's lane for receivers that become ready, and
/// the posting that holds effects back. Without a store nothing is held back.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub lane: Lane<'a>,
    pub posting: Option<&'a Posting>,
}

impl<'a> Post<'a> {
    /// Returns the way of a thread that is no worker and has no posting.
    pub fn outside() -> Self {
        Post { lane: Lane::outside(), posting: None }
    }

    /// Gives the message a row in the store, if there is a store.
    pub fn keep(&self, core: &Core, message: &Message) {
        if let Some(posting) = self.posting {
            posting.keep(core, message);
        }
    }

    /// Adds a change to the posting, if there is one.
    pub fn change(&self, change: impl FnOnce() -> Change) {
        if let Some(posting) = self.posting {
            posting.parts.borrow_mut().changes.push(change());
        }
    }

    /// Adds the undoing of a change to the posting, if there is one.
    pub fn undo(&self, undo: impl FnOnce() -> Undo) {
        if let Some(posting) = self.posting {
            posting.parts.borrow_mut().undo.push(undo());
        }
    }

    /// Holds an effect back until the posting is on disk. Returns the effect if nothing is held back.
    pub fn hold(&self, outward: Outward) -> Option<Outward> {
        match self.posting {
            Some(posting) => {
                posting.parts.borrow_mut().outward.push(outward);
                None
            }
            None => Some(outward),
        }
    }

    /// Calls `done` with the result of a start, once that is on disk.
    pub fn tell(&self, done: OnStarted, result: Result<(), Error>) {
        if let Some(Outward::Done(done, result)) = self.hold(Outward::Done(done, result)) {
            done(result);
        }
    }

    /// Returns the way of a worker.
    pub fn of(lane: Lane<'a>, posting: Option<&'a Posting>) -> Self {
        Post { lane, posting }
    }
}

/// A commit while it is put together.
pub(crate) struct Posting {
    parts: RefCell<Parts>,
    commit: Arc<Commit>,
}

/// The changes that a commit writes, and the effects that it lets out afterwards.
#[derive(Default)]
pub(crate) struct Parts {
    pub changes: Vec<Change>,
    /// Bytes of the messages that get their row with it.
    pub message_bytes: usize,
    pub outward: Vec<Outward>,
    /// Members whose mailboxes hold messages of this commit.
    pub mailboxes: Vec<Member>,
    /// Undoes the agent's changes if the commit fails; the last is undone first.
    pub undo: Vec<Undo>,
    pub turn: Option<CommittedTurn>,
    /// The desk of the host agent whose handling of a message this is.
    pub desk: Option<Arc<Desk>>,
    /// The charge for the memory of all of it, until it is written.
    pub charge: Option<Charge>,
}

/// The turn of a commit, and the message that it consumed.
pub(crate) struct CommittedTurn {
    pub agent: Arc<Agent>,
    pub consumed: Option<Letter>,
}

/// An effect that is held back until its commit is on disk.
pub(crate) enum Outward {
    /// A message for the script's subscriptions.
    Observe(Message),
    /// The answer of an ask, from the member with this serial.
    Answer(Arc<Ask>, u64, Message),
    DeadLetter(DeadLetter),
    /// An event for the program's readers.
    Event(Event),
    /// A change of the directory.
    Note(Note),
    /// A start, a restart or a replacement has come to its end.
    Done(OnStarted, Result<(), Error>),
}

/// The state of a commit on its way to the store. Its messages wait in their mailboxes, and take room there,
/// until it is on disk.
#[derive(Default)]
pub(crate) struct Commit {
    /// The serial of the queue that it stands in.
    queue: Serial,
    state: AtomicU8,
    /// Parts that go to the journal by themselves as soon as a mailbox takes their message.
    own: Mutex<Option<(Arc<Journal>, Parts)>>,
    error: Mutex<Option<Error>>,
    settled: Notify,
}

const PENDING: u8 = 0;
const WRITTEN: u8 = 1;
/// It is on disk, and its effects have been let out.
const DONE: u8 = 2;
const FAILED: u8 = 3;

/// The state of a commit, as letters see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Done,
    Failed,
}

impl Posting {
    /// Begins a posting in the queue of this serial: a member's, the program's or the runtime's.
    pub fn of(queue: Serial) -> Self {
        let commit = Arc::new(Commit { queue, ..Commit::default() });
        Posting { parts: RefCell::default(), commit }
    }

    /// Returns the commit that the messages of this posting wait for.
    pub fn commit(&self) -> &Arc<Commit> {
        &self.commit
    }

    pub fn change(&self, change: Change) {
        self.parts.borrow_mut().changes.push(change);
    }

    /// Gives the message a row in the store, unless it has one.
    pub fn keep(&self, core: &Core, message: &Message) {
        if message.kept().begin(|| core.next_row()) {
            self.parts.borrow_mut().message_bytes += message.as_json().len();
        }
    }

    /// Notes that a mailbox holds a message of this posting.
    pub fn holds(&self, member: Member) {
        self.parts.borrow_mut().mailboxes.push(member);
    }

    /// Ends the posting, and returns its commit and parts.
    pub fn finish(self) -> (Arc<Commit>, Parts) {
        (self.commit, self.parts.into_inner())
    }
}

impl Commit {
    /// Returns an empty commit in this queue.
    pub fn of(queue: Serial) -> Arc<Self> {
        Arc::new(Commit { queue, ..Commit::default() })
    }

    /// The serial of the queue that it stands in.
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

    /// Returns a commit that goes to the journal by itself when a mailbox takes its message.
    pub fn own(queue: Serial, journal: &Arc<Journal>, parts: Parts) -> Arc<Self> {
        let own = Mutex::new(Some((journal.clone(), parts)));
        Arc::new(Commit { queue, own, ..Commit::default() })
    }

    /// Hands a commit made by [`Commit::own`] to the journal, unless that was done.
    pub fn submit(self: &Arc<Self>) {
        let own = self.own.lock().take();
        if let Some((journal, parts)) = own
            && journal.push(self.clone(), parts).is_err()
        {
            self.fail(closed());
        }
    }

    /// Marks the commit as on disk, so that its letters may be handled.
    pub fn written(&self) {
        self.state.store(WRITTEN, Ordering::Release);
    }

    /// Marks the commit as done: it is on disk, or had nothing to write, and its effects have been let out.
    pub fn done(&self) {
        self.state.store(DONE, Ordering::Release);
        self.settled.notify_waiters();
    }

    /// Marks the commit as failed: the store could not keep it.
    pub fn fail(&self, error: Error) {
        *self.error.lock() = Some(error);
        self.state.store(FAILED, Ordering::Release);
        self.settled.notify_waiters();
    }

    /// Waits until the commit is done. Returns the store's error if it has failed.
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
    /// Runs `work` with a posting of its own, if there is a store and `post` has none, and commits it in the
    /// runtime's queue. Returns the commit with the result.
    pub fn alone<T>(
        &self,
        post: Post<'_>,
        work: impl FnOnce(Post<'_>) -> T,
    ) -> (T, Option<Arc<Commit>>) {
        self.alone_of(Party::AMS.0, post, work)
    }

    /// Does the same as [`Core::alone`] in the queue of the serial `of`: a member's or the program's.
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

    /// Hands a commit to the journal. A commit that writes nothing takes effect at once.
    pub fn submit(&self, commit: Arc<Commit>, mut parts: Parts) -> Arc<Commit> {
        match &self.journal {
            Some(journal) if !parts.changes.is_empty() => {
                self.put_down(journal, commit.clone(), parts, &self.account);
            }
            _ => {
                // A commit that does not wait was not counted as unwritten.
                parts.desk = None;
                commit.written();
                self.let_out(&commit, parts);
            }
        }
        commit
    }

    /// Puts a commit into the journal. If the journal is closed, the commit fails.
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

    /// Hands the commit of a turn to the journal. If it writes nothing and no other commit of its agent is
    /// unwritten, returns it, to take effect at once.
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

    /// Lets out the effects of a commit that was written. Its letters come first, so that no member that
    /// learns of the commit can overtake them.
    pub fn let_out(&self, commit: &Commit, parts: Parts) {
        let bytes = parts.paid();
        for member in parts.mailboxes {
            member.settle(commit.queue());
        }
        let mut gone = Vec::new();
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
                Outward::DeadLetter(letter) => gone.extend(self.show_dead(letter)),
                Outward::Event(event) => self.show_event(&event),
                Outward::Note(note) => self.take_note(note),
                Outward::Done(done, result) => {
                    self.once_served(commit.queue(), Box::new(move || done(result)));
                }
            }
        }
        self.delete_dead(gone, commit.queue());
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

/// About what an event takes with its fields, in bytes.
const EVENT_BYTES: usize = 1024;

impl Outward {
    /// Returns the bytes that it takes to keep it.
    fn bytes(&self) -> usize {
        let own = std::mem::size_of::<Outward>();
        match self {
            Outward::DeadLetter(letter) => own + letter.reason.len(),
            Outward::Event(_) => own + EVENT_BYTES,
            Outward::Observe(_) | Outward::Answer(..) | Outward::Note(_) | Outward::Done(..) => own,
        }
    }
}

impl Parts {
    /// Returns the bytes that it takes to keep them until they are written.
    pub fn bytes(&self) -> usize {
        let changes: usize = self.changes.iter().map(Change::bytes).sum();
        let outward: usize = self.outward.iter().map(Outward::bytes).sum();
        let others = self.mailboxes.len() + self.undo.len();
        changes + self.message_bytes + outward + others * std::mem::size_of::<Outward>()
    }

    /// Returns the bytes that were charged for them.
    pub fn paid(&self) -> usize {
        let paid = self.charge.as_ref().map_or(0, Charge::bytes);
        usize::try_from(paid).unwrap_or(usize::MAX)
    }
}

/// Returns the error of a commit that failed because the runtime was closed.
pub(super) fn closed() -> Error {
    let text = "the runtime was closed before this was written to its store";
    Error::new(ErrorKind::Closed, text)
}
