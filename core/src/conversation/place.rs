//! Which conversation a message belongs to, between its sender and one receiver.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use smallvec::SmallVec;

use super::book::{Saying, Table};
use super::protocol::Protocol;
use super::record::{Move, Record};
use super::view::{ConversationState, Note};
use crate::spare::shrink;

/// The most conversations that are remembered for two names in one of which neither began it.
const MAX_ELSEWHERE: usize = 16;

/// Where a message belongs.
pub(super) enum Place {
    /// It belongs to no conversation, and nobody says that it should.
    Nowhere,
    /// It names a protocol, and neither begins a conversation nor belongs to one.
    Unknown(Protocol),
    /// The conversation with this number, and what the message would do there.
    In(u64, Move),
    /// It begins one with this id.
    New(Protocol, Arc<str>),
}

/// Conversations by their ids.
#[derive(Default)]
pub(super) struct Ids(HashMap<Arc<str>, Named>);

/// Those of one id: hardly ever more than one.
struct Named {
    /// Who began the oldest, and its number.
    first: (Arc<str>, u64),
    more: Option<Box<More>>,
}

#[derive(Default)]
struct More {
    /// All but the first, in their order.
    numbers: BTreeMap<u64, Arc<str>>,
    by_initiator: HashMap<Arc<str>, u64>,
    /// Those in which a pair was begun by somebody else than the initiator, or in which answers go to
    /// somebody else, the first among them: by either of these names, and who was asked.
    elsewhere: HashMap<(Arc<str>, Arc<str>), Numbers>,
}

/// Hardly ever more than one.
type Numbers = SmallVec<[u64; 1]>;

impl Ids {
    pub fn insert(&mut self, id: &Arc<str>, initiator: &Arc<str>, number: u64) {
        match self.0.entry(id.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Named { first: (initiator.clone(), number), more: None });
            }
            Entry::Occupied(mut named) => {
                let more = named.get_mut().more.get_or_insert_default();
                more.numbers.insert(number, initiator.clone());
                more.by_initiator.insert(initiator.clone(), number);
            }
        }
    }

    /// Takes out a conversation that is dropped.
    pub fn remove(&mut self, number: u64, record: &Record) {
        let Some(named) = self.0.get_mut(&record.id) else { return };
        let is_first = named.first.1 == number;
        if let Some(more) = &mut named.more {
            more.forget_pairs(number, record);
            if is_first && let Some((next, initiator)) = more.numbers.pop_first() {
                more.by_initiator.remove(&initiator);
                named.first = (initiator, next);
                return;
            }
            if !is_first && let Some(initiator) = more.numbers.remove(&number) {
                more.by_initiator.remove(&initiator);
            }
        }
        if is_first {
            self.0.remove(&record.id);
            shrink(&mut self.0);
        }
    }

    /// A pair has begun in this conversation.
    pub fn pair_begins(&mut self, number: u64, record: &Record, at: usize) {
        let Some(named) = self.0.get_mut(&record.id) else { return };
        let pair = &record.pairs[at];
        for name in [&pair.asker, &pair.answer_to] {
            if *name != record.initiator {
                let key = (name.clone(), pair.asked.clone());
                let more = named.more.get_or_insert_default();
                let numbers = more.elsewhere.entry(key).or_default();
                if numbers.len() < MAX_ELSEWHERE && !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
        }
    }

    /// The oldest with this id.
    fn first(&self, id: &str) -> Option<u64> {
        self.0.get(id).map(|named| named.first.1)
    }

    /// The one that this name began.
    fn begun_by(&self, id: &str, initiator: &str) -> Option<u64> {
        let named = self.0.get(id)?;
        match &named.more {
            _ if *named.first.0 == *initiator => Some(named.first.1),
            Some(more) => more.by_initiator.get(initiator).copied(),
            None => None,
        }
    }

    /// Those in which `asked` was asked and answers go to `to`, though `to` did not begin them.
    fn elsewhere(&self, id: &str, to: &Arc<str>, asked: &Arc<str>) -> &[u64] {
        let more = self.0.get(id).and_then(|named| named.more.as_ref());
        let more = more.filter(|more| !more.elsewhere.is_empty());
        let numbers = more.and_then(|more| more.elsewhere.get(&(to.clone(), asked.clone())));
        numbers.map_or(&[], |numbers| numbers.as_slice())
    }
}

impl More {
    fn forget_pairs(&mut self, number: u64, record: &Record) {
        for pair in &record.pairs {
            if self.elsewhere.is_empty() {
                return;
            }
            for name in [&pair.asker, &pair.answer_to] {
                let key = (name.clone(), pair.asked.clone());
                if let Some(numbers) = self.elsewhere.get_mut(&key) {
                    numbers.retain(|other| *other != number);
                    if numbers.is_empty() {
                        self.elsewhere.remove(&key);
                    }
                }
            }
        }
    }
}

/// Conversations by the `reply_with` of their messages, for answers that name nothing else: by whom
/// answers reach, so that nobody's keys stand in another's way.
#[derive(Default)]
pub(super) struct Keys {
    by_name: HashMap<Arc<str>, HashMap<Box<str>, Key>>,
    count: usize,
}

/// Where a key leads.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub record: u64,
    /// Whom answers reach has sent the message itself.
    pub is_own: bool,
}

impl Keys {
    /// Number of keys.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn get(&self, to: &str, key: &str) -> Option<Key> {
        self.by_name.get(to)?.get(key).copied()
    }

    pub fn insert(&mut self, to: &Arc<str>, key: &str, record: u64, is_own: bool) {
        let keys = self.by_name.entry(to.clone()).or_default();
        let old = keys.insert(key.into(), Key { record, is_own });
        self.count += usize::from(old.is_none());
    }

    /// Takes a key out that still leads to this conversation.
    pub fn remove(&mut self, to: &str, key: &str, record: u64) {
        let Some(keys) = self.by_name.get_mut(to) else { return };
        if keys.get(key).is_some_and(|it| it.record == record) {
            keys.remove(key);
            shrink(keys);
            self.count -= 1;
            if keys.is_empty() {
                self.by_name.remove(to);
            }
        }
    }
}

impl Table {
    /// The conversation that `from` has begun with this id.
    pub fn own(&self, id: &str, from: &str) -> Option<u64> {
        self.ids.begun_by(id, from)
    }

    /// The conversation with this id that `name` began, or else the oldest.
    pub fn begun_by(&self, id: &str, name: &str) -> Option<&Record> {
        let number = self.ids.begun_by(id, name).or_else(|| self.ids.first(id))?;
        self.records.get(&number)
    }

    /// The pair of these two in a conversation with this id, and the number of that.
    pub fn pair_of(&self, id: &str, asker: &str, asked: &str) -> Option<(u64, usize)> {
        let own = self.own(id, asker).into_iter();
        let elsewhere = self.ids.elsewhere(id, &asker.into(), &asked.into());
        let mut pairs = own
            .chain(elsewhere.iter().copied())
            .filter_map(|number| Some((number, self.records.get(&number)?.pair_of(asker, asked)?)));
        pairs.next()
    }

    /// Where a message to this receiver belongs.
    pub fn place_of(&self, saying: &Saying<'_>, to: &Arc<str>, named: Option<Protocol>) -> Place {
        match saying.message.conversation_id() {
            None => self.place_by_key(saying, to),
            Some(id) => self.place_by_parties(saying, to, id, named),
        }
    }

    /// What a message would do in this conversation.
    fn plan(
        &self,
        record: &Record,
        saying: &Saying<'_>,
        to: &str,
        named: Option<Protocol>,
    ) -> Move {
        match named {
            Some(named) if named != record.protocol => Move::No(Note::OutOfSequence, None),
            _ => record.plan(saying.from, to, saying.message),
        }
    }

    /// Returns true if a message begins the conversation that has its id anew: that has come to its end,
    /// and has no place for the message.
    pub fn begins_anew(
        &self,
        saying: &Saying<'_>,
        to: &[Arc<str>],
        named: Option<Protocol>,
    ) -> Option<(Protocol, Arc<str>)> {
        let protocol = named.filter(|it| it.opens(saying.message.performative()))?;
        let id = saying.message.conversation_id()?;
        let record = self.records.get(&self.own(id, saying.from)?)?;
        if record.state == ConversationState::Open || to.is_empty() {
            return None;
        }
        let is_no = |to: &Arc<str>| matches!(self.plan(record, saying, to, named), Move::No(..));
        to.iter().all(is_no).then(|| (protocol, record.id.clone()))
    }

    fn place_by_key(&self, saying: &Saying<'_>, to: &Arc<str>) -> Place {
        let message = saying.message;
        let key = message.in_reply_to().and_then(|key| self.keys.get(to, key));
        let found = key.and_then(|key| Some((key, self.records.get(&key.record)?)));
        let Some((key, record)) = found else { return Place::Nowhere };
        match record.plan(saying.from, to, message) {
            // Whoever named somebody else for replies says nothing of what that one is sent besides.
            Move::No(..) if !key.is_own => Place::Nowhere,
            planned => Place::In(key.record, planned),
        }
    }

    fn place_by_parties(
        &self,
        saying: &Saying<'_>,
        to: &Arc<str>,
        id: &str,
        named: Option<Protocol>,
    ) -> Place {
        let from = saying.from;
        let own = self.ids.begun_by(id, from);
        let begun = own.into_iter().chain(self.ids.begun_by(id, to));
        let elsewhere = [self.ids.elsewhere(id, from, to), self.ids.elsewhere(id, to, from)];
        let mut refused = None;
        for number in begun.chain(elsewhere.into_iter().flatten().copied()) {
            let Some(record) = self.records.get(&number) else { continue };
            match self.plan(record, saying, to, named) {
                planned @ (Move::Step(..) | Move::Join(_) | Move::No(Note::Forwarded, _)) => {
                    return Place::In(number, planned);
                }
                planned @ Move::Begin(_) if own == Some(number) => {
                    return Place::In(number, planned);
                }
                planned @ Move::No(_, at) => {
                    let have_met = at.is_some()
                        || record.pair_of(from, to).is_some()
                        || record.answering(to, from).is_some();
                    if refused.is_none() && (have_met || own == Some(number)) {
                        refused = Some((number, planned));
                    }
                }
                Move::Begin(_) => {}
            }
        }
        if let Some(protocol) = named
            && protocol.opens(saying.message.performative())
            && refused.as_ref().is_none_or(|(number, _)| own != Some(*number))
        {
            return match self.passed_on(saying, to, id, named) {
                Some((number, planned)) => Place::In(number, planned),
                None => Place::New(protocol, id.into()),
            };
        }
        match (refused, named) {
            (Some((number, planned)), _) => Place::In(number, planned),
            (None, Some(protocol)) => Place::Unknown(protocol),
            (None, None) => Place::Nowhere,
        }
    }

    /// The conversation in which `from` was asked for what it passes on, by whom it names for the answer.
    fn passed_on(
        &self,
        saying: &Saying<'_>,
        to: &Arc<str>,
        id: &str,
        named: Option<Protocol>,
    ) -> Option<(u64, Move)> {
        let answer_to: Arc<str> = saying.message.reply_to()?.into();
        let begun = self.ids.begun_by(id, &answer_to).into_iter();
        let elsewhere = self.ids.elsewhere(id, &answer_to, saying.from);
        let mut found = begun.chain(elsewhere.iter().copied()).filter_map(|number| {
            let record = self.records.get(&number)?;
            record.answering(&answer_to, saying.from)?;
            let planned = self.plan(record, saying, to, named);
            matches!(planned, Move::Begin(_)).then_some((number, planned))
        });
        found.next()
    }
}

#[cfg(test)]
impl Ids {
    pub fn has(&self, record: &Record, number: u64) -> bool {
        self.begun_by(&record.id, &record.initiator) == Some(number)
    }

    /// Panics where something leads to a conversation that is not there.
    pub fn check(&self, records: &HashMap<u64, Record>) {
        let mut count = self.0.len();
        for named in self.0.values() {
            assert!(records.contains_key(&named.first.1));
            let Some(more) = &named.more else { continue };
            count += more.numbers.len();
            assert_eq!(more.numbers.len(), more.by_initiator.len());
            assert!(more.numbers.keys().all(|number| *number > named.first.1));
            let numbers = more.by_initiator.values().chain(more.elsewhere.values().flatten());
            assert!(numbers.into_iter().all(|number| records.contains_key(number)));
        }
        assert_eq!(count, records.len());
    }
}
