//! Who is here, by name and by id, and what they can do.

use std::collections::HashSet;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::agent::Agent;
use crate::host_agent::HostAgent;
use crate::message::Filter;
use crate::scheduler::Lane;

/// Somebody who can receive messages.
#[derive(Clone)]
pub(crate) enum Member {
    Agent(Arc<Agent>),
    Host(Arc<HostAgent>),
}

impl Member {
    pub fn name(&self) -> &Arc<str> {
        match self {
            Member::Agent(agent) => &agent.face.name,
            Member::Host(host) => &host.name,
        }
    }

    pub fn id(&self) -> &Arc<str> {
        match self {
            Member::Agent(agent) => &agent.face.id,
            Member::Host(host) => &host.id,
        }
    }

    pub fn serial(&self) -> u64 {
        match self {
            Member::Agent(agent) => agent.face.serial,
            Member::Host(host) => host.serial,
        }
    }

    /// A message in its mailbox is on disk, or never will be.
    pub fn look_again(&self) {
        match self {
            Member::Agent(agent) => {
                if agent.mailbox.look_again() {
                    agent.core.scheduler.push(agent.clone(), Lane::outside());
                }
            }
            Member::Host(host) => host.look_again(),
        }
    }

    /// Whether the member has what `filter` says of agents.
    pub fn matches(&self, filter: &Filter) -> bool {
        match self {
            Member::Agent(agent) => agent.face.capabilities.read().match_filter(filter),
            Member::Host(host) => host.matches(filter),
        }
    }
}

#[derive(Default)]
pub(crate) struct Directory {
    by_name: DashMap<Arc<str>, Member>,
    by_id: DashMap<Arc<str>, Member>,
}

impl Directory {
    /// Enters a member, unless its name is taken.
    pub fn enter(&self, member: Member) -> bool {
        if self.by_id.contains_key(member.name()) {
            return false;
        }
        match self.by_name.entry(member.name().clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                self.by_id.insert(member.id().clone(), member.clone());
                vacant.insert(member);
                true
            }
        }
    }

    /// Takes a member out.
    pub fn remove(&self, name: &str, id: &str) {
        self.by_name.remove_if(name, |_, member| &**member.id() == id);
        self.by_id.remove(id);
    }

    /// The member with this name or id.
    pub fn find(&self, name_or_id: &str) -> Option<Member> {
        if let Some(member) = self.by_name.get(name_or_id) {
            return Some(member.clone());
        }
        self.by_id.get(name_or_id).map(|member| member.clone())
    }

    /// Everybody, in the order in which they came.
    pub fn members(&self) -> Vec<Member> {
        let mut members: Vec<Member> =
            self.by_name.iter().map(|entry| entry.value().clone()).collect();
        members.sort_by_key(Member::serial);
        members
    }

    /// Everybody whom `filter` means, in the order in which they came.
    pub fn matching(&self, filter: &Filter, names: Option<&HashSet<String>>) -> Vec<Member> {
        let named = |member: &Member| {
            names.is_none_or(|names| {
                names.contains(&**member.name()) || names.contains(&**member.id())
            })
        };
        let mut members = self.members();
        members.retain(|member| named(member) && member.matches(filter));
        members
    }

    /// Takes everybody out.
    pub fn clear(&self) {
        self.by_name.clear();
        self.by_id.clear();
    }
}
