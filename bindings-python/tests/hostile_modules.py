"""The modules of tests/hostile: those of the folder, and those that are too long for a file."""

from __future__ import annotations

from functools import cache
from typing import Any

from conftest import ROOT

FOLDER = ROOT / "tests" / "hostile"
HANDLER = '(func (export "handle_message") (param i32 i32) (result i32) (i32.const 7))'


@cache
def written() -> dict[str, list[str]]:
    """The modules of the folder, with the prelude in its place."""
    prelude = (FOLDER / "prelude.wat").read_text()
    return {
        path.stem: [path.read_text().replace(";; prelude", prelude, 1)]
        for path in (FOLDER / "modules").glob("*.wat")
    }


def modules(case: dict[str, Any]) -> dict[str, list[str]]:
    if "generate" not in case:
        return written()
    ((kind, count),) = case["generate"].items()
    return {**written(), "generated": [generate(kind, count)]}


def generate(kind: str, count: int) -> str:
    """A module that is too long to be kept as a file."""
    long = "x" * count
    match kind:
        case "functions":
            parts = "(func)" * count
        case "padding":
            parts = f";;{long}\n"
        case "long_export":
            parts = f'(func (export "{long}"))'
        case "long_import":
            parts = f'(import "caxton" "{long}" (func))'
        case "long_function_name":
            parts = f"(func ${long})"
        case "imports":
            parts = f'(import "caxton" "{"x" * 50_000}" (func))' * count
        case "bindgen_imports":
            parts = '(import "wbg" "f" (func))' * count
        case "blocks":
            parts = f"(func {'block ' * count} {'end ' * count})"
        case "loops_with_locals":
            adds = "".join(
                f"(local.set {at} (i32.add (local.get {at}) (i32.const 1)))" for at in range(count)
            )
            ends = "(br_if 0 (local.get 0)) end " * count
            parts = f"(func (local {'i32 ' * count}) {'loop ' * count} {adds} {ends})"
        case "empty_loops":
            parts = f"(func {'loop end ' * count})"
        case "loops_with_parameters":
            one = "i32.const 1 i32.const 2 loop (param i32 i32) drop drop end "
            parts = f"(func {one * count})"
        case "additions":
            parts = f"(func i32.const 0 {'i32.const 1 i32.add ' * count} drop)"
        case "element_items":
            parts = f"(func) (elem func {'0 ' * count})"
        case "element_expressions":
            expressions = "(item ref.func 0) (item ref.null func) " * (count // 2)
            parts = f"(func) (elem funcref {expressions})"
        case "types":
            digits = ["i32", "i64", "f32", "f64"]
            params = (
                " ".join(digits[at // 4**place % 4] for place in range(9)) for at in range(count)
            )
            parts = "".join(f"(type (func (param {one})))" for one in params)
        case "constant_expression":
            parts = f"(global i32 i32.const 0 {'i32.const 1 i32.add ' * count})"
        case "computed_globals":
            parts = f"(func) {'(global funcref (ref.func 0))' * count}"
        case "computed_data":
            parts = '(data (offset i32.const 0 i32.const 0 i32.add) "x")' * count
        case "clauses":
            half = "(catch $tag $caught)" * (count // 2)
            inner = f"(try_table {half} (try_table {half} (throw $tag)))"
            parts = f"(tag $tag) (func (block $caught {inner}))"
        case "calls_in_try":
            begin = "".join(f"(local.set {at} (i32.load (i32.const {at})))" for at in range(100))
            calls = "".join(f"(local.set {at % 100} (call $f))" for at in range(count))
            end = "".join(f"(i32.store (i32.const {at}) (local.get {at}))" for at in range(100))
            inner = f"(block $caught (try_table (catch $tag $caught) {calls}))"
            parts = (
                "(tag $tag) (func $f (result i32) (throw $tag)) "
                f"(func (local {'i32 ' * 100}) {begin} {inner} {end})"
            )
        case "branch_table_entries":
            one = f"(block (br_table {'0 ' * 1000} (local.get 0)))"
            parts = f"(func (param i32) {one * (count // 1000)})"
        case _:
            raise AssertionError(f"unknown module {kind}")
    return f'(module {parts} (memory (export "memory") 1) {HANDLER})'
