//! What `ams` and `df` have in common: who asks, and how that is answered.

use std::sync::Arc;

use parking_lot::RwLock;
use serde::Serialize;

use super::{Member, ams, df, registry};
use crate::agent::{Kind, Letter};
use crate::host_agent::{After, Handler, HostAgent, Registered, Route};
use crate::limits::Limits;
use crate::message::{Draft, Envelope, Message, Performative, Stamp, name};
use crate::runtime::{Ask, Core, Party, Post, Terms};
use crate::store::{HostRow, Serial};

/// Who has sent a message.
pub(super) enum Caller {
    /// This program, under a name of its own.
    Script,
    Member(Member),
}

impl Caller {
    /// Who waits for an answer to this letter. Nobody does where its sender is not here any more, or
    /// where it is an answer itself, so that no two talk for ever.
    pub fn to_answer(core: &Core, letter: &Letter) -> Option<Self> {
        use Performative::{Failure, Inform, NotUnderstood};
        let act = letter.message.performative();
        if letter.kind != Kind::Direct || matches!(act, Inform | Failure | NotUnderstood) {
            return None;
        }
        // The name alone does not tell who sent it: one that is free again may be somebody else's.
        let sender = letter.message.sender();
        match (letter.from, core.directory.find(sender)) {
            (Some(from), _) if from == Party::SCRIPT.0 => Some(Caller::Script),
            (Some(from), member) => {
                member.filter(|member| member.serial() == from).map(Caller::Member)
            }
            (None, Some(member)) => Some(Caller::Member(member)),
            (None, None) => core.is_speaker(sender).then_some(Caller::Script),
        }
    }
}

/// Checks that a message names this protocol, or none.
pub(super) fn check_protocol(
    message: &Message,
    expected: &'static str,
) -> super::reason::Answered<()> {
    match message.protocol() {
        Some(protocol) if protocol != expected => {
            let expected = format!("{expected:?} or none");
            Err(super::reason::Reason::unsupported_value("protocol", protocol, &expected))
        }
        _ => Ok(()),
    }
}

/// A message that `ams` or `df` answers.
pub(super) struct Asked<'a> {
    pub message: &'a Message,
    /// The serial of who sent it.
    pub by: Option<Serial>,
    pub ask: Option<&'a Arc<Ask>>,
}

impl<'a> From<&'a Letter> for Asked<'a> {
    fn from(letter: &'a Letter) -> Self {
        Asked { message: &letter.message, by: letter.from, ask: letter.ask.as_ref() }
    }
}

/// Sends an answer of `ams` or `df`, whose content is this JSON.
pub(super) fn say(
    core: &Core,
    service: &'static str,
    asked: &Asked<'_>,
    act: Performative,
    content: &str,
    post: Post<'_>,
) {
    let Asked { message, by, ask } = *asked;
    let draft = Draft::raw_reply(message, act, content.as_bytes());
    // The runtime wrote it: limits on what others write do not keep it from who waits for it.
    let stamp = Stamp { sender: Some(service), ..Stamp::default() };
    let answer = Envelope::read(draft.as_bytes()).and_then(|envelope| core.stamp(&envelope, stamp));
    let party = if service == name::AMS { Party::AMS } else { Party::DF };
    match answer {
        Ok(answer) => {
            let is_elsewhere = message.reply_to().is_some_and(|to| to != message.sender());
            let wanted_by = by.filter(|_| is_elsewhere);
            core.route_on(party, answer, ask, Terms { wanted_by, ..Terms::default() }, post);
        }
        Err(error) => tracing::error!(%error, "an answer of {service:?} could not be written"),
    }
}

/// Results on their way into an answer, as JSON: as many as were asked for, and as fit into a message.
pub(super) struct Results {
    /// The content of the answer up to the last result.
    json: Vec<u8>,
    count: usize,
    most: usize,
    most_bytes: usize,
    /// There are more, or there may be.
    pub is_incomplete: bool,
}

impl Results {
    pub fn new(core: &Core, most: usize) -> Self {
        let most_bytes = usize::try_from(core.limits.max_message_bytes).unwrap_or(usize::MAX);
        let json = b"{\"results\":[".to_vec();
        Results { json, count: 0, most, most_bytes, is_incomplete: false }
    }

    /// Adds a result if there is room.
    pub fn add<T: Serialize>(&mut self, result: impl FnOnce() -> T) {
        if self.is_incomplete || self.count >= self.most {
            self.is_incomplete = true;
            return;
        }
        let before = self.json.len();
        if self.count > 0 {
            self.json.push(b',');
        }
        let written = serde_json::to_writer(&mut self.json, &result());
        if written.is_err() || self.json.len() > self.most_bytes {
            self.json.truncate(before);
            self.is_incomplete = true;
        } else {
            self.count += 1;
        }
    }

    /// The content of the answer.
    pub fn content(mut self) -> String {
        self.json.extend_from_slice(match self.is_incomplete {
            true => b"],\"incomplete\":true}",
            false => b"]}",
        });
        String::from_utf8(self.json).unwrap_or_default()
    }
}

/// Messages of one sender that wait for `ams` or `df`, also until they are on disk.
const MAILBOX_CAPACITY: u32 = 8192;

impl Core {
    /// Enters `ams` and `df`, before anybody else comes.
    pub fn enter_services(self: &Arc<Self>) {
        let limits = Limits { mailbox_capacity: MAILBOX_CAPACITY, ..self.limits.clone() };
        let enter = |name: &str, party: Party, concurrency, handler: Arc<dyn Handler>| {
            let (id, name) = (name.into(), name.into());
            let row = HostRow { serial: party.0, id, name, settings: String::new() };
            let host = HostAgent::service(self.clone(), &row, limits.clone());
            let declared = super::Description::default();
            let route = Route { act: None, protocol: None, handler };
            let routes = RwLock::new(vec![route]);
            host.register(Registered { declared, concurrency, routes });
            self.directory.enter(Member::Host(host));
        };
        enter(name::AMS, Party::AMS, ams::CONCURRENCY, Arc::new(ams::Ams));
        enter(name::DF, Party::DF, usize::MAX, Arc::new(df::Df));
        let leases = self.directory.leases.clone();
        self.io.spawn(registry::end_leases(Arc::downgrade(self), leases, self.source.clone()));
    }

    /// Does something once `df` is through with all that whoever has this serial has sent it so far: who
    /// registers in an init is found when its deployment is over.
    pub fn once_served(&self, sender: Serial, then: After) {
        match self.directory.find(name::DF) {
            Some(Member::Host(df)) => df.once_served(sender, then),
            _ => then(),
        }
    }

    /// `ams` and `df`.
    pub fn services(&self) -> impl Iterator<Item = Arc<HostAgent>> {
        [name::AMS, name::DF].into_iter().filter_map(|name| match self.directory.find(name) {
            Some(Member::Host(host)) => Some(host),
            _ => None,
        })
    }
}
