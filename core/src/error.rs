//! The one error type. Its kinds say what the caller can do.

use std::fmt;

use crate::message::Message;

/// The kind of an error, coarse enough to act upon. Its text is the `.code` of the error in Python and
/// JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a module that can be an agent: see [`Error::missing`].
    InvalidModule,
    /// The message is not JSON, or lacks a required part.
    InvalidMessage,
    /// An argument of the call is out of its range or has the wrong form.
    InvalidArgument,
    /// No agent has that name or id.
    AgentNotFound,
    /// Another agent has that name.
    NameTaken,
    /// The agent could not be started, or has failed for good.
    AgentFailed,
    /// A limit was reached: see [`Error::limit_kind`].
    LimitExceeded,
    /// The agent's code trapped: see [`Error::backtrace`].
    Trapped,
    /// The receiver refused the request: see [`Error::reply`].
    Refused,
    /// The receiver tried to do it and failed: see [`Error::reply`].
    Failed,
    /// The receiver did not understand the message: see [`Error::reply`].
    NotUnderstood,
    /// The receiver's mailbox has no room now. Try again later.
    MailboxFull,
    /// The time that the caller gave ran out.
    Timeout,
    /// The call is not permitted.
    PermissionDenied,
    /// The store cannot be opened, or could not keep a change.
    Store,
    /// The runtime is closed. Make a new one.
    Closed,
    /// The system gives no threads or memory, or the runtime has a defect.
    Internal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::InvalidModule,
        ErrorKind::InvalidMessage,
        ErrorKind::InvalidArgument,
        ErrorKind::AgentNotFound,
        ErrorKind::NameTaken,
        ErrorKind::AgentFailed,
        ErrorKind::LimitExceeded,
        ErrorKind::Trapped,
        ErrorKind::Refused,
        ErrorKind::Failed,
        ErrorKind::NotUnderstood,
        ErrorKind::MailboxFull,
        ErrorKind::Timeout,
        ErrorKind::PermissionDenied,
        ErrorKind::Store,
        ErrorKind::Closed,
        ErrorKind::Internal,
    ];

    /// The kind as text: the `.code` of an error in every language.
    pub const fn code(self) -> &'static str {
        match self {
            ErrorKind::InvalidModule => "invalid_module",
            ErrorKind::InvalidMessage => "invalid_message",
            ErrorKind::InvalidArgument => "invalid_argument",
            ErrorKind::AgentNotFound => "agent_not_found",
            ErrorKind::NameTaken => "name_taken",
            ErrorKind::AgentFailed => "agent_failed",
            ErrorKind::LimitExceeded => "limit_exceeded",
            ErrorKind::Trapped => "trapped",
            ErrorKind::Refused => "refused",
            ErrorKind::Failed => "failed",
            ErrorKind::NotUnderstood => "not_understood",
            ErrorKind::MailboxFull => "mailbox_full",
            ErrorKind::Timeout => "timeout",
            ErrorKind::PermissionDenied => "permission_denied",
            ErrorKind::Store => "store",
            ErrorKind::Closed => "closed",
            ErrorKind::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The part of a foreign text that an error shows.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The error of a call. Its text says what happened, to which agent, what was expected, and what to do.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    missing: Vec<String>,
    limit: Option<Limit>,
    backtrace: Option<String>,
    reply: Option<Message>,
}

#[derive(Clone)]
struct Limit {
    kind: String,
    limit: u64,
    used: u64,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            missing: Vec::new(),
            limit: None,
            backtrace: None,
            reply: None,
        }))
    }

    /// The error of a turn that saw a change which the store could not keep.
    pub(crate) fn rolled_back(agent: &str) -> Self {
        let text = format!("the store could not keep what {agent:?} did before; it was taken back");
        Error::new(ErrorKind::Store, text)
    }

    pub(crate) fn closed() -> Self {
        Error::new(ErrorKind::Closed, "the runtime is closed; make a new one")
    }

    pub(crate) fn limit(kind: &str, limit: u64, used: u64) -> Self {
        let message = format!("{kind}: {used} is above the limit of {limit}");
        Error::new(ErrorKind::LimitExceeded, message).with_limit(kind, limit, used)
    }

    pub(crate) fn with_limit(mut self, kind: &str, limit: u64, used: u64) -> Self {
        self.0.limit = Some(Limit { kind: kind.to_owned(), limit, used });
        self
    }

    pub(crate) fn with_missing(mut self, missing: Vec<String>) -> Self {
        self.0.missing = missing;
        self
    }

    pub(crate) fn with_backtrace(mut self, backtrace: Option<String>) -> Self {
        self.0.backtrace = backtrace;
        self
    }

    pub(crate) fn with_reply(mut self, reply: Message) -> Self {
        self.0.reply = Some(reply);
        self
    }

    /// Puts the agent or module that is meant in front of the text.
    pub(crate) fn about(mut self, subject: impl fmt::Display) -> Self {
        self.0.message = format!("{subject}: {}", self.0.message);
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The kind as text, the same in every language.
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// The sentence that says what happened.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The imports and exports that a module lacks, one line each, with the expected type.
    pub fn missing(&self) -> &[String] {
        &self.0.missing
    }

    /// The kind of the limit that was reached.
    pub fn limit_kind(&self) -> Option<&str> {
        self.0.limit.as_ref().map(|limit| limit.kind.as_str())
    }

    /// The limit and the amount that was used or asked for, in the unit of the limit.
    pub fn limit_and_used(&self) -> Option<(u64, u64)> {
        self.0.limit.as_ref().map(|limit| (limit.limit, limit.used))
    }

    /// The guest's frames at a trap, innermost first.
    pub fn backtrace(&self) -> Option<&str> {
        self.0.backtrace.as_deref()
    }

    /// The reply of a receiver that refused, failed or did not understand.
    pub fn reply(&self) -> Option<&Message> {
        self.0.reply.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.message)?;
        if let Some(backtrace) = &self.0.backtrace {
            write!(f, "\n{backtrace}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
