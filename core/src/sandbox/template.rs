//! Templates: modules that are compiled, checked and linked, ready to be instantiated.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{InstancePre, Module};

use super::compilers::Ticket;
use super::engine::{Lease, Maps};
use super::estimate::{Estimate, estimate, too_dear};
use super::host::Host;
use super::skeleton::skeleton;
use super::{component, frames, module};
use crate::compile_limits::CompileLimits;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;

/// The largest module or component, in bytes.
const MAX_MODULE_BYTES: usize = 64 << 20;
/// The longest text format of a component, in bytes: reading it takes time that grows faster than it does.
const MAX_COMPONENT_TEXT_BYTES: usize = 256 << 10;
/// A module that is looked up at once is no longer: hashing and parsing one takes some 100 microseconds.
const SMALL_BYTES: usize = 64 << 10;
const SMALL_TEXT_BYTES: usize = 4 << 10;
const MAGIC: &[u8; 4] = b"\0asm";
/// The version and layer that follow the magic in a component.
const COMPONENT: &[u8; 4] = &[0x0d, 0, 1, 0];

/// One module or component, compiled once for the process.
pub(crate) struct Template {
    pub(super) code: Code,
    /// SHA-256 of the binary form.
    pub hash: [u8; 32],
    /// What compiling it was to cost.
    estimate: Estimate,
    _maps: Maps,
}

/// What is instantiated.
pub(super) enum Code {
    Module(InstancePre<Host>, module::Facts),
    Component(wasmtime::component::InstancePre<Host>, component::Facts),
}

/// What is known of the module of one hash.
#[derive(Default)]
pub(super) enum Slot {
    #[default]
    Empty,
    Compiling(Weak<Ticket>),
    Made(Weak<Template>),
}

impl Slot {
    /// Whether somebody uses what is in it.
    pub fn is_used(&self) -> bool {
        match self {
            Slot::Empty => false,
            Slot::Compiling(ticket) => ticket.strong_count() > 0,
            Slot::Made(template) => template.strong_count() > 0,
        }
    }
}

/// A module that has been read and checked.
pub(crate) enum Loading {
    Ready(Arc<Template>),
    Compiling(Compiling),
}

/// A module that waits to be compiled, or is being compiled. It waits no longer once all of these are dropped.
pub(crate) struct Compiling {
    ticket: Arc<Ticket>,
    min_memory: u64,
}

impl Compiling {
    /// Checks that an agent with these limits can begin with this module.
    pub fn check_limits(&self, limits: &Limits) -> Result<(), Error> {
        check_memory(self.min_memory, limits)
    }

    /// Waits until it is compiled.
    ///
    /// # Cancel safety
    ///
    /// It is not compiled if it waits still, and nobody else waits for it.
    pub async fn finished(self) -> Result<Arc<Template>, Error> {
        self.ticket.outcome().await
    }
}

impl Template {
    /// Reads a module or component: WebAssembly, or its text format. One that was compiled before is loaded; another is
    /// checked, and joins the queue of what is to be compiled. Reading takes up to a second, so this is not to be called
    /// on a thread that has other work.
    ///
    /// # Errors
    ///
    /// `InvalidModule` if it cannot be an agent or compiling it costs more than `limits` allow, `LimitExceeded` if there
    /// is no place for it.
    pub fn load(engine: &Lease, source: &[u8], limits: &CompileLimits) -> Result<Loading, Error> {
        let wasm = to_binary(source)?;
        let hash: [u8; 32] = Sha256::digest(&wasm).into();
        let slot = engine.template_slot(hash);
        let mut kept = slot.lock();
        let check = |found: Estimate| {
            if found.is_within(limits) { Ok(()) } else { Err(too_dear(&wasm, limits)) }
        };
        match &*kept {
            Slot::Made(template) => {
                if let Some(template) = template.upgrade() {
                    check(template.estimate)?;
                    return Ok(Loading::Ready(template));
                }
            }
            Slot::Compiling(ticket) => {
                if let Some(ticket) = ticket.upgrade() {
                    check(ticket.estimate)?;
                    let min_memory = component::min_memory(&wasm)?;
                    return Ok(Loading::Compiling(Compiling { ticket, min_memory }));
                }
            }
            Slot::Empty => {}
        }
        if let Some((estimate, artifact)) = Artifact::load(engine, &wasm, &hash) {
            check(estimate)?;
            let code = artifact.link(&wasm)?;
            let template = Template { code, hash, estimate, _maps: engine.maps_of_module()? };
            let template = Arc::new(template);
            *kept = Slot::Made(Arc::downgrade(&template));
            return Ok(Loading::Ready(template));
        }
        let (estimate, plan) = Plan::make(engine, &wasm, limits)?;
        let min_memory = component::min_memory(&wasm)?;
        let maps = engine.maps_of_module()?;
        let (leased, place) = (engine.clone(), slot.clone());
        let work = move |ticket: &Ticket| {
            let made = plan.compile(&leased).map(|(artifact, code)| {
                leased.disk().keep(&hash, &estimate, &artifact);
                Arc::new(Template { code, hash, estimate, _maps: maps })
            });
            *place.lock() = match &made {
                Ok(template) => Slot::Made(Arc::downgrade(template)),
                Err(_) => Slot::Empty,
            };
            ticket.tell(made);
        };
        let ticket = engine.compilers().submit(estimate, Box::new(work))?;
        *kept = Slot::Compiling(Arc::downgrade(&ticket));
        Ok(Loading::Compiling(Compiling { ticket, min_memory }))
    }

    /// The template of a small module that an agent runs already. Does nothing that takes longer than a tick, and
    /// waits for nobody.
    pub fn of_small(engine: &Lease, source: &[u8], limits: &CompileLimits) -> Option<Arc<Self>> {
        let most = if source.starts_with(MAGIC) { SMALL_BYTES } else { SMALL_TEXT_BYTES };
        if source.len() > most {
            return None;
        }
        let wasm = to_binary(source).ok()?;
        let slot = engine.known_slot(&Sha256::digest(&wasm).into())?;
        let kept = slot.try_lock()?;
        let Slot::Made(template) = &*kept else { return None };
        template.upgrade().filter(|template| template.is_within(limits))
    }

    /// The same as [`Template::load`], and waits until it is compiled.
    pub fn load_now(
        engine: &Lease,
        source: &[u8],
        limits: &CompileLimits,
    ) -> Result<Arc<Self>, Error> {
        match Self::load(engine, source, limits)? {
            Loading::Ready(template) => Ok(template),
            Loading::Compiling(compiling) => crate::blocking::block_on(compiling.finished()),
        }
    }

    /// Whether compiling it was to cost no more than `limits` allow.
    pub fn is_within(&self, limits: &CompileLimits) -> bool {
        self.estimate.is_within(limits)
    }

    /// Whether it was compiled by this engine.
    pub fn is_of(&self, engine: &Lease) -> bool {
        let own = match &self.code {
            Code::Module(pre, _) => pre.module().engine(),
            Code::Component(pre, _) => pre.engine(),
        };
        wasmtime::Engine::same(own, engine.wasmtime())
    }

    /// Checks that an agent with these limits can begin with this module.
    pub fn check_limits(&self, limits: &Limits) -> Result<(), Error> {
        let needed = match &self.code {
            Code::Module(_, facts) => facts.min_memory,
            Code::Component(_, facts) => facts.min_memory,
        };
        check_memory(needed, limits)
    }

    /// How many memories an instance has.
    pub(super) fn memories(&self) -> usize {
        match &self.code {
            Code::Module(..) => 1,
            Code::Component(_, facts) => facts.memories.max(1),
        }
    }

    /// How many tables an instance has.
    pub(super) fn tables(&self) -> usize {
        match &self.code {
            Code::Module(pre, _) => pre.module().resources_required().num_tables as usize,
            Code::Component(_, facts) => facts.tables,
        }
    }

    /// Whether the module has what a timer calls.
    pub fn has_timer_handler(&self) -> bool {
        match &self.code {
            Code::Module(_, facts) => facts.exports.handle_timer.is_some(),
            Code::Component(_, facts) => facts.handle_timer.is_some(),
        }
    }

    /// Whether a guest of this module may wait in a host call of WASI's, which needs tokio around it.
    pub fn uses_wasi(&self) -> bool {
        match &self.code {
            Code::Module(_, facts) => facts.uses_wasi,
            // There is hardly one that does not.
            Code::Component(..) => true,
        }
    }
}

fn check_memory(needed: u64, limits: &Limits) -> Result<(), Error> {
    let ceiling = limits.memory_ceiling();
    if needed <= ceiling {
        return Ok(());
    }
    let text = format!(
        "the module begins with {needed} bytes of memory, which is above its limit of {ceiling}; \
         raise max_memory_bytes, or build it with a smaller stack (-zstack-size=65536)"
    );
    Err(Error::new(ErrorKind::LimitExceeded, text).with_limit("memory", ceiling, needed))
}

/// What the compiler makes.
pub(super) enum Artifact {
    Module(Module),
    Component(Component),
}

impl Artifact {
    /// What is kept on disk for this module, with what compiling it was to cost.
    fn load(engine: &Lease, wasm: &[u8], hash: &[u8; 32]) -> Option<(Estimate, Self)> {
        if is_component(wasm) {
            let (estimate, component) = engine.disk().load(engine.wasmtime(), hash)?;
            Some((estimate, Artifact::Component(component)))
        } else {
            let (estimate, module) = engine.disk().load(engine.wasmtime(), hash)?;
            Some((estimate, Artifact::Module(module)))
        }
    }

    /// That of the skeleton of a valid module or component, which says what can be known of it without its code.
    pub fn of_skeleton(engine: &Lease, wasm: &[u8]) -> Result<Self, Error> {
        let (wasmtime, skeleton) = (engine.wasmtime(), skeleton(wasm)?);
        if is_component(wasm) {
            let component = Component::from_binary(wasmtime, &skeleton);
            component.map(Artifact::Component).map_err(cannot_run)
        } else {
            let module = Module::from_binary(wasmtime, &skeleton).map_err(cannot_run)?;
            match module.resources_required().num_memories {
                0 | 1 => Ok(Artifact::Module(module)),
                memories => Err(cannot_run(format_args!(
                    "it has {memories} memories, and a module has one"
                ))),
            }
        }
    }

    /// Links it, and reads from `wasm` what else an agent needs; all that is wrong is said at once.
    fn link(&self, wasm: &[u8]) -> Result<Code, Error> {
        match self {
            Artifact::Module(module) => {
                Self::link_module(module, module::Facts::read(module, wasm))
            }
            Artifact::Component(component) => {
                match (component::link(component), component::Facts::read(component, wasm)) {
                    (Ok(pre), Ok(facts)) => Ok(Code::Component(pre, facts)),
                    (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
                    (Err(imports), Err(exports)) => Err(both(&imports, &exports)),
                }
            }
        }
    }

    fn link_module(module: &Module, facts: Result<module::Facts, Error>) -> Result<Code, Error> {
        let (linker, facts) = match (module::link(module), facts) {
            (Ok(linker), Ok(facts)) => (linker, facts),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
            (Err(imports), Err(exports)) => return Err(both(&imports, &exports)),
        };
        let pre = linker.instantiate_pre(module).map_err(|e| {
            Error::new(ErrorKind::InvalidModule, format!("the module cannot be linked: {e:#}"))
        })?;
        Ok(Code::Module(pre, facts))
    }
}

/// A module that is found to be an agent's, ready to be compiled.
enum Plan {
    /// As it is compiled: with its allocations counted, and long operations on memory in pieces.
    Module(Vec<u8>, module::Facts),
    Component(Vec<u8>),
}

impl Plan {
    /// Checks all that can be checked without compiling.
    fn make(
        engine: &Lease,
        wasm: &[u8],
        limits: &CompileLimits,
    ) -> Result<(Estimate, Self), Error> {
        vet(wasm)?;
        let estimate = estimate(wasm)?;
        if !estimate.is_within(limits) {
            return Err(too_dear(wasm, limits));
        }
        let named = |wasm| if engine.is_profiled() { frames::with_plain_names(wasm) } else { wasm };
        let plan = match Artifact::of_skeleton(engine, wasm)?.link(wasm)? {
            Code::Module(_, facts) => {
                let wasm = module::ration(&module::in_pieces(wasm).map_err(cannot_run)?)?;
                Plan::Module(named(module::without_externref(wasm)), facts)
            }
            Code::Component(..) => Plan::Component(named(component::in_pieces(wasm)?)),
        };
        Ok((estimate, plan))
    }

    fn compile(self, engine: &Lease) -> Result<(Artifact, Code), Error> {
        let wasmtime = engine.wasmtime();
        match self {
            Plan::Module(wasm, facts) => {
                let module = Module::from_binary(wasmtime, &wasm).map_err(cannot_run)?;
                let code = Artifact::link_module(&module, Ok(facts))?;
                Ok((Artifact::Module(module), code))
            }
            Plan::Component(wasm) => {
                let component = Component::from_binary(wasmtime, &wasm).map_err(cannot_run)?;
                let artifact = Artifact::Component(component);
                let code = artifact.link(&wasm)?;
                Ok((artifact, code))
            }
        }
    }
}

/// Refuses what has a shape that no toolchain makes, and that would cost the host its stack or its memory.
pub(super) fn vet(wasm: &[u8]) -> Result<(), Error> {
    if is_component(wasm) { component::vet(wasm) } else { module::vet(wasm) }
}

/// All that is wrong is said at once.
fn both(imports: &Error, exports: &Error) -> Error {
    unfit("cannot be an agent", [imports.missing(), exports.missing()].concat())
}

/// The error of a module that is not valid, or not here.
pub(super) fn cannot_run(error: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::InvalidModule,
        format!("this is not a module that can run here: {error:#}"),
    )
}

/// Whether it is a component, and else a module.
pub(super) fn is_component(wasm: &[u8]) -> bool {
    wasm.strip_prefix(MAGIC).is_some_and(|rest| rest.starts_with(COMPONENT))
}

/// The error of a module that cannot be an agent, with one line for each thing that is wrong.
pub(in crate::sandbox) fn unfit(what: &str, missing: Vec<String>) -> Error {
    let mut text = format!("this module {what}:");
    for line in missing.iter().take(40) {
        text.push_str("\n  ");
        text.push_str(line);
    }
    if missing.len() > 40 {
        text.push_str(&format!("\n  and {} more", missing.len() - 40));
    }
    Error::new(ErrorKind::InvalidModule, text).with_missing(missing)
}

/// The binary form of a module that may be text.
pub(super) fn to_binary(source: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let invalid = |text: String| Err(Error::new(ErrorKind::InvalidModule, text));
    if source.len() > MAX_MODULE_BYTES {
        return invalid(format!(
            "the module is {} bytes long, and {MAX_MODULE_BYTES} is the most",
            source.len()
        ));
    }
    if source.starts_with(MAGIC) {
        return Ok(Cow::Borrowed(source));
    }
    let Ok(text) = std::str::from_utf8(source) else {
        return invalid(format!(
            "this is not WebAssembly: it begins with {:02x?}, expected `\\0asm` or the text format",
            &source[..source.len().min(4)]
        ));
    };
    if !text.trim_start().starts_with(['(', ';']) {
        let shown: String = text.trim_start().chars().take(40).collect();
        return invalid(format!(
            "this is not WebAssembly: it begins with {shown:?}, expected `\\0asm` or the text format"
        ));
    }
    if text.len() > MAX_COMPONENT_TEXT_BYTES && is_component_text(text) {
        return invalid(format!(
            "the text of the component is {} bytes long, and {MAX_COMPONENT_TEXT_BYTES} is the most; \
             give the binary form",
            text.len()
        ));
    }
    match wat::parse_str(text) {
        Ok(binary) => Ok(Cow::Owned(binary)),
        Err(error) => invalid(format!("this is not WebAssembly's text format: {error}")),
    }
}

/// Whether a text is that of a component. A module can be written without a word for it, a component cannot.
fn is_component_text(text: &str) -> bool {
    text.contains("component")
}
