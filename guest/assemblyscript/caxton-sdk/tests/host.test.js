// The host's functions through the kit, and the mock host.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AgentTrapped, MockHost } from "caxton-sdk/testing";

import { ask, built, loadProbe } from "./probe.js";

const call = (host, name, arguments_ = {}) =>
  ask(host, { action: "host", call: name, ...arguments_ });
const send = (host, message, rest = {}) =>
  host.deliver({ performative: "request", content: { action: "send", message, ...rest } });

test("values are stored as JSON", () => {
  const host = loadProbe();
  for (const value of [5, "Zoë 🎈", [1, { a: null }], true, null]) {
    assert.equal(call(host, "store", { value }), 0);
    assert.deepEqual(call(host, "load"), value);
    assert.deepEqual(host.load("key"), value);
  }
  assert.equal(call(host, "load", { key: "other" }), null);
  host.stored.set("key", new TextEncoder().encode("{"));
  assert.equal(call(host, "load"), null);
  assert.deepEqual(host.logs.at(-1), {
    level: "error",
    line: 'what is stored under "key" cannot be read: expected a name in quotes, and it ends there',
  });
  host.stored.set("key", Uint8Array.of(0xff));
  assert.equal(call(host, "load"), null);
  assert.match(host.logs.at(-1).line, /its byte 0 is no UTF-8/);
});

test("bytes are stored", () => {
  const host = loadProbe();
  assert.equal(call(host, "data_size"), -1);
  assert.equal(call(host, "load_data"), null);
  assert.equal(call(host, "delete_data"), -1);
  assert.equal(call(host, "store_data", { number: 3 }), 0);
  assert.equal(call(host, "data_size"), 3);
  assert.deepEqual(call(host, "load_data"), [7, 7, 7]);
  assert.deepEqual([...host.stored], [["key", Uint8Array.of(7, 7, 7)]]);
  assert.equal(call(host, "store_data", { number: 0 }), 0);
  assert.deepEqual(call(host, "load_data"), []);
  assert.equal(call(host, "delete_data"), 0);
  assert.equal(host.stored.size, 0);
});

test("stored data has a limit", () => {
  const host = loadProbe({ limits: { max_storage_bytes: 10 } });
  assert.equal(call(host, "store_data", { number: 8 }), -4);
  assert.equal(call(host, "store_data", { number: 7 }), 0);
  assert.equal(call(host, "store_data", { number: 6 }), 0);
  assert.equal(call(host, "data_size", { key: "x".repeat(5000) }), -2);
});

test("the clock, chance and sleep", () => {
  const host = loadProbe({ now: 1000, random: () => 0xffffffff });
  assert.equal(call(host, "now"), 1000);
  assert.equal(call(host, "random"), 0xffffffff);
  call(host, "sleep", { number: 500 });
  assert.equal(call(host, "now"), 1500);
  assert.throws(() => call(host, "sleep", { number: 1_000_001 }), {
    name: "AgentTrapped",
    kind: "time",
  });
  const numbers = [loadProbe(), loadProbe()].map((probe) => [
    call(probe, "random"),
    call(probe, "random"),
  ]);
  assert.deepEqual(numbers[0], numbers[1]);
  assert.notEqual(numbers[0][0], numbers[0][1]);
});

test("timers fire when the clock has come so far, in their order", () => {
  const host = loadProbe();
  const late = call(host, "set_timer", { number: 2000 });
  const early = call(host, "set_timer", { number: 1000 });
  const ended = call(host, "set_timer", { number: 500 });
  assert.ok(late > 0 && early > 0);
  assert.equal(call(host, "cancel_timer", { number: ended }), 0);
  assert.equal(call(host, "cancel_timer", { number: ended }), -1);
  assert.deepEqual(host.timers.get(early), { delay: 1000, due: host.now + 1000 });
  assert.deepEqual(host.advance(999), []);
  assert.deepEqual(host.advance(1), [early]);
  assert.deepEqual(host.advance(5000), [late]);
  assert.equal(host.timers.size, 0);
  assert.equal(host.load("fired"), late);
});

test("a timer may be refused", () => {
  const host = loadProbe({ limits: { max_timers: 1 } });
  assert.equal(call(host, "set_timer", { number: -1 }), 0);
  assert.match(host.logs.at(-1).line, /-1 microseconds have passed already/);
  assert.ok(call(host, "set_timer", { number: 0 }) > 0);
  assert.equal(call(host, "set_timer", { number: 0 }), 0);
  assert.deepEqual(host.logs.at(-1), {
    level: "warn",
    line: "a timer was not set: 1 timers are the most",
  });
});

test("lines are logged at their levels", () => {
  const host = loadProbe();
  host.deliver({ performative: "request", content: { action: "log", text: "Zoë \0 🎈" } });
  assert.ok(host.logs.every(({ line }) => line === "Zoë \0 🎈"));
  const levels = ["error", "warn", "info", "debug", "trace"];
  assert.deepEqual(
    host.logs.map(({ level }) => level),
    ["info", "error", ...levels, "info", "error", "warn", "info", "debug", "trace"],
  );
});

test("every code of the host's has a text", () => {
  const texts = ask(loadProbe(), { action: "errors" });
  const starts = [
    "no error",
    "not found",
    "invalid argument",
    "permission denied",
    "limit exceeded",
  ];
  starts.push("buffer too small", "mailbox full", "the host gave the code -7");
  assert.equal(texts.length, starts.length);
  for (const [i, start] of starts.entries()) assert.ok(texts[i].startsWith(start), texts[i]);
});

test("messages are checked as the host does", () => {
  const host = loadProbe();
  const message = { performative: "inform", receiver: "ada" };
  assert.equal(send(host, message), 0);
  assert.equal(send(host, { ...message, performative: "NOT_UNDERSTOOD" }), 0);
  assert.deepEqual(
    host.sent.map(({ performative }) => performative),
    ["inform", "not-understood"],
  );
  assert.equal(send(host, { ...message, performative: "greet" }), -2);
  assert.equal(send(host, { performative: "inform" }), -2);
  assert.equal(send(host, { ...message, reply_by: "tomorrow" }), -2);
  assert.equal(send(host, { ...message, sender: "agent" }), 0);
  assert.equal(send(host, { ...message, sender: "eve" }), -3);
  assert.equal(send(host, { ...message, content: "x".repeat(1 << 20) }), -4);
  assert.equal(host.sent.length, 3);
});

test("only so many messages go out in a second", () => {
  const host = loadProbe();
  const message = { performative: "inform", receiver: "ada" };
  assert.equal(send(host, message, { times: 100 }), 0);
  assert.equal(send(host, message), -4);
  host.advance(10_000);
  assert.equal(send(host, message, { times: 2 }), -4);
  assert.equal(host.sent.length, 101);
});

test("messages to one agent, and to all that match", () => {
  const agents = {
    ada: { capabilities: ["tea", "cake"] },
    bob: { capabilities: ["tea"], services: ["greeting"] },
  };
  const host = loadProbe({ agents });
  const message = { performative: "inform", content: 1 };
  assert.equal(send(host, message, { to: "ada" }), 0);
  assert.equal(host.sent.at(-1).receiver, "ada");
  assert.equal(send(host, message, { to: "eve" }), -1);
  assert.equal(send(host, message, { to: "e".repeat(300) }), -2);
  assert.equal(send(host, message, { filter: {} }), 2);
  assert.equal(host.sent.at(-1).receiver, "*");
  assert.equal(send(host, message, { filter: { capabilities: ["tea", "cake"] } }), 1);
  assert.equal(
    send(host, message, { filter: { services: "greeting", performative: ["INFORM", "cfp"] } }),
    1,
  );
  assert.equal(send(host, message, { filter: { receiver: "ada", services: "greeting" } }), 0);
  assert.equal(send(host, message, { filter: { performative: "cfp" } }), 0);
  assert.equal(send(host, message, { filter: { topic: "tea" } }), 0);
  assert.equal(send(host, message, { filter: { colour: "red" } }), -2);
  assert.equal(send(host, message, { filter: { sender: 5 } }), -2);
  assert.deepEqual(
    host.broadcasts.map(({ receivers }) => receivers),
    [["ada", "bob"], ["ada"], ["bob"], [], [], []],
  );
  assert.equal(send(loadProbe(), message, { to: "anybody" }), 0);
});

test("subscriptions begin and end", () => {
  const host = loadProbe({ limits: { max_subscriptions: 1 } });
  const id = call(host, "subscribe", { value: { topic: "weather" } });
  assert.ok(id > 0);
  assert.deepEqual([...host.subscriptions], [[id, { topic: ["weather"] }]]);
  assert.equal(call(host, "subscribe", { value: {} }), -4);
  assert.equal(call(host, "subscribe", { value: { colour: "red" } }), -2);
  assert.equal(call(host, "unsubscribe", { number: id }), 0);
  assert.equal(call(host, "unsubscribe", { number: id }), -1);
});

test("a test has the host fail", () => {
  const host = loadProbe();
  host.fail("store_data");
  for (let i = 0; i < 3; i++) assert.equal(call(host, "store", { value: 1 }), -4);
  host.recover();
  assert.equal(call(host, "store", { value: 1 }), 0);
  host.fail("load_data", -5, { times: 2 });
  assert.deepEqual([call(host, "load"), call(host, "load"), call(host, "load")], [null, null, 1]);
  host.fail("set_timer");
  assert.equal(call(host, "set_timer", { number: 1 }), 0);
  host.fail("send_local_message", -6);
  assert.equal(send(host, { performative: "inform" }, { to: "ada" }), -6);
  host.fail("data_size", -3);
  host.recover();
  assert.equal(call(host, "data_size"), 1);
  assert.throws(() => host.fail("console_log"), /console_log cannot fail/);
  assert.throws(() => host.fail("store_data", 1), /store_data does not fail by 1/);
});

test("of a dropped turn nothing stays but its lines in the log, and the agent begins anew", () => {
  const host = loadProbe();
  assert.throws(
    () => host.deliver({ performative: "request", content: { action: "trap", text: "no way" } }),
    (error) =>
      error instanceof AgentTrapped &&
      error.kind === "trap" &&
      /it aborted: no way \(.*probe/.test(error.message),
  );
  assert.deepEqual(
    [host.sent, host.sentJson, host.stored.size, host.timers.size, host.subscriptions.size],
    [[], [], 0, 0, 0],
  );
  assert.equal(host.logs.at(-1).line, "before the trap");
  assert.equal(call(host, "store", { value: 1 }), 0);
});

test("a restart keeps what is stored, and what init made is made anew", () => {
  const host = loadProbe({ config: { subscribe: true } });
  const kept = call(host, "set_timer", { number: 5000 });
  call(host, "store", { value: 1 });
  const before = [...host.timers.keys()];
  assert.equal(before.length, 2);
  host.restart();
  assert.equal(host.logs.at(-1).line, "probe stopped");
  assert.equal(call(host, "load"), 1);
  assert.equal(host.subscriptions.size, 1);
  assert.deepEqual(
    [...host.timers.keys()].filter((id) => before.includes(id)),
    [kept],
  );
  assert.equal(host.timers.size, 2);
});

test("capabilities that need more room than the first buffer has are asked for again", () => {
  assert.equal(loadProbe().capabilities.services.length, 100);
});

test("an init that fails is told, and so are wrong options", () => {
  assert.throws(() => loadProbe({ config: { code: 3 } }), {
    kind: "code",
    message: "agent_init gave 3",
  });
  assert.throws(() => loadProbe({ colour: "red" }), /no option is called colour/);
  assert.throws(() => loadProbe({ limits: { colours: 1 } }), /no limit is called colours/);
});

for (const name of ["plain", "plain-runtime"]) {
  test(`an agent without the kit gets its messages whole: ${name}`, () => {
    const host = MockHost.load(built(name));
    const first = "x".repeat(1000);
    for (let i = 0; i < 90; i++) assert.equal(host.deliver(first), 1000);
    for (let i = 0; i < 5; i++) assert.equal(host.deliver("y".repeat(100_000)), 1000);
    assert.equal(host.sent.length, 95);
    assert.deepEqual(host.sent.at(-1), {
      performative: "inform",
      sender: "agent",
      receiver: "host",
      content: 95,
    });
  });
}

test("AssemblyScript's own imports are there", () => {
  const host = MockHost.load(built("plain"));
  assert.equal(host.deliver("host"), 0);
  assert.deepEqual(host.logs, [
    { level: "info", line: "for the console" },
    { level: "trace", line: "a trace 1.5 2" },
  ]);
});

test("what breaks a limit drops the turn", () => {
  const host = MockHost.load(built("plain"), {
    limits: { max_messages_per_second: 1e6, max_memory_bytes: 1 << 20 },
  });
  assert.throws(() => host.deliver("abort"), {
    kind: "trap",
    message: /it aborted: as it was told/,
  });
  assert.throws(() => host.deliver("deep"), { kind: "stack" });
  assert.throws(() => host.deliver("spin"), { kind: "host_calls" });
  assert.throws(() => host.deliver("x".repeat(1 << 19)), { kind: "memory" });
  assert.deepEqual(host.sent, []);
});
