//! Setting up a runtime.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::core::{Core, CoreParts};
use super::following::Protocols;
use super::reopen::{Restore, Restored};
use super::{Owner, Runtime};
use crate::compile_limits::CompileLimits;
use crate::error::{Error, ErrorKind};
use crate::grants::{Bound, Ceiling};
use crate::limits::Limits;
use crate::message::{ContentLimits, name};
use crate::sandbox::{Engine, Profile};
use crate::store::{Durability, Hook, Sqlite};

/// Number of threads for what components read and write through streams without waiting for it; other calls on files
/// have [`crate::files`].
const FILE_THREADS: usize = 16;

/// The options of a runtime.
#[derive(Clone)]
pub struct Builder {
    name: String,
    limits: Limits,
    compile_limits: CompileLimits,
    content_limits: Option<ContentLimits>,
    workers: Option<usize>,
    max_agents: usize,
    seed: Option<u64>,
    store: Option<PathBuf>,
    durability: Durability,
    profile: Option<Profile>,
    protocols: Protocols,
    ceiling: Option<Ceiling>,
    hook: Option<Hook>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            name: name::HOST.to_owned(),
            limits: Limits::default(),
            compile_limits: CompileLimits::default(),
            content_limits: None,
            workers: None,
            max_agents: 12_000,
            seed: None,
            store: None,
            durability: Durability::default(),
            profile: None,
            protocols: Protocols::default(),
            ceiling: None,
            hook: None,
        }
    }
}

impl Builder {
    /// The name of this program, as the sender of its messages; `host` by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The limits of agents that are deployed without limits of their own. Their `max_message_bytes`
    /// also applies to this program's messages, and their mailbox limits to host agents.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The compile limits of modules that are deployed without compile limits of their own, come from a
    /// store, or replace an agent's code.
    #[must_use]
    pub fn compile_limits(mut self, limits: CompileLimits) -> Self {
        self.compile_limits = limits;
        self
    }

    /// The content limits of messages to and from agents without content limits of their own, and of
    /// messages that this program sends to topics, in broadcasts and to host agents. A message above
    /// them is refused when it is sent. By default there are none.
    #[must_use]
    pub fn content_limits(mut self, limits: ContentLimits) -> Self {
        self.content_limits = Some(limits);
        self
    }

    /// The number of threads that run agents; the number of processors by default.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The most agents that can be deployed at once; 12,000 by default.
    #[must_use]
    pub fn max_agents(mut self, max_agents: usize) -> Self {
        self.max_agents = max_agents;
        self
    }

    /// Seeds randomness and ids, so that they are the same in each run.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The file that keeps agents with their data, timers and subscriptions, and messages. It is made if
    /// it does not exist; otherwise everything in it is brought back. One runtime at a time can open it.
    #[must_use]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(path.into());
        self
    }

    /// The bound on grants and limits that come from a store or through `ams`, not from a call of this
    /// program. Without one, an agent of a store that was granted folders, environment variables, this
    /// program's own output or `directory_admin` comes back suspended, and the event `suspended` reports
    /// it; its limits are kept.
    #[must_use]
    pub fn ceiling(mut self, ceiling: Ceiling) -> Self {
        self.ceiling = Some(ceiling);
        self
    }

    /// The failures that a finished commit survives; [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Writes a file about the code of this runtime's agents, so that Linux's `perf` can name it.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// The treatment of messages that their protocol does not allow; [`Protocols::Observe`] by default.
    #[must_use]
    pub fn protocols(mut self, protocols: Protocols) -> Self {
        self.protocols = protocols;
        self
    }

    /// Calls `hook` at each named point of a commit.
    #[doc(hidden)]
    #[must_use]
    pub fn commit_hook(mut self, hook: Hook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if an option is out of its range or this system has no such profile, `Store` if
    /// the store cannot be opened, `PermissionDenied` if it is in a folder that an agent has been granted,
    /// `Internal` if the system gives no threads, `Closed` in a forked child of a process that had a
    /// runtime.
    pub fn build(self) -> Result<Runtime, Error> {
        crate::fork::check()?;
        self.limits.check()?;
        self.content_limits.as_ref().map_or(Ok(()), ContentLimits::check)?;
        name::check(&self.name)?;
        if name::is_reserved(&self.name) && self.name != name::HOST {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{:?} is a name of the runtime; choose another", self.name),
            ));
        }
        let workers = match self.workers {
            Some(0) => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    "workers is 0, expected 1 or more",
                ));
            }
            Some(workers) => workers,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let find_ceiling = |stored: &HashSet<PathBuf>| {
            let found = self.ceiling.clone().map(|ceiling| Bound::find(ceiling, stored));
            found.transpose().map_err(|error| error.about("the ceiling"))
        };
        // A wrong ceiling is found before a store is made.
        let mut ceiling = find_ceiling(&HashSet::new())?;
        crate::fork::starting();
        let no_threads = |error: std::io::Error| {
            Error::new(ErrorKind::Internal, format!("the system gives no threads: {error}"))
        };
        let store = match &self.store {
            Some(path) => Some(Sqlite::open(path, self.durability, self.hook.clone())?),
            None => None,
        };
        let (storage, mut contents) = store.unzip();
        let writable = contents.as_mut().map(|it| std::mem::take(&mut it.writable));
        let leftovers = contents.as_mut().map(|it| std::mem::take(&mut it.leftovers));
        let leftovers = leftovers.unwrap_or_default();
        let marks = contents.as_ref().map(|contents| (contents.next_row, contents.next_serial));
        let engine = Engine::lease(self.profile)?;
        let restored = match (contents, &self.store) {
            (Some(contents), Some(path)) => {
                let restore = Restore {
                    engine: &engine,
                    name: &self.name,
                    most: self.max_agents,
                    compile_limits: &self.compile_limits,
                };
                Some(restore.check(contents).map_err(|error| refused(path, &error))?)
            }
            _ => None,
        };
        let mut writable = writable.unwrap_or_default();
        writable.extend(restored.iter().flat_map(Restored::writable));
        if !writable.is_empty() {
            ceiling = find_ceiling(&writable)?;
        }
        // Everything in the store has been checked.
        if let Some(storage) = &storage {
            storage.update(&leftovers)?;
        }
        let running = engine.run()?;
        let io = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("caxton-io")
            .on_thread_park(crate::release::release)
            .enable_time()
            .build()
            .map_err(no_threads)?;
        let wasi_io = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(FILE_THREADS)
            .thread_name("caxton-files")
            .on_thread_park(crate::release::release)
            .enable_time()
            .build()
            .map_err(no_threads)?;
        let core = Core::new(CoreParts {
            engine,
            running,
            io,
            wasi_io,
            name: self.name,
            limits: self.limits,
            compile_limits: self.compile_limits,
            content_limits: self.content_limits,
            max_agents: self.max_agents,
            workers,
            protocols: self.protocols,
            seed: self.seed,
            ceiling,
            store: marks,
            writable,
        });
        if let Err(error) = core.scheduler.start(&core.engine, &core.wasi_io) {
            core.scheduler.stop();
            return Err(no_threads(error));
        }
        core.io.spawn(core.timers.clone().run(core.source.clone()));
        core.io.spawn(Core::watch_deadlines(Arc::downgrade(&core)));
        core.io.spawn(Core::tell_searches(Arc::downgrade(&core)));
        let runtime = Runtime { owner: Arc::new(Owner(core.clone())) };
        core.enter_services();
        // Nothing is written before everything is there.
        if let (Some(restored), Some(path)) = (restored, &self.store) {
            core.bring_back(restored).map_err(|error| refused(path, &error))?;
        }
        if let (Some(journal), Some(storage)) = (&core.journal, storage) {
            journal.start(&core, Box::new(storage)).map_err(no_threads)?;
        }
        Ok(runtime)
    }
}

/// The error for a store whose contents cannot be brought back.
fn refused(path: &Path, error: &Error) -> Error {
    let (path, wrong) = (path.display(), error.message());
    let text = format!("the store {path} cannot be opened: {wrong}; nothing in it was changed");
    Error::new(ErrorKind::Store, text)
}
