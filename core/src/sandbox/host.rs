//! What a guest's host functions work on: the turn so far, and the world outside.

use std::any::Any;
use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use wasmtime::{Caller, Global, Memory, ResourceLimiter};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::component;
use super::fault::{Fault, FaultKind};
use super::meter::Meter;
use super::profile::Profiler;
use super::record::{Effect, Made, TurnRecord};
use super::ticker::ticks;
use crate::error::Error;
use crate::grants::{Grants, OpenFolder};
use crate::limits::Limits;
use crate::message::{Envelope, Filter, Message, Traceparent};

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
pub(crate) trait World: Send + Sync {
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
        traceparent: Option<Traceparent>,
    ) -> Result<Message, Error>;
    /// Keeps room for `message` in the mailbox of the local agent `to`.
    fn reserve(&self, to: &str, message: &Message) -> Result<Place, NoPlace>;
    /// Keeps room for `message` with every other agent that `filter` matches; those without room
    /// are counted.
    fn reserve_matching(&self, filter: Filter, message: &Message) -> (Vec<Place>, u64);
    /// Whether the agent may send one more message now.
    fn may_send(&self) -> bool;
    /// A number for a new subscription, where the agent may have `extra` and one more. In an init
    /// those that an earlier one made do not count.
    fn new_subscription(&self, extra: usize, made: Made) -> Option<u32>;
    /// Whether the agent has this subscription.
    fn has_subscription(&self, id: u32) -> bool;
    /// What the agent has stored under `key`.
    fn load(&self, key: &[u8]) -> Option<Arc<[u8]>>;
    /// Bytes of all that the agent has stored, keys included.
    fn stored_bytes(&self) -> u64;
    /// A number for a new timer, where the agent may have `extra` and one more beside those that it
    /// has, of which `fewer` are about to end. In an init those that an earlier one made do not count.
    fn new_timer(&self, extra: usize, fewer: usize, made: Made) -> Option<u32>;
    /// Whether the agent has this timer.
    fn has_timer(&self, id: u32) -> bool;
    /// Writes a line to the agent's log, unless the turn has written too much.
    fn log(&self, level: Level, text: &str);
    /// A turn has made so many calls of host functions.
    fn made_calls(&self, calls: u64);
    /// A turn begins: the log counts anew.
    fn begin_turn(&self);
    /// Counts log output that was dropped.
    fn log_dropped(&self);
    /// Whether the agent's messages may go to `to`.
    fn may_send_to(&self, to: &str) -> bool;
    /// Tells that the agent tried to send to `to`, which it may not.
    fn denied(&self, to: &str);
    /// What the agent has been granted of WASI.
    fn grants(&self) -> &Grants;
    /// The folders that it has been granted, held open.
    fn folders(&self) -> Arc<[OpenFolder]>;
    /// Folders in which files were being opened when their instances ended.
    fn openings(&self) -> &Mutex<Vec<Weak<File>>>;
    /// Tells that the agent tried to speak as `claimed`.
    fn forged_sender(&self, claimed: &str);
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
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
    pub(super) memory: Option<Memory>,
    /// Counts down the allocations of a turn.
    pub(super) ration: Option<Global>,
    /// Whether growing is counted here: in components, which have no ration, once they are made.
    pub(super) counts_growth: bool,
    pub(super) wasi: Option<WasiP1Ctx>,
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
    /// The reply to it has been sent; further messages count.
    pub replied: bool,
    pub made: Made,
    /// By how many bytes the turn changes what the agent has stored.
    pub stored_change: i64,
    pub host_calls: u64,
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
            world,
            meter,
            profiler,
            limits,
            memory: None,
            ration: None,
            counts_growth: false,
            wasi: None,
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
        self.wasi.get_or_insert_with(|| super::wasi::context(&self.world))
    }

    /// Begins a turn that handles `message`, or none.
    pub fn begin_turn(&mut self, message: Option<Message>, made: Made) {
        self.world.begin_turn();
        self.turn = TurnState { handled: message, made, ..TurnState::default() };
    }

    /// Ends the turn; its record.
    pub fn end_turn(&mut self) -> TurnRecord {
        self.turn.handled = None;
        self.world.made_calls(std::mem::take(&mut self.turn.host_calls));
        std::mem::take(&mut self.turn.record)
    }

    /// Ends a turn that has used up its time. Code that makes one call after the other, without a loop, has no
    /// preemption point, so calls are one.
    pub fn check_time(&mut self) -> Result<(), Fault> {
        let tick = ticks();
        if tick == self.last_tick {
            return Ok(());
        }
        self.last_tick = tick;
        self.meter.check_turn()
    }

    /// Counts one call of a host function.
    pub fn count_call(&mut self) -> Result<(), Fault> {
        self.check_time()?;
        self.turn.host_calls += 1;
        match self.limits.max_host_calls {
            Some(limit) if self.turn.host_calls > limit => Err(Fault::limit(
                FaultKind::HostCalls,
                format!("the turn made more than its limit of {limit} host calls"),
                limit,
                self.turn.host_calls,
            )),
            _ => Ok(()),
        }
    }

    /// Whether `bytes` more fit into the turn's record.
    pub fn charge(&mut self, bytes: usize) -> bool {
        let total = self.turn.record.bytes.saturating_add(bytes as u64);
        let fits = total <= self.limits.max_turn_bytes;
        if fits {
            self.turn.record.bytes = total;
        }
        fits
    }

    pub fn push(&mut self, effect: Effect) {
        self.turn.record.effects.push(effect);
    }

    /// Writes a line to the agent's log.
    pub fn log(&self, level: Level, text: &str) {
        self.world.log(level, text);
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
