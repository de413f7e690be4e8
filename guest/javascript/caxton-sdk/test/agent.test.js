import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Agent,
  Failure,
  HostError,
  NotUnderstood,
  Refuse,
  log,
  sendFailure,
  sendInformResponse,
  sendNotUnderstood,
  sendReply,
  setTimer,
  store,
} from "../src/index.js";
import { MockHost } from "../src/testing.js";

const request = (action) => ({ performative: "request", reply_with: "1", content: { action } });

const answersOf = (host) => host.sent.map(({ performative, content }) => [performative, content]);

/** An agent with one handler, and its host. */
function hosted(handler, options) {
  const agent = new Agent();
  agent.registerHandler("work", handler);
  return new MockHost(agent, options);
}

test("what a handler returns is the result", () => {
  for (const result of [0, "", false, null, [], { a: 1 }]) {
    const host = hosted(() => result);
    assert.equal(host.deliver(request("work")), 0);
    assert.deepEqual(answersOf(host), [["inform", { result }]]);
    assert.equal(host.sent[0].inReplyTo, "1");
  }
});

test("a handler that returns nothing answers itself", () => {
  const host = hosted((message) => {
    sendReply(message, "agree");
    sendInformResponse(message, 5);
    sendFailure(message, "no");
    sendNotUnderstood(message);
    sendNotUnderstood(message, "what?");
  });
  assert.equal(host.deliver(request("work")), 0);
  assert.deepEqual(answersOf(host), [
    ["agree", undefined],
    ["inform", { result: 5 }],
    ["failure", { error: "no" }],
    ["not-understood", { error: "Unknown action: work" }],
    ["not-understood", { error: "what?" }],
  ]);
});

test("errors that are made for it are answers, and what was done is kept", () => {
  const answers = [
    [new Failure("a"), "failure"],
    [new Refuse("a"), "refuse"],
    [new NotUnderstood("a"), "not-understood"],
  ];
  for (const [error, performative] of answers) {
    const host = hosted(() => {
      store("tried", true);
      throw error;
    });
    assert.equal(host.deliver(request("work")), 1);
    assert.deepEqual(answersOf(host), [[performative, { error: "a" }]]);
    assert.equal(host.value("tried"), true);
  }
});

test("any other error fails the turn, with its text and place in the log", () => {
  const host = hosted(() => {
    store("tried", true);
    setTimer(5);
    throw new RangeError("out of tea", { cause: new Error("the shop is shut") });
  });
  assert.throws(() => host.deliver(request("work")), /out of tea/);
  const [{ level, line }] = host.logs;
  assert.equal(level, "error");
  assert.match(line, /^RangeError: out of tea\n.*agent\.test\.js/);
  assert.match(line, /caused by Error: the shop is shut/);
  assert.deepEqual([host.sent, host.stored.size, host.timers.size], [[], 0, 0]);
});

test("a refusal of the host's that nobody catches is a failure", () => {
  const host = hosted(() => store("tried", true));
  host.fail("storeData", "limit_exceeded");
  assert.equal(host.deliver(request("work")), 1);
  const { text } = new HostError("storeData", "limit_exceeded");
  assert.deepEqual(answersOf(host), [["failure", { error: text }]]);
  assert.deepEqual(host.logs, [{ level: "error", line: `HostError: storeData: ${text}` }]);
});

test("an answer that the host refuses is told in the log", () => {
  const host = hosted(() => "done");
  host.fail("sendMessage", "limit_exceeded");
  assert.equal(host.deliver(request("work")), 1);
  assert.deepEqual(host.sent, []);
  const { text } = new HostError("sendMessage", "limit_exceeded");
  assert.equal(host.logs.at(-1).line, `the answer failure to tester was not sent: ${text}`);
});

test("what is thrown need be no error", () => {
  const host = hosted(() => {
    throw "tea";
  });
  assert.throws(() => host.deliver(request("work")));
  assert.equal(host.logs.at(-1).line, "a handler threw tea");
});

test("a handler may not be async", () => {
  const host = hosted(async () => 5);
  assert.throws(() => host.deliver(request("work")), /may not be async/);
  assert.deepEqual(host.sent, []);
});

test("handlers of acts get what no action's handler gets", () => {
  const agent = new Agent();
  agent.registerHandler("work", () => "work");
  agent.onMessage("request", () => "any request");
  agent.onMessage("query-if", () => true);
  const informed = [];
  agent.onMessage("inform", ({ content }) => informed.push(content));
  const host = new MockHost(agent);
  host.deliver(request("work"));
  host.deliver(request("dance"));
  host.deliver({ performative: "query-if" });
  assert.equal(host.deliver({ performative: "inform", content: 7 }), 0);
  assert.deepEqual(
    host.sent.map(({ content }) => content.result),
    ["work", "any request", true],
  );
  assert.deepEqual(informed, [7]);
});

test("an inform is not answered with an error either", () => {
  const agent = new Agent();
  agent.onMessage("inform", () => {
    throw new Failure("no");
  });
  const host = new MockHost(agent);
  assert.equal(host.deliver({ performative: "inform" }), 1);
  assert.deepEqual(host.sent, []);
  assert.deepEqual(host.logs, [{ level: "error", line: "Failure: no" }]);
});

test("actions that are named like members of objects are unknown", () => {
  const host = hosted(() => 1);
  for (const action of ["constructor", "__proto__", "toString"]) {
    assert.equal(host.deliver(request(action)), 1);
    assert.deepEqual(host.sent.at(-1).content, { error: `Unknown action: ${action}` });
  }
});

test("an agent without handlers does what the others expect", () => {
  const host = new MockHost(new Agent());
  assert.equal(host.deliver({ performative: "inform" }), 0);
  assert.equal(host.deliver({ performative: "cfp" }), 1);
  assert.equal(host.deliver("[]"), 1);
  host.advance(5);
  host.shutDown();
  assert.deepEqual(host.capabilities(), { services: [] });
  assert.deepEqual(answersOf(host), [
    ["not-understood", { error: "Unsupported performative: cfp" }],
  ]);
});

test("init, timers and shutdown are called, and may fail", () => {
  const agent = new Agent();
  const calls = [];
  agent.onInit(() => calls.push("init"));
  agent.onTimer((timer) => calls.push(timer));
  agent.onShutdown(() => log("debug", "bye"));
  agent.registerHandler("wait", () => {
    calls.push(setTimer(10));
  });
  const host = new MockHost(agent);
  host.deliver(request("wait"));
  host.advance(10);
  host.shutDown();
  assert.equal(calls[0], "init");
  assert.equal(calls[1], calls[2]);
  assert.deepEqual(host.logs, [{ level: "debug", line: "bye" }]);

  agent.onTimer(() => {
    throw new Failure("too late");
  });
  host.deliver(request("wait"));
  host.advance(10);
  assert.equal(host.code, 1);
  assert.deepEqual(host.logs.at(-1), { level: "error", line: "Failure: too late" });

  agent.onInit(() => {
    throw new Failure("no kettle");
  });
  assert.throws(() => host.restart(), /agentInit gave 1/);
});

test("what is no handler is refused when it is given", () => {
  const agent = new Agent();
  assert.throws(() => agent.onInit(5), TypeError);
  assert.throws(() => agent.registerHandler("work"), TypeError);
  assert.throws(() => agent.registerHandler(5, () => 1), TypeError);
});
