//! Brokering and recruiting: somebody else finds agents (FIPA SC00033, SC00034).

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use super::exchange::{Came, Exchange};
use crate::conversation::Protocol;
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::message::{Message, Performative};
use crate::runtime::{Core, DEFAULT_TIMEOUT, outcome_of_request};

/// Something to be brokered: which agents are meant, and what is to be said to them.
///
/// The content of the `proxy` is an object: `description`, an example of whom to find as a search of
/// the directory takes it; `message`, the message to be passed on, with its `performative` and its
/// `content`; and `max_results`, where it was given.
#[derive(Debug, Clone)]
pub struct Brokered {
    broker: String,
    content: Result<String, Error>,
    wanted: Option<usize>,
    timeout: Option<Duration>,
    within: Option<Within>,
}

#[derive(Serialize)]
struct Content<'a> {
    description: &'a RawValue,
    message: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<usize>,
}

impl Brokered {
    /// Has `broker` pass `message` on to agents like `description`.
    pub fn new(
        broker: impl Into<String>,
        description: &impl Serialize,
        message: &impl Serialize,
    ) -> Self {
        Brokered {
            broker: broker.into(),
            content: content(description, message, None),
            wanted: None,
            timeout: Some(DEFAULT_TIMEOUT),
            within: None,
        }
    }

    /// How many agents are to be found at the most; the call returns with so many answers.
    #[must_use]
    pub fn max_results(mut self, most: usize) -> Self {
        self.wanted = Some(most);
        self.content = self.content.and_then(|content| with_most(&content, most));
        self
    }

    /// How long answers are waited for; 30 seconds unless said otherwise. `None` waits for ever, until
    /// so many have come as were wanted.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Says that the call is made while a host agent handles a task.
    #[must_use]
    pub fn within(mut self, task: impl Into<Option<Within>>) -> Self {
        self.within = task.into();
        self
    }
}

fn content(
    description: &impl Serialize,
    message: &impl Serialize,
    max_results: Option<usize>,
) -> Result<String, Error> {
    let raw = |what: &str, value: serde_json::Result<Box<RawValue>>| {
        value.map_err(|wrong| {
            Error::new(ErrorKind::InvalidMessage, format!("the {what} is not JSON: {wrong}"))
        })
    };
    let description = raw("description", serde_json::value::to_raw_value(description))?;
    let message = raw("message", serde_json::value::to_raw_value(message))?;
    let content = Content { description: &description, message: &message, max_results };
    serde_json::to_string(&content)
        .map_err(|wrong| Error::new(ErrorKind::InvalidMessage, wrong.to_string()))
}

fn with_most(json: &str, most: usize) -> Result<String, Error> {
    #[derive(serde::Deserialize)]
    struct Written<'a> {
        #[serde(borrow)]
        description: &'a RawValue,
        #[serde(borrow)]
        message: &'a RawValue,
    }
    let written: Written<'_> = serde_json::from_str(json)
        .map_err(|wrong| Error::new(ErrorKind::InvalidMessage, wrong.to_string()))?;
    content(&written.description, &written.message, Some(most))
}

/// How many agents a broker says that it has found.
#[derive(serde::Deserialize)]
struct Found {
    found: usize,
}

impl Core {
    /// Has a broker find agents, or a recruiter; what they answer, in the order in which it came.
    /// Returns when all have answered whom the broker says that it has found (`found` in its
    /// `agree`), or those that were wanted, or the time is over.
    pub async fn brokered(
        self: &Arc<Self>,
        brokered: Brokered,
        protocol: Protocol,
    ) -> Result<Vec<Message>, Error> {
        let broker = [brokered.broker.clone()];
        let mut exchange = Exchange::open(self, protocol, &broker, brokered.within)?;
        let content = brokered.content?;
        let until = brokered.timeout.map(|timeout| exchange.after(timeout));
        let refused = exchange.say(Performative::Proxy, &[0], &content, until).await?;
        if let Some((_, error)) = refused.into_iter().next() {
            return Err(error);
        }
        let (mut answers, mut wanted, mut agreed) = (Vec::new(), brokered.wanted, false);
        let mut missed = 0;
        while wanted.is_none_or(|wanted| answers.len() < wanted) {
            let message = match exchange.next(until).await? {
                Some(Came::Other(message)) => {
                    if exchange.room.take(&message) {
                        answers.push(message);
                    } else {
                        missed += 1;
                    }
                    continue;
                }
                Some(Came::From(_, message) | Came::Fault(_, message)) => message,
                None if agreed => break,
                None => {
                    exchange.is_silent(0);
                    let text = format!("{:?} did not answer in time", &**exchange.name(0));
                    return Err(Error::new(ErrorKind::Timeout, text));
                }
            };
            match message.performative() {
                Performative::Agree => {
                    agreed = true;
                    if let Ok(Found { found }) = message.read_content() {
                        wanted = Some(wanted.map_or(found, |wanted| wanted.min(found)));
                    }
                }
                Performative::Refuse | Performative::NotUnderstood if !agreed => {
                    exchange.settled(0);
                    return outcome_of_request(message).map(|message| vec![message]);
                }
                // Without an answer of anybody, it is the broker that has failed.
                Performative::Failure if answers.is_empty() => {
                    exchange.settled(0);
                    return outcome_of_request(message).map(|message| vec![message]);
                }
                // A recruiter says with it that all have been told.
                Performative::Inform if protocol == Protocol::Recruiting => exchange.settled(0),
                _ if exchange.room.take(&message) => answers.push(message),
                _ => missed += 1,
            }
        }
        if missed > 0 {
            let broker = &**exchange.name(0);
            tracing::warn!(
                broker,
                missed,
                "answers were dropped: there is room for 64 MiB of them"
            );
        }
        exchange.settled(0);
        Ok(answers)
    }
}
