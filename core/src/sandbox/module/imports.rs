//! The functions that modules import. Names, types and results are those of the agent interface; what
//! they do is in `calls.rs` and `stored.rs`.

use std::time::Duration;

use wasmtime::{Caller, Linker, ValType};

use crate::sandbox::calls::{self, Answer, Refused, refuse};
use crate::sandbox::host::{Host, Level, memory_and_host, range};
use crate::sandbox::stored;

type Defined<'a> = wasmtime::Result<&'a mut Linker<Host>>;

/// One function of the host, and how it is put into a linker.
pub(in crate::sandbox) struct HostFunction {
    pub name: &'static str,
    pub params: &'static [ValType],
    pub result: Option<ValType>,
    /// With its result, or without for a guest that declared none.
    pub define: fn(&mut Linker<Host>, &str, bool) -> wasmtime::Result<()>,
}

pub(in crate::sandbox) const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;
pub(in crate::sandbox) const F64: ValType = ValType::F64;

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

pub(in crate::sandbox) use host_function;

/// The functions that any module may import, from whatever module name.
pub(in crate::sandbox) const FUNCTIONS: &[HostFunction] = &[
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

fn send_message(caller: Caller<'_, Host>, ptr: i32, len: i32) -> wasmtime::Result<i32> {
    call(caller, [("a message", ptr, len)], |host, [json]| calls::send(host, json).map(done))
}

fn send_local_message(
    caller: Caller<'_, Host>,
    to: i32,
    to_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    let given = [("the agent's name", to, to_len), ("a message", ptr, len)];
    call(caller, given, |host, [to, json]| calls::send_local(host, to, json).map(done))
}

fn broadcast_message(
    caller: Caller<'_, Host>,
    filter: i32,
    filter_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    let given = [("a filter", filter, filter_len), ("a message", ptr, len)];
    call(caller, given, |host, [filter, json]| calls::broadcast(host, filter, json).map(count))
}

fn subscribe_messages(caller: Caller<'_, Host>, ptr: i32, len: i32) -> wasmtime::Result<i32> {
    call(caller, [("a filter", ptr, len)], |host, [json]| calls::subscribe(host, json).map(count))
}

fn unsubscribe_messages(mut caller: Caller<'_, Host>, id: i32) -> wasmtime::Result<i32> {
    let host = caller.data_mut();
    host.count_call()?;
    Ok(code(calls::unsubscribe(host, id as u32).map(done)))
}

fn store_data(
    caller: Caller<'_, Host>,
    key: i32,
    key_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    let given = [("a key", key, key_len), ("a value", ptr, len)];
    call(caller, given, |host, [key, value]| stored::store(host, key, value).map(done))
}

fn load_data(
    mut caller: Caller<'_, Host>,
    key: i32,
    key_len: i32,
    ptr: i32,
    len: i32,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let Some((memory, host)) = memory_and_host(&mut caller) else {
        return Ok(Refused::InvalidArgument.code());
    };
    let mut load = || {
        let key = range(memory, key, key_len).ok_or_else(|| outside(host, "a key"))?;
        let found = stored::load(host, key)?;
        let value = found.value().unwrap_or_default();
        let len = len as u32 as usize;
        if value.len() > len {
            return Err(Refused::BufferTooSmall);
        }
        // The whole buffer has to be the guest's, not only what the value takes of it.
        let start = ptr as u32 as usize;
        let buffer = start.checked_add(len).and_then(|end| memory.get_mut(start..end));
        let buffer = buffer.ok_or_else(|| outside(host, "a buffer"))?;
        buffer[..value.len()].copy_from_slice(value);
        Ok(value.len() as i32)
    };
    Ok(code(load()))
}

fn delete_data(caller: Caller<'_, Host>, key: i32, key_len: i32) -> wasmtime::Result<i32> {
    call(caller, [("a key", key, key_len)], |host, [key]| stored::delete(host, key).map(done))
}

fn data_size(caller: Caller<'_, Host>, key: i32, key_len: i32) -> wasmtime::Result<i32> {
    call(caller, [("a key", key, key_len)], |host, [key]| stored::size(host, key).map(count))
}

/// The type is unsigned in the guide; a timer beyond the end of time never fires.
fn set_timer(mut caller: Caller<'_, Host>, micros: i64) -> wasmtime::Result<i32> {
    let host = caller.data_mut();
    host.count_call()?;
    Ok(stored::set_timer(host, micros as u64).map_or(0, |id| id as i32))
}

fn cancel_timer(mut caller: Caller<'_, Host>, id: i32) -> wasmtime::Result<i32> {
    let host = caller.data_mut();
    host.count_call()?;
    Ok(code(stored::cancel_timer(host, id as u32).map(done)))
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
            Some(line) => calls::write_line(host, level, line),
            None => host.log(Level::Warn, "a log line lies outside the memory"),
        }
    }
    Ok(())
}

/// Counts a call, finds what its arguments mean in the guest's memory, and makes it; the code for the guest.
fn call<const N: usize>(
    mut caller: Caller<'_, Host>,
    arguments: [(&str, i32, i32); N],
    work: impl FnOnce(&mut Host, [&[u8]; N]) -> Answer<i32>,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let Some((memory, host)) = memory_and_host(&mut caller) else {
        return Ok(Refused::InvalidArgument.code());
    };
    let mut found: [&[u8]; N] = [&[]; N];
    for (found, (what, ptr, len)) in found.iter_mut().zip(arguments) {
        match range(memory, ptr, len) {
            Some(bytes) => *found = bytes,
            None => return Ok(outside(host, what).code()),
        }
    }
    Ok(code(work(host, found)))
}

fn outside(host: &Host, what: &str) -> Refused {
    refuse(host, Refused::InvalidArgument, &format!("{what} lies outside the memory"))
}

fn code(answer: Answer<i32>) -> i32 {
    answer.unwrap_or_else(Refused::code)
}

fn done((): ()) -> i32 {
    0
}

/// Counts and ids stay below 2³¹.
fn count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
