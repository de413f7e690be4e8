//! A module that runs: what the host calls in it.

use wasmtime::{InstancePre, Memory, Store, TypedFunc, Val};

use super::allocator::Functions;
use super::facts::{Facts, InboxKind, Start};
use super::inbox::{Inbox, Way};
use super::ration::{RATION, START};
use crate::message::Message;
use crate::sandbox::fault::{Fault, FaultKind};
use crate::sandbox::host::{Host, Level};
use crate::sandbox::instance::MAX_CAPABILITIES_BYTES;

/// What `get_capabilities` is first offered, in bytes: as much as the inbox has from the start.
const CAPABILITIES_BYTES: i32 = 2 << 10;

/// The functions of a live module, and where its messages go.
pub(in crate::sandbox) struct Guest {
    memory: Memory,
    handle_message: TypedFunc<(i32, i32), i32>,
    handle_timer: Option<TypedFunc<i32, i32>>,
    shutdown: Option<TypedFunc<(), ()>>,
    inbox: Inbox,
}

impl Guest {
    /// Makes an instance and runs its init: it, the init's code, and what it says that it can do.
    pub async fn start(
        store: &mut Store<Host>,
        pre: &InstancePre<Host>,
        facts: &Facts,
    ) -> wasmtime::Result<(Self, i32, Option<Vec<u8>>)> {
        let instance = pre.instantiate_async(&mut *store).await?;
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
        let guest = Guest { memory, handle_message, handle_timer, shutdown, inbox };
        Ok((guest, code, capabilities))
    }

    pub async fn handle_message(
        &mut self,
        store: &mut Store<Host>,
        message: &Message,
    ) -> wasmtime::Result<i32> {
        refill(store, 0)?;
        let json = message.as_json();
        let address = self.inbox.put(store, self.memory, json).await?;
        let len = i32::try_from(json.len())?;
        let code = self.handle_message.call_async(&mut *store, (address, len)).await?;
        self.inbox.end_turn(store, self.memory, json).await?;
        Ok(code)
    }

    /// Timers are only set where there is a handler; new code may lack it.
    pub async fn handle_timer(&self, store: &mut Store<Host>, id: u32) -> wasmtime::Result<i32> {
        let Some(handler) = &self.handle_timer else { return Ok(0) };
        refill(store, 0)?;
        handler.call_async(store, id as i32).await
    }

    pub async fn shut_down(&self, store: &mut Store<Host>) -> wasmtime::Result<()> {
        let Some(shutdown) = &self.shutdown else { return Ok(()) };
        refill(store, 0)?;
        shutdown.call_async(store, ()).await
    }
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
            1.. if written <= MAX_CAPABILITIES_BYTES as i32 => room = written,
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
pub(in crate::sandbox) fn refill(store: &mut Store<Host>, more: u64) -> wasmtime::Result<()> {
    let host = store.data();
    let limit = host.limits.max_allocations.unwrap_or(u64::MAX).saturating_add(more);
    let ration = i64::try_from(limit).unwrap_or(i64::MAX);
    match host.ration {
        Some(global) => global.set(store, Val::I64(ration)),
        None => Ok(()),
    }
}

/// Whether the turn has tried more allocations than it may make.
pub(in crate::sandbox) fn is_out_of_ration(store: &mut Store<Host>) -> bool {
    match store.data().ration {
        Some(global) => global.get(store).i64().is_some_and(|left| left < 0),
        None => false,
    }
}
