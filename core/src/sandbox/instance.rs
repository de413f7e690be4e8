//! A live instance: the wasmtime store of one agent, and what the host calls in it.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{Memory, Store, TypedFunc, UpdateDeadline, Val};

use super::allocator::Functions;
use super::engine::Lease;
use super::fault::{Fault, FaultKind};
use super::host::{Host, Level, World};
use super::inbox::{Inbox, Way};
use super::meter::{Meter, Verdict};
use super::module::{InboxKind, Start};
use super::profile::Profiler;
use super::ration::{RATION, START};
use super::record::{Made, TurnRecord};
use super::template::Template;
use crate::limits::Limits;
use crate::message::{Message, Traceparent};

/// What `get_capabilities` is first offered, in bytes: as much as the inbox has from the start.
const CAPABILITIES_BYTES: i32 = 2 << 10;
/// The most that it may ask for.
const MAX_CAPABILITIES_BYTES: i32 = 1 << 20;

/// What an agent's instances are made from.
#[derive(Clone)]
pub(crate) struct Seat {
    pub engine: Lease,
    pub template: Arc<Template>,
    /// The module's bytes, where a store keeps them.
    pub wasm: Bytes,
    pub world: Arc<dyn World>,
    pub meter: Arc<Meter>,
    pub profiler: Arc<Profiler>,
    pub limits: Arc<Limits>,
}

pub(crate) struct Instance {
    store: Store<Host>,
    memory: Memory,
    handle_message: TypedFunc<(i32, i32), i32>,
    handle_timer: Option<TypedFunc<i32, i32>>,
    shutdown: Option<TypedFunc<(), ()>>,
    inbox: Inbox,
}

/// How a handler came to its end: its code, what it did, and what an init said of itself.
pub(crate) struct Ended {
    pub code: i32,
    pub record: TurnRecord,
    /// JSON of the guide's `AgentCapabilities`, unchecked.
    pub capabilities: Option<Vec<u8>>,
}

impl Instance {
    /// Makes an instance and runs its init.
    pub async fn boot(
        seat: &Seat,
        traceparent: Option<Traceparent>,
    ) -> Result<(Self, Ended), Fault> {
        let host = Host::new(
            seat.world.clone(),
            seat.meter.clone(),
            seat.profiler.clone(),
            seat.limits.clone(),
            seat.template.facts.exports.handle_timer.is_some(),
        );
        let mut store = Store::new(seat.engine.wasmtime(), host);
        store.limiter(|host| host);
        store.epoch_deadline_callback(|caller| {
            caller.data().profiler.sample(&caller);
            match caller.data().meter.verdict() {
                Verdict::Continue => Ok(UpdateDeadline::Continue(1)),
                Verdict::Yield => Ok(UpdateDeadline::Yield(1)),
                Verdict::Drop(fault) => Err(fault.into()),
            }
        });
        store.set_epoch_deadline(1);
        store.data_mut().traceparent = traceparent;
        store.data_mut().begin_turn(None, Made::InInit);
        match Self::start(&mut store, seat).await {
            Ok((memory, exports, code, capabilities)) => {
                let record = store.data_mut().end_turn();
                let Exports { handle_message, handle_timer, shutdown, inbox } = exports;
                let instance =
                    Instance { store, memory, handle_message, handle_timer, shutdown, inbox };
                Ok((instance, Ended { code, record, capabilities }))
            }
            Err(error) => Err(fault(&mut store, error)),
        }
    }

    async fn start(
        store: &mut Store<Host>,
        seat: &Seat,
    ) -> wasmtime::Result<(Memory, Exports, i32, Option<Vec<u8>>)> {
        let facts = &seat.template.facts;
        let instance = seat.template.pre.instantiate_async(&mut *store).await?;
        let memory = instance
            .get_memory(&mut *store, "memory")
            .ok_or_else(|| Fault::new(FaultKind::Trap, "its memory is not exported"))?;
        store.data_mut().memory = Some(memory);
        store.data_mut().ration = instance.get_global(&mut *store, RATION);
        refill(store, 0)?;
        if let Ok(start) = instance.get_typed_func::<(), ()>(&mut *store, START) {
            start.call_async(&mut *store, ()).await?;
        }
        match facts.start {
            Start::Nothing => {}
            Start::Initialize => {
                let initialize = instance.get_typed_func::<(), ()>(&mut *store, "_initialize")?;
                initialize.call_async(&mut *store, ()).await?;
            }
            Start::Command => {
                let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
                if let Err(error) = start.call_async(&mut *store, ()).await
                    && error.downcast_ref::<wasmtime_wasi::I32Exit>().is_none_or(|exit| exit.0 != 0)
                {
                    return Err(error);
                }
            }
        }
        let code = match &facts.exports.agent_init {
            Some(name) => {
                let init = instance.get_typed_func::<(), i32>(&mut *store, name)?;
                init.call_async(&mut *store, ()).await?
            }
            None => 0,
        };
        let way = match &facts.inbox {
            InboxKind::Allocator(allocator) => {
                Way::Allocator(Functions::bind(allocator, &instance, &mut *store)?)
            }
            InboxKind::Pages => Way::Pages,
        };
        let mut inbox = Inbox::new(way);
        let capabilities = match &facts.exports.get_capabilities {
            Some(name) if code == 0 => {
                let ask = instance.get_typed_func(&mut *store, name)?;
                ask_capabilities(store, memory, &mut inbox, &ask).await?
            }
            _ => None,
        };
        let handle_message = instance.get_typed_func(&mut *store, &facts.exports.handle_message)?;
        let handle_timer = match &facts.exports.handle_timer {
            Some(name) => Some(instance.get_typed_func(&mut *store, name)?),
            None => None,
        };
        let shutdown = match &facts.exports.agent_shutdown {
            Some(name) => Some(instance.get_typed_func(&mut *store, name)?),
            None => None,
        };
        Ok((memory, Exports { handle_message, handle_timer, shutdown, inbox }, code, capabilities))
    }

    /// Where the messages of the turn that comes belong in a trace.
    pub fn belongs_to(&mut self, traceparent: Option<Traceparent>) {
        self.store.data_mut().traceparent = traceparent;
    }

    /// Hands one message to the guest.
    pub async fn handle_message(&mut self, message: &Message) -> Result<Ended, Fault> {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin_turn(Some(message.clone()), Made::InTurn);
        match self.call_handler(message).await {
            Ok(code) => {
                let record = self.store.data_mut().end_turn();
                Ok(Ended { code, record, capabilities: None })
            }
            Err(error) => Err(fault(&mut self.store, error)),
        }
    }

    async fn call_handler(&mut self, message: &Message) -> wasmtime::Result<i32> {
        refill(&mut self.store, 0)?;
        let json = message.as_json();
        let address = self.inbox.put(&mut self.store, self.memory, json).await?;
        let len = i32::try_from(json.len())?;
        let code = self.handle_message.call_async(&mut self.store, (address, len)).await?;
        self.inbox.end_turn(&mut self.store, self.memory, json).await?;
        Ok(code)
    }

    /// Tells the guest that its timer `id` came due.
    pub async fn handle_timer(&mut self, id: u32) -> Result<Ended, Fault> {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin_turn(None, Made::InTurn);
        // Timers are only set where there is a handler; new code may lack it.
        let Some(handler) = &self.handle_timer else {
            return Ok(Ended {
                code: 0,
                record: self.store.data_mut().end_turn(),
                capabilities: None,
            });
        };
        let called = match refill(&mut self.store, 0) {
            Ok(()) => handler.call_async(&mut self.store, id as i32).await,
            Err(error) => Err(error),
        };
        match called {
            Ok(code) => {
                let record = self.store.data_mut().end_turn();
                Ok(Ended { code, record, capabilities: None })
            }
            Err(error) => Err(fault(&mut self.store, error)),
        }
    }

    /// Tells the guest that it ends.
    pub async fn shut_down(&mut self) -> Result<Ended, Fault> {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin_turn(None, Made::InTurn);
        if let Some(shutdown) = &self.shutdown
            && let Err(error) = {
                refill(&mut self.store, 0).map_err(|error| fault(&mut self.store, error))?;
                shutdown.call_async(&mut self.store, ()).await
            }
        {
            return Err(fault(&mut self.store, error));
        }
        let record = self.store.data_mut().end_turn();
        Ok(Ended { code: 0, record, capabilities: None })
    }

    /// The memory that the guest has now, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.data_size(&self.store) as u64
    }
}

struct Exports {
    handle_message: TypedFunc<(i32, i32), i32>,
    handle_timer: Option<TypedFunc<i32, i32>>,
    shutdown: Option<TypedFunc<(), ()>>,
    inbox: Inbox,
}

/// Asks an agent what it can do; once more with a larger buffer where it wants one.
async fn ask_capabilities(
    store: &mut Store<Host>,
    memory: Memory,
    inbox: &mut Inbox,
    ask: &TypedFunc<(i32, i32), i32>,
) -> wasmtime::Result<Option<Vec<u8>>> {
    let mut room = CAPABILITIES_BYTES;
    for _ in 0..2 {
        let buffer = inbox.room(store, memory, room as u32).await?;
        let written = ask.call_async(&mut *store, (buffer, room)).await?;
        let mut json = vec![0; written.clamp(0, room) as usize];
        memory.read(&*store, buffer as u32 as usize, &mut json)?;
        inbox.end_call(store, memory).await?;
        match written {
            1.. if written <= room => return Ok(Some(json)),
            1.. if written <= MAX_CAPABILITIES_BYTES => room = written,
            1.. => break,
            _ => return Ok(None),
        }
    }
    store.data().log(
        Level::Warn,
        &format!("get_capabilities asked for more than it was given, and {MAX_CAPABILITIES_BYTES} bytes is the most"),
    );
    Ok(None)
}

/// Hands out the allocations that a turn may make, and some more.
pub(super) fn refill(store: &mut Store<Host>, more: u64) -> wasmtime::Result<()> {
    let host = store.data();
    let limit = host.limits.max_allocations.unwrap_or(u64::MAX).saturating_add(more);
    let ration = i64::try_from(limit).unwrap_or(i64::MAX);
    match host.ration {
        Some(global) => global.set(store, Val::I64(ration)),
        None => Ok(()),
    }
}

/// Whether the turn has tried more allocations than it may make.
fn is_out_of_ration(store: &mut Store<Host>) -> bool {
    match store.data().ration {
        Some(global) => global.get(store).i64().is_some_and(|left| left < 0),
        None => false,
    }
}

/// What dropped the turn. A trap after memory was refused is the refusal's doing.
fn fault(store: &mut Store<Host>, error: wasmtime::Error) -> Fault {
    let fault = Fault::from_guest(error);
    let calls = std::mem::take(&mut store.data_mut().turn.host_calls);
    store.data().world.made_calls(calls);
    if fault.kind == FaultKind::Trap
        && is_out_of_ration(store)
        && let Some(limit) = store.data().limits.max_allocations
    {
        let text = format!("the turn made more than its limit of {limit} allocations");
        let used = limit.saturating_add(1);
        let backtrace = fault.backtrace;
        return Fault { backtrace, ..Fault::limit(FaultKind::Allocations, text, limit, used) };
    }
    match store.data().turn.denied_memory {
        Some(asked) if matches!(fault.kind, FaultKind::Trap | FaultKind::Exit) => {
            let limit = store.data().memory_ceiling();
            Fault {
                backtrace: fault.backtrace,
                ..Fault::limit(
                    FaultKind::Memory,
                    format!(
                        "it asked for {asked} bytes of memory, above its limit of {limit}, and then: {}",
                        fault.text
                    ),
                    limit,
                    asked,
                )
            }
        }
        _ => fault,
    }
}
