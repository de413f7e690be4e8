//! What every part of one runtime shares.

use std::collections::HashSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::{DashMap, DashSet};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore};

use super::agent_subscriptions::AgentSubscriptions;
use super::ask::{Ask, Asks, Lingering};
use super::dead_letter::DeadLetters;
use super::events::EventFilter;
use super::feed::Feeds;
use super::following::Protocols;
use super::journal::Journal;
use super::posting::Post;
use super::ready::Ready;
use crate::account::Account;
use crate::agent::{Agent, Logs, Stats, Timers};
use crate::compile_limits::CompileLimits;
use crate::conversation::{Book, Deadlines};
use crate::directory::{Directory, Member};
use crate::error::{Error, ErrorKind};
use crate::files::FileThreads;
use crate::grants::{Access, Bound, MAX_WRITABLE, OpenFolder};
use crate::host_agent::{HostAgent, Within};
use crate::limits::Limits;
use crate::message::{ContentLimits, Draft, Envelope, Filter, Message, Stamp, name};
use crate::release;
use crate::sandbox::{Lease, Running};
use crate::scheduler::{CpuAccount, Scheduler};
use crate::shares::Owner;
use crate::source::{Id, Source};
use crate::store::{Change, Row, SERIALS, Serial};

pub(crate) struct Core {
    pub engine: Lease,
    /// Keeps the engine's epoch going until the runtime is closed.
    pub running: Mutex<Option<Running>>,
    pub source: Arc<Source>,
    pub scheduler: Arc<Scheduler<Ready>>,
    /// The account of what is run for the program itself, and for agents that are gone.
    pub cpu: Arc<CpuAccount>,
    pub timers: Arc<Timers>,
    /// Timers, and what blocks: compiling, reading modules.
    pub io: tokio::runtime::Handle,
    /// What agents do with files, which may block for ever.
    pub wasi_io: tokio::runtime::Handle,
    /// The threads for agents' files.
    pub files: Arc<FileThreads>,
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
    pub logs: Arc<Logs>,
    /// Memory that is kept for the program, and for agents that are gone; bounded where it is kept.
    pub account: Arc<Account>,
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
    /// Modules that agents deploy are read one at a time.
    pub agents_modules: Semaphore,
    /// Rounds to come in which threads give back what is free.
    releases: AtomicUsize,
    /// The most that agents may have of what no call of this program grants.
    pub ceiling: Option<Bound>,
    /// Agents that are held back from running.
    pub held: AtomicUsize,
    /// Folders that agents of the store may write, or once could.
    writable: Mutex<Arc<HashSet<PathBuf>>>,
    /// Where commits go, where there is a store.
    pub journal: Option<Arc<Journal>>,
    next_row: AtomicU64,
    next_serial: AtomicU64,
    phase: AtomicU8,
    /// Host agents by their serial.
    pub hosts: DashMap<u64, Arc<HostAgent>>,
    /// Agents by their serial that have left the directory and whose turn goes on.
    pub leaving: DashMap<u64, Arc<Agent>>,
    pub io_runtimes: Mutex<Vec<tokio::runtime::Runtime>>,
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
    /// The runtime itself, which reports in the name of `ams` what became of a message. Whatever somebody
    /// makes `ams` answer comes from [`Party::AMS`].
    pub const RUNTIME: Party = Party(u64::MAX);
}

/// What a new runtime is made of.
pub(crate) struct CoreParts {
    pub engine: Lease,
    pub running: Running,
    pub io: tokio::runtime::Runtime,
    pub wasi_io: tokio::runtime::Runtime,
    pub name: String,
    pub limits: Limits,
    pub compile_limits: CompileLimits,
    pub content_limits: Option<ContentLimits>,
    pub max_agents: usize,
    pub workers: usize,
    pub protocols: Protocols,
    pub seed: Option<u64>,
    pub ceiling: Option<Bound>,
    /// The next row and the next serial of the store, where there is one.
    pub store: Option<(Row, Serial)>,
    /// Folders that its agents may write, or once could.
    pub writable: HashSet<PathBuf>,
}

/// Keys above which an agent's data is freed away from the workers.
const MANY_KEYS: usize = 1000;

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CLOSED: u8 = 2;

impl Core {
    pub fn new(parts: CoreParts) -> Arc<Self> {
        Arc::new(Core {
            engine: parts.engine,
            running: Mutex::new(Some(parts.running)),
            source: Arc::new(Source::new(parts.seed)),
            scheduler: Arc::new(Scheduler::new(parts.workers)),
            cpu: CpuAccount::new(100),
            timers: Arc::default(),
            io: parts.io.handle().clone(),
            wasi_io: parts.wasi_io.handle().clone(),
            files: FileThreads::new(),
            directory: Directory::default(),
            asks: Asks::default(),
            subscriptions: Feeds::default(),
            events: Feeds::default(),
            past: Mutex::default(),
            agent_subscriptions: RwLock::default(),
            observers: AtomicUsize::new(0),
            dead_letters: DeadLetters::default(),
            logs: Arc::default(),
            account: Account::new(u64::MAX),
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
            agents_modules: Semaphore::new(1),
            releases: AtomicUsize::new(0),
            ceiling: parts.ceiling,
            held: AtomicUsize::new(0),
            writable: Mutex::new(Arc::new(parts.writable)),
            journal: parts.store.map(|_| Arc::default()),
            next_row: AtomicU64::new(parts.store.map_or(1, |(row, _)| row.max(1))),
            next_serial: AtomicU64::new(
                parts.store.map_or(0, |(_, serial)| serial).max(*SERIALS.start()),
            ),
            phase: AtomicU8::new(OPEN),
            hosts: DashMap::new(),
            leaving: DashMap::new(),
            io_runtimes: Mutex::new(vec![parts.io, parts.wasi_io]),
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
        // Changed where it is: this runs on the stacks of guests, whose pages are kept.
        let mut stamp = stamp;
        stamp.message_id = Some(id.as_str());
        stamp.sent_at = now;
        stamp.conversation_id = conversation.as_ref().map(Id::as_str);
        let message = Message::write(envelope, &stamp)?;
        message.check_fields()?;
        Ok(message)
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
            return draft.read();
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
        drop(agent.face.unused(usize::MAX));
        agent.face.leave_log();
        self.leave_tables(agent);
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
        self.forget_sender(agent.face.serial, &agent.face.name);
        agent.face.release_folders();
        let data = agent.face.holdings.take_data();
        if data.len() > MANY_KEYS {
            // Freeing hundreds of thousands takes a tenth of a second, in which no worker is to wait.
            drop(self.io.spawn_blocking(move || drop(data)));
        }
        agent.end_hold();
        self.agents.fetch_sub(1, Ordering::Relaxed);
        self.release_soon(&agent.core);
    }

    /// Lets all threads give back the memory that agents have left free, in two rounds for those that go at
    /// about the same time.
    fn release_soon(&self, core: &Arc<Core>) {
        if !release::is_wanted() || self.releases.swap(release::ROUNDS_EACH, Ordering::AcqRel) > 0 {
            return;
        }
        let core = Arc::downgrade(core);
        self.io.spawn(async move {
            let mut after = release::AFTER;
            loop {
                tokio::time::sleep(after).await;
                let Some(core) = core.upgrade() else { return };
                release::begin_round();
                core.scheduler.wake_all();
                if let Some(journal) = &core.journal {
                    journal.release();
                }
                // Its thread comes by when it has nothing to do again, and so does the one of this.
                core.wasi_io.spawn(async {});
                if core.releases.fetch_sub(1, Ordering::AcqRel) == 1 {
                    return;
                }
                after = release::LAST_AFTER;
            }
        });
    }

    /// Ends what somebody who is gone waits for: answers that are due, and what `ams` and `df` were asked.
    pub fn forget_sender(&self, serial: Serial, name: &Arc<str>) {
        self.deadlines.end_all_of(&(serial, name.clone()));
        for service in self.services() {
            service.forget_sender(serial);
        }
    }

    /// Hands over what an agent that is gone leaves in tables that all share.
    fn leave_tables(&self, agent: &Agent) {
        let face = &agent.face;
        // Who deployed it has its account, and may still be here.
        let deployer = agent.settings.deployer.as_ref();
        if let (Some(_), Some(journal)) = (deployer, &self.journal) {
            journal.leave_family(face.serial);
        }
        if deployer.and_then(|id| self.directory.find(id)).is_none() {
            let (from, to) = (Owner::of(&face.account), Owner::gone(&self.account));
            self.book.hand_over(&from, &to);
            self.dead_letters.hand_over(&from, &to);
        }
    }

    /// What no agent may reach: the stores of this process, and the compiled modules.
    pub fn private_paths(&self) -> Vec<PathBuf> {
        let mut paths = crate::store::open_files();
        paths.extend(self.engine.cache_folder().map(Path::to_owned));
        paths
    }

    /// Folders that agents of the store may write, or once could.
    pub fn writable(&self) -> Arc<HashSet<PathBuf>> {
        self.writable.lock().clone()
    }

    /// Has the store remember the folders that an agent is about to be able to write.
    pub async fn note_writable(&self, folders: &[OpenFolder]) -> Result<(), Error> {
        if self.journal.is_none() {
            return Ok(());
        }
        for folder in folders.iter().filter(|folder| folder.access == Access::ReadWrite) {
            let place = &folder.place;
            let is_new = {
                let mut writable = self.writable.lock();
                writable.len() <= MAX_WRITABLE && !writable.contains(place) && {
                    Arc::make_mut(&mut writable).insert(place.to_owned())
                }
            };
            // A store has only folders whose paths are text.
            let Some(text) = place.to_str().filter(|_| is_new) else { continue };
            let noted = self.alone(Post::outside(), |post| {
                post.change(|| Change::Writable(text.into()));
            });
            if let Some(commit) = noted.1
                && let Err(error) = commit.settled().await
            {
                let mut writable = self.writable.lock();
                Arc::make_mut(&mut writable).remove(place);
                return Err(error);
            }
        }
        Ok(())
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
