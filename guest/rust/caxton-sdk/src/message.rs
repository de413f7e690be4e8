//! The FIPA message (SC00061) as an agent sees it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::AgentError;

/// A message. Of what is sent, only `performative` and `receiver` have to be there: the host writes the
/// sender, `message_id` and `sent_at`.
///
/// ```
/// use caxton_sdk::FipaMessage;
/// use serde_json::json;
///
/// let message = FipaMessage {
///     performative: "request".to_string(),
///     receiver: "planner".to_string(),
///     content: json!({"action": "plan"}),
///     ..Default::default()
/// };
/// assert_eq!(message.to_json(), r#"{"performative":"request","receiver":"planner","content":{"action":"plan"}}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FipaMessage {
    /// One of FIPA's 22 communicative acts (SC00037), such as `request` or `inform`.
    pub performative: String,
    /// Who speaks: an agent's name. Empty in what is sent, where the host writes it.
    pub sender: String,
    /// Who is spoken to: a name, an id, or a topic (`topic:NAME`); the first where there are several.
    pub receiver: String,
    /// The receivers after the first, where there are several.
    pub other_receivers: Vec<String>,
    /// What is said: any JSON value.
    pub content: Value,
    /// Who is to get the answer, where that is not the sender.
    pub reply_to: Option<String>,
    /// The language of the content.
    pub language: Option<String>,
    /// The encoding of the content.
    pub encoding: Option<String>,
    /// What the content's words mean.
    pub ontology: Option<String>,
    /// The interaction protocol that the message belongs to, such as `fipa-request`.
    pub protocol: Option<String>,
    /// The conversation that it belongs to.
    pub conversation_id: Option<String>,
    /// What an answer is to have as `in_reply_to`.
    pub reply_with: Option<String>,
    /// The `reply_with` of the message that this one answers.
    pub in_reply_to: Option<String>,
    /// By when an answer is wanted: microseconds since the Unix epoch as a number, or a text in RFC 3339.
    pub reply_by: Option<Value>,
    /// The host's id of the message.
    pub message_id: Option<String>,
    /// When the host took the message: microseconds since the Unix epoch.
    pub sent_at: Option<u64>,
    /// Every other field, such as `X-traceparent`.
    pub extra: Map<String, Value>,
}

impl FipaMessage {
    /// Reads a message from JSON.
    ///
    /// # Errors
    ///
    /// If the bytes are no JSON object with a `performative`, or a field has another type than FIPA's.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// A message of this act to this receiver, to be filled in.
    pub fn new(performative: &str, receiver: &str, content: impl Serialize) -> Self {
        FipaMessage {
            performative: performative.into(),
            receiver: receiver.into(),
            content: to_value(content),
            ..FipaMessage::default()
        }
    }

    /// The message as JSON; what is not there is left out.
    pub fn to_json(&self) -> String {
        // Maps with texts as keys and values that came from JSON can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The content as a type of the agent's own.
    ///
    /// # Errors
    ///
    /// [`AgentError::NotUnderstood`], with what is wrong, if the content does not fit.
    pub fn read_content<T: DeserializeOwned>(&self) -> Result<T, AgentError> {
        T::deserialize(&self.content).map_err(|error| {
            AgentError::NotUnderstood(alloc::format!("the content does not fit: {error}"))
        })
    }

    /// What the content asks to be done: its `action`, where it has one.
    pub fn action(&self) -> Option<&str> {
        self.content.get("action")?.as_str()
    }

    /// All receivers.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        let first = (!self.receiver.is_empty()).then_some(self.receiver.as_str());
        first.into_iter().chain(self.other_receivers.iter().map(String::as_str))
    }

    /// Who is to get an answer: `reply_to`, or else the sender.
    pub fn answer_to(&self) -> &str {
        self.reply_to.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.sender)
    }

    /// An answer to this message, as SC00061 has it: to `reply_to` or the sender, with `in_reply_to`, in
    /// the same conversation, protocol, ontology and language.
    pub fn reply(&self, performative: &str, content: impl Serialize) -> FipaMessage {
        FipaMessage {
            performative: performative.into(),
            receiver: self.answer_to().into(),
            content: to_value(content),
            in_reply_to: self.reply_with.clone(),
            conversation_id: self.conversation_id.clone(),
            protocol: self.protocol.clone(),
            ontology: self.ontology.clone(),
            language: self.language.clone(),
            ..FipaMessage::default()
        }
    }

    /// Whether it is an act that nobody answers, so that two agents do not feed each other errors for ever.
    pub fn ends_exchange(&self) -> bool {
        matches!(self.performative.as_str(), "inform" | "failure" | "not-understood")
    }

    /// All of it but the content: what is needed to answer it later.
    pub fn without_content(&self) -> FipaMessage {
        FipaMessage { content: Value::Null, ..self.clone() }
    }
}

/// What cannot be written as JSON (a map whose keys are no texts) becomes null; the log says so.
pub(crate) fn to_value(content: impl Serialize) -> Value {
    serde_json::to_value(content).unwrap_or_else(|error| {
        crate::console_error(&alloc::format!("a content cannot be written as JSON: {error}"));
        Value::Null
    })
}

impl Serialize for FipaMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("performative", &self.performative)?;
        if !self.sender.is_empty() {
            map.serialize_entry("sender", &self.sender)?;
        }
        if !self.other_receivers.is_empty() {
            map.serialize_entry("receiver", &self.receivers().collect::<Vec<_>>())?;
        } else if !self.receiver.is_empty() {
            map.serialize_entry("receiver", &self.receiver)?;
        }
        if !self.content.is_null() {
            map.serialize_entry("content", &self.content)?;
        }
        let texts = [
            ("reply_to", &self.reply_to),
            ("language", &self.language),
            ("encoding", &self.encoding),
            ("ontology", &self.ontology),
            ("protocol", &self.protocol),
            ("conversation_id", &self.conversation_id),
            ("reply_with", &self.reply_with),
            ("in_reply_to", &self.in_reply_to),
            ("message_id", &self.message_id),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(reply_by) = &self.reply_by {
            map.serialize_entry("reply_by", reply_by)?;
        }
        if let Some(sent_at) = &self.sent_at {
            map.serialize_entry("sent_at", sent_at)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for FipaMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

/// Reads the fields in one pass, without a tree of their own.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = FipaMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message: an object with `performative`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FipaMessage, A::Error> {
        let mut message = FipaMessage::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "performative" => message.performative = map.next_value()?,
                "sender" => {
                    let senders = map.next_value::<Names>()?.0;
                    message.sender = senders.into_iter().next().unwrap_or_default();
                }
                "receiver" => {
                    let mut names = map.next_value::<Names>()?.0.into_iter();
                    message.receiver = names.next().unwrap_or_default();
                    message.other_receivers = names.collect();
                }
                "content" => message.content = map.next_value()?,
                "reply_to" => message.reply_to = map.next_value()?,
                "language" => message.language = map.next_value()?,
                "encoding" => message.encoding = map.next_value()?,
                "ontology" => message.ontology = map.next_value()?,
                "protocol" => message.protocol = map.next_value()?,
                "conversation_id" => message.conversation_id = map.next_value()?,
                "reply_with" => message.reply_with = map.next_value()?,
                "in_reply_to" => message.in_reply_to = map.next_value()?,
                "reply_by" => message.reply_by = map.next_value()?,
                "message_id" => message.message_id = map.next_value()?,
                "sent_at" => message.sent_at = map.next_value()?,
                _ => drop(message.extra.insert(name, map.next_value()?)),
            }
        }
        if message.performative.is_empty() {
            return Err(de::Error::missing_field("performative"));
        }
        Ok(message)
    }
}

/// One name, or a list of them.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or a list of names")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
        Ok(Names(alloc::vec![name.into()]))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Names, E> {
        Ok(Names(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        Ok(Names(names))
    }
}
