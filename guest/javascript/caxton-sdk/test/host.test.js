import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as caxton from "../src/index.js";
import { MockHost } from "../src/testing.js";

const { Agent, HostError } = caxton;
const message = (fields) => ({ performative: "inform", receiver: "worker", ...fields });

let host;

beforeEach(() => {
  host = new MockHost(new Agent(), {
    agents: { worker: ["tea", "cake"], other: ["tea"], agent: ["tea"] },
  });
});

const refusedWith = (kind, code) => (error) =>
  error instanceof HostError && error.kind === kind && error.code === code;

test("refusals are errors that say what happened", () => {
  const codes = {
    not_found: -1,
    invalid_argument: -2,
    permission_denied: -3,
    limit_exceeded: -4,
    mailbox_full: -6,
  };
  for (const [kind, code] of Object.entries(codes)) {
    host.fail("sendMessage", kind);
    assert.throws(() => caxton.sendMessage(message()), refusedWith(kind, code));
  }
  host.fail("setTimer", "limit_exceeded");
  assert.throws(
    () => caxton.setTimer(1),
    (error) => {
      assert.equal(error.call, "setTimer");
      assert.match(error.text, /^limit exceeded: /);
      assert.equal(String(error), `HostError: setTimer: ${error.text}`);
      return true;
    },
  );
  host.fail("setTimer");
  assert.ok(caxton.setTimer(1) > 0);
  assert.throws(() => host.fail("set_timer", "not_found"), /no function/);
  assert.throws(() => host.fail("setTimer", "broken"), /errors are/);
});

test("messages are sent as the agent's", () => {
  caxton.sendMessage(message({ content: "Zoë 🦀 \ud800" }));
  caxton.sendLocalMessage("other", { performative: "request" });
  assert.deepEqual(
    host.sent.map(({ sender, receiver }) => [sender, receiver]),
    [
      ["agent", "worker"],
      ["agent", "other"],
    ],
  );
  assert.equal(host.sent[0].content, "Zoë 🦀 \ufffd");
});

test("messages that are none, or another's, are refused", () => {
  assert.throws(
    () => caxton.sendMessage({ performative: "inform" }),
    refusedWith("invalid_argument", -2),
  );
  assert.match(host.logs.at(-1).line, /no `receiver`/);
  assert.throws(
    () => caxton.sendMessage(message({ performative: "shout" })),
    refusedWith("invalid_argument", -2),
  );
  assert.throws(
    () => caxton.sendMessage(message({ sender: "worker" })),
    refusedWith("permission_denied", -3),
  );
  assert.throws(
    () => caxton.sendMessage(message({ content: "x".repeat(1 << 20) })),
    refusedWith("limit_exceeded", -4),
  );
  assert.throws(() => caxton.sendLocalMessage("nobody", message()), refusedWith("not_found", -1));
  assert.throws(() => caxton.sendMessage({ receiver: "worker" }), caxton.MessageError);
  assert.deepEqual(host.sent, []);
});

test("an agent may speak as whom the message was for", () => {
  const agent = new Agent();
  agent.registerHandler("speak", () => caxton.sendMessage(message({ sender: "alias" })));
  const named = new MockHost(agent);
  named.deliver({
    performative: "request",
    receiver: ["alias", "agent"],
    content: { action: "speak" },
  });
  assert.equal(named.sent[0].sender, "agent");
  assert.throws(
    () => caxton.sendMessage(message({ sender: "alias" })),
    refusedWith("permission_denied", -3),
  );
});

test("broadcasts reach others that match", () => {
  assert.equal(caxton.broadcastMessage({}, { performative: "inform" }), 2);
  assert.equal(
    caxton.broadcastMessage({ services: ["tea", "cake"] }, { performative: "inform" }),
    1,
  );
  assert.equal(caxton.broadcastMessage({ receiver: "other" }, { performative: "inform" }), 1);
  assert.deepEqual(
    host.sent.map(({ receiver }) => receiver),
    ["*", "*", "*"],
  );
  assert.deepEqual(host.broadcasts[1].filter, { services: ["tea", "cake"] });
  assert.throws(
    () => caxton.broadcastMessage({ colour: "red" }, { performative: "inform" }),
    refusedWith("invalid_argument", -2),
  );
});

test("subscriptions begin and end", () => {
  const subscription = caxton.subscribeMessages({ topic: ["news"] });
  assert.ok(subscription > 0);
  assert.deepEqual([...host.subscriptions], [[subscription, { topic: ["news"] }]]);
  caxton.unsubscribeMessages(subscription);
  assert.throws(() => caxton.unsubscribeMessages(subscription), refusedWith("not_found", -1));
  for (const filter of [[], "news", { topic: 5 }]) {
    assert.throws(() => caxton.subscribeMessages(filter), refusedWith("invalid_argument", -2));
  }
  for (let count = 0; count < 64; count += 1) caxton.subscribeMessages({});
  assert.throws(() => caxton.subscribeMessages({}), refusedWith("limit_exceeded", -4));
});

test("data is kept by its key", () => {
  assert.equal(caxton.load("a"), undefined);
  assert.equal(caxton.loadData("a"), undefined);
  assert.equal(caxton.dataSize("a"), undefined);
  const value = { text: 'Zoë "🦀"', list: [1, null, true], nothing: null };
  caxton.store("a", value);
  assert.deepEqual(caxton.load("a"), value);
  assert.deepEqual(host.value("a"), value);
  assert.equal(caxton.dataSize("a"), host.stored.get("a").length);
  const bytes = Uint8Array.of(0, 255, 128);
  caxton.storeData("ключ", bytes);
  bytes[0] = 7;
  assert.deepEqual(caxton.loadData("ключ"), Uint8Array.of(0, 255, 128));
  assert.throws(
    () => caxton.load("ключ"),
    /^SyntaxError: what is stored under "ключ" cannot be read: /,
  );
  caxton.deleteData("a");
  assert.equal(caxton.load("a"), undefined);
  assert.throws(() => caxton.deleteData("a"), refusedWith("not_found", -1));
  assert.throws(() => caxton.store("ü".repeat(2049), 1), refusedWith("invalid_argument", -2));
  assert.throws(
    () => caxton.storeData("b", new Uint8Array(64 << 20)),
    refusedWith("limit_exceeded", -4),
  );
  assert.equal(new MockHost(new Agent(), { config: { cups: 3 } }).value("config").cups, 3);
});

test("values of other types are found out before the engine does", () => {
  assert.throws(() => caxton.storeData("a", "text"), /toBytes/);
  for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 53, "7", 7n, null, undefined]) {
    assert.throws(() => caxton.setTimer(wrong), TypeError, String(wrong));
    assert.throws(() => caxton.sleepMicros(wrong), TypeError, String(wrong));
    assert.throws(() => caxton.cancelTimer(wrong), TypeError, String(wrong));
  }
  assert.throws(() => caxton.cancelTimer(2 ** 32), TypeError);
  assert.throws(() => caxton.load(5), TypeError);
  assert.throws(() => caxton.consoleLog({}), TypeError);
  assert.throws(() => caxton.log("loud", "x"), /error, warn, info, debug, trace/);
  assert.throws(() => caxton.sendMessage("text"), caxton.MessageError);
});

test("lines have their levels, and are well-formed", () => {
  caxton.consoleLog("a\ud800");
  caxton.consoleError("b");
  for (const level of ["error", "warn", "info", "debug", "trace"]) caxton.log(level, level);
  assert.deepEqual(
    host.logs.map(({ level }) => level),
    ["info", "error", "error", "warn", "info", "debug", "trace"],
  );
  assert.equal(host.logs[0].line, "a\ufffd");
});

test("timers fire in order when the clock moves, and so do those that they set", () => {
  const agent = new Agent();
  const fired = [];
  agent.onTimer((timer) => {
    fired.push([timer, caxton.currentTimestamp()]);
    if (fired.length === 1) caxton.setTimer(5);
  });
  const timed = new MockHost(agent);
  const begin = timed.now;
  const [late, early, cancelled] = [caxton.setTimer(20), caxton.setTimer(10), caxton.setTimer(15)];
  assert.deepEqual([...timed.timers.values()], [20, 10, 15]);
  caxton.cancelTimer(cancelled);
  assert.throws(() => caxton.cancelTimer(cancelled), refusedWith("not_found", -1));
  timed.advance(9);
  assert.deepEqual(fired, []);
  timed.advance(11);
  assert.deepEqual(
    fired.map(([, at]) => at - begin),
    [10, 15, 20],
  );
  assert.deepEqual([fired[0][0], fired[2][0]], [early, late]);
  caxton.sleepMicros(100);
  assert.equal(caxton.currentTimestamp(), begin + 120);
  for (let count = 0; count < 1024; count += 1) caxton.setTimer(1);
  assert.throws(() => caxton.setTimer(1), refusedWith("limit_exceeded", -4));
});

test("chance differs from call to call, and not from run to run", () => {
  const first = [caxton.randomU32(), caxton.randomU32()];
  assert.notEqual(first[0], first[1]);
  new MockHost(new Agent());
  assert.deepEqual([caxton.randomU32(), caxton.randomU32()], first);
  assert.ok(first.every((one) => Number.isInteger(one) && one >= 0 && one < 2 ** 32));
});

test("a turn sees its own writes", () => {
  const agent = new Agent();
  agent.registerHandler("count", () => {
    caxton.store("n", (caxton.load("n") ?? 0) + 1);
    caxton.store("n", caxton.load("n") + 1);
    return caxton.load("n");
  });
  const counting = new MockHost(agent);
  counting.deliver({ performative: "request", content: { action: "count" } });
  counting.deliver({ performative: "request", content: { action: "count" } });
  assert.deepEqual(
    counting.sent.map(({ content }) => content.result),
    [2, 4],
  );
});
