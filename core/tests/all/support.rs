//! What the tests share: small agents in the text format, and waiting that cannot hang.

use std::future::{Future, IntoFuture};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use caxton::{Agent, Deploy, Draft, Error, Filter, Limits, Message, Runtime};
use serde_json::{Value, json};

/// How long anything may take before it counts as hanging.
pub const HANGS: Duration = Duration::from_secs(60);

/// Waits for what must come.
pub fn wait<F: IntoFuture>(future: F) -> F::Output {
    let begun = Instant::now();
    let mut look = || if begun.elapsed() < HANGS { Ok(()) } else { Err(()) };
    let future = future.into_future();
    caxton::blocking::block_on_with(future, Duration::from_millis(100), &mut look)
        .expect("it hangs")
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < HANGS, "it never came that {what}");
        std::thread::yield_now();
    }
}

/// Polls a future once, on this thread.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut context)
}

/// A runtime with this many workers.
pub fn runtime(workers: usize) -> Runtime {
    Runtime::builder().workers(workers).build().unwrap()
}

/// A built agent.
pub fn built(name: &str) -> Deploy {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../tests/agents/build/{name}.wasm"));
    assert!(path.exists(), "{} is missing; run tests/agents/build.sh", path.display());
    Deploy::file(path)
}

/// An agent in the text format; `{name}` in its code stands for the address and the length of the
/// text with that name.
pub fn agent(code: &str, texts: &[(&str, &str)]) -> Deploy {
    Deploy::bytes(module(code, texts).into_bytes())
}

/// The module of [`agent`].
pub fn module(code: &str, texts: &[(&str, &str)]) -> String {
    const IMPORTS: &str = r#"
        (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
        (import "caxton" "send_local_message" (func $send_to (param i32 i32 i32 i32) (result i32)))
        (import "caxton" "broadcast_message" (func $broadcast (param i32 i32 i32 i32) (result i32)))
        (import "caxton" "subscribe_messages" (func $subscribe (param i32 i32) (result i32)))
        (import "caxton" "console_log" (func $log (param i32 i32)))
        (import "caxton" "console_error" (func $error (param i32 i32)))
        (import "caxton" "log" (func $log_at (param i32 i32 i32)))
        (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
        (import "caxton" "load_data" (func $load (param i32 i32 i32 i32) (result i32)))
        (import "caxton" "set_timer" (func $set_timer (param i64) (result i32)))
        (import "caxton" "sleep_micros" (func $sleep (param i64)))"#;
    let mut data = String::new();
    let mut code = code.to_owned();
    let mut at = 1024;
    for (name, text) in texts {
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        data.push_str(&format!("(data (i32.const {at}) \"{escaped}\")\n"));
        let place = format!("(i32.const {at}) (i32.const {})", text.len());
        code = code.replace(&format!("{{{name}}}"), &place);
        at += text.len().next_multiple_of(16);
    }
    let pages = at / 65536 + 1;
    format!("(module {IMPORTS} (memory (export \"memory\") {pages})\n{data}{code})")
}

/// The code of a handler.
pub fn handler(body: &str) -> String {
    format!(
        "(func (export \"handle_message\") (param $ptr i32) (param $len i32) (result i32) {body})"
    )
}

/// The time from a message to the answer of an agent, sorted, of so many messages one after the other.
/// They go through the pool: nobody asks.
pub fn latencies(runtime: &Runtime, name: &str, count: usize) -> Vec<Duration> {
    let filter = format!(r#"{{"sender":{name:?}}}"#);
    let seen = runtime.subscribe(Filter::read(filter.as_bytes()).unwrap()).unwrap();
    let mut latencies: Vec<Duration> = (0..count)
        .map(|n| {
            let began = Instant::now();
            wait(runtime.send(&inform(name, n), None)).unwrap();
            wait(seen.next()).unwrap();
            began.elapsed()
        })
        .collect();
    latencies.sort_unstable();
    latencies
}

/// An agent that never ends a turn.
pub fn spinner() -> Deploy {
    agent(&handler("(loop $ever (br $ever)) unreachable"), &[]).limits(patient())
}

/// An agent that sleeps for ten minutes in each turn.
pub fn sleeper() -> Deploy {
    agent(&handler("(call $sleep (i64.const 600000000)) (i32.const 0)"), &[]).limits(patient())
}

/// An agent that answers an ask whose `reply_with` is `r1`.
pub fn answerer() -> Deploy {
    agent(&handler("(call $send {yes})"), &[("yes", YES)])
}

/// An answer to an ask of the script whose `reply_with` is `r1`.
pub const YES: &str =
    r#"{"performative":"inform","receiver":"host","in_reply_to":"r1","content":"yes"}"#;

/// Limits without one on time.
pub fn patient() -> Limits {
    let mut limits = Limits::default();
    limits.max_execution_time_micros = None;
    limits
}

pub fn draft(message: Value) -> Draft {
    Draft::json(message.to_string())
}

/// An inform to `receiver`.
pub fn inform(receiver: &str, content: impl Into<Value>) -> Draft {
    draft(json!({"performative": "inform", "receiver": receiver, "content": content.into()}))
}

/// Asks with the `reply_with` that constant answers name.
pub fn ask(runtime: &Runtime, receiver: &str) -> Result<Message, Error> {
    wait(runtime.ask(request(receiver)).timeout(HANGS))
}

/// A request whose `reply_with` is `r1`.
pub fn request(receiver: &str) -> Draft {
    draft(json!({"performative": "request", "receiver": receiver, "reply_with": "r1"}))
}

pub fn deploy(runtime: &Runtime, name: &str, deploy: Deploy) -> Agent {
    wait(runtime.deploy(deploy.name(name))).unwrap()
}

pub fn content(message: &Message) -> Value {
    serde_json::from_str(message.content()).unwrap()
}

/// Uppercases a text with one of the built agents.
pub fn uppercase(agent: &Agent, text: &str) -> String {
    let job = json!({"action": "process_data", "data": {"operation": "uppercase", "data": text}});
    let reply = wait(agent.request(&job).timeout(HANGS)).unwrap();
    content(&reply)["result"]["result"].as_str().unwrap().to_owned()
}

pub fn log_has(agent: &Agent, part: &str) -> bool {
    agent.logs().iter().any(|line| line.text.contains(part))
}
