//! Templates: modules that are compiled, checked and linked, ready to be instantiated.

use std::borrow::Cow;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::{InstancePre, Module};

use super::engine::{Lease, Maps};
use super::host::Host;
use super::link::link;
use super::module::{Facts, MAX_MODULE_BYTES, unfit};
use super::ration::ration;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;

const MAGIC: &[u8; 4] = b"\0asm";
/// The version and layer that follow the magic in a component.
const COMPONENT: &[u8; 4] = &[0x0d, 0, 1, 0];

/// One module, compiled once for the process.
pub(crate) struct Template {
    pub(super) pre: InstancePre<Host>,
    pub(super) facts: Facts,
    /// SHA-256 of the binary form.
    pub hash: [u8; 32],
    _maps: Maps,
}

impl Template {
    /// Loads a module: WebAssembly, or its text format. Compiling takes long, so this is not to be
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
        let module = match engine.disk().load(engine.wasmtime(), &hash) {
            Some(module) => module,
            None => {
                let module = on_threads(|| {
                    // As it is, before anything is added to it.
                    Module::validate(engine.wasmtime(), &wasm).map_err(cannot_run)?;
                    compile(engine, &ration(&wasm)?)
                })?;
                engine.disk().keep(&hash, &module);
                module
            }
        };
        let (linker, facts) = match (link(&module), Facts::read(&module, &wasm)) {
            (Ok(linker), Ok(facts)) => (linker, facts),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
            // All that is wrong is said at once.
            (Err(imports), Err(exports)) => {
                let missing = [imports.missing(), exports.missing()].concat();
                return Err(unfit("cannot be an agent", missing));
            }
        };
        let pre = linker.instantiate_pre(&module).map_err(|e| {
            Error::new(ErrorKind::InvalidModule, format!("the module cannot be linked: {e:#}"))
        })?;
        let template = Arc::new(Template { pre, facts, hash, _maps: maps });
        *kept = Arc::downgrade(&template);
        Ok(template)
    }

    /// Whether it was compiled by this engine.
    pub fn is_of(&self, engine: &Lease) -> bool {
        wasmtime::Engine::same(self.pre.module().engine(), engine.wasmtime())
    }

    /// Checks that an agent with these limits can begin with this module.
    pub fn check_limits(&self, limits: &Limits) -> Result<(), Error> {
        let (needed, ceiling) = (self.facts.min_memory, limits.memory_ceiling());
        if needed <= ceiling {
            return Ok(());
        }
        let text = format!(
            "the module begins with {needed} bytes of memory, which is above its limit of {ceiling}; \
             raise max_memory_bytes, or build it with a smaller stack (-zstack-size=65536)"
        );
        Err(Error::new(ErrorKind::LimitExceeded, text).with_limit("memory", ceiling, needed))
    }

    /// Whether the module has what a timer calls.
    pub fn has_timer_handler(&self) -> bool {
        self.facts.exports.handle_timer.is_some()
    }

    /// Whether a guest of this module may wait in a host call of WASI's, which needs tokio around it.
    pub fn uses_wasi(&self) -> bool {
        self.facts.uses_wasi
    }
}

fn cannot_run(error: wasmtime::Error) -> Error {
    Error::new(
        ErrorKind::InvalidModule,
        format!("this is not a module that can run here: {error:#}"),
    )
}

pub(super) fn compile(engine: &Lease, wasm: &[u8]) -> Result<Module, Error> {
    Module::from_binary(engine.wasmtime(), wasm).map_err(cannot_run)
}

/// Lets wasmtime work on threads that end with the work: those of a pool for the whole process would
/// outlive every runtime.
pub(super) fn on_threads<T: Send>(
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let threads = rayon::ThreadPoolBuilder::new().thread_name(|_| "caxton-compile".to_owned());
    match threads.build() {
        Ok(pool) => pool.install(work),
        Err(error) => Err(Error::new(
            ErrorKind::Internal,
            format!("the system gives no threads to compile with: {error}"),
        )),
    }
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
    if let Some(rest) = source.strip_prefix(MAGIC) {
        if rest.starts_with(COMPONENT) {
            return invalid(
                "this is a component, expected a core module with the agent's exports".to_owned(),
            );
        }
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
    match wat::parse_str(text) {
        Ok(binary) => Ok(Cow::Owned(binary)),
        Err(error) => invalid(format!("this is not WebAssembly's text format: {error}")),
    }
}
