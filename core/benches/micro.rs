//! What every message goes through, each part alone: `cargo bench`. A change that slows one of them down is
//! seen here before it is lost in the noise of whole turns.
#![allow(clippy::unwrap_used, reason = "a benchmark fails this way")]

use std::hint::black_box;

use caxton::bench::{Commit, Mailbox, RunQueue};
use caxton::blocking::block_on;
use caxton::{Deploy, Draft, Filter, Message, Performative, Runtime};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;

/// A request as the runtime hands it to an agent.
const MESSAGE: &[u8] = br#"{"performative":"request","sender":"host","receiver":"worker","content":{"action":"process_data","data":{"data":"Hello, World!","operation":"uppercase"}},"conversation_id":"0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234","reply_with":"0192f0c1-2d3e-7f4a-8b5c-6d7e8f901235","reply_by":1790000000000000,"message_id":"0192f0c1-2d3e-7f4a-8b5c-6d7e8f901236","sent_at":1790000000000000}"#;
/// An agent that does nothing.
const QUIET: &str = r#"(module (memory (export "memory") 1)
    (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"#;

fn message() -> Message {
    Draft::json(MESSAGE).to_message().unwrap()
}

fn envelope(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    let draft = Draft::json(MESSAGE);
    group.bench_function("read and write", |it| it.iter(|| black_box(&draft).to_message()));
    for size in [1_000, 100_000] {
        let text = "A sentence without escapes. ".repeat(size / 28);
        let draft = Draft::new(Performative::Inform, "worker", &json!({"text": text})).unwrap();
        group.bench_function(format!("with {size} bytes of content"), |it| {
            it.iter(|| black_box(&draft).to_message());
        });
    }
    group.finish();
}

fn filter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("filter");
    let message = message();
    for (name, json) in [
        ("everything", r#"{}"#),
        ("an act", r#"{"performative":"request"}"#),
        ("names", r#"{"sender":["host","other"],"receiver":"worker"}"#),
        ("another conversation", r#"{"conversation_id":"other"}"#),
    ] {
        let filter = Filter::read(json.as_bytes()).unwrap();
        group.bench_function(name, |it| it.iter(|| filter.matches(black_box(&message))));
    }
    group.finish();
}

fn mailbox(criterion: &mut Criterion) {
    let mailbox = Mailbox::new(message());
    criterion.bench_function("mailbox, in and out", |it| it.iter(|| assert!(mailbox.pass())));
}

fn run_queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run queue, out and in");
    for (workers, items) in [(1, 1), (1, 8), (2, 8), (2, 1000)] {
        let mut queue = RunQueue::new(workers, items);
        group.bench_function(format!("{items} with one of {workers} workers"), |it| {
            it.iter(|| assert!(queue.pass()));
        });
    }
    group.finish();
}

fn record(criterion: &mut Criterion) {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    for name in ["from", "to"] {
        block_on(runtime.deploy(Deploy::bytes(QUIET.as_bytes()).name(name))).unwrap();
    }
    block_on(runtime.agent_named("to").unwrap().suspend()).unwrap();
    let draft = Draft::new(Performative::Inform, "to", &json!({"n": 1})).unwrap();
    let commit = Commit::new(&runtime, "from", "to", &draft).unwrap();
    criterion.bench_function("record of one message, committed", |it| {
        it.iter(|| assert!(commit.commit()));
    });
    block_on(runtime.close());
}

criterion_group!(benches, envelope, filter, mailbox, run_queue, record);
criterion_main!(benches);
