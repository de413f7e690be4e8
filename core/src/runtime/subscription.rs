//! Subscriptions: copies of messages for scripts, and for agents.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::core::Core;
use super::posting::{Outward, Post};
use crate::agent::{Agent, Kind, Letter, Undo};
use crate::directory::Member;
use crate::error::{Error, ErrorKind};
use crate::grants::Grants;
use crate::message::{Filter, Message};
use crate::sandbox::Made;
use crate::store::Change;

/// Messages that wait for a script's subscription.
const CAPACITY: usize = 1024;
/// Bytes of the messages that wait.
const CAPACITY_BYTES: usize = 16 << 20;

/// Copies of the messages that match a filter. A slow reader misses some and is told how many; the
/// runtime never waits for it. Dropping it ends the subscription.
pub struct Subscription {
    feed: Arc<Feed>,
    core: Arc<Core>,
}

struct Feed {
    filter: Filter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    missed: u64,
    closed: bool,
    /// Who waits for a message, by a number of its own.
    wakers: Vec<(u64, Waker)>,
    next_reader: u64,
}

/// Who calls `poll_next`: one reader, however often its task changes.
const POLLING: u64 = 0;

impl Subscription {
    /// The next message; `None` once the subscription or the runtime is closed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is only taken when it is returned.
    pub async fn next(&self) -> Option<Message> {
        let reader = Reader::new(&self.feed);
        poll_fn(|context| self.feed.poll(reader.number, context)).await
    }

    /// The same for at most `timeout`; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] if no message came.
    ///
    /// # Cancel safety
    ///
    /// As [`Subscription::next`].
    pub async fn next_within(&self, timeout: Option<Duration>) -> Result<Option<Message>, Error> {
        self.core.within_time(timeout, self.next()).await.ok_or_else(|| {
            let waited = timeout.unwrap_or_default();
            Error::new(ErrorKind::Timeout, format!("no message came within {waited:?}"))
        })
    }

    /// The same as a poll, for one task: only who polled last is woken.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.feed.poll(POLLING, context)
    }

    /// The next message, if one waits.
    pub fn try_next(&self) -> Option<Message> {
        let mut state = self.feed.state.lock();
        let message = state.waiting.pop_front()?;
        state.bytes -= message.charge();
        Some(message)
    }

    /// How many messages found no room since the subscription began.
    pub fn missed(&self) -> u64 {
        self.feed.state.lock().missed
    }

    /// Ends the subscription; what waits can still be read.
    pub fn close(&self) {
        self.core.subscriptions.remove(&self.feed);
        self.feed.close();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.close();
    }
}

/// One call of [`Subscription::next`]; leaves nothing behind when it is given up.
struct Reader<'a> {
    feed: &'a Feed,
    number: u64,
}

impl<'a> Reader<'a> {
    fn new(feed: &'a Feed) -> Self {
        let mut state = feed.state.lock();
        state.next_reader += 1;
        Reader { feed, number: state.next_reader }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.feed.state.lock().wakers.retain(|(number, _)| *number != self.number);
    }
}

impl Feed {
    fn poll(&self, reader: u64, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.state.lock();
        if let Some(message) = state.waiting.pop_front() {
            state.bytes -= message.charge();
            return Poll::Ready(Some(message));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match state.wakers.iter_mut().find(|(number, _)| *number == reader) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => state.wakers.push((reader, context.waker().clone())),
        }
        Poll::Pending
    }

    fn push(&self, message: &Message) {
        let mut state = self.state.lock();
        let full = state.waiting.len() >= CAPACITY
            || (state.bytes + message.charge() > CAPACITY_BYTES && !state.waiting.is_empty());
        if full {
            state.missed += 1;
            return;
        }
        state.bytes += message.charge();
        state.waiting.push_back(message.clone());
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for (_, waker) in wakers {
            waker.wake();
        }
    }
}

/// The subscriptions of scripts.
#[derive(Default)]
pub(crate) struct Subscriptions {
    feeds: ArcSwap<Vec<Arc<Feed>>>,
    count: AtomicUsize,
}

impl Subscriptions {
    fn add(&self, feed: &Arc<Feed>) {
        self.feeds.rcu(|feeds| {
            let mut feeds = Vec::clone(feeds);
            feeds.push(feed.clone());
            feeds
        });
        self.count.store(self.feeds.load().len(), Ordering::Release);
    }

    fn remove(&self, feed: &Arc<Feed>) {
        self.feeds.rcu(|feeds| {
            let mut feeds = Vec::clone(feeds);
            feeds.retain(|other| !Arc::ptr_eq(other, feed));
            feeds
        });
        self.count.store(self.feeds.load().len(), Ordering::Release);
    }

    pub fn close_all(&self) {
        for feed in self.feeds.load().iter() {
            feed.close();
        }
    }
}

/// One subscription of an agent.
pub(crate) struct AgentSubscription {
    agent: Arc<Agent>,
    id: u32,
    filter: Filter,
}

impl Core {
    pub fn subscribe(self: &Arc<Self>, filter: Filter) -> Subscription {
        let feed = Arc::new(Feed { filter, state: Mutex::default() });
        self.subscriptions.add(&feed);
        // Closing ends the feeds that it finds; one that came after that must not wait.
        if self.check_open().is_err() {
            feed.close();
        }
        Subscription { feed, core: self.clone() }
    }

    /// Shows a message to the script's subscriptions, at once or when its posting is on disk; whether
    /// one of them takes it.
    pub fn observe(&self, message: &Message, post: Post<'_>) -> bool {
        self.observe_except(message, &[], post)
    }

    /// The same for a message that the members with these serials receive, whatever it says itself.
    pub fn observe_except(&self, message: &Message, receivers: &[u64], post: Post<'_>) -> bool {
        if self.observers.load(Ordering::Acquire) > 0 && message.topic().is_none() {
            self.give_copies(message, post, |agent| {
                !receivers.contains(&agent.face.serial)
                    && agent.name() != message.sender()
                    && self.may_see(&agent.face.grants, message)
            });
        }
        if self.subscriptions.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        if post.posting.is_none() {
            return self.show(message);
        }
        let feeds = self.subscriptions.feeds.load();
        let seen = feeds.iter().any(|feed| self.is_meant(&feed.filter, message));
        if seen {
            post.hold(Outward::Observe(message.clone()));
        }
        seen
    }

    /// Shows a message to the script's subscriptions; whether one of them took it.
    pub fn show(&self, message: &Message) -> bool {
        let mut seen = false;
        for feed in self.subscriptions.feeds.load().iter() {
            if self.is_meant(&feed.filter, message) {
                feed.push(message);
                seen = true;
            }
        }
        seen
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
            for subscription in subscriptions.iter() {
                let agent = &subscription.agent;
                if may_see(agent)
                    && !subscribers.iter().any(|other| Arc::ptr_eq(other, agent))
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
        let subscription = AgentSubscription { agent: agent.clone(), id, filter };
        self.agent_subscriptions.write().push(subscription);
    }

    /// Takes a subscription out; what it was.
    pub fn take_subscription(&self, agent: &Agent, id: u32) -> Option<(Filter, Made)> {
        let made = agent.face.holdings.end_subscription(id)?;
        let serial = agent.face.serial;
        let mut subscriptions = self.agent_subscriptions.write();
        let at = subscriptions.iter().position(|s| s.agent.face.serial == serial && s.id == id)?;
        Some((subscriptions.remove(at).filter, made))
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
