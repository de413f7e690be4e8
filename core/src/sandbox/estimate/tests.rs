//! Estimates beside what compiling takes.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use std::time::Duration;

use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, InstructionSink, Module, TypeSection,
    ValType,
};

use super::*;
use crate::sandbox::Engine;
use crate::source::monotonic;

/// A module with one function, which takes `params` and has `locals` of its own. There is a type of a hundred parameters and
/// results (0), one of none (1), the function's (2), and a function that takes and gives a hundred values (1).
fn module(params: usize, locals: u32, body: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<u8> {
    let mut types = TypeSection::new();
    let hundred = [ValType::I32; 100];
    types.ty().function(hundred, hundred);
    types.ty().function([], []);
    types.ty().function(vec![ValType::I32; params], []);
    let mut functions = FunctionSection::new();
    functions.function(2).function(0);
    let mut tables = wasm_encoder::TableSection::new();
    tables.table(wasm_encoder::TableType {
        element_type: wasm_encoder::RefType::FUNCREF,
        minimum: 10,
        maximum: None,
        table64: false,
        shared: false,
    });
    let mut memories = wasm_encoder::MemorySection::new();
    memories.memory(wasm_encoder::MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut code = CodeSection::new();
    let mut function = Function::new([(locals, ValType::I32)]);
    body(&mut function.instructions());
    function.instructions().end();
    code.function(&function);
    let mut other = Function::new([]);
    other.instructions().unreachable().end();
    code.function(&other);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories).section(&code);
    module.finish()
}

/// So many loops inside one another, each of which reads and writes each of the locals.
fn loops_with_locals(loops: usize, locals: u32) -> Vec<u8> {
    module(0, locals, |code| {
        for _ in 0..loops {
            code.loop_(BlockType::Empty);
        }
        for local in 0..locals {
            code.local_get(local).i32_const(1).i32_add().local_set(local);
        }
        for _ in 0..loops {
            code.local_get(0).br_if(0).end();
        }
    })
}

fn shapes() -> Vec<(String, Vec<u8>)> {
    let mut shapes: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, wasm| shapes.push((name, wasm));
    for n in [10, 40, 100, 150] {
        add(format!("{n} loops nested, {n} locals"), loops_with_locals(n, n as u32));
    }
    for (loops, locals) in [(20, 1000), (200, 20), (400, 4), (800, 1)] {
        add(format!("{loops} loops nested, {locals} locals"), loops_with_locals(loops, locals));
    }
    for n in [500, 2000, 5000] {
        add(
            format!("{n} empty loops"),
            module(0, 0, |code| {
                for _ in 0..n {
                    code.loop_(BlockType::Empty).end();
                }
            }),
        );
        add(
            format!("{n} loops that may go round"),
            module(1, 0, |code| {
                for _ in 0..n {
                    code.loop_(BlockType::Empty).local_get(0).br_if(0).end();
                }
            }),
        );
    }
    for n in [20, 100, 400] {
        add(
            format!("{n} loops with 100 parameters"),
            module(1, 0, |code| {
                for at in 0..100 {
                    code.i32_const(at);
                }
                for _ in 0..n {
                    code.loop_(BlockType::FunctionType(0));
                    for _ in 0..100 {
                        code.drop();
                    }
                    for at in 0..100 {
                        code.i32_const(at);
                    }
                    code.local_get(0).br_if(0).end();
                }
                for _ in 0..100 {
                    code.drop();
                }
            }),
        );
    }
    for n in [100, 1000, 4000] {
        add(
            format!("{n} calls with 100 arguments"),
            module(1, 0, |code| {
                for at in 0..100 {
                    code.i32_const(at);
                }
                for _ in 0..n {
                    code.call(1);
                }
                for _ in 0..100 {
                    code.drop();
                }
            }),
        );
    }
    for n in [1000, 10_000, 50_000] {
        add(
            format!("a chain of {n} additions"),
            module(1, 0, |code| {
                code.local_get(0);
                for _ in 0..n {
                    code.local_get(0).i32_add();
                }
                code.drop();
            }),
        );
        add(
            format!("{n} stores"),
            module(1, 0, |code| {
                for at in 0..n {
                    code.local_get(0).local_get(0).i32_store(wasm_encoder::MemArg {
                        offset: at,
                        align: 2,
                        memory_index: 0,
                    });
                }
            }),
        );
        add(
            format!("{n} divisions"),
            module(2, 0, |code| {
                code.local_get(0);
                for _ in 0..n {
                    code.local_get(1).i32_div_s();
                }
                code.drop();
            }),
        );
        add(
            format!("{n} conversions of floats"),
            module(2, 0, |code| {
                code.local_get(0);
                for _ in 0..n {
                    code.f64_convert_i32_s().i32_trunc_f64_s();
                }
                code.drop();
            }),
        );
        add(
            format!("{n} vectors"),
            module(1, 0, |code| {
                code.local_get(0).i8x16_splat();
                for _ in 0..n {
                    code.i8x16_popcnt().local_get(0).i8x16_shl();
                }
                code.drop();
            }),
        );
    }
    for n in [100, 1000, 5000] {
        add(
            format!("{n} indirect calls"),
            module(1, 0, |code| {
                for _ in 0..n {
                    code.local_get(0).call_indirect(0, 1);
                }
            }),
        );
        add(
            format!("{n} copies"),
            module(1, 0, |code| {
                for _ in 0..n {
                    code.local_get(0).local_get(0).local_get(0).memory_copy(0, 0);
                }
            }),
        );
        add(
            format!("{n} growths"),
            module(1, 0, |code| {
                for _ in 0..n {
                    code.local_get(0).memory_grow(0).drop();
                }
            }),
        );
        add(
            format!("{n} entries of tables"),
            module(1, 0, |code| {
                for _ in 0..n {
                    code.local_get(0).local_get(0).table_get(0).table_set(0);
                }
            }),
        );
    }
    for (n, locals) in [(200, 200), (1000, 200), (1000, 1000), (4000, 100)] {
        add(
            format!("{n} branches over {locals} locals"),
            module(1, locals, |code| {
                for at in 0..n {
                    let local = 1 + at % locals;
                    code.block(BlockType::Empty).local_get(0).br_if(0);
                    code.local_get(local).i32_const(1).i32_add().local_set(local).end();
                }
                code.i32_const(0);
                for local in 1..=locals {
                    code.local_get(local).i32_add();
                }
                code.drop();
            }),
        );
        add(
            format!("{n} blocks inside one another, {locals} values below"),
            module(1, 0, |code| {
                for _ in 0..locals {
                    code.local_get(0).i32_load(wasm_encoder::MemArg {
                        offset: 0,
                        align: 2,
                        memory_index: 0,
                    });
                }
                for _ in 0..n {
                    code.block(BlockType::Empty).local_get(0).br_if(0);
                }
                for _ in 0..n {
                    code.end();
                }
                for _ in 1..locals {
                    code.i32_add();
                }
                code.drop();
            }),
        );
    }
    for (n, locals) in [(100, 10), (10_000, 10), (1000, 1000), (60_000, 1)] {
        add(
            format!("a br_table of {n} entries, {locals} locals"),
            module(1, locals, |code| {
                for local in 1..=locals {
                    code.local_get(0).i32_const(local as i32).i32_add().local_set(local);
                }
                code.block(BlockType::Empty).block(BlockType::Empty).local_get(0);
                let targets: Vec<u32> = (0..n).map(|at| at % 2).collect();
                code.br_table(targets, 0).end();
                for local in 1..=locals {
                    code.local_get(0).local_set(local);
                }
                code.end().i32_const(0);
                for local in 1..=locals {
                    code.local_get(local).i32_add();
                }
                code.drop();
            }),
        );
    }
    add("200 functions of 50,000 locals".to_owned(), of_locals(200));
    add(
        "5,000 functions".to_owned(),
        wat::parse_str(format!("(module {})", "(func (result i32) (i32.const 1))".repeat(5000)))
            .unwrap(),
    );
    add("5,000 exported functions".to_owned(), {
        let functions: String = (0..5000)
            .map(|at| format!("(func (export \"{at}\") (result i32) (i32.const 1))"))
            .collect();
        wat::parse_str(format!("(module {functions})")).unwrap()
    });
    shapes
}

/// Many functions of many locals each, in a few bytes.
fn of_locals(functions: usize) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut places, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..functions {
        places.function(0);
        let mut function = Function::new([(50_000, ValType::I32)]);
        function.instructions().end();
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&places).section(&code);
    module.finish()
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
/// `CAXTON_WASM=path,…` modules in files.
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
