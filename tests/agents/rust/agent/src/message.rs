//! FIPA messages as JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::host;

/// A message as it came. What is only handed on stays raw, so it costs nothing and loses nothing.
#[derive(Deserialize)]
pub struct Message<'a> {
    pub performative: String,
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow)]
    sender: Option<&'a RawValue>,
    #[serde(borrow)]
    reply_to: Option<&'a RawValue>,
    #[serde(borrow)]
    reply_with: Option<&'a RawValue>,
    #[serde(borrow)]
    conversation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    protocol: Option<&'a RawValue>,
    #[serde(borrow)]
    ontology: Option<&'a RawValue>,
    #[serde(borrow)]
    language: Option<&'a RawValue>,
}

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

impl<'a> Message<'a> {
    /// Answers whoever asked: 0, or 1 if the answer could not be sent.
    pub fn reply(&self, performative: &str, content: impl Serialize) -> i32 {
        let Some(asker) = self.asker() else { return 1 };
        send(&Outgoing {
            in_reply_to: self.reply_with,
            ..self.outgoing(performative, asker, content)
        })
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

/// Reads a value, if it is there and has the right shape.
pub fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// Reads a string, if it is there and is one.
pub fn string(raw: Option<&RawValue>) -> Option<String> {
    read(raw)
}

fn send(message: &impl Serialize) -> i32 {
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
