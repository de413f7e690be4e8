//! Estimates beside what compiling takes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail this way")]

use std::time::Duration;

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
/// `CAXTON_WASM=path,…` modules in files, `CAXTON_SECTIONS=1` what modules have besides functions: those are to be run one by
/// one, since one finds the memory that another has freed.
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
