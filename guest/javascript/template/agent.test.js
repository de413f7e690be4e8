// Tests of the agent without the runtime: the host is a mock.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { HostError } from "caxton-sdk";
import { MockHost } from "caxton-sdk/testing";

import { agent } from "./agent.js";

const LIMIT_EXCEEDED = { error: new HostError("", "limit_exceeded").text };

let host;

beforeEach(() => {
  host = new MockHost(agent);
});

/** Delivers a message; the agent's code, and the act and the content of its only answer. */
function deliver(performative, content) {
  return [host.deliver({ performative, content, reply_with: "1" }), ...answer()];
}

function answer() {
  assert.equal(host.sent.length, 1);
  const { performative, receiver, inReplyTo, content } = host.sent.pop();
  assert.deepEqual([receiver, inReplyTo], ["tester", "1"]);
  return [performative, content];
}

test("it says that it is ready, and what it can do", () => {
  assert.deepEqual(host.logs, [{ level: "info", line: "my-agent is ready" }]);
  assert.deepEqual(host.capabilities(), {
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
  assert.equal(host.value("greeted"), 2);
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
  host.fail("storeData", "limit_exceeded");
  const answered = deliver("request", { action: "greet", name: "Ada" });
  assert.deepEqual(answered, [1, "failure", LIMIT_EXCEEDED]);
});

test("it reminds", () => {
  const order = { action: "remind", after_micros: 1000, text: "tea" };
  assert.deepEqual(deliver("request", order), [0, "agree", undefined]);
  const [[timer, micros]] = host.timers;
  assert.equal(micros, 1000);
  assert.deepEqual([...host.stored.keys()], [`reminder:${timer}`]);
  // What waits is stored, so a fresh instance goes on.
  host.restart();
  host.advance(999);
  assert.deepEqual(host.sent, []);
  host.advance(1);
  assert.equal(host.code, 0);
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
  for (const call of ["setTimer", "storeData"]) {
    host.fail(call, "limit_exceeded");
    const order = { action: "remind", after_micros: 1000, text: "tea" };
    assert.deepEqual(deliver("request", order), [1, "failure", LIMIT_EXCEEDED]);
    assert.deepEqual([host.timers.size, host.stored.size], [0, 0]);
    host.fail(call);
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
  assert.equal(host.deliver("{"), 1);
  const { level, line } = host.logs.at(-1);
  assert.equal(level, "error");
  assert.match(line, /^the message cannot be read: /);
  assert.deepEqual(host.sent, []);
});
