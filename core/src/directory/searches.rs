//! Standing searches: who wants to be told of changes of the directory, and what there is to tell.
//!
//! Entering a search, ending one and noting a change take a look at an index, whatever else is there.
//! The telling itself is done elsewhere, by one task: see `telling`.

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

/// The most members that wait to be told of one by one. Where there are more, everybody is looked at.
const MAX_TO_TELL: usize = if cfg!(test) { 64 } else { 16_384 };

/// Whose search it is, by its serial and its name, and the conversation.
pub(crate) type Key = (u64, Arc<str>, Arc<str>);

/// One standing search.
pub(super) struct Search {
    pub example: Example,
    /// What is left of the message that began it, which all that it is told answers.
    pub message: Message,
    /// Whether its agent's init made it.
    in_init: bool,
    /// It has been told who is here, and is told of changes.
    pub begun: AtomicBool,
    /// Given back when the search ends, though whoever tells it may still hold it for a moment.
    charge: Mutex<Option<Charge>>,
}

/// What a standing search is charged for beside its message, and each of its facts, in bytes.
const OWN_BYTES: usize = 1024;
const FACT_BYTES: usize = 16;

impl Search {
    /// A search that is charged to this account, if there is room in it.
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

/// A member by what names it, also when it is gone.
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

/// Something that whoever is meant has: a search stands in the index under one of those that it asks
/// for, and a change is looked up under all that a member has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Term {
    /// Any member has it.
    Anything,
    Name(Arc<str>),
    Service(String),
    Capability(String),
}

impl Term {
    /// The one under which a search stands: of those that it asks for the one that fewest have.
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

    /// All that a member has, before or after a change.
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

/// Something that is to be told.
pub(super) enum ToTell {
    /// What has become of this member.
    Member(Whom),
    /// What has become of everybody: there were too many changes to be kept one by one.
    Everybody,
    /// A search that begins who is here.
    Begin(Key),
}

#[derive(Default)]
pub(super) struct Searches {
    /// Number of them, so that a change costs nothing where there are none.
    count: AtomicUsize,
    /// Grows when the last of them ends: nobody counts on what was told before.
    era: AtomicU64,
    inner: Mutex<Inner>,
    /// There is something to tell.
    pub news: Notify,
}

#[derive(Default)]
struct Inner {
    searches: BTreeMap<Key, Arc<Search>>,
    by_term: HashMap<Term, BTreeSet<Key>>,
    /// Number of searches of each serial.
    owned: HashMap<u64, usize>,
    /// What is to be told, in its order.
    to_tell: BTreeMap<u64, ToTell>,
    /// Members and searches that wait to be told, and where they stand.
    members: HashMap<u64, u64>,
    begins: HashMap<Key, u64>,
    next_place: u64,
    /// Members changed that found no place.
    overflown: bool,
}

impl Searches {
    /// Enters a search; `most` is how many its owner may have. Returns false if there was no room.
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

    /// Searches under this term that stand behind `after`, `most` of them.
    pub fn under(&self, term: &Term, after: Option<&Key>, most: usize) -> Vec<(Key, Arc<Search>)> {
        let inner = self.inner.lock();
        let Some(keys) = inner.by_term.get(term) else { return Vec::new() };
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let found = keys.range::<Key, _>(behind).take(most);
        found.filter_map(|key| Some((key.clone(), inner.searches.get(key)?.clone()))).collect()
    }

    /// Ends a search; returns false if there was none.
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
        // What is dropped may be the last of something large: not under the lock.
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

    /// Ends all of them.
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

    /// Keeps nothing where nobody searches.
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

    /// What a member can do may have changed.
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

    /// A search is to be told who is here, and of changes from then on.
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

    /// The next thing to tell, and the era that it is of.
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

    /// Number of things that wait to be told.
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
    /// What somebody can do may have changed.
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
