//! Modules with references in every place that may have one.

#![allow(clippy::unwrap_used, reason = "tests fail this way")]

use super::*;

#[test]
fn a_module_with_references_everywhere_is_as_valid_without() {
    let text = r#"(module
        (type $t (func (param externref i64) (result externref)))
        (table $kept 128 externref)
        (table $functions 1 funcref)
        (global $last (mut externref) (ref.null extern))
        (elem (table $kept) (i32.const 0) externref (ref.null extern))
        (elem (table $functions) (i32.const 0) func $f)
        (func $f (type $t) (local externref i32)
            (local.set 2 (select (result externref) (local.get 0) (global.get $last) (i32.const 1)))
            (global.set $last (block (result externref) (loop (result externref) (ref.null extern))))
            (table.set $kept (i32.const 1) (if (result externref) (i32.const 1) (then (local.get 2))
                (else (ref.null extern))))
            (drop (table.grow $kept (ref.null extern) (i32.const 4)))
            (drop (ref.is_null (table.get $kept (i32.const 1))))
            (i32.const 111) drop
            (call_indirect $functions (type $t) (local.get 0) (i64.const 111) (i32.const 0))))"#;
    let wasm = wat::parse_str(text).unwrap();
    let changed = without_externref(wasm.clone());
    assert_eq!(changed.len(), wasm.len());
    let written = |wasm: &[u8]| format!("{:?}", wasmparser::validate(wasm).is_ok());
    assert_eq!(written(&changed), "true");
    assert!(places(&changed).unwrap().is_none(), "there are some left");
    // Nothing else has changed.
    let differ = wasm.iter().zip(&changed).filter(|(a, b)| a != b);
    assert!(differ.clone().all(|(a, b)| (*a, *b) == (EXTERNREF, FUNCREF)));
    assert_eq!(differ.count(), 15);
}

#[test]
fn others_stay_as_they_are() {
    for text in [
        "(module (table 1 funcref) (func (param externref) (result externref) (local.get 0)))",
        "(module)",
    ] {
        let wasm = wat::parse_str(text).unwrap();
        assert_eq!(without_externref(wasm.clone()), wasm);
    }
}
