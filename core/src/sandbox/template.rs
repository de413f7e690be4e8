//! Templates: modules that are compiled, checked and linked, ready to be instantiated.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{InstancePre, Module};

use super::cache::Compiled;
use super::engine::{Lease, Maps};
use super::host::Host;
use super::{component, module};
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;

/// The largest module or component, in bytes.
const MAX_MODULE_BYTES: usize = 64 << 20;
/// The longest text format of a component, in bytes: reading it takes time that grows faster than it does.
const MAX_COMPONENT_TEXT_BYTES: usize = 256 << 10;
const MAGIC: &[u8; 4] = b"\0asm";
/// The version and layer that follow the magic in a component.
const COMPONENT: &[u8; 4] = &[0x0d, 0, 1, 0];

/// One module or component, compiled once for the process.
pub(crate) struct Template {
    pub(super) code: Code,
    /// SHA-256 of the binary form.
    pub hash: [u8; 32],
    _maps: Maps,
}

/// What is instantiated.
pub(super) enum Code {
    Module(InstancePre<Host>, module::Facts),
    Component(wasmtime::component::InstancePre<Host>, component::Facts),
}

impl Template {
    /// Loads a module or component: WebAssembly, or its text format. Compiling takes long, so this is not to be
    /// called on a thread that has other work.
    pub fn load(engine: &Lease, source: &[u8]) -> Result<Arc<Self>, Error> {
        let wasm = to_binary(source)?;
        let hash: [u8; 32] = Sha256::digest(&wasm).into();
        let slot = engine.template_slot(hash);
        let mut kept = slot.lock();
        if let Some(template) = kept.upgrade() {
            return Ok(template);
        }
        let maps = engine.maps_of_module()?;
        let code = if is_component(&wasm) {
            load_component(engine, &wasm, &hash)?
        } else {
            load_module(engine, &wasm, &hash)?
        };
        let template = Arc::new(Template { code, hash, _maps: maps });
        *kept = Arc::downgrade(&template);
        Ok(template)
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

fn load_module(engine: &Lease, wasm: &[u8], hash: &[u8; 32]) -> Result<Code, Error> {
    let module = cached(engine, hash, || {
        // As it is, before anything is added to it.
        Module::validate(engine.wasmtime(), wasm).map_err(cannot_run)?;
        compile(engine, &module::ration(wasm)?)
    })?;
    let (linker, facts) = match (module::link(&module), module::Facts::read(&module, wasm)) {
        (Ok(linker), Ok(facts)) => (linker, facts),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        (Err(imports), Err(exports)) => return Err(both(&imports, &exports)),
    };
    let pre = linker.instantiate_pre(&module).map_err(|e| {
        Error::new(ErrorKind::InvalidModule, format!("the module cannot be linked: {e:#}"))
    })?;
    Ok(Code::Module(pre, facts))
}

fn load_component(engine: &Lease, wasm: &[u8], hash: &[u8; 32]) -> Result<Code, Error> {
    let component = cached(engine, hash, || compile_component(engine, wasm))?;
    match (component::link(&component), component::Facts::read(&component, wasm)) {
        (Ok(pre), Ok(facts)) => Ok(Code::Component(pre, facts)),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        (Err(imports), Err(exports)) => Err(both(&imports, &exports)),
    }
}

/// What is kept under `hash`, or else compiled and kept.
fn cached<C: Compiled + Send>(
    engine: &Lease,
    hash: &[u8; 32],
    compile: impl FnOnce() -> Result<C, Error> + Send,
) -> Result<C, Error> {
    if let Some(compiled) = engine.disk().load(engine.wasmtime(), hash) {
        return Ok(compiled);
    }
    let compiled = on_threads(compile)?;
    engine.disk().keep(hash, &compiled);
    Ok(compiled)
}

/// All that is wrong is said at once.
fn both(imports: &Error, exports: &Error) -> Error {
    unfit("cannot be an agent", [imports.missing(), exports.missing()].concat())
}

fn cannot_run(error: wasmtime::Error) -> Error {
    Error::new(
        ErrorKind::InvalidModule,
        format!("this is not a module that can run here: {error:#}"),
    )
}

pub(super) fn compile(engine: &Lease, wasm: &[u8]) -> Result<Module, Error> {
    module::vet(wasm)?;
    let module = Module::from_binary(engine.wasmtime(), wasm).map_err(cannot_run)?;
    match module.resources_required().num_memories {
        0 | 1 => Ok(module),
        memories => Err(cannot_run(wasmtime::Error::msg(format!(
            "it has {memories} memories, and a module has one"
        )))),
    }
}

pub(super) fn compile_component(engine: &Lease, wasm: &[u8]) -> Result<Component, Error> {
    component::vet(wasm)?;
    Component::from_binary(engine.wasmtime(), wasm).map_err(cannot_run)
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

/// Lets wasmtime work on threads that end with the work: those of a pool for the whole process would
/// outlive every runtime. A panic of the compiler's is an error of this module alone.
pub(super) fn on_threads<T: Send>(
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let internal = |text: String| Error::new(ErrorKind::Internal, text);
    let threads = rayon::ThreadPoolBuilder::new().thread_name(|_| "caxton-compile".to_owned());
    let pool = threads.build().map_err(|error| {
        internal(format!("the system gives no threads to compile with: {error}"))
    })?;
    pool.install(|| catch_unwind(AssertUnwindSafe(work))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text =
            text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(internal(format!("the compiler failed on this module: {text}")))
    })
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
