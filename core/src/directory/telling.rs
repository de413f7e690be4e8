//! Reporting changes of the directory to standing searches.
//!
//! A report is the difference between a member's description now and the one that was reported last. One task
//! sends all reports, so every search sees the changes of a member in order, and a change that is undone
//! before it could be reported is not reported. The task holds no lock while it looks at members and
//! searches, and lets other tasks run after each slice of its work.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use serde_json::json;

use super::Member;
use super::answer::{Asked, Results, say};
use super::profile::Shown;
use super::registry::described;
use super::searches::{Key, Search, Term, ToTell, Whom};
use crate::message::{Performative, name};
use crate::runtime::{Core, Post};

/// Number of steps in a slice. A step is a look at one member or at one search.
const SLICE: usize = 256;
/// Number of steps that one report counts as.
const TELLING: usize = 8;
/// The most facts that are looked up for one search and one member, and the number of facts that count as a
/// step.
const MAX_FACTS: usize = 65_536;
const FACTS: usize = 64;
/// The most searches or members that are taken at once.
const FEW: usize = 32;

/// The state of the reporting task.
#[derive(Default)]
pub(super) struct Teller {
    era: u64,
    /// Members as they were last reported; `None` before the first search has begun.
    told: Option<BTreeMap<u64, (Whom, Shown)>>,
    doing: Doing,
    /// Members that are looked at before anything else.
    everybody: std::vec::IntoIter<Whom>,
}

#[derive(Default)]
enum Doing {
    #[default]
    Nothing,
    /// Reads all members, for the first search.
    Count {
        left: std::vec::IntoIter<Member>,
        then: Key,
    },
    /// Collects the first results of a search; members with serials above `after` are left.
    List {
        key: Key,
        search: Arc<Search>,
        results: Results,
        after: Option<u64>,
    },
    Tell(Box<Change>),
}

/// A change of a member, and the searches that are left to report it to.
struct Change {
    whom: Whom,
    before: Option<Shown>,
    after: Option<Shown>,
    /// The contents of the reports, once written: one for each event, the same for most searches.
    contents: [Option<Arc<str>>; 3],
    terms: std::vec::IntoIter<Term>,
    term: Option<Term>,
    behind: Option<Key>,
}

impl Core {
    /// Sends the reports of standing searches for as long as the runtime exists.
    pub async fn tell_searches(core: Weak<Self>) {
        let Some(searches) = core.upgrade().map(|core| core.directory.searches.clone()) else {
            return;
        };
        let mut teller = Teller::default();
        loop {
            let has_more = {
                let Some(core) = core.upgrade() else { return };
                teller.work(&core, SLICE)
            };
            match has_more {
                true => tokio::task::yield_now().await,
                false => searches.news.notified().await,
            }
        }
    }
}

impl Teller {
    /// Takes about `slice` steps. Returns false if nothing is left to do.
    pub fn work(&mut self, core: &Core, slice: usize) -> bool {
        let mut left = slice;
        self.join_era(core.directory.searches.era());
        while left > 0 {
            let steps = match std::mem::take(&mut self.doing) {
                Doing::Nothing => match self.next(core) {
                    true => 1,
                    false => return false,
                },
                Doing::Count { left, then } => self.count(core, left, then),
                Doing::List { key, search, results, after } => {
                    self.list(core, key, search, results, after)
                }
                Doing::Tell(change) => self.tell(core, change),
            };
            left = left.saturating_sub(steps);
        }
        true
    }

    fn join_era(&mut self, era: u64) {
        if self.era != era {
            *self = Teller { era, ..Teller::default() };
        }
    }

    /// Begins the next report. Returns false if there is none.
    fn next(&mut self, core: &Core) -> bool {
        if let Some(whom) = self.everybody.next() {
            self.doing = self.change(core, whom);
            return true;
        }
        let Some((era, to_tell)) = core.directory.searches.next() else { return false };
        self.join_era(era);
        self.doing = match to_tell {
            ToTell::Member(whom) => self.change(core, whom),
            ToTell::Everybody => {
                self.look_at_everybody(core);
                Doing::Nothing
            }
            ToTell::Begin(key) if self.told.is_none() => {
                self.told = Some(BTreeMap::new());
                Doing::Count { left: core.directory.members().into_iter(), then: key }
            }
            ToTell::Begin(key) => self.begin(core, key),
        };
        true
    }

    fn look_at_everybody(&mut self, core: &Core) {
        let Some(told) = &self.told else { return };
        let mut everybody: Vec<Whom> = told.values().map(|(whom, _)| whom.clone()).collect();
        let here = core.directory.members();
        let new = here.iter().filter(|member| !told.contains_key(&member.serial()));
        everybody.extend(new.map(Whom::of));
        self.everybody = everybody.into_iter();
    }

    fn count(&mut self, core: &Core, mut left: std::vec::IntoIter<Member>, then: Key) -> usize {
        let mut steps = 0;
        for member in left.by_ref().take(FEW) {
            steps += 1;
            if let (Some(shown), Some(told)) = (core.shown(&member), &mut self.told) {
                told.insert(member.serial(), (Whom::of(&member), shown));
            }
        }
        self.doing = match left.len() {
            0 => self.begin(core, then),
            _ => Doing::Count { left, then },
        };
        steps.max(1)
    }

    fn begin(&mut self, core: &Core, key: Key) -> Doing {
        let Some(search) = core.directory.searches.get(&key) else { return Doing::Nothing };
        let results = Results::new(core, super::df::DEFAULT_RESULTS);
        Doing::List { key, search, results, after: None }
    }

    fn list(
        &mut self,
        core: &Core,
        key: Key,
        search: Arc<Search>,
        mut results: Results,
        mut after: Option<u64>,
    ) -> usize {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let (mut looked, mut steps) = (0, 0);
        let told = self.told.iter().flat_map(|told| told.range((behind.0, behind.1)));
        for (serial, (whom, shown)) in told.take(FEW) {
            looked += 1;
            after = Some(*serial);
            let mut facts = MAX_FACTS;
            if search.example.means(whom, shown, &mut facts) {
                results.add(|| described(&whom.name, &whom.id, shown));
            }
            steps += 1 + (MAX_FACTS - facts) / FACTS;
        }
        if looked == FEW {
            self.doing = Doing::List { key, search, results, after };
            return steps;
        }
        // The search may have ended meanwhile.
        if core.directory.searches.get(&key).is_some_and(|it| Arc::ptr_eq(&it, &search)) {
            search.begun.store(true, Ordering::SeqCst);
            inform(core, key.0, &search, &results.content());
        }
        steps + TELLING
    }

    /// Returns the work of reporting a member's change since its last report, if it has changed.
    fn change(&mut self, core: &Core, whom: Whom) -> Doing {
        let Some(told) = &mut self.told else { return Doing::Nothing };
        let before = told.remove(&whom.serial).map(|(_, shown)| shown);
        let after = core.shown_of(&whom);
        if let Some(after) = &after {
            told.insert(whom.serial, (whom.clone(), after.clone()));
        }
        if before == after {
            return Doing::Nothing;
        }
        let shown: Vec<&Shown> = before.iter().chain(&after).collect();
        let terms = Term::of_member(&whom, &shown).into_iter();
        let contents = [None, None, None];
        Doing::Tell(Box::new(Change {
            whom,
            before,
            after,
            contents,
            terms,
            term: None,
            behind: None,
        }))
    }

    fn tell(&mut self, core: &Core, mut change: Box<Change>) -> usize {
        let Some(term) = change.term.take().or_else(|| change.terms.next()) else { return 1 };
        let found = core.directory.searches.under(&term, change.behind.as_ref(), FEW);
        let mut steps = 1 + found.len();
        for (key, search) in &found {
            if !search.begun.load(Ordering::SeqCst) {
                continue;
            }
            let mut facts = MAX_FACTS;
            if let Some(content) = change.content_for(search, &mut facts) {
                inform(core, key.0, search, &content);
                steps += TELLING;
            }
            steps += (MAX_FACTS - facts) / FACTS;
        }
        if found.len() == FEW {
            change.term = Some(term);
            change.behind = found.into_iter().next_back().map(|(key, _)| key);
        } else {
            change.behind = None;
        }
        self.doing = Doing::Tell(change);
        steps
    }
}

impl Change {
    /// Returns the content of the report for this search, if the member matches it or did before.
    fn content_for(&mut self, search: &Search, facts: &mut usize) -> Option<Arc<str>> {
        let mut meant = |shown: &&Shown| search.example.means(&self.whom, shown, facts);
        let before = self.before.as_ref().filter(&mut meant);
        let (at, event, shown) = match (before, self.after.as_ref().filter(meant)) {
            (None, Some(after)) => (0, "registered", after),
            (Some(_), Some(after)) => (1, "modified", after),
            (Some(before), None) => (2, "deregistered", before),
            (None, None) => return None,
        };
        let content = self.contents[at].get_or_insert_with(|| {
            let result = described(&self.whom.name, &self.whom.id, shown);
            json!({"event": event, "results": [result]}).to_string().into()
        });
        Some(content.clone())
    }
}

/// Sends a report to one search of the subscriber with the serial `of`.
fn inform(core: &Core, of: u64, search: &Search, content: &str) {
    let asked = Asked { message: &search.message, by: Some(of), ask: None };
    core.alone(Post::outside(), |post| {
        say(core, name::DF, &asked, Performative::Inform, content, post);
    });
}
