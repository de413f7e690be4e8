//! The Rust agent's work as a plugin of extism: it reads the same message with the same code, does the
//! same to the text, and answers with a message of the same shape.

mod host;
#[path = "../../../../tests/agents/rust/agent/src/message.rs"]
#[allow(dead_code)]
mod message;
#[path = "../../../../tests/agents/rust/agent/src/text.rs"]
mod text;

use extism_pdk::{FnResult, plugin_fn};
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

#[plugin_fn]
pub fn handle_message(bytes: Vec<u8>) -> FnResult<()> {
    let message: Message = serde_json::from_slice(&bytes)?;
    if handle(&message).is_none() {
        message.reply("failure", "Invalid request format");
    }
    Ok(())
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
