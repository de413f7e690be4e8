//! Running an agent: slices of turns, and what becomes of a turn that has come to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::letter::Letter;
use super::mailbox::Next;
use super::{Activity, Agent, AgentState, Capabilities, Made};
use crate::error::{Error, ErrorKind};
use crate::runtime::{Core, Party};
use crate::sandbox::{
    Delivery, Effect, Ended, Fault, FaultKind, Level, Slice, Turn, TurnEnd, World,
};
use crate::scheduler::Lane;
use crate::source::monotonic;

/// What a calling thread runs before the pool takes the turn over: about one tick, and not less where
/// a tick comes early.
const CALLERS_TIME: Duration = Duration::from_millis(1);
/// Turns that one agent may take in a row before others are looked at.
const TURNS_IN_A_ROW: u32 = 32;
/// The time of such a row after which no further turn is begun.
const ROW_TIME: Duration = Duration::from_millis(1);
/// Inits that may fail in a row before the agent is failed.
const MAX_FAILED_STARTS: u32 = 5;

/// What a turn is for.
pub(crate) enum Job {
    Init,
    Message(Letter),
    Shutdown,
}

/// Whose thread runs a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    /// One that asked, and has other things to do.
    Caller,
    Worker,
}

impl Wake for Agent {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.seat.meter.woken();
        if self.mailbox.wake() {
            self.core.scheduler.push(self.clone(), Lane::outside());
        }
    }
}

/// Runs one message on the calling thread, which holds the agent's run token: until its end or the
/// first preemption point.
pub(crate) fn run_claimed(agent: &Arc<Agent>, letter: Letter) {
    let _awake = agent.seat.engine.awake();
    let _entered = agent.seat.template.uses_wasi().then(|| agent.core.io.enter());
    let mut activity = agent.take_activity();
    if activity.instance.is_some() {
        let job = Some(Job::Message(letter));
        contain(agent, || drive(agent, activity, job, Runner::Caller, Lane::outside()));
        return;
    }
    // Making an instance is not for the calling thread: the pool starts over.
    activity.turn = None;
    agent.put_activity(activity);
    if agent.mailbox.give_back(letter) {
        agent.core.scheduler.push(agent.clone(), Lane::outside());
    }
}

/// Runs an agent that the scheduler handed to this worker.
pub(crate) fn run_queued(agent: &Arc<Agent>, lane: Lane<'_>) {
    agent.mailbox.begin_slice();
    let activity = agent.take_activity();
    contain(agent, || drive(agent, activity, None, Runner::Worker, lane));
}

/// A panic around a turn is a defect of ours: it costs this one agent, not the thread, which may be
/// the caller's, nor the program.
fn contain(agent: &Arc<Agent>, run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_ok() {
        return;
    }
    tracing::error!(
        agent = agent.name(),
        "the runtime itself failed; the agent takes no more messages"
    );
    agent.set_state(AgentState::Failed);
    for letter in agent.mailbox.fail() {
        agent.core.dead_letters.push(letter.message, "the runtime itself failed");
    }
}

fn drive(
    agent: &Arc<Agent>,
    mut activity: Activity,
    mut first: Option<Job>,
    runner: Runner,
    lane: Lane<'_>,
) {
    let (allowance, max_turns) = match runner {
        Runner::Caller => (CALLERS_TIME, 1),
        Runner::Worker => (Duration::from_micros(agent.face.limits.max_cpu_micros), TURNS_IN_A_ROW),
    };
    let waker = Waker::from(agent.clone());
    let mut context = Context::from_waker(&waker);
    let begun = monotonic();
    for turns in 1.. {
        let (mut turn, job) = match activity.turn.take() {
            Some(running) => running,
            None => {
                let job = match first.take() {
                    Some(job) => job,
                    None => match agent.mailbox.next(activity.instance.is_some()) {
                        Next::Init => Job::Init,
                        Next::Message(letter) => Job::Message(letter),
                        Next::Shutdown => Job::Shutdown,
                        Next::Nothing => break,
                    },
                };
                (begin(agent, &mut activity, &job), job)
            }
        };
        match poll(&mut turn, &mut context, allowance, agent) {
            Slice::Done(end) => {
                drop(turn);
                finish(agent, &mut activity, job, end, lane);
            }
            Slice::Yielded => {
                activity.turn = Some((turn, job));
                agent.put_activity(activity);
                agent.mailbox.preempt();
                // A calling thread runs less than a quantum: the pool goes on with a fresh turn.
                if runner == Runner::Caller {
                    agent.core.scheduler.push(agent.clone(), lane);
                } else {
                    agent.core.scheduler.push_preempted(agent.clone());
                }
                return;
            }
            Slice::Waiting => {
                activity.turn = Some((turn, job));
                agent.put_activity(activity);
                if agent.mailbox.suspend() {
                    agent.core.scheduler.push(agent.clone(), lane);
                }
                return;
            }
        }
        if turns >= max_turns || begun.elapsed() > ROW_TIME {
            break;
        }
        // The next turn may be a long one: what this one made ready is not to wait for it.
        agent.core.scheduler.share(lane);
    }
    agent.put_activity(activity);
    if agent.mailbox.requeue_or_rest() {
        agent.core.scheduler.push(agent.clone(), lane);
    }
}

fn begin(agent: &Agent, activity: &mut Activity, job: &Job) -> Turn {
    let delivery = match job {
        Job::Init => Delivery::Init,
        Job::Message(letter) => Delivery::Message(letter.message.clone()),
        Job::Shutdown => Delivery::Shutdown,
    };
    Turn::begin(&agent.seat, activity.instance.take(), delivery)
}

/// Runs a slice. A panic in a host function is a defect of ours: it ends the turn, not the process.
fn poll(turn: &mut Turn, context: &mut Context<'_>, allowance: Duration, agent: &Agent) -> Slice {
    // The ticker looks after them too, but a guest may fault before its next tick.
    agent.seat.engine.check_signals();
    match catch_unwind(AssertUnwindSafe(|| turn.poll_slice(context, allowance))) {
        Ok((slice, ran)) => {
            agent.face.counters.ran(ran);
            slice
        }
        Err(_) => {
            let fault = Fault::new(FaultKind::Trap, "the runtime itself failed in a host call");
            Slice::Done(TurnEnd { instance: None, outcome: Err(fault) })
        }
    }
}

fn finish(agent: &Arc<Agent>, activity: &mut Activity, job: Job, end: TurnEnd, lane: Lane<'_>) {
    let counters = &agent.face.counters;
    if let Some(instance) = &end.instance {
        counters.memory_bytes.set(instance.memory_bytes());
    }
    activity.instance = end.instance;
    match &end.outcome {
        Ok(_) => counters.turns.add(1),
        Err(fault) => {
            counters.dropped_turns.add(1);
            let text = match &fault.backtrace {
                Some(backtrace) => format!("a turn was dropped: {fault}\n{backtrace}"),
                None => format!("a turn was dropped: {fault}"),
            };
            agent.face.log(Level::Error, &text);
        }
    }
    match (job, end.outcome) {
        (Job::Init, Ok(ended)) if ended.code == 0 => started(agent, activity, ended, lane),
        (Job::Init, Ok(ended)) => {
            activity.instance = None;
            let text = format!("agent_init returned {}, expected 0", ended.code);
            not_started(agent, activity, Fault::new(FaultKind::Code, text), lane);
        }
        (Job::Init, Err(fault)) => not_started(agent, activity, fault, lane),
        (Job::Message(letter), Ok(ended)) => {
            activity.failed_starts = 0;
            counters.messages_in.add(1);
            let code = ended.code;
            let replied = code == 0 || has_reply(&letter, &ended);
            commit(agent, ended, Some(&letter), lane);
            if !replied {
                let text = format!("{} ended with code {code} and sent no reply", agent.name());
                agent.core.report_failure(
                    &letter,
                    agent.name(),
                    &Fault::new(FaultKind::Code, text),
                    lane,
                );
            }
        }
        (Job::Message(letter), Err(fault)) => {
            counters.messages_in.add(1);
            counters.restarts.add(1);
            agent.core.report_failure(&letter, agent.name(), &fault, lane);
        }
        (Job::Shutdown, outcome) => {
            if let Ok(ended) = outcome {
                commit(agent, ended, None, lane);
            }
            activity.instance = None;
            agent.core.agent_stopped(agent);
            if let Some(on_started) = activity.on_started.take() {
                on_started(Err(ended_early(agent)));
            }
        }
    }
}

/// Whether the record holds an answer to the message that the turn handled.
fn has_reply(letter: &Letter, ended: &Ended) -> bool {
    let handled = &letter.message;
    ended.record.messages().any(|message| {
        message.answers(handled)
            && message.receivers().any(|to| to == handled.sender() || to == handled.answer_to())
    })
}

fn started(agent: &Arc<Agent>, activity: &mut Activity, mut ended: Ended, lane: Lane<'_>) {
    let listed = agent.core.listed_capabilities(agent);
    match Capabilities::join(&listed, ended.capabilities.take().as_deref()) {
        Ok(capabilities) => *agent.face.capabilities.write() = capabilities,
        Err(wrong) => {
            *agent.face.capabilities.write() =
                Capabilities::join(&listed, None).unwrap_or_default();
            agent
                .face
                .log(Level::Warn, &format!("get_capabilities wrote no AgentCapabilities: {wrong}"));
        }
    }
    // An init that runs again drops what an earlier one subscribed to.
    agent.core.end_subscriptions(agent, Made::InInit);
    commit(agent, ended, None, lane);
    agent.set_state(AgentState::Active);
    if let Some(on_started) = activity.on_started.take() {
        on_started(Ok(()));
    }
}

fn not_started(agent: &Arc<Agent>, activity: &mut Activity, fault: Fault, lane: Lane<'_>) {
    activity.failed_starts += 1;
    if let Some(on_started) = activity.on_started.take() {
        // The first init decides whether there is an agent at all.
        let waiting = agent.mailbox.fail();
        agent.core.agent_stopped(agent);
        agent.core.refuse_all(waiting, agent.name(), lane);
        if fault.kind == FaultKind::Closed {
            return on_started(Err(ended_early(agent)));
        }
        let text = format!("{:?} could not be started: {fault}", agent.name());
        let mut error = Error::new(ErrorKind::AgentFailed, text).with_backtrace(fault.backtrace);
        if let (Some(limit), Some(used)) = (fault.limit, fault.used) {
            error = error.with_limit(fault.kind.as_str(), limit, used);
        }
        on_started(Err(error));
    } else if activity.failed_starts >= MAX_FAILED_STARTS {
        agent.set_state(AgentState::Failed);
        let waiting = agent.mailbox.fail();
        agent.core.refuse_all(waiting, agent.name(), lane);
    }
}

/// The error of a deployment whose agent was ended before its init.
fn ended_early(agent: &Agent) -> Error {
    match agent.core.check_open() {
        Ok(()) => {
            let text = format!("{:?} was removed before it was ready", agent.name());
            Error::new(ErrorKind::AgentFailed, text)
        }
        Err(closed) => closed,
    }
}

/// Commits the record: the memory store keeps nothing else, so its effects take place at once.
fn commit(agent: &Arc<Agent>, ended: Ended, handled: Option<&Letter>, lane: Lane<'_>) {
    let core: &Core = &agent.core;
    agent.face.counters.skipped.add(ended.record.skipped);
    let ask = handled.and_then(|letter| letter.ask.as_ref());
    for effect in ended.record.effects {
        match effect {
            Effect::Send(message) => {
                agent.face.counters.messages_out.add(1);
                core.route(Party(agent.face.serial), message, ask, lane);
            }
            Effect::Deliver(message, places) => {
                agent.face.counters.messages_out.add(1);
                core.fill_places(Party(agent.face.serial), &message, places, ask, lane);
            }
            Effect::Subscribe(id, filter) => {
                let made = if handled.is_some() { Made::InTurn } else { Made::InInit };
                core.begin_subscription(agent, id, filter, made);
            }
            Effect::Unsubscribe(id) => core.end_subscription(agent, id),
        }
    }
}
