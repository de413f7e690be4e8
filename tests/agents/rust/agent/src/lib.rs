//! A worker that transforms text, alone or as one step of a relay.
//!
//! The crates beside this one export it: `worker` plainly, `bindgen` through wasm-bindgen.

mod host;
mod message;
mod text;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use message::{Message, read, string};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const CAPABILITIES: &str = include_str!("capabilities.json");

/// Lives in the instance's memory, so a restart begins at nought.
static HANDLED: AtomicU64 = AtomicU64::new(0);

/// The body of a request.
#[derive(Default, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// What a request says under `data`; the text may be called `data` or `text`.
#[derive(Deserialize)]
struct Job<'a> {
    operation: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    then: Option<Vec<Step>>,
}

/// A later stop of a relay.
#[derive(Deserialize, Serialize)]
struct Step {
    agent: String,
    operation: String,
}

/// A relay's request, as the next agent gets it.
#[derive(Serialize)]
struct Relay<'a> {
    action: &'static str,
    data: Forwarded<'a>,
}

#[derive(Serialize)]
struct Forwarded<'a> {
    data: &'a str,
    operation: &'a str,
    then: &'a [Step],
}

/// The body of an `inform`.
#[derive(Serialize)]
struct Outcome<T> {
    result: T,
}

#[derive(Serialize)]
struct Processed<'a> {
    result: &'a str,
    timestamp: u64,
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
    language: &'static str,
    handled: u64,
}

/// The body of a `failure` or a `not-understood`.
#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
}

pub fn init() -> i32 {
    HANDLED.store(0, Relaxed);
    host::log("rust agent ready");
    0
}

pub fn shutdown() {
    host::log("rust agent stopped");
}

/// Writes the capabilities where they fit, and says how many bytes they take.
pub fn capabilities(buffer: &mut [u8]) -> i32 {
    if let Some(target) = buffer.get_mut(..CAPABILITIES.len()) {
        target.copy_from_slice(CAPABILITIES.as_bytes());
    }
    CAPABILITIES.len() as i32
}

/// Handles one message: 0 when it was dealt with, 1 when it was refused or could not be read.
pub fn handle(bytes: &[u8]) -> i32 {
    let message: Message = match serde_json::from_slice(bytes) {
        Ok(message) => message,
        Err(error) => {
            host::error(&format!("the message cannot be read: {error}"));
            return 1;
        }
    };
    HANDLED.fetch_add(1, Relaxed);

    match message.performative.as_str() {
        "request" => request(&message),
        // Silence here keeps two agents from feeding each other errors for ever.
        "inform" | "failure" | "not-understood" => 0,
        other => not_understood(&message, &format!("Unsupported performative: {other}")),
    }
}

fn request(message: &Message) -> i32 {
    let content: Content = read(message.content).unwrap_or_default();
    match string(content.action).as_deref() {
        Some("process_data") => match read_job(content.data) {
            Some((job, text)) => inform_text(message, &text::apply(&job.operation, &text)),
            None => invalid(message),
        },
        Some("relay") => match read_job(content.data) {
            Some((job, text)) => relay(message, &job, &text::apply(&job.operation, &text)),
            None => invalid(message),
        },
        Some("get_status") => {
            let status = Status {
                status: "ready",
                language: "rust",
                handled: HANDLED.load(Relaxed),
            };
            message.reply("inform", Outcome { result: status })
        }
        Some(action) => not_understood(message, &format!("Unknown action: {action}")),
        None => not_understood(message, "No action given"),
    }
}

fn read_job(data: Option<&RawValue>) -> Option<(Job<'_>, String)> {
    let job: Job = read(data)?;
    let text = string(job.data.or(job.text))?;
    Some((job, text))
}

/// Hands `text` to the next agent, or to the one who asked when there is none.
fn relay(message: &Message, job: &Job, text: &str) -> i32 {
    match job.then.as_deref() {
        None | Some([]) => inform_text(message, text),
        Some([next, rest @ ..]) => {
            let data = Forwarded {
                data: text,
                operation: &next.operation,
                then: rest,
            };
            let action = "relay";
            message.forward(&next.agent, Relay { action, data })
        }
    }
}

fn inform_text(message: &Message, text: &str) -> i32 {
    let result = Processed {
        result: text,
        timestamp: host::now(),
    };
    message.reply("inform", Outcome { result })
}

fn invalid(message: &Message) -> i32 {
    let error = "Invalid request format";
    message.reply("failure", Refusal { error });
    1
}

fn not_understood(message: &Message, error: &str) -> i32 {
    message.reply("not-understood", Refusal { error });
    1
}
