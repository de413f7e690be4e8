//! The book of conversations: each conversation under a protocol is followed as its messages pass.
//!
//! A conversation is identified by its id and its initiator, and a message belongs to the conversation in
//! which its sender and its receiver take part. The id alone would not do: the agent that used it first could
//! keep others out of their own conversation, or get into it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::filter::ConversationFilter;
use super::machine::{Progress, Role, Stage};
use super::place::{Ids, Keys, Place};
use super::protocol::Protocol;
use super::record::{Move, Pair, Record};
use super::view::{Conversation, ConversationState, Note};
use super::waits::{Circle, Waits};
use crate::message::{Message, Performative};
use crate::shares::{Owner, Shares, Weights};

/// Bounds on the conversations that are kept.
pub(crate) struct Room {
    /// The most conversations that are open at once.
    pub open: usize,
    /// The most conversations that have ended.
    pub ended: usize,
    /// The most bytes of all conversations.
    pub bytes: usize,
    /// The most bytes of conversations whose initiators are gone.
    pub gone: usize,
    /// The most keys (`reply_with`) by which answers are recognised.
    pub keys: usize,
}

impl Default for Room {
    fn default() -> Self {
        Room { open: 20_000, ended: 1024, bytes: 128 << 20, gone: 32 << 20, keys: 200_000 }
    }
}

/// The conversations of a runtime.
pub(crate) struct Book {
    table: Mutex<Table>,
    /// Number of conversations.
    all: AtomicUsize,
}

#[derive(Default)]
pub(super) struct Table {
    pub records: HashMap<u64, Record>,
    /// Ids of conversations that were given up where nobody could be told: the next message tells.
    pub untold: Vec<Arc<str>>,
    pub ids: Ids,
    pub keys: Keys,
    /// Open conversations, by the time of their last message.
    open: Shares<u64>,
    /// Conversations that have ended.
    ended: Shares<u64>,
    /// The conversation of each key, by the place at which the key was entered.
    key_places: Shares<u64>,
    weights: Weights,
    pub waits: Waits,
    room: Room,
    next_place: u64,
    next_number: u64,
}

/// A message that is entered into its conversation, for all or some of its receivers.
pub(crate) struct Saying<'a> {
    pub from: &'a Arc<str>,
    /// The owner that is charged for conversations that it begins.
    pub owner: &'a Owner,
    pub message: &'a Message,
    /// True for its first receivers, with which the message itself is kept.
    pub is_first: bool,
    /// True if the result is to say how the message is taken back.
    pub undo: bool,
}

/// The result of entering a message.
#[derive(Default)]
pub(crate) struct Entered {
    /// Receivers for which the protocol did not allow the message.
    pub violations: Vec<Violation>,
    /// True if an agent waits, so that circles are to be searched for.
    pub look: bool,
    /// Conversations that were given up to make room.
    pub abandoned: Vec<Arc<str>>,
    /// The record by which the message is taken back.
    pub said: Option<Said>,
}

/// A message to one receiver that its protocol does not allow.
pub(crate) struct Violation {
    pub to: Arc<str>,
    pub conversation: Arc<str>,
    pub protocol: Protocol,
    pub note: Note,
    /// The progress of the two in their conversation, and the sender's role; `None` if they have none.
    at: Option<(Progress, Role)>,
    /// True if the message belongs to a known conversation.
    is_known: bool,
}

impl Violation {
    /// Returns true if the message belongs to a known conversation.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// Returns the acts that would have been allowed.
    pub fn allowed(&self) -> Vec<Performative> {
        match self.at {
            Some((progress, role)) => progress.allowed(self.protocol, role),
            None if self.is_known => Vec::new(),
            None => self.protocol.openings().to_vec(),
        }
    }
}

/// Pairs of a conversation, each with its state before; `None` if it began.
type Before = Vec<(usize, Option<Pair>)>;

/// A message that was entered, with the changes that it has made.
pub(crate) struct Said {
    message_id: Box<str>,
    /// Conversations, each with its pairs and their state before.
    before: SmallVec<[(u64, Before); 1]>,
    /// True if the message was kept in the conversations.
    kept: bool,
}

impl Default for Book {
    fn default() -> Self {
        Book { table: Mutex::default(), all: AtomicUsize::new(0) }
    }
}

impl Book {
    /// Returns a book in which the program, under this name, counts neither as waiting nor as waited for,
    /// since it does many things at once.
    pub fn of_program(name: &str) -> Self {
        let table = Table { waits: Waits::without(name), ..Table::default() };
        Book { table: Mutex::new(table), ..Book::default() }
    }

    /// Returns true if a message may belong to a conversation.
    pub fn concerns(&self, message: &Message) -> bool {
        message.protocol().is_some()
            || ((message.conversation_id().is_some() || message.in_reply_to().is_some())
                && self.all.load(Ordering::Acquire) > 0)
    }

    /// Returns the violations that a message to `to` would be, without entering it.
    pub fn forbids(&self, saying: &Saying<'_>, to: &[Arc<str>]) -> Vec<Violation> {
        let Ok(named) = named_by(saying.message) else { return Vec::new() };
        let table = self.table.lock();
        if table.begins_anew(saying, to, named).is_some() {
            return Vec::new();
        }
        let violation = |to: &Arc<str>| {
            table.violation_of(saying, to, &table.place_of(saying, to, named), named)
        };
        to.iter().filter_map(violation).collect()
    }

    /// Enters a message to `to`, which are all or some of its receivers.
    pub fn enter(&self, saying: &Saying<'_>, to: &[Arc<str>]) -> Entered {
        let mut entered = Entered::default();
        let mut table = self.table.lock();
        table.enter(saying, to, &mut entered);
        entered.look = table.waits.wants_look();
        self.counted(&table);
        entered
    }

    /// Enters a failure with which the host tells `asker` that `asked` will not answer or, if `deadline` is
    /// true, is late.
    pub fn fault(&self, asker: &str, asked: &str, failure: &Message, deadline: bool) {
        let mut table = self.table.lock();
        table.fault(asker, asked, failure, deadline);
        self.counted(&table);
    }

    /// Notes that `asker` does not wait for the answer of `asked` in this conversation any more.
    pub fn gave_up(&self, conversation: &str, asker: &str, asked: &str, now: u64) {
        let mut table = self.table.lock();
        if let Some((number, at)) = table.pair_of(conversation, asker, asked) {
            table.change(number, now, &[at], |record| record.fault(at, true));
        }
        self.counted(&table);
    }

    /// Takes back a message that was entered.
    pub fn unsay(&self, said: Said, now: u64) {
        let mut table = self.table.lock();
        for (number, before) in said.before {
            let pairs: Vec<usize> = before.iter().map(|(at, _)| *at).collect();
            table.change(number, now, &pairs, |record| {
                if said.kept {
                    record.unkeep(&said.message_id);
                }
                for (at, before) in before {
                    record.put_back(at, before);
                }
            });
        }
        self.counted(&table);
    }

    /// Returns the members that `asker` has asked in this conversation and that are at one of these stages.
    pub fn asked_at(&self, conversation: &str, asker: &str, stages: &[Stage]) -> Vec<Arc<str>> {
        let table = self.table.lock();
        let record = table.begun_by(conversation, asker);
        let pairs = record.into_iter().flat_map(|record| &record.pairs);
        let at =
            pairs.filter(|pair| *pair.asker == *asker && stages.contains(&pair.progress.stage));
        at.map(|pair| pair.asked.clone()).collect()
    }

    /// Returns true if an answer of `asked` to `asker` is due in this conversation.
    pub fn is_waited_for(&self, conversation: &str, asker: &str, asked: &str) -> bool {
        let table = self.table.lock();
        let found = table.pair_of(conversation, asker, asked);
        found.is_some_and(|(number, at)| {
            table.records.get(&number).is_some_and(|record| record.is_waited_for(at))
        })
    }

    /// Looks for circles of agents that wait for each other, for one slice.
    pub fn look(&self, now: u64) -> Vec<Circle> {
        self.table.lock().waits.look(now)
    }

    /// Returns the time of the next look, in microseconds since the Unix epoch; `None` if there is nothing to
    /// look for.
    pub fn next_look(&self, now: u64) -> Option<u64> {
        self.table.lock().waits.next_look(now)
    }

    /// Lets a circle in which an agent is busy be looked at again.
    pub fn look_again(&self, circle: &Circle) {
        self.table.lock().waits.look_again(circle);
    }

    /// Marks a circle as reported. Returns false if it has been broken meanwhile.
    pub fn tell_circle(&self, circle: &Circle) -> bool {
        self.table.lock().waits.tell(circle)
    }

    /// Returns the conversation with this id. If several have it, returns the one that the program began, or
    /// else the oldest.
    pub fn view(&self, id: &str, now: u64) -> Option<Conversation> {
        let table = self.table.lock();
        table.begun_by(id, table.waits.but()).map(|record| record.view(now))
    }

    /// Returns the conversations that match, in the order in which they began.
    pub fn list(&self, filter: &ConversationFilter, now: u64) -> Vec<Conversation> {
        let wanted: Vec<u64> = {
            let table = self.table.lock();
            let wanted = table.records.iter().filter(|(_, record)| filter.wants(record));
            wanted.map(|(number, _)| *number).collect()
        };
        // Each is copied under the lock alone: some have thousands of participants, and others wait for it.
        let view = |number| self.table.lock().records.get(&number).map(|record| record.view(now));
        let mut found: Vec<Conversation> = wanted.into_iter().filter_map(view).collect();
        found.sort_by(|a, b| (a.began_at, &a.id).cmp(&(b.began_at, &b.id)));
        found
    }

    /// Moves the conversations of one owner to another.
    pub fn hand_over(&self, from: &Owner, to: &Owner) {
        while self.table.lock().hand_over(from, to) {}
    }

    fn counted(&self, table: &Table) {
        self.all.store(table.records.len(), Ordering::Release);
    }
}

#[cfg(test)]
impl Book {
    /// Returns a book with these bounds.
    pub fn small(room: Room) -> Self {
        let table = Table { room, ..Table::default() };
        Book { table: Mutex::new(table), ..Book::default() }
    }

    /// Panics if the counts are not those of the conversations.
    pub fn check(&self) {
        self.table.lock().check();
    }

    /// Returns the number of steps that the search for circles has taken so far.
    pub fn steps(&self) -> u64 {
        self.table.lock().waits.steps
    }

    /// Returns the bytes that all conversations are charged for.
    pub fn bytes(&self) -> usize {
        self.table.lock().weights.total()
    }

    /// Returns the number of keys that are remembered.
    pub fn keys(&self) -> usize {
        self.table.lock().keys.len()
    }
}

impl Table {
    fn enter(&mut self, saying: &Saying<'_>, to: &[Arc<str>], entered: &mut Entered) {
        let message = saying.message;
        let Ok(named) = named_by(message) else { return };
        let mut steps = Steps::default();
        if let Some((protocol, id)) = self.begins_anew(saying, to, named) {
            self.begin(saying, id, protocol);
        }
        if saying.is_first && message.topic().is_some() {
            self.call(saying, named, &mut steps);
        }
        for to in to {
            let place = self.place_of(saying, to, named);
            entered.violations.extend(self.violation_of(saying, to, &place, named));
            match place {
                Place::Nowhere | Place::Unknown(_) => {}
                Place::In(number, planned) => self.step(saying, to, number, planned, &mut steps),
                Place::New(protocol, id) => {
                    let number = self.begin(saying, id, protocol);
                    let Some(record) = self.records.get(&number) else { continue };
                    let planned = record.plan(saying.from, to, message);
                    self.step(saying, to, number, planned, &mut steps);
                }
            }
        }
        self.finish(saying, steps, entered);
    }

    /// Notes a message to a topic, which every subscriber may answer.
    fn call(&mut self, saying: &Saying<'_>, named: Option<Protocol>, steps: &mut Steps) {
        let message = saying.message;
        let Some(id) = message.conversation_id() else { return };
        let act = message.performative();
        let own = self.own(id, saying.from);
        let record = own.and_then(|number| self.records.get(&number));
        let number = match (record, named) {
            (Some(record), _) if record.state != ConversationState::Ended => own,
            (_, Some(protocol)) if protocol.opens(act) => {
                Some(self.begin(saying, id.into(), protocol))
            }
            _ => None,
        };
        let Some(number) = number else { return };
        if let Some(record) = self.records.get_mut(&number)
            && record.initiator == *saying.from
            && record.protocol.opens(act)
        {
            record.call = Some(act);
        }
        steps.of(number);
    }

    /// Begins a conversation, which replaces one of the same id and initiator that has ended.
    fn begin(&mut self, saying: &Saying<'_>, id: Arc<str>, protocol: Protocol) -> u64 {
        if let Some(old) = self.own(&id, saying.from) {
            self.drop_record(old);
        }
        self.next_number += 1;
        let number = self.next_number;
        let now = saying.message.sent_at();
        let (from, owner) = (saying.from.clone(), saying.owner.clone());
        let record = Record::new(id.clone(), protocol, from, owner, now);
        self.weights.change(saying.owner, 0, record.bytes);
        self.ids.insert(&id, saying.from, number);
        self.records.insert(number, record);
        number
    }

    fn violation_of(
        &self,
        saying: &Saying<'_>,
        to: &Arc<str>,
        place: &Place,
        named: Option<Protocol>,
    ) -> Option<Violation> {
        match place {
            Place::In(_, Move::No(Note::Forwarded, _)) => None,
            Place::In(number, Move::No(note, at)) => {
                let record = self.records.get(number)?;
                let is_other = named.is_some_and(|named| named != record.protocol);
                let at = at.filter(|_| !is_other);
                Some(Violation {
                    to: to.clone(),
                    conversation: record.id.clone(),
                    protocol: record.protocol,
                    note: *note,
                    at,
                    is_known: true,
                })
            }
            Place::Unknown(protocol) => Some(Violation {
                to: to.clone(),
                conversation: saying.message.conversation_id().unwrap_or_default().into(),
                protocol: *protocol,
                note: Note::OutOfSequence,
                at: None,
                is_known: false,
            }),
            _ => None,
        }
    }

    /// Takes a planned step, and the steps of participants that the answer stands for.
    fn step(
        &mut self,
        saying: &Saying<'_>,
        to: &Arc<str>,
        number: u64,
        planned: Move,
        steps: &mut Steps,
    ) {
        let Some(record) = self.records.get_mut(&number) else { return };
        let (from, message) = (saying.from, saying.message);
        let now = message.sent_at();
        if record.state == ConversationState::Abandoned {
            // It goes on, so members that wait in it count again.
            record.state = ConversationState::Open;
            record.count_waits(&mut self.waits, now);
        }
        let touched = steps.of(number);
        let mut next = Some(planned);
        for _ in 0..MAX_PASSED_ON {
            let Some(planned) = next.take() else { return };
            let is_answer = matches!(planned, Move::Step(_, Role::Participant, _));
            let before = match &planned {
                Move::Step(at, ..) if saying.undo => Some(record.pairs[*at].clone()),
                _ => None,
            };
            let pairs = record.pairs.len();
            let (at, remarkable) = record.take(planned, from, to, message, now);
            touched.note = touched.note.or(remarkable);
            let Some(at) = at else { return };
            if saying.undo {
                touched.before.push((at, before));
            }
            record.count_wait(at, &mut self.waits, now);
            if record.pairs.len() > pairs {
                self.ids.pair_begins(number, record, at);
            }
            if is_answer {
                next = record.answered_for(at, message);
            }
        }
    }

    /// Keeps the message and its key in its conversations, and makes room for them.
    fn finish(&mut self, saying: &Saying<'_>, steps: Steps, entered: &mut Entered) {
        let message = saying.message;
        let now = message.sent_at();
        let mut said =
            Said { message_id: message.message_id().into(), before: SmallVec::new(), kept: false };
        let numbers: SmallVec<[u64; 1]> = steps.touched.iter().map(|(number, _)| *number).collect();
        for (number, touched) in steps.touched {
            let Some(record) = self.records.get_mut(&number) else { continue };
            if saying.is_first || !record.has_kept(message.message_id()) {
                record.keep(message, touched.note);
                said.kept = true;
                self.keep_key(number, saying);
            }
            self.weigh(number);
            self.touch(number, now);
            said.before.push((number, touched.before));
        }
        if saying.undo && !said.before.is_empty() {
            entered.said = Some(said);
        }
        entered.abandoned.append(&mut self.untold);
        self.make_room(&numbers, &mut entered.abandoned);
    }

    fn fault(&mut self, asker: &str, asked: &str, failure: &Message, deadline: bool) {
        let found = match failure.conversation_id() {
            Some(id) => self.pair_of(id, asker, asked),
            None => failure.in_reply_to().and_then(|key| {
                let number = self.keys.get(asker, key)?.record;
                Some((number, self.records.get(&number)?.pair_of(asker, asked)?))
            }),
        };
        let Some((number, at)) = found else { return };
        let note = if deadline { Note::Deadline } else { Note::Fault };
        self.change(number, failure.sent_at(), &[at], |record| {
            record.fault(at, deadline);
            record.keep(failure, Some(note));
        });
    }

    /// Changes some pairs of a conversation, and updates its waits, weight and place.
    fn change(&mut self, number: u64, now: u64, pairs: &[usize], change: impl FnOnce(&mut Record)) {
        let Some(record) = self.records.get_mut(&number) else { return };
        if record.state == ConversationState::Abandoned {
            record.state = ConversationState::Open;
            record.count_waits(&mut self.waits, now);
        }
        change(record);
        for at in pairs {
            record.count_wait(*at, &mut self.waits, now);
        }
        self.weigh(number);
        self.touch(number, now);
        // A conversation that goes on again may push out another.
        self.make_room_untold(&[number]);
    }
}

/// The error for a message that names a protocol that is not followed.
struct NotFollowed;

/// Returns the protocol that a message names, if it names one.
fn named_by(message: &Message) -> Result<Option<Protocol>, NotFollowed> {
    match message.protocol() {
        Some(name) => Protocol::named(name).map(Some).ok_or(NotFollowed),
        None => Ok(None),
    }
}

/// The most participants that one answer stands for, when a message was passed on again and again.
const MAX_PASSED_ON: usize = 64;

/// The changes that a message has made in the conversations that it belongs to, hardly ever more than one.
#[derive(Default)]
struct Steps {
    touched: SmallVec<[(u64, Touched); 1]>,
}

#[derive(Default)]
struct Touched {
    note: Option<Note>,
    before: Before,
}

impl Steps {
    fn of(&mut self, number: u64) -> &mut Touched {
        let at = match self.touched.iter().rposition(|(other, _)| *other == number) {
            Some(at) => at,
            None => {
                self.touched.push((number, Touched::default()));
                self.touched.len() - 1
            }
        };
        &mut self.touched[at].1
    }
}

mod room;

#[cfg(test)]
mod check;
