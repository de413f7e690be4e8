// The command `caxton`, which the package brings along; what it does is tested in `cli`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const manifest = JSON.parse(readFileSync(path("../package.json"), "utf8"));
const command = path(`../${manifest.bin.caxton}`);
const run = (...args) =>
  spawnSync(process.execPath, [command, ...args], { encoding: "utf8", timeout: 60_000 });

test("it runs an agent", () => {
  const content = { action: "process_data", data: { operation: "uppercase", data: "hello" } };
  const agent = path("../../tests/agents/build/rust.wasm");
  const done = run("run-agent", agent, "--json", "--message", JSON.stringify(content));
  assert.equal(done.status, 0, done.stderr);
  assert.equal(JSON.parse(done.stdout).content.result.result, "HELLO");
});

test("its exit code is that of the command", () => {
  const done = run("inspect", "nowhere.wasm");
  assert.equal(done.status, 3);
  assert.match(done.stderr, /nowhere\.wasm/);
});

test("it is a program of its own", () => {
  assert.match(readFileSync(command, "utf8"), /^#!\/usr\/bin\/env node\n/);
});
