// Runs the cases of tests/hostile, which every language runs: modules and agents that mean harm, while
// honest ones keep answering. See the README there.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";
import { test } from "node:test";
import { only } from "./expect.mjs";
import { Stage } from "./stage.mjs";
import { testsFolder } from "./support.mjs";

const folder = join(testsFolder, "hostile");
const HONEST = Array.from({ length: 10 }, (_, n) => `honest-${n}`);
/** The deadline of each honest ask, in milliseconds. */
const DEADLINE = 5000;
/** How long closing may take, in seconds, where a case says nothing else. */
const CLOSE = 10;
const DEPLOYMENT = [
  "limits",
  "content_limits",
  "compile_limits",
  "capabilities",
  "restart",
  "config",
];
const MODULE = ["module", "generate", "bytes"];
const CASE = ["name", "deploy_error", "answers", "steps", "stats", "state", "logs", "close"];

for (const testCase of JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"))) {
  test(testCase.name, async () => {
    only(testCase, [...CASE, ...MODULE, ...DEPLOYMENT]);
    const stage = new Stage({ runtime: { workers: 2 }, modules: modules(testCase) });
    const { runtime } = stage;
    try {
      await runtime.deployMany(readFileSync(join(folder, "honest.wat")), HONEST);
      const asker = keepAsking(runtime);
      try {
        await stage.run(steps(testCase), "step ");
      } finally {
        asker.stopped = true;
      }
      await asker.ended;
      for (const name of HONEST) await askHonest(runtime, name);
    } finally {
      const timeout = (testCase.close ?? CLOSE) * 1000;
      const begun = Date.now();
      await runtime.close({ timeout });
      const took = Date.now() - begun;
      assert.ok(took < timeout + DEADLINE, `closing took ${took} ms`);
    }
  });
}

/** Asks the honest agents in turn until it is stopped; `ended` rejects if one did not answer. */
function keepAsking(runtime) {
  const asker = { stopped: false };
  const ask = async () => {
    while (!asker.stopped) {
      for (const name of HONEST) await askHonest(runtime, name);
    }
  };
  asker.ended = ask();
  // Looked at when the case is through.
  asker.ended.catch(() => {});
  return asker;
}

async function askHonest(runtime, name) {
  const message = { performative: "request", receiver: name, reply_with: "honest" };
  const reply = await runtime.ask(message, { timeout: DEADLINE });
  assert.deepEqual([reply.sender, reply.content], [name, "honest"]);
}

/** The modules of the folder, and the one that the case brings along. */
function modules({ generate: spec }) {
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
function generate(kind, count) {
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
  };
  const handler = '(func (export "handle_message") (param i32 i32) (result i32) (i32.const 7))';
  return `(module ${kinds[kind]()} (memory (export "memory") 1) ${handler})`;
}

/** The case as steps of the conformance cases: its short forms are written out. */
function steps(testCase) {
  const { name } = testCase;
  const written = [];
  if (MODULE.some((key) => key in testCase)) {
    const module =
      "bytes" in testCase ? `bytes:${testCase.bytes}` : (testCase.module ?? "generated");
    const options = DEPLOYMENT.filter((key) => key in testCase).map((key) => [key, testCase[key]]);
    const deploy = { name, module, ...Object.fromEntries(options) };
    written.push({ deploy, error: testCase.deploy_error });
  }
  const ask = { performative: "request", receiver: name, reply_with: "r1" };
  for (const expect of testCase.answers ?? []) written.push({ ask, expect });
  written.push(...(testCase.steps ?? []));
  for (const key of ["stats", "state", "logs"]) {
    if (key in testCase) written.push({ [key]: name, expect: testCase[key], eventually: true });
  }
  return written;
}
