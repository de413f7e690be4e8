//! Reading a message: once, without touching its content.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Performative, Traceparent};
use crate::error::{Error, ErrorKind, shown};

/// The most fields that are not FIPA's own in one message.
const MAX_EXTRA_FIELDS: usize = 64;
/// The most receivers in one message.
pub(crate) const MAX_RECEIVERS: usize = 10_000;

/// A message as somebody wrote it: borrowed, checked for shape, not yet stamped by the host.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub performative: Option<Performative>,
    pub sender: Option<Sender<'a>>,
    pub receivers: Vec<Cow<'a, str>>,
    /// The receiver was an array, also when it named only one.
    pub receiver_is_array: bool,
    pub reply_to: Option<Cow<'a, str>>,
    pub content: Option<&'a RawValue>,
    pub language: Option<Cow<'a, str>>,
    pub encoding: Option<Cow<'a, str>>,
    pub ontology: Option<Cow<'a, str>>,
    pub protocol: Option<Cow<'a, str>>,
    pub conversation_id: Option<Cow<'a, str>>,
    pub reply_with: Option<Cow<'a, str>>,
    pub in_reply_to: Option<Cow<'a, str>>,
    pub reply_by: Option<ReplyBy<'a>>,
    /// Fields that FIPA does not name; they are carried as they are.
    pub extras: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// `sender` as it was written: a name, or the receivers of the message that is being answered.
#[derive(Debug)]
pub(crate) enum Sender<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

/// `reply_by`: the text that was given and the instant that it names.
#[derive(Debug)]
pub(crate) struct ReplyBy<'a> {
    pub raw: &'a RawValue,
    pub micros: u64,
}

impl<'a> Envelope<'a> {
    /// Reads a message. Duplicate keys are refused, whatever way they are escaped.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("this is not a message: {wrong}"))
        })
    }

    /// What the message says of where it belongs in a trace, if it says something: `Some(None)` where
    /// that cannot be read.
    pub fn traceparent(&self) -> Option<Option<Traceparent>> {
        let (_, value) = self.extras.iter().find(|(key, _)| *key == Traceparent::FIELD)?;
        let text: Option<Cow<'_, str>> = serde_json::from_str(value.get()).ok();
        Some(text.and_then(|text| Traceparent::parse(&text)))
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object with a `performative`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        let mut seen = 0u32;
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let Some(index) = FIELDS.iter().position(|field| *field == key) else {
                if envelope.extras.len() == MAX_EXTRA_FIELDS {
                    return Err(de::Error::custom(format_args!(
                        "more than {MAX_EXTRA_FIELDS} fields that FIPA does not name"
                    )));
                }
                if envelope.extras.iter().any(|(name, _)| *name == key) {
                    return Err(duplicate(&key));
                }
                envelope.extras.push((key, map.next_value()?));
                continue;
            };
            if seen & (1 << index) != 0 {
                return Err(duplicate(&key));
            }
            seen |= 1 << index;
            envelope.read_field(FIELDS[index], &mut map)?;
        }
        Ok(envelope)
    }
}

/// FIPA's parameters (SC00061), and the two that the host adds.
const FIELDS: [&str; 15] = [
    "performative",
    "sender",
    "receiver",
    "content",
    "conversation_id",
    "reply_with",
    "in_reply_to",
    "protocol",
    "reply_by",
    "language",
    "ontology",
    "encoding",
    "reply_to",
    "message_id",
    "sent_at",
];

impl<'de> Envelope<'de> {
    fn read_field<A: MapAccess<'de>>(
        &mut self,
        field: &'static str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match field {
            "performative" => {
                let Some(text) = text_or_null(field, map)? else {
                    return Ok(());
                };
                let act = Performative::parse(&text).ok_or_else(|| {
                    let shown = shown(&text);
                    de::Error::custom(format_args!(
                        "{shown:?} is not one of FIPA's 22 communicative acts"
                    ))
                })?;
                self.performative = Some(act);
            }
            "sender" => {
                self.sender = match map.next_value::<Names<'de>>().map_err(|e| within(field, e))? {
                    Names::None => None,
                    Names::One(name) => Some(Sender::One(name)),
                    Names::Many(names) => Some(Sender::Many(names)),
                };
            }
            "receiver" => match map.next_value::<Names<'de>>().map_err(|e| within(field, e))? {
                Names::None => {}
                Names::One(name) => self.receivers.push(name),
                Names::Many(names) => {
                    self.receiver_is_array = true;
                    self.receivers = names;
                }
            },
            "content" => self.content = Some(map.next_value()?),
            "reply_by" => self.reply_by = read_reply_by(map.next_value()?)?,
            "language" => self.language = text_or_null(field, map)?,
            "encoding" => self.encoding = text_or_null(field, map)?,
            "ontology" => self.ontology = text_or_null(field, map)?,
            "protocol" => self.protocol = text_or_null(field, map)?,
            "conversation_id" => self.conversation_id = text_or_null(field, map)?,
            "reply_with" => self.reply_with = text_or_null(field, map)?,
            "in_reply_to" => self.in_reply_to = text_or_null(field, map)?,
            "reply_to" => self.reply_to = text_or_null(field, map)?,
            // The host writes these two itself; what somebody else wrote there is not believed.
            _ => {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

fn duplicate<E: de::Error>(key: &str) -> E {
    let shown = shown(key);
    E::custom(format_args!("the key {shown:?} stands there twice"))
}

fn within<E: de::Error>(field: &str, error: impl fmt::Display) -> E {
    E::custom(format_args!("`{field}`: {error}"))
}

fn text_or_null<'de, A: MapAccess<'de>>(
    field: &str,
    map: &mut A,
) -> Result<Option<Cow<'de, str>>, A::Error> {
    let text = map.next_value::<Option<Text<'de>>>().map_err(|e| within(field, e))?;
    Ok(text.map(|Text(text)| text))
}

fn read_reply_by<'de, E: de::Error>(raw: &'de RawValue) -> Result<Option<ReplyBy<'de>>, E> {
    let text = raw.get();
    if text == "null" {
        return Ok(None);
    }
    let micros = if text.starts_with('"') {
        let text: Text = serde_json::from_str(text).map_err(|e| within("reply_by", e))?;
        let instant: jiff::Timestamp = text.0.parse().map_err(|_| {
            let shown = shown(&text.0);
            E::custom(format_args!("`reply_by`: {shown:?} is not an RFC 3339 time"))
        })?;
        u64::try_from(instant.as_microsecond()).unwrap_or(0)
    } else {
        text.parse().map_err(|_| {
            E::custom("`reply_by`: expected an RFC 3339 text or whole microseconds since 1970")
        })?
    };
    Ok(Some(ReplyBy { raw, micros }))
}

/// A string that borrows from the input where it holds no escape.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// A name, an array of names, or null.
enum Names<'a> {
    None,
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl<'de> Deserialize<'de> for Names<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or an array of names")
    }

    fn visit_unit<E>(self) -> Result<Names<'de>, E> {
        Ok(Names::None)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Names<'de>, E> {
        Ok(Names::One(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Names<'de>, E> {
        Ok(Names::One(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names<'de>, A::Error> {
        let mut names = Vec::new();
        while let Some(Text(name)) = seq.next_element::<Text<'de>>()? {
            if names.len() == MAX_RECEIVERS {
                return Err(de::Error::custom(format_args!("more than {MAX_RECEIVERS} names")));
            }
            names.push(name);
        }
        Ok(Names::Many(names))
    }
}
