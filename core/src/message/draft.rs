//! A message before the host has stamped it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::fields;
use super::json::write_string;
use super::{Envelope, Message, Performative, Sender, Stamp, Traceparent};
use crate::error::{Error, ErrorKind};

/// A message that somebody writes and has not sent yet: JSON with at least a `performative`.
///
/// The sender, the `message_id` and `sent_at` are the host's to write. Beside FIPA's parameters it may have fields
/// whose names begin with `X-` or `x_`; a field with another name is [`ErrorKind::InvalidArgument`].
#[derive(Debug, Clone)]
pub struct Draft {
    json: Vec<u8>,
    /// Somebody else wrote it, with fields of any names.
    is_foreign: bool,
}

impl Draft {
    /// A whole message as JSON bytes. It is checked when it is sent.
    pub fn json(bytes: impl Into<Vec<u8>>) -> Self {
        Draft { json: bytes.into(), is_foreign: false }
    }

    /// A whole message that somebody else wrote, as JSON bytes: its fields stay, whatever their names.
    pub fn foreign(bytes: impl Into<Vec<u8>>) -> Self {
        Draft { json: bytes.into(), is_foreign: true }
    }

    /// Begins a message with its act, its receiver and its content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if `content` cannot be written as JSON.
    pub fn new(
        performative: Performative,
        receiver: &str,
        content: &impl Serialize,
    ) -> Result<Self, Error> {
        let content = serde_json::to_vec(content).map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("the content is not JSON: {wrong}"))
        })?;
        let mut draft = Self::with_raw_content(performative.as_str(), Some(receiver), &content);
        draft.json.shrink_to_fit();
        Ok(draft)
    }

    /// Puts a message together from its parts: the act, the receiver, the content as JSON, and
    /// further fields as a JSON object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if `fields` is no object. The rest is checked when the message
    /// is sent.
    pub fn compose(
        performative: &str,
        receiver: Option<&str>,
        content: &[u8],
        fields: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let draft = Self::with_raw_content(performative, receiver, content);
        Ok(draft.raw_fields(&read_fields(fields)?))
    }

    /// A FIPA request (SC00026), put together as by [`Draft::compose`].
    ///
    /// # Errors
    ///
    /// As [`Draft::compose`].
    pub fn request(receiver: &str, content: &[u8], fields: Option<&[u8]>) -> Result<Self, Error> {
        let mut fields = read_fields(fields)?;
        let names_protocol = fields.get("protocol").is_some_and(|given| given.get() != "null");
        if !names_protocol {
            fields.remove("protocol");
        }
        let draft = Self::with_raw_content("request", Some(receiver), content).raw_fields(&fields);
        Ok(if names_protocol { draft } else { draft.field("protocol", "fipa-request") })
    }

    /// An answer to `message` with content that is JSON already, and further fields as a JSON
    /// object: see [`Draft::reply`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if the parts make no message.
    pub fn compose_reply(
        message: &Message,
        performative: &str,
        content: &[u8],
        fields: Option<&[u8]>,
    ) -> Result<Self, Error> {
        Self::compose(performative, None, content, fields)?.complete(message)
    }

    /// The draft as a message that has not been sent: it has no `message_id` yet, and no sender but
    /// the one that it names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if it is no message; [`ErrorKind::InvalidArgument`] if it has a field that
    /// nobody knows.
    pub fn to_message(&self) -> Result<Message, Error> {
        Self::unsent(&self.read()?, None)
    }

    /// Reads it, and checks the names of its fields.
    pub(crate) fn read(&self) -> Result<Envelope<'_>, Error> {
        let envelope = Envelope::read(&self.json)?;
        if !self.is_foreign && !envelope.extras.is_empty() {
            fields::check(&envelope)?;
        }
        Ok(envelope)
    }

    fn unsent(
        envelope: &Envelope<'_>,
        traceparent: Option<&Traceparent>,
    ) -> Result<Message, Error> {
        let sender = match &envelope.sender {
            Some(Sender::One(name)) => Some(name.as_ref()),
            _ => None,
        };
        Message::write(envelope, &Stamp { sender, traceparent, ..Stamp::default() })
    }

    /// The same with content that is JSON already.
    pub(crate) fn with_raw_content(
        performative: &str,
        receiver: Option<&str>,
        content: &[u8],
    ) -> Self {
        let mut json = Vec::with_capacity(content.len() + 160);
        json.extend_from_slice(b"{\"performative\":");
        write_string(&mut json, performative);
        if let Some(receiver) = receiver {
            json.extend_from_slice(b",\"receiver\":");
            write_string(&mut json, receiver);
        }
        json.extend_from_slice(b",\"content\":");
        json.extend_from_slice(content);
        json.push(b'}');
        Draft::json(json)
    }

    /// Adds a field: one of FIPA's parameters, or one whose name begins with `X-`.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        let mut json = String::with_capacity(value.len() + 2);
        write_string(&mut json, value);
        self.raw_field(name, &json);
        self
    }

    fn raw_fields(mut self, fields: &BTreeMap<String, &RawValue>) -> Self {
        for (name, value) in fields {
            self.raw_field(name, value.get());
        }
        self
    }

    fn raw_field(&mut self, name: &str, json: &str) {
        let whole = self.json.trim_ascii_end().len();
        self.json.truncate(whole.saturating_sub(1));
        self.json.push(b',');
        write_string(&mut self.json, name);
        self.json.push(b':');
        self.json.extend_from_slice(json.as_bytes());
        self.json.push(b'}');
    }

    /// An answer to `message`: it keeps the protocol, the conversation, the ontology and the
    /// language, and names what it answers (FIPA SC00061).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if `content` cannot be written as JSON.
    pub fn reply(
        message: &Message,
        performative: Performative,
        content: &impl Serialize,
    ) -> Result<Self, Error> {
        let content = serde_json::to_vec(content).map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("the content is not JSON: {wrong}"))
        })?;
        Ok(Self::raw_reply(message, performative, &content))
    }

    pub(crate) fn raw_reply(message: &Message, performative: Performative, content: &[u8]) -> Self {
        Self::raw_reply_to(message, message.answer_to(), performative, content)
    }

    pub(crate) fn raw_reply_to(
        message: &Message,
        to: &str,
        performative: Performative,
        content: &[u8],
    ) -> Self {
        let mut draft = Self::with_raw_content(performative.as_str(), Some(to), content);
        for (name, value) in kept(message) {
            if let Some(value) = value {
                draft = draft.field(name, value);
            }
        }
        if let Some(traceparent) = message.traceparent() {
            draft = draft.field(Traceparent::FIELD, &traceparent.to_string());
        }
        draft
    }

    /// A message that answers `message`, as somebody wrote it: its receiver, and what ties it to
    /// what it answers, are added where they are missing.
    pub(crate) fn complete(&self, message: &Message) -> Result<Self, Error> {
        let mut envelope = self.read()?;
        if envelope.receivers.is_empty() {
            envelope.receiver_is_array = false;
            envelope.receivers.push(message.answer_to().into());
        }
        let fields = [
            &mut envelope.in_reply_to,
            &mut envelope.conversation_id,
            &mut envelope.protocol,
            &mut envelope.ontology,
            &mut envelope.language,
        ];
        for (field, (_, value)) in fields.into_iter().zip(kept(message)) {
            if field.is_none() {
                *field = value.map(Into::into);
            }
        }
        Ok(Draft::from(&Self::unsent(&envelope, message.traceparent())?))
    }

    /// The message as JSON bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.json
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.json
    }
}

impl From<&Message> for Draft {
    fn from(message: &Message) -> Self {
        Draft::foreign(message.as_json())
    }
}

/// The entries of a JSON object of further fields.
fn read_fields(json: Option<&[u8]>) -> Result<BTreeMap<String, &RawValue>, Error> {
    let Some(json) = json else { return Ok(BTreeMap::new()) };
    serde_json::from_slice(json).map_err(|wrong| {
        let text = format!("the message's fields are not an object: {wrong}");
        Error::new(ErrorKind::InvalidMessage, text)
    })
}

/// What a reply keeps of the message that it answers.
fn kept(message: &Message) -> [(&'static str, Option<&str>); 5] {
    [
        ("in_reply_to", message.reply_with()),
        ("conversation_id", message.conversation_id()),
        ("protocol", message.protocol()),
        ("ontology", message.ontology()),
        ("language", message.language()),
    ]
}
