//! Which agent is to be looked at when: for its timers, and when it may be started again.

use std::sync::{Arc, Weak};

use super::{Agent, Lane};
use crate::scheduler::Calendar;
use crate::source::Source;

/// Why an agent is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// Its delay after a dropped turn is over.
    Restart,
    /// One of its timers is due.
    Timer(u32),
}

/// The alarms of agents, by their serials.
#[derive(Default)]
pub(crate) struct Timers(Calendar<(u64, Alarm), Weak<Agent>>);

impl Timers {
    /// Lets `alarm` ring for `agent` at `due`, in microseconds since the Unix epoch.
    pub fn set(&self, due: u64, agent: &Arc<Agent>, alarm: Alarm) {
        self.0.set(due, (agent.face.serial, alarm), Arc::downgrade(agent));
    }

    /// Takes an alarm out that has not rung.
    pub fn cancel(&self, due: u64, serial: u64, alarm: Alarm) {
        self.0.cancel(due, (serial, alarm));
    }

    /// Rings what comes due, for ever. It only says so to the agents: the workers run their turns.
    pub async fn run(self: Arc<Self>, source: Arc<Source>) {
        loop {
            for ((_, alarm), agent) in self.0.next_due(&source).await {
                if let Some(agent) = agent.upgrade()
                    && agent.mailbox.ring(alarm)
                {
                    agent.schedule(Lane::outside());
                }
            }
        }
    }
}
