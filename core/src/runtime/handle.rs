//! A deployed agent, as a program sees it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::call::{Call, DEFAULT_TIMEOUT};
use super::wasm::Wasm;
use crate::agent::{self, AgentState, LogLine, Restart, Stats};
use crate::error::{Error, ErrorKind};
use crate::lent::lending;
use crate::limits::Limits;
use crate::message::{ContentLimits, Draft, Performative};

/// An agent of the runtime. Cheap to clone; dropping it leaves the agent where it is.
#[derive(Clone)]
pub struct Agent {
    inner: Arc<agent::Agent>,
}

impl Agent {
    pub(super) fn new(inner: Arc<agent::Agent>) -> Self {
        Agent { inner }
    }

    pub(super) fn inner(&self) -> &agent::Agent {
        &self.inner
    }

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.inner.face.name
    }

    /// The agent's id: a UUID.
    pub fn id(&self) -> &str {
        &self.inner.face.id
    }

    /// The agent's state.
    pub fn state(&self) -> AgentState {
        self.inner.state()
    }

    /// The agent's capabilities, by which others find it.
    pub fn capabilities(&self) -> Vec<String> {
        let shown = self.inner.face.profile.shown(self.inner.core.source.now_micros());
        shown.map(|shown| shown.description.capabilities.clone()).unwrap_or_default()
    }

    /// The agent's limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.face.limits
    }

    /// The content limits of messages to and from the agent, if there are any: its own, or the runtime's.
    pub fn content_limits(&self) -> Option<&ContentLimits> {
        self.inner.face.content_limits.as_deref()
    }

    /// The agent's figures.
    pub fn stats(&self) -> Stats {
        self.inner.face.stats(self.inner.mailbox.len())
    }

    /// The last lines of the agent's log, up to 1 MiB, oldest first.
    pub fn logs(&self) -> Vec<LogLine> {
        self.inner.face.logs()
    }

    /// Sends an `inform` and returns when the mailbox has it. Waits up to 30 seconds for room.
    ///
    /// # Errors
    ///
    /// As [`Runtime::send`](super::Runtime::send).
    ///
    /// # Cancel safety
    ///
    /// As [`Runtime::send`](super::Runtime::send).
    pub async fn send(&self, content: &impl Serialize) -> Result<(), Error> {
        let draft = Draft::new(Performative::Inform, self.name(), content)?;
        self.inner.core.send(&draft, Some(DEFAULT_TIMEOUT)).await
    }

    /// Sends a `request` and waits for the first reply of any act.
    pub fn ask(&self, content: &impl Serialize) -> Call {
        let draft = Draft::new(Performative::Request, self.name(), content);
        Call::of_ask(self.inner.core.clone(), draft)
    }

    /// Sends a FIPA request (SC00026), waits through `agree` and returns the `inform`. Any other answer
    /// is an error: `Refused`, `NotUnderstood`, `Failed`, or the kind of error that the host reports.
    pub fn request(&self, content: &impl Serialize) -> Call {
        let draft = Draft::new(Performative::Request, self.name(), content)
            .map(|draft| draft.field("protocol", "fipa-request"));
        Call::of_request(self.inner.core.clone(), draft)
    }

    /// The agent's restart policy, which applies when a turn was dropped.
    pub fn restart_policy(&self) -> Restart {
        self.inner.settings.restart
    }

    /// Suspends the agent: its messages and timers wait until [`Agent::resume`]. Returns when none of
    /// its turns runs. Suspending an agent twice is not an error.
    ///
    /// # Errors
    ///
    /// `AgentNotFound` if the agent has been removed, `AgentFailed`, `Closed`.
    ///
    /// # Cancel safety
    ///
    /// The agent is suspended even if the future is dropped.
    pub async fn suspend(&self) -> Result<(), Error> {
        lending(self.inner.suspend()).await
    }

    /// Resumes the agent: it goes on with the messages and timers that have waited. Resuming an agent
    /// that is not suspended is not an error.
    ///
    /// # Errors
    ///
    /// As [`Agent::suspend`]; `PermissionDenied` if the agent came back from a store with grants above the
    /// runtime's [ceiling](super::Builder::ceiling), which the error names, or with a name that is not
    /// allowed any more.
    ///
    /// # Cancel safety
    ///
    /// The agent is resumed even if the future is dropped.
    pub async fn resume(&self) -> Result<(), Error> {
        lending(self.inner.resume()).await
    }

    /// Restarts the agent once the turn in progress has ended: calls `agent_shutdown`, makes a new
    /// instance and calls its `agent_init`. The agent keeps its name, its mailbox, its data, and the
    /// timers and subscriptions that it made outside its init. A failed agent takes messages again.
    ///
    /// # Errors
    ///
    /// `AgentFailed` if its init fails, `AgentNotFound` if it has been removed, `PermissionDenied` as for
    /// [`Agent::resume`], `Closed`.
    ///
    /// # Cancel safety
    ///
    /// The restart goes on even if the future is dropped.
    pub async fn restart(&self) -> Result<(), Error> {
        lending(self.inner.restart()).await
    }

    /// Replaces the agent's code between two turns. The agent keeps its name, its mailbox, its data, and
    /// the timers and subscriptions that it made outside its init. If the new code cannot be linked or
    /// its `agent_init` fails, the agent goes on with the old code, as if nothing had happened.
    ///
    /// # Errors
    ///
    /// `InvalidModule`, `AgentFailed` (the new code's init failed), `LimitExceeded`,
    /// `AgentNotFound`, `Closed`.
    ///
    /// # Cancel safety
    ///
    /// Once the module is compiled, the replacement goes on even if the future is dropped.
    pub async fn replace(&self, wasm: Wasm) -> Result<(), Error> {
        let core = &self.inner.core;
        let loaded =
            core.load(wasm, None, &core.compile_limits, &self.inner.settings.limits).await?;
        lending(self.inner.replace(loaded)).await
    }

    /// Starts sampling the agent's stack each millisecond while its code runs, for at most a minute of
    /// running time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if the agent is being sampled already.
    pub fn start_profile(&self) -> Result<(), Error> {
        let now = self.inner.core.source.now_micros();
        if self.inner.profiler.start(self.name(), now) {
            return Ok(());
        }
        Err(self.no_profile("is being profiled already; stop that first"))
    }

    /// Stops the sampling that [`Agent::start_profile`] started, and returns the profile as JSON, for
    /// Firefox's profiler (<https://profiler.firefox.com>, or `samply load`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if the agent is not being sampled.
    pub fn stop_profile(&self) -> Result<String, Error> {
        match self.inner.profiler.stop() {
            Some(Ok(json)) => Ok(json),
            Some(Err(wrong)) => Err(Error::new(
                ErrorKind::Internal,
                format!("the profile of {:?} cannot be written: {wrong}", self.name()),
            )),
            None => Err(self.no_profile("is not being profiled; start that first")),
        }
    }

    fn no_profile(&self, why: &str) -> Error {
        Error::new(ErrorKind::InvalidArgument, format!("{:?} {why}", self.name()))
    }

    /// Ends the agent: `agent_shutdown` is its last turn. Messages that wait in its mailbox are answered
    /// with `failure`. Its name is free at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] if the runtime is closed.
    ///
    /// # Cancel safety
    ///
    /// The removal goes on even if the future is dropped.
    pub async fn remove(&self) -> Result<(), Error> {
        // Whatever it has still to do comes to an end soon, however many others want as much.
        self.inner.pace.hurry();
        self.inner.face.hurry();
        self.inner.core.remove(&self.inner).await
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({:?}, {})", self.name(), self.state().as_str())
    }
}
