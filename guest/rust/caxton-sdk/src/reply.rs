//! Answers: the guide's functions, and what a handler may return.

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::AgentError;
use crate::host::{console_error, send_message};
use crate::message::{FipaMessage, to_value};

/// Answers with `inform`, content `{"result": result}`.
pub fn send_inform_response(to: &FipaMessage, result: &(impl Serialize + ?Sized)) {
    send_reply(to, "inform", json!({ "result": to_value(result) }));
}

/// Answers with `failure`, content `{"error": text}`.
pub fn send_failure(to: &FipaMessage, text: &str) {
    send_reply(to, "failure", json!({ "error": text }));
}

/// Answers with `not-understood`, content `{"error": …}`, which names the act or the action.
pub fn send_not_understood(to: &FipaMessage) {
    send_error(to, &not_understood(to));
}

/// Answers with any act, the content as it is. An answer that the host refuses is told in the agent's log.
pub fn send_reply(to: &FipaMessage, performative: &str, content: impl Serialize) {
    send_answer(&to.reply(performative, content));
}

/// Answers with the act of an error, content `{"error": text}`.
pub fn send_error(to: &FipaMessage, error: &AgentError) {
    send_reply(to, error.performative(), json!({ "error": error.text() }));
}

/// What to say of a message that nobody handles: its action, or its act.
pub fn not_understood(to: &FipaMessage) -> AgentError {
    AgentError::NotUnderstood(match (to.performative.as_str(), to.action()) {
        ("request", Some(action)) => alloc::format!("Unknown action: {action}"),
        ("request", None) => "No action given".into(),
        (other, _) => alloc::format!("Unsupported performative: {other}"),
    })
}

/// What becomes of a message that the agent does not handle: nothing for acts that nobody answers, so that two
/// agents do not feed each other errors for ever, and [`not_understood`] for all others.
///
/// # Errors
///
/// [`AgentError::NotUnderstood`], for the agent's function to return.
pub fn handle_other(message: &FipaMessage) -> Result<(), AgentError> {
    if message.ends_exchange() { Ok(()) } else { Err(not_understood(message)) }
}

/// Sends an answer; the code of `handle_message`.
fn send_answer(answer: &FipaMessage) -> i32 {
    let Err(error) = send_message(answer) else { return 0 };
    let act = &answer.performative;
    let whom = if answer.receiver.is_empty() { "nobody" } else { &answer.receiver };
    console_error(&alloc::format!("the answer {act} to {whom} was not sent: {error}"));
    1
}

/// What a handler may return. The code is that of `handle_message`: 0 for what was done, 1 for an answer that was
/// not sent.
pub trait IntoReply {
    /// Sends what is to be sent; the code.
    fn reply_to(self, to: &FipaMessage) -> i32;
}

/// Nothing is sent.
impl IntoReply for () {
    fn reply_to(self, _: &FipaMessage) -> i32 {
        0
    }
}

/// The code itself; nothing is sent.
impl IntoReply for i32 {
    fn reply_to(self, _: &FipaMessage) -> i32 {
        self
    }
}

/// The content of an `inform`.
impl IntoReply for Value {
    fn reply_to(self, to: &FipaMessage) -> i32 {
        send_answer(&to.reply("inform", self))
    }
}

/// Sent as it is.
impl IntoReply for FipaMessage {
    fn reply_to(self, _: &FipaMessage) -> i32 {
        send_answer(&self)
    }
}

/// The result of an `inform`, whose content is `{"result": …}`, as [`send_inform_response`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inform<T>(pub T);

impl<T: Serialize> IntoReply for Inform<T> {
    fn reply_to(self, to: &FipaMessage) -> i32 {
        send_answer(&to.reply("inform", json!({ "result": to_value(self.0) })))
    }
}

/// What is not there is not sent.
impl<T: IntoReply> IntoReply for Option<T> {
    fn reply_to(self, to: &FipaMessage) -> i32 {
        self.map_or(0, |reply| reply.reply_to(to))
    }
}

/// An error is sent as `failure`, `refuse` or `not-understood`, and the code is 1.
impl<T: IntoReply, E: Into<AgentError>> IntoReply for Result<T, E> {
    fn reply_to(self, to: &FipaMessage) -> i32 {
        match self {
            Ok(reply) => reply.reply_to(to),
            Err(error) => {
                let error = error.into();
                if to.ends_exchange() {
                    console_error(error.text());
                } else {
                    send_error(to, &error);
                }
                1
            }
        }
    }
}
