//! Who is here, by name and by id, and what they can do; `ams` and `df`, who answer for it.

mod ams;
mod answer;
mod description;
mod df;
mod facts;
mod profile;
mod reading;
mod reason;
mod registry;
mod searches;
mod telling;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::mapref::entry::Entry;
use parking_lot::{Mutex, RwLock};

pub(crate) use self::description::Description;
pub(crate) use self::profile::{Profile, Registration};
pub(crate) use self::registry::Note;
use self::searches::Searches;
use crate::agent::{Agent, Lane, Settled};
use crate::by_name::ByName;
use crate::host_agent::HostAgent;
use crate::message::Filter;
use crate::runtime::Core;
use crate::sandbox::Found;
use crate::scheduler::Calendar;
use crate::store::{SERIALS, Serial};

/// Somebody who can receive messages.
#[derive(Clone)]
pub(crate) enum Member {
    Agent(Arc<Agent>),
    Host(Arc<HostAgent>),
}

impl Member {
    /// The member as the sandbox holds it, which knows nothing of members.
    pub fn into_found(self) -> Found {
        match self {
            Member::Agent(agent) => agent,
            Member::Host(host) => host,
        }
    }

    /// The member that the sandbox was given.
    pub fn from_found(found: &Found) -> Option<Self> {
        Member::of_found(found.clone())
    }

    /// The same of one that the sandbox has no more.
    pub fn of_found(found: Found) -> Option<Self> {
        match found.downcast::<Agent>() {
            Ok(agent) => Some(Member::Agent(agent)),
            Err(found) => found.downcast().ok().map(Member::Host),
        }
    }

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

    /// A commit of the journal's queue `of` is on disk, or never will be, and so are its letters here.
    pub fn settle(&self, of: Serial) {
        let refused = match self {
            Member::Agent(agent) => {
                let Settled { wake, refused } = agent.mailbox.settle(of);
                if wake {
                    agent.schedule(Lane::outside());
                }
                refused
            }
            Member::Host(host) => host.settle_mail(of),
        };
        if let Some((refusal, letters)) = refused {
            self.core().end_letters(letters, self.name(), refusal, of);
        }
    }

    /// The runtime that it is in.
    pub fn core(&self) -> &Arc<Core> {
        match self {
            Member::Agent(agent) => &agent.core,
            Member::Host(host) => &host.core,
        }
    }

    /// What it can do.
    pub fn profile(&self) -> &Profile {
        match self {
            Member::Agent(agent) => &agent.face.profile,
            Member::Host(host) => &host.profile,
        }
    }

    /// Whether the member has what `filter` says of agents.
    pub fn matches(&self, filter: &Filter) -> bool {
        match self {
            Member::Agent(agent) => agent.matches(filter),
            Member::Host(host) => host.matches(filter),
        }
    }

    /// Whether it is `ams` or `df`, whom no list of agents has.
    pub fn is_service(&self) -> bool {
        self.serial() < *SERIALS.start()
    }
}

#[derive(Default)]
pub(crate) struct Directory {
    by_name: ByName<Member>,
    by_id: ByName<Member>,
    /// Everybody but `ams` and `df`, by their serials: in the order in which they came.
    in_order: RwLock<BTreeMap<u64, Member>>,
    /// Number of members in it.
    count: AtomicUsize,
    /// Who wants to be told of changes.
    searches: Arc<Searches>,
    /// When registrations end, by the serial of their member; with its id.
    leases: Arc<Calendar<u64, Arc<str>>>,
    /// What was declared last: many agents of one module declare the same, and share it.
    declared: Mutex<Option<Declared>>,
}

/// What somebody declared, and what it was made of.
struct Declared {
    listed: Vec<String>,
    said: Option<Vec<u8>>,
    description: Arc<Description>,
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
                if !member.is_service() {
                    let mut in_order = self.in_order.write();
                    in_order.insert(member.serial(), member.clone());
                    self.count.store(in_order.len(), Ordering::Release);
                }
                vacant.insert(member);
                true
            }
        }
    }

    /// What an agent declares: as [`Description::declared`].
    pub fn declared(
        &self,
        listed: &[String],
        said: Option<&[u8]>,
    ) -> Result<Arc<Description>, String> {
        if let Some(last) = &*self.declared.lock()
            && last.listed == listed
            && last.said.as_deref() == said
        {
            return Ok(last.description.clone());
        }
        let description = Arc::new(Description::declared(listed, said)?);
        let declared = Declared {
            listed: listed.to_vec(),
            said: said.map(<[u8]>::to_vec),
            description: description.clone(),
        };
        *self.declared.lock() = Some(declared);
        Ok(description)
    }

    /// Takes a member out.
    pub fn remove(&self, name: &str, id: &str) {
        self.by_name.remove_if(name, |_, member| &**member.id() == id);
        if let Some((_, member)) = self.by_id.remove(id) {
            let mut in_order = self.in_order.write();
            in_order.remove(&member.serial());
            self.count.store(in_order.len(), Ordering::Release);
        }
    }

    /// Number of members, without `ams` and `df`.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// The member with this name or id.
    pub fn find(&self, name_or_id: &str) -> Option<Member> {
        if let Some(member) = self.by_name.get(name_or_id) {
            return Some(member.clone());
        }
        self.by_id.get(name_or_id).map(|member| member.clone())
    }

    /// Whether this member is here, and not only another one of its name.
    fn has(&self, member: &Member) -> bool {
        self.by_id.get(member.id()).is_some_and(|found| found.serial() == member.serial())
    }

    /// The member with this serial, unless it is `ams` or `df`.
    pub fn member(&self, serial: Serial) -> Option<Member> {
        self.in_order.read().get(&serial).cloned()
    }

    /// Everybody but `ams` and `df`, in the order in which they came.
    pub fn members(&self) -> Vec<Member> {
        self.in_order.read().values().cloned().collect()
    }

    /// Everybody whom `filter` means, in the order in which they came. With `names` only those are looked
    /// at.
    pub fn matching(&self, filter: &Filter, names: Option<&HashSet<String>>) -> Vec<Member> {
        let mut members = match names {
            None => self.members(),
            Some(names) => {
                let named = names.iter().filter_map(|name| self.find(name));
                let named = named.filter(|member| !member.is_service());
                BTreeMap::from_iter(named.map(|member| (member.serial(), member)))
                    .into_values()
                    .collect()
            }
        };
        members.retain(|member| member.matches(filter));
        members
    }

    /// Number of standing searches.
    pub fn searches(&self) -> usize {
        self.searches.len()
    }

    /// Tells nobody of changes any more.
    pub fn end_searches(&self) {
        self.searches.clear();
    }

    /// Takes everybody out.
    pub fn clear(&self) {
        self.by_name.clear();
        self.by_id.clear();
        self.in_order.write().clear();
        self.count.store(0, Ordering::Release);
        self.searches.clear();
    }
}

#[cfg(test)]
mod tests;
