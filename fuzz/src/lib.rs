//! What the fuzz targets share: one runtime for the whole run, and an agent that does as it is told.

use std::fmt::Write;
use std::future::IntoFuture;
use std::sync::OnceLock;
use std::time::Duration;

use caxton::blocking::block_on;
use caxton::{Agent, Deploy, Draft, Limits, Message, Performative, Runtime, Wasm};

/// How long anything may take. A machine that is busy with other things is slow, but not so slow.
const HANGS: Duration = Duration::from_secs(20);

/// The runtime of the run. It has an agent that always answers, by which [`check_alive`] sees that
/// nothing was harmed.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Runtime::builder().workers(1).build().expect("a runtime");
        deploy(&runtime, "honest");
        runtime
    })
}

/// Fails if honest agents get no answers any more.
pub fn check_alive() {
    let answer = ask(runtime(), "honest", &[]);
    assert_eq!(answer.performative(), Performative::Inform, "{answer:?}");
}

/// Deploys an agent that runs programs.
pub fn deploy(runtime: &Runtime, name: &str) -> Agent {
    deploy_with(runtime, name, Limits::default())
}

/// The same for programs that may sleep: none takes longer than 20 ms.
pub fn deploy_hasty(runtime: &Runtime, name: &str) -> Agent {
    let mut limits = Limits::default();
    limits.max_execution_time_micros = Some(20_000);
    deploy_with(runtime, name, limits)
}

fn deploy_with(runtime: &Runtime, name: &str, mut limits: Limits) -> Agent {
    limits.max_messages_per_second = None;
    let deploy = Deploy::new(Wasm::bytes(obedient().into_bytes())).name(name).limits(limits);
    block_on(runtime.deploy(deploy)).expect("it is as good as any")
}

/// One call of a host function.
pub struct Step {
    /// Its place in [`CALLS`]; any number is taken for one.
    pub call: u8,
    /// Bit n: argument n is an offset from where the message is.
    pub relative: u8,
    pub args: [i64; 4],
}

/// The host functions that a program can call, with the types of what they take: `i` of 32 bits, `I`
/// of 64. `poke` writes a number to the agent's own memory.
pub const CALLS: &[(&str, &str, bool)] = &[
    ("send_message", "ii", true),
    ("send_local_message", "iiii", true),
    ("broadcast_message", "iiii", true),
    ("subscribe_messages", "ii", true),
    ("unsubscribe_messages", "i", true),
    ("set_timer", "I", true),
    ("cancel_timer", "i", true),
    ("store_data", "iiii", true),
    ("load_data", "iiii", true),
    ("delete_data", "ii", true),
    ("data_size", "ii", true),
    ("console_log", "ii", false),
    ("console_error", "ii", false),
    ("log", "iii", false),
    ("sleep_micros", "I", false),
];

/// Asks an agent to run a program, in content that also holds `texts`; what it answered.
pub fn run(runtime: &Runtime, to: &str, steps: &[Step], texts: &str) -> Message {
    // Each step is 70 letters, of which four bits each are taken: call, bits, four arguments.
    let mut program = String::with_capacity(steps.len() * 70 + texts.len() + 8);
    program.push('!');
    let letters = |program: &mut String, number: u64, count: u32| {
        for place in (0..count).rev() {
            program.push(char::from(b'a' + (number >> (place * 4) & 15) as u8));
        }
    };
    for step in steps {
        letters(&mut program, u64::from(step.call), 2);
        letters(&mut program, u64::from(step.relative), 2);
        for arg in step.args {
            letters(&mut program, arg as u64, 16);
        }
    }
    program.push('.');
    program.push_str(texts);
    ask(runtime, to, program.as_bytes())
}

fn ask(runtime: &Runtime, to: &str, program: &[u8]) -> Message {
    let content = String::from_utf8_lossy(program);
    let draft = Draft::new(Performative::Request, to, &content)
        .expect("text is JSON")
        .field("reply_with", "r1");
    let call = runtime.ask(draft).timeout(HANGS);
    let answer = block_on(call.into_future()).expect("whatever it does, there is an answer");
    let said = answer.as_text();
    assert!(!said.contains("the runtime itself failed"), "{said}");
    answer
}

/// An agent that looks for the first `!` in its message and runs what follows, up to a letter that is
/// none of a program's; then it answers with how many timers it has handled, and sets its count to 0.
fn obedient() -> String {
    let reply = r#"{\22performative\22:\22inform\22,\22receiver\22:\22host\22,\22in_reply_to\22:\22r1\22,\22content\22:"#;
    let reply_len = reply.replace("\\22", "\"").len();
    let mut imports = String::new();
    let mut cases = String::new();
    for (index, (name, params, has_result)) in CALLS.iter().enumerate() {
        let types: Vec<&str> =
            params.chars().map(|of| if of == 'i' { "i32" } else { "i64" }).collect();
        let result = if *has_result { "(result i32)" } else { "" };
        let _ = writeln!(
            imports,
            r#"(import "caxton" "{name}" (func $f{index} (param {}) {result}))"#,
            types.join(" ")
        );
        let args: Vec<String> = params
            .chars()
            .enumerate()
            .map(|(place, of)| match of {
                'i' => format!("(i32.wrap_i64 (local.get $a{place}))"),
                _ => format!("(local.get $a{place})"),
            })
            .collect();
        let call = format!("(call $f{index} {})", args.join(" "));
        let call = if *has_result { format!("(drop {call})") } else { call };
        let _ = writeln!(
            cases,
            "(if (i32.eq (local.get $call) (i32.const {index})) (then {call} (return)))"
        );
    }
    let count = CALLS.len();
    format!(
        r#"(module
        {imports}
        (memory (export "memory") 2)
        (data $reply "{reply}")
        (global $timers (mut i32) (i32.const 0))
        (global $at (mut i32) (i32.const 0))
        (func $read (param $letters i32) (result i64)
            (local $number i64)
            (loop $next
                (local.set $number (i64.or (i64.shl (local.get $number) (i64.const 4))
                    (i64.extend_i32_u (i32.sub (i32.load8_u (global.get $at)) (i32.const 97)))))
                (global.set $at (i32.add (global.get $at) (i32.const 1)))
                (br_if $next
                    (local.tee $letters (i32.sub (local.get $letters) (i32.const 1)))))
            (local.get $number))
        (func $step (param $call i32) (param $a0 i64) (param $a1 i64) (param $a2 i64) (param $a3 i64)
            {cases}
            (i64.store align=1 (i32.and (i32.wrap_i64 (local.get $a0)) (i32.const 0xffff))
                (local.get $a1)))
        (func $shift (param $value i64) (param $bits i32) (param $bit i32) (param $by i32) (result i64)
            (if (result i64) (i32.and (local.get $bits) (local.get $bit))
                (then (i64.add (local.get $value) (i64.extend_i32_u (local.get $by))))
                (else (local.get $value))))
        (func (export "handle_timer") (param i32) (result i32)
            (global.set $timers (i32.add (global.get $timers) (i32.const 1)))
            (i32.const 0))
        (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
            (local $bits i32) (local $call i32) (local $end i32)
            (local $a0 i64) (local $a1 i64) (local $a2 i64) (local $a3 i64) (local $digit i32)
            (global.set $at (local.get $ptr))
            (local.set $end (i32.add (local.get $ptr) (local.get $len)))
            (block $none (loop $find
                (br_if $none (i32.ge_u (global.get $at) (local.get $end)))
                (global.set $at (i32.add (global.get $at) (i32.const 1)))
                (br_if $find (i32.ne (i32.load8_u (i32.sub (global.get $at) (i32.const 1)))
                    (i32.const 33))))
                (block $done (loop $steps
                    (br_if $done (i32.lt_u (i32.load8_u (global.get $at)) (i32.const 97)))
                    (local.set $call (i32.rem_u (i32.wrap_i64 (call $read (i32.const 2)))
                        (i32.const {steps})))
                    (local.set $bits (i32.wrap_i64 (call $read (i32.const 2))))
                    (local.set $a0 (call $read (i32.const 16)))
                    (local.set $a1 (call $read (i32.const 16)))
                    (local.set $a2 (call $read (i32.const 16)))
                    (local.set $a3 (call $read (i32.const 16)))
                    (call $step (local.get $call)
                        (call $shift (local.get $a0) (local.get $bits) (i32.const 1) (local.get $ptr))
                        (call $shift (local.get $a1) (local.get $bits) (i32.const 2) (local.get $ptr))
                        (call $shift (local.get $a2) (local.get $bits) (i32.const 4) (local.get $ptr))
                        (call $shift (local.get $a3) (local.get $bits) (i32.const 8) (local.get $ptr)))
                    (br $steps))))
            ;; Whatever was written there meanwhile.
            (memory.init $reply (i32.const 16) (i32.const 0) (i32.const {reply_len}))
            (local.set $digit (i32.const {last}))
            (i32.store8 (i32.add (local.get $digit) (i32.const 1)) (i32.const 125))
            (loop $digits
                (i32.store8 (local.get $digit)
                    (i32.add (i32.const 48) (i32.rem_u (global.get $timers) (i32.const 10))))
                (global.set $timers (i32.div_u (global.get $timers) (i32.const 10)))
                (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
                (br_if $digits (i32.gt_u (local.get $digit) (i32.const {first}))))
            (i32.store8 (i32.const {first}) (i32.const 34))
            (i32.store8 (i32.const {quote}) (i32.const 34))
            (i32.store8 (i32.const {brace}) (i32.const 125))
            (drop (call $f0 (i32.const 16) (i32.const {whole})))
            (i32.const 0)))"#,
        steps = count + 1,
        first = 16 + reply_len,
        last = 16 + reply_len + 6,
        quote = 16 + reply_len + 7,
        brace = 16 + reply_len + 8,
        whole = reply_len + 9,
    )
}

/// How many timers an agent that was asked says to have handled.
pub fn timers_in(answer: &Message) -> u32 {
    answer.content().trim_matches('"').parse().expect("digits")
}
