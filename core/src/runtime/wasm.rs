//! Where a module comes from.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

use super::core::Core;
use crate::error::{Error, ErrorKind};
use crate::sandbox::{Inspection, Template, inspect};

/// A module: WebAssembly, or its text format, in a file or in memory. One in memory, and its clones, is
/// looked at once, however often it is deployed while an agent runs it.
#[derive(Debug, Clone)]
pub struct Wasm(Source);

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Memory(Arc<InMemory>),
    Loaded(Loaded),
}

/// A module in memory, and what it was compiled to last.
struct InMemory {
    bytes: Arc<[u8]>,
    template: Mutex<Weak<Template>>,
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes)", self.bytes.len())
    }
}

impl Wasm {
    /// A module in a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Wasm(Source::File(path.into()))
    }

    /// A module in memory.
    pub fn bytes(wasm: impl Into<Arc<[u8]>>) -> Self {
        Wasm(Source::Memory(Arc::new(InMemory { bytes: wasm.into(), template: Mutex::default() })))
    }

    /// The module that another agent has.
    pub(crate) fn loaded(loaded: Loaded) -> Self {
        Wasm(Source::Loaded(loaded))
    }

    /// A path, or a module in the text format: text that begins with `(` or `;` is a module.
    pub fn path_or_text(text: &str) -> Self {
        if text.trim_start().starts_with(['(', ';']) {
            Self::bytes(text.as_bytes())
        } else {
            Self::file(text)
        }
    }

    /// Looks at the module without deploying it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidModule`] if the file cannot be read, or holds no valid module at all.
    pub fn inspect(&self) -> Result<Inspection, Error> {
        self.read(inspect)
    }

    /// Gives the module's bytes to `load`. Errors of a file name it.
    fn read<T>(&self, load: impl FnOnce(&[u8]) -> Result<T, Error>) -> Result<T, Error> {
        match &self.0 {
            Source::Memory(module) => load(&module.bytes),
            Source::Loaded(loaded) => load(&loaded.wasm),
            Source::File(path) => {
                let bytes = std::fs::read(path).map_err(|error| {
                    let text = format!("{} cannot be read: {error}", path.display());
                    Error::new(ErrorKind::InvalidModule, text)
                })?;
                load(&bytes).map_err(|error| error.about(path.display()))
            }
        }
    }
}

/// A module that is ready to be deployed, with its bytes where a store will want them.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub template: Arc<Template>,
    pub wasm: Bytes,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").finish_non_exhaustive()
    }
}

impl Core {
    /// Compiles a module, away from the calling thread.
    pub async fn load(&self, wasm: Wasm) -> Result<Loaded, Error> {
        let keeps_bytes = self.journal.is_some();
        match &wasm.0 {
            Source::Loaded(loaded) => return Ok(loaded.clone()),
            Source::Memory(module) => {
                let template = module.template.lock().upgrade();
                if let Some(template) = template.filter(|it| it.is_of(&self.engine)) {
                    let bytes = keeps_bytes.then(|| Bytes::from_owner(module.bytes.clone()));
                    return Ok(Loaded { template, wasm: bytes.unwrap_or_default() });
                }
            }
            Source::File(_) => {}
        }
        let engine = self.engine.clone();
        let loading = self.io.spawn_blocking(move || {
            let loaded = wasm.read(|bytes| {
                let template = Template::load(&engine, bytes)?;
                let wasm = if keeps_bytes { Bytes::copy_from_slice(bytes) } else { Bytes::new() };
                Ok(Loaded { template, wasm })
            })?;
            if let Source::Memory(module) = &wasm.0 {
                *module.template.lock() = Arc::downgrade(&loaded.template);
            }
            Ok(loaded)
        });
        // A join error is a panic of ours, or the runtime's end.
        loading.await.unwrap_or_else(|error| {
            Err(if error.is_panic() {
                Error::new(
                    ErrorKind::Internal,
                    "the runtime itself failed while it loaded a module",
                )
            } else {
                Error::closed()
            })
        })
    }
}
