//! Host agents whose handler is JavaScript.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use caxton::{ErrorKind, Handler, HostAgentHandle, Performative, Task};
use napi_derive::napi;

use crate::fault::Fault;
use crate::hub::Inbox;

/// Hands every task to the JavaScript thread.
pub struct JsHandler {
    number: u32,
    inbox: Arc<Inbox>,
}

impl JsHandler {
    pub fn new(number: u32, inbox: Arc<Inbox>) -> Self {
        JsHandler { number, inbox }
    }
}

impl Handler for JsHandler {
    fn handle(&self, task: Task) {
        self.inbox.push_task(self.number, task);
    }
}

impl Drop for JsHandler {
    /// Comes after the last task, so that the function is kept until it has seen them all.
    fn drop(&mut self) {
        self.inbox.push_gone(self.number);
    }
}

/// A registered host agent.
#[napi(js_name = "HostAgent")]
pub struct HostHandle {
    name: String,
    id: String,
    /// Given up when it is removed: the handle would keep the handler alive.
    handle: AssertUnwindSafe<Option<HostAgentHandle>>,
    inbox: AssertUnwindSafe<Arc<Inbox>>,
}

impl HostHandle {
    pub fn new(handle: HostAgentHandle, inbox: Arc<Inbox>) -> Self {
        HostHandle {
            name: handle.name().to_owned(),
            id: handle.id().to_owned(),
            handle: AssertUnwindSafe(Some(handle)),
            inbox: AssertUnwindSafe(inbox),
        }
    }
}

#[napi]
impl HostHandle {
    #[napi(getter, catch_unwind)]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `number` names the JavaScript function that takes messages with this act and protocol.
    #[napi(catch_unwind)]
    pub fn on(&self, number: u32, act: Option<String>, protocol: Option<String>) -> Option<Fault> {
        // Made first, so that the function is given up again if it is not to be called.
        let handler = JsHandler::new(number, self.inbox.clone());
        let act = match act.as_deref().map(Performative::read).transpose() {
            Ok(act) => act,
            Err(error) => return Some(error.into()),
        };
        let Some(handle) = &*self.handle else {
            let text = format!("{:?} is not here any more", self.name);
            return Some(Fault::new(ErrorKind::InvalidArgument, text));
        };
        handle.on(act, protocol.as_deref(), handler).err().map(Fault::from)
    }

    #[napi(catch_unwind)]
    pub fn remove(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.remove();
        }
    }
}
