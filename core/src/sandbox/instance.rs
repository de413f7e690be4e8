//! A live instance: the wasmtime store of one agent, and what the host calls in it.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::{CallHook, Store, UpdateDeadline};

use super::engine::Lease;
use super::fault::{Fault, FaultKind};
use super::host::{Host, World};
use super::meter::{Meter, Verdict};
use super::profile::Profiler;
use super::record::{Made, TurnRecord};
use super::template::{Code, Template};
use super::{component, module};
use crate::limits::Limits;
use crate::message::{Message, Traceparent};

/// The most that an agent may say of what it can do, in bytes.
pub(super) const MAX_CAPABILITIES_BYTES: usize = 64 << 10;

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
    guest: Guest,
}

/// What runs in the store.
#[expect(
    clippy::large_enum_variant,
    reason = "modules are the usual case, and their turns are short"
)]
enum Guest {
    Module(module::Guest),
    Component(component::Guest),
}

/// How a handler came to its end: its code, what it did, and what an init said of itself.
pub(crate) struct Ended {
    pub code: i32,
    /// Boxed, since it goes through many hands.
    pub record: Box<TurnRecord>,
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
            seat.template.has_timer_handler(),
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
        if seat.template.uses_wasi() {
            // WASI's functions are not ours, and do not look at the time.
            store.call_hook(|mut store, hook| match hook {
                CallHook::ReturningFromHost => store.data_mut().check_time(),
                _ => Ok(()),
            });
        }
        store.data_mut().traceparent = traceparent;
        store.data_mut().begin_turn(None, Made::InInit);
        match Guest::start(&mut store, &seat.template.code).await {
            Ok((guest, code, capabilities)) => {
                let record = store.data_mut().end_turn();
                Ok((Instance { store, guest }, Ended { code, record, capabilities }))
            }
            Err(error) => Err(fault(&mut store, error)),
        }
    }

    /// Where the messages of the turn that comes belong in a trace.
    pub fn belongs_to(&mut self, traceparent: Option<Traceparent>) {
        self.store.data_mut().traceparent = traceparent;
    }

    /// Hands one message to the guest; `is_free` says that its sender did not pay for it, since it is a
    /// reply.
    pub async fn handle_message(
        &mut self,
        message: &Message,
        is_free: bool,
    ) -> Result<Ended, Fault> {
        self.begin_turn(Some((message.clone(), is_free)));
        let store = &mut self.store;
        let called = match &mut self.guest {
            Guest::Module(guest) => guest.handle_message(store, message).await,
            // Boxed, so that the turns of modules stay small.
            Guest::Component(guest) => Box::pin(guest.handle_message(store, message)).await,
        };
        self.end_turn(called)
    }

    /// Tells the guest that its timer `id` came due.
    pub async fn handle_timer(&mut self, id: u32) -> Result<Ended, Fault> {
        self.begin_turn(None);
        let called = match &self.guest {
            Guest::Module(guest) => guest.handle_timer(&mut self.store, id).await,
            Guest::Component(guest) => guest.handle_timer(&mut self.store, id).await,
        };
        self.end_turn(called)
    }

    /// Tells the guest that it ends.
    pub async fn shut_down(&mut self) -> Result<Ended, Fault> {
        self.begin_turn(None);
        let called = match &self.guest {
            Guest::Module(guest) => guest.shut_down(&mut self.store).await,
            Guest::Component(guest) => guest.shut_down(&mut self.store).await,
        };
        self.end_turn(called.map(|()| 0))
    }

    /// The memory that the guest has now, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.store.data().memory_bytes()
    }

    fn begin_turn(&mut self, handled: Option<(Message, bool)>) {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin_turn(handled, Made::InTurn);
    }

    fn end_turn(&mut self, called: wasmtime::Result<i32>) -> Result<Ended, Fault> {
        match called {
            Ok(code) => {
                let record = self.store.data_mut().end_turn();
                Ok(Ended { code, record, capabilities: None })
            }
            Err(error) => Err(fault(&mut self.store, error)),
        }
    }
}

impl Guest {
    async fn start(
        store: &mut Store<Host>,
        code: &Code,
    ) -> wasmtime::Result<(Self, i32, Option<Vec<u8>>)> {
        match code {
            Code::Module(pre, facts) => {
                let (guest, code, capabilities) = module::Guest::start(store, pre, facts).await?;
                Ok((Guest::Module(guest), code, capabilities))
            }
            Code::Component(pre, facts) => {
                let (guest, code, capabilities) =
                    component::Guest::start(store, pre, facts).await?;
                Ok((Guest::Component(guest), code, capabilities))
            }
        }
    }
}

/// What dropped the turn. A trap after memory was refused is the refusal's doing.
fn fault(store: &mut Store<Host>, error: wasmtime::Error) -> Fault {
    let fault = Fault::from_guest(error);
    store.data_mut().tell_cost();
    if fault.kind == FaultKind::Trap
        && module::is_out_of_ration(store)
        && let Some(limit) = store.data().limits.max_allocations
    {
        return Fault { backtrace: fault.backtrace, ..Fault::too_many_allocations(limit) };
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
