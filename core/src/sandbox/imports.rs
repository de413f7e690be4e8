//! The functions that agents import. Names, types and results are those of the agent interface.

use std::borrow::Cow;
use std::time::Duration;

use wasmtime::{Caller, Linker, ValType};

use super::fault::{Fault, FaultKind};
use super::host::{Host, Level, NoPlace, memory_and_host, range};
use super::record::Effect;
use super::stored::{cancel_timer, data_size, delete_data, load_data, set_timer, store_data};
use crate::error::{Error, ErrorKind};
use crate::message::{Envelope, Filter, Message, Sender, name};

/// No such key, agent or subscription.
pub(super) const NOT_FOUND: i32 = -1;
/// A range outside the memory, bad UTF-8, JSON or filter; the agent's log says which.
pub(super) const INVALID_ARGUMENT: i32 = -2;
/// The agent's grants do not allow it, or the sender is forged.
const PERMISSION_DENIED: i32 = -3;
/// A rate, a size or a count is above its limit.
pub(super) const LIMIT_EXCEEDED: i32 = -4;
/// The value is longer than the buffer; nothing was written.
pub(super) const BUFFER_TOO_SMALL: i32 = -5;
/// The receiver's mailbox has no room.
const MAILBOX_FULL: i32 = -6;

/// What each further receiver of a message costs in the turn's record: about what the host writes to
/// tell that there is none, all of it when the turn has ended and nobody can interrupt it.
const RECEIVER_BYTES: usize = 512;

/// The longest text that is read from AssemblyScript's memory, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

type Defined<'a> = wasmtime::Result<&'a mut Linker<Host>>;

/// One function of the host, and how it is put into a linker.
pub(super) struct HostFunction {
    pub name: &'static str,
    pub params: &'static [ValType],
    pub result: Option<ValType>,
    /// With its result, or without for a guest that declared none.
    pub define: fn(&mut Linker<Host>, &str, bool) -> wasmtime::Result<()>,
}

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;
const F64: ValType = ValType::F64;

macro_rules! host_function {
    ($name:literal, $function:path, ($($param:ident: $ty:ty = $val:expr),*) -> i32) => {
        HostFunction {
            name: $name,
            params: &[$($val),*],
            result: Some(I32),
            define: |linker, module, keeps_result| {
                let defined: Defined<'_> = if keeps_result {
                    linker.func_wrap(module, $name, $function)
                } else {
                    linker.func_wrap(module, $name, |caller: Caller<'_, Host>, $($param: $ty),*| {
                        $function(caller, $($param),*).map(drop)
                    })
                };
                defined.map(drop)
            },
        }
    };
    ($name:literal, $function:path, [$($val:expr),*] => $result:expr) => {
        HostFunction {
            name: $name,
            params: &[$($val),*],
            result: $result,
            define: |linker, module, _| linker.func_wrap(module, $name, $function).map(drop),
        }
    };
}

/// The functions that any module may import, from whatever module name.
pub(super) const FUNCTIONS: &[HostFunction] = &[
    host_function!("send_message", send_message, (ptr: i32 = I32, len: i32 = I32) -> i32),
    host_function!("send_local_message", send_local_message,
        (to: i32 = I32, to_len: i32 = I32, ptr: i32 = I32, len: i32 = I32) -> i32),
    host_function!("broadcast_message", broadcast_message,
        (filter: i32 = I32, filter_len: i32 = I32, ptr: i32 = I32, len: i32 = I32) -> i32),
    host_function!("subscribe_messages", subscribe_messages, (ptr: i32 = I32, len: i32 = I32) -> i32),
    host_function!("unsubscribe_messages", unsubscribe_messages, (id: i32 = I32) -> i32),
    host_function!("set_timer", set_timer, (micros: i64 = I64) -> i32),
    host_function!("cancel_timer", cancel_timer, (id: i32 = I32) -> i32),
    host_function!("store_data", store_data,
        (key: i32 = I32, key_len: i32 = I32, ptr: i32 = I32, len: i32 = I32) -> i32),
    host_function!("load_data", load_data,
        (key: i32 = I32, key_len: i32 = I32, ptr: i32 = I32, len: i32 = I32) -> i32),
    host_function!("delete_data", delete_data, (key: i32 = I32, key_len: i32 = I32) -> i32),
    host_function!("data_size", data_size, (key: i32 = I32, key_len: i32 = I32) -> i32),
    host_function!("current_timestamp", current_timestamp, [] => Some(I64)),
    host_function!("random_u32", random_u32, [] => Some(I32)),
    host_function!("console_log", console_log, [I32, I32] => None),
    host_function!("console_error", console_error, [I32, I32] => None),
    host_function!("log", log, [I32, I32, I32] => None),
    HostFunction {
        name: "sleep_micros",
        params: &[I64],
        result: None,
        define: |linker, module, _| {
            linker
                .func_wrap_async(
                    module,
                    "sleep_micros",
                    |caller: Caller<'_, Host>, (micros,): (i64,)| {
                        Box::new(sleep_micros(caller, micros))
                    },
                )
                .map(drop)
        },
    },
];

/// What AssemblyScript's standard library imports from `env`.
pub(super) const ASSEMBLYSCRIPT: &[HostFunction] = &[
    host_function!("abort", abort, [I32, I32, I32, I32] => None),
    host_function!("trace", trace, [I32, I32, F64, F64, F64, F64, F64] => None),
    host_function!("seed", seed, [] => Some(F64)),
    host_function!("Date.now", date_now, [] => Some(F64)),
    host_function!("console.error", as_error, [I32] => None),
    host_function!("console.warn", as_warn, [I32] => None),
    host_function!("console.log", as_info, [I32] => None),
    host_function!("console.info", as_info, [I32] => None),
    host_function!("console.debug", as_debug, [I32] => None),
];

fn send_message(mut caller: Caller<'_, Host>, ptr: i32, len: i32) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    Ok(with_envelope(&mut caller, ptr, len, |host, envelope| {
        let message = stamp(host, envelope, None)?;
        charge(host, &message)?;
        host.push(Effect::Send(message));
        Ok(0)
    }))
}

fn send_local_message(
    mut caller: Caller<'_, Host>,
    to: i32,
    to_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let to = match text(&mut caller, to, to_len, "the agent's name") {
        Ok(to) => to,
        Err(code) => return Ok(code),
    };
    Ok(with_envelope(&mut caller, ptr, len, |host, envelope| {
        let message = stamp(host, envelope, Some(&to))?;
        let place = host.world.reserve(&to, &message).map_err(|no| match no {
            NoPlace::Unknown => NOT_FOUND,
            NoPlace::Full => MAILBOX_FULL,
            NoPlace::Content(error) => not_sent(host, &error),
        })?;
        charge(host, &message)?;
        host.push(Effect::Deliver(message, vec![place]));
        Ok(0)
    }))
}

fn broadcast_message(
    mut caller: Caller<'_, Host>,
    filter: i32,
    filter_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let filter = match read_filter(&mut caller, filter, filter_len) {
        Ok(filter) => filter,
        Err(code) => return Ok(code),
    };
    Ok(with_envelope(&mut caller, ptr, len, |host, envelope| {
        let message = stamp(host, envelope, Some(name::EVERYBODY))?;
        charge(host, &message)?;
        let (places, skipped) = host.world.reserve_matching(filter, &message);
        host.turn.record.skipped += skipped;
        let receivers = places.len() as i32;
        host.push(Effect::Deliver(message, places));
        Ok(receivers)
    }))
}

fn subscribe_messages(mut caller: Caller<'_, Host>, ptr: i32, len: i32) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let filter = match read_filter(&mut caller, ptr, len) {
        Ok(filter) => filter,
        Err(code) => return Ok(code),
    };
    let host = caller.data_mut();
    let made =
        host.turn.record.effects.iter().filter(|e| matches!(e, Effect::Subscribe(..))).count();
    let id = host.world.new_subscription(made, host.turn.made);
    let Some(id) = id.filter(|_| host.charge(len as u32 as usize)) else {
        return Ok(LIMIT_EXCEEDED);
    };
    host.push(Effect::Subscribe(id, filter));
    Ok(id as i32)
}

fn unsubscribe_messages(mut caller: Caller<'_, Host>, id: i32) -> wasmtime::Result<i32> {
    let host = caller.data_mut();
    host.count_call()?;
    let id = id as u32;
    let effects = &host.turn.record.effects;
    let ended = effects.iter().any(|e| matches!(e, Effect::Unsubscribe(ended) if *ended == id));
    let made = effects.iter().any(|e| matches!(e, Effect::Subscribe(made, _) if *made == id));
    if ended || !(made || host.world.has_subscription(id)) {
        return Ok(NOT_FOUND);
    }
    host.push(Effect::Unsubscribe(id));
    Ok(0)
}

fn current_timestamp(mut caller: Caller<'_, Host>) -> wasmtime::Result<i64> {
    caller.data_mut().count_call()?;
    Ok(caller.data().world.now_micros() as i64)
}

fn random_u32(mut caller: Caller<'_, Host>) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    Ok(caller.data().world.random_u32() as i32)
}

async fn sleep_micros(mut caller: Caller<'_, Host>, micros: i64) -> wasmtime::Result<()> {
    caller.data_mut().count_call()?;
    // The type is unsigned in the guide; what is longer than the turn may last ends it.
    let wait = caller.data().world.sleep(Duration::from_micros(micros as u64));
    wait.await;
    Ok(())
}

fn console_log(caller: Caller<'_, Host>, ptr: i32, len: i32) -> wasmtime::Result<()> {
    write_log(caller, Level::Info, ptr, len)
}

fn console_error(caller: Caller<'_, Host>, ptr: i32, len: i32) -> wasmtime::Result<()> {
    write_log(caller, Level::Error, ptr, len)
}

fn log(caller: Caller<'_, Host>, level: i32, ptr: i32, len: i32) -> wasmtime::Result<()> {
    let level = match level {
        ..=1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        5.. => Level::Trace,
    };
    write_log(caller, level, ptr, len)
}

fn write_log(
    mut caller: Caller<'_, Host>,
    level: Level,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<()> {
    caller.data_mut().count_call()?;
    if let Some((memory, host)) = memory_and_host(&mut caller) {
        match range(memory, ptr, len) {
            // A line above the limit of a turn is cut before it is looked at.
            Some(bytes) if bytes.len() as u64 > host.limits.max_log_bytes => {
                host.world.log_dropped();
            }
            Some(bytes) => host.log(level, &String::from_utf8_lossy(bytes)),
            None => host.log(Level::Warn, "a log line lies outside the memory"),
        }
    }
    Ok(())
}

/// Reads the message at `ptr` and lets `send` do something with it; the code for the guest.
fn with_envelope(
    caller: &mut Caller<'_, Host>,
    ptr: i32,
    len: i32,
    send: impl FnOnce(&mut Host, Envelope<'_>) -> Result<i32, i32>,
) -> i32 {
    let Some((memory, host)) = memory_and_host(caller) else {
        return INVALID_ARGUMENT;
    };
    let Some(bytes) = range(memory, ptr, len) else {
        host.log(Level::Warn, "a message lies outside the memory");
        return INVALID_ARGUMENT;
    };
    if bytes.len() as u64 > host.limits.max_message_bytes {
        let text = format!(
            "a message of {} bytes is above the limit of {}",
            bytes.len(),
            host.limits.max_message_bytes
        );
        host.log(Level::Warn, &text);
        return LIMIT_EXCEEDED;
    }
    match Envelope::read(bytes) {
        Ok(envelope) => send(host, envelope).unwrap_or_else(|code| code),
        Err(error) => not_sent(host, &error),
    }
}

/// Checks the sender and the rate, and writes the message in the agent's name.
fn stamp(host: &mut Host, envelope: Envelope<'_>, receiver: Option<&str>) -> Result<Message, i32> {
    if let Some(claimed) = forged(host, &envelope) {
        host.world.forged_sender(&claimed);
        host.log(Level::Warn, &format!("a message in the name of {claimed:?} was not sent"));
        return Err(PERMISSION_DENIED);
    }
    let stamped = host.world.stamp(&envelope, receiver, host.traceparent);
    let message = stamped.map_err(|error| not_sent(host, &error))?;
    let is_reply = !host.turn.replied
        && host.turn.handled.as_ref().is_some_and(|handled| {
            message.receiver() == handled.answer_to() && message.answers(handled)
        });
    let others = message.receivers().filter(|to| !is_reply && *to != name::EVERYBODY);
    let reply_to = message.reply_to().filter(|to| !host.world.is_me(to));
    if let Some(to) = others.chain(reply_to).find(|to| !host.world.may_send_to(to)) {
        host.world.denied(to);
        host.log(Level::Warn, &format!("a message was not sent: its grants do not allow {to:?}"));
        return Err(PERMISSION_DENIED);
    }
    if is_reply {
        host.turn.replied = true;
    } else if !host.world.may_send() {
        return Err(LIMIT_EXCEEDED);
    }
    Ok(message)
}

/// Writes to the agent's log why a message was not sent; the code for the guest.
fn not_sent(host: &Host, error: &Error) -> i32 {
    host.log(Level::Warn, &format!("a message was not sent: {error}"));
    if error.kind() == ErrorKind::LimitExceeded { LIMIT_EXCEEDED } else { INVALID_ARGUMENT }
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

fn charge(host: &mut Host, message: &Message) -> Result<(), i32> {
    let receivers = message.receivers().count().saturating_sub(1);
    if host.charge(message.charge() + receivers * RECEIVER_BYTES) {
        return Ok(());
    }
    let limit = host.limits.max_turn_bytes;
    host.log(
        Level::Warn,
        &format!("a message was not sent: the turn's effects are above {limit} bytes"),
    );
    Err(LIMIT_EXCEEDED)
}

fn text(caller: &mut Caller<'_, Host>, ptr: i32, len: i32, what: &str) -> Result<String, i32> {
    let Some((memory, host)) = memory_and_host(caller) else {
        return Err(INVALID_ARGUMENT);
    };
    let wrong = match range(memory, ptr, len) {
        None => "lies outside the memory",
        Some(bytes) if bytes.len() > name::MAX_NAME_BYTES => "is too long",
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(text.to_owned()),
            Err(_) => "is not UTF-8",
        },
    };
    host.log(Level::Warn, &format!("{what} {wrong}"));
    Err(INVALID_ARGUMENT)
}

fn read_filter(caller: &mut Caller<'_, Host>, ptr: i32, len: i32) -> Result<Filter, i32> {
    let Some((memory, host)) = memory_and_host(caller) else {
        return Err(INVALID_ARGUMENT);
    };
    let Some(bytes) = range(memory, ptr, len) else {
        host.log(Level::Warn, "a filter lies outside the memory");
        return Err(INVALID_ARGUMENT);
    };
    if bytes.len() as u64 > host.limits.max_message_bytes {
        return Err(LIMIT_EXCEEDED);
    }
    Filter::read(bytes).map_err(|error| {
        host.log(Level::Warn, error.message());
        INVALID_ARGUMENT
    })
}

fn abort(
    mut caller: Caller<'_, Host>,
    text: i32,
    file: i32,
    line: i32,
    column: i32,
) -> wasmtime::Result<()> {
    let text = as_text(&mut caller, text);
    let file = as_text(&mut caller, file);
    let text = if text.is_empty() { "abort".to_owned() } else { text };
    Err(Fault::new(FaultKind::Trap, format!("it aborted: {text} ({file}:{line}:{column})")).into())
}

#[allow(clippy::too_many_arguments, reason = "AssemblyScript's signature")]
fn trace(
    mut caller: Caller<'_, Host>,
    text: i32,
    count: i32,
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    e: f64,
) -> wasmtime::Result<()> {
    caller.data_mut().count_call()?;
    let mut line = as_text(&mut caller, text);
    for value in [a, b, c, d, e].iter().take(count.clamp(0, 5) as usize) {
        line.push_str(&format!(" {value}"));
    }
    caller.data_mut().log(Level::Trace, &line);
    Ok(())
}

fn seed(mut caller: Caller<'_, Host>) -> wasmtime::Result<f64> {
    caller.data_mut().count_call()?;
    Ok(f64::from(caller.data().world.random_u32()))
}

fn date_now(mut caller: Caller<'_, Host>) -> wasmtime::Result<f64> {
    caller.data_mut().count_call()?;
    Ok((caller.data().world.now_micros() / 1000) as f64)
}

fn as_error(caller: Caller<'_, Host>, text: i32) -> wasmtime::Result<()> {
    as_log(caller, Level::Error, text)
}

fn as_warn(caller: Caller<'_, Host>, text: i32) -> wasmtime::Result<()> {
    as_log(caller, Level::Warn, text)
}

fn as_info(caller: Caller<'_, Host>, text: i32) -> wasmtime::Result<()> {
    as_log(caller, Level::Info, text)
}

fn as_debug(caller: Caller<'_, Host>, text: i32) -> wasmtime::Result<()> {
    as_log(caller, Level::Debug, text)
}

fn as_log(mut caller: Caller<'_, Host>, level: Level, text: i32) -> wasmtime::Result<()> {
    caller.data_mut().count_call()?;
    let text = as_text(&mut caller, text);
    caller.data_mut().log(level, &text);
    Ok(())
}

/// A string of AssemblyScript's: UTF-16, its length in bytes before it.
fn as_text(caller: &mut Caller<'_, Host>, ptr: i32) -> String {
    let Some((memory, _)) = memory_and_host(caller) else {
        return String::new();
    };
    let read = || {
        let length = range(memory, ptr.checked_sub(4).filter(|_| ptr != 0)?, 4)?;
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let bytes = range(memory, ptr, i32::try_from(length.min(MAX_TEXT_BYTES)).ok()?)?;
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    };
    read().unwrap_or_default()
}
