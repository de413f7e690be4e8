//! Sealing a turn: what its agent keeps changes at once.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Agent, Alarm, Timer, Undo};
use crate::runtime::{Core, Post};
use crate::sandbox::{Effect, Kept, Made, TurnRecord};
use crate::store::Change;

/// Changes what the agent keeps, for its next turn to see, and gives what the record sends.
#[expect(clippy::boxed_local, reason = "that is how the turn's end brings it")]
pub(super) fn seal(
    agent: &Arc<Agent>,
    record: Box<TurnRecord>,
    made: Made,
    post: Post<'_>,
) -> SmallVec<[Effect; 1]> {
    if record.skipped > 0 {
        agent.face.counters.skipped.add(record.skipped);
    }
    if let Some(changes) = record.changes {
        change_kept(agent, *changes, made, post);
    }
    record.effects
}

fn change_kept(agent: &Arc<Agent>, changes: Kept, made: Made, post: Post<'_>) {
    let (core, face) = (&agent.core, &agent.face);
    let serial = face.serial;
    for datum in changes.data {
        post.change(|| Change::Data { agent: serial, datum: datum.clone() });
        let old = face.holdings.put(datum.clone());
        post.undo(|| Undo::Data(old.unwrap_or_else(|| datum.without_value())));
    }
    for (id, due) in changes.timers {
        match due {
            Some(due) => {
                let in_init = made == Made::InInit;
                post.change(|| Change::Timer { agent: serial, id, due, in_init });
                post.undo(|| Undo::TimerSet(id));
                core.set_timer(agent, id, Timer { due, made });
            }
            None => core.end_timer(agent, id, post),
        }
    }
    for (id, filter) in changes.subscriptions {
        match filter {
            Some(filter) => core.begin_subscription(agent, id, filter, made, post),
            None => core.end_subscription(agent, id, post),
        }
    }
}

impl Core {
    pub fn set_timer(&self, agent: &Arc<Agent>, id: u32, timer: Timer) {
        agent.face.holdings.set_timer(id, timer, &agent.face.account);
        self.timers.set(timer.due, agent, Alarm::Timer(id));
    }

    /// Takes a timer back that has not been handled.
    pub fn end_timer(&self, agent: &Agent, id: u32, post: Post<'_>) {
        if let Some(timer) = self.forget_timer(agent, id) {
            post.change(|| Change::NoTimer { agent: agent.face.serial, id });
            post.undo(|| Undo::TimerEnded(id, timer));
        }
    }

    /// Takes a timer out; what it was.
    pub fn forget_timer(&self, agent: &Agent, id: u32) -> Option<Timer> {
        let timer = agent.face.holdings.end_timer(id)?;
        self.timers.cancel(timer.due, agent.face.serial, Alarm::Timer(id));
        agent.mailbox.forget_timer(id);
        Some(timer)
    }

    /// Takes the timers back that were set then, or all.
    pub fn end_timers(&self, agent: &Agent, made: Option<Made>, post: Post<'_>) {
        for id in agent.face.holdings.timers_made(made) {
            self.end_timer(agent, id, post);
        }
    }
}
