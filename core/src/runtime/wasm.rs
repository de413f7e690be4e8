//! Where a module comes from.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::SemaphorePermit;

use super::core::Core;
use crate::compile_limits::CompileLimits;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::release::release_now;
use crate::sandbox::{Compiling, Inspection, Loading, Template, inspect};

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

/// A module that was read away from the calling thread.
enum Read {
    Ready(Loaded),
    Compiling(Compiling, Bytes),
}

impl Core {
    /// Reads a module away from the calling thread, and waits until it is compiled, unless it was before. It has to fit an
    /// agent with `limits`. `deployer` is the id of the agent that has ordered it, if one has: such modules are read one
    /// at a time.
    ///
    /// # Cancel safety
    ///
    /// What waits to be compiled is not compiled; what is being compiled goes on to its end.
    pub async fn load(
        &self,
        wasm: Wasm,
        deployer: Option<&str>,
        compile_limits: &CompileLimits,
        limits: &Limits,
    ) -> Result<Loaded, Error> {
        let loaded = match self.loaded_before(&wasm, compile_limits) {
            Some(loaded) => loaded,
            None => {
                let (memory, file) = match &wasm.0 {
                    Source::Memory(module) => (Some(module.clone()), None),
                    Source::File(path) => (None, Some(path.clone())),
                    Source::Loaded(_) => (None, None),
                };
                let read = {
                    let _turn = self.turn_to_read(deployer).await?;
                    self.read(wasm, compile_limits.clone()).await?
                };
                let loaded = match read {
                    Read::Ready(loaded) => loaded,
                    Read::Compiling(compiling, wasm) => {
                        compiling.check_limits(limits)?;
                        tokio::select! {
                            template = compiling.finished() => {
                                let template = template.map_err(|error| match &file {
                                    Some(path) => error.about(path.display()),
                                    None => error,
                                })?;
                                Loaded { template, wasm }
                            }
                            () = self.closing() => return Err(Error::closed()),
                        }
                    }
                };
                if let Some(module) = memory {
                    *module.template.lock() = Arc::downgrade(&loaded.template);
                }
                loaded
            }
        };
        loaded.template.check_limits(limits)?;
        Ok(loaded)
    }

    /// What needs no reading, because an agent has it: it does not wait for what others have read.
    fn loaded_before(&self, wasm: &Wasm, compile_limits: &CompileLimits) -> Option<Loaded> {
        match &wasm.0 {
            Source::Loaded(loaded) => Some(loaded.clone()),
            Source::Memory(module) => {
                let known = module.template.lock().upgrade();
                // Why one costs too much is found out by reading it.
                let known = known.filter(|template| {
                    template.is_of(&self.engine) && template.is_within(compile_limits)
                });
                let template = match known {
                    Some(template) => template,
                    None => {
                        let found = Template::of_small(&self.engine, &module.bytes, compile_limits);
                        found.inspect(|template| {
                            *module.template.lock() = Arc::downgrade(template);
                        })?
                    }
                };
                let keeps_bytes = self.journal.is_some();
                let bytes = keeps_bytes.then(|| Bytes::from_owner(module.bytes.clone()));
                Some(Loaded { template, wasm: bytes.unwrap_or_default() })
            }
            Source::File(_) => None,
        }
    }

    /// Waits until a module that this agent has ordered may be read; the program's own have the other threads for
    /// themselves, and do not wait.
    async fn turn_to_read(
        &self,
        deployer: Option<&str>,
    ) -> Result<Option<SemaphorePermit<'_>>, Error> {
        let Some(deployer) = deployer else { return Ok(None) };
        let turn = self.agents_modules.acquire().await.map_err(|_| Error::closed())?;
        if self.directory.find(deployer).is_none() {
            let text = "the agent that ordered the deployment has been removed";
            return Err(Error::new(ErrorKind::AgentNotFound, text));
        }
        Ok(Some(turn))
    }

    async fn read(&self, wasm: Wasm, compile_limits: CompileLimits) -> Result<Read, Error> {
        let keeps_bytes = self.journal.is_some();
        let engine = self.engine.clone();
        let reading = self.io.spawn_blocking(move || {
            let read = wasm.read(|bytes| {
                let loading = Template::load(&engine, bytes, &compile_limits)?;
                let wasm = if keeps_bytes { Bytes::copy_from_slice(bytes) } else { Bytes::new() };
                Ok(match loading {
                    Loading::Ready(template) => Read::Ready(Loaded { template, wasm }),
                    Loading::Compiling(compiling) => Read::Compiling(compiling, wasm),
                })
            });
            if !matches!(read, Ok(Read::Ready(_))) {
                // A module that is not known was read through, and written anew.
                release_now();
            }
            read
        });
        // A join error is a panic of ours, or the runtime's end.
        reading.await.unwrap_or_else(|error| {
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
