//! Messages as JSON text, which is how JavaScript holds them.

use caxton::{Draft, Message};
use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;

use crate::fault::Fault;

/// A whole message that somebody wrote: JSON as text or as bytes.
pub type Written = Either<String, Uint8Array>;

/// The message as JSON text.
pub fn text(message: &Message) -> String {
    // The core writes it from text; the check costs less than the copy.
    String::from_utf8_lossy(message.as_json()).into_owned()
}

pub fn draft(written: Written) -> Draft {
    match written {
        Either::A(text) => Draft::json(text),
        Either::B(bytes) => Draft::json(bytes.to_vec()),
    }
}

fn written(draft: Result<Draft, caxton::Error>) -> Either<String, Fault> {
    match draft.and_then(|draft| draft.to_message()) {
        Ok(message) => Either::A(text(&message)),
        Err(error) => Either::B(error.into()),
    }
}

/// Reads a message, and writes it as the core would.
#[napi(catch_unwind)]
pub fn read_message(message: Written) -> Either<String, Fault> {
    written(Ok(draft(message)))
}

/// An answer to `message`; `content` is JSON, `fields` a JSON object.
#[napi(catch_unwind)]
pub fn compose_reply(
    message: String,
    performative: String,
    content: String,
    fields: Option<String>,
) -> Either<String, Fault> {
    written(Draft::json(message).to_message().and_then(|message| {
        let fields = fields.as_deref().map(str::as_bytes);
        Draft::compose_reply(&message, &performative, content.as_bytes(), fields)
    }))
}

/// The `reply_by` of a message that has it as a date: microseconds since the Unix epoch.
#[napi(catch_unwind)]
pub fn reply_by(message: String) -> Option<f64> {
    let message = Draft::json(message).to_message().ok()?;
    message.reply_by().map(|micros| micros as f64)
}
