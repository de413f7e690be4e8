//! Why `ams` and `df` do not do what they were asked to, in the words of FIPA SC00023.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, shown};
use crate::message::Performative;

/// An answer that says no, and why.
#[derive(Debug)]
pub(crate) struct Reason {
    pub act: Performative,
    reason: &'static str,
    error: String,
    details: Vec<(&'static str, Value)>,
}

/// What could not be done.
pub(super) type Answered<T> = Result<T, Reason>;

impl Reason {
    fn new(act: Performative, reason: &'static str, error: impl Into<String>) -> Self {
        Reason { act, reason, error: error.into(), details: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Nobody here does anything with messages of this act.
    pub fn unsupported_act(service: &str, act: Performative) -> Self {
        let error = format!("{service:?} does nothing with a message of the act {act}");
        let reason = Self::new(Performative::NotUnderstood, "unsupported-act", error);
        reason.with("act", act.as_str())
    }

    /// The act has no place in this conversation.
    pub fn unexpected_act(act: Performative, error: impl Into<String>) -> Self {
        let reason = Self::new(Performative::NotUnderstood, "unexpected-act", error);
        reason.with("act", act.as_str())
    }

    /// A field of the message has a value that this act cannot have.
    pub fn unsupported_value(parameter: &str, found: &str, expected: &str) -> Self {
        let error = format!("`{parameter}` is {:?}, expected {expected}", shown(found));
        let reason = Self::new(Performative::NotUnderstood, "unsupported-value", error);
        reason.with("parameter", parameter)
    }

    /// The content is nothing that could be a request.
    pub fn unrecognised_value(error: impl Into<String>) -> Self {
        Self::new(Performative::NotUnderstood, "unrecognised-value", error)
    }

    pub fn unauthorised(error: impl Into<String>) -> Self {
        Self::new(Performative::Refuse, "unauthorised", error)
    }

    pub fn unauthorised_name(name: &str, error: impl Into<String>) -> Self {
        Self::unauthorised(error).with("name", shown(name))
    }

    pub fn unsupported_function(action: &str, known: &[&str]) -> Self {
        let action = shown(action);
        let error = format!("there is no action {action:?}; there are {}", known.join(", "));
        Self::new(Performative::Refuse, "unsupported-function", error).with("action", action)
    }

    pub fn missing(parameter: &str) -> Self {
        let error = format!("`{parameter}` is missing");
        let reason = Self::new(Performative::Refuse, "missing-parameter", error);
        reason.with("parameter", parameter)
    }

    pub fn unexpected(parameter: &str) -> Self {
        let parameter = parameter.chars().take(128).collect::<String>();
        let error = format!("`{parameter}` is not among what can be given here");
        let reason = Self::new(Performative::Refuse, "unexpected-parameter", error);
        reason.with("parameter", parameter)
    }

    pub fn unrecognised(parameter: &str, error: impl Into<String>) -> Self {
        let reason = Self::new(Performative::Refuse, "unrecognised-parameter-value", error);
        reason.with("parameter", parameter)
    }

    pub fn limit(limit: u64, error: impl Into<String>) -> Self {
        Self::new(Performative::Refuse, "limit-exceeded", error).with("limit", limit)
    }

    pub fn already_registered(name: &str) -> Self {
        let error = format!("{name:?} is registered already; `modify` replaces what it says");
        Self::new(Performative::Failure, "already-registered", error)
    }

    pub fn not_registered(name: &str) -> Self {
        Self::new(Performative::Failure, "not-registered", format!("{name:?} is not registered"))
    }

    pub fn not_subscribed() -> Self {
        let error = "the sender has no standing search in this conversation";
        Self::new(Performative::Failure, "not-subscribed", error)
    }

    pub fn not_found(name: &str) -> Self {
        let error = format!("no deployed agent is called {:?}", shown(name));
        Self::new(Performative::Failure, "not-found", error)
    }

    /// What was to become of an agent did not.
    pub fn not_done(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::unauthorised(error.message()),
            _ => Self::internal(error),
        }
    }

    /// What was tried has failed.
    pub fn internal(error: &Error) -> Self {
        let reason = Self::new(Performative::Failure, "internal-error", error.message());
        reason.with("code", error.code())
    }

    /// An agent could not be deployed.
    pub fn not_deployed(error: &Error) -> Self {
        let reason = Self::new(Performative::Failure, "failed", error.message());
        reason.with("code", error.code())
    }

    /// The content of the answer, as JSON.
    pub fn content(self) -> String {
        let mut content = Map::new();
        content.insert("reason".to_owned(), self.reason.into());
        content.insert("error".to_owned(), self.error.into());
        content.extend(self.details.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Value::Object(content).to_string()
    }
}
