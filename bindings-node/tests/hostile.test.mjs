// Runs the cases of tests/hostile, which every language runs: modules and agents that mean harm, while
// honest ones keep answering. See the README there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { besideCases, runBeside } from "./beside.mjs";
import { only } from "./expect.mjs";
import { folder, modules } from "./hostile-modules.mjs";
import { Stage } from "./stage.mjs";

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

for (const testCase of besideCases) test(`beside ${testCase.name}`, () => runBeside(testCase));

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
