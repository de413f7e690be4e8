//! A message as the host wrote it.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::envelope::{Envelope, ReplyBy};
use super::json::{write_number, write_string};
use super::kept::Kept;
use super::{Measure, Performative, Traceparent, name};
use crate::error::{Error, ErrorKind};

/// A FIPA ACL message, checked and stamped by the host. Immutable, and cheap to clone: every
/// receiver shares the same bytes.
#[derive(Clone)]
pub struct Message(Arc<Inner>);

struct Inner {
    /// The JSON text that a guest is shown, then the unescaped form of those fields that needed
    /// escapes.
    buffer: String,
    json_len: u32,
    performative: Performative,
    fields: [Span; FIELD_COUNT],
    content: Span,
    /// Taken when limits first ask for it: however many receivers have some, the content is read once.
    measure: OnceLock<Measure>,
    receivers: Receivers,
    reply_by: Option<u64>,
    sent_at: u64,
    traceparent: Option<Traceparent>,
    kept: Kept,
}

/// A range of `buffer`; `ABSENT` where the message has no such field.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

const ABSENT: Span = Span { start: u32::MAX, end: 0 };

enum Receivers {
    One(Span),
    Many(Box<[Span]>),
}

#[derive(Clone, Copy)]
enum Field {
    Sender,
    ReplyTo,
    Language,
    Encoding,
    Ontology,
    Protocol,
    ConversationId,
    ReplyWith,
    InReplyTo,
    MessageId,
}

const FIELD_COUNT: usize = 10;
/// What a message takes beside its content, as a rule: so much room is set aside to write it.
const USUAL_BYTES: usize = 288;

/// The longest field but the content and the receivers, in bytes.
const MAX_FIELD_BYTES: usize = 4096;

/// What the host adds to a message that somebody wrote.
#[derive(Default)]
pub(crate) struct Stamp<'a> {
    /// The true sender; none in a message that has not been sent.
    pub sender: Option<&'a str>,
    /// Unique in this runtime; none in a message that has not been sent.
    pub message_id: Option<&'a str>,
    /// Microseconds since the Unix epoch; 0 in a message that has not been sent.
    pub sent_at: u64,
    /// Stands in place of the receivers that the envelope names (broadcasts).
    pub receiver: Option<&'a str>,
    /// Given where the envelope has none.
    pub reply_with: Option<&'a str>,
    /// Given where the envelope has none.
    pub conversation_id: Option<&'a str>,
    /// Given where the envelope has none: microseconds since the Unix epoch.
    pub reply_by: Option<u64>,
    /// Given where the envelope has none.
    pub traceparent: Option<Traceparent>,
}

impl Message {
    /// Writes the message that `envelope` describes, as the host sends it.
    pub(crate) fn write(envelope: &Envelope<'_>, stamp: &Stamp<'_>) -> Result<Self, Error> {
        let performative = envelope.performative.ok_or_else(|| {
            Error::new(ErrorKind::InvalidMessage, "the message has no `performative`")
        })?;
        let mut writer = Writer::new(envelope, stamp);
        writer.raw("{\"performative\":\"");
        writer.raw(performative.as_str());
        writer.raw("\"");
        writer.text(Field::Sender, ",\"sender\":", stamp.sender);
        let receivers = writer.receivers(envelope, stamp)?;
        writer.text(Field::ReplyTo, ",\"reply_to\":", envelope.reply_to.as_deref());
        let content = writer.content(envelope);
        writer.text(Field::Language, ",\"language\":", envelope.language.as_deref());
        writer.text(Field::Encoding, ",\"encoding\":", envelope.encoding.as_deref());
        writer.text(Field::Ontology, ",\"ontology\":", envelope.ontology.as_deref());
        writer.text(Field::Protocol, ",\"protocol\":", envelope.protocol.as_deref());
        let conversation_id = envelope.conversation_id.as_deref().or(stamp.conversation_id);
        writer.text(Field::ConversationId, ",\"conversation_id\":", conversation_id);
        let reply_with = envelope.reply_with.as_deref().or(stamp.reply_with);
        writer.text(Field::ReplyWith, ",\"reply_with\":", reply_with);
        writer.text(Field::InReplyTo, ",\"in_reply_to\":", envelope.in_reply_to.as_deref());
        let reply_by = match (&envelope.reply_by, stamp.reply_by) {
            (Some(given), _) => {
                writer.raw(",\"reply_by\":");
                writer.raw(given.raw);
                Some(given.micros)
            }
            (None, Some(micros)) => {
                writer.raw(",\"reply_by\":");
                write_number(&mut writer.out, micros);
                Some(micros)
            }
            (None, None) => None,
        };
        for (key, value) in &envelope.extras {
            writer.key(key);
            writer.raw(value);
        }
        let traceparent = match envelope.traceparent() {
            Some(said) => said,
            None => {
                if let Some(given) = stamp.traceparent {
                    writer.key(Traceparent::FIELD);
                    write_string(&mut writer.out, &given.to_string());
                }
                stamp.traceparent
            }
        };
        writer.text(Field::MessageId, ",\"message_id\":", stamp.message_id);
        if stamp.sent_at > 0 {
            writer.raw(",\"sent_at\":");
            write_number(&mut writer.out, stamp.sent_at);
        }
        writer.raw("}");
        writer.finish(Parts {
            performative,
            content,
            receivers,
            reply_by,
            sent_at: stamp.sent_at,
            traceparent,
        })
    }

    /// Reads a message that the host wrote, with its sender, its id and when it was sent.
    pub(crate) fn restore(json: &[u8]) -> Result<Self, Error> {
        #[derive(serde::Deserialize)]
        struct Stamped<'a> {
            #[serde(borrow)]
            sender: Cow<'a, str>,
            #[serde(borrow)]
            message_id: Cow<'a, str>,
            sent_at: u64,
        }
        let stamped: Stamped<'_> = serde_json::from_slice(json).map_err(|wrong| {
            let text = format!("a message in the store cannot be read: {wrong}");
            Error::new(ErrorKind::Store, text)
        })?;
        let stamp = Stamp {
            sender: Some(&stamped.sender),
            message_id: Some(&stamped.message_id),
            sent_at: stamped.sent_at,
            ..Stamp::default()
        };
        Self::write(&Envelope::read(json)?, &stamp)
    }

    /// The message as JSON, as every receiver sees it.
    pub fn as_json(&self) -> &[u8] {
        self.as_text().as_bytes()
    }

    /// The same as text.
    pub fn as_text(&self) -> &str {
        &self.0.buffer[..self.0.json_len as usize]
    }

    /// The act.
    pub fn performative(&self) -> Performative {
        self.0.performative
    }

    /// Who sent the message: stamped by the host, so it is never forged. Empty in one that has not
    /// been sent.
    pub fn sender(&self) -> &str {
        self.field(Field::Sender).unwrap_or_default()
    }

    /// The first receiver: a name, a `topic:NAME`, or `*` for a broadcast.
    pub fn receiver(&self) -> &str {
        self.receivers().next().unwrap_or_default()
    }

    /// Every receiver that the message names.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        let spans = match &self.0.receivers {
            Receivers::One(span) => std::slice::from_ref(span),
            Receivers::Many(spans) => spans,
        };
        spans.iter().map(|span| self.text(*span))
    }

    /// The content as JSON text; `null` where the message has none.
    pub fn content(&self) -> &str {
        if self.0.content == ABSENT { "null" } else { self.text(self.0.content) }
    }

    /// The content, read into `T`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if the content does not have the form of `T`.
    pub fn read_content<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Error> {
        serde_json::from_str(self.content()).map_err(|wrong| {
            let text =
                format!("the content of message {} does not fit: {wrong}", self.message_id());
            Error::new(ErrorKind::InvalidMessage, text)
        })
    }

    /// Where replies go if not to the sender.
    pub fn reply_to(&self) -> Option<&str> {
        self.field(Field::ReplyTo)
    }

    /// The language of the content.
    pub fn language(&self) -> Option<&str> {
        self.field(Field::Language)
    }

    /// The encoding of the content.
    pub fn encoding(&self) -> Option<&str> {
        self.field(Field::Encoding)
    }

    /// The ontology of the content.
    pub fn ontology(&self) -> Option<&str> {
        self.field(Field::Ontology)
    }

    /// The interaction protocol.
    pub fn protocol(&self) -> Option<&str> {
        self.field(Field::Protocol)
    }

    /// The conversation that the message belongs to.
    pub fn conversation_id(&self) -> Option<&str> {
        self.field(Field::ConversationId)
    }

    /// What a reply has to name in its `in_reply_to`.
    pub fn reply_with(&self) -> Option<&str> {
        self.field(Field::ReplyWith)
    }

    /// The `reply_with` of the message that this one answers.
    pub fn in_reply_to(&self) -> Option<&str> {
        self.field(Field::InReplyTo)
    }

    /// When the next message is due: microseconds since the Unix epoch.
    pub fn reply_by(&self) -> Option<u64> {
        self.0.reply_by
    }

    /// The host's id of this message, unique in the runtime. Empty in one that has not been sent.
    pub fn message_id(&self) -> &str {
        self.field(Field::MessageId).unwrap_or_default()
    }

    /// When the message was sent: microseconds since the Unix epoch; 0 if it has not been.
    pub fn sent_at(&self) -> u64 {
        self.0.sent_at
    }

    /// Where the message says that it belongs in a trace.
    pub(crate) fn traceparent(&self) -> Option<Traceparent> {
        self.0.traceparent
    }

    /// Its row in the store.
    pub(crate) fn kept(&self) -> &Kept {
        &self.0.kept
    }

    /// The topic that the message is for, if it is for one.
    pub fn topic(&self) -> Option<&str> {
        self.receivers().find_map(name::topic_of)
    }

    /// Whether this is an answer to `message`: by what it names, or by the conversation where it
    /// names nothing.
    pub(crate) fn answers(&self, message: &Message) -> bool {
        match self.in_reply_to() {
            Some(key) => message.reply_with() == Some(key),
            None => {
                message.reply_with().is_none()
                    || (self.conversation_id().is_some()
                        && self.conversation_id() == message.conversation_id())
            }
        }
    }

    /// How large the parts of the content are; without content there are none.
    pub(crate) fn measure(&self) -> &Measure {
        self.0.measure.get_or_init(|| match self.0.content {
            ABSENT => Measure::default(),
            span => Measure::of(self.text(span)),
        })
    }

    /// What the message is charged for in a mailbox, in bytes.
    pub(crate) fn charge(&self) -> usize {
        self.0.buffer.len() + std::mem::size_of::<Inner>()
    }

    /// Checks that no field but the content and the receivers is longer than 4 KiB: failures and notes of
    /// answers that are due repeat them, for each receiver.
    pub(crate) fn check_fields(&self) -> Result<(), Error> {
        if (self.0.json_len as usize).saturating_sub(self.content().len()) <= MAX_FIELD_BYTES {
            return Ok(());
        }
        let fields = [
            ("conversation_id", self.conversation_id()),
            ("reply_with", self.reply_with()),
            ("in_reply_to", self.in_reply_to()),
            ("reply_to", self.reply_to()),
            ("protocol", self.protocol()),
            ("language", self.language()),
            ("ontology", self.ontology()),
            ("encoding", self.encoding()),
        ];
        for (name, value) in fields {
            let len = value.map_or(0, str::len);
            if len > MAX_FIELD_BYTES {
                let text = format!("`{name}` has {len} bytes, and {MAX_FIELD_BYTES} is the most");
                return Err(Error::new(ErrorKind::InvalidMessage, text));
            }
        }
        Ok(())
    }

    /// The same message with a note of its size in place of its content.
    pub(crate) fn without_content(&self) -> Self {
        let note = format!("\"({} bytes)\"", self.content().len());
        let Ok(mut envelope) = Envelope::read(self.as_json()) else { return self.clone() };
        envelope.content = Some(&note);
        let stamp = Stamp {
            sender: Some(self.sender()),
            message_id: Some(self.message_id()),
            sent_at: self.sent_at(),
            ..Stamp::default()
        };
        Self::write(&envelope, &stamp).unwrap_or_else(|_| self.clone())
    }

    /// The same message with nothing but what the host needs to answer it, or to say that nobody did:
    /// who sent it, its ids, and what an answer keeps.
    pub(crate) fn for_answers(&self) -> Self {
        let traceparent = self.traceparent();
        let by = self.reply_by().map(|micros| (micros.to_string(), micros));
        let envelope = Envelope {
            performative: Some(self.performative()),
            reply_to: self.reply_to().map(Cow::Borrowed),
            language: self.language().map(Cow::Borrowed),
            ontology: self.ontology().map(Cow::Borrowed),
            protocol: self.protocol().map(Cow::Borrowed),
            conversation_id: self.conversation_id().map(Cow::Borrowed),
            reply_with: self.reply_with().map(Cow::Borrowed),
            in_reply_to: self.in_reply_to().map(Cow::Borrowed),
            reply_by: by.as_ref().map(|(raw, micros)| ReplyBy { raw, micros: *micros }),
            ..Envelope::default()
        };
        let stamp = Stamp {
            sender: Some(self.sender()),
            receiver: Some(name::EVERYBODY),
            message_id: Some(self.message_id()),
            sent_at: self.sent_at(),
            traceparent,
            ..Stamp::default()
        };
        Self::write(&envelope, &stamp).unwrap_or_else(|_| self.clone())
    }

    /// Where an answer to this message goes.
    pub(crate) fn answer_to(&self) -> &str {
        self.reply_to().unwrap_or_else(|| self.sender())
    }

    fn field(&self, field: Field) -> Option<&str> {
        let span = self.0.fields[field as usize];
        (span != ABSENT).then(|| self.text(span))
    }

    fn text(&self, span: Span) -> &str {
        self.0.buffer.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}

struct Parts {
    performative: Performative,
    content: Span,
    receivers: Receivers,
    reply_by: Option<u64>,
    sent_at: u64,
    traceparent: Option<Traceparent>,
}

struct Writer<'a> {
    out: String,
    fields: [Span; FIELD_COUNT],
    /// Fields whose text needed escapes; their plain form is put behind the JSON at the end.
    escaped: Vec<(Field, Cow<'a, str>)>,
    escaped_receivers: Vec<(usize, String)>,
}

impl<'a> Writer<'a> {
    fn new(envelope: &Envelope<'_>, stamp: &Stamp<'_>) -> Self {
        let content = envelope.content.map_or(0, str::len);
        let usual = if stamp.message_id.is_some() { USUAL_BYTES } else { USUAL_BYTES / 2 };
        Writer {
            out: String::with_capacity(content + usual),
            fields: [ABSENT; FIELD_COUNT],
            escaped: Vec::new(),
            escaped_receivers: Vec::new(),
        }
    }

    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn key(&mut self, key: &str) {
        self.out.push(',');
        write_string(&mut self.out, key);
        self.out.push(':');
    }

    /// Writes a field; `key` is its name in quotes, with a comma before it and a colon behind.
    fn text(&mut self, field: Field, key: &'static str, value: Option<&'a str>) {
        let Some(value) = value else { return };
        self.raw(key);
        match self.string(value) {
            Some(span) => self.fields[field as usize] = span,
            None => self.escaped.push((field, Cow::Borrowed(value))),
        }
    }

    /// Writes a string; its span, unless it had to be escaped.
    fn string(&mut self, value: &str) -> Option<Span> {
        let start = self.out.len() as u32 + 1;
        let is_plain = write_string(&mut self.out, value);
        is_plain.then(|| Span { start, end: self.out.len() as u32 - 1 })
    }

    fn receivers(
        &mut self,
        envelope: &Envelope<'_>,
        stamp: &Stamp<'_>,
    ) -> Result<Receivers, Error> {
        let one = match (stamp.receiver, &envelope.receivers[..]) {
            (Some(name), _) => Some(name),
            (None, [one]) if !envelope.receiver_is_array => Some(&**one),
            (None, []) if stamp.message_id.is_none() => {
                return Ok(Receivers::Many(Box::default()));
            }
            (None, []) => {
                let text = "the message has no `receiver`";
                return Err(Error::new(ErrorKind::InvalidMessage, text));
            }
            (None, _) => None,
        };
        self.raw(",\"receiver\":");
        if let Some(name) = one {
            let span = self.string(name);
            if span.is_none() {
                self.escaped_receivers.push((0, name.to_owned()));
            }
            return Ok(Receivers::One(span.unwrap_or(ABSENT)));
        }
        self.out.push('[');
        let mut spans = Vec::with_capacity(envelope.receivers.len());
        for (index, name) in envelope.receivers.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let span = self.string(name);
            if span.is_none() {
                self.escaped_receivers.push((index, name.clone().into_owned()));
            }
            spans.push(span.unwrap_or(ABSENT));
        }
        self.out.push(']');
        Ok(match spans[..] {
            [one] => Receivers::One(one),
            _ => Receivers::Many(spans.into()),
        })
    }

    fn content(&mut self, envelope: &Envelope<'_>) -> Span {
        let Some(raw) = envelope.content else {
            return ABSENT;
        };
        self.raw(",\"content\":");
        let start = self.out.len() as u32;
        self.raw(raw);
        Span { start, end: self.out.len() as u32 }
    }

    fn finish(mut self, mut parts: Parts) -> Result<Message, Error> {
        let json_len = self.out.len();
        for (field, text) in &self.escaped {
            let start = self.out.len() as u32;
            self.out.push_str(text);
            self.fields[*field as usize] = Span { start, end: self.out.len() as u32 };
        }
        for (index, text) in &self.escaped_receivers {
            let start = self.out.len() as u32;
            self.out.push_str(text);
            let span = Span { start, end: self.out.len() as u32 };
            match &mut parts.receivers {
                Receivers::One(one) => *one = span,
                Receivers::Many(spans) => spans[*index] = span,
            }
        }
        // Spans are 32 bits wide; no limit on messages may be set above that.
        if u32::try_from(self.out.len()).is_err() {
            return Err(Error::limit("message bytes", u64::from(u32::MAX), self.out.len() as u64));
        }
        Ok(Message(Arc::new(Inner {
            buffer: self.out,
            json_len: json_len as u32,
            performative: parts.performative,
            fields: self.fields,
            content: parts.content,
            measure: OnceLock::new(),
            receivers: parts.receivers,
            reply_by: parts.reply_by,
            sent_at: parts.sent_at,
            traceparent: parts.traceparent,
            kept: Kept::default(),
        })))
    }
}
