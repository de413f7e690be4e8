//! Running an agent: what it does next, in slices of turns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use futures_util::task::{ArcWake, waker_ref};
use serde_json::Value;

use super::conclude::finish;
use super::letter::Letter;
use super::mailbox::{Next, Rest};
use super::queue::Order;
use super::trace::TurnTrace;
use super::{Activity, Agent, AgentState, OnStarted};
use crate::lent::{Chore, LENT};
use crate::runtime::{Loaded, Post};
use crate::sandbox::{Delivery, Fault, FaultKind, InstancePermit, Seat, Slice, Turn, TurnEnd};
use crate::scheduler::Lane;

/// Turns that one agent may take in a row before others are looked at.
const TURNS_IN_A_ROW: u32 = 32;
/// The time that guests run in such a row after which no further turn is begun.
const ROW_TIME: Duration = Duration::from_millis(1);

/// What a turn is for.
pub(crate) enum Job {
    Init,
    Message(Letter),
    Timer(u32),
    /// The last turn before a fresh start.
    Restart(OnStarted),
    /// The init of other code, which this seat makes.
    Replace(Arc<Seat>, InstancePermit, OnStarted),
    Shutdown,
}

impl Job {
    /// What the turn is for, as text.
    pub fn of(&self) -> &'static str {
        match self {
            Job::Init | Job::Replace(..) => "init",
            Job::Message(_) => "message",
            Job::Timer(_) => "timer",
            Job::Restart(_) | Job::Shutdown => "shutdown",
        }
    }

    /// What an event says of it: what the turn was for, and the message.
    pub fn shown(&self) -> [(&'static str, Value); 2] {
        let message = match self {
            Job::Message(letter) => Some(letter.message.message_id()),
            _ => None,
        };
        [("of", self.of().into()), ("message_id", message.into())]
    }
}

/// Whose thread runs a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    /// One that asked, and has other things to do.
    Caller,
    Worker,
}

impl ArcWake for Agent {
    fn wake_by_ref(agent: &Arc<Self>) {
        agent.meter.woken();
        if agent.mailbox.wake() {
            agent.core.scheduler.push(agent.clone(), Lane::outside());
        }
    }
}

/// Runs one message on the calling thread, which holds the agent's run token: until its end or the
/// first preemption point.
pub(crate) fn run_claimed(agent: &Arc<Agent>, letter: Letter) {
    as_caller(agent, |mut activity| {
        activity.join_generation(agent);
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
    });
}

/// Gives what an agent holds while it runs to `work`, on a thread that is not of the pool and lacks
/// what a worker has all the time.
fn as_caller(agent: &Agent, work: impl FnOnce(Box<Activity>)) {
    let _awake = agent.engine.awake();
    let _entered = agent.seat.load().template.uses_wasi().then(|| agent.core.wasi_io.enter());
    work(agent.take_activity());
}

/// An agent that a thread is left with which lends itself: it runs a slice.
impl Chore for Agent {
    fn help(self: Arc<Self>) {
        self.mailbox.begin_slice();
        as_caller(&self, |activity| {
            contain(&self, || drive(&self, activity, None, Runner::Caller, Lane::outside()));
        });
    }

    fn hand_over(self: Arc<Self>) {
        self.core.scheduler.inject(self.clone());
    }

    fn blocks(&self) -> bool {
        false
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
        agent.core.keep_dead(letter.message, "the runtime itself failed", Post::outside());
    }
}

fn drive(
    agent: &Arc<Agent>,
    mut activity: Box<Activity>,
    mut first: Option<Job>,
    runner: Runner,
    lane: Lane<'_>,
) {
    let (allowance, max_turns) = match runner {
        Runner::Caller => (LENT, 1),
        Runner::Worker => (Duration::from_micros(agent.face.limits.max_cpu_micros), TURNS_IN_A_ROW),
    };
    let waker = waker_ref(agent);
    let mut context = Context::from_waker(&waker);
    let mut row = Duration::ZERO;
    for turns in 1.. {
        let (mut turn, job, trace) = match activity.turn.take() {
            Some(running) => running,
            None => {
                let job = match first.take() {
                    Some(job) => job,
                    None => match next(agent, &mut activity) {
                        Next::Init => Job::Init,
                        Next::Message(letter) => Job::Message(letter),
                        // One that was cancelled meanwhile has no turn.
                        Next::Timer(id) => match agent.face.holdings.ring(id) {
                            true => Job::Timer(id),
                            false => continue,
                        },
                        Next::Order(Order::Restart(done)) => Job::Restart(done),
                        Next::Order(Order::Replace(loaded, permit, done)) => {
                            let Loaded { template, wasm } = loaded;
                            let seat = Seat { template, wasm, ..Seat::clone(&agent.seat.load()) };
                            Job::Replace(Arc::new(seat), permit, done)
                        }
                        Next::Shutdown => Job::Shutdown,
                        Next::Nothing => break,
                    },
                };
                let trace = TurnTrace::begin(agent, &job);
                (begin(agent, &mut activity, &job, &trace), job, trace)
            }
        };
        let (slice, ran) = trace.within(|| poll(&mut turn, &mut context, allowance, agent));
        row += ran;
        match slice {
            Slice::Done(end) => {
                drop(turn);
                trace.end(&end.outcome);
                trace.within(|| finish(agent, &mut activity, job, end, &trace, lane));
            }
            Slice::Yielded => {
                activity.turn = Some((turn, job, trace));
                agent.put_activity(activity);
                agent.mailbox.preempt();
                // A calling thread runs less than a quantum: the pool goes on with a fresh turn.
                if runner == Runner::Caller {
                    agent.core.scheduler.inject(agent.clone());
                } else {
                    agent.core.scheduler.push_preempted(agent.clone());
                }
                return;
            }
            Slice::Waiting => {
                activity.turn = Some((turn, job, trace));
                agent.put_activity(activity);
                if agent.mailbox.suspend() {
                    agent.core.scheduler.push(agent.clone(), lane);
                }
                return;
            }
        }
        if turns >= max_turns || row > ROW_TIME {
            break;
        }
        // The next turn may be a long one: what this one made ready is not to wait for it.
        agent.core.scheduler.share(lane);
    }
    agent.put_activity(activity);
    match agent.mailbox.requeue_or_rest() {
        Rest::Queued => agent.core.scheduler.push(agent.clone(), lane),
        Rest::Paused => agent.stopped.notify_waiters(),
        Rest::Idle => {}
    }
}

/// What comes next, for an instance that knows of nothing that was taken back.
fn next(agent: &Arc<Agent>, activity: &mut Activity) -> Next {
    activity.join_generation(agent);
    agent.mailbox.next(activity.instance.is_some())
}

fn begin(agent: &Arc<Agent>, activity: &mut Activity, job: &Job, trace: &TurnTrace) -> Turn {
    let delivery = match job {
        Job::Init => Delivery::Init(agent.seat.load_full()),
        Job::Replace(seat, ..) => Delivery::Init(seat.clone()),
        Job::Message(letter) => Delivery::Message(letter.message.clone()),
        Job::Timer(id) => Delivery::Timer(*id),
        Job::Restart(_) | Job::Shutdown => Delivery::Shutdown,
    };
    let instance = match job {
        // The old instance stays until the new code has shown that it starts.
        Job::Replace(..) => None,
        _ => activity.instance.take(),
    };
    Turn::begin(&agent.meter, instance, delivery, trace.caused())
}

/// Runs a slice. A panic in a host function is a defect of ours: it ends the turn, not the process.
fn poll(
    turn: &mut Turn,
    context: &mut Context<'_>,
    allowance: Duration,
    agent: &Agent,
) -> (Slice, Duration) {
    match catch_unwind(AssertUnwindSafe(|| {
        turn.poll_slice(context, allowance, &agent.meter, &*agent.face)
    })) {
        Ok((slice, ran)) => {
            agent.face.counters.ran(ran);
            (slice, ran)
        }
        Err(_) => {
            let fault = Fault::new(FaultKind::Trap, "the runtime itself failed in a host call");
            (Slice::Done(TurnEnd { instance: None, outcome: Err(fault) }), Duration::ZERO)
        }
    }
}
