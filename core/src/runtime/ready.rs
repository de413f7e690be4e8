//! Whoever the workers run.

use std::sync::Arc;

use crate::agent::{Agent, Lane};
use crate::host_agent::Desk;
use crate::lent;
use crate::scheduler::{Pace, Runnable};

/// One that has something to do, with its run token.
pub(crate) enum Ready {
    Agent(Arc<Agent>),
    Desk(Arc<Desk>),
}

impl Runnable for Ready {
    fn pace(&self) -> &Pace {
        match self {
            Ready::Agent(agent) => &agent.pace,
            Ready::Desk(desk) => desk.pace(),
        }
    }

    fn run(self, lane: Lane<'_>) {
        match self {
            Ready::Agent(agent) => agent.run(lane),
            Ready::Desk(desk) => desk.run(lane),
        }
    }

    fn leave(&self) -> bool {
        match self {
            Ready::Agent(agent) => lent::leave(agent),
            Ready::Desk(desk) => lent::leave(desk),
        }
    }
}
