//! A worker that transforms text, alone or as one step of a relay, and takes part in FIPA's protocols.
//!
//! The crates beside this one export it: `worker` plainly, `bindgen` through wasm-bindgen.

mod config;
mod contract_net;
mod directory;
mod host;
mod later;
mod message;
mod negotiate;
mod query;
mod subscription;
mod text;
mod work;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use message::{Message, Outcome, Refusal, read, string};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const CAPABILITIES: &str = include_str!("capabilities.json");
const LANGUAGE: &str = "rust";

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

#[derive(Serialize)]
struct Status {
    status: &'static str,
    language: &'static str,
    handled: u64,
}

pub fn init() -> i32 {
    HANDLED.store(0, Relaxed);
    config::load();
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

/// Goes on with what was put off until this timer rings.
pub fn ring(timer: i32) -> i32 {
    later::ring(timer).or_else(|| contract_net::ring(timer)).unwrap_or(0)
}

/// Handles one message: 0 when it was dealt with, 1 when it was refused or could not be read.
pub fn handle(bytes: &[u8]) -> i32 {
    let message = match Message::read(bytes) {
        Ok(message) => message,
        Err(error) => {
            host::error(&format!("the message cannot be read: {error}"));
            return 1;
        }
    };
    HANDLED.fetch_add(1, Relaxed);
    // What this agent asked for itself comes back as one act or another.
    if let Some(code) = directory::answered(&message).or_else(|| contract_net::answered(&message)) {
        return code;
    }

    match message.performative.as_str() {
        "request" => request(&message),
        "cfp" => negotiate::call(&message),
        "accept-proposal" => negotiate::accepted(&message),
        "propose" => negotiate::offer(&message),
        "query-if" => query::query_if(&message),
        "query-ref" => query::query_ref(&message),
        "subscribe" => subscription::subscribe(&message),
        "request-when" => subscription::request_when(&message),
        "cancel" => subscription::cancel(&message),
        // Silence here keeps two agents from feeding each other errors for ever.
        "inform" | "failure" | "not-understood" | "reject-proposal" => 0,
        other => not_understood(&message, &format!("Unsupported performative: {other}")),
    }
}

fn request(message: &Message) -> i32 {
    let content: Content = read(message.content).unwrap_or_default();
    match string(content.action).as_deref() {
        Some("process_data") => work::process(message, content.data),
        Some("relay") => work::relay(message, content.data),
        Some("get_status") => message.reply("inform", Outcome { result: status() }),
        Some("agree_first") => {
            message.agree();
            message.reply("inform", Outcome { result: "done" })
        }
        Some("ask_df") => directory::ask(message, content.data),
        Some("start_contract_net") => contract_net::start(message, content.data),
        Some(action) => not_understood(message, &format!("Unknown action: {action}")),
        None => not_understood(message, "No action given"),
    }
}

fn status() -> Status {
    Status { status: "ready", language: LANGUAGE, handled: HANDLED.load(Relaxed) }
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
