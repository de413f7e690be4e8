//! The subscriptions of agents, found by the topics that they name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::account::Charge;
use crate::agent::Agent;
use crate::message::Filter;
use crate::spare::shrink;

/// Bytes of an entry in one of the tables, about: that of a topic which nobody else reads has a map of its own.
const ENTRY_BYTES: usize = 384;

/// A subscription, by the serial of its agent and its own number: those of one agent stand together.
pub(crate) type Key = (u64, u32);

/// One subscription of an agent.
pub(crate) struct AgentSubscription {
    pub agent: Arc<Agent>,
    pub filter: Filter,
    _charge: Charge,
}

type InOrder = BTreeMap<Key, Arc<AgentSubscription>>;

/// The subscriptions of all agents.
#[derive(Default)]
pub(crate) struct AgentSubscriptions {
    all: HashMap<Key, Arc<AgentSubscription>>,
    /// Those that name topics, by each of them.
    by_topic: HashMap<Arc<str>, InOrder>,
    /// Those that name none: every message for a topic may match.
    without_topic: InOrder,
    /// Those among them whose agents may see messages that are meant for others.
    observing: InOrder,
}

/// Which subscriptions a message is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table<'a> {
    /// Those that name this topic.
    Topic(&'a str),
    /// Those that name none, for a message that has one.
    WithoutTopic,
    /// Those of agents that may see messages that are meant for others.
    Observing,
}

impl AgentSubscriptions {
    pub fn insert(&mut self, key: Key, agent: Arc<Agent>, filter: Filter) {
        let observes = !agent.face.grants.observe.is_empty();
        // Its entries in the tables count with it.
        let topics = filter.topics().map_or(0, HashSet::len);
        let charge = agent.face.account.charge(filter.bytes() + ENTRY_BYTES * (2 + topics));
        let entered = Arc::new(AgentSubscription { agent, filter, _charge: charge });
        match entered.filter.topics() {
            Some(topics) => {
                for topic in topics {
                    let to_topic = match self.by_topic.get_mut(topic.as_str()) {
                        Some(found) => found,
                        None => self.by_topic.entry(topic.as_str().into()).or_default(),
                    };
                    to_topic.insert(key, entered.clone());
                }
            }
            None => {
                self.without_topic.insert(key, entered.clone());
                if observes {
                    self.observing.insert(key, entered.clone());
                }
            }
        }
        self.all.insert(key, entered);
    }

    pub fn remove(&mut self, key: Key) -> Option<Arc<AgentSubscription>> {
        let removed = self.all.remove(&key)?;
        shrink(&mut self.all);
        for topic in removed.filter.topics().into_iter().flatten() {
            if let Some(to_topic) = self.by_topic.get_mut(topic.as_str()) {
                to_topic.remove(&key);
                if to_topic.is_empty() {
                    self.by_topic.remove(topic.as_str());
                    shrink(&mut self.by_topic);
                }
            }
        }
        self.without_topic.remove(&key);
        self.observing.remove(&key);
        Some(removed)
    }

    pub fn clear(&mut self) {
        *self = AgentSubscriptions::default();
    }

    /// Number of subscriptions that name `topic`.
    pub fn to_topic(&self, topic: &str) -> usize {
        self.by_topic.get(topic).map_or(0, BTreeMap::len)
    }

    /// Number of topics that a subscription lists.
    pub fn topics_of(&self, key: Key) -> usize {
        self.all.get(&key).and_then(|it| it.filter.topics()).map_or(0, HashSet::len)
    }

    /// Number of filters without a topic with which a message is compared: one that has a topic, or one that
    /// is meant for others.
    pub fn tried(&self, has_topic: bool) -> usize {
        if has_topic { self.without_topic.len() } else { self.observing.len() }
    }

    /// The next subscriptions of a table after `after`, at most `most`.
    pub fn next(
        &self,
        table: Table<'_>,
        after: Option<Key>,
        most: usize,
    ) -> Vec<(Key, Arc<AgentSubscription>)> {
        let in_order = match table {
            Table::Topic(topic) => self.by_topic.get(topic),
            Table::WithoutTopic => Some(&self.without_topic),
            Table::Observing => Some(&self.observing),
        };
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = in_order.map(|it| it.range((after, Bound::Unbounded)));
        let found = found.into_iter().flatten();
        found.take(most).map(|(key, it)| (*key, it.clone())).collect()
    }
}
