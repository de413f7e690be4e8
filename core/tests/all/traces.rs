//! Turns as spans, exported by OpenTelemetry; names for Linux's `perf`.

use std::time::Duration;

use caxton::{Draft, EventFilter, Filter, Performative, Profile, Register, Reply, Runtime};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use crate::child;
use crate::support::{agent, draft, handler, patient, until, wait};

const EXPORTED: &str = "traces::turns_are_spans_that_are_linked_to_what_caused_them";

#[test]
fn turns_are_spans_that_are_linked_to_what_caused_them() {
    // A subscriber is for a whole process.
    if !child::is_here(EXPORTED) {
        child::run(EXPORTED, &[]);
        return;
    }
    use opentelemetry::trace::TracerProvider;
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();

    let runtime = Runtime::new().unwrap();
    // What `a` is sent it passes on to `b`, which passes it on to this program.
    for (name, to) in [("a", "b"), ("b", "h")] {
        let message = format!(r#"{{"performative":"inform","receiver":"{to}","content":1}}"#);
        let pass = agent(&handler("(call $send {message})"), &[("message", &message)]);
        wait(runtime.deploy(pass.name(name))).unwrap();
    }
    let host = runtime.handler(|_| async { Reply::Nothing });
    let _host = runtime.register(Register::new("h", host)).unwrap();
    let seen = runtime.subscribe(Filter::read(br#"{"receiver":"h"}"#).unwrap()).unwrap();
    let draft = Draft::new(Performative::Inform, "a", &1).unwrap();
    tracing::info_span!("program").in_scope(|| wait(runtime.send(&draft, None)).unwrap());
    let message = wait(seen.next()).unwrap();

    let find = |name: &str, agent: &str, of: &str| -> Option<SpanData> {
        let spans = exporter.get_finished_spans().unwrap();
        spans.into_iter().find(|span| {
            span.name == name
                && (agent.is_empty() || attribute(span, "agent").as_deref() == Some(agent))
                && (of.is_empty() || attribute(span, "of").as_deref() == Some(of))
        })
    };
    until("all spans are exported", || find("turn", "b", "message").is_some());
    let program = find("program", "", "").unwrap();
    let [a, b] = ["a", "b"].map(|agent| find("turn", agent, "message").unwrap());
    let trace = program.span_context.trace_id();
    assert_eq!([a.span_context.trace_id(), b.span_context.trace_id()], [trace, trace]);
    assert_eq!(a.parent_span_id, program.span_context.span_id());
    assert_eq!(b.parent_span_id, a.span_context.span_id());
    let last = format!("00-{trace}-{}-01", b.span_context.span_id());
    let said: serde_json::Value = serde_json::from_slice(message.as_json()).unwrap();
    assert_eq!(said["X-traceparent"], last);
    // An init is caused by no message: it begins a trace.
    let init = find("turn", "a", "init").unwrap();
    assert_ne!(init.span_context.trace_id(), trace);
    wait(runtime.close());
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|pair| pair.key.as_str() == key)?;
    Some(found.value.to_string())
}

const PERF: &str = "traces::perf_is_told_the_names_of_functions";

#[test]
fn perf_is_told_the_names_of_functions() {
    if !child::is_here(PERF) {
        child::run(PERF, &[]);
        return;
    }
    let folder = crate::store::Folder::new();
    std::env::set_current_dir(&folder.0).unwrap();
    let id = std::process::id();
    let map = std::path::PathBuf::from(format!("/tmp/perf-{id}.map"));
    let dump = folder.0.join(format!("jit-{id}.dump"));
    for (profile, file) in [(Profile::PerfMap, &map), (Profile::JitDump, &dump)] {
        // The same module for both, and for one that is not profiled.
        for profile in [None, Some(profile)] {
            let mut builder = Runtime::builder();
            if let Some(profile) = profile {
                builder = builder.profile(profile);
            }
            let runtime = builder.build().unwrap();
            let named = format!("(func $find_me) {}", handler("(call $find_me) (i32.const 0)"));
            let a = wait(runtime.deploy(agent(&named, &[]).name("a"))).unwrap();
            wait(a.send(&1)).unwrap();
            until("it has run", || a.stats().messages_in == 1);
            wait(runtime.close());
        }
        let written = std::fs::read(file).unwrap();
        let names = String::from_utf8_lossy(&written);
        assert!(names.contains("find_me"), "{profile}");
    }
    std::fs::remove_file(map).unwrap();
}

#[test]
fn a_profile_that_cannot_be_written_is_an_error() {
    const NAME: &str = "traces::a_profile_that_cannot_be_written_is_an_error";
    if !child::is_here(NAME) {
        child::run(NAME, &[]);
        return;
    }
    let folder = crate::store::Folder::new();
    std::env::set_current_dir(&folder.0).unwrap();
    std::fs::create_dir(folder.0.join(format!("jit-{}.dump", std::process::id()))).unwrap();
    let builder = || Runtime::builder().profile(Profile::JitDump);
    let error = builder().build().unwrap_err();
    assert_eq!(error.kind(), caxton::ErrorKind::InvalidArgument);
    assert!(error.message().contains("profile=jitdump"), "{error}");
    std::fs::remove_dir(folder.0.join(format!("jit-{}.dump", std::process::id()))).unwrap();
    wait(builder().build().unwrap().close());
}

#[test]
fn a_turn_that_began_before_anybody_watched_has_no_span() {
    let runtime = Runtime::new().unwrap();
    let says_so = handler("(call $log {asleep}) (call $sleep (i64.const 600000000)) (i32.const 0)");
    let sleeper = agent(&says_so, &[("asleep", "asleep")]).limits(patient());
    let a = wait(runtime.deploy(sleeper.name("a"))).unwrap();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let message = json!({"performative": "inform", "receiver": "a", "X-traceparent": parent});
    wait(runtime.send(&draft(message), None)).unwrap();
    until("its turn has begun", || a.logs().iter().any(|line| line.text == "asleep"));
    let events = runtime.events(EventFilter::read(br#"{"kind": "dropped"}"#).unwrap()).unwrap();
    // The turn is interrupted.
    wait(runtime.close_within(Duration::from_millis(1)));
    let event = wait(events.next()).unwrap();
    let said: serde_json::Value = serde_json::from_slice(event.as_json()).unwrap();
    let said = &said["content"];
    assert_eq!((said["of"].as_str(), said["kind"].as_str()), (Some("message"), Some("closed")));
    assert!(said["began_at"].is_null() && said["span_id"].is_null(), "{said}");
    assert_eq!(said["trace_id"], parent[3..35]);
    assert_eq!(said["parent_span_id"], parent[36..52]);
}
