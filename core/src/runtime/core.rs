//! What every part of one runtime shares.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::{DashMap, DashSet};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::ask::{Ask, Asks, Lingering};
use super::dead_letter::DeadLetters;
use super::events::EventFilter;
use super::feed::Feeds;
use super::following::Protocols;
use super::journal::Journal;
use super::subscription::AgentSubscriptions;
use crate::agent::{Agent, Stats};
use crate::compile_limits::CompileLimits;
use crate::conversation::{Book, Deadlines};
use crate::directory::{Directory, Member};
use crate::error::{Error, ErrorKind};
use crate::host_agent::{HostAgent, Within};
use crate::limits::Limits;
use crate::message::{ContentLimits, Draft, Envelope, Filter, Message, Stamp, name};
use crate::sandbox::{Lease, Running};
use crate::scheduler::{Scheduler, Timers};
use crate::source::{Id, Source};
use crate::store::{Row, SERIALS, Serial};

pub(crate) struct Core {
    pub engine: Lease,
    /// Keeps the engine's epoch going until the runtime is closed.
    pub running: Mutex<Option<Running>>,
    pub source: Arc<Source>,
    pub scheduler: Arc<Scheduler>,
    pub timers: Arc<Timers>,
    /// Timers, and what blocks: compiling, reading files.
    pub io: tokio::runtime::Handle,
    pub directory: Directory,
    pub asks: Asks,
    pub subscriptions: Feeds<Filter>,
    pub events: Feeds<EventFilter>,
    /// What agents have done that are gone.
    pub past: Mutex<Stats>,
    pub agent_subscriptions: RwLock<AgentSubscriptions>,
    /// Agents that may see messages which are not meant for them.
    pub observers: AtomicUsize,
    pub dead_letters: DeadLetters,
    /// The conversations that name a protocol, and what is done with what that does not allow.
    pub book: Book,
    pub protocols: Protocols,
    /// The answers that are due.
    pub deadlines: Arc<Deadlines>,
    /// What has been negotiated, and may still be answered.
    pub lingering: Lingering,
    /// The name under which the script speaks.
    pub name: Arc<str>,
    /// Further names under which it has spoken.
    pub speakers: DashSet<Box<str>>,
    pub limits: Limits,
    pub compile_limits: CompileLimits,
    pub content_limits: Option<Arc<ContentLimits>>,
    pub max_agents: usize,
    pub agents: AtomicUsize,
    /// Where commits go, where there is a store.
    pub journal: Option<Arc<Journal>>,
    next_row: AtomicU64,
    next_serial: AtomicU64,
    phase: AtomicU8,
    /// Host agents by their serial.
    pub hosts: DashMap<u64, Arc<HostAgent>>,
    /// Agents by their serial that have left the directory and whose turn goes on.
    pub leaving: DashMap<u64, Arc<Agent>>,
    pub io_runtime: Mutex<Option<tokio::runtime::Runtime>>,
    pub agent_gone: Notify,
    closing: Notify,
    pub closed: Notify,
}

/// Who sends a message, by its serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Party(pub u64);

impl Party {
    /// The host's own management agent.
    pub const AMS: Party = Party(0);
    /// The script, under whatever name it speaks.
    pub const SCRIPT: Party = Party(1);
    /// The directory facilitator.
    pub const DF: Party = Party(2);
}

/// What a new runtime is made of.
pub(crate) struct CoreParts {
    pub engine: Lease,
    pub running: Running,
    pub io: tokio::runtime::Runtime,
    pub name: String,
    pub limits: Limits,
    pub compile_limits: CompileLimits,
    pub content_limits: Option<ContentLimits>,
    pub max_agents: usize,
    pub protocols: Protocols,
    pub seed: Option<u64>,
    /// The next row and the next serial of the store, where there is one.
    pub store: Option<(Row, Serial)>,
}

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CLOSED: u8 = 2;

impl Core {
    pub fn new(parts: CoreParts) -> Arc<Self> {
        Arc::new(Core {
            engine: parts.engine,
            running: Mutex::new(Some(parts.running)),
            source: Arc::new(Source::new(parts.seed)),
            scheduler: Arc::new(Scheduler::new()),
            timers: Arc::default(),
            io: parts.io.handle().clone(),
            directory: Directory::default(),
            asks: Asks::default(),
            subscriptions: Feeds::default(),
            events: Feeds::default(),
            past: Mutex::default(),
            agent_subscriptions: RwLock::default(),
            observers: AtomicUsize::new(0),
            dead_letters: DeadLetters::default(),
            book: Book::of_program(&parts.name),
            protocols: parts.protocols,
            deadlines: Arc::default(),
            lingering: Lingering::default(),
            name: parts.name.into(),
            speakers: DashSet::new(),
            limits: parts.limits,
            compile_limits: parts.compile_limits,
            content_limits: parts.content_limits.map(Arc::new),
            max_agents: parts.max_agents,
            agents: AtomicUsize::new(0),
            journal: parts.store.map(|_| Arc::default()),
            next_row: AtomicU64::new(parts.store.map_or(1, |(row, _)| row.max(1))),
            next_serial: AtomicU64::new(
                parts.store.map_or(0, |(_, serial)| serial).max(*SERIALS.start()),
            ),
            phase: AtomicU8::new(OPEN),
            hosts: DashMap::new(),
            leaving: DashMap::new(),
            io_runtime: Mutex::new(Some(parts.io)),
            agent_gone: Notify::new(),
            closing: Notify::new(),
            closed: Notify::new(),
        })
    }

    /// Refuses calls on a runtime that is closed, or that a forked child inherited.
    pub fn check_open(&self) -> Result<(), Error> {
        crate::fork::check()?;
        if self.phase.load(Ordering::Acquire) == OPEN { Ok(()) } else { Err(Error::closed()) }
    }

    /// To be called where the program comes in and lets guests run: it may have replaced the handlers of
    /// signals just now, by which a guest's memory faults are caught.
    pub fn check_signals(&self) {
        self.engine.check_signals();
    }

    /// Begins to close; whether it was open.
    pub fn begin_close(&self) -> bool {
        let is_first =
            self.phase.compare_exchange(OPEN, CLOSING, Ordering::AcqRel, Ordering::Acquire).is_ok();
        self.closing.notify_waiters();
        is_first
    }

    /// Ready once the runtime is closed, or is being closed.
    pub async fn closing(&self) {
        let mut closing = pin!(self.closing.notified());
        closing.as_mut().enable();
        if self.phase.load(Ordering::Acquire) == OPEN {
            closing.await;
        }
    }

    pub fn end_close(&self) {
        self.phase.store(CLOSED, Ordering::Release);
        self.closed.notify_waiters();
    }

    pub fn is_closed(&self) -> bool {
        self.phase.load(Ordering::Acquire) == CLOSED
    }

    pub fn next_serial(&self) -> u64 {
        self.next_serial.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for a message that is kept: the store's own, where there is one.
    pub fn next_row(&self) -> Row {
        self.next_row.fetch_add(1, Ordering::Relaxed)
    }

    pub fn new_id(&self) -> Id {
        self.source.next_id(self.source.now_micros())
    }

    /// A future that is ready after `time`, on the runtime's own timers.
    pub fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let _entered = self.io.enter();
        Box::pin(tokio::time::sleep(time))
    }

    /// Writes a message as `stamp` says, with an id and the time; one that names a protocol gets a
    /// conversation of its own where it names none (FIPA SC00061).
    pub fn stamp(&self, envelope: &Envelope<'_>, stamp: Stamp<'_>) -> Result<Message, Error> {
        let id = self.source.next_id(self.source.now_micros());
        self.stamp_as(&id, envelope, stamp)
    }

    /// The same with an id that was made just now.
    pub fn stamp_as(
        &self,
        id: &Id,
        envelope: &Envelope<'_>,
        stamp: Stamp<'_>,
    ) -> Result<Message, Error> {
        let now = id.made_at;
        let needs_conversation = envelope.protocol.is_some() && envelope.conversation_id.is_none();
        let conversation = needs_conversation.then(|| self.source.next_id(now));
        Message::write(
            envelope,
            &Stamp {
                message_id: Some(id.as_str()),
                sent_at: now,
                conversation_id: conversation.as_ref().map(Id::as_str),
                ..stamp
            },
        )
    }

    /// Writes what somebody drafted, as a message of `sender`.
    pub fn stamp_draft(&self, draft: &Draft, sender: &str) -> Result<Message, Error> {
        let sender = Some(sender);
        self.stamp(&self.read_draft(draft)?, Stamp { sender, ..Stamp::default() })
    }

    /// Writes a message of the host itself.
    pub fn stamp_own(&self, draft: &Draft) -> Result<Message, Error> {
        let sender = Some(name::AMS);
        self.stamp(&Envelope::read(draft.as_bytes())?, Stamp { sender, ..Stamp::default() })
    }

    /// Reads what somebody drafted; a message above the runtime's limit is refused before it is
    /// looked at.
    pub fn read_draft<'a>(&self, draft: &'a Draft) -> Result<Envelope<'a>, Error> {
        let (limit, size) = (self.limits.max_message_bytes, draft.as_bytes().len() as u64);
        if size <= limit {
            return Envelope::read(draft.as_bytes());
        }
        Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the message is {size} bytes long, above the limit of {limit} (max_message_bytes)"
            ),
        )
        .with_limit("message", limit, size))
    }

    /// Takes an agent out of the directory and gives its place back.
    pub fn forget(&self, agent: &Arc<Agent>) {
        self.leave(&Member::Agent(agent.clone()));
        self.leaving.remove(&agent.face.serial);
        // What the store keeps of them goes with the agent, or stays until it is opened again.
        for id in agent.face.holdings.subscriptions_made(None) {
            self.take_subscription(agent, id);
        }
        for id in agent.face.holdings.timers_made(None) {
            self.forget_timer(agent, id);
        }
        {
            let stats = agent.face.stats(0).of_the_past();
            let mut past = self.past.lock();
            *past = past.plus(&stats);
        }
        if !agent.settings.grants.observe.is_empty() {
            self.observers.fetch_sub(1, Ordering::AcqRel);
        }
        self.agents.fetch_sub(1, Ordering::Relaxed);
    }

    /// What no agent may reach: the stores of this process, and the compiled modules.
    pub fn private_paths(&self) -> Vec<PathBuf> {
        let mut paths = crate::store::open_files();
        paths.extend(self.engine.cache_folder().map(Path::to_owned));
        paths
    }

    /// The ask that a task is part of which a host agent handles.
    pub fn ask_within(&self, within: Within) -> Option<Arc<Ask>> {
        let Within(host, task) = within;
        self.hosts.get(&host)?.ask_of(task)
    }

    /// Finds who `name` means, or says that there is nobody.
    pub fn member(&self, name: &str) -> Result<Member, Error> {
        self.directory.find(name).ok_or_else(|| not_found(name))
    }
}

/// The error of a name that nobody here has.
pub(crate) fn not_found(name: &str) -> Error {
    let shown: String = name.chars().take(300).collect();
    let text = format!("no agent is called {shown:?}; see `agents()` for who is here");
    Error::new(ErrorKind::AgentNotFound, text)
}
