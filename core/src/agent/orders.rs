//! What a script does with an agent: suspend, resume, restart, replace.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Agent, AgentState, Order};
use crate::error::{Error, ErrorKind};
use crate::sandbox::Template;
use crate::scheduler::Lane;

impl Agent {
    /// Lets messages and timers wait from now on, and waits for the turn in progress.
    pub async fn suspend(self: &Arc<Self>) -> Result<(), Error> {
        self.core.check_open()?;
        self.mailbox.pause().map_err(|refusal| refusal.to_error(self.name()))?;
        loop {
            let rests = self.stopped.notified();
            if self.mailbox.is_idle() || self.state() == AgentState::Removed {
                return Ok(());
            }
            rests.await;
        }
    }

    /// Goes on with what has waited.
    pub fn resume(self: &Arc<Self>) -> Result<(), Error> {
        self.core.check_open()?;
        if self.mailbox.resume().map_err(|refusal| refusal.to_error(self.name()))? {
            self.core.scheduler.push(self.clone(), Lane::outside());
        }
        Ok(())
    }

    /// Starts the agent afresh after the turn in progress: its last turn is its shutdown, the next
    /// its init. One that has failed takes messages again.
    pub async fn restart(self: &Arc<Self>) -> Result<(), Error> {
        let (done, ended) = oneshot::channel();
        self.order(Order::Restart(Box::new(move |result| drop(done.send(result)))))?;
        ended.await.unwrap_or_else(|_| Err(self.no_longer_here()))
    }

    /// Gives the agent other code after the turn in progress. Where its init fails, the agent goes
    /// on with the code that it has.
    pub async fn replace(self: &Arc<Self>, template: Arc<Template>) -> Result<(), Error> {
        template.check_limits(&self.face.limits)?;
        if !template.has_timer_handler() && self.face.holdings.timers() > 0 {
            let text = format!(
                "{:?} has timers, and the new module exports no `handle_timer`; it goes on with the \
                 code that it has",
                self.name()
            );
            return Err(Error::new(ErrorKind::InvalidModule, text));
        }
        let permit = self.engine.permit()?;
        let (done, ended) = oneshot::channel();
        let done = Box::new(move |result| drop(done.send(result)));
        self.order(Order::Replace(template, permit, done))?;
        ended.await.unwrap_or_else(|_| Err(self.no_longer_here()))
    }

    fn order(self: &Arc<Self>, order: Order) -> Result<(), Error> {
        self.core.check_open()?;
        match self.mailbox.order(order) {
            Ok(true) => self.core.scheduler.push(self.clone(), Lane::outside()),
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
