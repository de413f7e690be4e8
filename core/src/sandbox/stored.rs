//! Stored data and timers, as guests call them. What they change goes into the turn's record, and
//! what they read is what the turn has made of it so far.

use super::calls::{Answer, Refused, refuse};
use super::host::Host;
use crate::datum::Datum;

/// The longest key, in bytes.
pub(super) const MAX_KEY_BYTES: usize = 4096;
/// What a key takes in memory beside its bytes and those of its value.
pub(crate) const KEY_BYTES: u64 = 96;
/// What a key or a timer costs in the turn's record, beside its bytes.
const OVERHEAD: usize = 64;

pub(super) fn store(host: &mut Host, key: &[u8], value: &[u8]) -> Answer {
    let size = key.len() + value.len();
    host.spend(host.prices.kept(size))?;
    check_key(host, key)?;
    let held = value_of(host, key).map_or(0, |old| charge_of(&old));
    let stored = host.world.stored_bytes().saturating_add_signed(host.turn.stored_change);
    let more = size as u64 + KEY_BYTES;
    let total = stored.saturating_sub(held).saturating_add(more);
    let limit = host.limits.max_storage_bytes;
    if total > limit || i32::try_from(value.len()).is_err() {
        let text = format!(
            "a value was not stored: with it {total} bytes are stored, and {limit} is the most"
        );
        return Err(refuse(host, Refused::LimitExceeded, &text));
    }
    charge(host, size)?;
    host.turn.stored_change += more as i64 - held as i64;
    host.turn.record.kept_mut().data.replace(Datum::new(key, Some(value)));
    Ok(())
}

pub(super) fn load(host: &mut Host, key: &[u8]) -> Answer<Datum> {
    let found = find(host, key)?;
    host.spend(host.prices.loaded(value_len(&found)))?;
    Ok(found)
}

pub(super) fn delete(host: &mut Host, key: &[u8]) -> Answer {
    host.spend(host.prices.kept(0))?;
    let old = find(host, key)?;
    charge(host, key.len())?;
    host.turn.stored_change -= charge_of(&old) as i64;
    host.turn.record.kept_mut().data.replace(old.without_value());
    Ok(())
}

/// The length of a value in bytes.
pub(super) fn size(host: &mut Host, key: &[u8]) -> Answer<u32> {
    host.spend(host.prices.loaded(0))?;
    Ok(value_len(&find(host, key)?).try_into().unwrap_or(u32::MAX))
}

/// The timer.
pub(super) fn set_timer(host: &mut Host, micros: u64) -> Answer<u32> {
    host.spend(host.prices.kept(0))?;
    if !host.has_timer_handler {
        let text = "a timer was not set: the module exports no `handle_timer`";
        return Err(refuse(host, Refused::LimitExceeded, text));
    }
    let (set, ended) = (host.turn.timers_set, host.turn.timers_ended);
    let Some(id) = host.world.new_timer(set, ended, host.turn.made) else {
        let text = format!("a timer was not set: {} timers are the most", host.limits.max_timers);
        return Err(refuse(host, Refused::LimitExceeded, &text));
    };
    charge(host, 0)?;
    let due = host.world.now_micros().saturating_add(micros);
    host.turn.timers_set += 1;
    host.turn.record.kept_mut().timers.insert(id, Some(due));
    Ok(id)
}

pub(super) fn cancel_timer(host: &mut Host, id: u32) -> Answer {
    host.spend(host.prices.kept(0))?;
    let set_here = host.turn.record.kept().timers.get(&id).map(Option::is_some);
    if !set_here.unwrap_or_else(|| host.world.has_timer(id)) {
        return Err(Refused::NotFound);
    }
    charge(host, 0)?;
    match set_here {
        Some(_) => host.turn.timers_set -= 1,
        None => host.turn.timers_ended += 1,
    }
    host.turn.record.kept_mut().timers.insert(id, None);
    Ok(())
}

/// What the turn sees under `key`.
fn find(host: &Host, key: &[u8]) -> Answer<Datum> {
    check_key(host, key)?;
    value_of(host, key).ok_or(Refused::NotFound)
}

/// Bytes that a key and its value count for.
fn charge_of(datum: &Datum) -> u64 {
    datum.len() as u64 + KEY_BYTES
}

fn value_len(datum: &Datum) -> usize {
    datum.value().map_or(0, <[u8]>::len)
}

fn check_key(host: &Host, key: &[u8]) -> Answer {
    if key.len() > MAX_KEY_BYTES {
        let text = format!("a key of {} bytes; {MAX_KEY_BYTES} is the most", key.len());
        return Err(refuse(host, Refused::InvalidArgument, &text));
    }
    Ok(())
}

/// What the turn sees under `key`.
fn value_of(host: &Host, key: &[u8]) -> Option<Datum> {
    match host.turn.record.kept().data.get(key) {
        Some(written) => Some(written.clone()).filter(|written| written.value().is_some()),
        None => host.world.load(key),
    }
}

fn charge(host: &mut Host, bytes: usize) -> Answer {
    if host.charge(bytes.saturating_add(OVERHEAD)) {
        return Ok(());
    }
    let text = format!("the turn's effects are above {} bytes", host.limits.max_turn_bytes);
    Err(refuse(host, Refused::LimitExceeded, &text))
}
