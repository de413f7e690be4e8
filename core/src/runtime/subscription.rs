//! Who sees which messages: the subscriptions of scripts, and of agents.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::Core;
use super::feed::{Feed, Subscription};
use super::posting::{Outward, Post};
use crate::agent::{Agent, Kind, Letter, Undo};
use crate::directory::Member;
use crate::grants::Grants;
use crate::message::{Filter, Message};
use crate::sandbox::Made;
use crate::store::Change;

/// The subscriptions of agents: those of one agent stand together. By serial and id.
pub(crate) type AgentSubscriptions = BTreeMap<(u64, u32), AgentSubscription>;

/// One subscription of an agent.
pub(crate) struct AgentSubscription {
    agent: Arc<Agent>,
    filter: Filter,
}

impl Core {
    pub fn subscribe(self: &Arc<Self>, filter: Filter) -> Subscription {
        let feed = Arc::new(Feed::default());
        self.subscriptions.add(filter, &feed);
        self.begin_feed(feed)
    }

    /// A subscription that reads `feed`.
    pub fn begin_feed(self: &Arc<Self>, feed: Arc<Feed>) -> Subscription {
        // Closing ends the feeds that it finds; one that came after that must not wait.
        if self.check_open().is_err() {
            feed.close();
        }
        Subscription::new(feed, self.clone())
    }

    /// Shows a message to the script's subscriptions, at once or when its posting is on disk; whether
    /// one of them takes it.
    pub fn observe(&self, message: &Message, post: Post<'_>) -> bool {
        self.observe_except(message, &HashSet::new(), post)
    }

    /// The same for a message that the members with these serials receive, whatever it says itself.
    pub fn observe_except(
        &self,
        message: &Message,
        receivers: &HashSet<u64>,
        post: Post<'_>,
    ) -> bool {
        if self.observers.load(Ordering::Acquire) > 0 && message.topic().is_none() {
            self.give_copies(message, post, |agent| {
                !receivers.contains(&agent.face.serial)
                    && agent.name() != message.sender()
                    && self.may_see(&agent.face.grants, message)
            });
        }
        if self.subscriptions.is_empty() {
            return false;
        }
        if post.posting.is_none() {
            return self.show(message);
        }
        let seen = self.subscriptions.any(|filter| self.is_meant(filter, message));
        if seen {
            post.hold(Outward::Observe(message.clone()));
        }
        seen
    }

    /// Shows a message to the script's subscriptions; whether one of them took it.
    pub fn show(&self, message: &Message) -> bool {
        self.subscriptions.push(message, |filter| self.is_meant(filter, message))
    }

    /// What a filter says of agents is meant of the sender.
    fn is_meant(&self, filter: &Filter, message: &Message) -> bool {
        filter.matches(message)
            && (!filter.names_agents()
                || self
                    .directory
                    .find(message.sender())
                    .is_some_and(|sender| sender.matches(filter)))
    }

    /// Gives copies of a message for a topic to the agents that subscribed to it.
    pub fn publish(&self, message: &Message, sender: u64, post: Post<'_>) {
        self.give_copies(message, post, |agent| agent.face.serial != sender);
    }

    /// Whether these grants let an agent see a message that is not for it.
    fn may_see(&self, grants: &Grants, message: &Message) -> bool {
        let is_seen = |name: &str| {
            grants.may_observe(name)
                || self.directory.find(name).is_some_and(|it| grants.may_observe(it.name()))
        };
        !grants.observe.is_empty()
            && (is_seen(message.sender()) || message.receivers().any(is_seen))
    }

    /// Gives copies of a message to the agents among those that `may_see` it which subscribed to it.
    fn give_copies(&self, message: &Message, post: Post<'_>, may_see: impl Fn(&Agent) -> bool) {
        let subscribers: Vec<Arc<Agent>> = {
            let subscriptions = self.agent_subscriptions.read();
            let mut subscribers: Vec<Arc<Agent>> = Vec::new();
            for subscription in subscriptions.values() {
                let agent = &subscription.agent;
                if subscribers.last().is_none_or(|last| !Arc::ptr_eq(last, agent))
                    && may_see(agent)
                    && !message
                        .receivers()
                        .any(|to| to == &*agent.face.name || to == &*agent.face.id)
                    && self.is_meant(&subscription.filter, message)
                {
                    subscribers.push(agent.clone());
                }
            }
            subscribers
        };
        for agent in subscribers {
            if !agent.takes_content(message) {
                agent.face.counters.skipped.add(1);
                continue;
            }
            let letter = Letter::new(message.clone(), None, Kind::Copy);
            let member = Member::Agent(agent);
            if self.deliver(&member, letter, post).is_err()
                && let Member::Agent(agent) = member
            {
                agent.face.counters.skipped.add(1);
            }
        }
    }

    pub fn begin_subscription(
        &self,
        agent: &Arc<Agent>,
        id: u32,
        filter: Filter,
        made: Made,
        post: Post<'_>,
    ) {
        post.change(|| Change::Subscription {
            agent: agent.face.serial,
            id,
            filter: filter.as_json().clone(),
            in_init: made == Made::InInit,
        });
        post.undo(|| Undo::SubscriptionBegun(id));
        self.put_subscription(agent, id, filter, made);
    }

    pub fn put_subscription(&self, agent: &Arc<Agent>, id: u32, filter: Filter, made: Made) {
        agent.face.holdings.begin_subscription(id, made);
        let subscription = AgentSubscription { agent: agent.clone(), filter };
        self.agent_subscriptions.write().insert((agent.face.serial, id), subscription);
    }

    /// Takes a subscription out; what it was.
    pub fn take_subscription(&self, agent: &Agent, id: u32) -> Option<(Filter, Made)> {
        let made = agent.face.holdings.end_subscription(id)?;
        let ended = self.agent_subscriptions.write().remove(&(agent.face.serial, id))?;
        Some((ended.filter, made))
    }

    pub fn end_subscription(&self, agent: &Agent, id: u32, post: Post<'_>) {
        if let Some((filter, made)) = self.take_subscription(agent, id) {
            post.change(|| Change::NoSubscription { agent: agent.face.serial, id });
            post.undo(|| Undo::SubscriptionEnded(id, filter, made));
        }
    }

    /// Ends the subscriptions of an agent that were made then, or all.
    pub fn end_subscriptions(&self, agent: &Agent, made: Option<Made>, post: Post<'_>) {
        for id in agent.face.holdings.subscriptions_made(made) {
            self.end_subscription(agent, id, post);
        }
    }
}
