//! FIPA messages as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::host;

/// Messages that are longer are not kept for a later answer.
const MAX_KEPT_BYTES: usize = 64 << 10;

/// Above this, a number of microseconds or of times is taken for a mistake.
const MAX_WHOLE: i64 = 1_000_000_000_000_000;

/// A message as it came. What is only handed on stays raw, so it costs nothing and loses nothing.
#[derive(Deserialize)]
pub struct Message<'a> {
    pub performative: String,
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub sender: Option<&'a RawValue>,
    #[serde(borrow)]
    reply_to: Option<&'a RawValue>,
    #[serde(borrow)]
    reply_with: Option<&'a RawValue>,
    #[serde(borrow)]
    pub in_reply_to: Option<&'a RawValue>,
    #[serde(borrow)]
    pub conversation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    protocol: Option<&'a RawValue>,
    #[serde(borrow)]
    ontology: Option<&'a RawValue>,
    #[serde(borrow)]
    language: Option<&'a RawValue>,
    #[serde(skip)]
    bytes: &'a [u8],
}

/// A message that is answered later.
pub struct Kept(Box<[u8]>);

/// The first message of a conversation. The host fills in the sender.
#[derive(Serialize)]
pub struct Opening<'a, R, C> {
    pub performative: &'a str,
    pub receiver: R,
    pub content: C,
    pub protocol: &'a str,
    pub reply_with: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_by: Option<u64>,
}

/// The body of an `inform`.
#[derive(Serialize)]
pub struct Outcome<T> {
    pub result: T,
}

/// The body of a `failure` or a `not-understood`.
#[derive(Serialize)]
pub struct Refusal<'a> {
    pub error: &'a str,
}

/// The body of a `refuse` or a `reject-proposal`.
#[derive(Serialize)]
struct Reason<'a> {
    reason: &'a str,
}

/// The body of an `agree` or an `accept-proposal` that says nothing more.
#[derive(Serialize)]
struct Nothing {}

/// A message to send. The host fills in the sender.
#[derive(Serialize)]
struct Outgoing<'a, R, C> {
    performative: &'a str,
    receiver: R,
    content: C,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_with: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ontology: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a RawValue>,
}

impl Kept {
    pub fn message(&self) -> Option<Message<'_>> {
        Message::read(&self.0).ok()
    }
}

impl<'a> Message<'a> {
    pub fn read(bytes: &'a [u8]) -> serde_json::Result<Self> {
        let message = serde_json::from_slice(bytes)?;
        Ok(Message { bytes, ..message })
    }

    /// The message for a later answer; `None` if it is too long to be kept.
    pub fn keep(&self) -> Option<Kept> {
        (self.bytes.len() <= MAX_KEPT_BYTES).then(|| Kept(self.bytes.into()))
    }

    pub fn protocol(&self) -> Option<String> {
        string(self.protocol)
    }

    /// Answers whoever asked: 0, or 1 if the answer could not be sent.
    pub fn reply(&self, performative: &str, content: impl Serialize) -> i32 {
        let Some(asker) = self.asker() else { return 1 };
        send(&Outgoing {
            in_reply_to: self.reply_with,
            ..self.outgoing(performative, asker, content)
        })
    }

    /// Answers with a message that is to be answered itself.
    pub fn reply_with(&self, performative: &str, content: impl Serialize, with: &str) -> i32 {
        let Some(asker) = self.asker() else { return 1 };
        let reply_with = serde_json::value::to_raw_value(with).ok();
        send(&Outgoing {
            in_reply_to: self.reply_with,
            reply_with: reply_with.as_deref(),
            ..self.outgoing(performative, asker, content)
        })
    }

    pub fn agree(&self) -> i32 {
        self.reply("agree", Nothing {})
    }

    pub fn accept(&self) -> i32 {
        self.reply("accept-proposal", Nothing {})
    }

    pub fn reject(&self, reason: &str) -> i32 {
        self.reply("reject-proposal", Reason { reason })
    }

    pub fn refuse(&self, reason: &str) -> i32 {
        self.reply("refuse", Reason { reason })
    }

    pub fn fail(&self, error: &str) -> i32 {
        self.reply("failure", Refusal { error })
    }

    /// Sends a request in the asker's name, so that the answer goes straight to the asker.
    pub fn forward(&self, receiver: &str, content: impl Serialize) -> i32 {
        let Some(asker) = self.asker() else { return 1 };
        send(&Outgoing {
            reply_to: Some(asker),
            reply_with: self.reply_with,
            ..self.outgoing("request", receiver, content)
        })
    }

    /// Who gets the answer.
    fn asker(&self) -> Option<&'a RawValue> {
        let asker = self.reply_to.or(self.sender);
        if asker.is_none() {
            host::error("the message names nobody to answer");
        }
        asker
    }

    fn outgoing<'b, R, C>(
        &self,
        performative: &'b str,
        receiver: R,
        content: C,
    ) -> Outgoing<'b, R, C>
    where
        'a: 'b,
    {
        Outgoing {
            performative,
            receiver,
            content,
            reply_to: None,
            reply_with: None,
            in_reply_to: None,
            conversation_id: self.conversation_id,
            protocol: self.protocol,
            ontology: self.ontology,
            language: self.language,
        }
    }
}

/// Reads a value, if it is there and has the right shape. An array never has: it would be taken for the
/// fields of a struct, in their order.
pub fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    let text = raw?.get();
    if text.starts_with('[') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Reads a string, if it is there and is one.
pub fn string(raw: Option<&RawValue>) -> Option<String> {
    read(raw)
}

/// Reads a number, if it is there and is one.
pub fn number(raw: Option<&RawValue>) -> Option<Number> {
    read(raw)
}

/// Whether something is there and is true.
pub fn flag(raw: Option<&RawValue>) -> bool {
    read(raw) == Some(true)
}

/// Reads a number of microseconds or of times, if it is there and is one.
pub fn whole(raw: Option<&RawValue>) -> Option<i64> {
    read(raw).filter(|whole| (0..=MAX_WHOLE).contains(whole))
}

/// Whether the first number is not above the second.
pub fn at_most(a: &Number, b: &Number) -> bool {
    a.as_f64() <= b.as_f64()
}

/// Sends a message: 0, or 1 if it could not be sent.
pub fn send(message: &impl Serialize) -> i32 {
    let code = match serde_json::to_vec(message) {
        Ok(bytes) => host::send(&bytes),
        Err(error) => {
            host::error(&format!("the message cannot be written: {error}"));
            return 1;
        }
    };
    if code < 0 {
        host::error(&format!("the host refused the message: {code}"));
        return 1;
    }
    0
}
