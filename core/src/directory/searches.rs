//! Standing searches: who wants to be told of changes of the directory.
//!
//! What searches are told is the difference between what a member can do now and what they were told
//! last, by one thread at a time. So all of them see the changes of a member in their order, and a
//! change that is undone before anybody could be told of it is not told.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Member;
use super::answer::{Results, say};
use super::df::Example;
use super::profile::Shown;
use super::registry::described;
use crate::message::{Message, Performative, name};
use crate::runtime::{Core, Post};

/// Whose search it is, by its serial and its name, and the conversation.
pub(crate) type Key = (u64, Arc<str>, Arc<str>);

/// One standing search.
pub(super) struct Search {
    pub example: Example,
    /// What began it, which all that it is told answers.
    pub message: Message,
    /// Whether its agent's init made it.
    pub in_init: bool,
    /// It is told of changes.
    pub begun: bool,
}

#[derive(Default)]
pub(super) struct Searches {
    /// How many there are, so that a change costs nothing where there are none.
    count: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    searches: BTreeMap<Key, Search>,
    /// Members as the searches have been told of them, by their serials.
    told: BTreeMap<u64, (Member, Shown)>,
    to_tell: VecDeque<ToTell>,
    /// The members in `to_tell`.
    queued: HashSet<u64>,
    /// Somebody tells.
    telling: bool,
}

enum ToTell {
    /// Something about this member.
    Member(Member),
    /// A search that begins who is here.
    Begin(Key),
}

/// One answer to one search.
struct Telling {
    message: Message,
    content: Arc<Value>,
}

impl Searches {
    /// Enters a search; `most` is how many its owner may have. Whether there was room.
    pub fn enter(&self, core: &Core, key: Key, search: Search, most: usize) -> bool {
        let mut inner = self.inner.lock();
        if inner.of(key.0).count() >= most {
            return false;
        }
        inner.searches.insert(key, search);
        let is_first = inner.searches.len() == 1;
        self.count.store(inner.searches.len(), Ordering::SeqCst);
        if is_first {
            // From now on changes are counted from here.
            for member in core.directory.members() {
                if let Some(shown) = core.shown(&member) {
                    inner.told.insert(member.serial(), (member, shown));
                }
            }
        }
        true
    }

    pub fn has(&self, key: &Key) -> bool {
        self.inner.lock().searches.contains_key(key)
    }

    /// Ends a search; whether there was one.
    pub fn end(&self, key: &Key) -> bool {
        let mut inner = self.inner.lock();
        let ended = inner.searches.remove(key).is_some();
        self.tidy(&mut inner);
        ended
    }

    pub fn end_all_of(&self, serial: u64) {
        self.end_where(serial, |_| true);
    }

    pub fn end_made_in_init(&self, serial: u64) {
        self.end_where(serial, |search| search.in_init);
    }

    pub fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.searches.clear();
        self.tidy(&mut inner);
    }

    fn end_where(&self, serial: u64, mut ends: impl FnMut(&Search) -> bool) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut inner = self.inner.lock();
        inner.searches.retain(|key, search| key.0 != serial || !ends(search));
        self.tidy(&mut inner);
    }

    /// Keeps nothing where nobody searches.
    fn tidy(&self, inner: &mut Inner) {
        self.count.store(inner.searches.len(), Ordering::SeqCst);
        if inner.searches.is_empty() {
            inner.told.clear();
            inner.to_tell.clear();
            inner.queued.clear();
        }
    }

    fn put(&self, to_tell: ToTell) {
        let mut inner = self.inner.lock();
        if inner.searches.is_empty() {
            return;
        }
        if let ToTell::Member(member) = &to_tell
            && !inner.queued.insert(member.serial())
        {
            return;
        }
        inner.to_tell.push_back(to_tell);
    }
}

impl Inner {
    fn of(&self, serial: u64) -> impl Iterator<Item = &Key> {
        let first: Key = (serial, "".into(), "".into());
        self.searches.range(first..).map(|(key, _)| key).take_while(move |key| key.0 == serial)
    }

    /// What there is to say to whom; nothing where all has been told.
    fn next(&mut self, core: &Core) -> Option<Vec<Telling>> {
        match self.to_tell.pop_front()? {
            ToTell::Begin(key) => Some(self.begin(core, &key).into_iter().collect()),
            ToTell::Member(member) => {
                self.queued.remove(&member.serial());
                Some(self.tell(core, member))
            }
        }
    }

    fn begin(&mut self, core: &Core, key: &Key) -> Option<Telling> {
        let search = self.searches.get_mut(key)?;
        search.begun = true;
        let mut results = Results::new(core, super::df::DEFAULT_RESULTS);
        for (member, shown) in self.told.values() {
            if search.example.means(member, shown) {
                results.add(|| described(member.name(), member.id(), shown));
            }
        }
        Some(Telling { message: search.message.clone(), content: Arc::new(results.content()) })
    }

    fn tell(&mut self, core: &Core, member: Member) -> Vec<Telling> {
        let before = self.told.remove(&member.serial()).map(|(_, shown)| shown);
        let after = core.shown(&member);
        let mut tellings = Vec::new();
        if before != after {
            let said = |event: &str, shown: &Shown| {
                let result = described(member.name(), member.id(), shown);
                Arc::new(json!({"event": event, "results": [result]}))
            };
            // Most searches that are told are told the same.
            let mut contents: [Option<Arc<Value>>; 3] = [None, None, None];
            for search in self.searches.values().filter(|search| search.begun) {
                let meant = |shown: &&Shown| search.example.means(&member, shown);
                let (at, event, shown) =
                    match (before.as_ref().filter(meant), after.as_ref().filter(meant)) {
                        (None, Some(after)) => (0, "registered", after),
                        (Some(_), Some(after)) => (1, "modified", after),
                        (Some(before), None) => (2, "deregistered", before),
                        (None, None) => continue,
                    };
                let content = contents[at].get_or_insert_with(|| said(event, shown)).clone();
                tellings.push(Telling { message: search.message.clone(), content });
            }
        }
        if let Some(after) = after {
            self.told.insert(member.serial(), (member, after));
        }
        tellings
    }
}

impl Searches {
    /// Number of standing searches.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// Who tells; from its end on others may.
struct Teller<'a>(&'a Searches);

impl<'a> Teller<'a> {
    /// Nobody else may tell meanwhile.
    fn begin(searches: &'a Searches) -> Option<Self> {
        let mut inner = searches.inner.lock();
        let was_telling = std::mem::replace(&mut inner.telling, true);
        (!was_telling).then_some(Teller(searches))
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        self.0.inner.lock().telling = false;
    }
}

impl Core {
    /// What somebody can do may have changed.
    pub fn member_changed(&self, member: &Member) {
        let searches = &self.directory.searches;
        if searches.count.load(Ordering::SeqCst) > 0 && !member.is_service() {
            searches.put(ToTell::Member(member.clone()));
            self.tell_searches();
        }
    }

    pub(super) fn search_begins(&self, key: Key) {
        self.directory.searches.put(ToTell::Begin(key));
        self.tell_searches();
    }

    /// Tells what there is to tell, unless somebody else does so already.
    fn tell_searches(&self) {
        let searches = &self.directory.searches;
        // What is put in by others before the last look is told here, what comes after it there.
        while !searches.inner.lock().to_tell.is_empty() {
            let Some(teller) = Teller::begin(searches) else { return };
            loop {
                let tellings = searches.inner.lock().next(self);
                let Some(tellings) = tellings else { break };
                for Telling { message, content } in tellings {
                    let (act, post) = (Performative::Inform, Post::outside());
                    self.alone(post, |post| {
                        say(self, name::DF, &message, act, &content, None, post)
                    });
                }
            }
            drop(teller);
        }
    }
}
