//! Committing a turn: its record takes effect, all of it.

use std::sync::Arc;

use super::{Agent, Letter, Timer};
use crate::runtime::{Core, Party};
use crate::sandbox::{Effect, Made, TurnRecord};
use crate::scheduler::{Alarm, Lane};

/// Commits the record of a turn that handled `handled`. Memory is all that keeps it, so its effects
/// take place at once.
pub(super) fn commit(
    agent: &Arc<Agent>,
    record: TurnRecord,
    handled: Option<&Letter>,
    made: Made,
    lane: Lane<'_>,
) {
    let core: &Core = &agent.core;
    let face = &agent.face;
    face.counters.skipped.add(record.skipped);
    for (key, value) in record.data {
        face.holdings.put(key, value);
    }
    for (id, due) in record.timers {
        match due {
            Some(due) => {
                face.holdings.set_timer(id, Timer { due, made });
                core.timers.set(due, agent, Alarm::Timer(id));
            }
            None => core.end_timer(agent, id),
        }
    }
    let ask = handled.and_then(|letter| letter.ask.as_ref());
    for effect in record.effects {
        match effect {
            Effect::Send(message) => {
                face.counters.messages_out.add(1);
                core.route(Party(face.serial), message, ask, lane);
            }
            Effect::Deliver(message, places) => {
                face.counters.messages_out.add(1);
                core.fill_places(Party(face.serial), &message, places, ask, lane);
            }
            Effect::Subscribe(id, filter) => core.begin_subscription(agent, id, filter, made),
            Effect::Unsubscribe(id) => core.end_subscription(agent, id),
        }
    }
}

impl Core {
    /// Takes a timer back that has not been handled.
    pub fn end_timer(&self, agent: &Agent, id: u32) {
        if let Some(timer) = agent.face.holdings.end_timer(id) {
            self.timers.cancel(timer.due, agent.face.serial, Alarm::Timer(id));
            agent.mailbox.forget_timer(id);
        }
    }

    /// Takes the timers back that were set then, or all.
    pub fn end_timers(&self, agent: &Agent, made: Option<Made>) {
        for id in agent.face.holdings.timers_made(made) {
            self.end_timer(agent, id);
        }
    }
}
