//! Who sees which messages: the subscriptions of scripts, and of agents.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::agent_subscriptions::{AgentSubscription, Table};
use super::core::Core;
use super::feed::{Feed, Subscription};
use super::posting::{Outward, Post};
use crate::agent::{Agent, Kind, Letter, Undo};
use crate::directory::Member;
use crate::grants::Grants;
use crate::message::{Filter, Message};
use crate::sandbox::Made;
use crate::store::Change;

/// Subscriptions that are looked at between two looks into the table.
const COPIES_AT_ONCE: usize = 32;

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

    /// Shows a message that goes to few receivers to everybody who may see it; whether the program does.
    pub fn observe(&self, message: &Message, post: Post<'_>) -> bool {
        if self.observers.load(Ordering::Acquire) > 0 && message.topic().is_none() {
            self.give_copies(message, post);
        }
        self.observe_in_program(message, post)
    }

    /// Gives copies of a message to the agents that observe, each at most one.
    fn give_copies(&self, message: &Message, post: Post<'_>) {
        let (mut after, mut last) = (None, None);
        loop {
            let found =
                self.agent_subscriptions.read().next(Table::Observing, after, COPIES_AT_ONCE);
            let Some((key, _)) = found.last() else { return };
            after = Some(*key);
            for ((serial, _), subscription) in found {
                let agent = &subscription.agent;
                let is_party = agent.name() == message.sender()
                    || message.receivers().any(|to| agent.is_called(to));
                if last != Some(serial)
                    && !is_party
                    && self.give_copy(message, &subscription, None, Table::Observing, post)
                {
                    last = Some(serial);
                }
            }
        }
    }

    /// Shows a message to the script's subscriptions, at once or when its posting is on disk; whether
    /// one of them takes it.
    pub(super) fn observe_in_program(&self, message: &Message, post: Post<'_>) -> bool {
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
        filter.matches(message) && self.is_sent_by_one_of(filter, message)
    }

    /// Whether the sender of a message is one of the agents that the filter means.
    fn is_sent_by_one_of(&self, filter: &Filter, message: &Message) -> bool {
        let find = || self.directory.find(message.sender());
        !filter.names_agents() || find().is_some_and(|sender| sender.matches(filter))
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

    /// Gives a copy of a message to the agent of a subscription, where it matches and the agent may see
    /// it; whether it was given one. Everybody may see what is for a topic. `receivers` are those of a message that
    /// has many.
    pub(super) fn give_copy(
        &self,
        message: &Message,
        subscription: &AgentSubscription,
        receivers: Option<&HashSet<Box<str>>>,
        table: Table<'_>,
        post: Post<'_>,
    ) -> bool {
        let agent = &subscription.agent;
        let is_for_topic = table != Table::Observing;
        let has_topic = matches!(table, Table::Topic(_));
        let filter = &subscription.filter;
        let matches = filter.matches_but(message, receivers, has_topic)
            && self.is_sent_by_one_of(filter, message)
            && (is_for_topic || self.may_see(&agent.face.grants, message));
        if !matches {
            return false;
        }
        let letter = Letter::new(message.clone(), None, Kind::Copy);
        let member = Member::Agent(agent.clone());
        if !agent.takes_content(message) || self.deliver(&member, letter, post).is_err() {
            agent.face.counters.skipped.add(1);
        }
        true
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
        let key = (agent.face.serial, id);
        self.agent_subscriptions.write().insert(key, agent.clone(), filter);
    }

    /// Takes a subscription out; what it was.
    pub fn take_subscription(&self, agent: &Agent, id: u32) -> Option<(Filter, Made)> {
        let made = agent.face.holdings.end_subscription(id)?;
        let ended = self.agent_subscriptions.write().remove((agent.face.serial, id))?;
        Some((ended.filter.clone(), made))
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
