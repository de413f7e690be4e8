//! The core's error as the exceptions of `caxton._errors`.

use caxton::{Error, ErrorKind};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::message::Message;

/// The exception class of a kind. A test holds this table to the core's kinds.
const fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidModule => "InvalidModule",
        ErrorKind::InvalidMessage => "InvalidMessage",
        ErrorKind::InvalidArgument => "InvalidArgument",
        ErrorKind::AgentNotFound => "AgentNotFound",
        ErrorKind::NameTaken => "NameTaken",
        ErrorKind::AgentFailed => "AgentFailed",
        ErrorKind::LimitExceeded => "LimitExceeded",
        ErrorKind::Trapped => "Trapped",
        ErrorKind::Refused => "Refused",
        ErrorKind::Failed => "Failed",
        ErrorKind::NotUnderstood => "NotUnderstood",
        ErrorKind::MailboxFull => "MailboxFull",
        ErrorKind::Timeout => "Timeout",
        ErrorKind::PermissionDenied => "PermissionDenied",
        ErrorKind::Store => "StoreError",
        ErrorKind::Closed => "Closed",
        _ => "CaxtonError",
    }
}

/// The exception that a core error is raised as.
pub fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    match build(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(wrong) => wrong,
    }
}

/// The exception as an object, for results that hold errors in their place.
pub fn build<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let class = py.import("caxton._errors")?.getattr(class(error.kind()))?;
    let exception = class.call1((error.message(),))?;
    match error.kind() {
        ErrorKind::InvalidModule => exception.setattr("missing", error.missing())?,
        ErrorKind::Trapped => {
            exception.setattr("reason", error.message())?;
            exception.setattr("backtrace", error.backtrace())?;
        }
        ErrorKind::AgentFailed => exception.setattr("backtrace", error.backtrace())?,
        _ => {}
    }
    if let Some(kind) = error.limit_kind() {
        exception.setattr("kind", kind)?;
        if let Some((limit, used)) = error.limit_and_used() {
            exception.setattr("limit", limit)?;
            exception.setattr("used", used)?;
        }
    }
    if let Some(reply) = error.reply() {
        exception.setattr("reply", Message::new(reply.clone()))?;
    }
    Ok(exception)
}

/// An exception of a program's own code in one sentence, whatever describing it raises.
pub fn describe(py: Python<'_>, error: &PyErr) -> String {
    described("describe", py, error)
}

/// Its text, without its type.
pub fn text_of(py: Python<'_>, error: &PyErr) -> String {
    described("text_of", py, error)
}

fn described(how: &str, py: Python<'_>, error: &PyErr) -> String {
    let described = py
        .import("caxton._describe")
        .and_then(|module| module.call_method1(how, (error.value(py),)))
        .and_then(|text| text.extract());
    described.unwrap_or_else(|_| "an exception that cannot be described".to_owned())
}

/// An argument that does not fit, as the exception of the same name.
pub fn invalid_argument(py: Python<'_>, text: &str) -> PyErr {
    raise(py, "InvalidArgument", text)
}

/// Something that cannot be a message.
pub fn invalid_message(py: Python<'_>, text: &str) -> PyErr {
    raise(py, "InvalidMessage", text)
}

/// What belongs to a runtime that is closed.
pub fn closed(py: Python<'_>) -> PyErr {
    raise(py, "Closed", "the runtime is closed")
}

fn raise(py: Python<'_>, class: &str, text: &str) -> PyErr {
    let made = py
        .import("caxton._errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1((text,)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(_) => PyRuntimeError::new_err(text.to_owned()),
    }
}
