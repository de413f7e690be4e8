//! Events: what happens to agents, told to the program as messages of `ams`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::core::Core;
use super::feed::{Feed, Subscription};
use super::posting::{Outward, Post};
use crate::directory::Member;
use crate::error::{Error, ErrorKind, shown};
use crate::message::{Draft, Message, OneOrMany, Performative, name};

/// Where events go, as far as their `receiver` says.
const RECEIVER: &str = "topic:events";

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EventKind {
    Deployed,
    Turn,
    Dropped,
    Restarted,
    Failed,
    Suspended,
    Resumed,
    Replaced,
    Removed,
    DeadLetter,
    ForgedSender,
    Denied,
    StoreFailed,
    Violation,
    Deadline,
    Deadlock,
    Abandoned,
}

impl EventKind {
    const ALL: [EventKind; 17] = [
        EventKind::Deployed,
        EventKind::Turn,
        EventKind::Dropped,
        EventKind::Restarted,
        EventKind::Failed,
        EventKind::Suspended,
        EventKind::Resumed,
        EventKind::Replaced,
        EventKind::Removed,
        EventKind::DeadLetter,
        EventKind::ForgedSender,
        EventKind::Denied,
        EventKind::StoreFailed,
        EventKind::Violation,
        EventKind::Deadline,
        EventKind::Deadlock,
        EventKind::Abandoned,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            EventKind::Deployed => "deployed",
            EventKind::Turn => "turn",
            EventKind::Dropped => "dropped",
            EventKind::Restarted => "restarted",
            EventKind::Failed => "failed",
            EventKind::Suspended => "suspended",
            EventKind::Resumed => "resumed",
            EventKind::Replaced => "replaced",
            EventKind::Removed => "removed",
            EventKind::DeadLetter => "dead_letter",
            EventKind::ForgedSender => "forged_sender",
            EventKind::Denied => "denied",
            EventKind::StoreFailed => "store_failed",
            EventKind::Violation => "violation",
            EventKind::Deadline => "deadline",
            EventKind::Deadlock => "deadlock",
            EventKind::Abandoned => "abandoned",
        }
    }
}

/// Which events are meant; without anything said all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    kinds: Vec<EventKind>,
    agents: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    kind: Option<OneOrMany>,
    #[serde(default)]
    agent: Option<OneOrMany>,
}

impl EventFilter {
    /// Events of every kind, of every agent.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Reads a filter: a JSON object with `kind` and `agent`, each a string or an array of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is something else, or names a kind that is none.
    pub fn read(json: &[u8]) -> Result<Self, Error> {
        let written: Written = serde_json::from_slice(json).map_err(|wrong| {
            let text = format!("this is no filter of events: {wrong}");
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        let kinds = many(written.kind).iter().map(|name| parse(name)).collect::<Result<_, _>>()?;
        Ok(EventFilter { kinds, agents: many(written.agent) })
    }

    fn wants(&self, kind: EventKind, agent: Option<&str>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.agents.is_empty()
                || agent.is_some_and(|agent| self.agents.iter().any(|wanted| wanted == agent)))
    }
}

fn many(texts: Option<OneOrMany>) -> Vec<String> {
    texts.map(OneOrMany::into_vec).unwrap_or_default()
}

fn parse(name: &str) -> Result<EventKind, Error> {
    EventKind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
        let names = EventKind::ALL.map(EventKind::as_str).join(", ");
        let text = format!("there are no events of the kind {:?}; there are {names}", shown(name));
        Error::new(ErrorKind::InvalidArgument, text)
    })
}

/// An event on its way to those who want it.
pub(crate) struct Event {
    kind: EventKind,
    agent: Option<Arc<str>>,
    message: Message,
}

impl Core {
    /// Events from now on.
    pub fn watch(self: &Arc<Self>, filter: EventFilter) -> Subscription {
        let feed = Arc::new(Feed::default());
        self.tell_of_held(&filter, &feed);
        self.events.add(filter, &feed);
        self.begin_feed(feed)
    }

    /// Tells a feed of the agents that came back from the store and are held back, and of the host agents that no
    /// handler can be given: nobody could watch when they did.
    fn tell_of_held(&self, filter: &EventFilter, feed: &Feed) {
        if self.held.load(Ordering::Acquire) == 0 {
            return;
        }
        for member in self.directory.members() {
            let name = member.name();
            if filter.wants(EventKind::Suspended, Some(name))
                && let Some(missing) = lacks(&member)
                && let Some(event) = self.event(EventKind::Suspended, Some(name), || {
                    let reason = format!("it lacks {}", missing.join(", "));
                    [("reason", reason.into()), ("missing", missing.to_vec().into())]
                })
            {
                feed.push(&event.message);
            }
        }
    }

    /// Whether somebody wants to know of this.
    pub fn wants_event(&self, kind: EventKind, agent: &str) -> bool {
        !self.events.is_empty() && self.events.any(|filter| filter.wants(kind, Some(agent)))
    }

    /// Tells of something, at once or when what it is part of is on disk. `details` are only asked for
    /// where somebody wants to know.
    pub fn tell<const N: usize>(
        &self,
        kind: EventKind,
        agent: Option<&Arc<str>>,
        post: Post<'_>,
        details: impl FnOnce() -> [(&'static str, Value); N],
    ) {
        let name = agent.map(|agent| &**agent);
        if self.events.is_empty() || !self.events.any(|filter| filter.wants(kind, name)) {
            return;
        }
        if let Some(event) = self.event(kind, agent, details)
            && let Some(Outward::Event(event)) = post.hold(Outward::Event(event))
        {
            self.show_event(&event);
        }
    }

    fn event<const N: usize>(
        &self,
        kind: EventKind,
        agent: Option<&Arc<str>>,
        details: impl FnOnce() -> [(&'static str, Value); N],
    ) -> Option<Event> {
        let mut content = Map::new();
        content.insert("event".to_owned(), kind.as_str().into());
        if let Some(agent) = agent {
            content.insert("agent".to_owned(), (**agent).into());
        }
        content.extend(details().map(|(key, value)| (key.to_owned(), value)));
        let content = Value::Object(content).to_string();
        let act = Performative::Inform.as_str();
        let draft = Draft::with_raw_content(act, Some(RECEIVER), content.as_bytes());
        match self.stamp_own(&draft) {
            Ok(message) => Some(Event { kind, agent: agent.cloned(), message }),
            Err(error) => {
                tracing::error!(%error, "an event could not be written");
                None
            }
        }
    }

    pub fn show_event(&self, event: &Event) {
        let agent = event.agent.as_deref();
        self.events.push(&event.message, |filter| filter.wants(event.kind, agent));
    }
}

/// What a member lacks that came back from the store.
fn lacks(member: &Member) -> Option<Arc<[String]>> {
    match member {
        Member::Agent(agent) => agent.missing(),
        Member::Host(_) if member.is_service() => None,
        // One whose name is not allowed any more is there without a handler, and can be given none.
        Member::Host(host) => match name::check_stored(&host.name) {
            Ok(Some(why)) => Some([format!("a name that is allowed ({why})")].into()),
            _ => None,
        },
    }
}
