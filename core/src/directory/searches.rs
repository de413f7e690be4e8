//! Standing searches: subscriptions to changes of the directory, and the changes that wait to be reported to
//! them.
//!
//! Entering a search, ending one and noting a change each take a look at an index, so other searches do not
//! matter. One task sends the reports: see `telling`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Member;
use super::description::Description;
use super::df::Example;
use super::profile::Shown;
use crate::account::{Account, Charge};
use crate::message::Message;
use crate::runtime::Core;

/// The most changed members that are noted one by one. If there are more, all members are looked at.
const MAX_TO_TELL: usize = if cfg!(test) { 64 } else { 16_384 };

/// The key of a search: the serial and the name of its subscriber, and the conversation.
pub(crate) type Key = (u64, Arc<str>, Arc<str>);

/// One standing search.
pub(super) struct Search {
    pub example: Example,
    /// The kept parts of the message that began it, which every report answers.
    pub message: Message,
    /// True if it was made by its agent's init.
    in_init: bool,
    /// True once the first results were reported; from then on changes are.
    pub begun: AtomicBool,
    /// The charge is given back when the search ends, even if the reporting task still holds the search for a
    /// moment.
    charge: Mutex<Option<Charge>>,
}

/// Bytes that a standing search is charged for beside its message, and for each of its facts.
const OWN_BYTES: usize = 1024;
const FACT_BYTES: usize = 16;

impl Search {
    /// Returns a search that is charged to this account, or `None` if the account is full.
    pub fn new(
        example: Example,
        message: &Message,
        in_init: bool,
        account: &Arc<Account>,
    ) -> Option<Self> {
        let message = message.for_answers();
        let bytes = message.charge() + example.facts() * FACT_BYTES + OWN_BYTES;
        let charge = account.try_charge(bytes)?;
        let begun = AtomicBool::new(false);
        Some(Search { example, message, in_init, begun, charge: Mutex::new(Some(charge)) })
    }
}

/// The serial and the names of a member, which may be gone.
#[derive(Debug, Clone)]
pub(super) struct Whom {
    pub serial: u64,
    pub name: Arc<str>,
    pub id: Arc<str>,
}

impl Whom {
    pub fn of(member: &Member) -> Self {
        let (name, id) = (member.name().clone(), member.id().clone());
        Whom { serial: member.serial(), name, id }
    }

    /// Returns true if this is one of the member's two names.
    pub fn is_called(&self, name: &str) -> bool {
        name == &*self.name || name == &*self.id
    }
}

/// A term of the index: a property that a member has and a search may ask for. A search stands under one of
/// the terms that it asks for, and a change is looked up under all terms of the member.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Term {
    /// The term that every member has.
    Anything,
    Name(Arc<str>),
    Service(String),
    Capability(String),
}

impl Term {
    /// Returns the term under which a search stands: of those that it asks for, one of the kind that fewest
    /// members share.
    pub fn of_search(name: Option<&str>, description: &Description) -> Self {
        if let Some(name) = name {
            Term::Name(name.into())
        } else if let Some(name) = description.service_names().next() {
            Term::Service(name.to_owned())
        } else if let Some(name) = description.capabilities.first() {
            Term::Capability(name.clone())
        } else {
            Term::Anything
        }
    }

    /// Returns all terms that a member has before or after a change.
    pub fn of_member(whom: &Whom, shown: &[&Shown]) -> Vec<Self> {
        let mut terms = BTreeSet::from([Term::Anything]);
        terms.extend([&whom.name, &whom.id].map(|name| Term::Name(name.clone())));
        for description in shown.iter().map(|shown| &shown.description) {
            terms.extend(description.service_names().map(|it| Term::Service(it.to_owned())));
            terms.extend(description.capabilities.iter().cloned().map(Term::Capability));
        }
        terms.into_iter().collect()
    }
}

/// A report that waits to be sent.
pub(super) enum ToTell {
    /// The changes of this member.
    Member(Whom),
    /// The changes of all members: there were too many to be noted one by one.
    Everybody,
    /// The first results of a search.
    Begin(Key),
}

#[derive(Default)]
pub(super) struct Searches {
    /// Number of searches. It is read without the lock, so that a change costs nothing if there are none.
    count: AtomicUsize,
    /// Grows when the last search ends: reports of earlier eras do not matter any more.
    era: AtomicU64,
    inner: Mutex<Inner>,
    /// Notified when a report waits.
    pub news: Notify,
}

#[derive(Default)]
struct Inner {
    searches: BTreeMap<Key, Arc<Search>>,
    by_term: HashMap<Term, BTreeSet<Key>>,
    /// Number of searches of each serial.
    owned: HashMap<u64, usize>,
    /// Reports that wait, by their place in order.
    to_tell: BTreeMap<u64, ToTell>,
    /// The places at which changed members, and searches that begin, wait.
    members: HashMap<u64, u64>,
    begins: HashMap<Key, u64>,
    next_place: u64,
    /// True if too many members have changed, so that all are to be looked at.
    overflown: bool,
}

impl Searches {
    /// Enters a search. Returns false if its subscriber has `most` already.
    pub fn enter(&self, key: Key, search: Search, most: usize) -> bool {
        let mut inner = self.inner.lock();
        let owned = inner.owned.get(&key.0).copied().unwrap_or_default();
        if owned >= most {
            return false;
        }
        inner.owned.insert(key.0, owned + 1);
        let term = search.example.term.clone();
        inner.by_term.entry(term).or_default().insert(key.clone());
        inner.searches.insert(key, Arc::new(search));
        self.count.store(inner.searches.len(), Ordering::SeqCst);
        true
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of standing searches.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub fn has(&self, key: &Key) -> bool {
        self.inner.lock().searches.contains_key(key)
    }

    pub fn get(&self, key: &Key) -> Option<Arc<Search>> {
        self.inner.lock().searches.get(key).cloned()
    }

    /// Returns the searches under this term that come after the key `after`, at most `most` of them.
    pub fn under(&self, term: &Term, after: Option<&Key>, most: usize) -> Vec<(Key, Arc<Search>)> {
        let inner = self.inner.lock();
        let Some(keys) = inner.by_term.get(term) else { return Vec::new() };
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let found = keys.range::<Key, _>(behind).take(most);
        found.filter_map(|key| Some((key.clone(), inner.searches.get(key)?.clone()))).collect()
    }

    /// Ends a search. Returns false if there was none.
    pub fn end(&self, key: &Key) -> bool {
        let ended = {
            let mut inner = self.inner.lock();
            let ended = inner.end(key);
            self.tidy(&mut inner);
            ended
        };
        ended.is_some_and(|search| search.charge.lock().take().is_some())
    }

    pub fn end_all_of(&self, serial: u64) {
        self.end_where(serial, |_| true);
    }

    pub fn end_made_in_init(&self, serial: u64) {
        self.end_where(serial, |search| search.in_init);
    }

    fn end_where(&self, serial: u64, ends: impl Fn(&Search) -> bool) {
        if self.is_empty() {
            return;
        }
        // Dropping a search may free much memory, so it is not done under the lock.
        let ended: Vec<Arc<Search>> = {
            let mut inner = self.inner.lock();
            let first: Key = (serial, "".into(), "".into());
            let own = inner.searches.range(first..).take_while(|(key, _)| key.0 == serial);
            let keys: Vec<Key> =
                own.filter(|(_, search)| ends(search)).map(|(key, _)| key.clone()).collect();
            let ended = keys.iter().filter_map(|key| inner.end(key)).collect();
            self.tidy(&mut inner);
            ended
        };
        for search in ended {
            drop(search.charge.lock().take());
        }
    }

    /// Ends all searches.
    pub fn clear(&self) {
        let ended = {
            let mut inner = self.inner.lock();
            let ended = std::mem::take(&mut *inner);
            // Places are not given out twice.
            inner.next_place = ended.next_place;
            self.tidy(&mut inner);
            ended
        };
        for search in ended.searches.values() {
            drop(search.charge.lock().take());
        }
    }

    /// Updates the number of searches. If there are none left, forgets the reports that wait.
    fn tidy(&self, inner: &mut Inner) {
        self.count.store(inner.searches.len(), Ordering::SeqCst);
        if inner.searches.is_empty() {
            inner.to_tell.clear();
            inner.members.clear();
            inner.begins.clear();
            inner.overflown = false;
            self.era.fetch_add(1, Ordering::SeqCst);
            self.news.notify_one();
        }
    }

    /// Notes that a member's description may have changed.
    pub fn changed(&self, whom: Whom) {
        {
            let mut inner = self.inner.lock();
            if inner.searches.is_empty() || inner.overflown {
                return;
            }
            if inner.members.contains_key(&whom.serial) {
                return;
            }
            if inner.members.len() >= MAX_TO_TELL {
                let places: HashSet<u64> = inner.members.drain().map(|(_, place)| place).collect();
                inner.to_tell.retain(|place, _| !places.contains(place));
                inner.overflown = true;
            } else {
                let serial = whom.serial;
                let place = inner.put(ToTell::Member(whom));
                inner.members.insert(serial, place);
            }
        }
        self.news.notify_one();
    }

    /// Lets a search get its first results, and from then on changes.
    pub fn begins(&self, key: Key) {
        {
            let mut inner = self.inner.lock();
            if !inner.searches.contains_key(&key) || inner.begins.contains_key(&key) {
                return;
            }
            let place = inner.put(ToTell::Begin(key.clone()));
            inner.begins.insert(key, place);
        }
        self.news.notify_one();
    }

    /// Takes the next report, and returns it with its era.
    pub fn next(&self) -> Option<(u64, ToTell)> {
        let mut inner = self.inner.lock();
        let era = self.era.load(Ordering::SeqCst);
        if std::mem::take(&mut inner.overflown) {
            return Some((era, ToTell::Everybody));
        }
        let (_, next) = inner.to_tell.pop_first()?;
        match &next {
            ToTell::Member(whom) => drop(inner.members.remove(&whom.serial)),
            ToTell::Begin(key) => drop(inner.begins.remove(key)),
            ToTell::Everybody => {}
        }
        Some((era, next))
    }

    pub fn era(&self) -> u64 {
        self.era.load(Ordering::SeqCst)
    }

    /// Returns the number of reports that wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.inner.lock().to_tell.len()
    }
}

impl Inner {
    fn put(&mut self, to_tell: ToTell) -> u64 {
        self.next_place += 1;
        self.to_tell.insert(self.next_place, to_tell);
        self.next_place
    }

    fn end(&mut self, key: &Key) -> Option<Arc<Search>> {
        let search = self.searches.remove(key)?;
        let term = &search.example.term;
        if let Some(keys) = self.by_term.get_mut(term) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_term.remove(term);
            }
        }
        if let Some(owned) = self.owned.get_mut(&key.0) {
            *owned -= 1;
            if *owned == 0 {
                self.owned.remove(&key.0);
            }
        }
        if let Some(place) = self.begins.remove(key) {
            self.to_tell.remove(&place);
        }
        Some(search)
    }
}

impl Core {
    /// Notes that a member's description may have changed.
    pub fn member_changed(&self, member: &Member) {
        let searches = &self.directory.searches;
        if !searches.is_empty() && !member.is_service() {
            searches.changed(Whom::of(member));
        }
    }

    pub(super) fn search_begins(&self, key: Key) {
        self.directory.searches.begins(key);
    }
}
