#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use proptest::prelude::*;
use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};

use super::{PIECE, in_pieces};

/// Bytes of the memory, and of the data segment.
const MEMORY: u32 = 32 << 16;
const SEGMENT: u32 = 3 * PIECE + 17;

fn module() -> Vec<u8> {
    let data: String = (0..SEGMENT).map(|at| format!("\\{:02x}", at % 251)).collect();
    let text = format!(
        r#"(module
            (memory (export "memory") {})
            (data (i32.const 0) "active")
            (data $big "{data}")
            (data $small "small")
            (func (export "copy") (param i32 i32 i32)
                (memory.copy (local.get 0) (local.get 1) (local.get 2)))
            (func (export "fill") (param i32 i32 i32)
                (memory.fill (local.get 0) (local.get 1) (local.get 2)))
            (func (export "init") (param i32 i32 i32)
                (memory.init $big (local.get 0) (local.get 1) (local.get 2)))
            (func (export "small") (param i32 i32 i32)
                (memory.init $small (local.get 0) (local.get 1) (local.get 2)))
            (func (export "drop") (param i32 i32 i32) (data.drop $big)))"#,
        MEMORY >> 16
    );
    wat::parse_str(text).unwrap()
}

/// An instance, with what it can do by name.
struct Guest {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Guest {
    fn new(engine: &Engine, module: &Module) -> Self {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Guest { store, instance, memory }
    }

    /// What it said: nothing, or why it trapped.
    fn call(&mut self, name: &str, (to, from, bytes): (u32, u32, u32)) -> Option<wasmtime::Trap> {
        let function: TypedFunc<(u32, u32, u32), ()> =
            self.instance.get_typed_func(&mut self.store, name).unwrap();
        let error = function.call(&mut self.store, (to, from, bytes)).err()?;
        Some(*error.downcast_ref().unwrap())
    }
}

fn both() -> (Guest, Guest) {
    let engine = Engine::default();
    let wasm = module();
    let (old, new) = (Module::new(&engine, &wasm), Module::new(&engine, in_pieces(&wasm).unwrap()));
    (Guest::new(&engine, &old.unwrap()), Guest::new(&engine, &new.unwrap()))
}

/// Places and lengths around everything at which something changes.
fn place() -> impl Strategy<Value = u32> {
    let edges = [0, PIECE, 2 * PIECE, 3 * PIECE, SEGMENT, MEMORY - PIECE, MEMORY, u32::MAX];
    let near = (proptest::sample::select(edges.to_vec()), -3..3i32);
    prop_oneof![near.prop_map(|(edge, by)| edge.wrapping_add_signed(by)), 0..MEMORY]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn memory_is_what_it_would_be_and_so_are_traps(
        steps in prop::collection::vec(
            (proptest::sample::select(vec!["copy", "fill", "init", "small"]), place(), place(), place()),
            1..40,
        ),
        is_dropped in any::<bool>(),
    ) {
        let (mut old, mut new) = both();
        for (name, to, from, bytes) in steps {
            let trap = old.call(name, (to, from, bytes));
            prop_assert_eq!(new.call(name, (to, from, bytes)), trap, "{} {} {} {}", name, to, from, bytes);
            prop_assert!(old.memory.data(&old.store) == new.memory.data(&new.store));
        }
        if is_dropped {
            old.call("drop", (0, 0, 0));
            new.call("drop", (0, 0, 0));
            for bytes in [0, 1, PIECE + 1] {
                prop_assert_eq!(new.call("init", (0, 0, bytes)), old.call("init", (0, 0, bytes)));
            }
        }
    }
}

#[test]
fn what_is_known_to_be_short_stays_as_it_is() {
    let wasm = wat::parse_str(format!(
        "(module (memory 10) (func (param i32)
            (memory.fill (local.get 0) (i32.const 1) (i32.const {PIECE}))
            (memory.copy (local.get 0) (i32.const 1) (i32.const 8))))"
    ))
    .unwrap();
    assert_eq!(in_pieces(&wasm).unwrap(), wasm);
    let long = PIECE + 1;
    for length in
        [format!("(i32.const {long})"), "(local.get 0)".to_owned(), "(i32.const -1)".to_owned()]
    {
        let text = format!(
            "(module (memory 10) (func (param i32) (memory.fill (i32.const 0) (i32.const 1) {length})))"
        );
        let wasm = wat::parse_str(text).unwrap();
        assert_ne!(in_pieces(&wasm).unwrap(), wasm, "{length}");
    }
}

#[test]
fn a_module_stays_valid_that_has_much_beside() {
    for text in [
        // Without types or functions of its own.
        r#"(module (import "a" "b" (func)) (memory 1))"#,
        // Names, a table with the functions, a start, an import of the same type.
        r#"(module $name
            (import "a" "b" (func $imported (param i32 i32 i32)))
            (table 2 funcref) (elem (i32.const 0) $imported $own)
            (memory 1)
            (func $own (param i32) (memory.copy (i32.const 0) (i32.const 0) (local.get 0)))
            (func $start (call $own (i32.const 1)))
            (start $start))"#,
    ] {
        let wasm = wat::parse_str(text).unwrap();
        wasmparser::validate(&in_pieces(&wasm).unwrap()).unwrap();
    }
}

#[test]
fn a_trap_names_what_was_done() {
    let (_, mut new) = both();
    let function: TypedFunc<(u32, u32, u32), ()> =
        new.instance.get_typed_func(&mut new.store, "fill").unwrap();
    let error = function.call(&mut new.store, (0, 0, MEMORY + 1)).unwrap_err();
    assert!(format!("{error:?}").contains("memory.fill"), "{error:?}");
}
