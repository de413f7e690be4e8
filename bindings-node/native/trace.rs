//! Messages in lines, as they pass.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use caxton::{Filter, Runtime, Trace};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use crate::fault::Fault;
use crate::hub::{SharedLoop, begin};
use crate::outcome::{Outcome, Value};
use crate::runtime::RuntimeHandle;

/// Messages that match a filter, each as a line.
#[napi(js_name = "Trace")]
pub struct TraceHandle {
    inner: AssertUnwindSafe<Rc<Inner>>,
    hub: SharedLoop,
}

struct Inner {
    trace: Trace,
    /// A runtime is open as long as somebody waits for what passes in it.
    _runtime: Runtime,
}

#[napi]
impl TraceHandle {
    /// The next line; `null` once the trace has ended.
    #[napi(catch_unwind)]
    pub fn next(&self) -> Value {
        let inner = Rc::clone(&self.inner);
        begin(&self.hub, async move {
            match inner.trace.next().await {
                Some(line) => Outcome::Line(line),
                None => Outcome::Ended,
            }
        })
    }

    /// The next line, if one waits.
    #[napi(catch_unwind)]
    pub fn try_next(&self) -> Option<String> {
        self.inner.trace.try_next()
    }

    #[napi(getter, catch_unwind)]
    pub fn missed(&self) -> f64 {
        self.inner.trace.missed() as f64
    }

    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.inner.trace.close();
    }
}

#[napi]
impl RuntimeHandle {
    /// `filter` is a JSON object.
    #[napi(catch_unwind)]
    pub fn trace(
        &self,
        filter: String,
        is_coloured: bool,
        width: u32,
    ) -> Either<TraceHandle, Fault> {
        let trace = Filter::read(filter.as_bytes())
            .and_then(|filter| self.runtime.trace(filter, is_coloured, width as usize));
        match trace {
            Ok(trace) => {
                let inner = Inner { trace, _runtime: self.runtime.clone() };
                Either::A(TraceHandle {
                    inner: AssertUnwindSafe(Rc::new(inner)),
                    hub: AssertUnwindSafe(Rc::clone(&self.hub)),
                })
            }
            Err(error) => Either::B(error.into()),
        }
    }
}
