//! The Rust agent's work as a plugin of extism: it reads the same message with the same code, does the
//! same to the text, and answers with a message of the same shape.

mod host;
#[path = "../../../../tests/agents/rust/agent/src/message.rs"]
#[allow(dead_code)]
mod message;
#[path = "../../../../tests/agents/rust/agent/src/text.rs"]
mod text;

use message::{Message, read, string};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Default, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Job<'a> {
    operation: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Outcome<T> {
    result: T,
}

#[derive(Serialize)]
struct Processed<'a> {
    result: &'a str,
    timestamp: u64,
}

/// Without the attribute `plugin_fn`, which would set the output once more, to nothing.
#[unsafe(no_mangle)]
pub extern "C" fn handle_message() -> i32 {
    let bytes: Vec<u8> = extism_pdk::unwrap!(extism_pdk::input());
    let message: Message = extism_pdk::unwrap!(serde_json::from_slice(&bytes));
    handle(&message).unwrap_or_else(|| message.reply("failure", "Invalid request format"))
}

fn handle(message: &Message) -> Option<i32> {
    let content: Content = read(message.content).unwrap_or_default();
    if message.performative != "request" || string(content.action)? != "process_data" {
        return None;
    }
    let job: Job = read(content.data)?;
    let text = text::apply(&job.operation, &string(job.data.or(job.text))?);
    let result = Processed {
        result: &text,
        timestamp: host::now(),
    };
    Some(message.reply("inform", Outcome { result }))
}
