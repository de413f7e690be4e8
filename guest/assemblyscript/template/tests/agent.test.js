// Tests of the agent without the runtime: the host is a mock.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MockHost } from "caxton-sdk/testing";

const LIMIT_EXCEEDED =
  "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more";

let host;

beforeEach(() => {
  host = MockHost.load(new URL("../my-agent.wasm", import.meta.url));
});

/** Delivers a message; the agent's code, and the act and the content of its only answer. */
function deliver(performative, content) {
  host.clear();
  const code = host.deliver({ performative, content, reply_with: "1" });
  return [code, ...answer()];
}

function answer() {
  assert.equal(host.sent.length, 1);
  const [{ performative, receiver, in_reply_to, content }] = host.sent;
  assert.deepEqual([receiver, in_reply_to], ["tester", "1"]);
  return [performative, content];
}

test("it says that it is ready, and what it can do", () => {
  assert.deepEqual(host.logs, [{ level: "info", line: "my-agent is ready" }]);
  assert.deepEqual(host.capabilities, {
    version: "0.1.0",
    performatives: ["request"],
    services: [{ name: "greeting" }],
  });
});

test("it greets and counts", () => {
  for (const [greeted, name] of [
    [1, "Ada"],
    [2, 'Zoë "🙂"'],
  ]) {
    const result = { greeting: `Hello, ${name}!`, greeted };
    assert.deepEqual(deliver("request", { action: "greet", name }), [0, "inform", { result }]);
    host.restart();
  }
  assert.equal(host.load("greeted"), 2);
});

test("it needs a name", () => {
  const error = 'Expected a name, as in {"action": "greet", "name": "Ada"}';
  for (const content of [{}, { name: "" }, { name: 5 }, { name: null }]) {
    const answered = deliver("request", { action: "greet", ...content });
    assert.deepEqual(answered, [1, "failure", { error }]);
  }
  assert.equal(host.stored.size, 0);
});

test("it fails where it cannot count", () => {
  host.fail("store_data");
  const answered = deliver("request", { action: "greet", name: "Ada" });
  assert.deepEqual(answered, [1, "failure", { error: LIMIT_EXCEEDED }]);
});

test("it reminds", () => {
  const order = { action: "remind", after_micros: 1000, text: "tea" };
  assert.deepEqual(deliver("request", order), [0, "agree", undefined]);
  const [[timer, { delay }]] = host.timers;
  assert.equal(delay, 1000);
  assert.deepEqual([...host.stored.keys()], [`reminder:${timer}`]);
  // What waits is stored, so a fresh instance goes on.
  host.restart();
  host.clear();
  assert.deepEqual(host.advance(999), []);
  assert.deepEqual(host.advance(1), [0]);
  assert.deepEqual(answer(), ["inform", { result: { reminder: "tea" } }]);
  assert.equal(host.stored.size, 0);
});

test("it needs microseconds and a text", () => {
  const error =
    'Expected microseconds and a text, as in {"action": "remind", "after_micros": 1000, "text": "tea"}';
  const wrong = [
    { text: "tea" },
    { after_micros: -1, text: "tea" },
    { after_micros: 1.5, text: "tea" },
    { after_micros: "1000", text: "tea" },
    { after_micros: 2 ** 53, text: "tea" },
    { after_micros: 1000 },
    { after_micros: 1000, text: 5 },
  ];
  for (const content of wrong) {
    const order = { action: "remind", ...content };
    assert.deepEqual(deliver("request", order), [1, "failure", { error }]);
  }
  assert.equal(host.timers.size, 0);
});

test("it fails where it cannot remind", () => {
  for (const name of ["set_timer", "store_data"]) {
    host.fail(name);
    const order = { action: "remind", after_micros: 1000, text: "tea" };
    assert.deepEqual(deliver("request", order), [1, "failure", { error: LIMIT_EXCEEDED }]);
    assert.deepEqual([host.timers.size, host.stored.size], [0, 0]);
    host.recover();
  }
});

test("it understands no other actions and acts", () => {
  const notUnderstood = (error) => [1, "not-understood", { error }];
  const dance = deliver("request", { action: "dance" });
  assert.deepEqual(dance, notUnderstood("Unknown action: dance"));
  for (const content of [{}, { action: 5 }, "greet", null])
    assert.deepEqual(deliver("request", content), notUnderstood("No action given"));
  for (const act of ["query-if", "agree", "refuse"]) {
    const answered = deliver(act, { action: "greet", name: "Ada" });
    assert.deepEqual(answered, notUnderstood(`Unsupported performative: ${act}`));
  }
});

test("it does not answer what ends an exchange", () => {
  for (const performative of ["inform", "failure", "not-understood"])
    assert.equal(host.deliver({ performative, content: { action: "greet" } }), 0);
  assert.deepEqual(host.sent, []);
});

test("it logs what it cannot read", () => {
  host.clear();
  assert.equal(host.deliver("{"), 1);
  assert.equal(host.logs[0].level, "error");
  assert.match(host.logs[0].line, /^the message cannot be read: /);
  assert.deepEqual(host.sent, []);
});

test("it needs little memory", () => {
  assert.ok(host.memoryBytes < 1 << 18, `${host.memoryBytes} bytes`);
});
