//! Finding by example: what somebody can do as a list of facts in which each is found at once.
//!
//! An example and a description may each have long lists. So neither is walked for each entry of the
//! other: a fact is a number made of its field and its text, with a key that nobody outside knows, and
//! looked up by it.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use super::description::{Description, Service};

/// The service of facts that are of none.
const OF_ALL: u32 = u32::MAX;

/// The key of the numbers. Two facts have the same one once in 2^64, whatever their texts are.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What a fact is about.
#[derive(Clone, Copy, Hash)]
enum Field {
    Capability,
    Performative,
    Protocol,
    Ontology,
    Language,
    Name,
    Kind,
    Ownership,
    Property,
}

/// What somebody can do: each fact with the service that it is of, in order.
#[derive(Debug)]
pub(super) struct Facts {
    facts: Box<[(u64, u32)]>,
    services: u32,
}

/// What somebody has to be able to.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    of_all: Vec<u64>,
    /// Of one service each.
    services: Vec<Vec<u64>>,
}

/// Facts of a description, made when somebody first looks for them.
#[derive(Debug, Default)]
pub(super) struct Made(OnceLock<Facts>);

impl Clone for Made {
    fn clone(&self) -> Self {
        Made::default()
    }
}

impl PartialEq for Made {
    /// They follow from the rest of the description.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Made {
    pub fn of(&self, description: &Description) -> &Facts {
        self.0.get_or_init(|| Facts::new(description))
    }
}

fn number(field: Field, text: &str) -> u64 {
    KEY.hash_one((field, text))
}

fn property(name: &str, value: &Value) -> u64 {
    KEY.hash_one((Field::Property as u8, name, number_of(value)))
}

/// The same for values that are equal.
fn number_of(value: &Value) -> u64 {
    let mut hasher = KEY.build_hasher();
    match value {
        Value::Object(object) => {
            let entries = object.iter().map(|(name, value)| KEY.hash_one((name, number_of(value))));
            let all = entries.fold(0_u64, u64::wrapping_add);
            (0_u8, object.len(), all).hash(&mut hasher);
        }
        Value::Array(values) => {
            (1_u8, values.len()).hash(&mut hasher);
            values.iter().for_each(|value| number_of(value).hash(&mut hasher));
        }
        Value::String(text) => (2_u8, text).hash(&mut hasher),
        other => (3_u8, other.to_string()).hash(&mut hasher),
    }
    hasher.finish()
}

/// What is said of all services together.
fn of_all(description: &Description) -> impl Iterator<Item = u64> {
    let lists = [
        (Field::Capability, &description.capabilities),
        (Field::Performative, &description.performatives),
        (Field::Protocol, &description.protocols),
        (Field::Ontology, &description.ontologies),
        (Field::Language, &description.languages),
    ];
    lists.into_iter().flat_map(|(field, texts)| texts.iter().map(move |text| number(field, text)))
}

fn of_service(service: &Service) -> impl Iterator<Item = u64> {
    let texts = [
        (Field::Name, &service.name),
        (Field::Kind, &service.kind),
        (Field::Ownership, &service.ownership),
    ];
    let lists = [
        (Field::Protocol, &service.protocols),
        (Field::Ontology, &service.ontologies),
        (Field::Language, &service.languages),
    ];
    let texts = texts.into_iter().filter_map(|(field, text)| Some(number(field, text.as_deref()?)));
    let lists = lists
        .into_iter()
        .flat_map(|(field, texts)| texts.iter().map(move |text| number(field, text)));
    texts.chain(lists).chain(service.properties.iter().map(|(name, value)| property(name, value)))
}

impl Wanted {
    pub fn new(example: &Description) -> Self {
        let as_set = |facts: &mut Vec<u64>| {
            facts.sort_unstable();
            facts.dedup();
        };
        let mut wanted = Wanted { of_all: of_all(example).collect(), services: Vec::new() };
        as_set(&mut wanted.of_all);
        wanted.services = example.services.iter().map(|it| of_service(it).collect()).collect();
        wanted.services.iter_mut().for_each(as_set);
        wanted.services.sort_unstable();
        wanted.services.dedup();
        wanted
    }

    /// Number of facts.
    pub fn len(&self) -> usize {
        self.of_all.len() + self.services.iter().map(Vec::len).sum::<usize>()
    }
}

impl Facts {
    pub fn new(description: &Description) -> Self {
        let mut facts: Vec<(u64, u32)> = of_all(description).map(|fact| (fact, OF_ALL)).collect();
        for (service, number) in description.services.iter().zip(0..OF_ALL) {
            facts.extend(of_service(service).map(|fact| (fact, number)));
        }
        facts.sort_unstable();
        facts.dedup();
        let services = description.services.len().min(OF_ALL as usize) as u32;
        Facts { facts: facts.into(), services }
    }

    fn has(&self, fact: u64, service: u32) -> bool {
        self.facts.binary_search(&(fact, service)).is_ok()
    }

    /// Returns true if this is among the capabilities.
    pub fn has_capability(&self, name: &str) -> bool {
        self.has(number(Field::Capability, name), OF_ALL)
    }

    /// Returns true if there is a service of this name.
    pub fn has_service(&self, name: &str) -> bool {
        !self.services_with(number(Field::Name, name)).is_empty()
    }

    /// The services that have a fact.
    fn services_with(&self, fact: u64) -> &[(u64, u32)] {
        let begin = self.facts.partition_point(|it| *it < (fact, 0));
        let end = self.facts.partition_point(|it| *it < (fact, OF_ALL));
        self.facts.get(begin..end).unwrap_or_default()
    }

    /// Returns true if all that is wanted is here. Each fact that is looked up takes one of `steps`;
    /// when none is left, what is left to look up counts as missing.
    pub fn fit(&self, wanted: &Wanted, steps: &mut usize) -> bool {
        let mut take = |count: usize| {
            let enough = *steps >= count;
            *steps = steps.saturating_sub(count);
            enough
        };
        if !take(1 + wanted.of_all.len())
            || !wanted.of_all.iter().all(|fact| self.has(*fact, OF_ALL))
        {
            return false;
        }
        wanted.services.iter().all(|facts| {
            if !take(facts.len()) {
                return false;
            }
            let rarest = facts.iter().min_by_key(|fact| self.services_with(**fact).len());
            let Some(rarest) = rarest else { return self.services > 0 };
            let mut services = self.services_with(*rarest).iter().map(|(_, service)| *service);
            services.any(|service| {
                take(facts.len()) && facts.iter().all(|fact| self.has(*fact, service))
            })
        })
    }
}

#[cfg(test)]
mod tests;
