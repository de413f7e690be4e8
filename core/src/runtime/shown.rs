//! A runtime and its agents, shown to people; messages in lines, as they pass.

use super::Runtime;
use super::feed::Subscription;
use super::handle::Agent;
use crate::agent::{self, LogLevel};
use crate::error::Error;
use crate::message::Filter;
use crate::picture::{self, AgentLine, Sniffer};

impl Runtime {
    /// The runtime as a piece of HTML for a notebook: a table of its agents, of which 200 are shown.
    pub fn to_html(&self) -> String {
        let agents: Vec<AgentLine> =
            self.agents().iter().map(|agent| line(agent.inner())).collect();
        let state = if self.is_closed() { "closed" } else { "open" };
        picture::agents(&format!("runtime {:?}, {state}", self.name()), &agents)
    }

    /// Messages from now on that match, each as one line of at most `width` columns for a terminal, in
    /// colour or without.
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub fn trace(&self, filter: Filter, colour: bool, width: usize) -> Result<Trace, Error> {
        let sniffer = parking_lot::Mutex::new(Sniffer::new(colour, width));
        Ok(Trace { messages: self.subscribe(filter)?, sniffer })
    }
}

impl Agent {
    /// The agent as a piece of HTML for a notebook: how it does, what it can do, and the end of its log.
    pub fn to_html(&self) -> String {
        picture::agent(&line(self.inner()), &self.capabilities(), &self.logs())
    }
}

fn line(agent: &agent::Agent) -> AgentLine {
    let stats = agent.face.stats(agent.mailbox.len());
    let log = agent.face.logs();
    let last_error = log.iter().rev().find(|line| line.level == LogLevel::Error);
    AgentLine {
        name: agent.name().to_owned(),
        state: agent.state().as_str(),
        queue: stats.mailbox_messages,
        turns: stats.turns,
        dropped: stats.dropped_turns,
        last_error: last_error.map(|line| line.text.clone()),
    }
}

/// Messages in lines, as they pass: see [`Runtime::trace`].
pub struct Trace {
    messages: Subscription,
    sniffer: parking_lot::Mutex<Sniffer>,
}

impl Trace {
    /// The next line, without a line break; `None` once the trace or the runtime is closed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a message is only taken when its line is returned.
    pub async fn next(&self) -> Option<String> {
        let message = self.messages.next().await?;
        Some(self.sniffer.lock().line(&message))
    }

    /// The next line, if one waits.
    pub fn try_next(&self) -> Option<String> {
        let message = self.messages.try_next()?;
        Some(self.sniffer.lock().line(&message))
    }

    /// How many messages found no room since the trace began.
    pub fn missed(&self) -> u64 {
        self.messages.missed()
    }

    /// Ends the trace; what waits can still be read.
    pub fn close(&self) {
        self.messages.close();
    }
}
