// The modules of tests/hostile: those of the folder, and those that are too long for a file.
import { readdirSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";
import { testsFolder } from "./support.mjs";

export const folder = join(testsFolder, "hostile");

/** The modules of the folder, and the one that the case brings along. */
export function modules({ generate: spec }) {
  const prelude = readFileSync(join(folder, "prelude.wat"), "utf8");
  const found = {};
  for (const file of readdirSync(join(folder, "modules"))) {
    const text = readFileSync(join(folder, "modules", file), "utf8");
    found[parse(file).name] = [text.replace(";; prelude", () => prelude)];
  }
  if (spec !== undefined) found.generated = [generate(...Object.entries(spec)[0])];
  return found;
}

/** A module that is too long to be kept as a file. */
export function generate(kind, count) {
  const long = () => "x".repeat(count);
  const kinds = {
    functions: () => "(func)".repeat(count),
    padding: () => `;;${long()}\n`,
    long_export: () => `(func (export "${long()}"))`,
    long_import: () => `(import "caxton" "${long()}" (func))`,
    long_function_name: () => `(func $${long()})`,
    imports: () => `(import "caxton" "${"x".repeat(50_000)}" (func))`.repeat(count),
    bindgen_imports: () => '(import "wbg" "f" (func))'.repeat(count),
    blocks: () => `(func ${"block ".repeat(count)} ${"end ".repeat(count)})`,
    loops_with_locals: () => {
      const add = (_, at) => `(local.set ${at} (i32.add (local.get ${at}) (i32.const 1)))`;
      const adds = Array.from({ length: count }, add).join("");
      const ends = "(br_if 0 (local.get 0)) end ".repeat(count);
      return `(func (local ${"i32 ".repeat(count)}) ${"loop ".repeat(count)} ${adds} ${ends})`;
    },
    empty_loops: () => `(func ${"loop end ".repeat(count)})`,
    loops_with_parameters: () =>
      `(func ${"i32.const 1 i32.const 2 loop (param i32 i32) drop drop end ".repeat(count)})`,
    additions: () => `(func i32.const 0 ${"i32.const 1 i32.add ".repeat(count)} drop)`,
    element_items: () => `(func) (elem func ${"0 ".repeat(count)})`,
    element_expressions: () => {
      const expressions = "(item ref.func 0) (item ref.null func) ".repeat(count / 2);
      return `(func) (elem funcref ${expressions})`;
    },
    types: () => {
      const digits = ["i32", "i64", "f32", "f64"];
      const params = (at) =>
        Array.from({ length: 9 }, (_, place) => digits[Math.floor(at / 4 ** place) % 4]).join(" ");
      const type = (_, at) => `(type (func (param ${params(at)})))`;
      return Array.from({ length: count }, type).join("");
    },
    constant_expression: () => `(global i32 i32.const 0 ${"i32.const 1 i32.add ".repeat(count)})`,
    computed_globals: () => `(func) ${"(global funcref (ref.func 0))".repeat(count)}`,
    computed_data: () => '(data (offset i32.const 0 i32.const 0 i32.add) "x")'.repeat(count),
    clauses: () => {
      const half = "(catch $tag $caught)".repeat(count / 2);
      const inner = `(try_table ${half} (try_table ${half} (throw $tag)))`;
      return `(tag $tag) (func (block $caught ${inner}))`;
    },
    calls_in_try: () => {
      const each = (length, part) => Array.from({ length }, (_, at) => part(at)).join("");
      const begin = each(100, (at) => `(local.set ${at} (i32.load (i32.const ${at})))`);
      const calls = each(count, (at) => `(local.set ${at % 100} (call $f))`);
      const end = each(100, (at) => `(i32.store (i32.const ${at}) (local.get ${at}))`);
      const inner = `(block $caught (try_table (catch $tag $caught) ${calls}))`;
      const callee = "(func $f (result i32) (throw $tag))";
      return `(tag $tag) ${callee} (func (local ${"i32 ".repeat(100)}) ${begin} ${inner} ${end})`;
    },
    branch_table_entries: () => {
      const one = `(block (br_table ${"0 ".repeat(1000)} (local.get 0)))`;
      return `(func (param i32) ${one.repeat(count / 1000)})`;
    },
  };
  const handler = '(func (export "handle_message") (param i32 i32) (result i32) (i32.const 7))';
  return `(module ${kinds[kind]()} (memory (export "memory") 1) ${handler})`;
}
