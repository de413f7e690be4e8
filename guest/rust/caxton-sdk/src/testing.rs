//! Tests of an agent without the runtime, on the author's machine: `cargo test`.
//!
//! Natively, the functions of the host are those of a mock, one for each test. It checks what it is given
//! as the host does, keeps what the agent did, and has a clock that moves when the test says so.
//!
//! ```
//! use caxton_sdk::{testing::MockHost, *};
//! use serde_json::json;
//!
//! #[caxton::agent]
//! fn handle(message: FipaMessage) {
//!     send_inform_response(&message, "done");
//! }
//!
//! let host = MockHost::of(&AGENT);
//! let code = host.deliver(json!({"performative": "request", "reply_with": "1"}));
//! assert_eq!(code, 0);
//! let sent = host.sent();
//! assert_eq!(sent[0].receiver, "tester");
//! assert_eq!(sent[0].in_reply_to.as_deref(), Some("1"));
//! assert_eq!(sent[0].content, json!({"result": "done"}));
//! ```
//!
//! What it does not do: other agents, limits on time and memory, and the dropping of turns. A panic of the agent fails the test.

use core::cell::Cell;
use std::marker::PhantomData;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::HostError;
use crate::handlers;
use crate::host::mock::{self, State, with};
use crate::log::LogLevel;
use crate::message::FipaMessage;

/// The functions that an agent exports. [`agent`](macro@crate::agent) makes one of the name `AGENT`.
#[derive(Debug, Clone, Copy)]
pub struct Exports {
    /// `agent_init`.
    pub agent_init: Option<fn() -> i32>,
    /// `handle_message`, which is given a range that is valid during the call.
    pub handle_message: fn(*const u8, usize) -> i32,
    /// `handle_timer`.
    pub handle_timer: Option<fn(u32) -> i32>,
    /// `get_capabilities`, which is given a range that may be written during the call.
    pub get_capabilities: Option<fn(*mut u8, usize) -> i32>,
    /// `agent_shutdown`.
    pub agent_shutdown: Option<fn()>,
}

impl Exports {
    /// An agent that exports `handle_message` alone; the others can be filled in.
    pub const fn new(handle_message: fn(*const u8, usize) -> i32) -> Self {
        Exports {
            agent_init: None,
            handle_message,
            handle_timer: None,
            get_capabilities: None,
            agent_shutdown: None,
        }
    }
}

/// The mock host of this thread. A new one begins with nothing sent, stored or set.
pub struct MockHost {
    exports: Option<Exports>,
    code: Cell<i32>,
    // It belongs to the thread on which it was made.
    _thread: PhantomData<*const ()>,
}

impl MockHost {
    /// A host for functions that are called one by one.
    #[allow(clippy::new_without_default, reason = "it resets what the thread has")]
    pub fn new() -> Self {
        handlers::forget();
        with(|state| {
            *state = State::new();
            state.name = "agent".to_string();
        });
        MockHost { exports: None, code: Cell::new(0), _thread: PhantomData }
    }

    /// A host that has deployed this agent: its `agent_init` has been called.
    ///
    /// # Panics
    ///
    /// If the init does not give 0.
    pub fn of(exports: &Exports) -> Self {
        let host = MockHost::with_config(exports, &Value::Null);
        assert_eq!(host.code(), 0, "agent_init gave {}: {:?}", host.code(), host.logs());
        host
    }

    /// The same for an agent that is deployed with a `config`. The code of its init is [`MockHost::code`].
    pub fn with_config(exports: &Exports, config: &Value) -> Self {
        let mut host = MockHost::new();
        host.exports = Some(*exports);
        if !config.is_null() {
            host.store("config", config);
        }
        host.init();
        host
    }

    fn init(&self) {
        let init = self.exports.and_then(|exports| exports.agent_init);
        self.code.set(init.map_or(0, |init| init()));
    }

    /// Makes a fresh instance, as after a dropped turn or a restart: what is stored stays, and timers
    /// too, but nothing of what was in memory that the kit knows of.
    pub fn restart(&self) {
        handlers::forget();
        self.init();
    }

    /// The code that the agent gave last.
    pub fn code(&self) -> i32 {
        self.code.get()
    }

    /// Hands a message to the agent; the code of `handle_message`. It gets what the host would write:
    /// `message_id`, `sent_at`, and where they are missing the sender `tester` and the receiver.
    ///
    /// # Panics
    ///
    /// If the host was made without an agent.
    pub fn deliver(&self, message: impl Serialize) -> i32 {
        let json = serde_json::to_value(&message);
        let mut json = json.unwrap_or_else(|error| panic!("no JSON: {error}"));
        if let Value::Object(fields) = &mut json {
            with(|state| state.stamp(fields));
        }
        self.deliver_bytes(json.to_string().as_bytes())
    }

    /// The same with bytes as they are, which may be no message.
    ///
    /// # Panics
    ///
    /// If the host was made without an agent.
    pub fn deliver_bytes(&self, json: &[u8]) -> i32 {
        let exports =
            self.exports.unwrap_or_else(|| panic!("this host has no agent: MockHost::of"));
        let message = FipaMessage::from_json(json).unwrap_or_default();
        with(|state| state.spoken_to = message.receivers().map(str::to_string).collect());
        let code = (exports.handle_message)(json.as_ptr(), json.len());
        with(|state| state.spoken_to.clear());
        self.code.set(code);
        code
    }

    /// Moves the clock by so many microseconds, and has the agent handle each timer that comes due, in their order.
    pub fn advance(&self, micros: u64) {
        let until = with(|state| state.now.saturating_add(micros));
        loop {
            let due = with(|state| {
                let next = state.timers.iter().min_by_key(|(id, due)| (**due, **id));
                let (id, due) =
                    next.map(|(id, due)| (*id, *due)).filter(|(_, due)| *due <= until)?;
                state.timers.remove(&id);
                state.now = state.now.max(due);
                Some(id)
            });
            let Some(id) = due else { break };
            if let Some(handle_timer) = self.exports.and_then(|exports| exports.handle_timer) {
                self.code.set(handle_timer(id));
            }
        }
        with(|state| state.now = until);
    }

    /// What the agent says that it can do, if it says anything.
    pub fn capabilities(&self) -> Option<Value> {
        let ask = self.exports?.get_capabilities?;
        let mut buffer = std::vec![0; 2048];
        let mut len = usize::try_from(ask(buffer.as_mut_ptr(), buffer.len())).ok()?;
        if len > buffer.len() {
            buffer.resize(len, 0);
            len = usize::try_from(ask(buffer.as_mut_ptr(), buffer.len())).ok()?;
        }
        serde_json::from_slice(buffer.get(..len)?).ok()
    }

    /// Calls `agent_shutdown`.
    pub fn shut_down(&self) {
        if let Some(shutdown) = self.exports.and_then(|exports| exports.agent_shutdown) {
            shutdown();
        }
    }

    /// The messages that were sent since the last call, in their order. A broadcast's receiver is `*`.
    pub fn sent(&self) -> Vec<FipaMessage> {
        with(|state| std::mem::take(&mut state.sent))
    }

    /// What is stored under a key, as JSON.
    ///
    /// # Panics
    ///
    /// If it is no JSON, or no `T`.
    pub fn stored<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let json = with(|state| state.data.get(key).cloned())?;
        Some(serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{key}: {error}")))
    }

    /// Stores a value, as an earlier turn may have.
    pub fn store(&self, key: &str, value: &impl Serialize) {
        let json = serde_json::to_vec(value).unwrap_or_else(|error| panic!("no JSON: {error}"));
        with(|state| state.data.insert(key.to_string(), json));
    }

    /// The keys of all that is stored, in order.
    pub fn keys(&self) -> Vec<String> {
        with(|state| state.data.keys().cloned().collect())
    }

    /// Timers that are set, with the microseconds until each is due.
    pub fn timers(&self) -> Vec<(u32, u64)> {
        with(|state| {
            let left = |due: &u64| due.saturating_sub(state.now);
            state.timers.iter().map(|(id, due)| (*id, left(due))).collect()
        })
    }

    /// Subscriptions that are made, with their filters.
    pub fn subscriptions(&self) -> Vec<(u32, Map<String, Value>)> {
        with(|state| state.subscriptions.iter().map(|(id, filter)| (*id, filter.clone())).collect())
    }

    /// The lines that were written since the last call.
    pub fn logs(&self) -> Vec<(LogLevel, String)> {
        with(|state| std::mem::take(&mut state.logs))
    }

    /// The mock's clock: microseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        with(|state| state.now)
    }

    /// Gives the agent a name, which is `agent` else.
    pub fn named(self, name: &str) -> Self {
        with(|state| state.name = name.to_string());
        self
    }

    /// Says which other agents there are, with what they can do; until then any is there.
    pub fn agents(self, agents: &[(&str, &[&str])]) -> Self {
        let agents = agents.iter().map(|(name, can)| {
            (name.to_string(), can.iter().map(|can| can.to_string()).collect::<Vec<_>>())
        });
        with(|state| state.agents = Some(agents.collect()));
        self
    }

    /// Has a function of the host fail from now on, by its name in the interface; `None` ends that.
    /// `set_timer` gives 0 whatever the error.
    ///
    /// # Panics
    ///
    /// If the host has no such function, or it cannot fail.
    pub fn fail(&self, function: &str, error: Option<HostError>) {
        assert!(
            mock::FALLIBLE.contains(&function),
            "the host has no function {function} that can fail"
        );
        with(|state| match error {
            Some(error) => drop(state.failing.insert(function.to_string(), error)),
            None => drop(state.failing.remove(function)),
        });
    }
}

impl Drop for MockHost {
    fn drop(&mut self) {
        handlers::forget();
        mock::with(|state| *state = State::new());
    }
}
