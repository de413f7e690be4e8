//! Spans of OpenTelemetry, for programs that have its layer for `tracing`.

#[cfg(feature = "opentelemetry")]
mod linked {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use crate::message::Traceparent;

    /// Makes `span` a child of what a message says that caused it; what the span is in its trace.
    /// `None` where no layer of OpenTelemetry takes it up.
    pub(crate) fn enter(span: &Span, parent: Option<Traceparent>) -> Option<Traceparent> {
        if span.is_disabled() {
            return None;
        }
        if let Some(parent) = parent {
            let context = SpanContext::new(
                TraceId::from_bytes(parent.trace_id.to_be_bytes()),
                SpanId::from_bytes(parent.span_id.to_be_bytes()),
                TraceFlags::new(parent.flags),
                true,
                TraceState::NONE,
            );
            span.set_parent(Context::new().with_remote_span_context(context)).ok()?;
        }
        read(&span.context())
    }

    /// What the program's own span, in which it sends something, is in its trace.
    pub(crate) fn current() -> Option<Traceparent> {
        let span = Span::current();
        if span.is_disabled() { None } else { read(&span.context()) }
    }

    fn read(context: &Context) -> Option<Traceparent> {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| Traceparent {
            trace_id: u128::from_be_bytes(span.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(span.span_id().to_bytes()),
            flags: span.trace_flags().to_u8(),
        })
    }
}

#[cfg(not(feature = "opentelemetry"))]
mod linked {
    use tracing::Span;

    use crate::message::Traceparent;

    pub(crate) fn enter(_: &Span, _: Option<Traceparent>) -> Option<Traceparent> {
        None
    }

    pub(crate) fn current() -> Option<Traceparent> {
        None
    }
}

pub(crate) use linked::{current, enter};
