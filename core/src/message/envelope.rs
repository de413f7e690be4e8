//! Reading a message: once, without touching its content.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::scan::{Quoted, Scanner, Wrong};
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
    pub receivers: SmallVec<[Cow<'a, str>; 1]>,
    /// The receiver was an array, also when it named only one.
    pub receiver_is_array: bool,
    pub reply_to: Option<Cow<'a, str>>,
    /// As JSON.
    pub content: Option<&'a str>,
    pub language: Option<Cow<'a, str>>,
    pub encoding: Option<Cow<'a, str>>,
    pub ontology: Option<Cow<'a, str>>,
    pub protocol: Option<Cow<'a, str>>,
    pub conversation_id: Option<Cow<'a, str>>,
    pub reply_with: Option<Cow<'a, str>>,
    pub in_reply_to: Option<Cow<'a, str>>,
    pub reply_by: Option<ReplyBy<'a>>,
    /// Fields that FIPA does not name, as JSON; they are carried as they are.
    pub extras: Vec<(Cow<'a, str>, &'a str)>,
}

/// `sender` as it was written: a name, or the receivers of the message that is being answered.
#[derive(Debug)]
pub(crate) enum Sender<'a> {
    One(Cow<'a, str>),
    Many(SmallVec<[Cow<'a, str>; 1]>),
}

/// `reply_by`: the JSON that was given and the instant that it names.
#[derive(Debug)]
pub(crate) struct ReplyBy<'a> {
    pub raw: &'a str,
    pub micros: u64,
}

impl<'a> Envelope<'a> {
    /// Reads a message. Duplicate keys are refused, whatever way they are escaped.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        // Filled where it will be used: it is too large to be moved about.
        let mut read = Ok(Envelope::default());
        if let Ok(envelope) = &mut read
            && let Err(error) = envelope.read_into(bytes)
        {
            read = Err(error);
        }
        read
    }

    /// The same on the heap: on the stack of a guest, whose pages are kept, an envelope takes too much.
    pub fn read_boxed(bytes: &'a [u8]) -> Result<Box<Self>, Error> {
        let mut envelope = Box::<Self>::default();
        envelope.read_into(bytes)?;
        Ok(envelope)
    }

    fn read_into(&mut self, bytes: &'a [u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(bytes)
            .map_err(|wrong| invalid(format_args!("it is not UTF-8: {wrong}")))?;
        self.fill(text).map_err(|fault| match fault {
            Fault::Text(wrong) => invalid(format_args!("{}", place_of(text, &wrong))),
            Fault::Meaning(error) => error,
        })
    }

    fn fill(&mut self, text: &'a str) -> Result<(), Fault> {
        let mut scanner = Scanner::new(text);
        if !scanner.take(b'{') {
            return Err(scanner.wrong("a JSON object with a `performative`").into());
        }
        let mut seen = 0;
        if !scanner.take(b'}') {
            loop {
                let key = plain(scanner.key()?)?;
                self.read_field(key, &mut scanner, &mut seen)?;
                if scanner.take(b'}') {
                    break;
                }
                if !scanner.take(b',') {
                    return Err(scanner.wrong("`,` or `}`").into());
                }
            }
        }
        if scanner.is_at_end() { Ok(()) } else { Err(scanner.wrong("nothing more").into()) }
    }

    /// What the message says of where it belongs in a trace, if it says something: `Some(None)` where
    /// that cannot be read.
    pub fn traceparent(&self) -> Option<Option<Traceparent>> {
        let (_, value) = self.extras.iter().find(|(key, _)| *key == Traceparent::FIELD)?;
        let text: Option<Cow<'_, str>> = serde_json::from_str(value).ok();
        Some(text.and_then(|text| Traceparent::parse(&text)))
    }

    /// Reads the value of a field: one of FIPA's parameters (SC00061), one of the two that the host adds,
    /// or any other. `seen` has a bit for each that was there.
    fn read_field(
        &mut self,
        key: Cow<'a, str>,
        scanner: &mut Scanner<'a>,
        seen: &mut u32,
    ) -> Result<(), Fault> {
        let mut once = |bit: u32| {
            let is_first = *seen & 1 << bit == 0;
            *seen |= 1 << bit;
            if is_first { Ok(()) } else { Err(duplicate(&key)) }
        };
        match &*key {
            "performative" => {
                once(0)?;
                self.performative = match text_or_null(&key, scanner)? {
                    Some(text) => Some(Performative::parse(&text).ok_or_else(|| {
                        let shown = shown(&text);
                        meaning(format_args!(
                            "{shown:?} is not one of FIPA's 22 communicative acts"
                        ))
                    })?),
                    None => None,
                };
            }
            "sender" => {
                once(1)?;
                self.sender = match names(&key, scanner)? {
                    Names::None => None,
                    Names::One(name) => Some(Sender::One(name)),
                    Names::Many(names) => Some(Sender::Many(names)),
                };
            }
            "receiver" => {
                once(2)?;
                match names(&key, scanner)? {
                    Names::None => {}
                    Names::One(name) => self.receivers.push(name),
                    Names::Many(names) => {
                        self.receiver_is_array = true;
                        self.receivers = names;
                    }
                }
            }
            "content" => {
                once(3)?;
                self.content = Some(scanner.value()?);
            }
            "reply_by" => {
                once(4)?;
                self.reply_by = read_reply_by(scanner.value()?)?;
            }
            // The host writes these two itself; what somebody else wrote there is not believed.
            "message_id" => {
                once(5)?;
                scanner.value()?;
            }
            "sent_at" => {
                once(6)?;
                scanner.value()?;
            }
            name => {
                if let Some((bit, text)) = self.text_field(name) {
                    once(bit)?;
                    *text = text_or_null(&key, scanner)?;
                    return Ok(());
                }
                if let Some(known) = looks_like(name) {
                    let shown = shown(name);
                    return Err(meaning(format_args!(
                        "the field {shown:?} could be read as `{known}`; write it like that, or call it otherwise"
                    )));
                }
                if self.extras.len() == MAX_EXTRA_FIELDS {
                    return Err(meaning(format_args!(
                        "more than {MAX_EXTRA_FIELDS} fields that FIPA does not name"
                    )));
                }
                if self.extras.iter().any(|(name, _)| *name == key) {
                    return Err(duplicate(&key));
                }
                self.extras.push((key, scanner.value()?));
            }
        }
        Ok(())
    }

    /// The field of this name that holds a text and nothing else, and its bit among those that were there.
    #[inline]
    fn text_field(&mut self, name: &str) -> Option<(u32, &mut Option<Cow<'a, str>>)> {
        Some(match name {
            "conversation_id" => (7, &mut self.conversation_id),
            "reply_with" => (8, &mut self.reply_with),
            "in_reply_to" => (9, &mut self.in_reply_to),
            "protocol" => (10, &mut self.protocol),
            "language" => (11, &mut self.language),
            "ontology" => (12, &mut self.ontology),
            "encoding" => (13, &mut self.encoding),
            "reply_to" => (14, &mut self.reply_to),
            _ => return None,
        })
    }
}

/// The fields that have a meaning.
pub(super) const FIELDS: [&str; 15] = [
    "performative",
    "sender",
    "receiver",
    "content",
    "reply_by",
    "message_id",
    "sent_at",
    "conversation_id",
    "reply_with",
    "in_reply_to",
    "protocol",
    "language",
    "ontology",
    "encoding",
    "reply_to",
];

/// The field that a reader who does not heed case would take `name` for. Some do (Go's standard library, for
/// one), and would then believe a `Sender` that the host has not written.
fn looks_like(name: &str) -> Option<&'static str> {
    // The two letters beyond ASCII that Unicode folds to one of ASCII's.
    let folded = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    FIELDS.into_iter().find(|field| name.chars().map(folded).eq(field.chars()))
}

/// Why a text is no message.
enum Fault {
    /// It is no JSON, or not of the right shape there.
    Text(Wrong),
    /// It says what a message cannot say.
    Meaning(Error),
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        Fault::Text(wrong)
    }
}

#[cold]
fn invalid(why: std::fmt::Arguments<'_>) -> Error {
    Error::new(ErrorKind::InvalidMessage, format!("this is not a message: {why}"))
}

#[cold]
fn meaning(why: std::fmt::Arguments<'_>) -> Fault {
    Fault::Meaning(invalid(why))
}

#[cold]
fn duplicate(key: &str) -> Fault {
    let shown = shown(key);
    meaning(format_args!("the key {shown:?} stands there twice"))
}

/// What was expected in a text, and where; lines and columns count from 1.
#[cold]
fn place_of(text: &str, wrong: &Wrong) -> String {
    let before = &text.as_bytes()[..wrong.at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    format!("expected {} at line {line} column {column}", wrong.expected)
}

/// The text that a string stands for; a borrowed one needs no escapes.
#[inline]
fn plain(quoted: Quoted<'_>) -> Result<Cow<'_, str>, Fault> {
    if quoted.has_escapes { unescaped(quoted) } else { Ok(Cow::Borrowed(quoted.raw)) }
}

#[cold]
fn unescaped(quoted: Quoted<'_>) -> Result<Cow<'_, str>, Fault> {
    let text: Result<String, _> = serde_json::from_str(&format!("\"{}\"", quoted.raw));
    match text {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(wrong) => Err(meaning(format_args!("the string \"{}\": {wrong}", shown(quoted.raw)))),
    }
}

#[inline]
fn text_or_null<'a>(field: &str, scanner: &mut Scanner<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    match scanner.peek() {
        b'"' => Ok(Some(plain(scanner.string()?)?)),
        _ if scanner.value()? == "null" => Ok(None),
        _ => Err(meaning(format_args!("`{field}`: expected a string"))),
    }
}

/// A name, an array of names, or null.
enum Names<'a> {
    None,
    One(Cow<'a, str>),
    Many(SmallVec<[Cow<'a, str>; 1]>),
}

fn names<'a>(field: &str, scanner: &mut Scanner<'a>) -> Result<Names<'a>, Fault> {
    if scanner.peek() != b'[' {
        return match text_or_null(field, scanner) {
            Ok(None) => Ok(Names::None),
            Ok(Some(name)) => Ok(Names::One(name)),
            Err(Fault::Meaning(_)) => {
                Err(meaning(format_args!("`{field}`: expected a name or an array of names")))
            }
            Err(wrong) => Err(wrong),
        };
    }
    scanner.take(b'[');
    let mut names = SmallVec::new();
    if scanner.take(b']') {
        return Ok(Names::Many(names));
    }
    loop {
        if names.len() == MAX_RECEIVERS {
            return Err(meaning(format_args!("`{field}`: more than {MAX_RECEIVERS} names")));
        }
        if scanner.peek() != b'"' {
            return Err(meaning(format_args!("`{field}`: expected names, and nothing else")));
        }
        names.push(plain(scanner.string()?)?);
        if scanner.take(b']') {
            return Ok(Names::Many(names));
        }
        if !scanner.take(b',') {
            return Err(scanner.wrong("`,` or `]`").into());
        }
    }
}

fn read_reply_by(raw: &str) -> Result<Option<ReplyBy<'_>>, Fault> {
    if raw == "null" {
        return Ok(None);
    }
    let micros = if raw.starts_with('"') {
        let text: Cow<'_, str> = serde_json::from_str(raw)
            .map_err(|wrong| meaning(format_args!("`reply_by`: {wrong}")))?;
        let instant: jiff::Timestamp = text.parse().map_err(|_| {
            let shown = shown(&text);
            meaning(format_args!("`reply_by`: {shown:?} is not an RFC 3339 time"))
        })?;
        u64::try_from(instant.as_microsecond()).unwrap_or(0)
    } else {
        raw.parse().map_err(|_| {
            meaning(format_args!(
                "`reply_by`: expected an RFC 3339 text or whole microseconds since 1970"
            ))
        })?
    };
    Ok(Some(ReplyBy { raw, micros }))
}
