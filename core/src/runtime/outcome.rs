//! What the answer to a FIPA request means for who asked.

use serde::Deserialize;

use crate::error::{Error, ErrorKind};
use crate::message::{Message, Performative, name};

/// The content of a `failure` that the host reports.
#[derive(Deserialize)]
struct Reported {
    error: String,
    #[serde(default)]
    kind: String,
    limit: Option<u64>,
    used: Option<u64>,
    backtrace: Option<String>,
}

/// The result of a request, or the error that its answer stands for.
pub(crate) fn of_request(reply: Message) -> Result<Message, Error> {
    let (kind, did) = match reply.performative() {
        Performative::Refuse => (ErrorKind::Refused, "refused"),
        Performative::NotUnderstood => (ErrorKind::NotUnderstood, "did not understand"),
        Performative::Failure if reply.sender() == name::AMS => return Err(reported(reply)),
        Performative::Failure => (ErrorKind::Failed, "failed"),
        _ => return Ok(reply),
    };
    let content: String = reply.content().chars().take(500).collect();
    let text = format!("{:?} {did}: {content}", reply.sender());
    Err(Error::new(kind, text).with_reply(reply))
}

/// The error of a failure that the host reported; only these become the host's own kinds.
fn reported(reply: Message) -> Error {
    let Ok(content) = reply.read_content::<Reported>() else {
        return Error::new(ErrorKind::Failed, reply.content()).with_reply(reply);
    };
    let kind = match content.kind.as_str() {
        "memory" | "time" | "host_calls" | "allocations" | "content" => ErrorKind::LimitExceeded,
        "trap" | "exit" | "stack" => ErrorKind::Trapped,
        "mailbox" => ErrorKind::MailboxFull,
        "unknown" => ErrorKind::AgentNotFound,
        _ => ErrorKind::Failed,
    };
    let mut error = Error::new(kind, content.error).with_backtrace(content.backtrace);
    if let (Some(limit), Some(used)) = (content.limit, content.used) {
        error = error.with_limit(&content.kind, limit, used);
    }
    error.with_reply(reply)
}
