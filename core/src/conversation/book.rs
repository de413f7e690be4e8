//! Every conversation that names a protocol, followed as its messages pass.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::filter::ConversationFilter;
use super::machine::{Progress, Role, Settles, Stage};
use super::protocol::Protocol;
use super::record::{Move, Pair, Record};
use super::view::{Conversation, ConversationState, Note};
use super::waits::{Circle, Waits};
use crate::message::{Message, Performative};

/// The most `reply_with` by which answers are recognised.
const MAX_KEYS: usize = 200_000;

/// How much is kept.
struct Room {
    /// The most conversations that are open at once; the one that was idle for longest makes room.
    open: usize,
    /// The most that have come to their end.
    ended: usize,
    /// The most bytes of messages that all of them keep together.
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Room { open: 20_000, ended: 1024, bytes: 64 << 20 }
    }
}

/// The conversations of a runtime.
#[derive(Default)]
pub(crate) struct Book {
    table: Mutex<Table>,
    /// How many there are.
    all: AtomicUsize,
}

#[derive(Default)]
struct Table {
    records: HashMap<Arc<str>, Record>,
    /// Open ones, by when they were last heard of.
    open: BTreeMap<u64, Arc<str>>,
    /// Those that have come to their end, oldest first, with their place: one that was opened again
    /// has another.
    ended: VecDeque<(Arc<str>, u64)>,
    /// Conversations by the `reply_with` of their messages, for answers that name nothing else.
    keys: HashMap<Box<str>, Arc<str>>,
    waits: Waits,
    room: Room,
    bytes: usize,
    next_place: u64,
}

/// What is done with a message that the protocol does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It is entered with a note, and goes on.
    Observe,
    /// It does not reach the receivers that it is not allowed to.
    Strict,
    /// The same, and none of them if it is not allowed to all.
    AllOrNone,
}

/// What came of entering a message.
#[derive(Default)]
pub(crate) struct Entered {
    /// What the protocol did not allow.
    pub violations: Vec<Violation>,
    /// Agents that may wait for each other in a circle from now on.
    pub circle: Option<Circle>,
    /// Conversations that made room.
    pub abandoned: Vec<Arc<str>>,
    /// How it is taken back.
    pub said: Option<Said>,
}

/// A message that its protocol does not allow.
pub(crate) struct Violation {
    pub to: Arc<str>,
    pub conversation: Arc<str>,
    pub protocol: Protocol,
    pub note: Note,
    /// What might have been said in its place.
    pub allowed: Vec<Performative>,
    /// Whether the conversation is one that is followed.
    pub is_known: bool,
}

/// A message that was entered, and what it has changed.
pub(crate) struct Said {
    conversation: Arc<str>,
    message_id: Box<str>,
    /// Each pair, and what it was before; nothing if it began.
    before: Vec<(usize, Option<Pair>)>,
}

impl Book {
    /// A book in which nobody waits for the program, nor it for anybody, under this name: it does many
    /// things at once.
    pub fn of_program(name: &str) -> Self {
        let book = Book::default();
        book.table.lock().waits = Waits::without(name);
        book
    }

    /// Whether a message can be of interest here.
    pub fn concerns(&self, message: &Message) -> bool {
        message.protocol().is_some()
            || ((message.conversation_id().is_some() || message.in_reply_to().is_some())
                && self.all.load(Ordering::Acquire) > 0)
    }

    /// Enters a message of `from` to `to`. With `undo` the result says how it is taken back.
    pub fn enter(
        &self,
        from: &Arc<str>,
        to: &[Arc<str>],
        message: &Message,
        rule: Rule,
        undo: bool,
    ) -> Entered {
        let mut entered = Entered::default();
        let mut table = self.table.lock();
        table.enter(from, to, message, rule, undo, &mut entered);
        self.counted(&table);
        entered
    }

    /// The host says in `failure` that `asked` will not answer `asker`; with `deadline` it is only late.
    pub fn fault(&self, asker: &str, asked: &str, failure: &Message, deadline: bool) {
        let mut table = self.table.lock();
        table.fault(asker, asked, failure, deadline);
        self.counted(&table);
    }

    /// `asker` waits no longer for what it has asked `asked` in this conversation.
    pub fn gave_up(&self, conversation: &str, asker: &str, asked: &str, now: u64) {
        let mut table = self.table.lock();
        let pair = |record: &Record| Vec::from_iter(record.pair_of(asker, asked));
        table.change(conversation, now, pair, |record, pairs| {
            pairs.iter().for_each(|at| record.fault(*at, true));
        });
        self.counted(&table);
    }

    /// Takes back what was entered, which never happened.
    pub fn unsay(&self, said: Said, now: u64) {
        let mut table = self.table.lock();
        let pairs = said.before.iter().map(|(at, _)| *at).collect();
        table.change(
            &said.conversation,
            now,
            |_| pairs,
            |record, _| {
                record.unkeep(&said.message_id);
                for (at, before) in said.before {
                    record.put_back(at, before);
                }
            },
        );
        self.counted(&table);
    }

    /// Whom `asker` has asked in this conversation, as far as they have come to one of these stages.
    pub fn asked_at(&self, conversation: &str, asker: &str, stages: &[Stage]) -> Vec<Arc<str>> {
        let table = self.table.lock();
        let pairs = table.records.get(conversation).into_iter().flat_map(|record| &record.pairs);
        let at =
            pairs.filter(|pair| *pair.asker == *asker && stages.contains(&pair.progress.stage));
        at.map(|pair| pair.asked.clone()).collect()
    }

    /// Whether each of these waits for the next, as it did.
    pub fn stands(&self, circle: &Circle) -> bool {
        self.table.lock().waits.stands(circle)
    }

    /// The conversation with this id.
    pub fn view(&self, id: &str, now: u64) -> Option<Conversation> {
        self.table.lock().records.get(id).map(|record| record.view(now))
    }

    /// Those that match, in the order in which they began.
    pub fn list(&self, filter: &ConversationFilter, now: u64) -> Vec<Conversation> {
        let mut found: Vec<Conversation> = {
            let table = self.table.lock();
            let wanted = table.records.values().filter(|record| filter.wants(record));
            wanted.map(|record| record.view(now)).collect()
        };
        found.sort_by(|a, b| (a.began_at, &a.id).cmp(&(b.began_at, &b.id)));
        found
    }

    fn counted(&self, table: &Table) {
        self.all.store(table.records.len(), Ordering::Release);
    }
}

#[cfg(test)]
impl Book {
    /// A book with little room.
    pub fn small(open: usize, ended: usize, bytes: usize) -> Self {
        let book = Book::default();
        book.table.lock().room = Room { open, ended, bytes };
        book
    }

    /// Panics where what is counted is not what is there.
    pub fn check(&self) {
        self.table.lock().check();
    }
}

impl Table {
    fn enter(
        &mut self,
        from: &Arc<str>,
        to: &[Arc<str>],
        message: &Message,
        rule: Rule,
        undo: bool,
        entered: &mut Entered,
    ) {
        let named = message.protocol().map(Protocol::named);
        if named == Some(None) {
            return;
        }
        let named = named.flatten();
        let Some(id) = self.conversation_of(message) else { return };
        let act = message.performative();
        let begins = named.filter(|protocol| {
            Progress::START.step(*protocol, Role::Initiator, act, Settles::Other).is_some()
        });
        let violation = |to: &Arc<str>, protocol, note, allowed| Violation {
            to: to.clone(),
            conversation: id.clone(),
            protocol,
            note,
            allowed,
            is_known: true,
        };
        let is_new = match (self.records.get(&id), begins) {
            (None, Some(_)) => true,
            // An id that has come to its end may be used again.
            (Some(record), Some(_)) if record.state != ConversationState::Open => {
                !to.iter().any(|to| !matches!(record.plan(from, to, message), Move::No(..)))
            }
            (Some(_), _) => false,
            (None, None) => {
                // What nobody has begun, or nobody remembers, is no step of anything.
                let Some(protocol) = named else { return };
                let unknown = |to| Violation {
                    is_known: false,
                    ..violation(to, protocol, Note::OutOfSequence, Vec::new())
                };
                entered.violations.extend(to.iter().map(unknown));
                return;
            }
        };
        let now = message.sent_at();
        if let (true, Some(protocol)) = (is_new, begins) {
            self.drop_record(&id);
            let record = Record::new(id.clone(), protocol, from.clone(), now);
            self.records.insert(id.clone(), record);
        }
        let Some(record) = self.records.get_mut(&id) else { return };
        let is_other = named.is_some_and(|named| named != record.protocol);
        let protocol = record.protocol;
        let mut said = undo.then(|| Said {
            conversation: id.clone(),
            message_id: message.message_id().into(),
            before: Vec::new(),
        });
        if rule == Rule::AllOrNone {
            for to in to {
                if let Move::No(note, allowed) = record.plan(from, to, message)
                    && note != Note::Forwarded
                {
                    entered.violations.push(violation(to, protocol, note, allowed));
                }
            }
            if !entered.violations.is_empty() {
                return;
            }
        }
        take_up(record, &mut self.waits);
        if to.is_empty() {
            record.call = Some(act);
        }
        let (bytes, mut note) = (record.bytes, None);
        for to in to {
            let planned = match is_other {
                true => Move::No(Note::OutOfSequence, Vec::new()),
                false => record.plan(from, to, message),
            };
            if let Move::No(why, allowed) = &planned
                && *why != Note::Forwarded
            {
                entered.violations.push(violation(to, protocol, *why, allowed.clone()));
            }
            let mut step = Step { record, waits: &mut self.waits, from, to, message };
            step.take(planned, &mut note, &mut said, &mut entered.circle);
        }
        record.keep(message, note);
        if let Some(key) = message.reply_with()
            && self.keys.len() < MAX_KEYS
            && !self.keys.contains_key(key)
        {
            self.keys.insert(key.into(), id.clone());
            if let Some(forgotten) = record.keep_key(key) {
                self.keys.remove(&forgotten);
            }
        }
        self.bytes = self.bytes + record.bytes - bytes;
        entered.said = said;
        self.touch(&id, now);
        self.make_room(&id, &mut entered.abandoned);
    }

    /// The conversation that a message belongs to: by its id, or by what it answers.
    fn conversation_of(&self, message: &Message) -> Option<Arc<str>> {
        match message.conversation_id() {
            Some(id) => match self.records.get_key_value(id) {
                Some((id, _)) => Some(id.clone()),
                None => message.protocol().map(|_| id.into()),
            },
            None => self.keys.get(message.in_reply_to()?).cloned(),
        }
    }

    fn fault(&mut self, asker: &str, asked: &str, failure: &Message, deadline: bool) {
        let Some(id) = self.conversation_of(failure) else { return };
        let note = if deadline { Note::Deadline } else { Note::Fault };
        let pair = |record: &Record| Vec::from_iter(record.pair_of(asker, asked));
        self.change(&id, failure.sent_at(), pair, |record, pairs| {
            pairs.iter().for_each(|at| record.fault(*at, deadline));
            record.keep(failure, Some(note));
        });
    }

    /// Changes some pairs of a conversation that is here, and what follows from that.
    fn change(
        &mut self,
        id: &str,
        now: u64,
        pairs: impl FnOnce(&Record) -> Vec<usize>,
        change: impl FnOnce(&mut Record, &[usize]),
    ) {
        let Some((id, _)) = self.records.get_key_value(id) else { return };
        let id = id.clone();
        let Some(record) = self.records.get_mut(&id) else { return };
        take_up(record, &mut self.waits);
        let (bytes, pairs) = (record.bytes, pairs(record));
        for pair in pairs.iter().filter_map(|at| record.pairs.get(*at)) {
            if let Some((waiter, other)) = pair.wait(record.protocol) {
                self.waits.end(waiter, other, &record.id);
            }
        }
        change(record, &pairs);
        for pair in pairs.iter().filter_map(|at| record.pairs.get(*at)) {
            if let Some((waiter, other)) = pair.wait(record.protocol) {
                self.waits.begin(waiter, other, &record.id);
            }
        }
        self.bytes = self.bytes + record.bytes - bytes;
        self.touch(&id, now);
        // One that goes on again may take the place of another; who watches hears of that when it comes.
        self.make_room(&id, &mut Vec::new());
    }

    /// A conversation has changed: where it belongs now.
    fn touch(&mut self, id: &Arc<str>, now: u64) {
        let Some(record) = self.records.get_mut(id) else { return };
        self.open.remove(&record.touched);
        self.next_place += 1;
        if record.unfinished > 0 {
            record.touched = self.next_place;
            record.state = ConversationState::Open;
            record.ended_at = None;
            self.open.insert(record.touched, id.clone());
        } else if record.state == ConversationState::Open {
            record.touched = self.next_place;
            record.ended_at = Some(now);
            self.end(id, ConversationState::Ended);
        }
    }

    fn end(&mut self, id: &Arc<str>, state: ConversationState) {
        let Some(record) = self.records.get_mut(id) else { return };
        record.state = state;
        let place = record.touched;
        if state == ConversationState::Abandoned {
            for pair in &record.pairs {
                if let Some((waiter, other)) = pair.wait(record.protocol) {
                    self.waits.end(waiter, other, &record.id);
                }
            }
        }
        self.ended.push_back((id.clone(), place));
    }

    /// Lets the oldest go where there are too many.
    fn make_room(&mut self, but: &Arc<str>, abandoned: &mut Vec<Arc<str>>) {
        while self.open.len() > self.room.open
            || (self.bytes > self.room.bytes && self.ended.is_empty())
        {
            let Some(oldest) = self.open.iter().find(|(_, id)| *id != but) else { break };
            let (place, id) = (*oldest.0, oldest.1.clone());
            self.open.remove(&place);
            self.end(&id, ConversationState::Abandoned);
            abandoned.push(id);
        }
        while self.ended.len() > self.room.ended || self.bytes > self.room.bytes {
            let Some((id, place)) = self.ended.pop_front() else { break };
            // One that was opened again is somewhere else.
            let is_still_there = self.records.get(&id).is_some_and(|record| {
                record.touched == place && record.state != ConversationState::Open
            });
            if is_still_there {
                self.drop_record(&id);
            }
        }
    }

    fn drop_record(&mut self, id: &str) {
        let Some(record) = self.records.remove(id) else { return };
        self.open.remove(&record.touched);
        self.bytes -= record.bytes;
        if record.state == ConversationState::Open {
            for pair in &record.pairs {
                if let Some((waiter, other)) = pair.wait(record.protocol) {
                    self.waits.end(waiter, other, &record.id);
                }
            }
        }
        for key in &record.keys {
            self.keys.remove(key);
        }
    }
}

/// A conversation that was given up goes on: who waits in it counts again.
fn take_up(record: &mut Record, waits: &mut Waits) {
    if record.state != ConversationState::Abandoned {
        return;
    }
    record.state = ConversationState::Open;
    for pair in &record.pairs {
        if let Some((waiter, other)) = pair.wait(record.protocol) {
            waits.begin(waiter, other, &record.id);
        }
    }
}

/// The most that are answered for by one answer, when something was passed on again and again.
const MAX_PASSED_ON: usize = 64;

/// A message on its way into its conversation, for one receiver.
struct Step<'a> {
    record: &'a mut Record,
    waits: &'a mut Waits,
    from: &'a Arc<str>,
    to: &'a Arc<str>,
    message: &'a Message,
}

impl Step<'_> {
    /// Takes a planned step, and those of whoever is answered for by it.
    fn take(
        &mut self,
        planned: Move,
        note: &mut Option<Note>,
        said: &mut Option<Said>,
        circle: &mut Option<Circle>,
    ) {
        let mut next = Some(planned);
        for _ in 0..MAX_PASSED_ON {
            let Some(planned) = next.take() else { return };
            let is_answer = matches!(planned, Move::Step(_, Role::Participant, _));
            let at = match &planned {
                Move::Step(at, ..) => Some(*at),
                Move::Begin(_) | Move::Join(_) | Move::No(..) => None,
            };
            let before = at.map(|at| self.record.pairs[at].clone());
            let Step { from, to, message, .. } = *self;
            let (at, remarkable) = self.record.take(planned, from, to, message, message.sent_at());
            *note = note.or(remarkable);
            let Some(at) = at else { return };
            let protocol = self.record.protocol;
            if let Some((waiter, other)) = before.as_ref().and_then(|pair| pair.wait(protocol)) {
                self.waits.end(waiter, other, &self.record.id);
            }
            if let Some(said) = said {
                said.before.push((at, before));
            }
            if let Some((waiter, other)) = self.record.pairs[at].wait(protocol)
                && self.waits.begin(waiter, other, &self.record.id)
                && let Some(closed) = self.waits.circle(waiter, other)
            {
                *circle = Some(closed);
            }
            if is_answer {
                next = self.record.answered_for(at, message);
            }
        }
    }
}

#[cfg(test)]
impl Table {
    fn check(&self) {
        let mut waits = Waits::default();
        let mut bytes = 0;
        for (id, record) in &self.records {
            assert_eq!(*id, record.id);
            record.check();
            bytes += record.bytes;
            let is_open = record.state == ConversationState::Open;
            let is_ended = record.state == ConversationState::Ended;
            assert_eq!(is_ended, record.unfinished == 0, "{:?}", record.view(0));
            assert_eq!(is_open, self.open.get(&record.touched) == Some(id));
            assert_eq!(is_ended, record.ended_at.is_some());
            if is_open {
                for pair in &record.pairs {
                    if let Some((waiter, other)) = pair.wait(record.protocol) {
                        waits.begin(waiter, other, &record.id);
                    }
                }
            }
            for key in &record.keys {
                assert_eq!(self.keys.get(key), Some(id));
            }
        }
        let keys: usize = self.records.values().map(|record| record.keys.len()).sum();
        assert_eq!(self.keys.len(), keys);
        assert_eq!(self.bytes, bytes);
        assert!(self.waits.is_like(&waits), "{:?} beside {waits:?}", self.waits);
        assert!(self.open.len() <= self.room.open && self.ended.len() <= self.room.ended);
        // Each that is not open is among those that have ended, and so goes one day.
        for record in self.records.values().filter(|it| it.state != ConversationState::Open) {
            assert!(self.ended.contains(&(record.id.clone(), record.touched)));
        }
    }
}
