//! One agent's life: mailbox, run token, states, statistics.

mod alarms;
mod commit;
mod conclude;
mod data;
mod due;
mod face;
mod held;
mod holdings;
mod letter;
mod line;
mod log;
mod logs;
mod mailbox;
mod orders;
mod outbox;
mod pending;
mod queue;
mod rate;
mod restart;
mod rollback;
mod room;
mod run;
mod stats;
mod trace;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use arc_swap::ArcSwap;
use crossbeam_utils::atomic::AtomicCell;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) use alarms::{Alarm, Timers};
pub(crate) use face::Face;
pub(crate) use holdings::{Holdings, Timer};
pub(crate) use letter::{Kind, Letter};
pub use log::{LogLevel, LogLine};
pub(crate) use logs::Logs;
pub(crate) use mailbox::{Claim, Mailbox, Next, Rest, Settled};
pub(crate) use outbox::{OpenTurn, Outbox};
pub(crate) use queue::{Order, Refusal};
pub use restart::Restart;
pub(crate) use rollback::Undo;
pub(crate) use room::{Reserved, Waiter};
pub(crate) use run::run_claimed;
pub(crate) use stats::Figure;
pub use stats::Stats;
use trace::TurnTrace;

use crate::error::Error;
use crate::message::Filter;
use crate::runtime::{Core, Loaded, Loss, Post, Ready, Settings, Unwritten};
use crate::sandbox::{Instance, InstancePermit, Lease, Meter, Profiler, Seat, Turn};
use crate::scheduler::{self, Pace};
use crate::store::AgentRow;

/// Where an agent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentState {
    /// Its `agent_init` has not come to its end.
    Initiated = 0,
    /// It takes messages.
    Active = 1,
    /// Messages and timers wait until it is resumed.
    Suspended = 2,
    /// It could not be started again, and takes no messages until it is restarted by hand.
    Failed = 3,
    /// It is no longer here.
    Removed = 4,
}

impl AgentState {
    /// The state as text, the same in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            AgentState::Initiated => "initiated",
            AgentState::Active => "active",
            AgentState::Suspended => "suspended",
            AgentState::Failed => "failed",
            AgentState::Removed => "removed",
        }
    }
}

/// Where those are put that become ready.
pub(crate) type Lane<'a> = scheduler::Lane<'a, Ready>;

/// An agent of the runtime.
pub(crate) struct Agent {
    pub face: Arc<Face>,
    pub engine: Lease,
    pub meter: Arc<Meter>,
    /// How it stands with the workers.
    pub pace: Arc<Pace>,
    pub profiler: Arc<Profiler>,
    /// What its instances are made from; replaced with its code.
    pub seat: ArcSwap<Seat>,
    pub settings: Settings,
    /// Why it stays suspended, if its store has granted it too much.
    hold: held::Hold,
    /// It is removed for good, not only until its store is opened again.
    leaves: AtomicBool,
    /// Nothing is kept for it any more: its removal is over.
    is_forgotten: AtomicBool,
    pub mailbox: Mailbox,
    pub core: Arc<Core>,
    _permit: InstancePermit,
    state: AtomicU8,
    generation: AtomicU32,
    /// The turn that is sealed and not committed, where there is a store. Its lock is held while a piece of
    /// that is worked off, and while turns are rolled back.
    pub commit_lock: Mutex<Option<OpenTurn>>,
    /// What only the holder of the run token touches. It is taken out while a guest runs.
    activity: AtomicCell<Option<Box<Activity>>>,
    /// Tells who waits for the agent's end, or for the end of its turn.
    pub stopped: Notify,
}

/// Takes how the first init ended.
pub(crate) type OnStarted = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// The instance and the turn in progress. Belongs to whoever holds the run token.
#[derive(Default)]
pub(crate) struct Activity {
    pub instance: Option<Box<Instance>>,
    pub turn: Option<(Turn, run::Job, TurnTrace)>,
    /// The rest of the last turn's outbox: the next turn waits for it.
    pub outbox: Option<Box<Outbox>>,
    /// The last turn was an init.
    pub is_init: bool,
    /// What the next init is for.
    pub starting: Starting,
    /// The agent's generation that the instance belongs to.
    pub generation: u32,
    /// Turns dropped with no completed one between them.
    pub crashes: u32,
    /// Inits that failed with no completed turn between them.
    pub failed_starts: u32,
}

impl Activity {
    /// Leaves an instance behind whose turns were taken back.
    fn join_generation(&mut self, agent: &Agent) {
        let generation = agent.generation();
        if self.generation != generation {
            self.generation = generation;
            self.instance = None;
        }
    }
}

/// What an init is for.
#[derive(Default)]
pub(crate) enum Starting {
    /// It was deployed: the first init decides whether there is an agent at all.
    First(OnStarted),
    /// A script wants it started again.
    Ordered(OnStarted),
    /// Its instance was lost.
    #[default]
    Again,
}

impl Starting {
    /// The same init for one more who has ordered it, before it has begun.
    fn and(self, done: OnStarted) -> Self {
        fn both(earlier: OnStarted, done: OnStarted) -> OnStarted {
            Box::new(|result| {
                earlier(result.clone());
                done(result);
            })
        }
        match self {
            Starting::First(earlier) => Starting::First(both(earlier, done)),
            Starting::Ordered(earlier) => Starting::Ordered(both(earlier, done)),
            Starting::Again => Starting::Ordered(done),
        }
    }
}

impl Agent {
    pub fn new(
        core: Arc<Core>,
        face: Arc<Face>,
        seat: Seat,
        pace: Arc<Pace>,
        permit: InstancePermit,
        settings: Settings,
        starting: Starting,
    ) -> Self {
        let unwritten = Unwritten::of_agent(core.journal.as_ref());
        let mailbox = Mailbox::new(&seat.limits, unwritten);
        let activity = Activity { starting, ..Activity::default() };
        Agent {
            face,
            engine: seat.engine.clone(),
            meter: seat.meter.clone(),
            pace,
            profiler: seat.profiler.clone(),
            seat: ArcSwap::from_pointee(seat),
            settings,
            hold: held::Hold::default(),
            leaves: AtomicBool::new(false),
            is_forgotten: AtomicBool::new(false),
            _permit: permit,
            mailbox,
            core,
            state: AtomicU8::new(AgentState::Initiated as u8),
            generation: AtomicU32::new(0),
            commit_lock: Mutex::default(),
            activity: AtomicCell::new(Some(Box::new(activity))),
            stopped: Notify::new(),
        }
    }

    pub fn name(&self) -> &str {
        &self.face.name
    }

    pub fn state(&self) -> AgentState {
        match self.state.load(Ordering::Acquire) {
            0 | 1 if self.mailbox.is_paused() => AgentState::Suspended,
            0 => AgentState::Initiated,
            1 => AgentState::Active,
            3 => AgentState::Failed,
            _ => AgentState::Removed,
        }
    }

    pub fn set_state(&self, state: AgentState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// Says that nothing is kept for it any more.
    pub fn forgotten(&self) {
        self.is_forgotten.store(true, Ordering::Release);
        self.stopped.notify_waiters();
    }

    /// Returns true if nothing is kept for it any more.
    pub fn is_forgotten(&self) -> bool {
        self.is_forgotten.load(Ordering::Acquire)
    }

    /// Says that its end is one for good: the store forgets it.
    pub fn leave_for_good(&self) {
        self.leaves.store(true, Ordering::Release);
    }

    /// Returns true if this is its name or its id.
    pub fn is_called(&self, name: &str) -> bool {
        name == &*self.face.name || name == &*self.face.id
    }

    /// Whether it has what `filter` says of agents.
    pub fn matches(&self, filter: &Filter) -> bool {
        self.face.profile.match_filter(filter, || self.core.source.now_micros())
    }

    /// The code that it has now.
    pub fn loaded(&self) -> Loaded {
        let seat = self.seat.load();
        Loaded { template: seat.template.clone(), wasm: seat.wasm.clone() }
    }

    /// What a store keeps of it once its init has come to its end, with the code that it has now.
    fn row(&self) -> AgentRow {
        let seat = self.seat.load();
        let is_paused = self.mailbox.is_paused();
        let state = if is_paused { AgentState::Suspended } else { AgentState::Active };
        let state = self.state_when_held().unwrap_or(state);
        AgentRow {
            serial: self.face.serial,
            id: self.face.id.clone(),
            name: self.face.name.clone(),
            hash: seat.template.hash,
            wasm: seat.wasm.clone(),
            state: state.as_str().to_owned(),
            settings: self.settings.to_json(self.face.profile.stored().as_ref()),
        }
    }

    /// Marks the agent as removed; whether it was not before.
    pub fn retire(&self) -> bool {
        self.state.swap(AgentState::Removed as u8, Ordering::AcqRel) != AgentState::Removed as u8
    }

    /// Tells those to whom it owes answers that they will not come.
    fn tell_lost(&self, loss: Loss, post: Post<'_>) {
        let who = (&self.face.name, self.face.serial);
        self.core.tell_lost(self.face.owed.take(), who, loss, post);
    }

    fn take_activity(&self) -> Box<Activity> {
        self.activity.take().unwrap_or_default()
    }

    fn put_activity(&self, activity: Box<Activity>) {
        self.activity.store(Some(activity));
    }
}
