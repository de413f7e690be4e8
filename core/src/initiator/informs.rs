//! A subscription to what an agent tells (FIPA SC00035).

use std::future::poll_fn;
use std::sync::Arc;
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
    exchange: Mutex<Option<Exchange>>,
    core: Arc<Core>,
    conversation_id: String,
    agent: String,
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
            exchange: Mutex::new(Some(exchange)),
            core: self.clone(),
            agent: agent.into_iter().next().unwrap_or_default(),
        })
    }
}

impl Informs {
    /// The next `inform`; `None` once the subscription is closed.
    ///
    /// # Errors
    ///
    /// `Refused`, `NotUnderstood` or `Failed` if that is what the agent answers, and the kinds of what
    /// the runtime reports; there is nothing after that. `Closed`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is only taken when it is returned.
    pub async fn next(&self) -> Result<Option<Message>, Error> {
        poll_fn(|context| self.poll_next(context)).await
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

    /// Ends the subscription: the agent is sent a `cancel`. Who waits for the next `inform` gets none.
    pub fn close(&self) {
        let exchange = self.exchange.lock().take();
        drop(exchange);
    }

    /// The conversation's id.
    pub fn conversation_id(&self) -> &str {
        &self.conversation_id
    }

    /// Who tells.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// How many messages found no room since it began.
    pub fn missed(&self) -> u64 {
        self.exchange.lock().as_ref().map_or(0, Exchange::missed)
    }
}
