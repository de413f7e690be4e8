//! Messages as somebody types them: whole ones, or only a content.

use caxton::{Draft, Performative};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, BufReader, Stdin, stdin};

use crate::fail::{Failure, WRONG_USE};

/// The longest line of standard input, in bytes.
const MAX_LINE_BYTES: usize = 64 << 20;

/// The lines of standard input that are not blank, with their numbers.
pub struct Lines {
    stdin: BufReader<Stdin>,
    line: Vec<u8>,
    number: usize,
}

impl Lines {
    pub fn new() -> Self {
        Lines { stdin: BufReader::new(stdin()), line: Vec::new(), number: 0 }
    }

    /// The next line, and where it stands, for errors. A line that is begun is kept where this is cancelled.
    pub async fn next(&mut self) -> Result<Option<(String, String)>, Failure> {
        loop {
            let more = self.stdin.fill_buf().await?;
            let is_over = more.is_empty();
            let end = more.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(more.len(), |end| end + 1);
            self.line.extend_from_slice(more.get(..end.unwrap_or(taken)).unwrap_or_default());
            self.stdin.consume(taken);
            let from = format!("line {}", self.number + 1);
            if self.line.len() > MAX_LINE_BYTES {
                let text = format!("{from} is longer than {MAX_LINE_BYTES} bytes");
                return Err(Failure::new(WRONG_USE, "invalid_message", text));
            }
            if end.is_none() && !is_over {
                continue;
            }
            self.number += 1;
            let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|error| {
                Failure::new(
                    WRONG_USE,
                    "invalid_message",
                    format!("{from}: this is no text: {error}"),
                )
            })?;
            if !line.trim().is_empty() {
                return Ok(Some((line, from)));
            }
            if is_over {
                return Ok(None);
            }
        }
    }
}

/// A message to send.
#[derive(Debug)]
pub struct Typed {
    pub draft: Draft,
    pub performative: Performative,
}

/// Reads a message. An object that has a `performative` is a whole one, which lacks at most its receiver;
/// any other JSON is the content of one with this act to this receiver. `from` says where it stands, for errors.
pub fn read(
    text: &str,
    performative: Performative,
    receiver: Option<&str>,
    from: &str,
) -> Result<Typed, Failure> {
    let wrong = |why: String| Failure::new(WRONG_USE, "invalid_message", format!("{from}: {why}"));
    let value: Value = serde_json::from_str(text).map_err(|error| {
        wrong(format!("this is not JSON: {error}; a text is written in quotes, \"like this\""))
    })?;
    let mut message = match value {
        Value::Object(fields) if fields.contains_key("performative") => fields,
        content => Map::from_iter([
            ("performative".to_owned(), performative.as_str().into()),
            ("content".to_owned(), content),
        ]),
    };
    if !message.contains_key("receiver") {
        let receiver = receiver.ok_or_else(|| {
            let why = "it has no receiver, and an object without a `performative` is content";
            let form = r#"{"receiver": "NAME", …, "performative": "request"}"#;
            wrong(format!("{why}; write {form}"))
        })?;
        message.insert("receiver".to_owned(), receiver.into());
    }
    let act = message.get("performative").and_then(Value::as_str).unwrap_or_default();
    let performative = Performative::parse(act)
        .ok_or_else(|| wrong(format!("{act:?} is not one of FIPA's 22 communicative acts")))?;
    let json = serde_json::to_vec(&message).map_err(|error| wrong(error.to_string()))?;
    Ok(Typed { draft: Draft::json(json), performative })
}

impl Typed {
    /// Whether whoever gets it is expected to answer.
    pub fn wants_answer(&self) -> bool {
        !matches!(
            self.performative,
            Performative::Inform
                | Performative::Failure
                | Performative::NotUnderstood
                | Performative::Refuse
                | Performative::Agree
                | Performative::Confirm
                | Performative::Disconfirm
                | Performative::RejectProposal
                | Performative::Cancel
        )
    }
}
