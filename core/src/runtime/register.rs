//! Registering host agents.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use parking_lot::RwLock;

use super::core::Core;
use super::deploy::name_taken;
use super::owed::Loss;
use super::posting::Post;
use super::settings::host_settings;
use crate::agent::Refusal;
use crate::directory::{Description, Member};
use crate::error::{Error, ErrorKind};
use crate::host_agent::{Handler, HostAgent, Registered, Reply, Route, Task};
use crate::message::{Message, Performative, name};
use crate::store::{Change, HostRow};

/// How many messages an asynchronous handler is given at once.
pub(crate) const DEFAULT_CONCURRENCY: usize = 64;

/// A host agent to register: its name, its handler, what it can do.
pub struct Register {
    name: String,
    handler: Option<Arc<dyn Handler>>,
    capabilities: Vec<String>,
    concurrency: usize,
}

impl Register {
    /// A host agent whose messages go to `handler`.
    pub fn new(name: impl Into<String>, handler: impl Handler) -> Self {
        Register { handler: Some(Arc::new(handler)), ..Self::named(name) }
    }

    /// A host agent that has no handler yet: see [`HostAgentHandle::on`]. What nobody handles and
    /// wants an answer is answered with `not-understood`.
    pub fn named(name: impl Into<String>) -> Self {
        Register {
            name: name.into(),
            handler: None,
            capabilities: Vec::new(),
            concurrency: DEFAULT_CONCURRENCY,
        }
    }

    /// What it can do.
    #[must_use]
    pub fn capabilities(
        mut self,
        capabilities: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.capabilities = capabilities.into_iter().map(Into::into).collect();
        self
    }

    /// How many messages are handled at once, 64 unless said otherwise; they are begun in order.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }
}

/// A registered host agent. Dropping it leaves the agent where it is.
#[derive(Clone)]
pub struct HostAgentHandle {
    host: Arc<HostAgent>,
    core: Arc<Core>,
}

impl HostAgentHandle {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// Its id: a UUID.
    pub fn id(&self) -> &str {
        &self.host.id
    }

    /// Hands messages with this act, and of this protocol, to `handler`; `None` is any. Of several
    /// handlers the one takes a message that says most of it, the act before the protocol.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if there is a handler for the same messages, or the agent is not
    /// here any more.
    pub fn on(
        &self,
        act: Option<Performative>,
        protocol: Option<&str>,
        handler: impl Handler,
    ) -> Result<(), Error> {
        let protocol = protocol.map(Into::into);
        let route = Route { act, protocol, handler: Arc::new(handler) };
        if self.host.on(route) {
            return Ok(());
        }
        let act = act.map_or("any act", Performative::as_str);
        let name = self.name();
        let text = format!("{name:?} has a handler for such messages already ({act})");
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }

    /// Takes it out of the runtime. What waits for it is answered with `failure`; what it handles
    /// goes on.
    pub fn remove(&self) {
        self.core.unregister(&self.host);
    }
}

impl Core {
    pub fn register(self: &Arc<Self>, register: Register) -> Result<HostAgentHandle, Error> {
        self.check_open()?;
        name::check(&register.name)?;
        let default = register.handler.map(|handler| Route { act: None, protocol: None, handler });
        let registered = Registered {
            declared: Description::of_capabilities(register.capabilities),
            concurrency: register.concurrency,
            routes: RwLock::new(Vec::from_iter(default)),
        };
        // One that a store has brought back waits for its handler.
        if let Some(Member::Host(host)) = self.directory.find(&register.name)
            && !name::is_reserved(&register.name)
        {
            if !host.register(registered) {
                return Err(name_taken(&register.name));
            }
            self.member_changed(&Member::Host(host.clone()));
            return Ok(HostAgentHandle { host, core: self.clone() });
        }
        self.check_name(&register.name)?;
        let row = HostRow {
            serial: self.next_serial(),
            id: self.new_id().as_str().into(),
            name: register.name.into(),
            settings: host_settings(None),
        };
        let host = HostAgent::new(self.clone(), &row, &self.limits);
        if !self.directory.enter(Member::Host(host.clone())) {
            return Err(name_taken(&host.name));
        }
        let begun = |post: Post<'_>| post.change(|| Change::Host(Arc::new(row)));
        self.alone_of(host.serial, Post::outside(), begun);
        host.register(registered);
        self.hosts.insert(host.serial, host.clone());
        if let Err(closed) = self.check_open() {
            self.unregister(&host);
            return Err(closed);
        }
        self.member_changed(&Member::Host(host.clone()));
        Ok(HostAgentHandle { host, core: self.clone() })
    }

    fn unregister(&self, host: &Arc<HostAgent>) {
        self.leave(&Member::Host(host.clone()));
        self.hosts.remove(&host.serial);
        let waiting = host.end();
        self.forget_sender(host.serial, &host.name);
        self.end_letters(waiting, &host.name, Refusal::Removed, host.serial);
        let gone = |post: Post<'_>| {
            post.change(|| Change::Gone(host.serial));
            let who = (&host.name, host.serial);
            host.core.tell_lost(host.owed.end(), who, Loss::Removed, post);
        };
        self.alone_of(host.serial, Post::outside(), gone);
    }
}

/// An asynchronous function as a handler. It runs on the runtime's own tokio thread.
pub struct FnHandler<F> {
    function: Arc<F>,
    io: tokio::runtime::Handle,
}

impl super::Runtime {
    /// An asynchronous function as a handler; a panic in it fails the one message.
    pub fn handler<F, R>(&self, function: F) -> FnHandler<F>
    where
        F: Fn(Message) -> R + Send + Sync + 'static,
        R: Future<Output = Reply> + Send + 'static,
    {
        FnHandler { function: Arc::new(function), io: self.core().io.clone() }
    }
}

impl<F, R> Handler for FnHandler<F>
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    fn handle(&self, task: Task) {
        let function = self.function.clone();
        self.io.spawn(async move {
            let message = task.message().clone();
            let handling = AssertUnwindSafe(async move { function(message).await });
            let reply = handling.catch_unwind().await;
            task.finish(
                reply.unwrap_or_else(|_| Reply::Failure("the handler panicked".to_owned())),
            );
        });
    }
}
