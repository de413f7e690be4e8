//! What is written to a store: the turn records of agents, and what happens to agents and messages
//! between turns, broken down into single changes.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::datum::Datum;
use crate::message::Message;

/// A member's number in a store: its serial.
pub(crate) type Serial = u64;

/// The serials of members. Those below belong to the runtime itself and to the program.
pub(crate) const SERIALS: RangeInclusive<Serial> = 16..=1 << 62;

/// What stands before a folder that an agent could write, in the name of a mark.
pub(super) const WRITABLE: &str = "writable ";

/// The number of a message, a letter or a dead letter in a store. Later ones have higher ones.
pub(crate) type Row = u64;

/// What names a message in a store.
pub(crate) trait MessageRow {
    /// The message's row.
    fn row(&self) -> Row;
}

impl MessageRow for Message {
    fn row(&self) -> Row {
        self.kept().row()
    }
}

impl MessageRow for Row {
    fn row(&self) -> Row {
        *self
    }
}

/// One change of a store. Those of one group take effect together, in their order, or not at all. One
/// that was read back from a store has only the row of a message.
#[derive(Debug, Clone)]
pub(crate) enum Change<M = Message> {
    /// An agent was deployed, or got new code: replaces the row of its serial, and keeps the data,
    /// timers, subscriptions and messages that it has.
    Agent(Arc<AgentRow>),
    /// A host agent was registered.
    Host(Arc<HostRow>),
    /// A member is gone, with all that it had.
    Gone(Serial),
    /// An agent's state changed; one of `active`, `suspended`, `failed`.
    State(Serial, &'static str),
    /// What is said of a member changed, as its row has it.
    Settings(Serial, String),
    /// An agent may write this folder from now on.
    Writable(Arc<str>),
    /// A message waits for `to`.
    Letter { row: Row, to: Serial, kind: &'static str, message: M },
    /// A message has been dealt with.
    NoLetter { row: Row, message: M },
    /// A value of an agent; a key without one deletes it.
    Data { agent: Serial, datum: Datum },
    /// A timer; `due` is in microseconds since the Unix epoch.
    Timer { agent: Serial, id: u32, due: u64, in_init: bool },
    /// A timer has fired, or was cancelled.
    NoTimer { agent: Serial, id: u32 },
    /// A subscription of an agent, with its filter as JSON.
    Subscription { agent: Serial, id: u32, filter: Arc<str>, in_init: bool },
    /// A subscription has ended.
    NoSubscription { agent: Serial, id: u32 },
    /// A message that reached nobody, or that its receiver could not handle.
    DeadLetter(Arc<DeadLetterRow<M>>),
    /// A dead letter was dropped or sent again.
    NoDeadLetter { row: Row, message: M },
    /// A message is deleted that nothing names.
    NoMessage(Row),
}

/// Bytes that a change takes beside what it says.
const CHANGE_BYTES: usize = 96;

impl<M> Change<M> {
    /// What it takes to write it, in bytes, without the message that it names.
    pub fn bytes(&self) -> usize {
        let said = match self {
            Change::Agent(row) => {
                row.wasm.len() + row.settings.len() + row.name.len() + row.id.len()
            }
            Change::Host(row) => row.settings.len() + row.name.len() + row.id.len(),
            Change::Settings(_, settings) => settings.len(),
            Change::Writable(place) => place.len(),
            Change::Data { datum, .. } => datum.len(),
            Change::Subscription { filter, .. } => filter.len(),
            Change::DeadLetter(row) => {
                row.reason.len() + row.agent.as_ref().map_or(0, |agent| agent.len())
            }
            Change::Gone(_)
            | Change::State(..)
            | Change::Letter { .. }
            | Change::NoLetter { .. }
            | Change::Timer { .. }
            | Change::NoTimer { .. }
            | Change::NoSubscription { .. }
            | Change::NoDeadLetter { .. }
            | Change::NoMessage(_) => 0,
        };
        CHANGE_BYTES + said
    }

    /// The message that this adds a name to.
    pub fn names(&self) -> Option<&M> {
        match self {
            Change::Letter { message, .. } => Some(message),
            Change::DeadLetter(row) => Some(&row.message),
            _ => None,
        }
    }

    /// The message that this takes a name from.
    pub fn ends_name_of(&self) -> Option<&M> {
        match self {
            Change::NoLetter { message, .. } | Change::NoDeadLetter { message, .. } => {
                Some(message)
            }
            _ => None,
        }
    }
}

/// What a store keeps of a deployed agent.
#[derive(Debug, Clone)]
pub(crate) struct AgentRow {
    pub serial: Serial,
    pub id: Arc<str>,
    pub name: Arc<str>,
    /// SHA-256 of the module, in its binary form.
    pub hash: [u8; 32],
    /// The module; kept once, however many agents have it, and dropped with the last of them.
    pub wasm: Bytes,
    /// `active`, `suspended` or `failed`.
    pub state: String,
    /// What the deployer said of the agent, as a JSON object: limits, grants, capabilities, restart;
    /// and what it has registered with `df`.
    pub settings: String,
}

/// What a store keeps of a host agent.
#[derive(Debug, Clone)]
pub(crate) struct HostRow {
    pub serial: Serial,
    pub id: Arc<str>,
    pub name: Arc<str>,
    /// What it has registered with `df`, as a JSON object.
    pub settings: String,
}

/// What a store keeps of a dead letter.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetterRow<M = Message> {
    pub row: Row,
    /// Microseconds since the Unix epoch.
    pub at: u64,
    /// The agent that could not handle it; absent where it reached nobody.
    pub agent: Option<Arc<str>>,
    /// Why, in a sentence.
    pub reason: String,
    pub message: M,
}

/// A message that waits in a store.
#[derive(Debug, Clone)]
pub(crate) struct LetterRow {
    pub row: Row,
    pub to: Serial,
    pub kind: String,
    /// The row of the message.
    pub message: Row,
}

/// Rows of a store that belong to nobody: a process that is killed may leave some.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// Messages that nothing names.
    pub unnamed: Vec<Row>,
    /// Serials that have something, and are nobody's.
    pub orphans: Vec<Serial>,
}

impl Leftovers {
    /// The changes that delete them.
    pub fn changes(&self) -> impl Iterator<Item = Change<Row>> {
        let unnamed = self.unnamed.iter().copied().map(Change::NoMessage);
        unnamed.chain(self.orphans.iter().copied().map(Change::Gone))
    }
}

/// All that an opened store holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// In the order of their serials.
    pub agents: Vec<StoredAgent>,
    pub hosts: Vec<HostRow>,
    /// In the order of their rows.
    pub letters: Vec<LetterRow>,
    /// In the order of their rows.
    pub dead_letters: Vec<DeadLetterRow<Row>>,
    /// The bytes of the messages that these name.
    pub messages: HashMap<Row, Bytes>,
    pub leftovers: Leftovers,
    /// Folders that an agent may write, or once could.
    pub writable: HashSet<PathBuf>,
    /// Above every row that was ever written, also those that are gone.
    pub next_row: Row,
    /// Above every serial that was ever written, also those that are gone.
    pub next_serial: Serial,
}

/// An agent with all that it keeps.
#[derive(Debug)]
pub(crate) struct StoredAgent {
    pub row: AgentRow,
    pub data: Vec<Datum>,
    /// Id, due, made in init.
    pub timers: Vec<(u32, u64, bool)>,
    /// Id, filter as JSON, made in init.
    pub subscriptions: Vec<(u32, String, bool)>,
    /// Above every id of a timer that the agent ever had.
    pub next_timer: u32,
    /// Above every id of a subscription that the agent ever had.
    pub next_subscription: u32,
}
