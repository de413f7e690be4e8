//! Answers that are due: messages whose `reply_by` says until when somebody waits.
//!
//! Of such a message only what a failure will need is kept. An entry belongs to who sent the message,
//! whomever that named for replies, and takes one of its places. What answers an entry is found by an
//! index, however many there are.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::account::{Account, Charge};
use crate::message::Message;
use crate::scheduler::Calendar;
use crate::spare::shrink;

/// The most answers that one party waits for; later ones have no deadline.
const MAX_EACH: usize = if cfg!(test) { 256 } else { 16_384 };
/// Answered entries that are taken out with each that is entered or answered, where one answer has
/// ended many.
const AT_ONCE: usize = 8;
/// Entries that are taken out under one hold of the lock, where somebody has gone.
const BATCH: usize = 256;
/// Receivers that are looked up under one hold of the lock.
const CHUNK: usize = 64;
/// What an entry is charged for beside its message, in bytes.
const ENTRY_BYTES: usize = 768;
/// Where the look at circles of waiting stands in the calendar: no answer has this number.
const CIRCLES: u64 = u64::MAX;

/// What comes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The answer with the number under which it stands.
    Answer,
    /// A look at who waits for whom.
    Circles,
}

/// The answers that are due.
#[derive(Default)]
pub(crate) struct Deadlines {
    pub calendar: Calendar<u64, Due>,
    table: Mutex<Table>,
    count: AtomicUsize,
}

/// Who waits: its serial, and its name, since the program speaks under several.
pub(crate) type Waiter = (u64, Arc<str>);

/// A message that wants answers by some time: what is left of it, and who waits.
#[derive(Clone)]
pub(crate) struct Awaited {
    message: Message,
    waiter: Waiter,
    account: Arc<Account>,
    _charge: Arc<Charge>,
}

impl Awaited {
    /// Keeps what the failure of a message of the party with this serial will need; nothing if that is
    /// more than its account may hold.
    pub fn new(message: &Message, serial: u64, account: &Arc<Account>) -> Option<Self> {
        let waiter = (serial, message.sender().into());
        let message = message.for_answers();
        let charge = Arc::new(account.try_charge(message.charge())?);
        Some(Awaited { message, waiter, account: account.clone(), _charge: charge })
    }
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Entry>,
    /// By who has to answer, and to whom.
    asked: HashMap<Arc<str>, HashMap<Box<str>, Groups>>,
    waiters: HashMap<Waiter, Ids>,
    /// Answered, and not yet taken out.
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

/// Entries by what answers them.
#[derive(Default)]
struct Groups {
    /// By the `reply_with` that an answer names.
    by_key: HashMap<Box<str>, Ids>,
    /// The same by their conversation, for an answer that names nothing.
    by_conversation: HashMap<Box<str>, Ids>,
    /// Those that have no `reply_with`: whatever names nothing answers them.
    unnamed: Ids,
}

type Ids = BTreeSet<u64>;

impl Deadlines {
    /// Returns true if nothing is due.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Waits for the answer of `asked`; the number of the entry, or `None` where too many are waited for
    /// already, the waiter's account is full, or the message does not say until when.
    pub fn begin(&self, awaited: &Awaited, asked: &Arc<str>) -> Option<u64> {
        let due = awaited.message.reply_by()?;
        // An entry of its own may be the only one that is found by these names.
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

    /// `from` has said something to each of `to`: what that answers is due no more.
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

    /// The time of an answer is over: what waited for it and from whom, unless it has come.
    pub fn passed(&self, id: u64) -> Option<(Message, Arc<str>)> {
        let mut table = self.table.lock();
        let waits = table.is_waited_for(id);
        let entry = table.remove(id)?;
        self.count.store(table.entries.len(), Ordering::Release);
        waits.then_some((entry.awaited.message, entry.asked))
    }

    /// A message never happened: its answer is not due.
    pub fn end(&self, id: u64) {
        let mut table = self.table.lock();
        self.take_out(&mut table, id);
    }

    /// Nobody waits any more who had this serial and name.
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

    /// Lets a look at who waits for whom come due.
    pub fn look_at_circles(&self, due: u64) {
        self.calendar.set(due, CIRCLES, Due::Circles);
    }

    /// Takes some of those out that have been answered.
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

    /// Where who was asked has passed on what it was asked, the answer is due from the next.
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
        shrink(&mut self.entries);
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

    /// Keeps nothing where nobody is waited for.
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
    /// Panics where what is counted is not what is there.
    pub fn check(&self) {
        let table = self.table.lock();
        assert_eq!(self.count.load(Ordering::Acquire), table.entries.len());
        let places: usize = table.waiters.values().map(Ids::len).sum();
        assert_eq!(places, table.entries.len());
        if table.entries.is_empty() {
            assert!(table.asked.is_empty() && table.waiters.is_empty());
        }
    }

    /// Number of entries, answered ones among them that have not been taken out.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}
