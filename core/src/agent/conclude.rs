//! What becomes of a turn that has come to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::commit::commit;
use super::letter::Letter;
use super::restart::{fail, supervise};
use super::run::Job;
use super::trace::TurnTrace;
use super::{Activity, Agent, AgentState, OnStarted, Starting, Undo};
use crate::directory::{Description, Member, Note};
use crate::error::{Error, ErrorKind};
use crate::runtime::{EventKind, Post, Posting};
use crate::sandbox::{Ended, Fault, FaultKind, Level, Made, Seat, TurnEnd, World};
use crate::scheduler::Lane;
use crate::store::Change;

/// What becomes of a turn that has come to its end. In a runtime with a store all of it is one commit.
pub(super) fn finish(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    job: Job,
    end: TurnEnd,
    trace: &TurnTrace,
    lane: Lane<'_>,
) {
    let is_last = matches!(job, Job::Shutdown);
    if agent.core.journal.is_none() {
        let post = Post::of(lane, None);
        report(agent, &job, &end, trace, post);
        conclude(agent, activity, job, end, post);
        if is_last {
            agent.core.agent_stopped(agent);
        }
        return;
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
        Job::Timer(id) => {
            post.change(|| Change::NoTimer { agent: agent.face.serial, id: *id });
            if let Some(timer) = agent.face.holdings.rung(*id) {
                post.undo(|| Undo::TimerEnded(*id, timer));
            }
        }
        _ => {}
    }
    report(agent, &job, &end, trace, post);
    conclude(agent, activity, job, end, post);
    let committed = agent.core.submit_turn(agent, posting, consumed);
    drop(ledger);
    if let Some(parts) = committed {
        agent.core.let_out(parts);
    }
    if is_last {
        // Whoever waits for the agent's end waits next for what is in the journal by now.
        agent.core.agent_stopped(agent);
    }
}

/// A turn that saw what the store could not keep never happened, whatever came of it.
fn forget(agent: &Arc<Agent>, activity: &mut Activity, job: Job) {
    activity.instance = None;
    let error = Error::rolled_back(agent.name());
    match job {
        Job::Message(letter) => {
            let in_vain = agent.put_back(vec![letter]);
            agent.taken_back(in_vain, &error);
        }
        Job::Timer(id) => {
            // One that was set by a turn that never happened does not ring.
            if let Some(timer) = agent.face.holdings.rung(id) {
                agent.core.set_timer(agent, id, timer);
            }
        }
        Job::Init => match std::mem::take(&mut activity.starting) {
            Starting::First(done) | Starting::Ordered(done) => done(Err(error)),
            Starting::Again => {}
        },
        Job::Restart(done) | Job::Replace(_, _, done) => done(Err(error)),
        Job::Shutdown => {
            agent.core.alone(Post::outside(), |post| ended(agent, activity, post));
            agent.core.agent_stopped(agent);
        }
    }
}

/// Counts a turn, and tells who watches.
fn report(agent: &Agent, job: &Job, end: &TurnEnd, trace: &TurnTrace, post: Post<'_>) {
    let counters = &agent.face.counters;
    if let Some(instance) = &end.instance {
        counters.has_memory(instance.memory_bytes());
    }
    let took = agent.meter.spent();
    counters.took(took);
    match &end.outcome {
        Ok(ended) => {
            counters.turns.add_alone(1);
            if ended.code != 0 {
                counters.error_codes.add_alone(1);
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
}

/// What follows from a turn for its agent.
fn conclude(agent: &Arc<Agent>, activity: &mut Activity, job: Job, end: TurnEnd, post: Post<'_>) {
    let counters = &agent.face.counters;
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
            counters.messages_in.add_alone(1);
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
            counters.messages_in.add_alone(1);
            agent.core.report_crash(&letter, &agent.face.name, &fault, post);
            crashed(agent, activity, &fault, post);
        }
        (Job::Timer(..), Ok(ended)) => {
            completed(activity);
            counters.timers.add_alone(1);
            commit(agent, ended.record, None, Made::InTurn, post);
        }
        (Job::Timer(..), Err(fault)) => {
            counters.timers.add_alone(1);
            crashed(agent, activity, &fault, post);
        }
        (Job::Restart(done), outcome) => {
            if let Ok(ended) = outcome {
                commit(agent, ended.record, None, Made::InTurn, post);
            }
            activity.instance = None;
            activity.failed_starts = 0;
            activity.crashes = 0;
            activity.starting = std::mem::take(&mut activity.starting).and(done);
            agent.mailbox.revive();
            agent.set_state(AgentState::Initiated);
            post.change(|| Change::State(agent.face.serial, AgentState::Active.as_str()));
            agent.mailbox.init_next();
        }
        (Job::Shutdown, outcome) => {
            if let Ok(ended) = outcome {
                commit(agent, ended.record, None, Made::InTurn, post);
            }
            ended(agent, activity, post);
        }
        (Job::Replace(..), _) => {}
    }
}

/// The last turn is over.
fn ended(agent: &Agent, activity: &mut Activity, post: Post<'_>) {
    activity.instance = None;
    if agent.leaves.load(Ordering::Acquire) {
        post.change(|| Change::Gone(agent.face.serial));
        agent.core.tell(EventKind::Removed, Some(&agent.face.name), post, || []);
    }
    match std::mem::take(&mut activity.starting) {
        Starting::First(done) | Starting::Ordered(done) => done(Err(ended_early(agent))),
        Starting::Again => {}
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
    match agent.core.directory.declared(listed, ended.capabilities.take().as_deref()) {
        Ok(declared) => agent.face.profile.declare(declared),
        Err(wrong) => {
            let declared = Description::declared(listed, None).unwrap_or_default();
            agent.face.profile.declare(Arc::new(declared));
            agent
                .face
                .log(Level::Warn, &format!("get_capabilities wrote no AgentCapabilities: {wrong}"));
        }
    }
    // An init that runs again drops what an earlier one subscribed to, and the timers that it set.
    agent.core.end_subscriptions(agent, Some(Made::InInit), post);
    agent.core.end_timers(agent, Some(Made::InInit), post);
    let ended_registration = agent.core.begin_init(agent, &ended.record, post);
    commit(agent, ended.record, None, Made::InInit, post);
    agent.set_state(AgentState::Active);
    let changed = Note::Changed(Member::Agent(agent.clone()));
    for note in ended_registration.into_iter().chain([changed]) {
        agent.core.note(note, post);
    }
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

fn micros(time: Duration) -> Value {
    Value::from(time.as_micros() as u64)
}
