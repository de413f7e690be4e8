//! One turn: a future that is run in slices, by whoever holds the agent's run token.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::fault::{Fault, FaultKind};
use super::host::World;
use super::instance::{Ended, Instance, Seat};
use super::meter::Meter;
use crate::message::{Message, Traceparent};

/// What a turn delivers.
pub(crate) enum Delivery {
    /// Makes an instance of this and runs its `agent_init`.
    Init(Arc<Seat>),
    /// A message; with it, whether its sender did not pay for it.
    Message(Message, bool),
    Timer(u32),
    Shutdown,
}

/// How a turn came to its end.
pub(crate) struct TurnEnd {
    /// The instance, if it can be used again.
    pub instance: Option<Box<Instance>>,
    /// What is to be committed, or why the turn is dropped.
    pub outcome: Result<Ended, Fault>,
}

/// How a slice of a turn came to its end.
pub(crate) enum Slice {
    Done(TurnEnd),
    /// The slice's time is up; the turn wants to go on.
    Yielded,
    /// A host call waits; the waker tells when it has come.
    Waiting,
}

type Running = Pin<Box<dyn Future<Output = TurnEnd> + Send>>;

/// A turn in progress.
pub(crate) struct Turn {
    future: Running,
    /// Wakes the turn when its time is up while a host call waits.
    alarm: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Turn {
    /// Begins the turn of an agent that `meter` measures, now and at each slice.
    pub fn begin(
        meter: &Meter,
        mut instance: Option<Box<Instance>>,
        delivery: Delivery,
        traceparent: Option<Traceparent>,
    ) -> Self {
        meter.begin_turn();
        if let Some(instance) = &mut instance {
            instance.belongs_to(traceparent);
        }
        // Each kind of turn has a future of its own: those of messages are small that way.
        let future: Running = match (delivery, instance) {
            (Delivery::Init(seat), old) => {
                drop(old);
                Box::pin(boot(seat, traceparent))
            }
            (Delivery::Message(message, is_free), Some(instance)) => {
                Box::pin(handle(instance, message, is_free))
            }
            (Delivery::Timer(id), Some(instance)) => Box::pin(ring(instance, id)),
            (Delivery::Shutdown, Some(instance)) => Box::pin(shut_down(instance)),
            (Delivery::Shutdown, None) => {
                Box::pin(ready(TurnEnd { instance: None, outcome: Ok(Ended::nothing()) }))
            }
            (Delivery::Message(..) | Delivery::Timer(_), None) => {
                let text = "the runtime delivered to an agent before its init";
                let fault = Fault::new(FaultKind::Trap, text);
                Box::pin(ready(TurnEnd { instance: None, outcome: Err(fault) }))
            }
        };
        Turn { future, alarm: None }
    }

    /// Runs a slice of the turn, which begins at `now`. Returns when it ended, too.
    pub fn poll_slice(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        meter: &Meter,
        world: &dyn World,
    ) -> (Slice, u64) {
        meter.begin_slice(now);
        let is_over = || meter.is_interrupted() || meter.left().is_some_and(|left| left.is_zero());
        let polled = if self.alarm.is_some() && is_over() {
            Poll::Ready(self.give_up(meter))
        } else {
            self.future.as_mut().poll(context)
        };
        let ended = meter.end_slice();
        let slice = match polled {
            Poll::Ready(end) => Slice::Done(end),
            Poll::Pending if meter.has_yielded() => Slice::Yielded,
            Poll::Pending => {
                meter.begin_wait();
                self.set_alarm(context, meter, world)
            }
        };
        (slice, ended)
    }

    /// Dropping the future unwinds the guest's fiber; the instance is lost with it.
    fn give_up(&mut self, meter: &Meter) -> TurnEnd {
        let fault = if meter.is_interrupted() {
            Fault::new(FaultKind::Closed, "the runtime is closing")
        } else {
            meter.out_of_time(Duration::ZERO)
        };
        self.future = Box::pin(std::future::pending());
        TurnEnd { instance: None, outcome: Err(fault) }
    }

    fn set_alarm(&mut self, context: &mut Context<'_>, meter: &Meter, world: &dyn World) -> Slice {
        let left = meter.left().unwrap_or(Duration::MAX);
        let alarm = self.alarm.insert(world.sleep(left));
        match alarm.as_mut().poll(context) {
            Poll::Pending => Slice::Waiting,
            Poll::Ready(()) => {
                let _ = meter.end_slice();
                Slice::Done(self.give_up(meter))
            }
        }
    }
}

async fn boot(seat: Arc<Seat>, traceparent: Option<Traceparent>) -> TurnEnd {
    match Instance::boot(&seat, traceparent).await {
        Ok((instance, ended)) => TurnEnd { instance: Some(Box::new(instance)), outcome: Ok(ended) },
        Err(fault) => TurnEnd { instance: None, outcome: Err(fault) },
    }
}

async fn handle(mut instance: Box<Instance>, message: Message, is_free: bool) -> TurnEnd {
    let outcome = instance.handle_message(&message, is_free).await;
    TurnEnd::of(instance, outcome)
}

async fn ring(mut instance: Box<Instance>, id: u32) -> TurnEnd {
    let outcome = instance.handle_timer(id).await;
    TurnEnd::of(instance, outcome)
}

async fn shut_down(mut instance: Box<Instance>) -> TurnEnd {
    let outcome = instance.shut_down().await;
    TurnEnd::of(instance, outcome)
}

impl TurnEnd {
    /// After a dropped turn the guest may be in any state: nothing of it is used again.
    fn of(instance: Box<Instance>, outcome: Result<Ended, Fault>) -> Self {
        TurnEnd { instance: outcome.is_ok().then_some(instance), outcome }
    }
}

impl Ended {
    fn nothing() -> Self {
        Ended { code: 0, record: Default::default(), capabilities: None }
    }
}
