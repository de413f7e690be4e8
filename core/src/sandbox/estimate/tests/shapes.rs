//! Modules of which something costs much to compile.

use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, InstructionSink, Module, TypeSection,
    ValType,
};

/// A module with one function, which takes `params` and has `locals` of its own. There is a type of a hundred parameters and
/// results (0), one of none (1), the function's (2), and a function that takes and gives a hundred values (1).
pub(super) fn module(
    params: usize,
    locals: u32,
    body: impl FnOnce(&mut InstructionSink<'_>),
) -> Vec<u8> {
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
pub(super) fn loops_with_locals(loops: usize, locals: u32) -> Vec<u8> {
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

pub(super) fn shapes() -> Vec<(String, Vec<u8>)> {
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

/// So many calls within the reach of so many clauses, which write the locals in turn, and as many such blocks one after the
/// other; where a clause leads to, all locals are read.
pub(super) fn calls_in_try(clauses: usize, locals: usize, calls: usize, blocks: usize) -> Vec<u8> {
    let catches = "(catch $tag $caught)".repeat(clauses);
    let begin: String = (0..locals)
        .map(|at| format!("(local.set {at} (i32.load offset={} (i32.const 0)))", at * 4))
        .collect();
    let calls: String = (0..calls)
        .map(|at| match locals {
            0 => "(drop (call $callee))".to_owned(),
            _ => format!("(local.set {} (call $callee))", at % locals),
        })
        .collect();
    let end: String = (0..locals)
        .map(|at| format!("(i32.store offset={} (i32.const 0) (local.get {at}))", at * 4))
        .collect();
    let locals = "i32 ".repeat(locals);
    let blocks = format!("(block $caught (try_table {catches} {calls})) {end}").repeat(blocks);
    let text = format!(
        "(module (memory 1) (tag $tag) (func $callee (result i32) (throw $tag)) (func (local {locals}) {begin} {blocks}))"
    );
    wat::parse_str(text).unwrap()
}

/// Many functions of many locals each, in a few bytes.
pub(super) fn of_locals(functions: usize) -> Vec<u8> {
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

/// A module with one function that does nothing, and with `count` of something else, as `kind` says.
pub(super) fn sections(kind: &str, count: u32) -> Vec<u8> {
    use wasm_encoder::*;
    let component = |part: &str| {
        let parts = part.repeat(count as usize);
        let import = "(import \"f\" (func $f (param \"a\" u32)))";
        wat::parse_str(format!("(component {import} {parts})")).unwrap()
    };
    match kind {
        "canonical functions" => return component("(core func (canon lower (func $f)))"),
        "component types" => return component("(type (func (param \"a\" u32) (result u64)))"),
        _ => {}
    }
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let table = |minimum, element_type| wasm_encoder::TableType {
        element_type,
        minimum,
        maximum: None,
        table64: false,
        shared: false,
    };
    let memory = wasm_encoder::MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    let global = wasm_encoder::GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    let (mut imports, mut functions) = (ImportSection::new(), FunctionSection::new());
    let (mut tables, mut globals) = (TableSection::new(), GlobalSection::new());
    let (mut tags, mut exports) = (TagSection::new(), ExportSection::new());
    let (mut elements, mut code, mut data) =
        (ElementSection::new(), CodeSection::new(), DataSection::new());
    let mut memories = MemorySection::new();
    memories.memory(memory);
    let mut empty = Function::new([]);
    empty.instructions().end();
    if !kind.ends_with("imports") {
        functions.function(0);
        code.function(&empty);
    }
    let zeroes = vec![0; count as usize];
    let zero = ConstExpr::i32_const(0);
    match kind {
        "types" => {
            for at in 0..count {
                let params = (0..20).map(|bit| match at >> bit & 1 {
                    0 => ValType::I32,
                    _ => ValType::I64,
                });
                types.ty().function(params, []);
            }
        }
        "equal types" => (0..count).for_each(|_| types.ty().function([], [])),
        "function imports" => {
            for _ in 0..count {
                imports.import("a", "b", EntityType::Function(0));
            }
        }
        "global imports" => {
            for _ in 0..count {
                imports.import("a", "b", EntityType::Global(global));
            }
        }
        "items, passive" => {
            elements.passive(Elements::Functions(zeroes.into()));
        }
        "items, active" => {
            tables.table(table(u64::from(count), RefType::FUNCREF));
            elements.active(Some(0), &zero, Elements::Functions(zeroes.into()));
        }
        "items, declared" => {
            elements.declared(Elements::Functions(zeroes.into()));
        }
        "items of many functions, active" => {
            for _ in 1..count {
                functions.function(0);
                code.function(&empty);
            }
            tables.table(table(u64::from(count), RefType::FUNCREF));
            let all: Vec<u32> = (0..count).collect();
            elements.active(Some(0), &zero, Elements::Functions(all.into()));
        }
        "expressions, passive" => {
            let all = vec![ConstExpr::ref_func(0); count as usize];
            elements.passive(Elements::Expressions(RefType::FUNCREF, all.into()));
        }
        "expressions, active" => {
            tables.table(table(u64::from(count), RefType::FUNCREF));
            let all = vec![ConstExpr::ref_func(0); count as usize];
            elements.active(Some(0), &zero, Elements::Expressions(RefType::FUNCREF, all.into()));
        }
        "segments, passive" => {
            for _ in 0..count {
                elements.passive(Elements::Functions(vec![0].into()));
            }
        }
        "segments, active" => {
            tables.table(table(1, RefType::FUNCREF));
            for _ in 0..count {
                elements.active(Some(0), &zero, Elements::Functions(vec![0].into()));
            }
        }
        "segments at a global, active" => {
            imports.import(
                "a",
                "b",
                EntityType::Global(wasm_encoder::GlobalType { mutable: false, ..global }),
            );
            tables.table(table(1, RefType::FUNCREF));
            for _ in 0..count {
                elements.active(
                    Some(0),
                    &ConstExpr::global_get(0),
                    Elements::Functions(vec![0].into()),
                );
            }
        }
        "items at a global, active" => {
            let fixed = GlobalType { mutable: false, ..global };
            imports.import("a", "b", EntityType::Global(fixed));
            tables.table(table(u64::from(count), RefType::FUNCREF));
            let at = ConstExpr::global_get(0);
            elements.active(Some(0), &at, Elements::Functions(zeroes.into()));
        }
        "globals" => {
            for _ in 0..count {
                globals.global(global, &zero);
            }
        }
        "globals of functions" => {
            let of = GlobalType { val_type: ValType::FUNCREF, ..global };
            for _ in 0..count {
                globals.global(of, &ConstExpr::ref_func(0));
            }
        }
        "operators of one global" => {
            let mut chain = ConstExpr::i32_const(0);
            for at in 0..count / 2 {
                chain = chain.with_i32_const(at as i32).with_i32_add();
            }
            globals.global(global, &chain);
        }
        "tables" => {
            for _ in 0..count {
                tables.table(table(0, RefType::FUNCREF));
            }
        }
        "types of 1,000 values" => {
            for at in 0..count {
                let params =
                    (0..1000).map(|bit| match (at + 1).checked_shr(bit).unwrap_or(0) & 1 {
                        0 => ValType::I32,
                        _ => ValType::I64,
                    });
                types.ty().function(params, []);
            }
        }
        "exported functions of 1,000 results" => {
            types.ty().function([], vec![ValType::I32; 1000]);
            for at in 1..=count {
                functions.function(1);
                let mut function = Function::new([]);
                function.instructions().unreachable().end();
                code.function(&function);
                exports.export(&at.to_string(), ExportKind::Func, at);
            }
        }
        "tags" => {
            for _ in 0..count {
                tags.tag(TagType { kind: TagKind::Exception, func_type_idx: 0 });
            }
        }
        "exports" => {
            for at in 0..count {
                exports.export(&at.to_string(), ExportKind::Func, 0);
            }
        }
        "data, passive" => {
            for _ in 0..count {
                data.passive([1]);
            }
        }
        "data, active" => {
            for _ in 0..count {
                data.active(0, &zero, [1]);
            }
        }
        "data at a global, active" => {
            imports.import(
                "a",
                "b",
                EntityType::Global(wasm_encoder::GlobalType { mutable: false, ..global }),
            );
            for _ in 0..count {
                data.active(0, &ConstExpr::global_get(0), [1]);
            }
        }
        other => panic!("{other}"),
    }
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&tables);
    module.section(&memories).section(&tags).section(&globals).section(&exports);
    module.section(&elements).section(&code).section(&data);
    module.finish()
}

pub(super) const SECTIONS: [(&str, [u32; 2]); 27] = [
    ("types", [10_000, 50_000]),
    ("equal types", [10_000, 100_000]),
    ("function imports", [10_000, 100_000]),
    ("global imports", [10_000, 100_000]),
    ("items, passive", [10_000, 100_000]),
    ("items, active", [10_000, 100_000]),
    ("items, declared", [100_000, 1_000_000]),
    ("items of many functions, active", [5_000, 20_000]),
    ("expressions, passive", [10_000, 100_000]),
    ("expressions, active", [10_000, 100_000]),
    ("segments, passive", [10_000, 50_000]),
    ("segments, active", [10_000, 50_000]),
    ("segments at a global, active", [2_000, 20_000]),
    ("globals", [10_000, 50_000]),
    ("globals of functions", [10_000, 50_000]),
    ("operators of one global", [10_000, 100_000]),
    ("tables", [20, 100]),
    ("types of 1,000 values", [500, 2_000]),
    ("exported functions of 1,000 results", [100, 500]),
    ("tags", [10_000, 100_000]),
    ("exports", [10_000, 100_000]),
    ("data, passive", [10_000, 50_000]),
    ("data, active", [10_000, 50_000]),
    ("data at a global, active", [2_000, 20_000]),
    ("items, passive", [2_000, 250_000]),
    ("canonical functions", [1_000, 10_000]),
    ("component types", [10_000, 100_000]),
];
