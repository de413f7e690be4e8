//! A component that runs: what the host calls in it.

use wasmtime::Store;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower, TypedFunc,
};

use super::facts::Facts;
use crate::message::Message;
use crate::sandbox::host::{Host, Level};
use crate::sandbox::instance::MAX_CAPABILITIES_BYTES;

/// What a call of the guest's may make wasmtime copy before the host has looked at it, in bytes.
const MAX_LIFTED_BYTES: usize = 16 << 20;

/// The functions of a live component.
pub(in crate::sandbox) struct Guest {
    handle_message: TypedFunc<(String,), (i32,)>,
    handle_timer: Option<TypedFunc<(u32,), (i32,)>>,
    shutdown: Option<TypedFunc<(), ()>>,
}

impl Guest {
    /// Makes an instance and runs its init: it, the init's code, and what it says that it can do.
    pub async fn start(
        store: &mut Store<Host>,
        pre: &InstancePre<Host>,
        facts: &Facts,
    ) -> wasmtime::Result<(Self, i32, Option<Vec<u8>>)> {
        store.set_hostcall_fuel(MAX_LIFTED_BYTES);
        let instance = pre.instantiate_async(&mut *store).await?;
        store.data_mut().counts_growth = true;
        let code = match bind::<(), (i32,)>(store, &instance, &facts.agent_init)? {
            Some(init) => init.call_async(&mut *store, ()).await?.0,
            None => 0,
        };
        let capabilities = match bind(store, &instance, &facts.get_capabilities)? {
            Some(ask) if code == 0 => ask_capabilities(store, &ask).await?,
            _ => None,
        };
        let guest = Guest {
            handle_message: instance.get_typed_func(&mut *store, facts.handle_message)?,
            handle_timer: bind(store, &instance, &facts.handle_timer)?,
            shutdown: bind(store, &instance, &facts.agent_shutdown)?,
        };
        Ok((guest, code, capabilities))
    }

    pub async fn handle_message(
        &self,
        store: &mut Store<Host>,
        message: &Message,
    ) -> wasmtime::Result<i32> {
        let json = message.as_text().to_owned();
        Ok(self.handle_message.call_async(store, (json,)).await?.0)
    }

    /// Timers are only set where there is a handler; new code may lack it.
    pub async fn handle_timer(&self, store: &mut Store<Host>, id: u32) -> wasmtime::Result<i32> {
        match &self.handle_timer {
            Some(handler) => Ok(handler.call_async(store, (id,)).await?.0),
            None => Ok(0),
        }
    }

    pub async fn shut_down(&self, store: &mut Store<Host>) -> wasmtime::Result<()> {
        match &self.shutdown {
            Some(shutdown) => shutdown.call_async(store, ()).await,
            None => Ok(()),
        }
    }
}

fn bind<Params, Results>(
    store: &mut Store<Host>,
    instance: &Instance,
    export: &Option<ComponentExportIndex>,
) -> wasmtime::Result<Option<TypedFunc<Params, Results>>>
where
    Params: ComponentNamedList + Lower,
    Results: ComponentNamedList + Lift,
{
    match export {
        Some(export) => instance.get_typed_func(store, export).map(Some),
        None => Ok(None),
    }
}

/// Asks a component what it can do; its JSON, unchecked.
async fn ask_capabilities(
    store: &mut Store<Host>,
    ask: &TypedFunc<(), (String,)>,
) -> wasmtime::Result<Option<Vec<u8>>> {
    // Once the call is over its memory is the component's again, so there is no looking at the length first.
    let (json,) = ask.call_async(&mut *store, ()).await?;
    if json.len() <= MAX_CAPABILITIES_BYTES {
        return Ok((!json.is_empty()).then(|| json.into_bytes()));
    }
    let text = format!(
        "get-capabilities gave {} bytes, and {MAX_CAPABILITIES_BYTES} is the most",
        json.len()
    );
    store.data().log(Level::Warn, &text);
    Ok(None)
}
