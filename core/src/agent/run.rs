//! Running an agent: what it does next, in slices of turns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Context;

use futures_util::task::{ArcWake, waker_ref};
use serde_json::Value;

use super::conclude::{advance, finish};
use super::letter::Letter;
use super::mailbox::{Next, Rest};
use super::queue::Order;
use super::trace::TurnTrace;
use super::{Activity, Agent, AgentState, Lane, OnStarted};
use crate::lent::Chore;
use crate::runtime::{Loaded, Post, Ready};
use crate::sandbox::{Delivery, Fault, FaultKind, InstancePermit, Seat, Slice, Turn, TurnEnd};
use crate::source::nanos;

/// Turns that one agent may take in a row before others are looked at.
const TURNS_IN_A_ROW: u32 = 32;
/// The time of such a row after which no further turn is begun, in nanoseconds.
const ROW_TIME: u64 = 1_000_000;

/// Pieces of an outbox that a calling thread works off: 64 entries.
const CALLERS_PIECES: usize = 2;

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

    /// Returns true if the turn makes an instance.
    fn is_init(&self) -> bool {
        matches!(self, Job::Init | Job::Replace(..))
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
            agent.schedule(Lane::outside());
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
            agent.schedule(Lane::outside());
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
        self.core.scheduler.inject(Ready::Agent(self.clone()));
    }

    fn blocks(&self) -> bool {
        false
    }
}

impl Agent {
    /// Has the workers run it; the caller hands over the run token.
    pub fn schedule(self: &Arc<Self>, lane: Lane<'_>) {
        self.core.scheduler.push(Ready::Agent(self.clone()), lane);
    }

    /// Runs a slice on a worker.
    pub fn run(self: Arc<Self>, lane: Lane<'_>) {
        self.mailbox.begin_slice();
        let activity = self.take_activity();
        contain(&self, || drive(&self, activity, None, Runner::Worker, lane));
    }
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
    drop(agent.commit_lock.lock().take());
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
    let max_turns = match runner {
        Runner::Caller => 1,
        Runner::Worker => TURNS_IN_A_ROW,
    };
    let waker = waker_ref(agent);
    let mut context = Context::from_waker(&waker);
    let began = lane.begin();
    if runner == Runner::Caller {
        agent.pace.begin_on_caller(began);
    }
    let scheduler = &agent.core.scheduler;
    let mut now = began;
    let counters = &agent.face.counters;
    for turns in 1.. {
        // The rest of the last turn's outbox comes before anything else.
        if activity.outbox.is_none() {
            let (mut turn, job, trace) = match activity.turn.take() {
                Some(running) => running,
                None => {
                    let Some(job) = first.take().or_else(|| next_job(agent, &mut activity)) else {
                        break;
                    };
                    if turns > 1 {
                        // This turn may be a long one: what the last one made ready is not to wait for it.
                        scheduler.share(lane);
                    }
                    let trace = TurnTrace::begin(agent, &job);
                    (begin(agent, &mut activity, &job, &trace), job, trace)
                }
            };
            let (slice, guest_ended) = trace.within(|| poll(&mut turn, &mut context, now, agent));
            counters.ran(guest_ended.saturating_sub(now));
            now = guest_ended;
            match slice {
                Slice::Done(end) => {
                    drop(turn);
                    trace.end(&end.outcome);
                    activity.is_init = job.is_init();
                    activity.outbox =
                        trace.within(|| finish(agent, &mut activity, job, end, &trace, lane));
                }
                Slice::Yielded => {
                    activity.turn = Some((turn, job, trace));
                    return preempt(agent, activity, now, lane);
                }
                Slice::Waiting => {
                    activity.turn = Some((turn, job, trace));
                    return suspend(agent, activity, now, lane);
                }
            }
        }
        let is_done = work_off(agent, &mut activity, runner, lane);
        let ended = lane.end();
        counters.ran(ended.saturating_sub(now));
        now = ended;
        if !is_done {
            return preempt(agent, activity, now, lane);
        }
        agent.pace.end_turn(now, activity.is_init);
        if activity.instance.is_none() {
            agent.pace.expect_init();
        }
        // Most have nothing more to do after the first turn: it is not asked then who comes first.
        let is_over = turns >= max_turns || now - began > ROW_TIME;
        if is_over || turns > 1 && !scheduler.goes_on(&agent.pace, lane) {
            break;
        }
    }
    agent.put_activity(activity);
    match agent.mailbox.requeue_or_rest() {
        Rest::Queued => agent.schedule(lane),
        Rest::Paused => agent.stopped.notify_waiters(),
        Rest::Idle => {}
    }
}

/// Works off the outbox of the last turn, until others come first; on a calling thread two pieces of it.
/// Returns true if nothing is left.
fn work_off(agent: &Arc<Agent>, activity: &mut Activity, runner: Runner, lane: Lane<'_>) -> bool {
    let most = if runner == Runner::Caller { CALLERS_PIECES } else { usize::MAX };
    for _ in 0..most {
        let Some(outbox) = activity.outbox.take() else { return true };
        activity.outbox = advance(agent, activity, outbox, lane);
        if activity.outbox.is_some()
            && (agent.pace.should_yield() || agent.core.scheduler.is_crowded(lane))
        {
            return false;
        }
    }
    activity.outbox.is_none()
}

/// Ends a slice at `now`: others come first, and the workers go on with what the agent is at.
fn preempt(agent: &Arc<Agent>, activity: Box<Activity>, now: u64, lane: Lane<'_>) {
    agent.pace.pause(now);
    lane.ended_at(now);
    agent.put_activity(activity);
    agent.mailbox.preempt();
    agent.core.scheduler.push_preempted(Ready::Agent(agent.clone()), lane);
}

/// Ends a slice at `now`: its turn waits in a host call.
fn suspend(agent: &Arc<Agent>, activity: Box<Activity>, now: u64, lane: Lane<'_>) {
    agent.pace.pause(now);
    lane.ended_at(now);
    agent.put_activity(activity);
    if agent.mailbox.suspend() {
        agent.schedule(lane);
    }
}

/// What the agent does next, if there is anything.
fn next_job(agent: &Arc<Agent>, activity: &mut Activity) -> Option<Job> {
    loop {
        return Some(match next(agent, activity) {
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
            Next::Nothing => return None,
        });
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
        Job::Message(letter) => Delivery::Message(letter.message.clone(), letter.terms.is_free),
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

/// Runs a slice that begins at `now`. Returns when it ended, too. A panic in a host function is a defect
/// of ours: it ends the turn, not the process.
fn poll(turn: &mut Turn, context: &mut Context<'_>, now: u64, agent: &Agent) -> (Slice, u64) {
    let run = || turn.poll_slice(context, now, &agent.meter, &*agent.face);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(ended) => ended,
        Err(_) => {
            let fault = Fault::new(FaultKind::Trap, "the runtime itself failed in a host call");
            (Slice::Done(TurnEnd { instance: None, outcome: Err(fault) }), nanos())
        }
    }
}
