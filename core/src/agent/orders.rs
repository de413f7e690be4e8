//! What a script does with an agent: suspend, resume, restart, replace.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Agent, AgentState, Lane, Order};
use crate::error::{Error, ErrorKind};
use crate::runtime::{EventKind, Loaded, Post};
use crate::store::Change;

impl Agent {
    /// Lets messages and timers wait from now on, and waits for the turn in progress.
    pub async fn suspend(self: &Arc<Self>) -> Result<(), Error> {
        self.core.check_open()?;
        let was_paused = self.mailbox.is_paused();
        self.mailbox.pause().map_err(|refusal| refusal.to_error(self.name()))?;
        self.suspended_while_held();
        if let Err(error) = self.write_state(AgentState::Suspended).await {
            // It never happened.
            if !was_paused && self.mailbox.resume().unwrap_or(false) {
                self.schedule(Lane::outside());
            }
            return Err(error);
        }
        loop {
            let rests = self.stopped.notified();
            if self.mailbox.rests() || self.state() == AgentState::Removed {
                return Ok(());
            }
            rests.await;
        }
    }

    /// Lets the store know of a state, where there is one.
    async fn write_state(&self, state: AgentState) -> Result<(), Error> {
        let change = |post: Post<'_>| {
            post.change(|| Change::State(self.face.serial, state.as_str()));
            let happened = match state {
                AgentState::Suspended => EventKind::Suspended,
                _ => EventKind::Resumed,
            };
            self.core.tell(happened, Some(&self.face.name), post, || []);
        };
        match self.core.alone_of(self.face.serial, Post::outside(), change).1 {
            Some(commit) => commit.settled().await,
            None => Ok(()),
        }
    }

    /// Goes on with what has waited, unless the agent is held back.
    pub async fn resume(self: &Arc<Self>) -> Result<(), Error> {
        self.core.check_open()?;
        self.let_go()?;
        let was_paused = self.mailbox.is_paused();
        if self.mailbox.resume().map_err(|refusal| refusal.to_error(self.name()))? {
            self.schedule(Lane::outside());
        }
        let written = self.write_state(AgentState::Active).await;
        if written.is_err() && was_paused {
            // It never happened, but for what was handled meanwhile.
            let _ = self.mailbox.pause();
        }
        written
    }

    /// Starts the agent afresh after the turn in progress: its last turn is its shutdown, the next
    /// its init. One that has failed takes messages again.
    pub async fn restart(self: &Arc<Self>) -> Result<(), Error> {
        self.core.check_open()?;
        self.let_go()?;
        let (done, ended) = oneshot::channel();
        self.order(Order::Restart(Box::new(move |result| drop(done.send(result)))))?;
        ended.await.unwrap_or_else(|_| Err(self.no_longer_here()))
    }

    /// Gives the agent other code after the turn in progress. Where its init fails, the agent goes
    /// on with the code that it has.
    pub async fn replace(self: &Arc<Self>, loaded: Loaded) -> Result<(), Error> {
        let template = &loaded.template;
        template.check_limits(&self.face.limits)?;
        if !template.has_timer_handler() && self.face.holdings.timers() > 0 {
            let text = format!(
                "{:?} has timers, and the new module exports no `handle_timer`; it goes on with the \
                 code that it has",
                self.name()
            );
            return Err(Error::new(ErrorKind::InvalidModule, text));
        }
        let permit = self.engine.permit(template)?;
        let (done, ended) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        self.order(Order::Replace(loaded, permit, done))?;
        ended.await.unwrap_or_else(|_| Err(self.no_longer_here()))
    }

    fn order(self: &Arc<Self>, order: Order) -> Result<(), Error> {
        self.core.check_open()?;
        match self.mailbox.order(order) {
            Ok(true) => self.schedule(Lane::outside()),
            Ok(false) => {}
            Err(_) => return Err(self.no_longer_here()),
        }
        Ok(())
    }

    fn no_longer_here(&self) -> Error {
        match self.core.check_open() {
            Ok(()) => super::Refusal::Removed.to_error(self.name()),
            Err(closed) => closed,
        }
    }
}
