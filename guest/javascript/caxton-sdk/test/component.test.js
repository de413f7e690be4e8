import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Agent, load, log, store } from "../src/index.js";
import { component } from "../src/component.js";
import { completeEngine, seededRandom } from "../src/engine.js";
import { attach } from "../src/host.js";

/** The functions that a component imports, as far as they are needed here. */
function imported() {
  const lines = [];
  const stored = new Map();
  let random = 0;
  return {
    lines,
    log: (level, line) => lines.push([level, line]),
    consoleError: (line) => lines.push(["error", line]),
    storeData: (key, value) => void stored.set(key, value),
    loadData: (key) => stored.get(key) ?? null,
    currentTimestamp: () => 1,
    randomU32: () => (random += 12345),
    sendMessage: () => {
      throw Object.assign(new Error("mailbox-full"), { payload: "mailbox-full" });
    },
  };
}

function keepingMath(work) {
  const { random } = Math;
  try {
    return work();
  } finally {
    Math.random = random;
  }
}

test("the host is there from the first call on, and not while the agent is built", () => {
  assert.throws(() => load("config"), /while the agent was being built/);
  keepingMath(() => {
    const agent = new Agent({ services: [{ name: "tea" }] });
    agent.onInit(() => {
      store("ready", true);
      log("info", String(load("ready")));
    });
    const host = imported();
    const exported = component(agent, host);
    assert.throws(() => load("config"), /while the agent was being built/);
    assert.equal(exported.agentInit(), 0);
    assert.deepEqual(host.lines, [["info", "true"]]);
    assert.equal(exported.getCapabilities(), '{"services":[{"name":"tea"}]}');
    assert.equal(exported.handleMessage('{"performative":"inform"}'), 0);
    assert.equal(exported.handleMessage('{"performative":"cfp","sender":"a"}'), 1);
    const line =
      "the answer not-understood to a was not sent: mailbox full: the receiver has no room now; try again later";
    assert.deepEqual(host.lines.at(-1), ["error", line]);
    assert.equal(exported.handleTimer(1), 0);
    assert.equal(exported.agentShutdown(), undefined);
  });
});

const shared = new URL("../../../wit/agent.wit", import.meta.url);
const skip = existsSync(shared) ? false : "this is a copy of the kit, without the others";

test("the interface is that of all kits", { skip }, () => {
  const ours = new URL("../wit/agent.wit", import.meta.url);
  assert.equal(readFileSync(ours, "utf8"), readFileSync(shared, "utf8"));
});

test("what is no agent cannot become a component", () => {
  assert.throws(() => component({}, imported()), /has to export `agent`/);
});

test("the engine gets a console that writes to the log", () => {
  const host = imported();
  attach(host);
  const { console: kept } = globalThis;
  keepingMath(() => {
    try {
      delete globalThis.console;
      completeEngine();
      const itself = {};
      itself.itself = itself;
      console.log("a", 1, null, { b: [2] }, 3n, undefined);
      console.warn("w");
      console.error(new TypeError("e"));
      console.debug(itself);
      console.trace("t");
      console.info("i");
    } finally {
      globalThis.console = kept;
    }
  });
  assert.deepEqual(host.lines[0], ["info", 'a 1 null {"b":[2]} 3 undefined']);
  assert.match(host.lines[2][1], /^TypeError: e\n/);
  assert.deepEqual(
    host.lines.map(([level]) => level),
    ["info", "warn", "error", "debug", "trace", "info"],
  );
});

test("chance is seeded by the host", () => {
  attach(imported());
  const [one, other] = [seededRandom(), seededRandom()];
  const numbers = Array.from({ length: 1000 }, one);
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.equal(new Set(numbers).size, 1000);
  const mean = numbers.reduce((sum, number) => sum + number) / numbers.length;
  assert.ok(mean > 0.45 && mean < 0.55);
  assert.notEqual(other(), numbers[0]);
});
