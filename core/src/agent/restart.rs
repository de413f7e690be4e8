//! Supervision: what becomes of an agent whose turn was dropped.

use std::sync::Arc;
use std::time::Duration;

use super::{Activity, Agent, AgentState, Alarm, Letter};
use crate::choice::choice;
use crate::runtime::{EventKind, Loss, Post};
use crate::sandbox::Level;
use crate::store::Change;

/// Inits that may fail in a row before an agent is failed.
const MAX_FAILED_STARTS: u32 = 5;
/// The delay before the second restart in a row; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(20);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// What becomes of an agent whose turn was dropped. Its instance is lost in any case: the question
/// is whether it gets another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restart {
    /// It is started again, however often that fails.
    Always,
    /// It is started again, until five inits in a row have failed.
    #[default]
    OnFailure,
    /// It is failed at once.
    Never,
}

choice!(Restart, "restart", Always => "always", OnFailure => "on-failure", Never => "never");

/// Decides whether an agent whose turn was dropped goes on, and when. The first restart after a
/// completed turn is at once; the delay grows with each further one. Gives the letters that it takes no more.
pub(super) fn supervise(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    post: Post<'_>,
) -> Vec<Letter> {
    let gives_up = match agent.settings.restart {
        Restart::Always => false,
        Restart::OnFailure => activity.failed_starts >= MAX_FAILED_STARTS,
        Restart::Never => true,
    };
    if gives_up {
        return fail(agent, post);
    }
    let earlier = activity.crashes;
    activity.crashes = earlier.saturating_add(1);
    if earlier > 0 {
        let delay = (FIRST_DELAY * (1 << (earlier - 1).min(16))).min(LONGEST_DELAY);
        agent.mailbox.delay();
        let due = agent.core.source.now_micros().saturating_add(delay.as_micros() as u64);
        agent.core.timers.set(due, agent, Alarm::Restart);
    }
    Vec::new()
}

/// The agent takes no messages until it is restarted by hand; those that waited.
pub(super) fn fail(agent: &Arc<Agent>, post: Post<'_>) -> Vec<Letter> {
    agent.set_state(AgentState::Failed);
    post.change(|| Change::State(agent.face.serial, AgentState::Failed.as_str()));
    agent.core.tell(EventKind::Failed, Some(&agent.face.name), post, || []);
    agent.face.log(Level::Error, "the agent has failed, and is not started again");
    agent.tell_lost(Loss::Failed, post);
    agent.mailbox.fail()
}
