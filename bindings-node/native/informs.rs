//! Subscriptions to what an agent tells.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use caxton::{Informs, Runtime};
use napi_derive::napi;

use crate::hub::{SharedLoop, begin};
use crate::options::timeout;
use crate::outcome::{Outcome, Value};

/// What an agent tells, again and again.
#[napi(js_name = "Informs")]
pub struct InformsHandle {
    inner: AssertUnwindSafe<Rc<Inner>>,
    hub: SharedLoop,
}

struct Inner {
    informs: Informs,
    /// A runtime is open as long as somebody waits for what an agent tells.
    _runtime: Runtime,
}

impl InformsHandle {
    pub fn new(informs: Informs, runtime: Runtime, hub: &SharedLoop) -> Self {
        InformsHandle {
            inner: AssertUnwindSafe(Rc::new(Inner { informs, _runtime: runtime })),
            hub: AssertUnwindSafe(Rc::clone(hub)),
        }
    }
}

#[napi]
impl InformsHandle {
    #[napi(getter, catch_unwind)]
    pub fn agent(&self) -> &str {
        self.inner.informs.agent()
    }

    #[napi(getter, catch_unwind)]
    pub fn conversation_id(&self) -> &str {
        self.inner.informs.conversation_id()
    }

    #[napi(getter, catch_unwind)]
    pub fn missed(&self) -> f64 {
        self.inner.informs.missed() as f64
    }

    /// The next message as JSON; `null` once it is closed.
    #[napi(catch_unwind)]
    pub fn next(&self, millis: Option<f64>) -> Value {
        let (inner, timeout) = (Rc::clone(&self.inner), timeout(millis));
        begin(&self.hub, async move {
            match inner.informs.next_within(timeout).await {
                Ok(Some(message)) => Outcome::Message(message),
                Ok(None) => Outcome::Ended,
                Err(error) => Outcome::Failed(error.into()),
            }
        })
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.informs.close();
    }
}
