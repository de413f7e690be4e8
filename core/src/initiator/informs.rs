//! A subscription to what an agent tells (FIPA SC00035).

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;

use super::exchange::{Came, Exchange};
use crate::conversation::Protocol;
use crate::error::{Error, ErrorKind};
use crate::host_agent::Within;
use crate::message::{Message, Performative};
use crate::runtime::{Core, outcome_of_request};

/// What an agent tells, again and again. Closing it cancels the subscription, and so does dropping
/// it.
pub struct Informs {
    /// Nothing once it is closed.
    exchange: Mutex<Option<Box<Exchange>>>,
    core: Arc<Core>,
    conversation_id: String,
    agent: String,
    /// By when the agent has to have said something: microseconds since the Unix epoch.
    answer_by: Option<u64>,
    /// Whether it has.
    has_answered: AtomicBool,
}

impl Core {
    /// Subscribes to what `agent` tells. Returns when the message is in its mailbox.
    pub async fn subscribe_to(
        self: &Arc<Self>,
        agent: &str,
        content: &str,
        within: Option<Within>,
        timeout: Option<Duration>,
    ) -> Result<Informs, Error> {
        let agent = [agent.to_owned()];
        let mut exchange = Exchange::open(self, Protocol::Subscribe, &agent, within)?;
        let until = timeout.map(|timeout| exchange.after(timeout));
        let refused = exchange.say(Performative::Subscribe, &[0], content, until).await?;
        if let Some((_, error)) = refused.into_iter().next() {
            exchange.settled(0);
            return Err(error);
        }
        Ok(Informs {
            conversation_id: exchange.conversation_id.clone(),
            exchange: Mutex::new(Some(Box::new(exchange))),
            core: self.clone(),
            agent: agent.into_iter().next().unwrap_or_default(),
            answer_by: until,
            has_answered: AtomicBool::new(false),
        })
    }
}

impl Informs {
    /// The next `inform`; `None` once the subscription is closed.
    ///
    /// # Errors
    ///
    /// `Refused`, `NotUnderstood` or `Failed` if that is what the agent answers, the kinds of what the
    /// runtime reports, and `Timeout` if it has said nothing within the time for which it was asked to
    /// answer; there is nothing after that. `Closed`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is only taken when it is returned.
    pub async fn next(&self) -> Result<Option<Message>, Error> {
        let answering = || poll_fn(|context| self.poll_next(context));
        let has_answered = || self.has_answered.load(Ordering::Acquire);
        let Some(by) = self.answer_by.filter(|_| !has_answered()) else {
            return answering().await;
        };
        let left = Duration::from_micros(by.saturating_sub(self.core.source.now_micros()));
        match self.core.within_time(Some(left), answering()).await {
            Some(next) => next,
            None if has_answered() => answering().await,
            None => {
                let silent = self.exchange.lock().take();
                if let Some(mut silent) = silent {
                    silent.is_silent(0);
                }
                let text = format!("{:?} did not answer the subscription in time", self.agent);
                Err(Error::new(ErrorKind::Timeout, text))
            }
        }
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let (ended, answer) = {
            let mut exchange = self.exchange.lock();
            let Some(open) = exchange.as_mut() else { return Poll::Ready(Ok(None)) };
            let message = loop {
                let message = match open.poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Came::From(_, message) | Came::Fault(_, message))) => message,
                    Poll::Ready(Ok(Came::Other(_))) => continue,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                };
                self.has_answered.store(true, Ordering::Release);
                match message.performative() {
                    Performative::Inform => return Poll::Ready(Ok(Some(message))),
                    Performative::Refuse | Performative::NotUnderstood | Performative::Failure => {
                        break message;
                    }
                    _ => {}
                }
            };
            open.settled(0);
            (exchange.take(), message)
        };
        // Ending it may send something, so the lock is not held meanwhile.
        drop(ended);
        Poll::Ready(outcome_of_request(answer).map(|_| None))
    }

    /// The same for at most `timeout`; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// As [`Informs::next`]; [`ErrorKind::Timeout`] if none came.
    ///
    /// # Cancel safety
    ///
    /// As [`Informs::next`].
    pub async fn next_within(&self, timeout: Option<Duration>) -> Result<Option<Message>, Error> {
        self.core.within_time(timeout, self.next()).await.unwrap_or_else(|| {
            let waited = timeout.unwrap_or_default();
            let text = format!("{:?} told nothing within {waited:?}", self.agent);
            Err(Error::new(ErrorKind::Timeout, text))
        })
    }

    /// Ends the subscription and sends the agent a `cancel`. Who waits for the next `inform` gets none.
    pub fn close(&self) {
        let exchange = self.exchange.lock().take();
        drop(exchange);
    }

    /// The conversation's id.
    pub fn conversation_id(&self) -> &str {
        &self.conversation_id
    }

    /// The agent that sends them.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The number of messages that found no room since it began.
    pub fn missed(&self) -> u64 {
        self.exchange.lock().as_ref().map_or(0, |open| open.missed())
    }
}
