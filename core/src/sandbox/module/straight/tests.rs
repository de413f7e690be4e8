#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::{Config, Engine, Instance, Module, Store, UpdateDeadline};

use super::FAR;
use crate::sandbox::module::in_pieces;

/// So many operators that go on with the number on the stack.
fn steps(count: u32) -> String {
    "i32.const 3 i32.add ".repeat(count as usize / 2)
}

/// What `run` returns for a number, and how often the engine looks at the clock in it: each time one of its functions is
/// entered, and at each loop head.
fn run(wasm: &[u8], number: i32) -> (i32, u32) {
    let mut config = Config::new();
    config.epoch_interruption(true).wasm_exceptions(true).collector(wasmtime::Collector::Null);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, wasm).unwrap();
    let mut store = Store::new(&engine, ());
    let looks = Arc::new(AtomicU32::new(0));
    let counted = looks.clone();
    // The deadline is always now.
    store.epoch_deadline_callback(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(UpdateDeadline::Continue(0))
    });
    store.set_epoch_deadline(0);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    let result = run.call(&mut store, number).unwrap();
    (result, looks.load(Ordering::Relaxed))
}

/// How often it looks at the clock, as it is and with what loading puts into it. It returns the same.
fn looks(body: &str, number: i32) -> (u32, u32) {
    let text = format!(
        "(module (memory 1) (tag $thrown) (tag $other) (func $throws (throw $thrown))
            (func (export \"run\") (param i32) (result i32) {body}))"
    );
    let wasm = wat::parse_str(text).unwrap();
    let (result, before) = run(&wasm, number);
    let (same, after) = run(&in_pieces(&wasm).unwrap(), number);
    assert_eq!(result, same);
    (before, after)
}

#[test]
fn a_long_way_has_looks_at_the_clock() {
    let one = |count| looks(&format!("local.get 0 {}", steps(count)), 1);
    assert_eq!(one(FAR - 100), (1, 1));
    assert_eq!(one(FAR + 100), (1, 2));
    assert_eq!(one(20 * FAR + 100), (1, 21));
    // Loads wait for memory.
    let loads = format!("local.get 0 {}", "i32.load ".repeat(60_000));
    assert_eq!(looks(&loads, 0), (1, 1 + 60_000 / FAR));
    // One within a block whose values lie on the stack below it, and one of an operation that is done in pieces.
    let block = format!("local.get 0 (block (result i32) i32.const 1 {}) i32.add", steps(FAR + 10));
    assert_eq!(looks(&block, 1), (1, 2));
    let copy = "(memory.copy (i32.const 0) (i32.const 9) (local.get 0))";
    let copy = format!("{copy} local.get 0 {} {copy}", steps(FAR));
    assert_eq!(looks(&copy, 1).1 - looks(&copy, 1).0, 1 + 2, "the functions are entered");
}

#[test]
fn a_loop_counts_only_where_every_way_leads_through_it() {
    let half = steps(FAR * 6 / 10);
    let through = format!("local.get 0 {half} (loop) {half}");
    assert_eq!(looks(&through, 0), (2, 2));
    // Nobody takes the loops.
    let around = [
        "(if (i32.const 0) (then (loop))) ",
        "(if (i32.const 1) (then) (else (loop))) ",
        "(block (br_if 0 (i32.const 1)) (loop)) ",
        "(block (br_table 0 0 (i32.const 1)) (loop)) ",
        "(block (br 0) (loop)) ",
        "(block (try_table (catch $thrown 0) (call $throws) (loop))) ",
        "(block (try_table (catch_all 0) (try_table (throw $thrown)) (loop))) ",
        "(block (block (br_if 1 (i32.const 1)) (loop))) ",
        "(block (try_table (catch_all 0) (block (try_table (catch $other 0) (call $throws)) (br 1)) (loop))) ",
    ];
    for around in around {
        let (before, after) = looks(&format!("local.get 0 {half} {around} {half}"), 0);
        assert_eq!(after, before + 1, "{around}");
        // Many of them are no more than the same number of operators.
        let (before, after) = looks(&format!("local.get 0 {}", around.repeat(10)), 0);
        assert_eq!(after, before, "{around}");
    }
}

#[test]
fn calls_are_a_longer_way() {
    let nothing = "(block (try_table (catch_all 0) (call $throws))) ";
    let (before, after) = looks(&format!("local.get 0 {}", nothing.repeat(1000)), 0);
    assert!((before + 9..before + 12).contains(&after), "{before} {after}");
}

#[test]
fn short_functions_are_left_alone() {
    let short = format!("(func (param i32) (result i32) local.get 0 {})", steps(FAR - 10));
    let text = format!("(module {})", short.repeat(10));
    let wasm = wat::parse_str(&text).unwrap();
    assert!(matches!(in_pieces(&wasm).unwrap(), std::borrow::Cow::Borrowed(_)));
    // Where one is changed, what tells places in the code goes, and the rest stays.
    let long = format!("(func (param i32) (result i32) local.get 0 {})", steps(FAR + 10));
    let text = format!(
        "(module {short} {long} (@custom \"metadata.code.branch_hint\" \"x\") (@custom \"mine\" \"x\"))"
    );
    let (wasm, body) =
        (wat::parse_str(&text).unwrap(), wat::parse_str(format!("(module {short})")).unwrap());
    let changed = in_pieces(&wasm).unwrap();
    let has = |wasm: &[u8], part: &[u8]| wasm.windows(part.len()).any(|found| found == part);
    assert!(has(&wasm, b"branch_hint") && !has(&changed, b"branch_hint"));
    assert!(has(&changed, b"mine"));
    let short = &body[body.len() - 7000..];
    assert!(has(&changed, short));
}

#[test]
fn what_toolchains_make_gets_few_looks() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/agents/build");
    for name in ["rust", "rust-wasi", "rust-bindgen", "assemblyscript", "c", "go", "kit-javascript"]
    {
        let wasm = std::fs::read(format!("{folder}/{name}.wasm")).unwrap();
        let (mut operators, mut looks) = (0, 0);
        for payload in wasmparser::Parser::new(0).parse_all(&wasm) {
            let wasmparser::Payload::CodeSectionEntry(body) = payload.unwrap() else { continue };
            let mut straight = super::Straight::new();
            for operator in body.get_operators_reader().unwrap() {
                looks += u32::from(straight.next(&operator.unwrap()));
                operators += 1;
            }
        }
        println!("{name}: {looks} in {operators} operators");
        assert!(operators > 10_000 && looks <= operators / 10_000, "{name}: {looks} {operators}");
    }
}
