//! One turn: a future that is run in slices, by whoever holds the agent's run token.

use std::future::Future;
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
    /// Makes the instance and runs its `agent_init`.
    Init,
    Message(Message),
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

/// A turn in progress.
pub(crate) struct Turn {
    future: Pin<Box<dyn Future<Output = TurnEnd> + Send>>,
    meter: Arc<Meter>,
    world: Arc<dyn World>,
    /// Wakes the turn when its time is up while a host call waits.
    alarm: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Turn {
    pub fn begin(
        seat: Arc<Seat>,
        mut instance: Option<Box<Instance>>,
        delivery: Delivery,
        traceparent: Option<Traceparent>,
    ) -> Self {
        seat.meter.begin_turn();
        if let Some(instance) = &mut instance {
            instance.belongs_to(traceparent);
        }
        Turn {
            meter: seat.meter.clone(),
            world: seat.world.clone(),
            future: Box::pin(run(seat, instance, delivery, traceparent)),
            alarm: None,
        }
    }

    /// Runs the turn for about `allowance`.
    pub fn poll_slice(
        &mut self,
        context: &mut Context<'_>,
        allowance: Duration,
    ) -> (Slice, Duration) {
        self.meter.begin_slice(allowance);
        let polled = if self.alarm.is_some() && self.is_over() {
            Poll::Ready(self.give_up())
        } else {
            self.future.as_mut().poll(context)
        };
        let ran = self.meter.end_slice();
        let slice = match polled {
            Poll::Ready(end) => Slice::Done(end),
            Poll::Pending if self.meter.has_yielded() => Slice::Yielded,
            Poll::Pending => {
                self.meter.begin_wait();
                self.set_alarm(context)
            }
        };
        (slice, ran)
    }

    fn is_over(&self) -> bool {
        self.meter.is_interrupted() || self.meter.left().is_some_and(|left| left.is_zero())
    }

    /// Dropping the future unwinds the guest's fiber; the instance is lost with it.
    fn give_up(&mut self) -> TurnEnd {
        let fault = if self.meter.is_interrupted() {
            Fault::new(FaultKind::Closed, "the runtime is closing")
        } else {
            self.meter.out_of_time(Duration::ZERO)
        };
        self.future = Box::pin(std::future::pending());
        TurnEnd { instance: None, outcome: Err(fault) }
    }

    fn set_alarm(&mut self, context: &mut Context<'_>) -> Slice {
        let left = self.meter.left().unwrap_or(Duration::MAX);
        let alarm = self.alarm.insert(self.world.sleep(left));
        match alarm.as_mut().poll(context) {
            Poll::Pending => Slice::Waiting,
            Poll::Ready(()) => {
                let _ = self.meter.end_slice();
                Slice::Done(self.give_up())
            }
        }
    }
}

async fn run(
    seat: Arc<Seat>,
    instance: Option<Box<Instance>>,
    delivery: Delivery,
    traceparent: Option<Traceparent>,
) -> TurnEnd {
    let (instance, outcome) = match (delivery, instance) {
        (Delivery::Init, old) => {
            drop(old);
            return match Box::pin(Instance::boot(&seat, traceparent)).await {
                Ok((instance, ended)) => {
                    TurnEnd { instance: Some(Box::new(instance)), outcome: Ok(ended) }
                }
                Err(fault) => TurnEnd { instance: None, outcome: Err(fault) },
            };
        }
        (Delivery::Shutdown, None) => {
            return TurnEnd { instance: None, outcome: Ok(Ended::nothing()) };
        }
        (Delivery::Message(_) | Delivery::Timer(_), None) => {
            let fault =
                Fault::new(FaultKind::Trap, "the runtime delivered to an agent before its init");
            return TurnEnd { instance: None, outcome: Err(fault) };
        }
        (Delivery::Shutdown, Some(mut instance)) => {
            let outcome = Box::pin(instance.shut_down()).await;
            (instance, outcome)
        }
        (Delivery::Timer(id), Some(mut instance)) => {
            let outcome = Box::pin(instance.handle_timer(id)).await;
            (instance, outcome)
        }
        (Delivery::Message(message), Some(mut instance)) => {
            let outcome = instance.handle_message(&message).await;
            (instance, outcome)
        }
    };
    // After a dropped turn the guest may be in any state: nothing of it is used again.
    TurnEnd { instance: outcome.is_ok().then_some(instance), outcome }
}

impl Ended {
    fn nothing() -> Self {
        Ended { code: 0, record: Default::default(), capabilities: None }
    }
}
