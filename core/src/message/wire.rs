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
    pub traceparent: Option<&'a Traceparent>,
}

impl Message {
    /// Writes the message that `envelope` describes, as the host sends it.
    pub(crate) fn write(envelope: &Envelope<'_>, stamp: &Stamp<'_>) -> Result<Self, Error> {
        let performative = envelope.performative.ok_or_else(|| {
            Error::new(ErrorKind::InvalidMessage, "the message has no `performative`")
        })?;
        // Written where it will stay: this runs on the stacks of guests, whose pages are kept.
        let mut message = Arc::<Inner>::default();
        let Some(inner) = Arc::get_mut(&mut message) else {
            return Err(Error::new(ErrorKind::Internal, "a message that is new is shared already"));
        };
        (inner.performative, inner.sent_at) = (performative, stamp.sent_at);
        let content = envelope.content.map_or(0, str::len);
        let usual = if stamp.message_id.is_some() { USUAL_BYTES } else { USUAL_BYTES / 2 };
        inner.buffer = String::with_capacity(content + usual);
        let mut writer = Writer { message: inner, escaped: Vec::new() };
        writer.raw("{\"performative\":\"");
        writer.raw(performative.as_str());
        writer.raw("\"");
        writer.text(Field::Sender, ",\"sender\":", stamp.sender);
        writer.receivers(envelope, stamp)?;
        writer.text(Field::ReplyTo, ",\"reply_to\":", envelope.reply_to.as_deref());
        writer.content(envelope);
        writer.text(Field::Language, ",\"language\":", envelope.language.as_deref());
        writer.text(Field::Encoding, ",\"encoding\":", envelope.encoding.as_deref());
        writer.text(Field::Ontology, ",\"ontology\":", envelope.ontology.as_deref());
        writer.text(Field::Protocol, ",\"protocol\":", envelope.protocol.as_deref());
        let conversation_id = envelope.conversation_id.as_deref().or(stamp.conversation_id);
        writer.text(Field::ConversationId, ",\"conversation_id\":", conversation_id);
        let reply_with = envelope.reply_with.as_deref().or(stamp.reply_with);
        writer.text(Field::ReplyWith, ",\"reply_with\":", reply_with);
        writer.text(Field::InReplyTo, ",\"in_reply_to\":", envelope.in_reply_to.as_deref());
        writer.reply_by(envelope, stamp);
        for (key, value) in &envelope.extras {
            writer.key(key);
            writer.raw(value);
        }
        writer.traceparent(envelope, stamp);
        writer.text(Field::MessageId, ",\"message_id\":", stamp.message_id);
        if stamp.sent_at > 0 {
            writer.raw(",\"sent_at\":");
            write_number(&mut writer.message.buffer, stamp.sent_at);
        }
        writer.raw("}");
        writer.finish()?;
        Ok(Message(message))
    }

    /// Reads back what [`Message::as_json`] gave, with the `message_id` and the `sent_at` that the runtime wrote,
    /// where they are there: those of a message that somebody drafts are not believed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMessage`] if it is no message.
    pub fn read_back(json: &[u8]) -> Result<Self, Error> {
        #[derive(serde::Deserialize)]
        struct Stamped<'a> {
            #[serde(borrow, default)]
            sender: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            message_id: Option<Cow<'a, str>>,
            #[serde(default)]
            sent_at: u64,
        }
        let envelope = Envelope::read(json)?;
        let stamped: Stamped<'_> = serde_json::from_slice(json).map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("no message of the runtime's: {wrong}"))
        })?;
        let stamp = Stamp {
            sender: stamped.sender.as_deref(),
            message_id: stamped.message_id.as_deref(),
            sent_at: stamped.sent_at,
            ..Stamp::default()
        };
        Self::write(&envelope, &stamp)
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
    pub(crate) fn traceparent(&self) -> Option<&Traceparent> {
        self.0.traceparent.as_ref()
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

    /// Checks that no field but the content, and no name among the receivers, is longer than 4 KiB: failures
    /// and notes of answers that are due repeat them, for each receiver.
    pub(crate) fn check_fields(&self) -> Result<(), Error> {
        if (self.0.json_len as usize).saturating_sub(self.content().len()) <= MAX_FIELD_BYTES {
            return Ok(());
        }
        self.check_each_field()
    }

    #[cold]
    #[inline(never)]
    fn check_each_field(&self) -> Result<(), Error> {
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
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in fields.chain(self.receivers().map(|name| ("receiver", name))) {
            let len = value.len();
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

impl Default for Inner {
    /// A message of which nothing is written. All of it is constant, so that it is written where it will stay.
    fn default() -> Self {
        Inner {
            buffer: String::new(),
            json_len: 0,
            performative: Performative::Inform,
            fields: [ABSENT; FIELD_COUNT],
            content: ABSENT,
            measure: OnceLock::new(),
            receivers: Receivers::One(ABSENT),
            reply_by: None,
            sent_at: 0,
            traceparent: None,
            kept: Kept::default(),
        }
    }
}

struct Writer<'a> {
    message: &'a mut Inner,
    /// Texts that needed escapes; their plain form is put behind the JSON at the end.
    escaped: Vec<(Place, &'a str)>,
}

/// The place of a text in a message.
#[derive(Clone, Copy)]
enum Place {
    Field(Field),
    /// The receiver of this number.
    Receiver(usize),
}

impl<'a> Writer<'a> {
    fn raw(&mut self, text: &str) {
        self.message.buffer.push_str(text);
    }

    fn key(&mut self, key: &str) {
        let out = &mut self.message.buffer;
        out.push(',');
        write_string(out, key);
        out.push(':');
    }

    /// Writes a field; `key` is its name in quotes, with a comma before it and a colon behind.
    fn text(&mut self, field: Field, key: &'static str, value: Option<&'a str>) {
        let Some(value) = value else { return };
        self.raw(key);
        let span = self.string(Place::Field(field), value);
        self.message.fields[field as usize] = span;
    }

    /// Writes a string; its span, which is known at the end if it had to be escaped.
    fn string(&mut self, place: Place, value: &'a str) -> Span {
        let out = &mut self.message.buffer;
        let start = out.len() as u32 + 1;
        if write_string(out, value) {
            return Span { start, end: out.len() as u32 - 1 };
        }
        self.escaped.push((place, value));
        ABSENT
    }

    fn receivers(&mut self, envelope: &'a Envelope<'_>, stamp: &Stamp<'a>) -> Result<(), Error> {
        let one = match (stamp.receiver, &envelope.receivers[..]) {
            (Some(name), _) => Some(name),
            (None, [one]) if !envelope.receiver_is_array => Some(&**one),
            (None, []) if stamp.message_id.is_none() => {
                self.message.receivers = Receivers::Many(Box::default());
                return Ok(());
            }
            (None, []) => {
                let text = "the message has no `receiver`";
                return Err(Error::new(ErrorKind::InvalidMessage, text));
            }
            (None, _) => None,
        };
        self.raw(",\"receiver\":");
        match one {
            Some(name) => {
                self.message.receivers = Receivers::One(self.string(Place::Receiver(0), name));
            }
            None => self.array_of_receivers(envelope),
        }
        Ok(())
    }

    #[inline(never)]
    fn array_of_receivers(&mut self, envelope: &'a Envelope<'_>) {
        self.raw("[");
        let mut spans = Vec::with_capacity(envelope.receivers.len());
        for (index, name) in envelope.receivers.iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            spans.push(self.string(Place::Receiver(index), name));
        }
        self.raw("]");
        self.message.receivers = match spans[..] {
            [one] => Receivers::One(one),
            _ => Receivers::Many(spans.into()),
        };
    }

    fn content(&mut self, envelope: &Envelope<'_>) {
        let Some(raw) = envelope.content else { return };
        self.raw(",\"content\":");
        let start = self.message.buffer.len() as u32;
        self.raw(raw);
        self.message.content = Span { start, end: self.message.buffer.len() as u32 };
    }

    fn reply_by(&mut self, envelope: &Envelope<'_>, stamp: &Stamp<'_>) {
        let given = envelope.reply_by.as_ref();
        self.message.reply_by = given.map(|given| given.micros).or(stamp.reply_by);
        let Some(micros) = self.message.reply_by else { return };
        self.raw(",\"reply_by\":");
        match given {
            Some(given) => self.raw(given.raw),
            None => write_number(&mut self.message.buffer, micros),
        }
    }

    fn traceparent(&mut self, envelope: &Envelope<'_>, stamp: &Stamp<'_>) {
        match envelope.traceparent() {
            Some(said) => self.message.traceparent = said,
            None => {
                if let Some(given) = stamp.traceparent {
                    self.give_traceparent(given);
                }
            }
        }
    }

    #[inline(never)]
    fn give_traceparent(&mut self, given: &Traceparent) {
        self.key(Traceparent::FIELD);
        write_string(&mut self.message.buffer, &given.to_string());
        self.message.traceparent = Some(*given);
    }

    fn finish(self) -> Result<(), Error> {
        let Writer { message, escaped } = self;
        let json_len = message.buffer.len();
        for (place, text) in escaped {
            let start = message.buffer.len() as u32;
            message.buffer.push_str(text);
            let span = Span { start, end: message.buffer.len() as u32 };
            match (place, &mut message.receivers) {
                (Place::Field(field), _) => message.fields[field as usize] = span,
                (Place::Receiver(_), Receivers::One(one)) => *one = span,
                (Place::Receiver(index), Receivers::Many(spans)) => spans[index] = span,
            }
        }
        // Spans are 32 bits wide; no limit on messages may be set above that.
        let size = message.buffer.len();
        if u32::try_from(size).is_err() {
            return Err(Error::limit("message bytes", u64::from(u32::MAX), size as u64));
        }
        message.json_len = json_len as u32;
        Ok(())
    }
}
