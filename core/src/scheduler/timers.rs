//! Which agent is to be looked at when: for its timers, and when it may be started again.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Lane;
use crate::agent::Agent;
use crate::source::Source;

/// The longest sleep, so that a clock which drifts is looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Why an agent is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// Its delay after a dropped turn is over.
    Restart,
    /// One of its timers is due.
    Timer(u32),
}

/// When an alarm rings, in microseconds since the Unix epoch, and for whom.
type Slot = (u64, u64, Alarm);

#[derive(Default)]
pub(crate) struct Timers {
    waiting: Mutex<BTreeMap<Slot, Weak<Agent>>>,
    sooner: Notify,
}

impl Timers {
    /// Lets `alarm` ring for `agent` at `due`.
    pub fn set(&self, due: u64, agent: &Arc<Agent>, alarm: Alarm) {
        let slot = (due, agent.face.serial, alarm);
        let mut waiting = self.waiting.lock();
        let is_next = waiting.first_key_value().is_none_or(|(next, _)| slot < *next);
        waiting.insert(slot, Arc::downgrade(agent));
        drop(waiting);
        if is_next {
            self.sooner.notify_one();
        }
    }

    /// Takes an alarm out that has not rung.
    pub fn cancel(&self, due: u64, serial: u64, alarm: Alarm) {
        self.waiting.lock().remove(&(due, serial, alarm));
    }

    /// Takes what is due by `now` out, in the order in which it is.
    fn take_due(&self, now: u64) -> Vec<(Alarm, Weak<Agent>)> {
        let mut waiting = self.waiting.lock();
        let mut due = Vec::new();
        while let Some(first) = waiting.first_entry() {
            if first.key().0 > now {
                break;
            }
            let ((_, _, alarm), agent) = first.remove_entry();
            due.push((alarm, agent));
        }
        due
    }

    fn next_due(&self) -> Option<u64> {
        self.waiting.lock().first_key_value().map(|((due, ..), _)| *due)
    }

    /// Rings what comes due, for ever.
    pub async fn run(self: Arc<Self>, source: Arc<Source>) {
        loop {
            let now = source.now_micros();
            for (alarm, agent) in self.take_due(now) {
                if let Some(agent) = agent.upgrade()
                    && agent.mailbox.ring(alarm)
                {
                    agent.core.scheduler.push(agent.clone(), Lane::outside());
                }
            }
            let wait = match self.next_due() {
                Some(due) => Duration::from_micros(due.saturating_sub(now)).min(LONGEST_SLEEP),
                None => LONGEST_SLEEP,
            };
            tokio::select! {
                () = self.sooner.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
