//! A deployed agent, as a program sees it.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::send::{Call, DEFAULT_TIMEOUT};
use crate::agent::{self, AgentState, LogLine, Stats};
use crate::error::Error;
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

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.inner.face.name
    }

    /// The agent's id: a UUID.
    pub fn id(&self) -> &str {
        &self.inner.face.id
    }

    /// Where it is in its life.
    pub fn state(&self) -> AgentState {
        self.inner.state()
    }

    /// What it can do.
    pub fn capabilities(&self) -> Vec<String> {
        self.inner.face.capabilities.read().names.clone()
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.face.limits
    }

    /// The limits of the content that it sends and is sent, if it has any: its own, or the runtime's.
    pub fn content_limits(&self) -> Option<&ContentLimits> {
        self.inner.face.content_limits.as_deref()
    }

    /// What it has done.
    pub fn stats(&self) -> Stats {
        self.inner.face.stats(self.inner.mailbox.len())
    }

    /// The last lines of its log, up to 1 MiB, oldest first.
    pub fn logs(&self) -> Vec<LogLine> {
        self.inner.face.logs()
    }

    /// Sends an `inform`, and returns when the mailbox has it; waits up to 30 seconds for room.
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

    /// Sends a `request` and waits for the first reply, whatever its act.
    pub fn ask(&self, content: &impl Serialize) -> Call {
        let draft = Draft::new(Performative::Request, self.name(), content);
        Call::new(self.inner.core.clone(), draft, false)
    }

    /// A FIPA request (SC00026): waits through `agree` and gives the `inform`. Any other answer is
    /// an error: `Refused`, `NotUnderstood`, `Failed`, or the kind of what the host reports.
    pub fn request(&self, content: &impl Serialize) -> Call {
        let draft = Draft::new(Performative::Request, self.name(), content)
            .map(|draft| draft.field("protocol", "fipa-request"));
        Call::new(self.inner.core.clone(), draft, true)
    }

    /// Ends the agent: `agent_shutdown` is its last turn. What still waits in its mailbox is answered
    /// with `failure`. Its name is free at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) if the runtime is closed.
    ///
    /// # Cancel safety
    ///
    /// The removal goes on when the future is dropped.
    pub async fn remove(&self) -> Result<(), Error> {
        self.inner.core.remove(&self.inner).await
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({:?}, {})", self.name(), self.state().as_str())
    }
}
