//! The way of a message from who sent it to who receives it.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::ask::Ask;
use super::core::{Core, Party};
use super::following::Waiting;
use super::posting::{Outward, Post};
use crate::agent::{Agent, Kind, Letter, Refusal, Reserved};
use crate::conversation::Violation;
use crate::directory::Member;
use crate::error::Error;
use crate::grants::Grants;
use crate::host_agent::HostAgent;
use crate::message::{Draft, Filter, Message, Performative, name};
use crate::sandbox::{Fault, FaultKind, NoPlace, Place};
use crate::store::Change;

impl Core {
    /// Sends a committed message to each of its receivers. Nothing here waits: what finds no room
    /// comes back to its sender as a `failure`.
    pub fn route(&self, from: Party, message: Message, ask: Option<&Arc<Ask>>, post: Post<'_>) {
        let waiting = self.waits_itself(&message, ask);
        let forbidden = self.follow(&message, || self.names_of(&message), waiting, post);
        let seen = self.observe(&message, post);
        if message.topic().is_some() {
            self.publish(&message, from.0, post);
        }
        let mut done = HashSet::new();
        let is_only = message.receivers().nth(1).is_none();
        for to in message.receivers() {
            if name::topic_of(to).is_none() && (is_only || done.insert(to)) {
                if let Some(violation) = self.forbids(&forbidden, to) {
                    self.report_violation(&message, violation, post);
                    continue;
                }
                self.route_one(from, to, &message, ask, seen, post);
            }
        }
    }

    /// Who sees to it that the answer to a message of an agent comes in time: the program, where the
    /// message passes on what that asked.
    fn waits_itself(&self, message: &Message, ask: Option<&Arc<Ask>>) -> Waiting {
        match ask {
            Some(ask) if ask.is_kept_by(message) => Waiting::Caller,
            _ => Waiting::Runtime,
        }
    }

    /// Why a message may not go to this name, if it may not.
    fn forbids<'a>(&self, forbidden: &'a [Violation], to: &str) -> Option<&'a Violation> {
        if forbidden.is_empty() {
            return None;
        }
        let member = self.directory.find(to);
        let name = member.as_ref().map_or(to, |member| member.name());
        forbidden.iter().find(|violation| *violation.to == *name)
    }

    fn route_one(
        &self,
        from: Party,
        to: &str,
        message: &Message,
        ask: Option<&Arc<Ask>>,
        seen: bool,
        post: Post<'_>,
    ) {
        if self.answer(from.0, to, message, ask, post) {
            return;
        }
        let Some(member) = self.directory.find(to) else {
            if self.is_speaker(to) {
                if !seen {
                    self.keep_dead(message.clone(), format!("nobody waits for it at {to:?}"), post);
                }
                return;
            }
            let letter = Letter::direct(message.clone(), ask.cloned());
            let fault = Fault::new(FaultKind::Unknown, format!("no agent is called {to:?}"));
            self.keep_dead(message.clone(), fault.text.clone(), post);
            self.tell_sender(&letter, to, &fault, post);
            return;
        };
        if let Member::Agent(agent) = &member
            && let Err(error) = agent.check_content(message)
        {
            let letter = Letter::direct(message.clone(), ask.cloned());
            self.report_content(&letter, agent, &error, post);
            return;
        }
        let ask = self.passed_on(from, &member, message, ask);
        let letter = Letter::direct(message.clone(), ask).sent_by(from.0);
        if let Err((refusal, letter)) = self.deliver(&member, letter, post) {
            self.report_refusal(&letter, member.name(), refusal, post);
        }
    }

    /// The ask that `message` is part of. Where it keeps what an answer names, its receiver may
    /// answer the asker.
    pub fn passed_on(
        &self,
        from: Party,
        to: &Member,
        message: &Message,
        ask: Option<&Arc<Ask>>,
    ) -> Option<Arc<Ask>> {
        let kept = match ask {
            Some(ask) if ask.is_kept_by(message) => Some(ask.clone()),
            _ if self.asks.is_empty() => None,
            _ => self.asks.passed_on(message),
        };
        if let Some(kept) = &kept {
            kept.pass_on(from.0, to.serial());
        }
        kept.or_else(|| ask.cloned())
    }

    /// Puts a letter into the mailbox of a member. In a runtime with a store it waits there until
    /// its posting is on disk.
    pub fn deliver(
        &self,
        to: &Member,
        letter: Letter,
        post: Post<'_>,
    ) -> Result<(), (Refusal, Letter)> {
        self.alone(post, |post| {
            let letter = self.hold_letter(to, letter, post);
            self.put(to, letter, post).map_err(|(refusal, letter)| (refusal, letter.unhold(post)))
        })
        .0
    }

    /// Writes a letter down for its receiver, where there is a store.
    pub fn hold_letter(&self, to: &Member, letter: Letter, post: Post<'_>) -> Letter {
        let Some(posting) = post.posting else {
            return letter;
        };
        let row = self.next_row();
        posting.change(Change::Letter {
            row,
            to: to.serial(),
            kind: letter.kind.as_str(),
            message: Bytes::copy_from_slice(letter.message.as_json()),
        });
        posting.holds(to.clone());
        Letter { row: Some(row), commit: Some(posting.commit().clone()), ..letter }
    }

    fn put(&self, to: &Member, letter: Letter, post: Post<'_>) -> Result<(), (Refusal, Letter)> {
        match to {
            Member::Agent(agent) => {
                if agent.mailbox.push(letter)? {
                    self.scheduler.push(agent.clone(), post.lane);
                }
                Ok(())
            }
            Member::Host(host) => {
                if host.would_deadlock(&letter) {
                    self.report_deadlock(&letter, host, post);
                    return Ok(());
                }
                host.push(letter)
            }
        }
    }

    /// Puts a message into the places that its sender reserved during the turn.
    pub fn fill_places(
        &self,
        from: Party,
        message: &Message,
        places: Vec<Place>,
        ask: Option<&Arc<Ask>>,
        post: Post<'_>,
    ) {
        let receivers: HashSet<u64> = places.iter().filter_map(serial_of).collect();
        let names = || places.iter().filter_map(name_of).collect();
        let waiting = self.waits_itself(message, ask);
        let forbidden = self.follow(message, names, waiting, post);
        self.observe_except(message, &receivers, post);
        for place in places {
            if let Some(violation) =
                name_of(&place).and_then(|name| self.forbids(&forbidden, &name))
            {
                self.report_violation(message, violation, post);
                continue;
            }
            let Ok(reserved) = place.0.downcast::<LocalPlace>() else {
                continue;
            };
            let letter = Letter::direct(message.clone(), None).sent_by(from.0);
            match *reserved {
                LocalPlace::Agent(reserved) => {
                    let agent = reserved.agent().clone();
                    let member = Member::Agent(agent.clone());
                    let ask = self.passed_on(from, &member, message, ask);
                    let letter = self.hold_letter(&member, Letter { ask, ..letter }, post);
                    match reserved.fill(letter) {
                        Ok(true) => self.scheduler.push(agent, post.lane),
                        Ok(false) => {}
                        Err((refusal, letter)) => {
                            let letter = letter.unhold(post);
                            self.report_refusal(&letter, agent.name(), refusal, post);
                        }
                    }
                }
                LocalPlace::Host(member) => {
                    let ask = self.passed_on(from, &member, message, ask);
                    if let Err((refusal, letter)) =
                        self.deliver(&member, Letter { ask, ..letter }, post)
                    {
                        self.report_refusal(&letter, member.name(), refusal, post);
                    }
                }
            }
        }
    }

    /// Keeps room for a message of the agent `holder`.
    pub fn reserve(&self, to: &str, message: &Message, holder: u64) -> Result<Place, NoPlace> {
        let member = self.directory.find(to).ok_or(NoPlace::Unknown)?;
        if let Member::Agent(agent) = &member {
            agent.check_content(message).map_err(NoPlace::Content)?;
        }
        reserve_with(member, message, holder)
    }

    /// Keeps room with everybody whom `filter` means, except the sender; who has none, or has content
    /// limits that are broken, is counted.
    pub fn reserve_matching(
        &self,
        filter: Filter,
        message: &Message,
        holder: u64,
        grants: &Grants,
    ) -> (Vec<Place>, u64) {
        let (filter, names) = filter.split_receivers();
        if !filter.matches(message) {
            return (Vec::new(), 0);
        }
        let mut places = Vec::new();
        let mut skipped = 0;
        for member in self.directory.matching(&filter, names.as_ref()) {
            if member.serial() == holder || !grants.may_send_to(member.name()) {
                continue;
            }
            if matches!(&member, Member::Agent(agent) if !agent.takes_content(message)) {
                skipped += 1;
                continue;
            }
            match reserve_with(member, message, holder) {
                Ok(place) => places.push(place),
                Err(_) => skipped += 1,
            }
        }
        (places, skipped)
    }

    /// Ends an ask that has come back to the handler that waits for it. Who sent the letter is told;
    /// where that is not who waits, because others passed the ask on, who waits is told as well.
    fn report_deadlock(&self, letter: &Letter, host: &HostAgent, post: Post<'_>) {
        let text = format!("{:?} waits for the answer to this very ask", &*host.name);
        let fault = Fault::new(FaultKind::Deadlock, text);
        if self.tell_sender(letter, &host.name, &fault, post) {
            return;
        }
        let Some(ask) = letter.ask.as_ref().and_then(|ask| ask.waiting_in(host.serial)) else {
            return;
        };
        let content = failure_content(&host.name, &fault);
        let act = Performative::Failure.as_str();
        let draft = Draft::with_raw_content(act, Some(ask.asker()), content.as_bytes())
            .field("in_reply_to", ask.key());
        match self.stamp_own(&draft) {
            Ok(failure) => {
                self.observe(&failure, post);
                if post.hold(Outward::Answer(ask.clone(), Party::AMS.0, failure.clone())).is_some()
                {
                    ask.answer(Party::AMS.0, &failure);
                }
            }
            Err(error) => ask.fail(error),
        }
    }

    /// Says what became of a letter that was handled and dropped: to who sent it, or, where the
    /// host must not answer, in the dead letters.
    pub fn report_failure(&self, letter: &Letter, agent: &str, fault: &Fault, post: Post<'_>) {
        if fault.kind == FaultKind::Closed || !letter.may_fail() {
            self.keep_dead(letter.message.clone(), fault.text.clone(), post);
        }
        self.tell_sender(letter, agent, fault, post);
    }

    /// Says what became of a letter that crashed its receiver: it is not tried again, and kept.
    pub fn report_crash(&self, letter: &Letter, agent: &Arc<str>, fault: &Fault, post: Post<'_>) {
        self.keep_crashing(letter.message.clone(), fault.text.clone(), agent, post);
        self.tell_sender(letter, agent, fault, post);
    }

    /// Answers a letter in the name of `ams` with what happened to it; whether that answered an ask.
    pub fn tell_sender(&self, letter: &Letter, agent: &str, fault: &Fault, post: Post<'_>) -> bool {
        if fault.kind == FaultKind::Closed || !letter.may_fail() {
            return false;
        }
        let original = &letter.message;
        let content = failure_content(agent, fault);
        // The host answers who truly sent the message, whomever that one named for replies.
        let draft = Draft::raw_reply_to(
            original,
            original.sender(),
            Performative::Failure,
            content.as_bytes(),
        );
        let failure = match self.stamp_own(&draft) {
            Ok(failure) => failure,
            Err(error) => {
                tracing::error!(%error, "a failure could not be written");
                return false;
            }
        };
        self.follow_fault(original, agent, &failure, fault);
        let seen = self.observe(&failure, post);
        let to = original.sender();
        if self.answer(Party::AMS.0, to, &failure, letter.ask.as_ref(), post) {
            return true;
        }
        self.deliver_seen(failure, to, seen, post);
        false
    }

    /// Sends a message of the host to `to`.
    pub fn deliver_own(&self, message: Message, to: &str, ask: Option<&Arc<Ask>>, post: Post<'_>) {
        let seen = self.observe(&message, post);
        if !self.answer(Party::AMS.0, to, &message, ask, post) {
            self.deliver_seen(message, to, seen, post);
        }
    }

    fn deliver_seen(&self, failure: Message, to: &str, seen: bool, post: Post<'_>) {
        match self.directory.find(to) {
            Some(member) => {
                let letter = Letter::new(failure, None, Kind::Failure);
                if let Err((_, letter)) = self.deliver(&member, letter, post) {
                    self.keep_dead(letter.message, "its receiver has no room for failures", post);
                }
            }
            None if seen => {}
            None => self.keep_dead(failure, format!("nobody waits for it at {to:?}"), post),
        }
    }

    /// Keeps a letter that nobody took as a dead letter, and tells who sent it.
    pub fn report_refusal(&self, letter: &Letter, agent: &str, refusal: Refusal, post: Post<'_>) {
        self.alone(post, |post| self.report_refused(letter, agent, refusal, post));
    }

    fn report_refused(&self, letter: &Letter, agent: &str, refusal: Refusal, post: Post<'_>) {
        drop(letter.clone().unhold(post));
        let (kind, what) = match refusal {
            Refusal::Full => (FaultKind::Mailbox, "has no room in its mailbox"),
            Refusal::Failed => (FaultKind::Trap, "has failed and takes no messages"),
            Refusal::Removed => (FaultKind::Unknown, "has been removed"),
        };
        let fault = Fault::new(kind, format!("{agent:?} {what}"));
        self.keep_dead(letter.message.clone(), fault.text.clone(), post);
        self.tell_sender(letter, agent, &fault, post);
    }

    /// Keeps a letter that is above its receiver's content limits as a dead letter, and tells who
    /// sent it.
    fn report_content(&self, letter: &Letter, agent: &Agent, error: &Error, post: Post<'_>) {
        let (limit, used) = error.limit_and_used().unwrap_or_default();
        let fault = Fault::limit(FaultKind::Content, error.message(), limit, used);
        self.keep_dead(letter.message.clone(), error.message(), post);
        self.tell_sender(letter, agent.name(), &fault, post);
    }

    /// Answers messages that waited with somebody who takes none any more.
    pub fn refuse_all(&self, letters: Vec<Letter>, agent: &str, post: Post<'_>) {
        for letter in letters {
            self.report_refusal(&letter, agent, Refusal::Failed, post);
        }
    }

    /// Whether the script speaks, or has spoken, under this name.
    pub fn is_speaker(&self, name: &str) -> bool {
        name == &*self.name || self.speakers.contains(name)
    }

    /// An agent's last turn is over.
    pub fn agent_stopped(&self, agent: &Arc<Agent>) {
        if !agent.retire() {
            return;
        }
        self.forget(agent);
        agent.stopped.notify_waiters();
        self.agent_gone.notify_waiters();
    }
}

/// A place that a turn holds.
enum LocalPlace {
    Agent(Reserved),
    /// Host agents take what they can when the turn commits.
    Host(Member),
}

/// The name of who has kept a place.
fn name_of(place: &Place) -> Option<Arc<str>> {
    match place.0.downcast_ref::<LocalPlace>()? {
        LocalPlace::Agent(reserved) => Some(reserved.agent().face.name.clone()),
        LocalPlace::Host(member) => Some(member.name().clone()),
    }
}

/// The agent that has kept a place.
fn serial_of(place: &Place) -> Option<u64> {
    match place.0.downcast_ref::<LocalPlace>()? {
        LocalPlace::Agent(reserved) => Some(reserved.agent().face.serial),
        LocalPlace::Host(member) => Some(member.serial()),
    }
}

fn reserve_with(member: Member, message: &Message, holder: u64) -> Result<Place, NoPlace> {
    let place = match member {
        Member::Agent(agent) => match Reserved::take(agent, message, holder) {
            Ok(reserved) => LocalPlace::Agent(reserved),
            Err(Refusal::Full) => return Err(NoPlace::Full),
            Err(Refusal::Failed | Refusal::Removed) => return Err(NoPlace::Unknown),
        },
        Member::Host(_) => LocalPlace::Host(member),
    };
    Ok(Place(Box::new(place)))
}

/// The content of a `failure` of the host.
fn failure_content(agent: &str, fault: &Fault) -> String {
    let mut content = serde_json::json!({
        "error": fault.text,
        "agent": agent,
        "kind": fault.kind.as_str(),
    });
    if let (Some(limit), Some(used), Some(object)) =
        (fault.limit, fault.used, content.as_object_mut())
    {
        object.insert("limit".to_owned(), limit.into());
        object.insert("used".to_owned(), used.into());
    }
    if let (Some(backtrace), Some(object)) = (&fault.backtrace, content.as_object_mut()) {
        object.insert(
            "backtrace".to_owned(),
            backtrace.chars().take(4096).collect::<String>().into(),
        );
    }
    content.to_string()
}
