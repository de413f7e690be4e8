//! What becomes of a turn that has come to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::MutexGuard;
use serde_json::Value;

use super::commit::seal;
use super::letter::Letter;
use super::outbox::{Last, OpenTurn, Outbox, PIECE};
use super::restart::{fail, supervise};
use super::run::Job;
use super::trace::TurnTrace;
use super::{Activity, Agent, AgentState, Lane, OnStarted, Starting, Undo};
use crate::directory::{Description, Member, Note};
use crate::error::{Error, ErrorKind};
use crate::runtime::{EventKind, Loss, Post, Posting};
use crate::sandbox::{Ended, Fault, FaultKind, Level, Made, Seat, TurnEnd, TurnRecord};
use crate::store::Change;

/// Ends a turn, and works off a small outbox at once; one that is not is given back. In a runtime with a store all of it is one commit.
pub(super) fn finish(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    job: Job,
    end: TurnEnd,
    trace: &TurnTrace,
    lane: Lane<'_>,
) -> Option<Box<Outbox>> {
    if agent.core.journal.is_none() {
        let post = Post::of(lane, None);
        report(agent, &job, &end, trace, post);
        let mut outbox = conclude(agent, activity, job, end, post)?;
        return match outbox.is_small() && outbox.advance(agent, PIECE, post) {
            true => end_in_memory(agent, activity, *outbox, post),
            false => Some(outbox),
        };
    }
    let consumed = match &job {
        Job::Message(letter) => Some(letter.clone()),
        _ => None,
    };
    let mut open = agent.commit_lock.lock();
    if activity.generation != agent.generation() {
        drop(open);
        forget(agent, activity, job);
        return None;
    }
    let turn = open.insert(OpenTurn { posting: Posting::of(agent.face.serial), consumed });
    let post = Post::of(lane, Some(&turn.posting));
    match &job {
        Job::Message(letter) => letter.end(post),
        Job::Timer(id) => {
            post.change(|| Change::NoTimer { agent: agent.face.serial, id: *id });
            if let Some(timer) = agent.face.holdings.rung(*id) {
                post.undo(|| Undo::TimerEnded(*id, timer));
            }
        }
        _ => {}
    }
    report(agent, &job, &end, trace, post);
    let mut outbox = conclude(agent, activity, job, end, post);
    if let Some(outbox) =
        outbox.take_if(|outbox| !(outbox.is_small() && outbox.advance(agent, PIECE, post)))
    {
        return Some(outbox);
    }
    commit(agent, activity, outbox, lane, open);
    None
}

/// Works off the next piece of an outbox; the rest, if there is one.
pub(super) fn advance(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    mut outbox: Box<Outbox>,
    lane: Lane<'_>,
) -> Option<Box<Outbox>> {
    if agent.core.journal.is_none() {
        if agent.meter.is_interrupted() {
            let is_last = outbox.is_of_shutdown();
            outbox.give_up(agent);
            if is_last {
                ended(agent, activity, Post::outside());
                agent.core.agent_stopped(agent);
            }
            return None;
        }
        let post = Post::of(lane, None);
        return match outbox.advance(agent, PIECE, post) {
            true => end_in_memory(agent, activity, *outbox, post),
            false => Some(outbox),
        };
    }
    let mut open = agent.commit_lock.lock();
    if agent.meter.is_interrupted() {
        // The whole turn is void, and its message waits for the store to be opened again.
        let error = Error::closed();
        if let Some(turn) = open.take() {
            agent.void(turn, &error);
        }
        drop(open);
        return roll_back(agent, activity, *outbox, &error);
    }
    // The store has failed meanwhile, and the turn was rolled back with those before it.
    let Some(turn) = open.as_ref().filter(|_| activity.generation == agent.generation()) else {
        drop(open);
        return roll_back(agent, activity, *outbox, &Error::rolled_back(agent.name()));
    };
    if !outbox.advance(agent, PIECE, Post::of(lane, Some(&turn.posting))) {
        return Some(outbox);
    }
    commit(agent, activity, Some(outbox), lane, open);
    None
}

fn end_in_memory(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    outbox: Outbox,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
    let is_last = outbox.is_of_shutdown();
    outbox.end(agent, activity, post);
    if is_last {
        agent.core.agent_stopped(agent);
    }
    None
}

/// Hands a turn over to the store whose outbox is empty.
fn commit(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    outbox: Option<Box<Outbox>>,
    lane: Lane<'_>,
    mut open: MutexGuard<'_, Option<OpenTurn>>,
) {
    let Some(turn) = open.take() else { return };
    let is_last = outbox.as_ref().is_some_and(|outbox| outbox.is_of_shutdown());
    if let Some(outbox) = outbox {
        outbox.end(agent, activity, Post::of(lane, Some(&turn.posting)));
    }
    let committed = agent.core.submit_turn(agent, turn.posting, turn.consumed);
    drop(open);
    if let Some((commit, parts)) = committed {
        agent.core.let_out(&commit, parts);
    }
    if is_last {
        // Whoever waits for the agent's end waits next for what is in the journal by now.
        agent.core.agent_stopped(agent);
    }
}

/// Ends an outbox whose turn never happened.
fn roll_back(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    outbox: Outbox,
    error: &Error,
) -> Option<Box<Outbox>> {
    activity.instance = None;
    let is_last = outbox.is_of_shutdown();
    outbox.void(error);
    if is_last {
        let serial = agent.face.serial;
        agent.core.alone_of(serial, Post::outside(), |post| ended(agent, activity, post));
        agent.core.agent_stopped(agent);
    }
    None
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
            let serial = agent.face.serial;
            agent.core.alone_of(serial, Post::outside(), |post| ended(agent, activity, post));
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

/// What follows from a turn for its agent at once; what is left to be done for others.
fn conclude(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    job: Job,
    end: TurnEnd,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
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
            let is_answered = ended.code == 0 || ended.record.has_reply;
            let outbox = sealed(agent, ended.record, Some(&letter), Made::InTurn, post);
            // An agent that is gone takes no turns.
            drop(agent.face.owed.note(&letter, agent.face.serial));
            match is_answered {
                true => outbox,
                false => with_last(outbox, Last::NoReply(letter, ended.code)),
            }
        }
        (Job::Message(letter), Err(fault)) => {
            counters.messages_in.add_alone(1);
            agent.core.report_crash(&letter, &agent.face.name, &fault, post);
            crashed(agent, activity, &fault, post)
        }
        (Job::Timer(..), Ok(ended)) => {
            completed(activity);
            counters.timers.add_alone(1);
            sealed(agent, ended.record, None, Made::InTurn, post)
        }
        (Job::Timer(..), Err(fault)) => {
            counters.timers.add_alone(1);
            crashed(agent, activity, &fault, post)
        }
        (Job::Restart(done), outcome) => {
            let record = outcome.map(|ended| ended.record).unwrap_or_default();
            let outbox = sealed(agent, record, None, Made::InTurn, post);
            activity.instance = None;
            activity.failed_starts = 0;
            activity.crashes = 0;
            activity.starting = std::mem::take(&mut activity.starting).and(done);
            agent.tell_lost(Loss::Restarted, post);
            agent.mailbox.revive();
            agent.set_state(AgentState::Initiated);
            // A suspended agent stays suspended.
            let state = match agent.mailbox.is_paused() {
                true => AgentState::Suspended,
                false => AgentState::Active,
            };
            post.change(|| Change::State(agent.face.serial, state.as_str()));
            agent.mailbox.init_next();
            outbox
        }
        (Job::Shutdown, outcome) => {
            let record = outcome.map(|ended| ended.record).unwrap_or_default();
            let outbox = sealed(agent, record, None, Made::InTurn, post);
            with_last(outbox, Last::Shutdown)
        }
        (Job::Replace(..), _) => None,
    }
}

/// Seals a turn that handled this letter.
fn sealed(
    agent: &Arc<Agent>,
    mut record: Box<TurnRecord>,
    handled: Option<&Letter>,
    made: Made,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
    let charge = record.charge.take();
    let effects = seal(agent, record, made, post);
    Outbox::of_turn(agent, effects, charge, handled, post)
}

/// An outbox that ends with `last`.
fn with_last(outbox: Option<Box<Outbox>>, last: Last) -> Option<Box<Outbox>> {
    let mut outbox = outbox.unwrap_or_else(|| Outbox::refusing(Vec::new(), Last::Nothing));
    outbox.last = last;
    Some(outbox)
}

/// The last turn is over.
pub(super) fn ended(agent: &Agent, activity: &mut Activity, post: Post<'_>) {
    activity.instance = None;
    if agent.leaves.load(Ordering::Acquire) {
        post.change(|| Change::Gone(agent.face.serial));
        agent.core.tell(EventKind::Removed, Some(&agent.face.name), post, || []);
    }
    agent.tell_lost(Loss::Removed, post);
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

/// A turn was dropped, and the instance with it; what the agent takes no more. One that the runtime's end
/// interrupted says nothing of the agent.
fn crashed(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    fault: &Fault,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
    if fault.kind == FaultKind::Closed {
        return None;
    }
    agent.face.counters.restarts.add(1);
    let refused = supervise(agent, activity, post);
    agent.tell_lost(Loss::Restarted, post);
    Some(Outbox::refusing(refused, Last::Nothing))
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

fn started(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    ended: Ended,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
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
    let done = match std::mem::take(&mut activity.starting) {
        Starting::First(done) | Starting::Ordered(done) => Some(done),
        Starting::Again => None,
    };
    take_up(agent, ended, done, post)
}

/// Lets the store know of an agent, with what it was deployed with.
fn write_down(agent: &Agent, post: Post<'_>) {
    post.change(|| Change::Agent(Arc::new(agent.row())));
    if post.posting.is_some() {
        for datum in agent.face.holdings.data() {
            post.change(|| Change::Data { agent: agent.face.serial, datum });
        }
    }
}

/// Takes what an init has said and done for the agent's; `done` is told once that is with everybody.
fn take_up(
    agent: &Arc<Agent>,
    mut ended: Ended,
    done: Option<OnStarted>,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
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
    let outbox = sealed(agent, ended.record, None, Made::InInit, post);
    agent.set_state(AgentState::Active);
    let changed = Note::Changed(Member::Agent(agent.clone()));
    let notes = ended_registration.into_iter().chain([changed]).collect();
    with_last(outbox, Last::Started(done, notes))
}

fn not_started(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    fault: Fault,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
    activity.instance = None;
    let (done, waiting) = match std::mem::take(&mut activity.starting) {
        Starting::First(done) => {
            let waiting = agent.mailbox.fail();
            agent.core.agent_stopped(agent);
            (done, waiting)
        }
        Starting::Ordered(done) => (done, fail(agent, post)),
        Starting::Again => {
            activity.failed_starts += 1;
            return crashed(agent, activity, &fault, post);
        }
    };
    let last = Last::NotStarted(done, start_error(agent, fault));
    Some(Outbox::refusing(waiting, last))
}

/// The init of other code has come to its end: from now on the agent runs it, or goes on as it was.
fn replaced(
    agent: &Arc<Agent>,
    activity: &mut Activity,
    seat: Arc<Seat>,
    end: TurnEnd,
    done: OnStarted,
    post: Post<'_>,
) -> Option<Box<Outbox>> {
    match init_outcome(end.outcome) {
        Ok(ended) => {
            let old = agent.seat.swap(seat);
            post.undo(|| Undo::Code(old));
            post.change(|| Change::Agent(Arc::new(agent.row())));
            activity.instance = end.instance;
            completed(activity);
            agent.mailbox.revive();
            agent.core.tell(EventKind::Replaced, Some(&agent.face.name), post, || []);
            take_up(agent, ended, Some(done), post)
        }
        Err(fault) => {
            let last = Last::NotStarted(done, start_error(agent, fault));
            Some(Outbox::refusing(Vec::new(), last))
        }
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
