//! Messages as JSON text, which is how JavaScript holds them.

use caxton::{Draft, Message};
use napi::bindgen_prelude::{Either, Either3, ToNapiValue, TypeName, Uint8Array};
use napi::{ValueType, check_status, sys};
use napi_derive::napi;

use crate::fault::Fault;

/// A whole message: JSON that the program wrote, as text or as bytes, or a message that somebody else wrote.
pub type Written = Either3<String, Uint8Array, Foreign>;

/// A message whose fields stay, whatever their names.
#[napi(object, object_to_js = false)]
pub struct Foreign {
    /// The message as JSON.
    pub foreign: String,
}

/// A message as JSON text, which is copied once: into JavaScript's string.
pub struct Text(Message);

pub fn text(message: &Message) -> Text {
    Text(message.clone())
}

impl TypeName for Text {
    fn type_name() -> &'static str {
        String::type_name()
    }

    fn value_type() -> ValueType {
        String::value_type()
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> napi::Result<sys::napi_value> {
        let text = text.0.as_text();
        if !text.is_ascii() {
            // SAFETY: `env` is what the caller vouches for.
            return unsafe { <&str>::to_napi_value(env, text) };
        }
        // V8 reads these byte for byte, in place of looking for characters of more than one.
        let mut string = std::ptr::null_mut();
        let (begin, len) = (text.as_ptr().cast(), text.len() as isize);
        // SAFETY: `env` is what the caller vouches for; `begin` and `len` are those of a text that lives until
        // the call is over, which copies it; `string` has room for what is written there.
        let status = unsafe { sys::napi_create_string_latin1(env, begin, len, &mut string) };
        check_status!(status, "no string could be made of a message")?;
        Ok(string)
    }
}

pub fn draft(written: Written) -> Draft {
    match written {
        Either3::A(text) => Draft::json(text),
        Either3::B(bytes) => Draft::json(bytes.to_vec()),
        Either3::C(message) => Draft::foreign(message.foreign),
    }
}

fn written(draft: Result<Draft, caxton::Error>) -> Either<Text, Fault> {
    match draft.and_then(|draft| draft.to_message()) {
        Ok(message) => Either::A(text(&message)),
        Err(error) => Either::B(error.into()),
    }
}

/// Reads a message, and writes it as the core would; one that may be anybody's keeps fields of any names.
#[napi(catch_unwind)]
pub fn read_message(message: Written, is_foreign: bool) -> Either<Text, Fault> {
    let draft = draft(message);
    written(Ok(if is_foreign { Draft::foreign(draft.into_bytes()) } else { draft }))
}

/// An answer to `message`; `content` is JSON, `fields` a JSON object.
#[napi(catch_unwind)]
pub fn compose_reply(
    message: String,
    performative: String,
    content: String,
    fields: Option<String>,
) -> Either<Text, Fault> {
    written(Draft::foreign(message).to_message().and_then(|message| {
        let fields = fields.as_deref().map(str::as_bytes);
        Draft::compose_reply(&message, &performative, content.as_bytes(), fields)
    }))
}

/// A message in one line.
#[napi(catch_unwind)]
pub fn message_line(message: String) -> String {
    Draft::foreign(message).to_message().map_or_else(|error| error.to_string(), |it| it.to_line())
}

/// The content of a message in one line.
#[napi(catch_unwind)]
pub fn content_line(message: String) -> String {
    let message = Draft::foreign(message).to_message();
    message.map_or_else(|error| error.to_string(), |it| it.content_line())
}

/// The `reply_by` of a message that has it as a date: microseconds since the Unix epoch.
#[napi(catch_unwind)]
pub fn reply_by(message: String) -> Option<f64> {
    let message = Draft::foreign(message).to_message().ok()?;
    message.reply_by().map(|micros| micros as f64)
}
