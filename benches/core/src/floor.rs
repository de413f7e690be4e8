//! Wasmtime alone: what no runtime around it can be faster than.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wasmtime::{
    Caller, Config, Engine, Extern, ExternType, InstanceAllocationStrategy, InstancePre, Linker,
    Memory, Module, PoolingAllocationConfig, Result, Store, TypedFunc, UpdateDeadline, Val,
};

/// As often as Caxton looks whether a turn's time is up.
const EPOCH: Duration = Duration::from_millis(1);
/// As large as Caxton's.
const STACK: usize = 2 << 20;
const INBOX: i32 = 2048;

/// An engine set as Caxton sets its own: instances from a pool, stacks for async calls, epochs.
pub struct Floor {
    pub engine: Engine,
    stop: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Floor {
    pub fn new() -> Result<Self> {
        let mut config = Config::new();
        let mut pool = PoolingAllocationConfig::new();
        pool.max_core_instance_size(1 << 20);
        config
            .epoch_interruption(true)
            .max_wasm_stack(STACK)
            .async_stack_size(STACK + (512 << 10))
            .wasm_memory64(false)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = match Engine::new(&config) {
            Ok(engine) => engine,
            // No pool fits where addresses are few, under valgrind for one.
            Err(_) => {
                Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))?
            }
        };
        let stop = Arc::new(AtomicBool::new(false));
        let (ticking, stopped) = (engine.clone(), stop.clone());
        let ticker = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(EPOCH);
                ticking.increment_epoch();
            }
        });
        Ok(Floor { engine, stop, ticker: Some(ticker) })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            drop(ticker.join());
        }
    }
}

/// What the guest has sent last, and whether the host reads and writes it.
#[derive(Default)]
pub struct Sent {
    memory: Option<Memory>,
    pub bytes: Vec<u8>,
    copies_envelope: bool,
    /// What it finds as its configuration.
    config: Vec<u8>,
}

/// A module that is compiled and linked.
pub struct Linked(InstancePre<Sent>);

impl Linked {
    pub fn new(floor: &Floor, wasm: &[u8]) -> Result<Self> {
        let module = Module::new(&floor.engine, wasm)?;
        let mut linker = Linker::new(&floor.engine);
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else { continue };
            let (from, name) = (import.module().to_owned(), import.name().to_owned());
            match &*name {
                "send_message" => {
                    linker.func_wrap(&from, &name, send_message)?;
                }
                "data_size" => {
                    linker.func_wrap(
                        &from,
                        &name,
                        |caller: Caller<'_, Sent>, _: i32, _: i32| {
                            caller.data().config.len() as i32
                        },
                    )?;
                }
                "load_data" => {
                    linker.func_wrap(&from, &name, load_data)?;
                }
                "current_timestamp" => {
                    linker.func_wrap(&from, &name, |_: Caller<'_, Sent>| now_micros())?;
                }
                _ => {
                    linker.func_new(&from, &name, ty, |_, _, results| {
                        for result in results {
                            *result = match result {
                                Val::I64(_) => Val::I64(0),
                                _ => Val::I32(0),
                            };
                        }
                        Ok(())
                    })?;
                }
            }
        }
        Ok(Linked(linker.instantiate_pre(&module)?))
    }
}

fn now_micros() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64
}

fn load_data(mut caller: Caller<'_, Sent>, _: i32, _: i32, ptr: i32, len: i32) -> i32 {
    let Some(memory) = caller.data().memory else { return -2 };
    let (data, sent) = memory.data_and_store_mut(&mut caller);
    let (start, len) = (ptr as u32 as usize, len as u32 as usize);
    let Some(bytes) = data.get_mut(start..start.saturating_add(len)) else { return -2 };
    if len != sent.config.len() {
        return -1;
    }
    bytes.copy_from_slice(&sent.config);
    len as i32
}

fn send_message(mut caller: Caller<'_, Sent>, ptr: i32, len: i32) -> i32 {
    let Some(memory) = caller.data().memory else { return -2 };
    let (data, sent) = memory.data_and_store_mut(&mut caller);
    let (start, len) = (ptr as u32 as usize, len as u32 as usize);
    let Some(bytes) = data.get(start..start.saturating_add(len)) else { return -2 };
    if sent.copies_envelope {
        let Some(written) = copied(bytes) else { return -2 };
        sent.bytes = written;
    } else {
        sent.bytes.clear();
        sent.bytes.extend_from_slice(bytes);
    }
    0
}

/// The envelope of a message, its content left as it is.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    performative: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    sender: Option<Cow<'a, str>>,
    receiver: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    conversation_id: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    reply_with: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    message_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<u64>,
}

/// What any host of agents does with a message: reads its envelope, and writes it with the true
/// sender, an id and the time.
fn copied(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut envelope: Envelope<'_> = serde_json::from_slice(bytes).ok()?;
    envelope.sender = Some("a".into());
    envelope.message_id = Some("0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234".into());
    envelope.sent_at = Some(now_micros() as u64);
    serde_json::to_vec(&envelope).ok()
}

/// A live agent.
pub struct Agent {
    pub store: Store<Sent>,
    memory: Memory,
    handle_message: TypedFunc<(i32, i32), i32>,
    inbox: i32,
}

impl Agent {
    /// Instantiates it, and makes the first calls: `agent_init` and `get_capabilities`.
    /// One that hops has a configuration, and what it sends is read and written.
    pub fn new(floor: &Floor, linked: &Linked, config: Option<String>) -> Result<Self> {
        let copies_envelope = config.is_some();
        let config = config.unwrap_or_default().into_bytes();
        let sent = Sent { copies_envelope, config, ..Sent::default() };
        let mut store = Store::new(&floor.engine, sent);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
        store.set_epoch_deadline(1);
        let instance = block_on(linked.0.instantiate_async(&mut store))?;
        let memory = instance.get_export(&mut store, "memory").and_then(Extern::into_memory);
        store.data_mut().memory = memory;
        if let Ok(init) = instance.get_typed_func::<(), i32>(&mut store, "agent_init") {
            block_on(init.call_async(&mut store, ()))?;
        }
        let memory = memory.ok_or_else(|| wasmtime::Error::msg("its memory is not exported"))?;
        let inbox = match instance.get_typed_func::<i32, i32>(&mut store, "caxton_alloc") {
            Ok(alloc) => block_on(alloc.call_async(&mut store, INBOX))?,
            // A page of its own, behind what the agent has.
            Err(_) => (memory.grow(&mut store, 1)? << 16) as i32,
        };
        if let Ok(ask) = instance.get_typed_func::<(i32, i32), i32>(&mut store, "get_capabilities")
        {
            block_on(ask.call_async(&mut store, (inbox, INBOX)))?;
        }
        let handle_message = instance.get_typed_func(&mut store, "handle_message")?;
        Ok(Agent { store, memory, handle_message, inbox })
    }

    /// One turn: the message is copied in, and what the agent sends is copied out.
    pub fn turn(&mut self, message: &[u8]) -> Result<i32> {
        self.store.set_epoch_deadline(1);
        self.memory.write(&mut self.store, self.inbox as usize, message)?;
        let params = (self.inbox, message.len() as i32);
        block_on(self.handle_message.call_async(&mut self.store, params))
    }
}

/// Runs a future that never waits for anybody.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}
