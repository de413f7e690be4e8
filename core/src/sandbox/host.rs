//! What a guest's host functions work on: the turn so far, and the world outside.

use std::any::Any;
use std::collections::HashMap;
use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use wasmtime::{Caller, Global, Memory, ResourceLimiter};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::calls::{Answer, Refused};
use super::component;
use super::fault::{Fault, FaultKind};
use super::meter::Meter;
use super::prices::{Prices, Work};
use super::profile::Profiler;
use super::record::{Made, TurnRecord};
use super::ticker::ticks;
use crate::account::{Account, Charge};
use crate::datum::Datum;
use crate::error::Error;
use crate::files::{FileThreads, Taken, User};
use crate::grants::{Grants, OpenFolder};
use crate::limits::Limits;
use crate::message::{Envelope, Filter, Message, Traceparent};

/// Work after which the next call looks at the clock, whether a tick has come or not: on a busy machine ticks come
/// late, and the host's work for a turn counts in its time.
const LOOKS_AFTER: Work = Work::units(64);
/// Stands for no tick.
const NO_TICK: u64 = u64::MAX;

/// Bytes of a turn's record that are not charged to its agent's account.
const SMALL_RECORD: usize = 4096;

/// How much a log line matters, as in the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
    Trace = 5,
}

/// What the sandbox asks of the world outside, on behalf of one agent.
pub(crate) trait World: User {
    /// Whether `name` is this agent's name or id.
    fn is_me(&self, name: &str) -> bool;
    /// Microseconds since the Unix epoch.
    fn now_micros(&self) -> u64;
    fn random_u32(&self) -> u32;
    /// A generator for WASI.
    fn fork_random(&self) -> StdRng;
    /// Writes a message in this agent's name, if it is within its content limits; `receiver` stands in
    /// place of the envelope's, and it belongs where `traceparent` says unless it says so itself.
    fn stamp(
        &self,
        envelope: &Envelope<'_>,
        receiver: Option<&str>,
        traceparent: Option<&Traceparent>,
    ) -> Result<Message, Error>;
    /// Prices of the host's work, as it is done for this agent.
    fn prices(&self) -> &'static Prices;
    /// Finds who has this name or id.
    fn find(&self, name: &str) -> Addressee;
    /// Number of members, whom a message to `df` or `ams` may make it look at.
    fn members(&self) -> usize;
    /// Number of standing searches, which a change of a registration may tell.
    fn searches(&self) -> usize;
    /// Number of subscriptions to `topic`.
    fn subscribers(&self, topic: &str) -> usize;
    /// Number of filters without a topic that a message is compared with: one for topics, or one that is
    /// for none.
    fn filters(&self, has_topic: bool) -> usize;
    /// Keeps room for `message` in the mailbox of the local agent `to`.
    fn reserve(&self, to: &str, message: &Message) -> Result<Place, NoPlace>;
    /// Number of members that [`World::matching`] looks at.
    fn looked_at(&self, filter: &Filter) -> usize;
    /// Finds every other member that `filter` matches and that the agent may send to.
    fn matching(&self, filter: Filter, message: &Message) -> Vec<Found>;
    /// Keeps room for `message` with these; those without room are counted.
    fn reserve_all(&self, found: Vec<Found>, message: &Message) -> (Vec<Place>, u64);
    /// The account of what the host keeps for the agent.
    fn account(&self) -> &Arc<Account>;
    /// Takes places back that a turn leaves unused, to be freed piece by piece.
    fn give_back(&self, places: Vec<Place>);
    /// Whether the agent may send one more message now.
    fn may_send(&self) -> bool;
    /// A number for a new subscription, where the agent may have `extra` and one more. In an init
    /// those that an earlier one made do not count.
    fn new_subscription(&self, extra: usize, made: Made) -> Option<u32>;
    /// Number of topics that this subscription of the agent lists, if it has it.
    fn subscribed_topics(&self, id: u32) -> Option<usize>;
    /// What the agent has stored under `key`.
    fn load(&self, key: &[u8]) -> Option<Datum>;
    /// Bytes of all that the agent has stored, keys, values, and 96 for each key.
    fn stored_bytes(&self) -> u64;
    /// A number for a new timer, where the agent may have `extra` and one more beside those that it
    /// has, of which `fewer` are about to end. In an init those that an earlier one made do not count.
    fn new_timer(&self, extra: usize, fewer: usize, made: Made) -> Option<u32>;
    /// Whether the agent has this timer.
    fn has_timer(&self, id: u32) -> bool;
    /// Writes a line of the guest's to the agent's log, unless the turn has written too much; returns true
    /// if it is kept.
    fn write_line(&self, level: Level, text: &str) -> bool;
    /// Writes a remark on a call of the guest's to the agent's log. A turn that has written too much has
    /// room for a few.
    fn remark(&self, level: Level, text: &str);
    /// A turn has ended that has cost this.
    fn spent(&self, cost: Cost);
    /// A turn begins: the log counts anew.
    fn begin_turn(&self);
    /// Counts lines for the log that were dropped.
    fn log_dropped(&self, lines: u64);
    /// Whether the agent's messages may go to `to`, who was found under that name.
    fn may_send_to(&self, to: &str, found: &Addressee) -> bool;
    /// Tells that the agent tried to send to `to`, which it may not.
    fn denied(&self, to: &str);
    /// What the agent has been granted of WASI.
    fn grants(&self) -> &Grants;
    /// The folders that it has been granted, held open.
    fn folders(&self) -> Arc<[OpenFolder]>;
    /// The threads for its files.
    fn files(&self) -> &Arc<FileThreads>;
    /// Folders in which files were being opened when their instances ended.
    fn openings(&self) -> &Mutex<Vec<Weak<File>>>;
    /// Tells that the agent tried to speak as `claimed`.
    fn forged_sender(&self, claimed: &str);
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A member that the world has found.
pub(crate) type Found = Arc<dyn Any + Send + Sync>;

/// Whom a name means.
#[derive(Clone)]
pub(crate) enum Addressee {
    Member(Found),
    /// The program, under this name.
    Program,
    Nobody,
}

/// The cost of a turn, as far as it is counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Calls of host functions.
    pub calls: u64,
    /// Work of the host, in units.
    pub work: u64,
    /// Calls that were refused since there was too much work.
    pub refused: u64,
}

/// Room that is kept in a mailbox until the turn ends; given back when dropped.
pub(crate) struct Place(pub Box<dyn Any + Send>);

/// Why there is no [`Place`].
pub(crate) enum NoPlace {
    Unknown,
    Full,
    /// The content is above the receiver's limits; the error says what, and where.
    Content(Error),
}

/// The data of an agent's wasmtime store.
pub(crate) struct Host {
    pub(super) world: Arc<dyn World>,
    pub(super) meter: Arc<Meter>,
    pub(super) profiler: Arc<Profiler>,
    pub(super) limits: Arc<Limits>,
    pub(super) prices: &'static Prices,
    pub(super) memory: Option<Memory>,
    /// Counts down the allocations of a turn.
    pub(super) ration: Option<Global>,
    /// Whether growing is counted here: in components, which have no ration, once they are made.
    pub(super) counts_growth: bool,
    /// Most guests that have no files never need it, and it is large.
    pub(super) wasi: Option<Box<WasiP1Ctx>>,
    /// It has standard input, output and error where WASI puts them, and no file there.
    pub(super) has_plain_std: bool,
    /// What is kept for it: by their places, streams and lists of folders, and the rest.
    pub(super) wasi_kept: HashMap<u32, Charge>,
    wasi_charge: Option<Charge>,
    /// Whether the module has what a timer would call.
    pub(super) has_timer_handler: bool,
    pub(super) turn: TurnState,
    /// Where the turn's messages belong in a trace.
    pub(super) traceparent: Option<Traceparent>,
    table_elements: u64,
    /// All memories of the guest together, in bytes.
    memory_bytes: u64,
    /// By how many bytes memory last grew.
    last_growth: u64,
    /// The tick at which the turn's time was last looked at.
    last_tick: u64,
}

/// What belongs to the turn that runs now.
#[derive(Default)]
pub(super) struct TurnState {
    pub record: TurnRecord,
    /// The message that is being handled.
    pub handled: Option<Message>,
    /// It was a reply that its sender did not pay for.
    pub handled_is_free: bool,
    pub made: Made,
    /// By how many bytes the turn changes what the agent has stored.
    pub stored_change: i64,
    pub host_calls: u64,
    /// Work of the host so far.
    pub work: Work,
    /// Calls that were refused since there was too much of it.
    pub refused: u64,
    /// Timers that the turn has set and not cancelled, and those that it cancels of what was set before.
    pub timers_set: usize,
    pub timers_ended: usize,
    /// Subscriptions that the turn has begun and not ended.
    pub subscribed: usize,
    /// How often a component's memories and tables grew; a module's ration counts for itself.
    pub growths: u64,
    /// What the guest asked for when its memory was not allowed to grow.
    pub denied_memory: Option<u64>,
}

impl Host {
    pub fn new(
        world: Arc<dyn World>,
        meter: Arc<Meter>,
        profiler: Arc<Profiler>,
        limits: Arc<Limits>,
        has_timer_handler: bool,
    ) -> Self {
        Host {
            prices: world.prices(),
            world,
            meter,
            profiler,
            limits,
            memory: None,
            ration: None,
            counts_growth: false,
            wasi: None,
            has_plain_std: true,
            wasi_kept: HashMap::new(),
            wasi_charge: None,
            has_timer_handler,
            turn: TurnState::default(),
            traceparent: None,
            table_elements: 0,
            memory_bytes: 0,
            last_growth: 0,
            last_tick: 0,
        }
    }

    pub fn memory_ceiling(&self) -> u64 {
        self.limits.memory_ceiling()
    }

    /// The memory that the guest has now, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The context of WASI, made when the guest first needs it.
    pub fn wasi(&mut self) -> &mut WasiP1Ctx {
        self.wasi.get_or_insert_with(|| {
            self.wasi_charge = Some(self.world.account().charge(super::wasi::CONTEXT_BYTES));
            Box::new(super::wasi::context(&self.world))
        })
    }

    /// Waits for a thread for a call of files, in line with others.
    pub fn file_thread(&self) -> impl Future<Output = Taken> + Send + use<> {
        let (files, world, meter) =
            (self.world.files().clone(), self.world.clone(), self.meter.clone());
        async move { files.take(world, || meter.stand_in_line()).await }
    }

    /// Charges the agent for what the host keeps for a call of WASI; nothing where the account is full, which the
    /// log says.
    pub fn keep_for_wasi(&self, bytes: usize) -> Option<Charge> {
        let charge = self.world.account().try_charge(bytes);
        if charge.is_none() {
            let most = self.limits.max_host_bytes;
            let text = format!(
                "a call of WASI was refused: with {bytes} bytes for it the host keeps more than {most} for \
                 the agent (max_host_bytes)"
            );
            self.log(Level::Warn, &text);
        }
        charge
    }

    /// Begins a turn that handles a message, or none; with it, whether its sender did not pay for it.
    pub fn begin_turn(&mut self, handled: Option<(Message, bool)>, made: Made) {
        self.world.begin_turn();
        let (handled, handled_is_free) = handled.unzip();
        let handled_is_free = handled_is_free.unwrap_or_default();
        self.turn = TurnState { handled, handled_is_free, made, ..TurnState::default() };
    }

    /// Ends the turn; its record.
    pub fn end_turn(&mut self) -> Box<TurnRecord> {
        self.turn.handled = None;
        self.tell_cost();
        Box::new(std::mem::take(&mut self.turn.record))
    }

    /// Tells the world what the turn has cost.
    pub fn tell_cost(&mut self) {
        let turn = &mut self.turn;
        self.world.spent(Cost {
            calls: std::mem::take(&mut turn.host_calls),
            work: std::mem::take(&mut turn.work).to_units(),
            refused: std::mem::take(&mut turn.refused),
        });
    }

    /// Charges the turn for work that the host is about to do. Above its limit the call is to do nothing;
    /// the first one that is refused says so in the log.
    #[inline]
    pub fn spend(&mut self, work: Work) -> Answer {
        let total = self.turn.work + work;
        let limit = self.limits.max_turn_work.unwrap_or(u64::MAX);
        if total <= Work::units(limit) {
            self.turn.work = total;
            if work >= LOOKS_AFTER {
                self.last_tick = NO_TICK;
            }
            return Ok(());
        }
        self.refuse_work(total, limit)
    }

    /// Work that the turn may still ask for.
    pub fn work_left(&self) -> Work {
        Work::units(self.limits.max_turn_work.unwrap_or(u64::MAX)).less(self.turn.work)
    }

    #[cold]
    fn refuse_work(&mut self, total: Work, limit: u64) -> Answer {
        self.turn.refused += 1;
        if self.turn.refused == 1 {
            let text = format!(
                "a call was refused: with it the turn makes the host do {} units of work, and {limit} is \
                 the most (max_turn_work)",
                total.to_units()
            );
            self.log(Level::Warn, &text);
        }
        Err(Refused::LimitExceeded)
    }

    /// Ends a turn that has used up its time. Code that makes one call after the other, without a loop, has no
    /// preemption point, so calls are one.
    pub fn check_time(&mut self) -> wasmtime::Result<()> {
        let tick = ticks();
        if tick == self.last_tick {
            return Ok(());
        }
        self.last_tick = tick;
        self.check_turn()
    }

    /// Asks whether the turn may go on. Calls that go well have no room for a fault on the guest's stack, whose
    /// pages are kept.
    #[cold]
    #[inline(never)]
    fn check_turn(&self) -> wasmtime::Result<()> {
        Ok(self.meter.check_turn()?)
    }

    /// Counts one call of a host function.
    pub fn count_call(&mut self) -> wasmtime::Result<()> {
        self.check_time()?;
        self.turn.host_calls += 1;
        match self.limits.max_host_calls {
            Some(limit) if self.turn.host_calls > limit => Err(self.too_many_calls(limit)),
            _ => Ok(()),
        }
    }

    #[cold]
    #[inline(never)]
    fn too_many_calls(&self, limit: u64) -> wasmtime::Error {
        Fault::limit(
            FaultKind::HostCalls,
            format!("the turn made more than its limit of {limit} host calls"),
            limit,
            self.turn.host_calls,
        )
        .into()
    }

    /// Whether `bytes` more fit into the turn's record, and what it holds into the agent's account. Small
    /// records, of which an agent has one at a time, are not worth the charge.
    pub fn charge(&mut self, bytes: usize) -> bool {
        let record = &mut self.turn.record;
        let total = record.bytes.saturating_add(bytes as u64);
        let kept = usize::try_from(total).unwrap_or(usize::MAX);
        let fits = total <= self.limits.max_turn_bytes
            && (kept <= SMALL_RECORD
                || match &mut record.charge {
                    Some(charge) => charge.try_resize(kept),
                    None => {
                        record.charge = self.world.account().try_charge(kept);
                        record.charge.is_some()
                    }
                });
        if fits {
            record.bytes = total;
        }
        fits
    }

    /// Writes a remark on a call to the agent's log.
    pub fn log(&self, level: Level, text: &str) {
        self.world.remark(level, text);
    }
}

impl Host {
    /// Counts a growth, where that is done here.
    fn count_growth(&mut self) -> wasmtime::Result<()> {
        if !self.counts_growth {
            return Ok(());
        }
        self.turn.growths += 1;
        match self.limits.max_allocations {
            Some(limit) if self.turn.growths > limit => {
                Err(Fault::too_many_allocations(limit).into())
            }
            _ => Ok(()),
        }
    }
}

impl ResourceLimiter for Host {
    fn instances(&self) -> usize {
        component::MAX_MODULES as usize
    }

    fn memories(&self) -> usize {
        component::MAX_MEMORIES as usize
    }

    fn tables(&self) -> usize {
        component::MAX_TABLES as usize
    }

    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.count_growth()?;
        let growth = desired.saturating_sub(current) as u64;
        let total = self.memory_bytes.saturating_add(growth);
        let allowed = total <= self.memory_ceiling();
        if allowed {
            self.memory_bytes = total;
            self.last_growth = growth;
        } else {
            self.turn.denied_memory = Some(total);
            self.last_growth = 0;
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.last_growth);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.count_growth()?;
        let total = self.table_elements.saturating_add(desired.saturating_sub(current) as u64);
        let allowed = total <= self.limits.max_table_elements;
        if allowed {
            self.table_elements = total;
        }
        Ok(allowed)
    }
}

/// The guest's memory and the host's state, borrowed side by side.
pub(super) fn memory_and_host<'a>(
    caller: &'a mut Caller<'_, Host>,
) -> Option<(&'a mut [u8], &'a mut Host)> {
    let memory = caller.data().memory?;
    Some(memory.data_and_store_mut(caller))
}

/// The bytes that a guest means by `ptr` and `len`, both unsigned.
pub(super) fn range(memory: &[u8], ptr: i32, len: i32) -> Option<&[u8]> {
    let (start, len) = (ptr as u32 as usize, len as u32 as usize);
    memory.get(start..start.checked_add(len)?)
}
