// The guide's agent without the runtime.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MockHost } from "caxton-sdk/testing";

let host;

beforeEach(() => {
  host = MockHost.load(new URL("../agent.wasm", import.meta.url));
});

function request(content, fields = {}) {
  return host.deliver({ performative: "request", sender: "ada", content, ...fields });
}

test("it says that it begins", () => {
  assert.deepEqual(host.logs, [{ level: "info", line: "AssemblyScript agent initializing..." }]);
});

test("it transforms text", () => {
  const results = { uppercase: "HELLO, ZOË", lowercase: "hello, zoë", dance: "Unknown operation" };
  for (const [operation, result] of Object.entries(results)) {
    const content = { action: "process_data", data: "Hello, Zoë", operation };
    assert.equal(request(content, { reply_with: "r-1" }), 0);
    assert.deepEqual(host.sent.pop(), {
      performative: "inform",
      sender: "agent",
      receiver: "ada",
      in_reply_to: "r-1",
      content: { result, timestamp: host.now.toString() },
    });
  }
});

test("its answer has nothing that the request did not have", () => {
  request({ action: "process_data", data: "hello", operation: "uppercase" });
  assert.deepEqual(Object.keys(JSON.parse(host.sentJson[0])), [
    "performative",
    "sender",
    "receiver",
    "content",
  ]);
});

test("texts that need escapes come through", () => {
  const data = 'quote " backslash \\ line \n 🎈';
  request({ action: "process_data", data, operation: "lowercase" });
  assert.equal(host.sent[0].content.result, data);
});

test("what it does not know ends with the code 1", () => {
  for (const content of [{ action: "dance" }, {}, "text", null, ["action"]])
    assert.equal(request(content), 1);
  assert.equal(host.deliver({ performative: "query-if" }), 1);
  assert.deepEqual(host.sent, []);
});

test("it takes an inform in silence", () => {
  assert.equal(host.deliver({ performative: "inform", content: {} }), 0);
  assert.deepEqual(host.sent, []);
});

test("what it cannot read ends with the code 1, and the log tells", () => {
  for (const text of ["invalid json", "[1]", `{"content":${"[".repeat(60_000)}`]) {
    assert.equal(host.deliver(text), 1);
    assert.match(host.logs.at(-1).line, /^This is no JSON object: /);
  }
});
