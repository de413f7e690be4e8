//! The host of a native build: what the agent did is kept for the test to look at.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::error::HostError;
use crate::local::local;
use crate::log::LogLevel;
use crate::message::FipaMessage;

const MAX_MESSAGE_BYTES: usize = 1 << 20;
const MAX_STORAGE_BYTES: usize = 64 << 20;
const MAX_KEY_BYTES: usize = 4096;
const MAX_TIMERS: usize = 1024;
const MAX_SUBSCRIPTIONS: usize = 64;

/// FIPA's communicative acts (SC00037).
const ACTS: [&str; 22] = [
    "accept-proposal",
    "agree",
    "cancel",
    "cfp",
    "confirm",
    "disconfirm",
    "failure",
    "inform",
    "inform-if",
    "inform-ref",
    "not-understood",
    "propagate",
    "propose",
    "proxy",
    "query-if",
    "query-ref",
    "refuse",
    "reject-proposal",
    "request",
    "request-when",
    "request-whenever",
    "subscribe",
];

/// The functions that can fail.
pub(crate) const FALLIBLE: [&str; 11] = [
    "send_message",
    "send_local_message",
    "broadcast_message",
    "subscribe_messages",
    "unsubscribe_messages",
    "set_timer",
    "cancel_timer",
    "store_data",
    "load_data",
    "delete_data",
    "data_size",
];

/// The fields of a filter.
const FILTER: [&str; 10] = [
    "performative",
    "sender",
    "receiver",
    "protocol",
    "ontology",
    "language",
    "conversation_id",
    "topic",
    "capabilities",
    "services",
];

/// What the mock host keeps.
pub(crate) struct State {
    pub name: String,
    pub now: u64,
    pub sent: Vec<FipaMessage>,
    pub data: BTreeMap<String, Vec<u8>>,
    pub timers: BTreeMap<u32, u64>,
    pub subscriptions: BTreeMap<u32, Map<String, Value>>,
    pub logs: Vec<(LogLevel, String)>,
    /// Agents that exist, with what they can do; `None`: any.
    pub agents: Option<BTreeMap<String, Vec<String>>>,
    /// Functions that fail, with how.
    pub failing: BTreeMap<String, HostError>,
    /// The receivers of the message that is being handled: the agent may speak as them.
    pub spoken_to: Vec<String>,
    last_id: u32,
    random: u64,
}

local!(STATE: State = State::new());

pub(crate) fn with<R>(work: impl FnOnce(&mut State) -> R) -> R {
    STATE.with(work)
}

impl State {
    pub const fn new() -> Self {
        State {
            name: String::new(),
            // 2026-01-01, so that times look like times.
            now: 1_767_225_600_000_000,
            sent: Vec::new(),
            data: BTreeMap::new(),
            timers: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            logs: Vec::new(),
            agents: None,
            failing: BTreeMap::new(),
            spoken_to: Vec::new(),
            last_id: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn fails(&self, function: &str) -> Result<(), HostError> {
        self.failing.get(function).map_or(Ok(()), |error| Err(*error))
    }

    fn warn(&mut self, text: &str) {
        self.logs.push((LogLevel::Warn, text.to_string()));
    }

    fn invalid(&mut self, text: &str) -> HostError {
        self.warn(text);
        HostError::InvalidArgument
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Writes into a message what the host does, before the agent gets it.
    pub fn stamp(&mut self, message: &mut Map<String, Value>) {
        message.entry("sender").or_insert_with(|| "tester".into());
        message.entry("receiver").or_insert_with(|| self.name.as_str().into());
        message.insert("message_id".into(), alloc::format!("message-{}", self.next_id()).into());
        message.insert("sent_at".into(), self.now.into());
    }

    /// Checks a message as the host does.
    fn message(&mut self, json: &[u8]) -> Result<FipaMessage, HostError> {
        if json.len() > MAX_MESSAGE_BYTES {
            self.warn("a message is above the limit of 1 MiB");
            return Err(HostError::LimitExceeded);
        }
        let mut message = FipaMessage::from_json(json)
            .map_err(|error| self.invalid(&alloc::format!("a message was not sent: {error}")))?;
        let act = message.performative.replace('_', "-").to_lowercase();
        if !ACTS.contains(&act.as_str()) {
            let text = alloc::format!("a message was not sent: no act is called {act:?}");
            return Err(self.invalid(&text));
        }
        message.performative = act;
        let claimed = &message.sender;
        if !claimed.is_empty() && *claimed != self.name && !self.spoken_to.contains(claimed) {
            let text = alloc::format!("a message in the name of {claimed:?} was not sent");
            self.warn(&text);
            return Err(HostError::PermissionDenied);
        }
        message.sender = self.name.clone();
        Ok(message)
    }

    pub fn send(&mut self, json: &[u8]) -> Result<u32, HostError> {
        self.fails("send_message")?;
        let message = self.message(json)?;
        if message.receiver.is_empty() {
            return Err(self.invalid("a message was not sent: it has no `receiver`"));
        }
        self.sent.push(message);
        Ok(0)
    }

    pub fn send_local(&mut self, to: &str, json: &[u8]) -> Result<u32, HostError> {
        self.fails("send_local_message")?;
        let mut message = self.message(json)?;
        if self.agents.as_ref().is_some_and(|agents| !agents.contains_key(to)) {
            return Err(HostError::NotFound);
        }
        message.receiver = to.to_string();
        message.other_receivers.clear();
        self.sent.push(message);
        Ok(0)
    }

    pub fn broadcast(&mut self, filter: &[u8], json: &[u8]) -> Result<u32, HostError> {
        self.fails("broadcast_message")?;
        let filter = self.filter(filter)?;
        let mut message = self.message(json)?;
        let wanted: Vec<&str> = match filter.get("capabilities") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => alloc::vec![one.as_str()],
            _ => Vec::new(),
        };
        let matching = self.agents.iter().flatten().filter(|(name, can)| {
            **name != self.name && wanted.iter().all(|wanted| can.iter().any(|can| can == wanted))
        });
        let count = matching.count() as u32;
        message.receiver = "*".to_string();
        message.other_receivers.clear();
        self.sent.push(message);
        Ok(count)
    }

    fn filter(&mut self, json: &[u8]) -> Result<Map<String, Value>, HostError> {
        let filter: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| self.invalid(&alloc::format!("the filter is none: {error}")))?;
        match filter.keys().find(|key| !FILTER.contains(&key.as_str())) {
            Some(key) => Err(self.invalid(&alloc::format!("a filter has no field {key:?}"))),
            None => Ok(filter),
        }
    }

    pub fn subscribe(&mut self, filter: &[u8]) -> Result<u32, HostError> {
        self.fails("subscribe_messages")?;
        let filter = self.filter(filter)?;
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(HostError::LimitExceeded);
        }
        let id = self.next_id();
        self.subscriptions.insert(id, filter);
        Ok(id)
    }

    pub fn unsubscribe(&mut self, id: u32) -> Result<u32, HostError> {
        self.fails("unsubscribe_messages")?;
        self.subscriptions.remove(&id).map(|_| 0).ok_or(HostError::NotFound)
    }

    pub fn set_timer(&mut self, micros: u64) -> u32 {
        if self.fails("set_timer").is_err() || self.timers.len() >= MAX_TIMERS {
            return 0;
        }
        let id = self.next_id();
        self.timers.insert(id, self.now.saturating_add(micros));
        id
    }

    pub fn cancel_timer(&mut self, id: u32) -> Result<u32, HostError> {
        self.fails("cancel_timer")?;
        self.timers.remove(&id).map(|_| 0).ok_or(HostError::NotFound)
    }

    pub fn store(&mut self, key: &str, value: &[u8]) -> Result<u32, HostError> {
        self.fails("store_data")?;
        if key.len() > MAX_KEY_BYTES {
            return Err(self.invalid("a key is above 4096 bytes"));
        }
        let others = self.data.iter().filter(|(name, _)| *name != key);
        let held: usize = others.map(|(key, value)| key.len() + value.len()).sum();
        if held + key.len() + value.len() > MAX_STORAGE_BYTES {
            return Err(HostError::LimitExceeded);
        }
        self.data.insert(key.to_string(), value.to_vec());
        Ok(0)
    }

    pub fn load(&mut self, key: &str, buffer: &mut [u8]) -> Result<u32, HostError> {
        self.fails("load_data")?;
        let value = self.data.get(key).ok_or(HostError::NotFound)?;
        buffer.get_mut(..value.len()).ok_or(HostError::BufferTooSmall)?.copy_from_slice(value);
        Ok(value.len() as u32)
    }

    pub fn delete(&mut self, key: &str) -> Result<u32, HostError> {
        self.fails("delete_data")?;
        self.data.remove(key).map(|_| 0).ok_or(HostError::NotFound)
    }

    pub fn size(&mut self, key: &str) -> Result<u32, HostError> {
        self.fails("data_size")?;
        self.data.get(key).map(|value| value.len() as u32).ok_or(HostError::NotFound)
    }

    pub fn random(&mut self) -> u32 {
        // Xorshift: the same in every run of a test.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as u32
    }
}

/// The functions under their names in the interface, so that `extern` blocks of an agent's own find them too.
pub mod functions {
    use core::slice;

    use super::with;
    use crate::error::HostError;
    use crate::log::LogLevel;

    fn code(result: Result<u32, HostError>) -> i32 {
        result.map_or_else(HostError::code, |count| count as i32)
    }

    /// # Safety
    ///
    /// `ptr` has to be valid for `len` bytes.
    unsafe fn bytes<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
        if len == 0 {
            return &[];
        }
        // SAFETY: the caller vouches for the range.
        unsafe { slice::from_raw_parts(ptr, len) }
    }

    /// # Safety
    ///
    /// `ptr` has to be valid for `len` bytes.
    unsafe fn text<'a>(ptr: *const u8, len: usize) -> Result<&'a str, HostError> {
        // SAFETY: the caller vouches for the range.
        core::str::from_utf8(unsafe { bytes(ptr, len) }).map_err(|_| HostError::InvalidArgument)
    }

    /// Declares functions with their arguments as slices and texts; what is `text` has to be UTF-8.
    macro_rules! host_functions {
        ($($(#[$doc:meta])* fn $name:ident($($args:tt)*) { $with:expr })*) => {
            $(host_functions!(@one [$(#[$doc])*] $name ($($args)*) $with);)*
        };
        (@one [$($doc:tt)*] $name:ident ($a:ident: text, $b:ident: bytes) $with:expr) => {
            $($doc)*
            ///
            /// # Safety
            ///
            /// Pointers have to be valid for their length.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(a: *const u8, a_len: usize, b: *const u8, b_len: usize) -> i32 {
                // SAFETY: the caller vouches for the ranges.
                let ($a, $b) = unsafe { (text(a, a_len), bytes(b, b_len)) };
                code($a.and_then(|$a| with(|state| $with(state, $a, $b))))
            }
        };
        (@one [$($doc:tt)*] $name:ident ($a:ident: bytes, $b:ident: bytes) $with:expr) => {
            $($doc)*
            ///
            /// # Safety
            ///
            /// Pointers have to be valid for their length.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(a: *const u8, a_len: usize, b: *const u8, b_len: usize) -> i32 {
                // SAFETY: the caller vouches for the ranges.
                let ($a, $b) = unsafe { (bytes(a, a_len), bytes(b, b_len)) };
                code(with(|state| $with(state, $a, $b)))
            }
        };
        (@one [$($doc:tt)*] $name:ident ($a:ident: bytes) $with:expr) => {
            $($doc)*
            ///
            /// # Safety
            ///
            /// Pointers have to be valid for their length.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(a: *const u8, a_len: usize) -> i32 {
                // SAFETY: the caller vouches for the range.
                let $a = unsafe { bytes(a, a_len) };
                code(with(|state| $with(state, $a)))
            }
        };
        (@one [$($doc:tt)*] $name:ident ($a:ident: text) $with:expr) => {
            $($doc)*
            ///
            /// # Safety
            ///
            /// Pointers have to be valid for their length.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(a: *const u8, a_len: usize) -> i32 {
                // SAFETY: the caller vouches for the range.
                let $a = unsafe { text(a, a_len) };
                code($a.and_then(|$a| with(|state| $with(state, $a))))
            }
        };
    }

    use super::State;

    host_functions! {
        /// Sends a message, JSON; 0.
        fn send_message(json: bytes) { State::send }
        /// Sends a message to one agent of this runtime; 0.
        fn send_local_message(to: text, json: bytes) { State::send_local }
        /// Sends a message to all agents that match; how many they are.
        fn broadcast_message(filter: bytes, json: bytes) { State::broadcast }
        /// Asks for copies of messages; a subscription.
        fn subscribe_messages(filter: bytes) { State::subscribe }
        /// Keeps a value; 0.
        fn store_data(key: text, value: bytes) { State::store }
        /// Deletes a value; 0.
        fn delete_data(key: text) { State::delete }
        /// The length of a value in bytes.
        fn data_size(key: text) { State::size }
    }

    /// Writes a value to the buffer; its length in bytes.
    ///
    /// # Safety
    ///
    /// Pointers have to be valid for their length.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn load_data(
        key: *const u8,
        key_len: usize,
        ptr: *mut u8,
        len: usize,
    ) -> i32 {
        // SAFETY: the caller vouches for the range.
        let key = unsafe { text(key, key_len) };
        let buffer = match len {
            0 => &mut [],
            // SAFETY: the caller vouches for the range, which nobody else uses during the call.
            _ => unsafe { slice::from_raw_parts_mut(ptr, len) },
        };
        code(key.and_then(|key| with(|state| state.load(key, buffer))))
    }

    /// Ends a subscription; 0.
    ///
    /// # Safety
    ///
    /// None is needed: it is as unsafe as the function that an agent imports.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn unsubscribe_messages(subscription: i32) -> i32 {
        code(with(|state| state.unsubscribe(subscription as u32)))
    }

    /// Has `handle_timer` called after so many microseconds; a timer, or 0 where there can be no more.
    ///
    /// # Safety
    ///
    /// As for `unsubscribe_messages`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn set_timer(micros: u64) -> u32 {
        with(|state| state.set_timer(micros))
    }

    /// Ends a timer; 0.
    ///
    /// # Safety
    ///
    /// As for `unsubscribe_messages`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn cancel_timer(timer: u32) -> i32 {
        code(with(|state| state.cancel_timer(timer)))
    }

    /// Microseconds since the Unix epoch, by the mock's clock.
    ///
    /// # Safety
    ///
    /// As for `unsubscribe_messages`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn current_timestamp() -> u64 {
        with(|state| state.now)
    }

    /// A number that looks random, the same in every run.
    ///
    /// # Safety
    ///
    /// As for `unsubscribe_messages`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn random_u32() -> u32 {
        with(super::State::random)
    }

    /// Moves the mock's clock.
    ///
    /// # Safety
    ///
    /// As for `unsubscribe_messages`.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn sleep_micros(micros: u64) {
        with(|state| state.now = state.now.saturating_add(micros));
    }

    /// A line for the log, at the level `info`.
    ///
    /// # Safety
    ///
    /// `ptr` has to be valid for `len` bytes.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn console_log(ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { log(3, ptr, len) }
    }

    /// A line for the log, at the level `error`.
    ///
    /// # Safety
    ///
    /// `ptr` has to be valid for `len` bytes.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn console_error(ptr: *const u8, len: usize) {
        // SAFETY: the caller vouches for the range.
        unsafe { log(1, ptr, len) }
    }

    /// A line for the log, at a level from 1 (error) to 5 (trace). Its name is not exported, since a
    /// logarithm of C's has it.
    ///
    /// # Safety
    ///
    /// `ptr` has to be valid for `len` bytes.
    pub unsafe extern "C" fn log(level: i32, ptr: *const u8, len: usize) {
        let level = match level {
            ..=1 => LogLevel::Error,
            2 => LogLevel::Warn,
            3 => LogLevel::Info,
            4 => LogLevel::Debug,
            5.. => LogLevel::Trace,
        };
        // SAFETY: the caller vouches for the range.
        let line = alloc::string::String::from_utf8_lossy(unsafe { bytes(ptr, len) }).into_owned();
        with(|state| state.logs.push((level, line)));
    }
}
