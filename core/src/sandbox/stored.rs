//! Stored data and timers, as guests call them. What they change goes into the turn's record, and
//! what they read is what the turn has made of it so far.

use std::sync::Arc;

use wasmtime::Caller;

use super::host::{Host, Level, memory_and_host, range};
use super::imports::{BUFFER_TOO_SMALL, INVALID_ARGUMENT, LIMIT_EXCEEDED, NOT_FOUND};

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 4096;
/// What a key or a timer costs in the turn's record, beside its bytes.
const OVERHEAD: usize = 64;

pub(super) fn store_data(
    mut caller: Caller<'_, Host>,
    key: i32,
    key_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    Ok(with_key(&mut caller, key, key_len, |memory, host, key| {
        let Some(value) = range(memory, ptr, len) else {
            return outside(host, "a value");
        };
        let size = key.len() + value.len();
        let held = value_of(host, key).map_or(0, |old| key.len() + old.len());
        let stored = host.world.stored_bytes().saturating_add_signed(host.turn.stored_change);
        let total = stored.saturating_sub(held as u64).saturating_add(size as u64);
        let limit = host.limits.max_storage_bytes;
        if total > limit || i32::try_from(value.len()).is_err() {
            host.log(
                Level::Warn,
                &format!("a value was not stored: with it {total} bytes are stored, and {limit} is the most"),
            );
            return LIMIT_EXCEEDED;
        }
        if !charge(host, size) {
            return LIMIT_EXCEEDED;
        }
        host.turn.stored_change += size as i64 - held as i64;
        host.turn.record.kept_mut().data.insert(key.into(), Some(value.into()));
        0
    }))
}

pub(super) fn load_data(
    mut caller: Caller<'_, Host>,
    key: i32,
    key_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let mut found = None;
    let code = with_key(&mut caller, key, key_len, |_, host, key| {
        found = value_of(host, key);
        0
    });
    let Some(value) = found else {
        return Ok(if code == 0 { NOT_FOUND } else { code });
    };
    let Some((memory, host)) = memory_and_host(&mut caller) else {
        return Ok(INVALID_ARGUMENT);
    };
    if value.len() > len as u32 as usize {
        return Ok(BUFFER_TOO_SMALL);
    }
    let start = ptr as u32 as usize;
    let end = start.checked_add(value.len());
    // The whole buffer has to be the guest's, not only what the value takes of it.
    if range(memory, ptr, len).is_none() {
        return Ok(outside(host, "a buffer"));
    }
    match end.and_then(|end| memory.get_mut(start..end)) {
        Some(buffer) => buffer.copy_from_slice(&value),
        None => return Ok(outside(host, "a buffer")),
    }
    Ok(value.len() as i32)
}

pub(super) fn delete_data(
    mut caller: Caller<'_, Host>,
    key: i32,
    key_len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    Ok(with_key(&mut caller, key, key_len, |_, host, key| {
        let Some(old) = value_of(host, key) else {
            return NOT_FOUND;
        };
        if !charge(host, key.len()) {
            return LIMIT_EXCEEDED;
        }
        host.turn.stored_change -= (key.len() + old.len()) as i64;
        host.turn.record.kept_mut().data.insert(key.into(), None);
        0
    }))
}

pub(super) fn data_size(
    mut caller: Caller<'_, Host>,
    key: i32,
    key_len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    Ok(with_key(&mut caller, key, key_len, |_, host, key| match value_of(host, key) {
        Some(value) => i32::try_from(value.len()).unwrap_or(i32::MAX),
        None => NOT_FOUND,
    }))
}

/// The type is unsigned in the guide; a timer beyond the end of time never fires.
pub(super) fn set_timer(mut caller: Caller<'_, Host>, micros: i64) -> wasmtime::Result<i32> {
    let host = caller.data_mut();
    host.count_call()?;
    if !host.has_timer_handler {
        host.log(Level::Warn, "a timer was not set: the module exports no `handle_timer`");
        return Ok(0);
    }
    let timers = &host.turn.record.kept().timers;
    let set = timers.values().filter(|due| due.is_some()).count();
    let cancelled = timers.iter().filter(|(id, due)| {
        // What this turn set itself is in neither count once it is cancelled.
        due.is_none() && host.world.has_timer(**id)
    });
    let cancelled = cancelled.count();
    let Some(id) = host.world.new_timer(set, cancelled, host.turn.made) else {
        let limit = host.limits.max_timers;
        host.log(Level::Warn, &format!("a timer was not set: {limit} timers are the most"));
        return Ok(0);
    };
    if !charge(host, 0) {
        return Ok(0);
    }
    let due = host.world.now_micros().saturating_add(micros as u64);
    host.turn.record.kept_mut().timers.insert(id, Some(due));
    Ok(id as i32)
}

pub(super) fn cancel_timer(mut caller: Caller<'_, Host>, id: i32) -> wasmtime::Result<i32> {
    let host = caller.data_mut();
    host.count_call()?;
    let id = id as u32;
    let is_set = match host.turn.record.kept().timers.get(&id) {
        Some(due) => due.is_some(),
        None => host.world.has_timer(id),
    };
    if !is_set {
        return Ok(NOT_FOUND);
    }
    if !charge(host, 0) {
        return Ok(LIMIT_EXCEEDED);
    }
    host.turn.record.kept_mut().timers.insert(id, None);
    Ok(0)
}

/// Gives the key, the guest's memory and the host to `work`; the code for the guest.
fn with_key(
    caller: &mut Caller<'_, Host>,
    ptr: i32,
    len: i32,
    work: impl FnOnce(&[u8], &mut Host, &[u8]) -> i32,
) -> i32 {
    let Some((memory, host)) = memory_and_host(caller) else {
        return INVALID_ARGUMENT;
    };
    match range(memory, ptr, len) {
        None => outside(host, "a key"),
        Some(key) if key.len() > MAX_KEY_BYTES => {
            let text = format!("a key of {} bytes; {MAX_KEY_BYTES} is the most", key.len());
            host.log(Level::Warn, &text);
            INVALID_ARGUMENT
        }
        Some(key) => work(memory, host, key),
    }
}

/// What the turn sees under `key`.
fn value_of(host: &Host, key: &[u8]) -> Option<Arc<[u8]>> {
    match host.turn.record.kept().data.get(key) {
        Some(written) => written.clone(),
        None => host.world.load(key),
    }
}

fn charge(host: &mut Host, bytes: usize) -> bool {
    let fits = host.charge(bytes.saturating_add(OVERHEAD));
    if !fits {
        let limit = host.limits.max_turn_bytes;
        host.log(Level::Warn, &format!("the turn's effects are above {limit} bytes"));
    }
    fits
}

fn outside(host: &Host, what: &str) -> i32 {
    host.log(Level::Warn, &format!("{what} lies outside the memory"));
    INVALID_ARGUMENT
}
