//! Every conversation that names a protocol, followed as its messages pass.
//!
//! A conversation has the id that its messages name. Where protocols are strict, that alone does not say
//! which one a message belongs to: whoever used the id first would keep others out of theirs. There a
//! conversation is one id and whoever began it, and a message belongs where its sender and its receiver
//! do.

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

/// How much is kept.
pub(crate) struct Room {
    /// The most conversations that are open at once.
    pub open: usize,
    /// The most that have come to their end.
    pub ended: usize,
    /// The most bytes of all of them.
    pub bytes: usize,
    /// The most `reply_with` by which answers are recognised.
    pub keys: usize,
}

impl Default for Room {
    fn default() -> Self {
        Room { open: 20_000, ended: 1024, bytes: 128 << 20, keys: 200_000 }
    }
}

/// Conversations that are handed over under one hold of the lock.
const BATCH: usize = 64;

/// The conversations of a runtime.
pub(crate) struct Book {
    table: Mutex<Table>,
    /// Number of them.
    all: AtomicUsize,
}

#[derive(Default)]
pub(super) struct Table {
    pub records: HashMap<u64, Record>,
    pub ids: Ids,
    pub keys: Keys,
    /// Open ones, by when they were last heard of.
    open: Shares<u64>,
    /// Those that have come to their end.
    ended: Shares<u64>,
    /// Where each key was entered, and in which conversation.
    key_places: Shares<u64>,
    weights: Weights,
    pub waits: Waits,
    pub is_strict: bool,
    room: Room,
    next_place: u64,
    next_number: u64,
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

/// A message on its way into its conversation, or a part of its receivers.
pub(crate) struct Saying<'a> {
    pub from: &'a Arc<str>,
    /// Who is charged for what it begins.
    pub owner: &'a Owner,
    pub message: &'a Message,
    pub rule: Rule,
    /// These are its first receivers: with them the message itself is kept.
    pub is_first: bool,
    /// The result says how it is taken back.
    pub undo: bool,
}

/// What came of entering a message.
#[derive(Default)]
pub(crate) struct Entered {
    /// What the protocol did not allow.
    pub violations: Vec<Violation>,
    /// Somebody waits, and circles of waiting are to be looked for.
    pub look: bool,
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
    /// How far the two have come; nothing where they have no conversation.
    at: Option<(Progress, Role)>,
    /// There is such a conversation, in which the two have nothing to say to each other.
    is_known: bool,
}

impl Violation {
    /// Returns true if the two have a conversation with this id.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// What might have been said in its place.
    pub fn allowed(&self) -> Vec<Performative> {
        match self.at {
            Some((progress, role)) => progress.allowed(self.protocol, role),
            None if self.is_known => Vec::new(),
            None => self.protocol.openings().to_vec(),
        }
    }
}

/// Pairs of a conversation, and what each was; nothing if it began.
type Before = Vec<(usize, Option<Pair>)>;

/// A message that was entered, and what it has changed.
pub(crate) struct Said {
    message_id: Box<str>,
    /// Conversations, each with its pairs and what they were before.
    before: SmallVec<[(u64, Before); 1]>,
    /// The conversations in which the message was kept.
    kept: bool,
}

impl Default for Book {
    fn default() -> Self {
        Book { table: Mutex::default(), all: AtomicUsize::new(0) }
    }
}

impl Book {
    /// A book in which nobody waits for the program, nor it for anybody, under this name: it does many
    /// things at once.
    pub fn of_program(name: &str, is_strict: bool) -> Self {
        let table = Table { waits: Waits::without(name), is_strict, ..Table::default() };
        Book { table: Mutex::new(table), ..Book::default() }
    }

    /// Returns true if a message can be of interest here.
    pub fn concerns(&self, message: &Message) -> bool {
        message.protocol().is_some()
            || ((message.conversation_id().is_some() || message.in_reply_to().is_some())
                && self.all.load(Ordering::Acquire) > 0)
    }

    /// Enters a message to `to`, who are all or some of its receivers.
    pub fn enter(&self, saying: &Saying<'_>, to: &[Arc<str>]) -> Entered {
        let mut entered = Entered::default();
        let mut table = self.table.lock();
        table.enter(saying, to, &mut entered);
        entered.look = table.waits.wants_look();
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
        if let Some((number, at)) = table.pair_of(conversation, asker, asked) {
            table.change(number, now, &[at], |record| record.fault(at, true));
        }
        self.counted(&table);
    }

    /// Takes back what was entered, which never happened.
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

    /// Whom `asker` has asked in this conversation, as far as they have come to one of these stages.
    pub fn asked_at(&self, conversation: &str, asker: &str, stages: &[Stage]) -> Vec<Arc<str>> {
        let table = self.table.lock();
        let record = table.begun_by(conversation, asker);
        let pairs = record.into_iter().flat_map(|record| &record.pairs);
        let at =
            pairs.filter(|pair| *pair.asker == *asker && stages.contains(&pair.progress.stage));
        at.map(|pair| pair.asked.clone()).collect()
    }

    /// Looks for circles of agents that wait for each other, for one slice.
    pub fn look(&self, now: u64) -> Vec<Circle> {
        self.table.lock().waits.look(now)
    }

    /// When to look next, in microseconds since the Unix epoch; nothing if there is nothing to look for.
    pub fn next_look(&self, now: u64) -> Option<u64> {
        self.table.lock().waits.next_look(now)
    }

    /// A circle in which somebody is busy is looked at again.
    pub fn look_again(&self, circle: &Circle) {
        self.table.lock().waits.look_again(circle);
    }

    /// Marks a circle as told; returns false if it has been broken meanwhile.
    pub fn tell_circle(&self, circle: &Circle) -> bool {
        self.table.lock().waits.tell(circle)
    }

    /// The conversation with this id. Where several have it, the one that the program began, and else
    /// the oldest.
    pub fn view(&self, id: &str, now: u64) -> Option<Conversation> {
        let table = self.table.lock();
        table.begun_by(id, table.waits.but()).map(|record| record.view(now))
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

    /// What `from` has here is `to`'s from now on.
    pub fn hand_over(&self, from: &Owner, to: &Owner) {
        while self.table.lock().hand_over(from, to) {}
    }

    fn counted(&self, table: &Table) {
        self.all.store(table.records.len(), Ordering::Release);
    }
}

#[cfg(test)]
impl Book {
    /// A book with little room.
    pub fn small(is_strict: bool, room: Room) -> Self {
        let table = Table { room, is_strict, ..Table::default() };
        Book { table: Mutex::new(table), ..Book::default() }
    }

    /// Panics where what is counted is not what is there.
    pub fn check(&self) {
        self.table.lock().check();
    }

    /// Steps that who waits for whom has taken so far.
    pub fn steps(&self) -> u64 {
        self.table.lock().waits.steps
    }

    /// Bytes that all of it is charged for.
    pub fn bytes(&self) -> usize {
        self.table.lock().weights.total()
    }

    /// Number of keys that are remembered.
    pub fn keys(&self) -> usize {
        self.table.lock().keys.len()
    }
}

impl Table {
    fn enter(&mut self, saying: &Saying<'_>, to: &[Arc<str>], entered: &mut Entered) {
        let message = saying.message;
        let named = message.protocol().map(Protocol::named);
        if named == Some(None) {
            return;
        }
        let named = named.flatten();
        let mut steps = Steps::default();
        if let Some((protocol, id)) = self.begins_anew(saying, to, named) {
            self.begin(saying, id, protocol);
        }
        if saying.rule == Rule::AllOrNone {
            for to in to {
                let place = self.place_of(saying, to, named);
                self.violation_of(saying, to, &place, named, entered);
            }
            if !entered.violations.is_empty() {
                return;
            }
        }
        if saying.is_first && message.topic().is_some() {
            self.call(saying, named, &mut steps);
        }
        for to in to {
            let place = self.place_of(saying, to, named);
            self.violation_of(saying, to, &place, named, entered);
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

    /// Something is said to a topic: whoever hears it may answer.
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

    /// Begins a conversation in place of one that has come to its end.
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
        entered: &mut Entered,
    ) {
        let violation = match place {
            Place::In(_, Move::No(Note::Forwarded, _)) => return,
            Place::In(number, Move::No(note, at)) => {
                let Some(record) = self.records.get(number) else { return };
                let is_other = named.is_some_and(|named| named != record.protocol);
                let at = at.filter(|_| !is_other);
                Violation {
                    to: to.clone(),
                    conversation: record.id.clone(),
                    protocol: record.protocol,
                    note: *note,
                    at,
                    is_known: true,
                }
            }
            Place::Unknown(protocol) => Violation {
                to: to.clone(),
                conversation: saying.message.conversation_id().unwrap_or_default().into(),
                protocol: *protocol,
                note: Note::OutOfSequence,
                at: None,
                is_known: false,
            },
            _ => return,
        };
        entered.violations.push(violation);
    }

    /// Takes a planned step, and those of whoever is answered for by it.
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
            // It goes on: who waits in it counts again.
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
            if record.pairs.len() > pairs && self.is_strict {
                self.ids.pair_begins(number, record, at);
            }
            if is_answer {
                next = record.answered_for(at, message);
            }
        }
    }

    /// Keeps the message where it was said, with its key, and makes room for it.
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
        self.make_room(&numbers, &mut entered.abandoned);
    }

    fn keep_key(&mut self, number: u64, saying: &Saying<'_>) {
        let message = saying.message;
        let Some(key) = message.reply_with() else { return };
        let is_own = message.reply_to().is_none_or(|to| to == &**saying.from);
        let to: Arc<str> = match message.reply_to() {
            Some(to) if !is_own => to.into(),
            _ => saying.from.clone(),
        };
        let old = self.keys.get(&to, key);
        let old_is_open = old
            .and_then(|old| self.records.get(&old.record))
            .is_some_and(|record| record.state == ConversationState::Open);
        if old.is_some_and(|old| old.record == number || (old.is_own && !is_own))
            || (old_is_open && old.is_some_and(|old| old.is_own == is_own))
        {
            return;
        }
        self.next_place += 1;
        let place = self.next_place;
        let Some(record) = self.records.get_mut(&number) else { return };
        self.keys.insert(&to, key, number, is_own);
        self.key_places.insert(&record.owner, place, number);
        let owner = record.owner.clone();
        if let Some(forgotten) = record.keep_key(place, &to, key) {
            self.forget(&owner, number, forgotten);
        }
        while self.key_places.len() > self.room.keys {
            let Some((_, _, oldest)) = self.key_places.oldest_of_greatest(None) else { return };
            let oldest = *oldest;
            let Some(record) = self.records.get_mut(&oldest) else { return };
            let owner = record.owner.clone();
            let Some(forgotten) = record.forget_key() else { return };
            self.forget(&owner, oldest, forgotten);
            self.weigh(oldest);
        }
    }

    fn forget(&mut self, owner: &Owner, number: u64, (place, to, key): (u64, Arc<str>, Box<str>)) {
        self.key_places.remove(owner, place);
        self.keys.remove(&to, &key, number);
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

    /// Changes some pairs of a conversation that is here, and what follows from that.
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
        // One that goes on again may take the place of another; who watches hears of that when it comes.
        self.make_room(&[number], &mut Vec::new());
    }

    /// Counts what a conversation takes now.
    fn weigh(&mut self, number: u64) {
        let Some(record) = self.records.get_mut(&number) else { return };
        let before = record.recharge();
        self.weights.change(&record.owner, before, record.bytes);
    }

    /// A conversation has changed: where it belongs now.
    fn touch(&mut self, number: u64, now: u64) {
        let Some(record) = self.records.get_mut(&number) else { return };
        let (owner, place) = (record.owner.clone(), record.touched);
        self.next_place += 1;
        if record.unfinished > 0 {
            self.ended.remove(&owner, place);
            self.open.remove(&owner, place);
            record.touched = self.next_place;
            record.state = ConversationState::Open;
            record.ended_at = None;
            self.open.insert(&owner, record.touched, number);
        } else if record.state == ConversationState::Open {
            self.ended.remove(&owner, place);
            self.open.remove(&owner, place);
            record.touched = self.next_place;
            record.state = ConversationState::Ended;
            record.ended_at = Some(now);
            self.ended.insert(&owner, record.touched, number);
        }
    }

    /// Lets go where there are too many, or too much: of whoever has most, the oldest. Those in `but`
    /// have just been heard of.
    fn make_room(&mut self, but: &[u64], abandoned: &mut Vec<Arc<str>>) {
        let spared = match but {
            [only] => self.records.get(only).map(|record| record.touched),
            _ => None,
        };
        while self.open.len() > self.room.open {
            let Some((_, _, number)) = self.open.oldest_of_greatest(spared) else { break };
            self.abandon(*number, abandoned);
        }
        while self.ended.len() > self.room.ended {
            let Some((_, _, number)) = self.ended.oldest_of_greatest(None) else { break };
            self.drop_record(*number);
        }
        while self.weights.total() > self.room.bytes {
            let Some(owner) = self.weights.greatest() else { break };
            let oldest = self.ended.oldest_of(&owner).map(|(_, number)| *number);
            match oldest {
                Some(number) => self.drop_record(number),
                None => match self.open.oldest_of(&owner).map(|(_, number)| *number) {
                    Some(number) => self.abandon(number, abandoned),
                    None => break,
                },
            }
        }
    }

    /// Gives an open conversation up; it stands among those that have ended.
    fn abandon(&mut self, number: u64, abandoned: &mut Vec<Arc<str>>) {
        let Some(record) = self.records.get_mut(&number) else { return };
        abandoned.push(record.id.clone());
        record.state = ConversationState::Abandoned;
        self.open.remove(&record.owner, record.touched);
        self.ended.insert(&record.owner, record.touched, number);
        record.count_waits(&mut self.waits, 0);
    }

    fn drop_record(&mut self, number: u64) {
        let Some(mut record) = self.records.remove(&number) else { return };
        let owner = record.owner.clone();
        self.open.remove(&owner, record.touched);
        self.ended.remove(&owner, record.touched);
        self.weights.change(&owner, record.weighed(), 0);
        record.state = ConversationState::Abandoned;
        record.count_waits(&mut self.waits, 0);
        while let Some(key) = record.forget_key() {
            self.forget(&owner, number, key);
        }
        self.ids.remove(number, &record);
    }

    /// Hands some of what an owner has over to another; returns false if nothing was left.
    fn hand_over(&mut self, from: &Owner, to: &Owner) -> bool {
        for _ in 0..BATCH {
            let oldest = self.open.oldest_of(from).or_else(|| self.ended.oldest_of(from));
            let Some(number) = oldest.map(|(_, number)| *number) else { return false };
            let Some(record) = self.records.get_mut(&number) else { return false };
            let place = record.touched;
            if self.open.remove(from, place).is_some() {
                self.open.insert(to, place, number);
            } else if self.ended.remove(from, place).is_some() {
                self.ended.insert(to, place, number);
            }
            for (place, _, _) in &record.keys {
                if self.key_places.remove(from, *place).is_some() {
                    self.key_places.insert(to, *place, number);
                }
            }
            self.weights.change(from, record.weighed(), 0);
            self.weights.change(to, 0, record.weighed());
            record.hand_over(to);
        }
        true
    }
}

/// The most that are answered for by one answer, when something was passed on again and again.
const MAX_PASSED_ON: usize = 64;

/// What a message has done in the conversations that it belongs to: hardly ever more than one.
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

#[cfg(test)]
mod check;
