//! `df`, the directory facilitator (FIPA SC00023): what members can do, and who can do what.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Member;
use super::answer::{Caller, Results, check_protocol, say};
use super::description::Description;
use super::facts::Wanted;
use super::profile::{Registration, Shown};
use super::reading::{Fields, Written};
use super::reason::{Answered, Reason};
use super::registry::{Note, described};
use super::searches::{Search, Term, Whom};
use crate::agent::Letter;
use crate::host_agent::{Handler, Task};
use crate::message::{Performative, name};
use crate::runtime::{Core, Party, Post};

/// The most bytes of what `df` is asked.
const MAX_CONTENT: usize = 64 << 10;
/// How many results there are where nobody says more.
pub(super) const DEFAULT_RESULTS: usize = 1000;
/// The most results that can be asked for.
pub(super) const MAX_RESULTS: u64 = 10_000;
/// The most facts that one search looks up, however many members there are and whatever they say.
const MAX_STEPS: usize = 250_000;
/// The most standing searches of this program, and of each of its host agents.
const MAX_SEARCHES: usize = 1024;
/// The longest message that begins a standing search: it is kept as long as that.
const MAX_SEARCH_BYTES: usize = 64 << 10;

const ACTIONS: [&str; 4] = ["register", "deregister", "modify", "search"];

/// Handles what is sent to `df`.
pub(super) struct Df;

impl Handler for Df {
    fn handle(&self, task: Task) {
        task.settle(|core, letter, post| {
            let Some(caller) = Caller::to_answer(core, letter) else { return };
            let mut note = None;
            let done = Request { core, letter, caller, post, note: &mut note }.carry_out();
            let (act, content) = done.unwrap_or_else(|no| (no.act, no.content()));
            say(core, name::DF, &letter.into(), act, &content, post);
            if let Some(note) = note {
                core.note(note, post);
            }
        });
    }
}

/// What somebody looks for.
pub(super) struct Example {
    pub name: Option<String>,
    wanted: Wanted,
    /// Under what it stands among standing searches.
    pub term: Term,
}

impl Example {
    pub fn new(name: Option<String>, description: &Description) -> Self {
        let (wanted, term) =
            (Wanted::new(description), Term::of_search(name.as_deref(), description));
        Example { name, wanted, term }
    }

    /// Number of facts that it asks for.
    pub fn facts(&self) -> usize {
        self.wanted.len()
    }

    /// Returns true if this member is meant. Looking takes some of `steps`, and finds nothing when none
    /// is left.
    pub fn means(&self, whom: &Whom, shown: &Shown, steps: &mut usize) -> bool {
        self.name.as_deref().is_none_or(|name| whom.is_called(name))
            && shown.description.facts().fit(&self.wanted, steps)
    }
}

struct Request<'a> {
    core: &'a Arc<Core>,
    letter: &'a Letter,
    caller: Caller,
    post: Post<'a>,
    /// What is told once the answer is on its way.
    note: &'a mut Option<Note>,
}

impl Request<'_> {
    fn carry_out(&mut self) -> Answered<(Performative, String)> {
        let message = &self.letter.message;
        let inform = |content| (Performative::Inform, content);
        match message.performative() {
            Performative::Request => {
                check_protocol(message, "fipa-request")?;
                self.request().map(inform)
            }
            Performative::Subscribe => {
                check_protocol(message, "fipa-subscribe")?;
                self.subscribe()?;
                Ok((Performative::Agree, "{}".to_owned()))
            }
            Performative::Cancel => self.cancel().map(|done| inform(done.to_string())),
            other => Err(Reason::unsupported_act(name::DF, other)),
        }
    }

    fn request(&mut self) -> Answered<String> {
        let mut fields = Fields::read(self.letter.message.content(), MAX_CONTENT)?;
        let action = fields.needed("action")?;
        match action.as_str() {
            "register" | "modify" => self.register(fields, &action).map(|done| done.to_string()),
            "deregister" => self.deregister(fields).map(|done| done.to_string()),
            "search" => self.search(fields),
            other => Err(Reason::unsupported_function(other, &ACTIONS)),
        }
    }

    /// Takes what a member says of itself, for the first time or in place of what it said.
    fn register(&mut self, mut fields: Fields<'_>, action: &str) -> Answered<Value> {
        let member = self.member()?;
        let written = fields.description(false)?;
        fields.finish()?;
        check_name(&member, &written)?;
        check_ceiling(&member, &written.description)?;
        let now = self.core.source.now_micros();
        let made_in = member.profile().init_of(self.letter.message.message_id());
        match (action, member.profile().registered(now)) {
            // What an earlier init registered ends with the init that sent this.
            ("register", Some(old))
                if made_in.is_none() || old.made_in.is_none() || old.made_in == made_in =>
            {
                return Err(Reason::already_registered(member.name()));
            }
            ("modify", None) => return Err(Reason::not_registered(member.name())),
            _ => {}
        }
        let registration = Registration {
            description: Arc::new(written.description),
            lease_until: written
                .lease_time
                .map(|time| now.saturating_add(time).min(i64::MAX as u64)),
            made_in,
        };
        let (description, lease_until) =
            (registration.description.clone(), registration.lease_until);
        let shown = Shown { description, lease_until };
        *self.note = Some(self.core.enroll(&member, Some(registration), self.post));
        let description = described(member.name(), member.id(), &shown);
        Ok(json!({"action": action, "description": description}))
    }

    fn deregister(&mut self, mut fields: Fields<'_>) -> Answered<Value> {
        let member = self.member()?;
        if fields.has("description") {
            check_name(&member, &fields.description(true)?)?;
        }
        fields.finish()?;
        let now = self.core.source.now_micros();
        if member.profile().registered(now).is_none() {
            return Err(Reason::not_registered(member.name()));
        }
        *self.note = Some(self.core.enroll(&member, None, self.post));
        let (name, id) = (&**member.name(), &**member.id());
        Ok(json!({"action": "deregister", "description": {"name": name, "id": id}}))
    }

    fn search(&self, mut fields: Fields<'_>) -> Answered<String> {
        let example = example(&mut fields)?;
        let most = fields.number("max_results", MAX_RESULTS)?;
        fields.finish()?;
        let most = most.map_or(DEFAULT_RESULTS, |most| most as usize);
        let mut results = Results::new(self.core, most);
        let mut steps = MAX_STEPS;
        for member in self.core.directory.members() {
            if let Some(shown) = self.core.shown(&member)
                && example.means(&Whom::of(&member), &shown, &mut steps)
            {
                results.add(|| described(member.name(), member.id(), &shown));
            }
            if steps == 0 {
                results.is_incomplete = true;
                break;
            }
        }
        Ok(results.content())
    }

    /// Begins a standing search.
    fn subscribe(&mut self) -> Answered<()> {
        let message = &self.letter.message;
        let mut fields = Fields::read(message.content(), MAX_CONTENT)?;
        match fields.needed("action")?.as_str() {
            "search" => {}
            other => return Err(Reason::unsupported_function(other, &["search"])),
        }
        let example = example(&mut fields)?;
        fields.finish()?;
        let conversation = message.conversation_id();
        let conversation = conversation.ok_or_else(|| Reason::missing("conversation_id"))?;
        let size = message.charge();
        if size > MAX_SEARCH_BYTES {
            let error = format!(
                "the message has {size} bytes, and {MAX_SEARCH_BYTES} is the most for a standing \
                 search"
            );
            return Err(Reason::unrecognised("content", error));
        }
        let (serial, most, in_init) = match &self.caller {
            Caller::Script => (Party::SCRIPT.0, MAX_SEARCHES, false),
            Caller::Member(Member::Agent(agent)) => {
                let in_init = agent.face.profile.init_of(message.message_id()).is_some();
                (agent.face.serial, agent.face.limits.max_subscriptions as usize, in_init)
            }
            Caller::Member(host) => (host.serial(), MAX_SEARCHES, false),
        };
        let key = (serial, message.sender().into(), conversation.into());
        let searches = &self.core.directory.searches;
        if searches.has(&key) {
            let error = "there is a standing search in this conversation already";
            return Err(Reason::unexpected_act(Performative::Subscribe, error));
        }
        let account = match &self.caller {
            Caller::Member(Member::Agent(agent)) => &agent.face.account,
            _ => &self.core.account,
        };
        let Some(search) = Search::new(example, message, in_init, account) else {
            let limit = account.limit();
            let error = format!(
                "the host keeps {} bytes for {:?} already, and {limit} is the most (max_host_bytes)",
                account.bytes(),
                message.sender()
            );
            return Err(Reason::limit(limit, error));
        };
        if !searches.enter(key.clone(), search, most) {
            let error = format!("{:?} has {most} standing searches, its limit", message.sender());
            return Err(Reason::limit(most as u64, error));
        }
        // Whoever has left meanwhile has ended its searches before this one was there.
        if let Caller::Member(member) = &self.caller
            && !self.core.directory.has(member)
        {
            searches.end(&key);
            let error = format!("{:?} is not here any more", message.sender());
            return Err(Reason::unauthorised(error));
        }
        *self.note = Some(Note::Begun(key));
        Ok(())
    }

    /// Ends a standing search.
    fn cancel(&mut self) -> Answered<Value> {
        let message = &self.letter.message;
        let conversation = message.conversation_id().ok_or_else(Reason::not_subscribed)?;
        let serial = match &self.caller {
            Caller::Script => Party::SCRIPT.0,
            Caller::Member(member) => member.serial(),
        };
        let key = (serial, message.sender().into(), conversation.into());
        if self.core.directory.searches.end(&key) {
            return Ok(json!({"cancelled": true}));
        }
        Err(Reason::not_subscribed())
    }

    /// Who sent the request, as a member of the runtime.
    fn member(&self) -> Answered<Member> {
        let name = self.letter.message.sender();
        match &self.caller {
            Caller::Member(member) => Ok(member.clone()),
            Caller::Script => Err(Reason::unauthorised(format!(
                "{name:?} is this program, and no agent of the runtime; make it one with `register`, \
                 and send this in the name of that"
            ))),
        }
    }
}

fn example(fields: &mut Fields<'_>) -> Answered<Example> {
    let Written { name, description, .. } = fields.description(true)?;
    Ok(Example::new(name, &description))
}

/// A member speaks for itself only.
fn check_name(member: &Member, written: &Written) -> Answered<()> {
    match &written.name {
        Some(name) if **name != **member.name() && **name != **member.id() => {
            let sender = member.name();
            let error = format!("{sender:?} speaks for itself only, not for another name");
            Err(Reason::unauthorised_name(name, error))
        }
        _ => Ok(()),
    }
}

/// What the deployer listed is a ceiling.
fn check_ceiling(member: &Member, description: &Description) -> Answered<()> {
    let Member::Agent(agent) = member else { return Ok(()) };
    let listed = &agent.settings.capabilities;
    let claimed = description.capabilities.iter().map(String::as_str);
    let mut claimed = claimed.chain(description.service_names());
    match claimed.find(|name| !listed.is_empty() && !listed.iter().any(|it| it == name)) {
        Some(name) => {
            let error =
                format!("{:?} may not offer this: its deployer did not list it", member.name());
            Err(Reason::unauthorised_name(name, error))
        }
        None => Ok(()),
    }
}
