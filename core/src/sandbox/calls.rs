//! The host's functions that guests call, the same for every interface that a call can come through.

use std::borrow::Cow;
use std::collections::HashSet;

use super::host::{Addressee, Host, Level, NoPlace};
use super::prices::Work;
use super::record::{Effect, Places, Receiver, Receivers, Sent};
use crate::error::{Error, ErrorKind};
use crate::message::{Envelope, Filter, Message, Sender, name};

/// Bytes that each further receiver of a message counts in the turn's record: about the size of the failure
/// that the host writes if no member has that name.
const RECEIVER_BYTES: usize = 512;

/// The reason why the host refuses a call; the agent's log says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No such key, agent, timer or subscription.
    NotFound,
    /// A range outside the memory, or invalid UTF-8, JSON or filter.
    InvalidArgument,
    /// The agent's grants do not allow it, or the sender is forged.
    PermissionDenied,
    /// A rate, a size or a count is above its limit.
    LimitExceeded,
    /// The value is longer than the buffer; nothing was written.
    BufferTooSmall,
    /// The receiver's mailbox has no room.
    MailboxFull,
}

/// The result of a call.
pub(super) type Answer<T = ()> = Result<T, Refused>;

impl Refused {
    /// Returns the code that stands for it in the interface of modules.
    pub const fn code(self) -> i32 {
        match self {
            Refused::NotFound => -1,
            Refused::InvalidArgument => -2,
            Refused::PermissionDenied => -3,
            Refused::LimitExceeded => -4,
            Refused::BufferTooSmall => -5,
            Refused::MailboxFull => -6,
        }
    }
}

pub(super) fn send(host: &mut Host, json: &[u8]) -> Answer {
    host.spend(host.prices.message(json.len()))?;
    let (message, named) = read_and_stamp(host, json, None)?;
    send_to_named(host, message, named)
}

/// Adds a message for the `named` receivers that it names to the record.
#[inline(never)]
fn send_to_named(host: &mut Host, message: Message, named: usize) -> Answer {
    let (sent, receivers) = address(host, message, named, None)?;
    charge(host, &sent.message)?;
    push(host, sent, |sent| Effect::Send(sent, receivers));
    Ok(())
}

pub(super) fn send_local(host: &mut Host, to: &[u8], json: &[u8]) -> Answer {
    host.spend(host.prices.message(json.len()))?;
    let to = read_name(host, to)?;
    let (sent, _) = write(host, json, Some(to))?;
    let place = host.world.reserve(to, &sent.message).map_err(|no| match no {
        NoPlace::Unknown => Refused::NotFound,
        NoPlace::Full => Refused::MailboxFull,
        NoPlace::Content(error) => not_sent(host, &error),
    })?;
    let places = Places::new(vec![place], host.world.clone());
    charge(host, &sent.message)?;
    push(host, sent, |sent| Effect::Deliver(sent, places));
    Ok(())
}

/// Adds a broadcast to the record. Returns the number of its receivers.
pub(super) fn broadcast(host: &mut Host, filter: &[u8], json: &[u8]) -> Answer<u32> {
    host.spend(host.prices.message(json.len().saturating_add(filter.len())))?;
    let filter = read_filter(host, filter)?;
    let compared = host.world.looked_at(&filter).saturating_mul(filter.declared().max(1));
    host.spend(host.prices.looked_at * compared)?;
    let (sent, _) = write(host, json, Some(name::EVERYBODY))?;
    charge(host, &sent.message)?;
    let found = host.world.matching(filter, &sent.message);
    host.spend(host.prices.reached * found.len() + followed(host, &sent.message) * found.len())?;
    let (places, skipped) = host.world.reserve_all(found, &sent.message);
    host.turn.record.skipped += skipped;
    let receivers = places.len() as u32;
    let places = Places::new(places, host.world.clone());
    push(host, sent, |sent| Effect::Deliver(sent, places));
    Ok(receivers)
}

/// Adds a message to the record.
fn push(host: &mut Host, sent: Sent, effect: impl FnOnce(Sent) -> Effect) {
    host.turn.record.has_reply |= sent.is_reply;
    host.turn.record.effects.push(effect(sent));
}

/// Begins a subscription. Returns its number.
pub(super) fn subscribe(host: &mut Host, json: &[u8]) -> Answer<u32> {
    host.spend(host.prices.kept(json.len()))?;
    let filter = read_filter(host, json)?;
    host.spend(host.prices.listed * listed(&filter))?;
    let id = host.world.new_subscription(host.turn.subscribed, host.turn.made);
    let id = id.filter(|_| host.charge(filter.bytes())).ok_or(Refused::LimitExceeded)?;
    host.turn.subscribed += 1;
    host.turn.record.kept_mut().subscriptions.insert(id, Some(filter));
    Ok(id)
}

pub(super) fn unsubscribe(host: &mut Host, id: u32) -> Answer {
    host.spend(host.prices.kept(0))?;
    let begun_here = host.turn.record.kept().subscriptions.get(&id);
    let topics = match begun_here {
        Some(filter) => filter.as_ref().map(listed),
        None => host.world.subscribed_topics(id),
    };
    let begun_here = begun_here.is_some();
    host.spend(host.prices.listed * topics.ok_or(Refused::NotFound)?)?;
    host.turn.subscribed -= usize::from(begun_here);
    host.turn.record.kept_mut().subscriptions.insert(id, None);
    Ok(())
}

/// Returns the number of topics that a subscription with this filter lists.
fn listed(filter: &Filter) -> usize {
    filter.topics().map_or(0, HashSet::len)
}

/// Writes a line to the agent's log.
pub(super) fn write_line(host: &mut Host, level: Level, line: &[u8]) {
    // A line above the limit of a turn is cut before it is looked at.
    let is_too_long = line.len() as u64 > host.limits.max_log_bytes;
    if is_too_long || host.spend(host.prices.line(line.len())).is_err() {
        host.world.log_dropped(1);
    } else {
        host.world.write_line(level, &String::from_utf8_lossy(line));
    }
}

/// Refuses, and says why in the agent's log.
pub(super) fn refuse(host: &Host, why: Refused, text: &str) -> Refused {
    host.log(Level::Warn, text);
    why
}

fn read_name<'a>(host: &Host, name: &'a [u8]) -> Answer<&'a str> {
    if name.len() > name::MAX_NAME_BYTES {
        return Err(refuse(host, Refused::InvalidArgument, "the agent's name is too long"));
    }
    std::str::from_utf8(name)
        .map_err(|_| refuse(host, Refused::InvalidArgument, "the agent's name is not UTF-8"))
}

fn read_filter(host: &Host, json: &[u8]) -> Answer<Filter> {
    if json.len() as u64 > host.limits.max_message_bytes {
        return Err(Refused::LimitExceeded);
    }
    Filter::read(json).map_err(|error| refuse(host, Refused::InvalidArgument, error.message()))
}

/// Reads a message, writes it in the agent's name, and finds its receivers. `receiver` replaces those that
/// the message names.
///
/// Each step has a frame of its own, so that the frames follow one another: the pages of the guest's stack
/// that they reach stay in memory as long as the agent lives.
fn write(host: &mut Host, json: &[u8], receiver: Option<&str>) -> Answer<(Sent, Receivers)> {
    let (message, named) = read_and_stamp(host, json, receiver)?;
    address(host, message, named, receiver)
}

/// Reads a message, and writes it in the agent's name. Returns it with the number of receivers that it names.
#[inline(never)]
fn read_and_stamp(
    host: &mut Host,
    json: &[u8],
    receiver: Option<&str>,
) -> Answer<(Message, usize)> {
    let (len, limit) = (json.len(), host.limits.max_message_bytes);
    if len as u64 > limit {
        let text = format!("a message of {len} bytes is above the limit of {limit}");
        return Err(refuse(host, Refused::LimitExceeded, &text));
    }
    match Envelope::read_boxed(json) {
        Ok(envelope) => stamp(host, &envelope, receiver),
        Err(error) => Err(not_sent(host, &error)),
    }
}

/// Checks the sender, and writes the message in the agent's name.
fn stamp(
    host: &mut Host,
    envelope: &Envelope<'_>,
    receiver: Option<&str>,
) -> Answer<(Message, usize)> {
    check_sender(host, envelope)?;
    let named = if receiver.is_some() { 1 } else { envelope.receivers.len() };
    host.spend(host.prices.receiver * named)?;
    match host.world.stamp(envelope, receiver, host.traceparent.as_ref()) {
        Ok(message) => Ok((message, named)),
        Err(error) => Err(not_sent(host, &error)),
    }
}

/// Finds the receivers of a message that names `named` of them, and checks the grants and the rate.
#[inline(never)]
fn address(
    host: &mut Host,
    message: Message,
    named: usize,
    receiver: Option<&str>,
) -> Answer<(Sent, Receivers)> {
    // An answer to the asker is not counted against the rate: the ask was.
    let answers = host.turn.handled.as_ref().is_some_and(|handled| message.answers(handled));
    let is_first = answers && !host.turn.record.has_reply;
    let answered = host.turn.handled.as_ref().filter(|_| is_first).map(Message::answer_to);
    let is_to_asker = answered == Some(message.receiver());
    let is_free = named == 1
        && !host.turn.handled_is_free
        && is_to_asker
        && !host.world.is_me(message.receiver())
        && host.turn.handled.as_ref().is_some_and(|handled| !host.world.is_me(handled.sender()));
    let (receivers, work) = if receiver == Some(name::EVERYBODY) {
        (Receivers::new(), Work::NONE)
    } else {
        find(host, &message, answered)?
    };
    if let Some(to) = message.reply_to().filter(|to| !host.world.is_me(to)) {
        check_grants(host, to, &host.world.find(to))?;
    }
    let is_reply = is_to_asker
        || answers
            && host.turn.handled.as_ref().is_some_and(|handled| {
                message.receivers().any(|to| to == handled.answer_to() || to == handled.sender())
            });
    host.spend(work)?;
    if !is_free && !host.world.may_send() {
        return Err(Refused::LimitExceeded);
    }
    Ok((Sent { message, is_free, is_reply }, receivers))
}

/// Finds the receivers that a message names, each name once, and the price of reaching them. The receiver
/// `answered`, to which the message is an answer, needs no grant.
fn find(host: &Host, message: &Message, answered: Option<&str>) -> Answer<(Receivers, Work)> {
    let followed = followed(host, message);
    let mut receivers = Receivers::new();
    let mut seen = message.receivers().nth(1).is_some().then(HashSet::new);
    let mut has_topic = false;
    let mut work = Work::NONE;
    for (at, to) in message.receivers().enumerate() {
        if seen.as_mut().is_some_and(|seen| !seen.insert(to)) {
            continue;
        }
        let topic = name::topic_of(to);
        let who = match topic {
            Some(topic) => {
                has_topic = true;
                work = work + host.prices.topic(host.world.subscribers(topic));
                Addressee::Nobody
            }
            None => host.world.find(to),
        };
        if answered != Some(to) {
            check_grants(host, to, &who)?;
        }
        if topic.is_some() {
            continue;
        }
        work = work + followed;
        if matches!(who, Addressee::Nobody) {
            work = work + host.prices.stranger;
        } else if matches!(to, name::AMS | name::DF) {
            let searches = if to == name::DF { host.world.searches() } else { 0 };
            let content = message.content().len();
            work = work + host.prices.service(host.world.members(), content, searches);
        }
        receivers.push(Receiver { at: at as u32, who });
    }
    work = work + host.prices.filters(host.world.filters(has_topic));
    Ok((receivers, work))
}

/// Returns the price of following a message in one receiver's conversation.
fn followed(host: &Host, message: &Message) -> Work {
    let is_followed = message.protocol().is_some() || message.reply_by().is_some();
    if is_followed { host.prices.followed } else { Work::NONE }
}

/// Returns the part of a name that is shown in logs and events; no agent has a longer name.
fn told(name: &str) -> &str {
    &name[..name.floor_char_boundary(name::MAX_NAME_BYTES)]
}

/// Refuses a message in another's name.
#[inline(never)]
fn check_sender(host: &Host, envelope: &Envelope<'_>) -> Answer {
    let Some(claimed) = forged(host, envelope) else { return Ok(()) };
    let claimed = told(&claimed);
    host.world.forged_sender(claimed);
    let text = format!("a message in the name of {claimed:?} was not sent");
    Err(refuse(host, Refused::PermissionDenied, &text))
}

/// Refuses a message to a receiver that the agent's grants do not allow.
fn check_grants(host: &Host, to: &str, who: &Addressee) -> Answer {
    if host.world.may_send_to(to, who) {
        return Ok(());
    }
    let to = told(to);
    host.world.denied(to);
    let text = format!("a message was not sent: its grants do not allow {to:?}");
    Err(refuse(host, Refused::PermissionDenied, &text))
}

/// Writes to the agent's log why a message was not sent, and returns the refusal.
#[cold]
#[inline(never)]
fn not_sent(host: &Host, error: &Error) -> Refused {
    let why = match error.kind() {
        ErrorKind::LimitExceeded => Refused::LimitExceeded,
        _ => Refused::InvalidArgument,
    };
    refuse(host, why, &format!("a message was not sent: {error}"))
}

/// Returns the name that a message claims to come from, unless the agent may use it. It may use its own name,
/// its id, and the receiver of the message that it is handling.
fn forged(host: &Host, envelope: &Envelope<'_>) -> Option<String> {
    let handled = host.turn.handled.as_ref();
    match envelope.sender.as_ref()? {
        Sender::One(claimed) => {
            let own = host.world.is_me(claimed)
                || handled.is_some_and(|handled| handled.receivers().eq([claimed.as_ref()]));
            (!own).then(|| claimed.to_string())
        }
        Sender::Many(claimed) => {
            let own = handled
                .is_some_and(|handled| handled.receivers().eq(claimed.iter().map(Cow::as_ref)));
            (!own).then(|| claimed.join(", "))
        }
    }
}

fn charge(host: &mut Host, message: &Message) -> Answer {
    let receivers = message.receivers().count().saturating_sub(1);
    if host.charge(message.charge() + receivers * RECEIVER_BYTES) {
        return Ok(());
    }
    let limit = host.limits.max_turn_bytes;
    let text = format!("a message was not sent: the turn's effects are above {limit} bytes");
    Err(refuse(host, Refused::LimitExceeded, &text))
}
