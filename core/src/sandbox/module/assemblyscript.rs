//! What AssemblyScript's standard library imports from `env`.

use wasmtime::Caller;

use super::imports::{F64, HostFunction, I32, host_function};
use crate::sandbox::calls;
use crate::sandbox::fault::{Fault, FaultKind};
use crate::sandbox::host::{Host, Level, memory_and_host, range};

/// The longest text that is read from AssemblyScript's memory, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// The functions, by their names in `env`.
pub(in crate::sandbox) const FUNCTIONS: &[HostFunction] = &[
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
    calls::write_line(caller.data_mut(), Level::Trace, line.as_bytes());
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
    calls::write_line(caller.data_mut(), level, text.as_bytes());
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
