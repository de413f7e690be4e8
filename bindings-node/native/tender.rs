//! Proposals that wait for the program to decide.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use caxton::{ErrorKind, Runtime, Tender};
use napi_derive::napi;

use crate::answers::OneAnswer;
use crate::fault::Fault;
use crate::hub::{SharedLoop, begin};
use crate::negotiate::raw;
use crate::outcome::{Outcome, Value, failed};

/// Proposals that wait to be decided upon.
#[napi(js_name = "Tender")]
pub struct TenderHandle {
    /// Taken out by who decides, and put back when there is something to decide again.
    tender: AssertUnwindSafe<Rc<RefCell<Option<Tender>>>>,
    runtime: AssertUnwindSafe<Runtime>,
    hub: SharedLoop,
}

impl TenderHandle {
    pub fn new(tender: Tender, runtime: Runtime, hub: &SharedLoop) -> Self {
        TenderHandle {
            tender: AssertUnwindSafe(Rc::new(RefCell::new(Some(tender)))),
            runtime: AssertUnwindSafe(runtime),
            hub: AssertUnwindSafe(Rc::clone(hub)),
        }
    }

    fn take(&self) -> Result<Tender, Box<Fault>> {
        let tender = self.tender.borrow_mut().take();
        let text = "the proposals have been decided upon";
        tender.ok_or_else(|| Box::new(Fault::new(ErrorKind::InvalidArgument, text)))
    }
}

#[napi]
impl TenderHandle {
    #[napi(catch_unwind)]
    pub fn proposals(&self) -> Vec<OneAnswer> {
        let tender = self.tender.borrow();
        tender.iter().flat_map(Tender::proposals).map(OneAnswer::from).collect()
    }

    /// Accepts the proposals of these participants.
    #[napi(catch_unwind)]
    pub fn award(&self, to: Vec<String>) -> Value {
        let tender = match self.take() {
            Ok(tender) => tender,
            Err(fault) => return failed(*fault),
        };
        let runtime = self.runtime.clone();
        begin(&self.hub, async move {
            let outcome = Outcome::of_negotiation(tender.award(&to).await);
            // The runtime stays open as long as somebody waits for it.
            drop(runtime);
            outcome
        })
    }

    /// Calls these participants again; `task` is JSON. A tender whose call fails is cancelled.
    #[napi(catch_unwind)]
    pub fn call_again(&self, task: String, to: Vec<String>) -> Value {
        let task = match raw(task, "task") {
            Ok(task) => task,
            Err(fault) => return failed(*fault),
        };
        let mut tender = match self.take() {
            Ok(tender) => tender,
            Err(fault) => return failed(*fault),
        };
        let place = Rc::clone(&self.tender);
        begin(&self.hub, async move {
            let called = tender.call_again(&task, &to).await;
            if called.is_ok() {
                *place.borrow_mut() = Some(tender);
            }
            Outcome::of_nothing(called)
        })
    }

    /// Cancels what has not been decided upon, now and not when the garbage collector comes.
    #[napi(js_name = "drop", catch_unwind)]
    pub fn cancel(&self) {
        let tender = self.tender.borrow_mut().take();
        drop(tender);
    }
}
