//! Running an agent: slices of turns, and what becomes of a turn that has come to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::commit::commit;
use super::letter::Letter;
use super::mailbox::Next;
use super::queue::Order;
use super::restart::{fail, supervise};
use super::trace::TurnTrace;
use super::{Activity, Agent, AgentState, Capabilities, OnStarted, Starting, Timer, Undo};
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::runtime::{EventKind, Loaded, Post, Posting};
use crate::sandbox::{
    Delivery, Ended, Fault, FaultKind, InstancePermit, Level, Made, Seat, Slice, Turn, TurnEnd,
    World,
};
use crate::scheduler::Lane;
use crate::source::monotonic;
use crate::store::Change;

/// What a calling thread runs before the pool takes the turn over: about one tick, and not less where
/// a tick comes early.
const CALLERS_TIME: Duration = Duration::from_millis(1);
/// Turns that one agent may take in a row before others are looked at.
const TURNS_IN_A_ROW: u32 = 32;
/// The time of such a row after which no further turn is begun.
const ROW_TIME: Duration = Duration::from_millis(1);
/// What a turn is for.
pub(crate) enum Job {
    Init,
    Message(Letter),
    Timer(u32, Timer),
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
            Job::Timer(..) => "timer",
            Job::Restart(_) | Job::Shutdown => "shutdown",
        }
    }

    /// What an event says of it: what the turn was for, and the message.
    fn shown(&self) -> [(&'static str, Value); 2] {
        let message = match self {
            Job::Message(letter) => Some(letter.message.message_id()),
            _ => None,
        };
        [("of", self.of().into()), ("message_id", message.into())]
    }
}

fn micros(time: Duration) -> Value {
    Value::from(time.as_micros() as u64)
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
        self.meter.woken();
        if self.mailbox.wake() {
            self.core.scheduler.push(self.clone(), Lane::outside());
        }
    }
}

/// Runs one message on the calling thread, which holds the agent's run token: until its end or the
/// first preemption point.
pub(crate) fn run_claimed(agent: &Arc<Agent>, letter: Letter) {
    let _awake = agent.engine.awake();
    let _entered = agent.seat.load().template.uses_wasi().then(|| agent.core.io.enter());
    let mut activity = agent.take_activity();
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
        let (mut turn, job, trace) = match activity.turn.take() {
            Some(running) => running,
            None => {
                let job = match first.take() {
                    Some(job) => job,
                    None => match next(agent, &mut activity) {
                        Next::Init => Job::Init,
                        Next::Message(letter) => Job::Message(letter),
                        // One that was cancelled meanwhile has no turn.
                        Next::Timer(id) => match agent.face.holdings.end_timer(id) {
                            Some(timer) => Job::Timer(id, timer),
                            None => continue,
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
        match trace.within(|| poll(&mut turn, &mut context, allowance, agent)) {
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
                    agent.core.scheduler.push(agent.clone(), lane);
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
        if turns >= max_turns || begun.elapsed() > ROW_TIME {
            break;
        }
        // The next turn may be a long one: what this one made ready is not to wait for it.
        agent.core.scheduler.share(lane);
    }
    agent.put_activity(activity);
    if agent.mailbox.requeue_or_rest() {
        agent.core.scheduler.push(agent.clone(), lane);
    } else if agent.mailbox.is_paused() {
        agent.stopped.notify_waiters();
    }
}

/// What comes next, for an instance that knows of nothing that was taken back.
fn next(agent: &Arc<Agent>, activity: &mut Activity) -> Next {
    activity.join_generation(agent);
    agent.mailbox.next(activity.instance.is_some())
}

fn begin(agent: &Arc<Agent>, activity: &mut Activity, job: &Job, trace: &TurnTrace) -> Turn {
    let seat = agent.seat.load_full();
    let instance = |activity: &mut Activity| activity.instance.take();
    match job {
        Job::Init => Turn::begin(seat, instance(activity), Delivery::Init, trace.own),
        // The old instance stays until the new code has shown that it starts.
        Job::Replace(seat, ..) => Turn::begin(seat.clone(), None, Delivery::Init, trace.own),
        Job::Message(letter) => {
            let delivery = Delivery::Message(letter.message.clone());
            Turn::begin(seat, instance(activity), delivery, trace.own)
        }
        Job::Timer(id, _) => Turn::begin(seat, instance(activity), Delivery::Timer(*id), trace.own),
        Job::Restart(_) | Job::Shutdown => {
            Turn::begin(seat, instance(activity), Delivery::Shutdown, trace.own)
        }
    }
}

/// Runs a slice. A panic in a host function is a defect of ours: it ends the turn, not the process.
fn poll(turn: &mut Turn, context: &mut Context<'_>, allowance: Duration, agent: &Agent) -> Slice {
    // The ticker looks after them too, but a guest may fault before its next tick.
    agent.engine.check_signals();
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

/// What becomes of a turn that has come to its end. In a runtime with a store all of it is one commit.
fn finish(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    job: Job,
    end: TurnEnd,
    trace: &TurnTrace,
    lane: Lane<'_>,
) {
    if agent.core.journal.is_none() {
        return conclude(agent, activity, job, end, trace, Post::of(lane, None));
    }
    let posting = Posting::default();
    let consumed = match &job {
        Job::Message(letter) => Some(letter.clone()),
        _ => None,
    };
    let ledger = agent.ledger.lock();
    if activity.generation != agent.generation() {
        drop(ledger);
        return forget(agent, activity, job);
    }
    let post = Post::of(lane, Some(&posting));
    match &job {
        Job::Message(letter) => drop(letter.clone().unhold(post)),
        Job::Timer(id, timer) => {
            post.change(|| Change::NoTimer { agent: agent.face.serial, id: *id });
            post.undo(|| Undo::TimerEnded(*id, *timer));
        }
        _ => {}
    }
    conclude(agent, activity, job, end, trace, post);
    let committed = agent.core.submit_turn(agent, posting, consumed);
    drop(ledger);
    if let Some(parts) = committed {
        agent.core.let_out(parts);
    }
}

/// A turn that saw what the store could not keep never happened, whatever came of it.
fn forget(agent: &Arc<Agent>, activity: &mut Activity, job: Job) {
    activity.instance = None;
    let error = Error::rolled_back(agent.name());
    match job {
        Job::Message(letter) => agent.put_back(vec![letter], &error),
        Job::Timer(id, timer) => agent.core.set_timer(agent, id, timer),
        Job::Init => match std::mem::take(&mut activity.starting) {
            Starting::First(done) | Starting::Ordered(done) => done(Err(error)),
            Starting::Again => {}
        },
        Job::Restart(done) | Job::Replace(_, _, done) => done(Err(error)),
        Job::Shutdown => agent.core.agent_stopped(agent),
    }
}

fn conclude(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    job: Job,
    end: TurnEnd,
    trace: &TurnTrace,
    post: Post<'_>,
) {
    let counters = &agent.face.counters;
    if let Some(instance) = &end.instance {
        counters.has_memory(instance.memory_bytes());
    }
    let took = agent.meter.spent();
    counters.took(took);
    match &end.outcome {
        Ok(ended) => {
            counters.turns.add(1);
            if ended.code != 0 {
                counters.error_codes.add(1);
            }
            agent.core.tell(EventKind::Turn, Some(&agent.face.name), post, || {
                let [of, message] = job.shown();
                let [began, trace_id, span, parent] = trace.shown();
                let (code, micros) = (("code", ended.code.into()), ("micros", micros(took)));
                [of, message, code, micros, began, trace_id, span, parent]
            });
        }
        Err(fault) => {
            counters.dropped(fault.kind);
            agent.core.tell(EventKind::Dropped, Some(&agent.face.name), post, || {
                let [of, message] = job.shown();
                let [began, trace_id, span, parent] = trace.shown();
                let kind = ("kind", fault.kind.as_str().into());
                let error = ("error", fault.text.as_str().into());
                let micros = ("micros", micros(took));
                [of, message, kind, error, micros, began, trace_id, span, parent]
            });
            let text = match &fault.backtrace {
                Some(backtrace) => format!("a turn was dropped: {fault}\n{backtrace}"),
                None => format!("a turn was dropped: {fault}"),
            };
            agent.face.log(Level::Error, &text);
        }
    }
    if let Job::Replace(seat, _permit, done) = job {
        return replaced(agent, activity, seat, end, done, post);
    }
    activity.instance = end.instance;
    match (job, end.outcome) {
        (Job::Init, outcome) => match init_outcome(outcome) {
            Ok(ended) => started(agent, activity, ended, post),
            Err(fault) => not_started(agent, activity, fault, post),
        },
        (Job::Message(letter), Ok(ended)) => {
            completed(activity);
            counters.messages_in.add(1);
            let code = ended.code;
            let replied = code == 0 || has_reply(&letter, &ended);
            commit(agent, ended.record, Some(&letter), Made::InTurn, post);
            if !replied {
                let text = format!("{} ended with code {code} and sent no reply", agent.name());
                let fault = Fault::new(FaultKind::Code, text);
                agent.core.report_failure(&letter, agent.name(), &fault, post);
            }
        }
        (Job::Message(letter), Err(fault)) => {
            counters.messages_in.add(1);
            agent.core.report_crash(&letter, &agent.face.name, &fault, post);
            crashed(agent, activity, &fault, post);
        }
        (Job::Timer(..), Ok(ended)) => {
            completed(activity);
            counters.timers.add(1);
            commit(agent, ended.record, None, Made::InTurn, post);
        }
        (Job::Timer(..), Err(fault)) => {
            counters.timers.add(1);
            crashed(agent, activity, &fault, post);
        }
        (Job::Restart(done), outcome) => {
            if let Ok(ended) = outcome {
                commit(agent, ended.record, None, Made::InTurn, post);
            }
            activity.instance = None;
            activity.failed_starts = 0;
            activity.crashes = 0;
            activity.starting = Starting::Ordered(done);
            agent.mailbox.revive();
            agent.set_state(AgentState::Initiated);
            post.change(|| Change::State(agent.face.serial, AgentState::Active.as_str()));
            agent.mailbox.init_next();
        }
        (Job::Shutdown, outcome) => {
            if let Ok(ended) = outcome {
                commit(agent, ended.record, None, Made::InTurn, post);
            }
            activity.instance = None;
            if agent.leaves.load(Ordering::Acquire) {
                post.change(|| Change::Gone(agent.face.serial));
                agent.core.tell(EventKind::Removed, Some(&agent.face.name), post, || []);
            }
            agent.core.agent_stopped(agent);
            match std::mem::take(&mut activity.starting) {
                Starting::First(done) | Starting::Ordered(done) => done(Err(ended_early(agent))),
                Starting::Again => {}
            }
        }
        (Job::Replace(..), _) => {}
    }
}

/// A turn has come to a good end: what went wrong before counts no longer.
fn completed(activity: &mut Activity) {
    activity.failed_starts = 0;
    activity.crashes = 0;
}

/// A turn was dropped, and the instance with it. One that the runtime's end interrupted says nothing
/// of the agent.
fn crashed(agent: &Arc<Agent>, activity: &mut Activity, fault: &Fault, post: Post<'_>) {
    if fault.kind != FaultKind::Closed {
        agent.face.counters.restarts.add(1);
        supervise(agent, activity, post);
    }
}

/// An init that ends with another code than 0 is one that failed.
fn init_outcome(outcome: Result<Ended, Fault>) -> Result<Ended, Fault> {
    let ended = outcome?;
    if ended.code == 0 {
        return Ok(ended);
    }
    let text = format!("agent_init returned {}, expected 0", ended.code);
    Err(Fault::new(FaultKind::Code, text))
}

/// Whether the record holds an answer to the message that the turn handled.
fn has_reply(letter: &Letter, ended: &Ended) -> bool {
    let handled = &letter.message;
    ended.record.messages().any(|message| {
        message.answers(handled)
            && message.receivers().any(|to| to == handled.sender() || to == handled.answer_to())
    })
}

fn started(agent: &Arc<Agent>, activity: &mut Activity, ended: Ended, post: Post<'_>) {
    activity.failed_starts = 0;
    agent.set_state(AgentState::Active);
    let happened = match activity.starting {
        Starting::First(_) => {
            write_down(agent, post);
            EventKind::Deployed
        }
        Starting::Ordered(_) | Starting::Again => EventKind::Restarted,
    };
    agent.core.tell(happened, Some(&agent.face.name), post, || []);
    take_up(agent, ended, post);
    match std::mem::take(&mut activity.starting) {
        Starting::First(done) | Starting::Ordered(done) => post.tell(done, Ok(())),
        Starting::Again => {}
    }
}

/// Lets the store know of an agent, with what it was deployed with.
fn write_down(agent: &Agent, post: Post<'_>) {
    post.change(|| Change::Agent(Arc::new(agent.row())));
    if post.posting.is_some() {
        for (key, value) in agent.face.holdings.data() {
            post.change(|| Change::Data { agent: agent.face.serial, key, value: Some(value) });
        }
    }
}

/// Takes what an init has said and done for the agent's.
fn take_up(agent: &Arc<Agent>, mut ended: Ended, post: Post<'_>) {
    let listed = &agent.settings.capabilities;
    match Capabilities::join(listed, ended.capabilities.take().as_deref()) {
        Ok(capabilities) => *agent.face.capabilities.write() = capabilities,
        Err(wrong) => {
            *agent.face.capabilities.write() = Capabilities::join(listed, None).unwrap_or_default();
            agent
                .face
                .log(Level::Warn, &format!("get_capabilities wrote no AgentCapabilities: {wrong}"));
        }
    }
    // An init that runs again drops what an earlier one subscribed to, and the timers that it set.
    agent.core.end_subscriptions(agent, Some(Made::InInit), post);
    agent.core.end_timers(agent, Some(Made::InInit), post);
    commit(agent, ended.record, None, Made::InInit, post);
    agent.set_state(AgentState::Active);
}

fn not_started(agent: &Arc<Agent>, activity: &mut Activity, fault: Fault, post: Post<'_>) {
    activity.instance = None;
    match std::mem::take(&mut activity.starting) {
        Starting::First(done) => {
            let waiting = agent.mailbox.fail();
            agent.core.agent_stopped(agent);
            agent.core.refuse_all(waiting, agent.name(), post);
            done(Err(start_error(agent, fault)));
        }
        Starting::Ordered(done) => {
            fail(agent, post);
            done(Err(start_error(agent, fault)));
        }
        Starting::Again => {
            activity.failed_starts += 1;
            crashed(agent, activity, &fault, post);
        }
    }
}

/// The init of other code has come to its end: from now on the agent runs it, or goes on as it was.
fn replaced(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    seat: Arc<Seat>,
    end: TurnEnd,
    done: OnStarted,
    post: Post<'_>,
) {
    match init_outcome(end.outcome) {
        Ok(ended) => {
            let old = agent.seat.swap(seat);
            post.undo(|| Undo::Code(old));
            post.change(|| Change::Agent(Arc::new(agent.row())));
            activity.instance = end.instance;
            completed(activity);
            agent.mailbox.revive();
            agent.core.tell(EventKind::Replaced, Some(&agent.face.name), post, || []);
            take_up(agent, ended, post);
            post.tell(done, Ok(()));
        }
        Err(fault) => done(Err(start_error(agent, fault))),
    }
}

/// The error of whoever waits for an init that failed.
fn start_error(agent: &Agent, fault: Fault) -> Error {
    if fault.kind == FaultKind::Closed {
        return ended_early(agent);
    }
    let text = format!("{:?} could not be started: {fault}", agent.name());
    let error = Error::new(ErrorKind::AgentFailed, text).with_backtrace(fault.backtrace);
    match (fault.limit, fault.used) {
        (Some(limit), Some(used)) => error.with_limit(fault.kind.as_str(), limit, used),
        _ => error,
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
