//! Answers that are due: those to messages with a `reply_by`.
//!
//! Of such a message only the parts that a failure will need are kept. An entry belongs to the sender of the
//! message, even if `reply_to` names another member, and takes one of the sender's places. Entries that a
//! message answers are found by an index, so their number does not matter.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::account::{Account, Charge};
use crate::message::Message;
use crate::scheduler::Calendar;
use crate::spare::shrink;

/// The most answers that one party waits for; further ones have no deadline.
const MAX_EACH: usize = if cfg!(test) { 256 } else { 16_384 };
/// Number of answered entries that are removed whenever an entry begins or is answered, since one answer may
/// end many.
const AT_ONCE: usize = 8;
/// Number of entries of a waiter that is gone that are removed under one hold of the lock.
const BATCH: usize = 256;
/// Number of receivers that are looked up under one hold of the lock.
const CHUNK: usize = 64;
/// Bytes that an entry is charged for beside its message.
const ENTRY_BYTES: usize = 768;
/// The key of the search for circles in the calendar. No answer has this number.
const CIRCLES: u64 = u64::MAX;

/// The kind of an entry that comes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The answer whose number is the key of the entry.
    Answer,
    /// A search for circles of agents that wait for each other.
    Circles,
}

/// The answers that are due.
#[derive(Default)]
pub(crate) struct Deadlines {
    pub calendar: Calendar<u64, Due>,
    table: Mutex<Table>,
    count: AtomicUsize,
}

/// The member that waits for an answer: its serial, and its name, since the program speaks under several.
pub(crate) type Waiter = (u64, Arc<str>);

/// A message that wants answers by some time: the parts of it that are kept, and the member that waits.
#[derive(Clone)]
pub(crate) struct Awaited {
    message: Message,
    waiter: Waiter,
    account: Arc<Account>,
    _charge: Arc<Charge>,
}

impl Awaited {
    /// Keeps the parts of a message that its failure will need. `serial` is the sender's. Returns `None` if
    /// they are more than the sender's account may hold.
    pub fn new(message: &Message, serial: u64, account: &Arc<Account>) -> Option<Self> {
        let waiter = (serial, message.sender().into());
        let message = message.for_answers();
        let charge = Arc::new(account.try_charge(message.charge())?);
        Some(Awaited { message, waiter, account: account.clone(), _charge: charge })
    }
}

#[derive(Default)]
struct Table {
    /// A tree: a hash table of thousands is copied when it grows or shrinks, while others wait for the lock.
    entries: BTreeMap<u64, Entry>,
    /// Entries by the member that has to answer, and by the member to which the answer goes.
    asked: HashMap<Arc<str>, HashMap<Box<str>, Groups>>,
    waiters: HashMap<Waiter, Ids>,
    /// Entries that are answered and not yet removed.
    over: Vec<Ids>,
    next: u64,
}

/// One answer that is due.
struct Entry {
    awaited: Awaited,
    asked: Arc<str>,
    due: u64,
    _charge: Charge,
}

/// Entries by the messages that answer them.
#[derive(Default)]
struct Groups {
    /// Entries by the `reply_with` that an answer names.
    by_key: HashMap<Box<str>, Ids>,
    /// The same entries by their conversation, for an answer that names no `reply_with`.
    by_conversation: HashMap<Box<str>, Ids>,
    /// Entries without a `reply_with`: any message that names none answers them.
    unnamed: Ids,
}

type Ids = BTreeSet<u64>;

impl Deadlines {
    /// Returns true if nothing is due.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Begins to wait for the answer of `asked`. Returns the number of the entry, or `None` if too many
    /// answers are waited for, the waiter's account is full, or the message has no `reply_by`.
    pub fn begin(&self, awaited: &Awaited, asked: &Arc<str>) -> Option<u64> {
        let due = awaited.message.reply_by()?;
        // The index keeps these names, and may keep them for this entry alone.
        let message = &awaited.message;
        let names = [message.reply_with(), message.conversation_id(), Some(message.answer_to())];
        let names = names.into_iter().flatten().map(str::len).sum::<usize>();
        let charge = awaited.account.try_charge(ENTRY_BYTES + names)?;
        let mut table = self.table.lock();
        self.work_off(&mut table);
        let id = table.next;
        let places = table.waiters.entry(awaited.waiter.clone()).or_default();
        if places.len() >= MAX_EACH {
            return None;
        }
        places.insert(id);
        table.next += 1;
        table.enter(
            id,
            Entry { awaited: awaited.clone(), asked: asked.clone(), due, _charge: charge },
        );
        self.count.store(table.entries.len(), Ordering::Release);
        self.calendar.set(due, id, Due::Answer);
        Some(id)
    }

    /// Notes that `from` has sent `message` to each of `to`: entries that it answers are not due any more.
    pub fn answered(&self, from: &str, to: &[Arc<str>], message: &Message) {
        if self.is_empty() {
            return;
        }
        for to in to.chunks(CHUNK) {
            let mut table = self.table.lock();
            if !table.asked.contains_key(from) {
                return;
            }
            for to in to {
                table.answered(from, to, message);
                table.passed_on(from, to, message);
                self.work_off(&mut table);
            }
        }
    }

    /// Ends an entry whose time is over. Returns the message and the member that was to answer, unless the
    /// answer has come.
    pub fn passed(&self, id: u64) -> Option<(Message, Arc<str>)> {
        let mut table = self.table.lock();
        let waits = table.is_waited_for(id);
        let entry = table.remove(id)?;
        self.count.store(table.entries.len(), Ordering::Release);
        waits.then_some((entry.awaited.message, entry.asked))
    }

    /// Ends the entry of a message that was taken back.
    pub fn end(&self, id: u64) {
        let mut table = self.table.lock();
        self.take_out(&mut table, id);
    }

    /// Ends all entries of this waiter, which is gone.
    pub fn end_all_of(&self, waiter: &Waiter) {
        loop {
            let mut table = self.table.lock();
            let Some(ids) = table.waiters.get(waiter) else { return };
            let some: Vec<u64> = ids.iter().take(BATCH).copied().collect();
            for id in some {
                self.take_out(&mut table, id);
            }
        }
    }

    /// Sets the time at which circles of agents are searched for next.
    pub fn look_at_circles(&self, due: u64) {
        self.calendar.set(due, CIRCLES, Due::Circles);
    }

    /// Removes some of the entries that have been answered.
    fn work_off(&self, table: &mut Table) {
        for _ in 0..AT_ONCE {
            let Some(ids) = table.over.last_mut() else { return };
            match ids.pop_first() {
                Some(id) => self.take_out(table, id),
                None => drop(table.over.pop()),
            }
        }
    }

    fn take_out(&self, table: &mut Table, id: u64) {
        if let Some(entry) = table.remove(id) {
            self.count.store(table.entries.len(), Ordering::Release);
            self.calendar.cancel(entry.due, id);
        }
    }
}

impl Table {
    fn enter(&mut self, id: u64, entry: Entry) {
        let message = &entry.awaited.message;
        let by_answer_to = self.asked.entry(entry.asked.clone()).or_default();
        let groups = by_answer_to.entry(message.answer_to().into()).or_default();
        match (message.reply_with(), message.conversation_id()) {
            (Some(key), conversation) => {
                groups.by_key.entry(key.into()).or_default().insert(id);
                if let Some(conversation) = conversation {
                    groups.by_conversation.entry(conversation.into()).or_default().insert(id);
                }
            }
            (None, _) => drop(groups.unnamed.insert(id)),
        }
        self.entries.insert(id, entry);
    }

    fn groups(&self, asked: &str, answer_to: &str) -> Option<&Groups> {
        self.asked.get(asked)?.get(answer_to)
    }

    /// Returns true if nothing has answered this entry yet.
    fn is_waited_for(&self, id: u64) -> bool {
        let waits = |entry: &Entry| {
            let message = &entry.awaited.message;
            let groups = self.groups(&entry.asked, message.answer_to())?;
            let has = |ids: Option<&Ids>| ids.is_some_and(|ids| ids.contains(&id));
            Some(match (message.reply_with(), message.conversation_id()) {
                (Some(key), None) => has(groups.by_key.get(key)),
                (Some(key), Some(conversation)) => {
                    has(groups.by_key.get(key)) && has(groups.by_conversation.get(conversation))
                }
                (None, _) => groups.unnamed.contains(&id),
            })
        };
        self.entries.get(&id).and_then(waits).unwrap_or(false)
    }

    fn answered(&mut self, from: &str, to: &str, message: &Message) {
        let Some(groups) = self.asked.get_mut(from).and_then(|it| it.get_mut(to)) else { return };
        let answered = match message.in_reply_to() {
            Some(key) => [groups.by_key.remove(key), None],
            None => {
                let id = message.conversation_id();
                let named = id.and_then(|id| groups.by_conversation.remove(id));
                [named, Some(std::mem::take(&mut groups.unnamed))]
            }
        };
        self.over.extend(answered.into_iter().flatten().filter(|ids| !ids.is_empty()));
        self.tidy(from, to);
    }

    /// Makes the answer due from `to`, if `from` was asked and has passed the message on to it.
    fn passed_on(&mut self, from: &str, to: &Arc<str>, message: &Message) {
        let Some(key) = message.reply_with() else { return };
        let Some(groups) = self.groups(from, message.answer_to()) else { return };
        let Some(id) = groups.by_key.get(key).and_then(|ids| ids.first().copied()) else { return };
        self.leave_groups(id);
        if let Some(mut entry) = self.entries.remove(&id) {
            entry.asked = to.clone();
            self.enter(id, entry);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        self.leave_groups(id);
        let entry = self.entries.remove(&id)?;
        if let Some(places) = self.waiters.get_mut(&entry.awaited.waiter) {
            places.remove(&id);
            if places.is_empty() {
                self.waiters.remove(&entry.awaited.waiter);
            }
        }
        Some(entry)
    }

    fn leave_groups(&mut self, id: u64) {
        let Some(entry) = self.entries.get(&id) else { return };
        let (asked, message) = (entry.asked.clone(), entry.awaited.message.clone());
        let by_answer_to = self.asked.get_mut(&asked);
        let Some(groups) = by_answer_to.and_then(|it| it.get_mut(message.answer_to())) else {
            return;
        };
        match message.reply_with() {
            Some(key) => {
                leave(&mut groups.by_key, key, id);
                if let Some(conversation) = message.conversation_id() {
                    leave(&mut groups.by_conversation, conversation, id);
                }
            }
            None => drop(groups.unnamed.remove(&id)),
        }
        self.tidy(&asked, message.answer_to());
    }

    /// Removes parts of the index that have become empty.
    fn tidy(&mut self, asked: &str, answer_to: &str) {
        let Some(by_answer_to) = self.asked.get_mut(asked) else { return };
        if by_answer_to.get(answer_to).is_some_and(Groups::is_empty) {
            by_answer_to.remove(answer_to);
        }
        if by_answer_to.is_empty() {
            self.asked.remove(asked);
        }
    }
}

impl Groups {
    fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.by_conversation.is_empty() && self.unnamed.is_empty()
    }
}

fn leave(groups: &mut HashMap<Box<str>, Ids>, key: &str, id: u64) {
    if let Some(ids) = groups.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            groups.remove(key);
            shrink(groups);
        }
    }
}

#[cfg(test)]
impl Deadlines {
    /// Panics if the counts are not those of the entries.
    pub fn check(&self) {
        let table = self.table.lock();
        assert_eq!(self.count.load(Ordering::Acquire), table.entries.len());
        let places: usize = table.waiters.values().map(Ids::len).sum();
        assert_eq!(places, table.entries.len());
        if table.entries.is_empty() {
            assert!(table.asked.is_empty() && table.waiters.is_empty());
        }
    }

    /// Returns the number of entries, including answered ones that have not been removed.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}
