//! Estimates beside what compiling takes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail this way")]

use std::time::Duration;

use wasm_encoder::BlockType;

use super::*;
use crate::sandbox::Engine;
use crate::source::monotonic;

mod shapes;

use shapes::*;

#[test]
fn what_surrounds_functions_has_a_price() {
    let limits = CompileLimits::default();
    let (bytes, millis) = ("max_compile_function_bytes", "max_compile_function_millis");
    for (kind, count, option, section) in [
        ("items, passive", 700_000, bytes, "its element segments"),
        ("items at a global, active", 200_000, bytes, "its element segments"),
        ("expressions, passive", 400_000, bytes, "its element segments"),
        ("expressions, active", 200_000, bytes, "its element segments"),
        ("types", 150_000, millis, "its types"),
        ("operators of one global", 680_000, bytes, "its constant expressions"),
        ("globals of functions", 150_000, millis, "its globals"),
        ("data at a global, active", 50_000, bytes, "its data segments"),
        ("canonical functions", 100_000, bytes, "its canonical functions"),
    ] {
        let few = estimate(&sections(kind, 1000)).unwrap();
        assert!(few.is_within(&limits), "{kind}: {few:?}");
        let many = sections(kind, count);
        let found = estimate(&many).unwrap();
        assert!(!found.is_within(&limits), "{kind}: {found:?}");
        assert!(found.micros >= found.function_micros);
        let text = too_dear(&many, &limits).message().to_owned();
        assert!(text.contains(option) && text.contains(section), "{kind}: {text}");
        assert!(text.contains("what surrounds its functions"), "{kind}: {text}");
    }
    let strict = CompileLimits { max_compile_millis: Some(100), ..CompileLimits::default() };
    let text = too_dear(&sections("types", 10_000), &strict).message().to_owned();
    assert!(text.contains("max_compile_millis") && text.contains("its types"), "{text}");
}

#[test]
fn what_is_laid_out_beforehand_costs_next_to_nothing() {
    for kind in ["items, active", "segments, active", "data, active", "data, passive", "globals"] {
        let found = estimate(&sections(kind, 50_000)).unwrap();
        assert!(found.micros < 500_000 && found.function_bytes < 64 << 20, "{kind}: {found:?}");
    }
    // An item beside the table has to be written by code, which traps there; and so has all that comes after it.
    let module = |at: u32| {
        let items = "0 ".repeat(1000);
        let text = format!(
            "(module (table 1000 funcref) (memory 1) (func) (elem (i32.const {at}) func 0) (elem (i32.const 0) func \
             {items}) (data (i32.const {}) \"x\"))",
            at * 100
        );
        estimate(&wat::parse_str(text).unwrap()).unwrap().micros
    };
    assert!(module(999) >= module(0) + 100, "the data is beside the memory");
    assert!(module(1000) > module(999) + 9_000);
}

#[test]
fn few_bytes_that_name_many_values_are_read_shortly() {
    let limits = CompileLimits::default();
    // A call of three bytes takes and gives a hundred values.
    let calls = |count: usize| {
        module(0, 0, |code| {
            for at in 0..100 {
                code.i32_const(at);
            }
            for _ in 0..count {
                code.call(1);
            }
            for _ in 0..100 {
                code.drop();
            }
        })
    };
    assert!(estimate(&calls(100)).unwrap().is_within(&limits));
    let many = calls(MAX_VALUES as usize / 200 + 1);
    assert!(estimate(&many).unwrap().function_micros > 26 * ENDLESS);
    let text = too_dear(&many, &limits).message().to_owned();
    assert!(text.contains("max_compile_function_millis"), "{text}");

    assert!(estimate(&of_locals(100)).unwrap().is_within(&limits));
    let text = too_dear(&of_locals(50_000), &limits).message().to_owned();
    assert!(text.contains("max_compile_millis"), "{text}");
}

#[test]
fn catch_clauses_in_force_at_one_point_are_bounded() {
    let refused = |wasm: &[u8]| {
        let error = estimate(wasm).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidModule);
        assert_eq!(estimate_quickly(wasm).unwrap_err().message(), error.message());
        error.message().to_owned()
    };
    assert!(estimate(&calls_in_try(MAX_CLAUSES as usize, 0, 1, 3)).is_ok());
    let text = refused(&calls_in_try(MAX_CLAUSES as usize + 1, 0, 1, 1));
    for part in ["function 1 has 65 catch clauses", "64 is the most", "catch_all"] {
        assert!(text.contains(part), "{text}");
    }
    // Those inside one another count together, those beside one another do not.
    let clauses = "(catch_all $out)".repeat(40);
    let function = |body: &str| format!("(func $dear (block $out {body}))");
    let nested = function(&format!("(try_table {clauses} (loop (try_table {clauses})))"));
    let text = refused(&wat::parse_str(format!("(module (func) {nested})")).unwrap());
    assert!(text.contains("function 1 (dear) has 80 catch clauses"), "{text}");
    let beside = function(&format!("(try_table {clauses})").repeat(2));
    assert!(estimate(&wat::parse_str(format!("(module {beside})")).unwrap()).is_ok());
    // Alike in the modules of a component; of some functions it is the first one.
    let component = format!(
        "(component (core module {beside}) (core module (func) {nested} {}))",
        nested.replace("dear", "other")
    );
    let wasm = wat::parse_str(component).unwrap();
    assert!(refused(&wasm).contains("function 1 (dear) has 80"));
    assert_eq!(Reading::of(&wasm, 3).unwrap().overfull.map(|(place, _)| place.index), Some(1));
}

#[test]
fn calls_in_try_tables_have_a_price() {
    let limits = CompileLimits::default();
    // Microseconds that they took, on a machine of 2026.
    for (clauses, locals, calls, took) in [
        (64, 100, 100, 156_000_000),
        (16, 100, 100, 10_200_000),
        (1, 100, 600, 3_500_000),
        (1, 100, 300, 1_490_000),
        (64, 10, 1000, 1_270_000),
        (64, 10, 100, 680_000),
        (64, 1, 1000, 16_300_000),
        (64, 0, 3000, 36_900_000),
        (4, 20, 300, 750_000),
    ] {
        let found = estimate(&calls_in_try(clauses, locals, calls, 1)).unwrap();
        assert!(found.micros >= took, "{clauses} {locals} {calls}: {found:?}");
    }
    // In try_tables inside one another, or one after the other.
    let inside = |blocks: usize| {
        let inner = "(call $f)".repeat(1000);
        let (begin, end) = ("(try_table (catch_all $out) ".repeat(blocks), ")".repeat(blocks));
        let text = format!("(module (func $f) (func (block $out {begin} {inner} {end})))");
        estimate(&wat::parse_str(text).unwrap()).unwrap().micros
    };
    assert!(inside(64) >= 4_000_000 && inside(1) < 200_000, "{} {}", inside(64), inside(1));
    let beside = estimate(&calls_in_try(1, 30, 100, 20)).unwrap().micros;
    assert!((370_000..3_700_000).contains(&beside), "{beside}");
    let many = calls_in_try(1, 1000, 3000, 1);
    assert!(!estimate(&many).unwrap().is_within(&limits));
    let text = too_dear(&many, &limits).message().to_owned();
    assert!(text.contains("its calls in try_tables"), "{text}");
    // What throws within the function is a call too; where nothing is written, or caught, they cost no more than others.
    let function = |catch: &str, call: &str, write: &str| {
        let calls = format!("{call} {write}").repeat(300);
        let locals = "i32 ".repeat(100);
        let text = format!(
            "(module (table 1 funcref) (tag $tag) (func $f) (func (local {locals}) (block $out (try_table {catch} {calls}))))"
        );
        estimate(&wat::parse_str(text).unwrap()).unwrap().micros
    };
    let write = "(local.set 1 (i32.const 1))";
    for call in ["(call $f)", "(call_indirect (i32.const 0))", "(throw $tag)"] {
        let dear = function("(catch $tag $out)", call, write);
        let cheap = function("", call, write);
        assert!(dear > cheap + 1_000_000, "{call}: {dear} {cheap}");
        assert!(function("(catch $tag $out)", call, "") < cheap + 100_000, "{call}");
    }
}

#[test]
fn entries_of_branch_tables_take_memory() {
    let tables = |count: usize| {
        module(1, 0, |code| {
            for _ in 0..count {
                code.block(BlockType::Empty).local_get(0).br_table(vec![0; 1000], 0).end();
            }
        })
    };
    let limits = CompileLimits::default();
    // A million of them took 729 MB.
    let found = estimate(&tables(1000)).unwrap();
    assert!(found.function_bytes > 729_000_000 && found.is_within(&limits), "{found:?}");
    let text = too_dear(&tables(2000), &limits).message().to_owned();
    assert!(text.contains("its br_table entries,"), "{text}");
}

#[test]
fn looks_at_the_clock_count_as_loops() {
    // It has to keep the thousands of values that lie on the stack.
    let values = module(1, 0, |code| {
        for _ in 0..4900 {
            code.local_get(0);
        }
        for _ in 0..4900 {
            code.drop();
        }
    });
    let found = estimate(&values).unwrap();
    assert!(found.micros > 26 * 9800 + 9 * 4700, "{found:?}");
}

#[test]
fn an_estimate_is_the_same_however_it_is_read() {
    for (name, wasm) in shapes() {
        let estimate = estimate(&wasm).unwrap();
        assert_eq!(Reading::of(&wasm, 3).unwrap().estimate, estimate, "{name}");
        assert_eq!(Estimate::from_bytes(&estimate.to_bytes()), estimate, "{name}");
    }
}

/// The time for which this thread has had a processor: what others do on the machine is none of it.
fn processor_time() -> Duration {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(figures.split_whitespace().next().unwrap().parse().unwrap())
}

/// The most memory that this process has had since it was asked last, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Compiles each of the shapes, and prints what it took beside what was estimated: to be run by hand.
/// `CAXTON_SHAPE=part` takes those whose names have that part, `CAXTON_LOOPS=100x20,…` loops inside one another with locals,
/// `CAXTON_TRY=64x100x10x1,…` clauses, locals, calls and blocks of them, `CAXTON_WASM=path,…` modules in files,
/// `CAXTON_SECTIONS=1` what modules have besides functions: those are to be run one by one, since one finds the memory that
/// another has freed.
#[test]
#[ignore = "it measures, and takes a minute"]
fn figures() {
    let engine = Engine::lease(None).unwrap();
    let part = std::env::var("CAXTON_SHAPE").unwrap_or_default();
    let mut shapes = shapes();
    if let Ok(given) = std::env::var("CAXTON_LOOPS") {
        let pairs = given.split(',').map(|pair| pair.split_once('x').unwrap());
        let numbers =
            pairs.map(|(loops, locals)| (loops.parse().unwrap(), locals.parse().unwrap()));
        shapes = numbers
            .map(|(loops, locals)| {
                let name = format!("{loops} loops nested, {locals} locals");
                (name, loops_with_locals(loops, locals))
            })
            .collect();
    }
    if let Ok(given) = std::env::var("CAXTON_TRY") {
        shapes = given
            .split(',')
            .map(|numbers| {
                let mut numbers = numbers.split('x').map(|number| number.parse().unwrap());
                let mut next = || numbers.next().unwrap();
                let (clauses, locals, calls, blocks) = (next(), next(), next(), next());
                let name = format!("{blocks} of {calls} calls, {clauses} clauses, {locals} locals");
                (name, calls_in_try(clauses, locals, calls, blocks))
            })
            .collect();
    }
    if let Ok(files) = std::env::var("CAXTON_WASM") {
        let files = files.split(',').map(str::to_owned);
        shapes = files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect();
    }
    if std::env::var_os("CAXTON_SECTIONS").is_some() {
        let named = SECTIONS.iter().flat_map(|(kind, counts)| counts.map(|count| (*kind, count)));
        shapes =
            named.map(|(kind, count)| (format!("{count} {kind}"), sections(kind, count))).collect();
    }
    println!("     ms  estimate     x        KiB  estimate     x  read in ms");
    for (name, wasm) in shapes.into_iter().filter(|(name, _)| name.contains(&part)) {
        let begun = monotonic();
        let estimate = estimate_quickly(&wasm).unwrap();
        let read = begun.elapsed().as_micros() as f64 / 1000.0;
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        let (before, begun) = (peak(), processor_time());
        let compiled = match crate::sandbox::template::is_component(&wasm) {
            true => wasmtime::component::Component::new(engine.wasmtime(), &wasm).map(drop),
            false => wasmtime::Module::new(engine.wasmtime(), &wasm).map(drop),
        };
        let took = processor_time() - begun;
        let grown = peak().saturating_sub(before) as f64;
        compiled.unwrap();
        let took = took.as_micros() as f64 / 1000.0;
        let (millis, kib) =
            (estimate.micros as f64 / 1000.0, estimate.function_bytes as f64 / 1024.0);
        println!(
            "{took:9.1} {millis:9.1} {:5.1}  {grown:9.0} {kib:9.0} {:5.1}  {read:10.1}  {name}",
            millis / took,
            kib / grown.max(1.0)
        );
    }
}
