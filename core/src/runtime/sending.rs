//! A message on its way to its receivers, worked off piece by piece.
//!
//! Whoever runs it looks at the clock between two pieces: a message may have ten thousand receivers, and
//! as many subscribers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::agent_subscriptions::{Key, Table};
use super::ask::Ask;
use super::core::{Core, Party};
use super::following::{Forbidden, Part, Waiting};
use super::posting::Post;
use super::reserve::{fill, holder_of, name_of};
use crate::agent::Letter;
use crate::directory::Member;
use crate::error::shown;
use crate::message::{Message, name};
use crate::sandbox::{Addressee, Fault, FaultKind, Places, Receiver, Receivers};
use crate::store::Serial;

/// Receivers that a filter compares with those that it lists one by one.
const FEW_RECEIVERS: usize = 16;
/// Names looked up that take as long as one receiver.
const LOOKS: usize = 16;

/// Receivers that are followed in their conversation together.
const FOLLOWED_AT_ONCE: usize = 32;

/// Whom a message goes to.
pub(crate) enum To {
    /// Those whom it names.
    Named(Receivers),
    /// Those with whom places were reserved for it.
    Reserved(Places),
}

/// The terms on which a message was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// It is a reply that does not count as a message of its sender's.
    pub is_free: bool,
    /// Its sender is told of no failure, since it sent this while it handled one.
    pub is_quiet: bool,
    /// The serial of whoever wanted the answer to be sent to this receiver: what becomes of it is that one's doing.
    pub wanted_by: Option<Serial>,
}

/// A message on its way. Dropped before its end, it reaches nobody else.
pub(crate) struct Sending {
    message: Message,
    from: Party,
    to: To,
    ask: Option<Arc<Ask>>,
    terms: Terms,
    stage: Stage,
    /// The next receiver that it names, and how many of those before have been followed.
    at: usize,
    followed: usize,
    /// Those among the followed ones to whom its protocol forbids it.
    forbidden: Forbidden,
    /// The program has seen it.
    seen: bool,
    /// Agents that get no copy: they receive it, sent it, or have one.
    served: HashSet<u64>,
    /// Subscriptions that name several topics, and do not mean it.
    not_meant: HashSet<Key>,
    /// The receivers as a set, once a filter asks for some of them.
    receivers: Option<HashSet<Box<str>>>,
}

/// What is dealt with next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    /// Subscriptions to the topic that stands at this place among the receivers, after this one.
    Topic(usize, Option<Key>),
    WithoutTopic(Option<Key>),
    Observing(Option<Key>),
    Receivers,
    Done,
}

impl Sending {
    pub fn new(from: Party, message: Message, to: To, ask: Option<Arc<Ask>>, terms: Terms) -> Self {
        Sending {
            message,
            from,
            to,
            ask,
            terms,
            stage: Stage::Begin,
            at: 0,
            followed: 0,
            forbidden: Forbidden::default(),
            seen: false,
            served: HashSet::new(),
            not_meant: HashSet::new(),
            receivers: None,
        }
    }

    /// Returns true if everybody has been dealt with.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Returns true if `ams` or `df` is among the receivers.
    pub fn is_to_service(&self) -> bool {
        self.message.receivers().any(|to| matches!(to, name::AMS | name::DF))
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Deals with about `most` receivers, subscribers or topics; how many there were.
    pub fn advance(&mut self, core: &Core, most: usize, post: Post<'_>) -> usize {
        let mut left = most;
        while left > 0 && !self.is_done() {
            left = left.saturating_sub(self.step(core, left, post));
        }
        most - left
    }

    /// Deals with what comes next, for about `most` of those who have to do with it; how many there were.
    fn step(&mut self, core: &Core, most: usize, post: Post<'_>) -> usize {
        match self.stage {
            Stage::Begin => self.begin(core, post),
            Stage::Topic(at, after) => self.give_to_topic(core, at, after, most, post),
            Stage::WithoutTopic(after) => {
                let (found, last) = self.give(core, Table::WithoutTopic, after, most, post);
                self.stage = last.map_or(Stage::Receivers, |key| Stage::WithoutTopic(Some(key)));
                found
            }
            Stage::Observing(after) => {
                let (found, last) = self.give(core, Table::Observing, after, most, post);
                self.stage = last.map_or(Stage::Receivers, |key| Stage::Observing(Some(key)));
                found
            }
            Stage::Receivers => self.deliver(core, post),
            Stage::Done => 0,
        }
    }

    /// Deals with everybody.
    pub fn finish(mut self, core: &Core, post: Post<'_>) {
        while !self.is_done() {
            self.advance(core, usize::MAX, post);
        }
    }

    /// Gives copies to everybody who subscribed to one of its topics.
    fn give_to_topics(mut self, core: &Core, post: Post<'_>) {
        self.stage = Stage::Topic(0, None);
        self.serve_receivers();
        while !matches!(self.stage, Stage::Receivers | Stage::Done) {
            self.step(core, FOLLOWED_AT_ONCE, post);
        }
    }

    /// Enters the message in its conversation before anybody sees it.
    fn begin(&mut self, core: &Core, post: Post<'_>) -> usize {
        let followed = self.follow(core, post);
        let has_topic = self.message.topic().is_some();
        let receivers = match &self.to {
            To::Named(receivers) => receivers.len(),
            To::Reserved(places) => places.as_slice().len(),
        };
        if !has_topic && receivers > 0 && self.forbidden.len() == receivers {
            // It reaches nobody, so nobody sees it.
            self.stage = Stage::Receivers;
            return followed;
        }
        self.seen = core.observe_in_program(&self.message, post);
        self.stage = if has_topic {
            Stage::Topic(0, None)
        } else if core.observers.load(Ordering::Acquire) > 0 {
            Stage::Observing(None)
        } else {
            Stage::Receivers
        };
        if self.stage != Stage::Receivers {
            self.serve_receivers();
        }
        followed
    }

    /// Notes that its receivers and its sender get no copy.
    fn serve_receivers(&mut self) {
        self.served.insert(self.from.0);
        match &self.to {
            To::Named(receivers) => {
                let members = receivers.iter().filter_map(|receiver| member_of(&receiver.who));
                self.served.extend(members.map(|member| member.serial()));
            }
            To::Reserved(places) => {
                self.served.extend(places.as_slice().iter().filter_map(holder_of));
            }
        }
    }

    /// Enters the next receivers in their conversations.
    fn follow(&mut self, core: &Core, post: Post<'_>) -> usize {
        let Sending { message, to, ask, at, .. } = self;
        let waiting = match ask {
            // The program sees to it that what it asked, and the message passes on, is answered in time.
            Some(ask) if ask.is_kept_by(message) => Waiting::Caller,
            _ => Waiting::Runtime,
        };
        let count = match to {
            To::Named(receivers) => receivers.len().saturating_sub(*at),
            To::Reserved(places) => places.as_slice().len(),
        };
        let count = count.min(FOLLOWED_AT_ONCE);
        let names = || match to {
            To::Named(receivers) => names_of(message, &receivers[*at..*at + count]),
            To::Reserved(places) => places.as_slice()[..count].iter().filter_map(name_of).collect(),
        };
        let part = if self.followed == 0 { Part::First } else { Part::Later };
        self.forbidden = core.follow(self.from, message, part, names, waiting, post);
        self.followed += count;
        count.max(1)
    }

    fn give_to_topic(
        &mut self,
        core: &Core,
        at: usize,
        after: Option<Key>,
        most: usize,
        post: Post<'_>,
    ) -> usize {
        let message = self.message.clone();
        let Some(receiver) = message.receivers().nth(at) else {
            self.stage = Stage::WithoutTopic(None);
            return 0;
        };
        let Some(topic) = name::topic_of(receiver) else {
            self.stage = Stage::Topic(at + 1, None);
            return 1;
        };
        let (found, last) = self.give(core, Table::Topic(topic), after, most, post);
        self.stage = match last {
            Some(key) => Stage::Topic(at, Some(key)),
            None => Stage::Topic(at + 1, None),
        };
        found + 1
    }

    /// Gives copies to the next subscribers of a table: how many were looked at, and the last of them where
    /// there may be more.
    fn give(
        &mut self,
        core: &Core,
        table: Table<'_>,
        after: Option<Key>,
        most: usize,
        post: Post<'_>,
    ) -> (usize, Option<Key>) {
        let most = most.clamp(1, FOLLOWED_AT_ONCE);
        let found = core.agent_subscriptions.read().next(table, after, most);
        let mut is_more = found.len() == most;
        let (mut count, mut last) = (0, None);
        for (key, subscription) in found {
            if count >= most {
                // Looking names up has taken as long: those that are left come next.
                is_more = true;
                break;
            }
            count += 1;
            last = Some(key);
            if self.served.contains(&key.0) || self.not_meant.contains(&key) {
                continue;
            }
            let filter = &subscription.filter;
            if let Some(wanted) = filter.receivers() {
                let receivers = self.receivers_as_set().map_or(0, HashSet::len);
                count += wanted.len().min(receivers) / LOOKS;
            }
            let receivers = self.receivers.as_ref();
            if core.give_copy(&self.message, &subscription, receivers, table, post) {
                self.served.insert(key.0);
            } else if filter.topics().is_some_and(|topics| topics.len() > 1) {
                self.not_meant.insert(key);
            }
        }
        (count, last.filter(|_| is_more))
    }

    /// The receivers as a set, where there are many.
    fn receivers_as_set(&mut self) -> Option<&HashSet<Box<str>>> {
        if self.receivers.is_none() && self.message.receivers().nth(FEW_RECEIVERS).is_some() {
            self.receivers = Some(self.message.receivers().map(Into::into).collect());
        }
        self.receivers.as_ref()
    }

    /// Delivers the message to the next receiver.
    fn deliver(&mut self, core: &Core, post: Post<'_>) -> usize {
        let is_left = match &self.to {
            To::Named(receivers) => self.at < receivers.len(),
            To::Reserved(places) => !places.as_slice().is_empty(),
        };
        if !is_left {
            self.stage = Stage::Done;
            return 0;
        }
        if self.at == self.followed {
            self.follow(core, post);
        }
        match &mut self.to {
            To::Named(receivers) => {
                let receiver = std::mem::replace(&mut receivers[self.at].who, Addressee::Nobody);
                let at = receivers[self.at].at as usize;
                let is_last = self.at + 1 == receivers.len();
                self.deliver_to(core, at, receiver, post);
                if is_last {
                    self.stage = Stage::Done;
                }
            }
            To::Reserved(places) => {
                if let Some(place) = places.next() {
                    let forbidden = name_of(&place).and_then(|name| self.forbidden.to(&name));
                    match forbidden {
                        Some(violation) => {
                            core.report_violation(&self.letter(), violation, post);
                        }
                        None => {
                            fill(core, self.from, place, self.letter(), self.ask.as_ref(), post)
                        }
                    }
                }
            }
        }
        self.at += 1;
        1
    }

    fn deliver_to(&self, core: &Core, at: usize, who: Addressee, post: Post<'_>) {
        if self.forbidden.len() > 0 {
            let to = self.message.receivers().nth(at).unwrap_or_default();
            let member = member_of(&who);
            let name = member.as_ref().map_or(to, |member| member.name());
            if let Some(violation) = self.forbidden.to(name) {
                core.report_violation(&self.letter(), violation, post);
                return;
            }
        }
        core.deliver_to(at, who, self.letter(), self.seen, post);
    }

    /// The message as a letter, with the ask that it is part of.
    fn letter(&self) -> Letter {
        let letter = Letter::direct(self.message.clone(), self.ask.clone()).sent_by(self.from.0);
        Letter { terms: self.terms, ..letter }
    }
}

fn member_of(who: &Addressee) -> Option<Member> {
    match who {
        Addressee::Member(found) => Member::from_found(found),
        Addressee::Program | Addressee::Nobody => None,
    }
}

/// The names of some receivers: a member's own where there is one.
fn names_of(message: &Message, receivers: &[Receiver]) -> Vec<Arc<str>> {
    let name = |receiver: &Receiver| match member_of(&receiver.who) {
        Some(member) => member.name().clone(),
        None => message.receivers().nth(receiver.at as usize).unwrap_or_default().into(),
    };
    receivers.iter().map(name).collect()
}

impl Core {
    /// Whether nobody but its receivers has to do with a message that names no topic: it is followed in no
    /// conversation, and nobody looks on.
    pub fn goes_straight(&self, message: &Message) -> bool {
        self.subscriptions.is_empty()
            && self.observers.load(Ordering::Acquire) == 0
            && !self.is_followed(message, Waiting::Runtime)
    }

    /// Delivers a letter to the receiver that stands at this place in its message, who was found under that
    /// name; `seen` says that the program has seen it.
    pub fn deliver_to(
        &self,
        at: usize,
        who: Addressee,
        letter: Letter,
        seen: bool,
        post: Post<'_>,
    ) {
        let from = Party(letter.from.unwrap_or(Party::AMS.0));
        let to = letter.message.receivers().nth(at).unwrap_or_default();
        if self.answer(from.0, to, &letter.message, letter.ask.as_ref(), post) {
            return;
        }
        let is_program = matches!(who, Addressee::Program);
        let member = match who {
            Addressee::Member(found) => Member::of_found(found),
            Addressee::Program | Addressee::Nobody => None,
        };
        match member {
            Some(member) => self.deliver_named(from, &member, letter, post),
            None if is_program => {
                if !seen {
                    let reason = format!("nobody waits for it at {:?}", shown(to));
                    self.keep_dead_letter(&letter, reason, post);
                }
            }
            None => {
                let text = format!("no agent is called {:?}", shown(to));
                let fault = Fault::new(FaultKind::Unknown, text);
                self.keep_dead_letter(&letter, fault.text.clone(), post);
                self.tell_sender(&letter, to, &fault, post);
            }
        }
    }

    /// Whom a name means now.
    pub fn addressee(&self, name: &str) -> Addressee {
        match self.directory.find(name) {
            Some(member) => Addressee::Member(member.into_found()),
            None if self.is_speaker(name) => Addressee::Program,
            None => Addressee::Nobody,
        }
    }

    /// Shows a message of the program's to its own subscriptions, and gives agents copies that observe it or
    /// subscribed to its topics; whether the program has seen it.
    pub(super) fn publish(&self, from: Party, message: &Message, post: Post<'_>) -> bool {
        if message.topic().is_none() {
            return self.observe(message, post);
        }
        let seen = self.observe_in_program(message, post);
        let to = To::Named(self.receivers_of(message));
        Sending::new(from, message.clone(), to, None, Terms::default()).give_to_topics(self, post);
        seen
    }

    /// Sends a message of the program's, of one of its host agents' or of the runtime's own to everybody whom
    /// it names. What finds no room comes back to its sender as a `failure`.
    pub fn route(&self, from: Party, message: Message, ask: Option<&Arc<Ask>>, post: Post<'_>) {
        self.route_on(from, message, ask, Terms::default(), post);
    }

    /// The same on these terms.
    pub fn route_on(
        &self,
        from: Party,
        message: Message,
        ask: Option<&Arc<Ask>>,
        terms: Terms,
        post: Post<'_>,
    ) {
        let to = To::Named(self.receivers_of(&message));
        // Answers of the runtime's own cost nobody a message, so answers to them do.
        let is_free = terms.is_free || from == Party::AMS || from == Party::DF;
        let terms = Terms { is_free, ..terms };
        Sending::new(from, message, to, ask.cloned(), terms).finish(self, post);
    }

    /// Finds everybody whom a message names, topics aside.
    fn receivers_of(&self, message: &Message) -> Receivers {
        let mut receivers = Receivers::new();
        let mut seen = HashSet::new();
        let is_only = message.receivers().nth(1).is_none();
        for (at, to) in message.receivers().enumerate() {
            if name::topic_of(to).is_none() && (is_only || seen.insert(to)) {
                receivers.push(Receiver { at: at as u32, who: self.addressee(to) });
            }
        }
        receivers
    }
}
