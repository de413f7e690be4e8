//! What the host does when a guest calls one of its functions, whatever interface the call came through.

use std::borrow::Cow;

use super::host::{Host, Level, NoPlace};
use super::record::Effect;
use crate::error::{Error, ErrorKind};
use crate::message::{Envelope, Filter, Message, Sender, name};

/// What each further receiver of a message costs in the turn's record: about what the host writes to
/// tell that there is none, all of it when the turn has ended and nobody can interrupt it.
const RECEIVER_BYTES: usize = 512;

/// Why the host does not do what it was asked; the agent's log says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No such key, agent, timer or subscription.
    NotFound,
    /// A range outside the memory, bad UTF-8, JSON or filter.
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

/// What a call gives the guest.
pub(super) type Answer<T = ()> = Result<T, Refused>;

impl Refused {
    /// What stands for it in the interface of modules.
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
    let message = write(host, json, None)?;
    charge(host, &message)?;
    host.push(Effect::Send(message));
    Ok(())
}

pub(super) fn send_local(host: &mut Host, to: &[u8], json: &[u8]) -> Answer {
    let to = read_name(host, to)?;
    let message = write(host, json, Some(to))?;
    let place = host.world.reserve(to, &message).map_err(|no| match no {
        NoPlace::Unknown => Refused::NotFound,
        NoPlace::Full => Refused::MailboxFull,
        NoPlace::Content(error) => not_sent(host, &error),
    })?;
    charge(host, &message)?;
    host.push(Effect::Deliver(message, vec![place]));
    Ok(())
}

/// How many receivers there are.
pub(super) fn broadcast(host: &mut Host, filter: &[u8], json: &[u8]) -> Answer<u32> {
    let filter = read_filter(host, filter)?;
    let message = write(host, json, Some(name::EVERYBODY))?;
    charge(host, &message)?;
    let (places, skipped) = host.world.reserve_matching(filter, &message);
    host.turn.record.skipped += skipped;
    let receivers = places.len() as u32;
    host.push(Effect::Deliver(message, places));
    Ok(receivers)
}

/// The subscription.
pub(super) fn subscribe(host: &mut Host, json: &[u8]) -> Answer<u32> {
    let filter = read_filter(host, json)?;
    let made =
        host.turn.record.effects.iter().filter(|e| matches!(e, Effect::Subscribe(..))).count();
    let id = host.world.new_subscription(made, host.turn.made);
    let id = id.filter(|_| host.charge(json.len())).ok_or(Refused::LimitExceeded)?;
    host.push(Effect::Subscribe(id, Box::new(filter)));
    Ok(id)
}

pub(super) fn unsubscribe(host: &mut Host, id: u32) -> Answer {
    let effects = &host.turn.record.effects;
    let ended = effects.iter().any(|e| matches!(e, Effect::Unsubscribe(ended) if *ended == id));
    let made = effects.iter().any(|e| matches!(e, Effect::Subscribe(made, _) if *made == id));
    if ended || !(made || host.world.has_subscription(id)) {
        return Err(Refused::NotFound);
    }
    host.push(Effect::Unsubscribe(id));
    Ok(())
}

/// Writes a line to the agent's log.
pub(super) fn write_line(host: &Host, level: Level, line: &[u8]) {
    // A line above the limit of a turn is cut before it is looked at.
    if line.len() as u64 > host.limits.max_log_bytes {
        host.world.log_dropped();
    } else {
        host.log(level, &String::from_utf8_lossy(line));
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

/// Reads a message, and writes it in the agent's name; `receiver` stands in place of its receivers. On its
/// own, so that what the guest's stack holds when it ends is small: that is kept as long as the agent lives.
#[inline(never)]
fn write(host: &mut Host, json: &[u8], receiver: Option<&str>) -> Answer<Message> {
    let (len, limit) = (json.len(), host.limits.max_message_bytes);
    if len as u64 > limit {
        let text = format!("a message of {len} bytes is above the limit of {limit}");
        return Err(refuse(host, Refused::LimitExceeded, &text));
    }
    match &Envelope::read(json) {
        Ok(envelope) => stamp(host, envelope, receiver),
        Err(error) => Err(not_sent(host, error)),
    }
}

/// Checks the sender and the rate, and writes the message in the agent's name.
fn stamp(host: &mut Host, envelope: &Envelope<'_>, receiver: Option<&str>) -> Answer<Message> {
    if let Some(claimed) = forged(host, envelope) {
        host.world.forged_sender(&claimed);
        let text = format!("a message in the name of {claimed:?} was not sent");
        return Err(refuse(host, Refused::PermissionDenied, &text));
    }
    let stamped = host.world.stamp(envelope, receiver, host.traceparent);
    let message = stamped.map_err(|error| not_sent(host, &error))?;
    let is_reply = !host.turn.replied
        && host.turn.handled.as_ref().is_some_and(|handled| {
            message.receiver() == handled.answer_to() && message.answers(handled)
        });
    let others = message.receivers().filter(|to| !is_reply && *to != name::EVERYBODY);
    let reply_to = message.reply_to().filter(|to| !host.world.is_me(to));
    if let Some(to) = others.chain(reply_to).find(|to| !host.world.may_send_to(to)) {
        host.world.denied(to);
        let text = format!("a message was not sent: its grants do not allow {to:?}");
        return Err(refuse(host, Refused::PermissionDenied, &text));
    }
    if is_reply {
        host.turn.replied = true;
    } else if !host.world.may_send() {
        return Err(Refused::LimitExceeded);
    }
    Ok(message)
}

/// Writes to the agent's log why a message was not sent.
fn not_sent(host: &Host, error: &Error) -> Refused {
    let why = match error.kind() {
        ErrorKind::LimitExceeded => Refused::LimitExceeded,
        _ => Refused::InvalidArgument,
    };
    refuse(host, why, &format!("a message was not sent: {error}"))
}

/// The name that a message claims to come from, if it is not one that its agent may use: its own
/// name, its id, or the receiver of the message that it is handling.
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
