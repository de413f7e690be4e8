//! What one member can do: what its deployer and its code say, and what it has registered.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::description::Description;
use crate::message::Filter;

/// Up to so many names that are looked for are looked for one by one.
const FEW: usize = 4;

/// What one member can do.
#[derive(Default)]
pub(crate) struct Profile(RwLock<State>);

#[derive(Default)]
struct State {
    /// What its deployer and its code say; nothing before it has been started.
    declared: Option<Arc<Description>>,
    registered: Option<Registration>,
    /// The same as the store has it, which comes after it.
    settled: Option<Registration>,
    /// Grows with each change of what is registered.
    version: u64,
    /// Both together.
    joined: Arc<Description>,
    inits: u32,
    /// What the last init sent to the directory, by `message_id`.
    sent_in_init: HashSet<Box<str>>,
}

/// What a member has registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub description: Arc<Description>,
    /// When it ends, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<u64>,
    /// Which init made it, where one did: it ends when the next one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_in: Option<u32>,
}

fn write<S: Serializer>(it: &Arc<Description>, serializer: S) -> Result<S::Ok, S::Error> {
    it.as_ref().serialize(serializer)
}

fn read<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Arc<Description>, D::Error> {
    Description::deserialize(deserializer).map(Arc::new)
}

impl Registration {
    fn holds(&self, now: u64) -> bool {
        self.lease_until.is_none_or(|until| now < until)
    }
}

/// What others see of a profile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub description: Arc<Description>,
    pub lease_until: Option<u64>,
}

impl Profile {
    /// Says what its deployer and its code say of it.
    pub fn declare(&self, description: Arc<Description>) {
        let mut state = self.0.write();
        state.declared = Some(description);
        state.join();
    }

    /// Brings back what a store has.
    pub fn restore(&self, registration: Registration) {
        let mut state = self.0.write();
        state.settled = Some(registration.clone());
        state.registered = Some(registration);
        state.join();
    }

    /// What is registered at the moment.
    pub fn registered(&self, now: u64) -> Option<Registration> {
        self.0.read().registered.clone().filter(|registration| registration.holds(now))
    }

    /// What is registered, as a store keeps it.
    pub fn stored(&self) -> Option<Registration> {
        self.0.read().registered.clone()
    }

    /// Registers something in place of what was; that, and the number of the change.
    pub fn set(&self, registration: Option<Registration>) -> (Option<Registration>, u64) {
        let mut state = self.0.write();
        let old = std::mem::replace(&mut state.registered, registration);
        state.version += 1;
        state.join();
        (old, state.version)
    }

    /// The store has this.
    pub fn settled(&self, registration: Option<Registration>) {
        self.0.write().settled = registration;
    }

    /// The store could not keep a change: what it has counts again, unless there was a later change.
    pub fn take_back(&self, version: u64) -> Option<Registration> {
        let mut state = self.0.write();
        if state.version != version {
            return None;
        }
        state.registered = state.settled.clone();
        state.join();
        state.registered.clone()
    }

    /// Ends what is registered if its time is over; whether it did.
    pub fn expire(&self, now: u64) -> bool {
        let mut state = self.0.write();
        let is_over = state.registered.as_ref().is_some_and(|it| !it.holds(now));
        if is_over {
            // It is no change that others would have to come after: one that ends may be taken back yet.
            state.registered = None;
            state.join();
        }
        is_over
    }

    /// What others see; nothing before there is something to be seen.
    pub fn shown(&self, now: u64) -> Option<Shown> {
        let state = self.0.read();
        match (&state.registered, &state.declared) {
            (Some(registered), _) if registered.holds(now) => {
                let lease_until = registered.lease_until;
                Some(Shown { description: state.joined.clone(), lease_until })
            }
            (_, Some(declared)) => Some(Shown { description: declared.clone(), lease_until: None }),
            _ => None,
        }
    }

    /// Whether somebody with this profile is meant by `filter`.
    pub fn match_filter(&self, filter: &Filter, now: impl FnOnce() -> u64) -> bool {
        if !filter.names_agents() {
            return true;
        }
        let Some(shown) = self.shown(now()) else { return false };
        let it = &shown.description;
        // Short lists are looked through; long ones do not multiply.
        if filter.capabilities.len() <= FEW && filter.services.len() <= FEW {
            let offers = |wanted: &String| it.service_names().any(|name| name == wanted);
            return filter.capabilities.iter().all(|wanted| it.capabilities.contains(wanted))
                && filter.services.iter().all(offers);
        }
        let facts = it.facts();
        filter.capabilities.iter().all(|wanted| facts.has_capability(wanted))
            && filter.services.iter().all(|wanted| facts.has_service(wanted))
    }

    /// An init has come to its end, which sent these messages.
    pub fn begin_init(&self, sent: HashSet<Box<str>>) {
        let mut state = self.0.write();
        state.inits += 1;
        state.sent_in_init = sent;
    }

    /// The init that sent a message, where the last one did.
    pub fn init_of(&self, message_id: &str) -> Option<u32> {
        let mut state = self.0.write();
        state.sent_in_init.remove(message_id).then_some(state.inits)
    }
}

impl State {
    fn join(&mut self) {
        let nothing = Arc::default();
        let declared = self.declared.as_ref().unwrap_or(&nothing);
        self.joined = match &self.registered {
            Some(registered) => Arc::new(declared.and(&registered.description)),
            None => declared.clone(),
        };
    }
}
