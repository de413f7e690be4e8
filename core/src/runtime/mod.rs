//! The handle: deploy, send, ask, subscribe, register, find, close.

mod agent_subscriptions;
mod ask;
mod builder;
mod call;
mod cancel;
mod close;
mod content;
mod core;
mod dead_letter;
mod deploy;
mod events;
mod feed;
mod following;
mod handle;
mod journal;
mod metrics;
mod outcome;
mod owed;
mod posting;
mod ready;
mod register;
mod reopen;
mod report;
mod reserve;
mod route;
mod send;
mod sending;
mod settings;
mod shown;
mod staging;
mod subscription;
mod waiting;
mod wasm;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::ask::{Ask, AskParts, Awaits};
pub use self::builder::Builder;
pub use self::call::Call;
pub(crate) use self::call::DEFAULT_TIMEOUT;
pub(crate) use self::cancel::Begun;
pub(crate) use self::core::{Core, Party};
pub use self::dead_letter::DeadLetter;
pub use self::deploy::Deploy;
pub use self::events::EventFilter;
pub(crate) use self::events::EventKind;
pub use self::feed::Subscription;
pub use self::following::Protocols;
pub(crate) use self::following::Waiting as FollowedBy;
pub use self::handle::Agent;
pub(crate) use self::journal::Unwritten;
pub use self::metrics::Metrics;
pub(crate) use self::outcome::of_request as outcome_of_request;
pub(crate) use self::owed::{Loss, Owed};
pub(crate) use self::posting::{Commit, Outward, Post, Posting, Standing};
pub(crate) use self::ready::Ready;
pub use self::register::{FnHandler, HostAgentHandle, Register};
pub(crate) use self::sending::{Sending, Terms, To};
pub(crate) use self::settings::{Settings, host_settings};
pub use self::shown::Trace;
pub(crate) use self::wasm::Loaded;
pub use self::wasm::Wasm;

use self::close::DEFAULT_CLOSE;
use crate::conversation::{Conversation, ConversationFilter};
use crate::directory::Member;
use crate::error::Error;
use crate::host_agent::Within;
use crate::lent::lending;
use crate::message::{Draft, Filter};

/// A system of agents, inside this program. Cheap to clone; all clones are the same runtime, which
/// closes when the last of them is dropped.
#[derive(Clone)]
pub struct Runtime {
    owner: Arc<Owner>,
}

/// Closes the runtime when the last handle is gone.
struct Owner(Arc<Core>);

impl Runtime {
    /// A runtime with the defaults.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if the system gives no threads or memory.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Sets up a runtime.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.owner.0
    }

    /// Deploys an agent, and returns when its `agent_init` has succeeded.
    ///
    /// # Errors
    ///
    /// `InvalidModule`, `NameTaken`, `AgentFailed` (its init trapped, ran into a limit or returned
    /// another code than 0), `LimitExceeded` (memory, `max_agents`), `InvalidArgument`, `PermissionDenied`
    /// (a folder that cannot be granted), `Closed`.
    ///
    /// # Cancel safety
    ///
    /// An agent whose deployment is dropped before it is ready is removed again.
    pub async fn deploy(&self, deploy: Deploy) -> Result<Agent, Error> {
        lending(self.core().deploy(deploy)).await
    }

    /// Deploys one module under many names, compiled once: all of them, or none.
    ///
    /// # Errors
    ///
    /// As [`Runtime::deploy`].
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::deploy`].
    pub async fn deploy_many(
        &self,
        deploy: Deploy,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Agent>, Error> {
        let names = names.into_iter().map(Into::into).collect();
        lending(self.core().deploy_many(deploy, names)).await
    }

    /// Makes this program an agent: `register.handler` takes what is sent to its name.
    ///
    /// # Errors
    ///
    /// `NameTaken`, `InvalidArgument`, `Closed`.
    pub fn register(&self, register: Register) -> Result<HostAgentHandle, Error> {
        self.core().register(register)
    }

    /// Sends a message; returns when every receiver's mailbox has it. `timeout` bounds the wait for
    /// room; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// `InvalidMessage`, `AgentNotFound`, `AgentFailed`, `LimitExceeded`, `PermissionDenied` (the
    /// sender is an agent's name), `Timeout`, `Closed`.
    ///
    /// # Cancel safety
    ///
    /// A message that still waits for room when the future is dropped is not sent.
    pub async fn send(
        &self,
        draft: &Draft,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), Error> {
        lending(self.core().send(draft, timeout.into())).await
    }

    /// Sends a message without waiting.
    ///
    /// # Errors
    ///
    /// As [`Runtime::send`], with `MailboxFull` in place of `Timeout`.
    pub fn try_send(&self, draft: &Draft) -> Result<(), Error> {
        self.core().try_send(draft)
    }

    /// Sends messages one after the other, as [`Runtime::send`]; `timeout` is for each.
    ///
    /// # Errors
    ///
    /// The first error; the messages before it have been sent.
    ///
    /// # Cancel safety
    ///
    /// The messages before the one that waits have been sent.
    pub async fn send_many(
        &self,
        drafts: &[Draft],
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), Error> {
        lending(self.core().send_many(drafts, timeout.into())).await
    }

    /// Sends a message and waits for the first reply of any act.
    ///
    /// # Errors
    ///
    /// As [`Runtime::send`]; `Timeout` if no reply came.
    pub fn ask(&self, draft: Draft) -> Call {
        Call::of_ask(self.core().clone(), Ok(draft))
    }

    /// Sends a FIPA request and waits for its result, as [`Agent::request`].
    pub fn request(&self, draft: Draft) -> Call {
        Call::of_request(self.core().clone(), Ok(draft))
    }

    /// Asks all of `drafts` at once; the answers in the same order.
    ///
    /// # Cancel safety
    ///
    /// As [`Call`].
    pub async fn ask_many(
        &self,
        drafts: Vec<Draft>,
        timeout: impl Into<Option<Duration>>,
    ) -> Vec<Result<crate::Message, Error>> {
        self.ask_many_within(drafts, timeout, None).await
    }

    /// The same from within a host agent's task: see [`Call::within`].
    ///
    /// # Cancel safety
    ///
    /// As [`Call`].
    pub async fn ask_many_within(
        &self,
        drafts: Vec<Draft>,
        timeout: impl Into<Option<Duration>>,
        within: Option<Within>,
    ) -> Vec<Result<crate::Message, Error>> {
        lending(self.core().ask_many(&drafts, timeout.into(), within)).await
    }

    /// Sends a message to every agent that `filter` matches; how many there were.
    ///
    /// # Errors
    ///
    /// `InvalidMessage`, `LimitExceeded`, `PermissionDenied`, `Closed`.
    pub fn broadcast(&self, filter: Filter, draft: &Draft) -> Result<u64, Error> {
        self.core().broadcast(filter, draft)
    }

    /// Returns copies of every matching message from now on.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn subscribe(&self, filter: Filter) -> Result<Subscription, Error> {
        self.core().check_open()?;
        Ok(self.core().subscribe(filter))
    }

    /// Every deployed agent, in the order of deployment.
    pub fn agents(&self) -> Vec<Agent> {
        only_agents(self.core().directory.members())
    }

    /// The agent with this name or id.
    ///
    /// # Errors
    ///
    /// `AgentNotFound`, `Closed`.
    pub fn agent_named(&self, name: &str) -> Result<Agent, Error> {
        self.core().check_open()?;
        match self.core().member(name)? {
            Member::Agent(agent) => Ok(Agent::new(agent)),
            Member::Host(_) => Err(Error::new(
                crate::ErrorKind::AgentNotFound,
                format!("{name:?} is a host agent, not a deployed one"),
            )),
        }
    }

    /// The names of all, deployed and host agents, whose capabilities and services `filter` wants.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn find(&self, filter: Filter) -> Result<Vec<String>, Error> {
        self.core().check_open()?;
        let (filter, names) = filter.split_receivers();
        let members = self.core().directory.matching(&filter, names.as_ref());
        Ok(members.iter().map(|member| member.name().to_string()).collect())
    }

    /// Returns the events of agents from now on, as messages of `ams` whose content is an object: `event`,
    /// the kind; `agent`, its name, if it is about one; and what belongs to the kind. Without a filter
    /// that names kinds there is one for every turn.
    ///
    /// | kind | says |
    /// |---|---|
    /// | `deployed`, `restarted`, `failed`, `suspended`, `resumed`, `replaced`, `removed` | |
    /// | `suspended` of an agent that came back from a store with more than it may have | `reason`, and `missing`, the grants that it lacks; every new reader gets it |
    /// | `turn` | a turn has committed: `of` (`message`, `timer`, `init`, `shutdown`), `message_id`, `code`, `began_at`, in microseconds since the Unix epoch, `micros`, the time that it took, and where it belongs in a trace (W3C Trace Context): `trace_id`, `span_id` and `parent_span_id`, in hexadecimal digits |
    /// | `dropped` | a turn was dropped: the same, with `kind` and `error` instead of `code` |
    /// | `dead_letter` | `id`, `message_id`, `reason`, and `count`, the number of dead letters that the event stands for |
    /// | `forged_sender` | `claimed`, the name in which the agent spoke |
    /// | `denied` | `receiver`, the name to which its grants do not let it send |
    /// | `store_failed` | `error`: commits could not be kept |
    /// | `violation` | the protocol of a message did not allow it: `agent`, its sender, `receiver`, `performative`, `protocol`, `conversation_id`, `message_id`, `note` (`out-of-sequence` or `repeated`), `allowed` |
    /// | `deadline` | `agent` did not answer by `reply_by`: `waiting`, the agent that waits, and `performative`, `protocol`, `conversation_id`, `message_id`, `reply_by` of its message |
    /// | `deadlock` | agents wait for each other: `path`, in which each waits for the next and the last for the first |
    /// | `abandoned` | a conversation was given up to make room: `conversation_id` |
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn events(&self, filter: EventFilter) -> Result<Subscription, Error> {
        self.core().check_open()?;
        Ok(self.core().watch(filter))
    }

    /// The conversation with this id, as it stands now; `None` if there is none that names a protocol,
    /// or it ended so long ago that it is not kept any more.
    pub fn conversation(&self, id: &str) -> Option<Conversation> {
        self.core().conversation(id)
    }

    /// The conversations that match, in the order in which they began: all that are open, 20,000 at the
    /// most, and the last 1,024 that have ended.
    pub fn conversations(&self, filter: &ConversationFilter) -> Vec<Conversation> {
        self.core().conversations(filter)
    }

    /// The figures of each agent, and their sums.
    pub fn metrics(&self) -> Metrics {
        self.core().metrics()
    }

    /// The last messages that reached nobody, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.core().dead_letters.list()
    }

    /// Hands a dead letter to its receiver again, with the same `message_id` and sender: to the
    /// agent that crashed on it, or to everybody whom it names. Nobody waits for its answer.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no such dead letter, `AgentNotFound`, `AgentFailed`,
    /// `MailboxFull`, `Closed`; it stays a dead letter then.
    pub fn replay_dead_letter(&self, id: u64) -> Result<(), Error> {
        self.core().replay_dead_letter(id)
    }

    /// Drops a dead letter.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no such dead letter, `Closed`.
    pub fn drop_dead_letter(&self, id: u64) -> Result<(), Error> {
        self.core().drop_dead_letter(id)
    }

    /// The name under which this program speaks.
    pub fn name(&self) -> &str {
        &self.core().name
    }

    /// Whether the runtime has been closed, or is being closed.
    pub fn is_closed(&self) -> bool {
        self.core().check_open().is_err()
    }

    /// Closes the runtime within five seconds: see [`Runtime::close_within`].
    pub async fn close(&self) {
        self.core().close(DEFAULT_CLOSE).await;
    }

    /// Closes the runtime: running turns finish or are interrupted, `agent_shutdown` is called,
    /// waiting calls get `Closed`, and threads end. A thread that is busy when `timeout` is over ends by
    /// itself after that. Closing twice is not an error.
    ///
    /// # Cancel safety
    ///
    /// The closing goes on even if the future is dropped.
    pub async fn close_within(&self, timeout: Duration) {
        self.core().close(timeout).await;
    }
}

fn only_agents(members: Vec<Member>) -> Vec<Agent> {
    members
        .into_iter()
        .filter_map(|member| match member {
            Member::Agent(agent) => Some(Agent::new(agent)),
            Member::Host(_) => None,
        })
        .collect()
}

impl Drop for Owner {
    fn drop(&mut self) {
        if crate::fork::in_child() || self.0.check_open().is_err() {
            return;
        }
        self.0.start_close(DEFAULT_CLOSE);
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runtime({:?})", self.name())
    }
}
