//! One wasmtime engine for the process, shared by its runtimes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use wasmtime::{
    Collector, Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    ProfilingStrategy, WasmBacktraceDetails,
};

use super::cache::DiskCache;
use super::compilers::Compilers;
use super::component;
use super::profile::{MAX_FRAMES, Profile};
use super::signals;
use super::template::{Slot, Template};
use super::ticker::{Awake, Ticker};
use crate::error::{Error, ErrorKind};

/// The stack of a guest's WebAssembly frames, in bytes. Interpreters that were compiled to
/// WebAssembly need 1.5 MiB.
const MAX_WASM_STACK: usize = 2 << 20;
/// What host functions may use above it.
const HOST_STACK: usize = 512 << 10;
/// Memory maps that one live instance takes at most: those of its memory, and two for the stack that its
/// store keeps, with the guard of that.
const MAPS_PER_INSTANCE: usize = MAPS_PER_MEMORY + 2;
/// Memory maps that one memory takes at most, with the module's image in it.
const MAPS_PER_MEMORY: usize = 4;
/// Memory maps that one compiled module takes: its code, what is beside it, and its data's image.
const MAPS_PER_MODULE: usize = 4;
/// Memory maps left to the program around us.
const MAPS_RESERVED: usize = 3_000;
/// The most live instances in one process, whatever the system allows.
const MOST_INSTANCES: usize = 14_000;
/// Heaps of garbage collectors, each of which takes as much address space as a memory. Modules need none: see
/// `module/references.rs`. Components with tables of `externref`s, and modules that throw exceptions, do.
const GC_HEAPS: u32 = 1000;
/// Tables that one module may have.
const MAX_TABLES: u32 = 4;
/// Tables that there is room for, for each live instance; most have one.
const TABLES_PER_INSTANCE: usize = 2;

pub(crate) struct Engine {
    wasmtime: wasmtime::Engine,
    capacity: usize,
    /// Whether wasmtime writes down its code for `perf`.
    is_profiled: bool,
    maps: usize,
    disk: DiskCache,
    templates: Mutex<HashMap<[u8; 32], TemplateSlot>>,
    ticker: Ticker,
    compilers: Compilers,
}

/// Where the template of one module is kept, as long as an agent uses it.
type TemplateSlot = Arc<Mutex<Slot>>;

/// An engine of the process.
#[derive(Clone)]
pub(crate) struct Lease {
    engine: &'static Engine,
}

/// As long as one lives, the engine's epoch advances. Each runtime holds one until it is closed.
pub(crate) struct Running(&'static Engine);

/// A place for one live instance, with so many memories and tables; given back when dropped.
pub(crate) struct InstancePermit {
    memories: usize,
    tables: usize,
    maps: Option<Maps>,
}

/// The memories and tables of live instances in the process, whatever engine they belong to.
static MEMORIES: AtomicUsize = AtomicUsize::new(0);
static TABLES: AtomicUsize = AtomicUsize::new(0);
/// The memory maps that instances and modules of the process take.
static MAPS: AtomicUsize = AtomicUsize::new(0);

/// Some of the memory maps that the system allows; given back when dropped.
pub(super) struct Maps(usize);

impl Maps {
    /// Takes so many, as far as `most` goes.
    fn take(count: usize, most: usize) -> Option<Self> {
        let taken = MAPS.fetch_add(count, Ordering::Relaxed);
        let maps = Maps(count);
        (taken.saturating_add(count) <= most).then_some(maps)
    }
}

impl Drop for Maps {
    fn drop(&mut self) {
        MAPS.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl Engine {
    /// Leases the engine of the process, and makes it at the first call. Runtimes that are profiled
    /// have one of their own, for each way of doing it.
    pub fn lease(profile: Option<Profile>) -> Result<Lease, Error> {
        static PLAIN: OnceLock<Engine> = OnceLock::new();
        static PERF_MAP: OnceLock<Engine> = OnceLock::new();
        static JIT_DUMP: OnceLock<Engine> = OnceLock::new();
        static MAKING: Mutex<()> = Mutex::new(());
        let slot = match profile {
            None => &PLAIN,
            Some(Profile::PerfMap) => &PERF_MAP,
            Some(Profile::JitDump) => &JIT_DUMP,
        };
        let _making = MAKING.lock();
        if let Some(engine) = slot.get() {
            return Ok(Lease { engine });
        }
        let engine = Engine::new(profile).map_err(|error| match profile {
            None => Error::new(ErrorKind::Internal, format!("no engine could be made: {error:#}")),
            Some(profile) => {
                let text = format!(
                    "agents cannot be profiled with profile={profile}: {error:#}; it needs Linux, \
                     and a working folder (jitdump) or /tmp (perfmap) that can be written to"
                );
                Error::new(ErrorKind::InvalidArgument, text)
            }
        })?;
        Ok(Lease { engine: slot.get_or_init(|| engine) })
    }

    fn new(profile: Option<Profile>) -> wasmtime::Result<Self> {
        let maps = allowed_maps();
        let capacity = (maps / MAPS_PER_INSTANCE).min(MOST_INSTANCES);
        // No address space has room for two pools, and one that is limited has none for one:
        // instances are then mapped one by one.
        let pooled = match profile {
            None => wasmtime::Engine::new(&config(Some(capacity), None)).ok(),
            Some(_) => None,
        };
        let wasmtime = match pooled {
            Some(engine) => engine,
            None => wasmtime::Engine::new(&config(None, profile))?,
        };
        signals::remember();
        let disk = DiskCache::open(&wasmtime, profile.is_some());
        Ok(Engine {
            wasmtime,
            capacity,
            is_profiled: profile.is_some(),
            maps,
            disk,
            templates: Mutex::new(HashMap::new()),
            ticker: Ticker::default(),
            compilers: Compilers::default(),
        })
    }
}

impl Lease {
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine.wasmtime
    }

    pub(super) fn disk(&self) -> &DiskCache {
        &self.engine.disk
    }

    /// Where compiled modules are kept, if they are.
    pub fn cache_folder(&self) -> Option<&Path> {
        self.engine.disk.folder()
    }

    /// Whether wasmtime writes down its code for `perf`.
    pub(super) fn is_profiled(&self) -> bool {
        self.engine.is_profiled
    }

    pub(super) fn compilers(&self) -> &'static Compilers {
        &self.engine.compilers
    }

    /// The place where the template of one module is kept; its lock is held while the module is read, so that this is
    /// done once however many ask at the same time.
    pub(super) fn template_slot(&self, hash: [u8; 32]) -> TemplateSlot {
        let mut templates = self.engine.templates.lock();
        if templates.len() > 1024 {
            templates.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.lock().is_used());
        }
        templates.entry(hash).or_default().clone()
    }

    /// The same place, where there is one.
    pub(super) fn known_slot(&self, hash: &[u8; 32]) -> Option<TemplateSlot> {
        self.engine.templates.lock().get(hash).cloned()
    }

    /// Says that a guest is about to run on this thread.
    pub fn awake(&self) -> Awake<'_> {
        self.engine.ticker.awake()
    }

    /// Lets the epoch advance from now on.
    pub fn run(&self) -> Result<Running, Error> {
        let engine = self.engine;
        match engine.ticker.start(&engine.wasmtime) {
            Ok(()) => Ok(Running(engine)),
            Err(error) => {
                let text = format!("the system gives no threads: {error}");
                Err(Error::new(ErrorKind::Internal, text))
            }
        }
    }

    /// Puts wasmtime's signal handlers back if somebody replaced them.
    pub fn check_signals(&self) {
        signals::check();
    }

    /// A place for one more live instance.
    pub fn permit(&self, template: &Template) -> Result<InstancePermit, Error> {
        let (memories, tables) = (template.memories(), template.tables());
        let engine = self.engine;
        let maps = MAPS_PER_INSTANCE + (memories - 1) * MAPS_PER_MEMORY;
        let live = MEMORIES.fetch_add(memories, Ordering::Relaxed);
        let live_tables = TABLES.fetch_add(tables, Ordering::Relaxed);
        let permit = InstancePermit { memories, tables, maps: Maps::take(maps, engine.maps) };
        let is_there = permit.maps.is_some()
            && live + memories <= engine.capacity
            && live_tables + tables <= engine.capacity * TABLES_PER_INSTANCE;
        if is_there {
            return Ok(permit);
        }
        Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "this process has {live} live agents, which is what the system's limit on memory \
                 maps allows beside their modules (vm.max_map_count); remove some, or raise it"
            ),
        )
        .with_limit("agents", live as u64, live as u64 + 1))
    }

    /// The memory maps of one more module.
    pub(super) fn maps_of_module(&self) -> Result<Maps, Error> {
        Maps::take(MAPS_PER_MODULE, self.engine.maps).ok_or_else(|| {
            let text = "this process has as many agents and modules as the system's limit on \
                        memory maps allows (vm.max_map_count); remove some, or raise it";
            Error::new(ErrorKind::LimitExceeded, text)
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.ticker.stop();
    }
}

impl Drop for InstancePermit {
    fn drop(&mut self) {
        MEMORIES.fetch_sub(self.memories, Ordering::Relaxed);
        TABLES.fetch_sub(self.tables, Ordering::Relaxed);
    }
}

/// The memory maps that the system leaves to instances and modules.
fn allowed_maps() -> usize {
    let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok())
        .unwrap_or(65_530);
    maps.saturating_sub(MAPS_RESERVED).max(64 * MAPS_PER_INSTANCE)
}

fn config(pool: Option<usize>, profile: Option<Profile>) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(MAX_WASM_STACK)
        .async_stack_size(MAX_WASM_STACK + HOST_STACK)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(Some(MAX_FRAMES))
        .profiler(profile.map_or(ProfilingStrategy::None, Profile::strategy))
        .collector(Collector::Null)
        // Each module is compiled on the one thread that is there for it.
        .parallel_compilation(false)
        // What no agent's toolchain needs is off: each is surface that hostile code could reach.
        .wasm_memory64(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_custom_page_sizes(false);
    // Wasmtime makes modules with two memories itself, where one component calls another; those of an
    // agent have one, which loading checks.
    config.wasm_multi_memory(true);
    if let Some(capacity) = pool {
        let count = capacity as u32;
        let mut pool = PoolingAllocationConfig::new();
        // A component has some modules, and a module one instance.
        pool.total_core_instances(count.saturating_mul(component::MAX_MODULES))
            .total_component_instances(count)
            .max_component_instance_size(1 << 20)
            .max_core_instances_per_component(component::MAX_MODULES)
            .max_memories_per_component(component::MAX_MEMORIES)
            .max_tables_per_component(component::MAX_TABLES)
            // The heap of a garbage collector is a memory too.
            .total_memories(count.saturating_add(GC_HEAPS))
            .total_tables(count.saturating_mul(TABLES_PER_INSTANCE as u32))
            .total_stacks(count)
            .total_gc_heaps(GC_HEAPS)
            .max_tables_per_module(MAX_TABLES)
            .max_memories_per_module(1)
            .max_core_instance_size(1 << 20)
            .table_elements(100_000)
            .max_memory_size(1 << 32)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
