//! What the host says when it does not do what it was asked.

use core::fmt;

/// Why a function of the host failed. The agent's log says more, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostError {
    /// -1: there is no such key, agent, timer or subscription.
    NotFound,
    /// -2: a text that is no UTF-8, a message that is none, or a filter that is none.
    InvalidArgument,
    /// -3: the agent's grants do not allow it, or it spoke in another's name.
    PermissionDenied,
    /// -4: a rate, a size or a count is above its limit.
    LimitExceeded,
    /// -5: the value is longer than the buffer that it was to be written to.
    BufferTooSmall,
    /// -6: the receiver's mailbox has no room.
    MailboxFull,
    /// What this version of the kit does not know, as the host gave it.
    Other(i32),
}

impl HostError {
    /// The error that a code of the host's stands for; `None` where the code is a success.
    pub fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            0.. => return None,
            -1 => HostError::NotFound,
            -2 => HostError::InvalidArgument,
            -3 => HostError::PermissionDenied,
            -4 => HostError::LimitExceeded,
            -5 => HostError::BufferTooSmall,
            -6 => HostError::MailboxFull,
            other => HostError::Other(other),
        })
    }

    /// The code of the host's that stands for it, below 0.
    pub fn code(self) -> i32 {
        match self {
            HostError::NotFound => -1,
            HostError::InvalidArgument => -2,
            HostError::PermissionDenied => -3,
            HostError::LimitExceeded => -4,
            HostError::BufferTooSmall => -5,
            HostError::MailboxFull => -6,
            HostError::Other(code) => code,
        }
    }

    /// A result of the host's as a count, or as the error that it stands for.
    pub(crate) fn check(code: i32) -> Result<u32, Self> {
        match HostError::from_code(code) {
            None => Ok(code.unsigned_abs()),
            Some(error) => Err(error),
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostError::NotFound => "not found: there is no such key, agent, timer or subscription",
            HostError::InvalidArgument => {
                "invalid argument: the host could not read what it was given; the agent's log says more"
            }
            HostError::PermissionDenied => {
                "permission denied: the agent's grants do not allow it, or the message names another sender; \
                 the agent's log says more"
            }
            HostError::LimitExceeded => {
                "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more"
            }
            HostError::BufferTooSmall => {
                "buffer too small: the value is longer than the buffer; ask for its size first"
            }
            HostError::MailboxFull => "mailbox full: the receiver has no room now; try again later",
            HostError::Other(code) => {
                return write!(f, "the host gave the code {code}; the agent's log says more");
            }
        })
    }
}

impl core::error::Error for HostError {}

/// Why a handler did not do what a message asked for. Returned from a handler, it is sent to who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentError {
    /// Sent as `failure`: it was tried.
    Failure(alloc::string::String),
    /// Sent as `refuse`: it will not be done.
    Refuse(alloc::string::String),
    /// Sent as `not-understood`: nobody knows what was asked for.
    NotUnderstood(alloc::string::String),
}

impl AgentError {
    /// A `failure` with this reason.
    pub fn failure(text: impl Into<alloc::string::String>) -> Self {
        AgentError::Failure(text.into())
    }

    /// A `refuse` with this reason.
    pub fn refuse(text: impl Into<alloc::string::String>) -> Self {
        AgentError::Refuse(text.into())
    }

    /// A `not-understood` with this reason.
    pub fn not_understood(text: impl Into<alloc::string::String>) -> Self {
        AgentError::NotUnderstood(text.into())
    }

    /// The act that it is sent as.
    pub fn performative(&self) -> &'static str {
        match self {
            AgentError::Failure(_) => "failure",
            AgentError::Refuse(_) => "refuse",
            AgentError::NotUnderstood(_) => "not-understood",
        }
    }

    /// The reason, as it is sent.
    pub fn text(&self) -> &str {
        match self {
            AgentError::Failure(text)
            | AgentError::Refuse(text)
            | AgentError::NotUnderstood(text) => text,
        }
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.performative(), self.text())
    }
}

impl core::error::Error for AgentError {}

impl From<HostError> for AgentError {
    fn from(error: HostError) -> Self {
        AgentError::Failure(alloc::format!("{error}"))
    }
}

impl From<serde_json::Error> for AgentError {
    fn from(error: serde_json::Error) -> Self {
        AgentError::Failure(alloc::format!("{error}"))
    }
}

impl From<alloc::string::String> for AgentError {
    fn from(text: alloc::string::String) -> Self {
        AgentError::Failure(text)
    }
}

impl From<&str> for AgentError {
    fn from(text: &str) -> Self {
        AgentError::Failure(text.into())
    }
}
