//! Looking at a module without a runtime.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;

use caxton::{ErrorKind, Inspection};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::fault::Fault;
use crate::hub::{Hub, begin};
use crate::options::{PathOrBytes, module};
use crate::outcome::{Outcome, Value};

/// One import or export.
#[napi(object, object_from_js = false)]
pub struct Part {
    /// The module that an import names.
    pub module: Option<String>,
    pub name: String,
    #[napi(js_name = "type")]
    pub ty: String,
}

/// What is in a module.
#[napi(object, object_from_js = false)]
pub struct Found {
    pub bytes: f64,
    pub sections: HashMap<String, f64>,
    pub exports: Vec<Part>,
    pub imports: Vec<Part>,
    pub missing: Vec<String>,
    pub memory_bytes: f64,
    pub max_memory_bytes: Option<f64>,
    pub producers: Vec<String>,
    pub allocators: Vec<String>,
    pub start: Option<&'static str>,
    pub inbox: Option<&'static str>,
    pub advice: Vec<String>,
    pub compile_millis: f64,
    pub compile_function_millis: f64,
    pub compile_function_bytes: f64,
}

impl From<Inspection> for Found {
    fn from(found: Inspection) -> Self {
        let exports = found.exports.into_iter();
        let imports = found.imports.into_iter();
        let sections = found.sections.into_iter();
        Found {
            exports: exports
                .map(|export| Part { module: None, name: export.name, ty: export.ty })
                .collect(),
            imports: imports
                .map(|import| Part {
                    module: Some(import.module),
                    name: import.name,
                    ty: import.ty,
                })
                .collect(),
            bytes: found.bytes as f64,
            sections: sections.map(|section| (section.name, section.bytes as f64)).collect(),
            advice: found.advice,
            missing: found.missing,
            memory_bytes: found.memory_bytes as f64,
            max_memory_bytes: found.max_memory_bytes.map(|bytes| bytes as f64),
            producers: found.producers,
            allocators: found.allocators,
            start: found.start,
            inbox: found.inbox,
            compile_millis: found.compile_millis as f64,
            compile_function_millis: found.compile_function_millis as f64,
            compile_function_bytes: found.compile_function_bytes as f64,
        }
    }
}

/// What a thread will have found.
#[derive(Default)]
struct Finding {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

/// Looks at a module: reading a large one takes a tenth of a second.
#[napi(catch_unwind)]
pub fn inspect(hub: &Hub, wasm: PathOrBytes, is_path: bool) -> Value {
    let module = module(wasm, is_path);
    on_thread(hub, move || match module.inspect() {
        Ok(inspection) => Outcome::Found(inspection),
        Err(error) => Outcome::Failed(error.into()),
    })
}

/// Looks at something on a thread of its own.
pub fn on_thread(hub: &Hub, look: impl FnOnce() -> Outcome + Send + 'static) -> Value {
    let finding = Arc::new(Mutex::new(Finding::default()));
    let found = Teller(finding.clone());
    let looking =
        thread::Builder::new().name("caxton-inspect".to_owned()).spawn(move || found.tell(look()));
    begin(hub.shared(), async move {
        if looking.is_err() {
            let text = "the system gives no thread to look at it";
            return Outcome::Failed(Fault::new(ErrorKind::Internal, text));
        }
        poll_fn(|context| {
            let mut finding = finding.lock();
            match finding.outcome.take() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    finding.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    })
}

/// Tells whoever waits; also if the thread panicked.
struct Teller(Arc<Mutex<Finding>>);

impl Teller {
    fn tell(&self, outcome: Outcome) {
        let waker = {
            let mut finding = self.0.lock();
            if finding.outcome.is_none() {
                finding.outcome = Some(outcome);
            }
            finding.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.tell(Outcome::Failed(Fault::of_panic()));
    }
}
