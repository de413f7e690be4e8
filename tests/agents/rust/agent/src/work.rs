//! Requests to transform text.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::message::{Message, Outcome, read, string};
use crate::{host, invalid, text};

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

#[derive(Serialize)]
struct Processed<'a> {
    result: &'a str,
    timestamp: u64,
}

pub fn process(message: &Message, data: Option<&RawValue>) -> i32 {
    match read_job(data) {
        Some((job, text)) => inform_text(message, &text::apply(&job.operation, &text)),
        None => invalid(message),
    }
}

/// Hands the text to the next agent, or to the one who asked when there is none.
pub fn relay(message: &Message, data: Option<&RawValue>) -> i32 {
    let Some((job, text)) = read_job(data) else { return invalid(message) };
    let text = text::apply(&job.operation, &text);
    match job.then.as_deref() {
        None | Some([]) => inform_text(message, &text),
        Some([next, rest @ ..]) => {
            let data = Forwarded { data: &text, operation: &next.operation, then: rest };
            let action = "relay";
            message.forward(&next.agent, Relay { action, data })
        }
    }
}

fn read_job(data: Option<&RawValue>) -> Option<(Job<'_>, String)> {
    let job: Job = read(data)?;
    let text = string(job.data.or(job.text))?;
    Some((job, text))
}

fn inform_text(message: &Message, text: &str) -> i32 {
    let result = Processed { result: text, timestamp: host::now() };
    message.reply("inform", Outcome { result })
}
