//! What members register, and when that ends.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use serde::Serialize;

use super::Member;
use super::description::Description;
use super::profile::{Registration, Shown};
use super::searches::{Key, Whom};
use crate::agent::Agent;
use crate::message::name;
use crate::runtime::{Core, Outward, Post};
use crate::sandbox::TurnRecord;
use crate::scheduler::Calendar;
use crate::source::Source;
use crate::store::Change;

/// Something that standing searches may want to know, when it is on disk.
pub(crate) enum Note {
    /// A member has registered something, or nothing any more; the number of the change.
    Registered { member: Member, version: u64, registration: Option<Registration> },
    /// What a member can do has changed in another way.
    Changed(Member),
    /// A standing search has begun.
    Begun(Key),
}

impl Core {
    /// Registers something for a member, in place of what was.
    #[must_use]
    pub fn enroll(
        &self,
        member: &Member,
        registration: Option<Registration>,
        post: Post<'_>,
    ) -> Note {
        let (old, version) = member.profile().set(registration.clone());
        self.move_lease(member, old.as_ref(), registration.as_ref());
        post.change(|| Change::Settings(member.serial(), member.settings(registration.as_ref())));
        Note::Registered { member: member.clone(), version, registration }
    }

    fn move_lease(&self, member: &Member, old: Option<&Registration>, new: Option<&Registration>) {
        let leases = &self.directory.leases;
        if let Some(until) = old.and_then(|old| old.lease_until) {
            leases.cancel(until, member.serial());
        }
        if let Some(until) = new.and_then(|new| new.lease_until) {
            leases.set(until, member.serial(), member.id().clone());
        }
    }

    /// Brings a registration back that a store has.
    pub fn restore_registration(&self, member: &Member, registration: Registration) {
        self.move_lease(member, None, Some(&registration));
        member.profile().restore(registration);
    }

    /// Takes note of something now, or when it is on disk.
    pub fn note(&self, note: Note, post: Post<'_>) {
        if let Some(Outward::Note(note)) = post.hold(Outward::Note(note)) {
            self.take_note(note);
        }
    }

    /// Something is so.
    pub fn take_note(&self, note: Note) {
        match note {
            Note::Registered { member, registration, .. } => {
                member.profile().settled(registration);
                self.member_changed(&member);
            }
            Note::Changed(member) => self.member_changed(&member),
            Note::Begun(key) => self.search_begins(key),
        }
    }

    /// Something is not so, since the store could not keep it.
    pub fn take_note_back(&self, note: Note) {
        match note {
            Note::Registered { member, version, registration } => {
                let restored = member.profile().take_back(version);
                self.move_lease(&member, registration.as_ref(), restored.as_ref());
                self.member_changed(&member);
            }
            Note::Changed(member) => self.member_changed(&member),
            Note::Begun(key) => drop(self.directory.searches.end(&key)),
        }
    }

    /// An init has come to its end: what an earlier one registered, and its standing searches, end,
    /// as its timers do.
    pub fn begin_init(
        &self,
        agent: &Arc<Agent>,
        record: &TurnRecord,
        post: Post<'_>,
    ) -> Option<Note> {
        let to_directory =
            |message: &&crate::message::Message| message.receivers().any(|to| to == name::DF);
        let sent: HashSet<Box<str>> =
            record.messages().filter(to_directory).map(|it| it.message_id().into()).collect();
        let profile = &agent.face.profile;
        profile.begin_init(sent);
        self.directory.searches.end_made_in_init(agent.face.serial);
        profile.stored()?.made_in?;
        Some(self.enroll(&Member::Agent(agent.clone()), None, post))
    }

    /// Takes somebody out of the directory, with what is kept there.
    pub fn leave(&self, member: &Member) {
        self.directory.remove(member.name(), member.id());
        self.move_lease(member, member.profile().stored().as_ref(), None);
        self.directory.searches.end_all_of(member.serial());
        self.member_changed(member);
    }

    /// What others see of who has this id, if it is here.
    pub(super) fn shown_of(&self, whom: &Whom) -> Option<Shown> {
        let member = self.directory.find(&whom.id)?;
        if member.serial() == whom.serial { self.shown(&member) } else { None }
    }

    /// What others see of a member that is here.
    pub(super) fn shown(&self, member: &Member) -> Option<Shown> {
        if !self.directory.has(member) {
            return None;
        }
        // What a host agent of a store has registered counts when its handler is there.
        match member {
            Member::Host(host) if !host.is_registered() => None,
            _ => member.profile().shown(self.source.now_micros()),
        }
    }
}

impl Member {
    /// What a store keeps of it, beside its name and its code.
    fn settings(&self, registration: Option<&Registration>) -> String {
        match self {
            Member::Agent(agent) => agent.settings.to_json(registration),
            Member::Host(_) => crate::runtime::host_settings(registration),
        }
    }
}

/// Ends registrations whose time is over, as long as there is a runtime.
pub(super) async fn end_leases(
    core: Weak<Core>,
    leases: Arc<Calendar<u64, Arc<str>>>,
    source: Arc<Source>,
) {
    loop {
        let due = leases.next_due(&source).await;
        let Some(core) = core.upgrade() else { return };
        for (_, id) in due {
            if let Some(member) = core.directory.find(&id)
                && member.profile().expire(source.now_micros())
            {
                core.member_changed(&member);
            }
        }
    }
}

/// A member as results show it.
#[derive(Serialize)]
pub(super) struct Described<'a> {
    #[serde(flatten)]
    description: &'a Description,
    name: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_until: Option<u64>,
}

/// A member of this name and id as results show it.
pub(super) fn described<'a>(name: &'a str, id: &'a str, shown: &'a Shown) -> Described<'a> {
    Described { description: &shown.description, name, id, lease_until: shown.lease_until }
}
