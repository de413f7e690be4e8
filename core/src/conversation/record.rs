//! What the runtime remembers of one conversation: its messages, and how far each pair has come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::machine::{Progress, Role, Settles, Stage};
use super::protocol::Protocol;
use super::view::{Conversation, ConversationState, Exchanged, Note, Participant};
use super::waits::Waits;
use crate::account::Charge;
use crate::message::{Message, Performative};
use crate::shares::Owner;

/// Messages that are kept from the beginning of a conversation, and from its end.
const HEAD: usize = 64;
const TAIL: usize = 192;
/// The most bytes of messages that one conversation keeps.
const MAX_BYTES: usize = 1 << 20;
/// A message above this size is kept without its content.
const MAX_MESSAGE: usize = 64 << 10;
/// The most pairs in one conversation; further ones are not followed.
const MAX_PAIRS: usize = 10_000;
/// The most `reply_with` by which answers are recognised that name no conversation.
const MAX_KEYS: usize = 256;
/// Up to so many pairs are looked through one by one.
const FEW: usize = 8;
/// What a conversation is charged for beside its messages, and each of its pairs and keys.
const OWN_BYTES: usize = 1024;
const PAIR_BYTES: usize = 512;
const KEY_BYTES: usize = 160;

/// One conversation.
pub(super) struct Record {
    pub id: Arc<str>,
    pub protocol: Protocol,
    pub initiator: Arc<str>,
    pub state: ConversationState,
    /// Who began it.
    pub owner: Owner,
    /// What it takes, and what whoever began it is charged for.
    pub bytes: usize,
    charge: Charge,
    pub pairs: Vec<Pair>,
    /// Pairs by their names, where there are many.
    index: Option<Box<Index>>,
    /// Pairs that have still something to say.
    pub unfinished: usize,
    head: Vec<Exchanged>,
    tail: VecDeque<Exchanged>,
    omitted: u64,
    /// The `reply_with` of its messages: where each stands, whom answers reach, and what it is.
    pub keys: VecDeque<(u64, Arc<str>, Box<str>)>,
    pub began_at: u64,
    pub ended_at: Option<u64>,
    /// Its place among those where it stands, by when it was last heard of.
    pub touched: u64,
    pub stands: Stands,
    /// What was said to a topic: whoever heard it may answer.
    pub call: Option<Performative>,
}

/// Among which conversations one stands, of those that make room for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Nowhere,
    Open,
    Ended,
}

/// Pairs by their names: who asked, or whom answers go to, and then who was asked.
#[derive(Default)]
struct Index {
    by_asker: HashMap<Arc<str>, HashMap<Arc<str>, u32>>,
    /// The same by whom answers go to, where that is somebody else; the first of several.
    by_answer_to: HashMap<Arc<str>, HashMap<Arc<str>, u32>>,
    asked: HashSet<Arc<str>>,
}

impl Index {
    fn insert(&mut self, at: u32, pair: &Pair) {
        let askers = self.by_asker.entry(pair.asker.clone()).or_default();
        askers.entry(pair.asked.clone()).or_insert(at);
        if pair.answer_to != pair.asker {
            let others = self.by_answer_to.entry(pair.answer_to.clone()).or_default();
            others.entry(pair.asked.clone()).or_insert(at);
        }
        self.asked.insert(pair.asked.clone());
    }
}

/// Who asked, and who was asked.
#[derive(Clone)]
pub(super) struct Pair {
    pub asker: Arc<str>,
    /// Where answers go.
    pub answer_to: Arc<str>,
    pub asked: Arc<str>,
    pub progress: Progress,
    pub due_by: Option<u64>,
    late: bool,
    /// It counts among those that have still something to say.
    is_open: bool,
    /// Who said what last.
    last: Option<(Role, Performative)>,
    /// The `reply_with` of a `cancel` that waits for its answer.
    cancel_key: Option<Box<str>>,
    asked_at: u64,
    answered_at: Option<u64>,
    /// The number of its waiting, while its answer is waited for.
    waiting: Option<u64>,
}

/// What one receiver of a message makes of it.
pub(super) enum Move {
    /// The protocol allows it: the pair and where it goes.
    Step(usize, Role, Progress),
    /// It begins a pair.
    Begin(Progress),
    /// It answers what was said to a topic, which begins a pair too.
    Join(Progress),
    /// The protocol does not allow it; why, and how far the pair has come, where there is one.
    No(Note, Option<(Progress, Role)>),
}

impl Record {
    pub fn new(
        id: Arc<str>,
        protocol: Protocol,
        initiator: Arc<str>,
        owner: Owner,
        now: u64,
    ) -> Self {
        Record {
            id,
            protocol,
            initiator,
            state: ConversationState::Open,
            charge: owner.account().charge(OWN_BYTES),
            owner,
            bytes: OWN_BYTES,
            pairs: Vec::new(),
            index: None,
            unfinished: 0,
            head: Vec::new(),
            tail: VecDeque::new(),
            omitted: 0,
            keys: VecDeque::new(),
            began_at: now,
            ended_at: None,
            touched: 0,
            stands: Stands::Nowhere,
            call: None,
        }
    }

    /// Charges what the conversation takes now; what it was charged for before, in bytes.
    pub fn recharge(&mut self) -> usize {
        let before = self.weighed();
        self.charge.resize(self.bytes);
        before
    }

    /// Bytes that are charged.
    pub fn weighed(&self) -> usize {
        usize::try_from(self.charge.bytes()).unwrap_or(usize::MAX)
    }

    /// Returns true if this message is among those that are kept.
    pub fn has_kept(&self, message_id: &str) -> bool {
        let is_it = |said: &Exchanged| said.message.message_id() == message_id;
        self.tail.iter().rev().any(is_it) || self.head.iter().rev().any(is_it)
    }

    /// Somebody else has it from now on, and is charged.
    pub fn hand_over(&mut self, owner: &Owner) {
        self.owner = owner.clone();
        self.charge.move_to(owner.account());
    }

    fn find(&self, asked: &str, is: impl Fn(&Pair) -> bool) -> Option<usize> {
        self.pairs.iter().position(|pair| *pair.asked == *asked && is(pair))
    }

    /// The pair of `asker` and `asked`.
    pub fn pair_of(&self, asker: &str, asked: &str) -> Option<usize> {
        match &self.index {
            None => self.find(asked, |pair| *pair.asker == *asker),
            Some(index) => index.by_asker.get(asker)?.get(asked).map(|at| *at as usize),
        }
    }

    /// The first pair in which `asked` was asked and answers go to `to`.
    pub fn answering(&self, to: &str, asked: &str) -> Option<usize> {
        let Some(index) = &self.index else {
            return self.find(asked, |pair| *pair.answer_to == *to);
        };
        let own =
            self.pair_of(to, asked).filter(|at| self.pairs[*at].answer_to == self.pairs[*at].asker);
        let other = index.by_answer_to.get(to).and_then(|others| others.get(asked));
        own.into_iter().chain(other.map(|at| *at as usize)).min()
    }

    /// Returns true if the answer of this pair is due and not past its time.
    pub fn is_waited_for(&self, at: usize) -> bool {
        self.pairs.get(at).is_some_and(|pair| pair.is_waited_for(self.protocol))
    }

    /// Returns true if somebody takes part.
    pub fn is_party(&self, name: &str) -> bool {
        *self.initiator == *name
            || match &self.index {
                None => self.find(name, |_| true).is_some(),
                Some(index) => index.asked.contains(name),
            }
    }

    /// What a message of `from` to `to` would do.
    pub fn plan(&self, from: &str, to: &str, message: &Message) -> Move {
        let act = message.performative();
        let as_asker = self.pair_of(from, to);
        let as_asked = self.pair_of(to, from).into_iter().chain(self.answering(to, from)).min();
        let sides = [(as_asker, Role::Initiator), (as_asked, Role::Participant)];
        let mut known = None;
        for (at, role) in sides {
            let Some(at) = at else { continue };
            let pair = &self.pairs[at];
            if let Some(next) = pair.step(self.protocol, role, message) {
                return Move::Step(at, role, next);
            }
            known = known.or(Some((pair, role)));
        }
        let begins = Progress::START.step(self.protocol, Role::Initiator, act, Settles::Other);
        if let Some(progress) = begins
            && as_asker.is_none()
            && self.is_party(from)
            && self.pairs.len() < MAX_PAIRS
        {
            return Move::Begin(progress);
        }
        if let Some(call) = self.call
            && known.is_none()
            && *self.initiator == *to
            && self.pairs.len() < MAX_PAIRS
            && let Some(called) =
                Progress::START.step(self.protocol, Role::Initiator, call, Settles::Other)
            && let Some(joined) = called.step(self.protocol, Role::Participant, act, Settles::Other)
        {
            return Move::Join(joined);
        }
        match known {
            Some((pair, role)) => {
                let note = match pair.last == Some((role, act)) {
                    true => Note::Repeated,
                    false => Note::OutOfSequence,
                };
                Move::No(note, Some((pair.progress, role)))
            }
            // Those that a recruiter found answer the initiator directly.
            None if self.protocol == Protocol::Recruiting
                && *self.initiator == *to
                && super::protocol::FORWARDED.contains(&act) =>
            {
                Move::No(Note::Forwarded, None)
            }
            None => Move::No(Note::OutOfSequence, None),
        }
    }

    /// Takes a step that [`Record::plan`] has allowed; the pair, and what is remarkable.
    pub fn take(
        &mut self,
        planned: Move,
        from: &Arc<str>,
        to: &Arc<str>,
        message: &Message,
        now: u64,
    ) -> (Option<usize>, Option<Note>) {
        let (at, role, next) = match planned {
            Move::No(note, _) => return (None, Some(note)),
            Move::Step(at, role, next) => (at, role, next),
            Move::Begin(next) => {
                // Most pairs of a conversation are of one message, and share the name for its answers.
                let answer_to = match (message.reply_to(), self.pairs.last()) {
                    (None, _) => from.clone(),
                    (Some(to), Some(last)) if *last.answer_to == *to => last.answer_to.clone(),
                    (Some(to), _) => to.into(),
                };
                (self.begin(from, to, answer_to, now), Role::Initiator, next)
            }
            Move::Join(next) => (self.begin(to, from, to.clone(), now), Role::Participant, next),
        };
        let protocol = self.protocol;
        let pair = &mut self.pairs[at];
        let before = pair.bytes();
        let mut note = None;
        if role == Role::Participant {
            if pair.late || pair.due_by.is_some_and(|due| due < now) {
                pair.late = true;
                note = Some(Note::Late);
            }
            pair.answered_at.get_or_insert(now);
        }
        if !next.cancelling {
            pair.cancel_key = None;
        } else if !pair.progress.cancelling {
            pair.cancel_key = message.reply_with().map(Into::into);
        }
        pair.progress = next;
        pair.last = Some((role, message.performative()));
        pair.due_by = message.reply_by().filter(|_| next.due(protocol) == Some(role.other()));
        if role == Role::Initiator && message.performative() != Performative::Cancel {
            pair.late = false;
        }
        self.bytes = self.bytes + pair.bytes() - before;
        self.count(at);
        (Some(at), note)
    }

    fn begin(
        &mut self,
        asker: &Arc<str>,
        asked: &Arc<str>,
        answer_to: Arc<str>,
        now: u64,
    ) -> usize {
        let at = self.pairs.len();
        self.pairs.push(Pair {
            asker: asker.clone(),
            answer_to,
            asked: asked.clone(),
            progress: Progress::START,
            due_by: None,
            late: false,
            is_open: false,
            last: None,
            cancel_key: None,
            asked_at: now,
            answered_at: None,
            waiting: None,
        });
        self.bytes += self.pairs[at].bytes();
        match &mut self.index {
            Some(index) => index.insert(at as u32, &self.pairs[at]),
            None if at < FEW => {}
            None => {
                let mut index = Index::default();
                self.pairs.iter().zip(0..).for_each(|(pair, at)| index.insert(at, pair));
                self.index = Some(Box::new(index));
            }
        }
        at
    }

    /// Whoever passed something on is answered for by whom it was passed on to: the move of that pair.
    pub fn answered_for(&self, at: usize, message: &Message) -> Option<Move> {
        let pair = &self.pairs[at];
        if pair.answer_to == pair.asker {
            return None;
        }
        let before = self.answering(&pair.answer_to, &pair.asker)?;
        let next = self.pairs[before].step(self.protocol, Role::Participant, message)?;
        Some(Move::Step(before, Role::Participant, next))
    }

    /// Enters whether the answer of a pair is waited for now.
    pub fn count_wait(&mut self, at: usize, waits: &mut Waits, now: u64) {
        let counts = self.state != ConversationState::Abandoned;
        let protocol = self.protocol;
        let pair = &mut self.pairs[at];
        match (pair.waiting, counts && pair.is_waited_for(protocol)) {
            (None, true) => pair.waiting = waits.begin(&pair.asker, &pair.asked, now),
            (Some(wait), false) => {
                waits.end(&pair.asker, &pair.asked, wait);
                pair.waiting = None;
            }
            _ => {}
        }
    }

    /// The same for all pairs, of a conversation that was given up, or goes on after that.
    pub fn count_waits(&mut self, waits: &mut Waits, now: u64) {
        (0..self.pairs.len()).for_each(|at| self.count_wait(at, waits, now));
    }

    /// The runtime reports that `asked` will not answer: with `deadline` it is only late.
    pub fn fault(&mut self, at: usize, deadline: bool) {
        let protocol = self.protocol;
        let pair = &mut self.pairs[at];
        if deadline {
            pair.late = true;
            pair.due_by = None;
        } else if !pair.progress.is_end(protocol) {
            pair.progress = Progress { stage: Stage::Failed, cancelling: false };
            pair.due_by = None;
        }
        self.count(at);
    }

    /// Counts a pair anew that has changed.
    fn count(&mut self, at: usize) {
        let pair = &mut self.pairs[at];
        let is_open = pair.has_more(self.protocol);
        let was_open = std::mem::replace(&mut pair.is_open, is_open);
        self.unfinished = self.unfinished + usize::from(is_open) - usize::from(was_open);
    }

    /// Puts a pair back where it was, or takes it away again.
    pub fn put_back(&mut self, at: usize, before: Option<Pair>) {
        let Some(pair) = self.pairs.get_mut(at) else { return };
        let is_open = pair.is_open;
        match before {
            Some(before) => {
                let (waiting, bytes) = (pair.waiting, pair.bytes());
                *pair = Pair { is_open, waiting, ..before };
                self.bytes = self.bytes + pair.bytes() - bytes;
            }
            // It stays as one that may begin: others may have come after it.
            None => pair.progress = Progress::START,
        }
        self.count(at);
    }

    /// Keeps a message. Of long conversations the middle is dropped.
    pub fn keep(&mut self, message: &Message, note: Option<Note>) {
        if let Some(last) = self.tail.back_mut().or(self.head.last_mut())
            && last.message.message_id() == message.message_id()
        {
            last.note = last.note.or(note);
            return;
        }
        let message = match message.charge() > MAX_MESSAGE {
            true => message.without_content(),
            false => message.clone(),
        };
        self.bytes += message.charge();
        let said = Exchanged { message, note };
        if self.head.len() < HEAD && self.tail.is_empty() {
            self.head.push(said);
        } else {
            self.tail.push_back(said);
        }
        while self.tail.len() > TAIL || (self.bytes > MAX_BYTES && self.tail.len() > 1) {
            let Some(dropped) = self.tail.pop_front() else { break };
            self.bytes -= dropped.message.charge();
            self.omitted += 1;
        }
    }

    /// Takes a message out that was never sent.
    pub fn unkeep(&mut self, message_id: &str) {
        let is_it = |said: &Exchanged| said.message.message_id() == message_id;
        let dropped = match self.tail.iter().position(is_it) {
            Some(at) => self.tail.remove(at),
            None => self.head.iter().position(is_it).map(|at| self.head.remove(at)),
        };
        self.bytes -= dropped.map_or(0, |said| said.message.charge());
    }

    /// Remembers the key of a message; the one that is forgotten for it.
    pub fn keep_key(
        &mut self,
        place: u64,
        to: &Arc<str>,
        key: &str,
    ) -> Option<(u64, Arc<str>, Box<str>)> {
        self.keys.push_back((place, to.clone(), key.into()));
        self.bytes += key_bytes(to, key);
        if self.keys.len() > MAX_KEYS { self.forget_key() } else { None }
    }

    /// Forgets the oldest key.
    pub fn forget_key(&mut self) -> Option<(u64, Arc<str>, Box<str>)> {
        let key = self.keys.pop_front()?;
        self.bytes -= key_bytes(&key.1, &key.2);
        Some(key)
    }

    /// The conversation as a program sees it.
    pub fn view(&self, now: u64) -> Conversation {
        let participants = self.pairs.iter().map(|pair| pair.view(self.protocol, now));
        Conversation {
            id: self.id.to_string(),
            protocol: self.protocol,
            state: self.state,
            initiator: self.initiator.to_string(),
            participants: participants.collect(),
            messages: self.head.iter().chain(&self.tail).cloned().collect(),
            omitted: self.omitted,
            began_at: self.began_at,
            ended_at: self.ended_at,
        }
    }
}

#[cfg(test)]
impl Record {
    /// Panics where what is counted is not what is there.
    pub fn check(&self) {
        let open = self.pairs.iter().filter(|pair| pair.has_more(self.protocol)).count();
        assert_eq!(self.unfinished, open, "{:?}", self.view(0));
        let said = self.head.iter().chain(&self.tail);
        let said = said.map(|said| said.message.charge()).sum::<usize>();
        let keys: usize = self.keys.iter().map(|(_, to, key)| key_bytes(to, key)).sum();
        let bytes = OWN_BYTES + self.pairs.iter().map(Pair::bytes).sum::<usize>() + keys + said;
        assert_eq!((self.bytes, self.charge.bytes()), (bytes, bytes as u64));
        for (at, pair) in self.pairs.iter().enumerate() {
            assert_eq!(self.pair_of(&pair.asker, &pair.asked), Some(at));
            let is_answered_by = |it: &Pair| it.answer_to == pair.answer_to;
            assert_eq!(
                self.answering(&pair.answer_to, &pair.asked),
                self.find(&pair.asked, is_answered_by)
            );
        }
    }

    /// Who waits for whom in it.
    pub fn waits(&self) -> impl Iterator<Item = (Arc<str>, Arc<str>)> {
        let waiting = self.pairs.iter().filter(|pair| pair.waiting.is_some());
        waiting.map(|pair| (pair.asker.clone(), pair.asked.clone()))
    }
}

/// Bytes that a key takes, about: it stands in two tables, by whom answers reach.
fn key_bytes(to: &str, key: &str) -> usize {
    KEY_BYTES + to.len() + 2 * key.len()
}

impl Pair {
    /// Bytes that it takes, about.
    fn bytes(&self) -> usize {
        let cancel_key = self.cancel_key.as_ref().map_or(0, |key| key.len());
        PAIR_BYTES + self.asker.len() + self.answer_to.len() + self.asked.len() + cancel_key
    }

    fn step(&self, protocol: Protocol, role: Role, message: &Message) -> Option<Progress> {
        let settles = match (&self.cancel_key, message.in_reply_to()) {
            _ if !self.progress.cancelling => Settles::Other,
            (Some(key), Some(named)) if **key != *named => Settles::Other,
            _ => Settles::Cancel,
        };
        self.progress.step(protocol, role, message.performative(), settles)
    }

    /// Whether something has still to be said, by somebody who is not past its time.
    fn has_more(&self, protocol: Protocol) -> bool {
        let is_silent = self.late && self.progress.due(protocol) == Some(Role::Participant);
        !(self.progress == Progress::START || self.progress.is_end(protocol) || is_silent)
    }

    /// Returns true while its answer is due and not past its time.
    pub fn is_waited_for(&self, protocol: Protocol) -> bool {
        self.has_more(protocol) && self.progress.due(protocol) == Some(Role::Participant)
    }

    fn view(&self, protocol: Protocol, now: u64) -> Participant {
        let due = self.progress.due(protocol);
        let is_over = self.due_by.is_some_and(|by| by < now) && due == Some(Role::Participant);
        Participant {
            name: self.asked.to_string(),
            asked_by: self.asker.to_string(),
            stage: self.progress.stage,
            due: due.map(Into::into),
            due_by: self.due_by,
            late: self.late || is_over,
            asked_at: self.asked_at,
            answered_at: self.answered_at,
        }
    }
}
