//! The functions that components import, as `guest/wit/agent.wit` has them; what they do is in
//! `calls.rs` and `stored.rs`.
//!
//! What a guest passes stays in its memory until its length has been looked at, but for texts in other
//! encodings than UTF-8: those are decoded first, which its memory bounds.
#![allow(unsafe_code)] // in what wasmtime's derives write

use std::time::Duration;

use wasmtime::StoreContextMut;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{
    Component, ComponentType, InstancePre, Lift, Linker, LinkerInstance, Lower, WasmList, WasmStr,
};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::text::{describe, functions};
use crate::error::{Error, ErrorKind, shown};
use crate::message::name::MAX_NAME_BYTES;
use crate::sandbox::calls::{self, Answer, Refused, refuse};
use crate::sandbox::host::{Host, Level};
use crate::sandbox::stored;
use crate::sandbox::template::unfit;
use crate::sandbox::wasi;

/// The interface of the host, without its version.
const INTERFACE: &str = "caxton:agent/host";
/// The same with the version that is offered; later ones of `0.1` fit too.
const OFFERED: &str = "caxton:agent/host@0.1.0";
/// The most imports that cannot be linked before the rest is not looked at.
const MAX_MISSING: usize = 1000;

/// `error` of the interface.
#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "what is lifted is not made here")]
enum HostError {
    #[component(name = "not-found")]
    NotFound,
    #[component(name = "invalid-argument")]
    InvalidArgument,
    #[component(name = "permission-denied")]
    PermissionDenied,
    #[component(name = "limit-exceeded")]
    LimitExceeded,
    #[component(name = "mailbox-full")]
    MailboxFull,
}

/// `level` of the interface.
#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the derive makes them")]
enum LogLevel {
    #[component(name = "error")]
    Error,
    #[component(name = "warn")]
    Warn,
    #[component(name = "info")]
    Info,
    #[component(name = "debug")]
    Debug,
    #[component(name = "trace")]
    Trace,
}

impl From<Refused> for HostError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => HostError::NotFound,
            // There are no buffers in this interface.
            Refused::InvalidArgument | Refused::BufferTooSmall => HostError::InvalidArgument,
            Refused::PermissionDenied => HostError::PermissionDenied,
            Refused::LimitExceeded => HostError::LimitExceeded,
            Refused::MailboxFull => HostError::MailboxFull,
        }
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Level::Error,
            LogLevel::Warn => Level::Warn,
            LogLevel::Info => Level::Info,
            LogLevel::Debug => Level::Debug,
            LogLevel::Trace => Level::Trace,
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi().ctx()
    }
}

/// Links every import of a component, or says of each that could not be linked what it is.
pub(in crate::sandbox) fn link(component: &Component) -> Result<InstancePre<Host>, Error> {
    let engine = component.engine();
    let mut linker = Linker::new(engine);
    let linked = wasmtime_wasi::p2::add_to_linker_async(&mut linker)
        .and_then(|()| wasi::link_component(&mut linker))
        .and_then(|()| linker.instance(OFFERED))
        .and_then(offer);
    if let Err(error) = linked {
        let text = format!("the host's functions cannot be offered: {error:#}");
        return Err(Error::new(ErrorKind::Internal, text));
    }
    let mut missing = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        if missing.len() == MAX_MISSING {
            missing.push("further imports, which were not looked at".to_owned());
            break;
        }
        missing.extend(unknown(engine, name, &import.ty));
    }
    if missing.is_empty() {
        match linker.instantiate_pre(component) {
            Ok(pre) => return Ok(pre),
            Err(error) => missing.push(format!("import {error:#}")),
        }
    }
    Err(unfit("imports what the host does not offer", missing))
}

/// What of an import is not known to the host. Types are wasmtime's to compare.
fn unknown(engine: &wasmtime::Engine, import: &str, item: &ComponentItem) -> Vec<String> {
    let shown = shown(import);
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    if interface == INTERFACE && !version.starts_with("0.1.") {
        return vec![format!("import `{shown}`: the host offers version 0.1 of it, `{OFFERED}`")];
    }
    if interface == INTERFACE {
        return functions(engine, item)
            .into_iter()
            .filter(|(name, _)| !FUNCTIONS.contains(&name.as_str()))
            .map(|(name, ty)| {
                let nearest =
                    FUNCTIONS.iter().min_by_key(|known| strsim::damerau_levenshtein(known, &name));
                let nearest = nearest.copied().unwrap_or_default();
                format!("import `{shown}.{name}`: {ty}, not known; the nearest name is `{nearest}`")
            })
            .collect();
    }
    match interface.split('/').next() {
        Some("wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random") => vec![],
        // Everybody has them, and none of them leads anywhere.
        Some("wasi:sockets") => vec![],
        _ => vec![format!(
            "import `{shown}`: {}; the host offers `{INTERFACE}` and WASI 0.2, without its HTTP",
            describe(item)
        )],
    }
}

/// The functions of the interface.
const FUNCTIONS: &[&str] = &[
    "send-message",
    "send-local-message",
    "broadcast-message",
    "subscribe-messages",
    "unsubscribe-messages",
    "current-timestamp",
    "random-u32",
    "sleep-micros",
    "set-timer",
    "cancel-timer",
    "store-data",
    "load-data",
    "delete-data",
    "data-size",
    "console-log",
    "console-error",
    "log",
];

type Store<'a> = StoreContextMut<'a, Host>;
type Called<T> = wasmtime::Result<(T,)>;
type Said<T = ()> = Result<T, HostError>;

/// Puts the functions into a linker.
fn offer(mut host: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    host.func_wrap("send-message", |mut store: Store<'_>, (json,): (WasmStr,)| {
        let json = message(&mut store, &json)?;
        said(&mut store, json, |host, json| calls::send(host, json.as_bytes()))
    })?;
    host.func_wrap(
        "send-local-message",
        |mut store: Store<'_>, (to, json): (WasmStr, WasmStr)| {
            let to = text(&mut store, &to, MAX_NAME_BYTES as u64, "the agent's name")?;
            let json = message(&mut store, &json)?;
            let given = to.and_then(|to| Ok((to, json?)));
            said(&mut store, given, |host, (to, json)| {
                calls::send_local(host, to.as_bytes(), json.as_bytes())
            })
        },
    )?;
    host.func_wrap(
        "broadcast-message",
        |mut store: Store<'_>, (filter, json): (WasmStr, WasmStr)| {
            let filter = message(&mut store, &filter)?;
            let json = message(&mut store, &json)?;
            let given = filter.and_then(|filter| Ok((filter, json?)));
            said(&mut store, given, |host, (filter, json)| {
                calls::broadcast(host, filter.as_bytes(), json.as_bytes())
            })
        },
    )?;
    host.func_wrap("subscribe-messages", |mut store: Store<'_>, (filter,): (WasmStr,)| {
        let filter = message(&mut store, &filter)?;
        said(&mut store, filter, |host, filter| calls::subscribe(host, filter.as_bytes()))
    })?;
    host.func_wrap("unsubscribe-messages", |mut store: Store<'_>, (id,): (u32,)| {
        said(&mut store, Ok(id), calls::unsubscribe)
    })?;
    host.func_wrap("current-timestamp", |mut store: Store<'_>, (): ()| -> Called<u64> {
        store.data_mut().count_call()?;
        Ok((store.data().world.now_micros(),))
    })?;
    host.func_wrap("random-u32", |mut store: Store<'_>, (): ()| -> Called<u32> {
        store.data_mut().count_call()?;
        Ok((store.data().world.random_u32(),))
    })?;
    host.func_wrap_async("sleep-micros", |mut store: Store<'_>, (micros,): (u64,)| {
        Box::new(async move {
            store.data_mut().count_call()?;
            let wait = store.data().world.sleep(Duration::from_micros(micros));
            wait.await;
            Ok(())
        })
    })?;
    host.func_wrap("set-timer", |mut store: Store<'_>, (micros,): (u64,)| {
        said(&mut store, Ok(micros), stored::set_timer)
    })?;
    host.func_wrap("cancel-timer", |mut store: Store<'_>, (timer,): (u32,)| {
        said(&mut store, Ok(timer), stored::cancel_timer)
    })?;
    offer_data(&mut host)?;
    host.func_wrap("console-log", |store: Store<'_>, (line,): (WasmStr,)| {
        write_line(store, Level::Info, &line)
    })?;
    host.func_wrap("console-error", |store: Store<'_>, (line,): (WasmStr,)| {
        write_line(store, Level::Error, &line)
    })?;
    host.func_wrap("log", |store: Store<'_>, (level, line): (LogLevel, WasmStr)| {
        write_line(store, level.into(), &line)
    })
}

fn offer_data(host: &mut LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    host.func_wrap("store-data", |mut store: Store<'_>, (key, value): (WasmStr, WasmList<u8>)| {
        let key = stored_key(&mut store, &key)?;
        let given = key.and_then(|key| {
            let limit = store.data().limits.max_storage_bytes;
            if value.len() as u64 > limit {
                let text =
                    format!("a value of {} bytes was not stored: {limit} is the most", value.len());
                return Err(refuse(store.data(), Refused::LimitExceeded, &text));
            }
            Ok((key, value.as_le_slice(&store).to_vec()))
        });
        said(&mut store, given, |host, (key, value)| stored::store(host, key.as_bytes(), &value))
    })?;
    host.func_wrap("load-data", |mut store: Store<'_>, (key,): (WasmStr,)| {
        let key = stored_key(&mut store, &key)?;
        store.data_mut().count_call()?;
        let value = key.and_then(|key| stored::load(store.data_mut(), key.as_bytes()));
        Ok((value.ok().map(|found| found.value().unwrap_or_default().to_vec()),))
    })?;
    host.func_wrap("delete-data", |mut store: Store<'_>, (key,): (WasmStr,)| {
        let key = stored_key(&mut store, &key)?;
        said(&mut store, key, |host, key| stored::delete(host, key.as_bytes()))
    })?;
    host.func_wrap("data-size", |mut store: Store<'_>, (key,): (WasmStr,)| -> Called<Option<u32>> {
        let key = stored_key(&mut store, &key)?;
        store.data_mut().count_call()?;
        let size = key.and_then(|key| stored::size(store.data_mut(), key.as_bytes()));
        Ok((size.ok(),))
    })
}

/// Counts a call, and makes it with what was given.
fn said<T, R>(
    store: &mut Store<'_>,
    given: Answer<T>,
    call: impl FnOnce(&mut Host, T) -> Answer<R>,
) -> Called<Said<R>> {
    let host = store.data_mut();
    host.count_call()?;
    Ok((given.and_then(|given| call(host, given)).map_err(HostError::from),))
}

/// A message or a filter.
fn message(store: &mut Store<'_>, json: &WasmStr) -> wasmtime::Result<Answer<String>> {
    let limit = store.data().limits.max_message_bytes;
    text(store, json, limit, "a message")
}

fn stored_key(store: &mut Store<'_>, key: &WasmStr) -> wasmtime::Result<Answer<String>> {
    text(store, key, stored::MAX_KEY_BYTES as u64, "a key")
}

/// What a guest's text says, if it is not too long. One that is no UTF-8 is a trap, as the component model has it.
fn text(
    store: &mut Store<'_>,
    text: &WasmStr,
    limit: u64,
    what: &str,
) -> wasmtime::Result<Answer<String>> {
    let text = text.to_str(&*store)?;
    let len = text.len();
    if len as u64 <= limit {
        return Ok(Ok(text.into_owned()));
    }
    let why = if what == "a message" { Refused::LimitExceeded } else { Refused::InvalidArgument };
    let text = format!("{what} of {len} bytes is above the limit of {limit}");
    Ok(Err(refuse(store.data(), why, &text)))
}

fn write_line(mut store: Store<'_>, level: Level, line: &WasmStr) -> wasmtime::Result<()> {
    store.data_mut().count_call()?;
    let line = line.to_str(&store)?;
    let line = line.into_owned();
    calls::write_line(store.data_mut(), level, line.as_bytes());
    Ok(())
}
