//! Who waits for whom, so that a circle of agents that wait for each other is found.
//!
//! A message enters that somebody waits and does not look for circles: that is done later, in slices,
//! beginning with whoever has begun to wait since the last look. What changes meanwhile is looked at
//! again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::spare::shrink;

/// Microseconds after which somebody who waits is looked at: most answers have come by then.
pub(crate) const FIRST_LOOK: u64 = 100_000;
/// Microseconds between further looks at those that are still busy.
const NEXT_LOOK: u64 = 250_000;
/// How often the same are looked at that are still busy.
const MAX_LOOKS: u32 = 240;
/// Microseconds between two slices of one look.
const PAUSE: u64 = 1_000;
/// Steps of a slice: who waits, and for whom, that is looked at.
const SLICE: usize = 512;
/// The most circles that one slice finds.
const MAX_CIRCLES: usize = 16;
/// The most names in one circle.
const MAX_NAMES: usize = 10_000;

/// Who waits for whom, and since when.
#[derive(Default)]
pub(super) struct Waits {
    numbers: HashMap<Arc<str>, u64>,
    parties: HashMap<u64, Waiter>,
    /// Whose waiting does not count.
    but: Box<str>,
    next_number: u64,
    last_wait: u64,
    /// Who has begun to wait for somebody since it was looked at.
    changed: BTreeSet<u64>,
    look: Look,
    /// A look has been asked for, or is under way.
    is_due: bool,
    /// Looks in a row that found somebody busy.
    looks: u32,
    /// Steps that were taken, by messages and by looks.
    pub steps: u64,
}

struct Waiter {
    name: Arc<str>,
    waits_for: BTreeMap<u64, Edge>,
    /// Number of parties that wait for it.
    waited_for: usize,
}

/// One waits for another.
struct Edge {
    /// For how many things, each by the number of its waiting.
    waits: Waiting,
    /// It belongs to a circle that was told.
    is_told: bool,
}

/// Hardly ever more than one.
enum Waiting {
    One(u64),
    Many(BTreeSet<u64>),
}

/// A look at who can be reached from those that have changed, as far as it has come.
#[derive(Default)]
struct Look {
    starts: BTreeSet<u64>,
    /// From a start to where it stands; each with whom it was followed to last.
    path: Vec<(u64, Option<u64>)>,
    /// Where those on the path stand.
    on_path: HashMap<u64, usize>,
    /// Those from whom all was looked at.
    done: HashSet<u64>,
    /// Those in a circle that was found.
    in_circle: HashSet<u64>,
    /// When it began; later waiting is left for the next.
    now: u64,
    /// A circle was found whose names are busy.
    is_busy: bool,
}

/// Names each of which waits for the next, and the last for the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circle {
    names: Vec<Arc<str>>,
    /// Each as a party, and the number of its waiting.
    waits: Vec<(u64, u64)>,
}

impl Circle {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter()
    }
}

impl Waiting {
    fn oldest(&self) -> u64 {
        match self {
            Waiting::One(wait) => *wait,
            Waiting::Many(waits) => waits.first().copied().unwrap_or(u64::MAX),
        }
    }

    fn insert(&mut self, wait: u64) {
        match self {
            Waiting::One(first) => *self = Waiting::Many(BTreeSet::from([*first, wait])),
            Waiting::Many(waits) => drop(waits.insert(wait)),
        }
    }

    /// Takes one out; returns true if none is left.
    fn remove(&mut self, wait: u64) -> bool {
        match self {
            Waiting::One(only) => *only == wait,
            Waiting::Many(waits) => {
                waits.remove(&wait);
                waits.is_empty()
            }
        }
    }
}

impl Waits {
    /// Leaves out who waits for this name, and whom it waits for.
    pub fn without(name: &str) -> Self {
        Waits { but: name.into(), ..Waits::default() }
    }

    /// The name that is left out.
    pub fn but(&self) -> &str {
        &self.but
    }

    /// `waiter` waits for `other` from now on; the number of its waiting, if it counts.
    pub fn begin(&mut self, waiter: &Arc<str>, other: &Arc<str>, now: u64) -> Option<u64> {
        if *self.but == **waiter || *self.but == **other {
            return None;
        }
        self.steps += 1;
        self.last_wait = now.max(self.last_wait + 1);
        let wait = self.last_wait;
        let (from, to) = (self.number_of(waiter), self.number_of(other));
        let waits_for = &mut self.parties.get_mut(&from)?.waits_for;
        if let Some(edge) = waits_for.get_mut(&to) {
            edge.waits.insert(wait);
            return Some(wait);
        }
        waits_for.insert(to, Edge { waits: Waiting::One(wait), is_told: false });
        self.parties.get_mut(&to)?.waited_for += 1;
        self.changed.insert(from);
        self.looks = 0;
        Some(wait)
    }

    /// `waiter` waits no longer with this number.
    pub fn end(&mut self, waiter: &str, other: &str, wait: u64) {
        self.steps += 1;
        let (Some(from), Some(to)) = (self.numbers.get(waiter), self.numbers.get(other)) else {
            return;
        };
        let (from, to) = (*from, *to);
        let Some(party) = self.parties.get_mut(&from) else { return };
        let Some(edge) = party.waits_for.get_mut(&to) else { return };
        if !edge.waits.remove(wait) {
            return;
        }
        party.waits_for.remove(&to);
        if let Some(party) = self.parties.get_mut(&to) {
            party.waited_for -= 1;
        }
        self.tidy(from);
        self.tidy(to);
    }

    fn number_of(&mut self, name: &Arc<str>) -> u64 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.next_number += 1;
        let number = self.next_number;
        self.numbers.insert(name.clone(), number);
        let party = Waiter { name: name.clone(), waits_for: BTreeMap::new(), waited_for: 0 };
        self.parties.insert(number, party);
        number
    }

    /// Forgets a party that waits for nobody, and nobody for it.
    fn tidy(&mut self, number: u64) {
        let Some(party) = self.parties.get(&number) else { return };
        if party.waits_for.is_empty() && party.waited_for == 0 {
            self.numbers.remove(&party.name);
            self.parties.remove(&number);
            shrink(&mut self.numbers);
            shrink(&mut self.parties);
            self.changed.remove(&number);
        }
    }

    /// Returns true if a look has to be asked for, and takes note that it is.
    pub fn wants_look(&mut self) -> bool {
        let wants = !self.is_due && !self.changed.is_empty();
        self.is_due |= wants;
        wants
    }

    /// Goes on with a look for one slice, or begins one: circles that it has found.
    pub fn look(&mut self, now: u64) -> Vec<Circle> {
        let mut circles = Vec::new();
        let mut left = SLICE;
        if self.look.is_over() {
            let starts = std::mem::take(&mut self.changed);
            self.look = Look { starts, now, ..Look::default() };
        }
        while left > 0 && circles.len() < MAX_CIRCLES && !self.look.is_over() {
            let steps = self.step(&mut circles);
            self.steps += steps as u64;
            left = left.saturating_sub(steps);
        }
        circles
    }

    /// When the next slice, or the next look, is due: microseconds since the Unix epoch.
    pub fn next_look(&mut self, now: u64) -> Option<u64> {
        let wait = if !self.look.is_over() {
            Some(PAUSE)
        } else if self.changed.is_empty() {
            None
        } else if std::mem::take(&mut self.look.is_busy) {
            self.looks += 1;
            Some(NEXT_LOOK)
        } else {
            Some(FIRST_LOOK)
        };
        self.is_due = wait.is_some();
        wait.map(|wait| now.saturating_add(wait))
    }

    /// Takes one step; how many it is worth.
    fn step(&mut self, circles: &mut Vec<Circle>) -> usize {
        let look = &mut self.look;
        let Some((party, after)) = look.path.last_mut() else {
            if let Some(start) = look.starts.pop_first() {
                look.enter(start, &self.parties);
            }
            return 1;
        };
        let from = *party;
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let waits_for = self.parties.get(&from).map(|party| &party.waits_for);
        let next = waits_for.and_then(|others| others.range(behind).next());
        let Some((to, edge)) = next else {
            look.leave();
            return 1;
        };
        let to = *to;
        *after = Some(to);
        if edge.waits.oldest().saturating_add(FIRST_LOOK) > look.now {
            self.changed.insert(from);
            return 1;
        }
        match look.on_path.get(&to).copied() {
            Some(at) => 1 + self.close(at, to, circles),
            None => {
                look.enter(to, &self.parties);
                1
            }
        }
    }

    /// Who stands last on the path waits for `to`, who stands `at` a place of it; steps that this took.
    fn close(&mut self, at: usize, to: u64, circles: &mut Vec<Circle>) -> usize {
        let path = &self.look.path[at..];
        let Some((from, _)) = path.last().copied() else { return 0 };
        if self.look.in_circle.contains(&from) && self.look.in_circle.contains(&to) {
            return 0;
        }
        let parties: Vec<u64> = path.iter().map(|(party, _)| *party).collect();
        let mut circle = Circle { names: Vec::new(), waits: Vec::new() };
        let mut is_told = true;
        for (at, party) in parties.iter().enumerate() {
            let next = parties[(at + 1) % parties.len()];
            let waiter = self.parties.get(party);
            let Some((waiter, edge)) = waiter.and_then(|it| Some((it, it.waits_for.get(&next)?)))
            else {
                // Somebody on the path has been answered meanwhile.
                self.changed.insert(from);
                return parties.len();
            };
            is_told &= edge.is_told;
            circle.names.push(waiter.name.clone());
            circle.waits.push((*party, edge.waits.oldest()));
        }
        self.look.in_circle.extend(&parties);
        if !is_told && parties.len() <= MAX_NAMES {
            circle.begin_with_newest();
            circles.push(circle);
        }
        parties.len()
    }

    /// Those in this circle are busy, and are looked at again.
    pub fn look_again(&mut self, circle: &Circle) {
        if self.looks < MAX_LOOKS {
            self.look.is_busy = true;
            self.mark(circle);
        }
    }

    /// Lets the next look begin with this circle too.
    fn mark(&mut self, circle: &Circle) {
        if let Some((party, _)) = circle.waits.first()
            && self.parties.contains_key(party)
        {
            self.changed.insert(*party);
        }
    }

    /// Marks a circle as told; returns false if it has been broken meanwhile.
    pub fn tell(&mut self, circle: &Circle) -> bool {
        let nexts = circle.waits.iter().cycle().skip(1);
        let pairs = || circle.waits.iter().zip(nexts.clone());
        let stands = |((party, wait), (next, _)): (&(u64, u64), &(u64, u64))| {
            let edge = self.parties.get(party).and_then(|party| party.waits_for.get(next));
            edge.is_some_and(|edge| edge.waits.oldest() == *wait)
        };
        if !pairs().all(stands) {
            self.mark(circle);
            return false;
        }
        for ((party, _), (next, _)) in pairs() {
            let party = self.parties.get_mut(party);
            if let Some(edge) = party.and_then(|party| party.waits_for.get_mut(next)) {
                edge.is_told = true;
            }
        }
        true
    }
}

impl Circle {
    /// Begins with who closed it.
    fn begin_with_newest(&mut self) {
        let newest = (0..self.waits.len()).max_by_key(|at| self.waits[*at].1).unwrap_or_default();
        self.waits.rotate_left(newest);
        self.names.rotate_left(newest);
    }
}

impl Look {
    fn is_over(&self) -> bool {
        self.starts.is_empty() && self.path.is_empty()
    }

    /// Goes on with this party, unless it is part of no circle.
    fn enter(&mut self, party: u64, parties: &HashMap<u64, Waiter>) {
        let waits = parties.get(&party).is_some_and(|party| !party.waits_for.is_empty());
        if waits && !self.done.contains(&party) {
            self.on_path.insert(party, self.path.len());
            self.path.push((party, None));
        }
    }

    fn leave(&mut self) {
        if let Some((party, _)) = self.path.pop() {
            self.on_path.remove(&party);
            self.done.insert(party);
        }
    }
}

#[cfg(test)]
impl Waits {
    /// Who waits for whom, and for how many things.
    pub fn counts(&self) -> BTreeMap<(Arc<str>, Arc<str>), usize> {
        let mut counts = BTreeMap::new();
        let mut waited_for: HashMap<u64, usize> = HashMap::new();
        for party in self.parties.values() {
            for (to, edge) in &party.waits_for {
                let count = match &edge.waits {
                    Waiting::One(_) => 1,
                    Waiting::Many(waits) => waits.len(),
                };
                *waited_for.entry(*to).or_default() += 1;
                counts.insert((party.name.clone(), self.parties[to].name.clone()), count);
            }
        }
        for (number, party) in &self.parties {
            assert_eq!(self.numbers.get(&party.name), Some(number));
            assert_eq!(party.waited_for, waited_for.get(number).copied().unwrap_or_default());
        }
        counts
    }
}
