//! Subscriptions.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use caxton::{Runtime, Subscription};
use napi_derive::napi;

use crate::hub::{SharedLoop, begin};
use crate::message::{Text, text};
use crate::outcome::{Outcome, Value};

/// Copies of the messages that match a filter.
#[napi(js_name = "Subscription")]
pub struct SubscriptionHandle {
    inner: AssertUnwindSafe<Rc<Inner>>,
    hub: SharedLoop,
}

struct Inner {
    subscription: Subscription,
    /// A runtime is open as long as somebody waits for what it says.
    _runtime: Runtime,
}

impl SubscriptionHandle {
    pub fn new(subscription: Subscription, runtime: Runtime, hub: &SharedLoop) -> Self {
        let inner = Inner { subscription, _runtime: runtime };
        SubscriptionHandle {
            inner: AssertUnwindSafe(Rc::new(inner)),
            hub: AssertUnwindSafe(Rc::clone(hub)),
        }
    }
}

#[napi]
impl SubscriptionHandle {
    /// The next message as JSON; `null` once the subscription has ended.
    #[napi(catch_unwind)]
    pub fn next(&self) -> Value {
        let inner = Rc::clone(&self.inner);
        begin(&self.hub, async move {
            match inner.subscription.next().await {
                Some(message) => Outcome::Message(message),
                None => Outcome::Ended,
            }
        })
    }

    /// Returns the next message if one waits.
    #[napi(catch_unwind)]
    pub fn try_next(&self) -> Option<Text> {
        self.inner.subscription.try_next().as_ref().map(text)
    }

    #[napi(getter, catch_unwind)]
    pub fn missed(&self) -> f64 {
        self.inner.subscription.missed() as f64
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.subscription.close();
    }
}
