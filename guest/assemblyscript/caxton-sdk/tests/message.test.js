// FIPA messages, and answers to them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, loadProbe } from "./probe.js";

const FULL = {
  performative: "request",
  sender: "ada",
  receiver: "probe",
  reply_to: "boss",
  content: { action: "refuse", text: "no time" },
  language: "en",
  encoding: "utf-8",
  ontology: "tea",
  protocol: "fipa-request",
  conversation_id: "c-1",
  reply_with: "r-1",
  in_reply_to: "r-0",
  reply_by: 1767225600000000,
  message_id: "m-1",
  sent_at: 1767225600000001,
};

const read = (message) => {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return ask(loadProbe(), { action: "read", text });
};

test("a message with all fields is read and written", () => {
  const message = { ...FULL, "X-priority": { high: [1] }, x_other: null };
  const { written, receiver, sentAt } = read(message);
  const { x_other: _, ...rest } = message;
  assert.deepEqual(written, rest);
  assert.equal(receiver, "probe");
  assert.equal(sentAt, FULL.sent_at);
});

test("a message with the performative alone is read", () => {
  assert.deepEqual(read({ performative: "inform" }).written, { performative: "inform" });
  const nulls = Object.fromEntries(Object.keys(FULL).map((name) => [name, null]));
  assert.deepEqual(read({ ...nulls, performative: "inform" }).written, { performative: "inform" });
});

test("a receiver is a name or an array of names", () => {
  assert.deepEqual(read({ performative: "inform", receiver: "a" }).receivers, ["a"]);
  const { receiver, receivers, written } = read({ performative: "inform", receiver: ["a", "b"] });
  assert.deepEqual([receiver, receivers, written.receiver], ["a", ["a", "b"], ["a", "b"]]);
  assert.equal(read({ performative: "inform", receiver: [] }).receiver, null);
});

test("reply_by is kept as it is", () => {
  for (const time of ['"2026-01-01T00:00:00Z"', "18446744073709551615"]) {
    const host = loadProbe();
    const text = `{"performative":"cfp","reply_by":${time}}`;
    ask(host, { action: "read", text });
    assert.ok(host.sentJson[0].includes(`"written":${text}`), host.sentJson[0]);
  }
});

test("what is no message is refused, with a reason", () => {
  const why = (message) => read(message).error;
  assert.equal(why("[]"), "expected an object");
  assert.equal(why("{"), "expected a name in quotes, and it ends there");
  assert.equal(why({}), "expected a field `performative`");
  assert.equal(why({ performative: "" }), "expected a field `performative`");
  assert.equal(why({ performative: 1 }), "`performative`: expected a text");
  assert.equal(
    why({ performative: "inform", receiver: ["a", 1] }),
    "`receiver`: expected names, and nothing else",
  );
  assert.equal(why({ performative: "inform", receiver: {} }), "`receiver`: expected a text");
  assert.equal(why({ performative: "inform", sender: ["a"] }), "`sender`: expected a text");
  assert.equal(
    why({ performative: "inform", reply_by: 1.5 }),
    "`reply_by`: expected a text or microseconds",
  );
  assert.equal(why({ performative: "inform", sent_at: "now" }), "`sent_at`: expected microseconds");
});

test("bytes that are no message are refused, with a reason", () => {
  const host = loadProbe();
  const why = (bytes) => {
    assert.equal(host.deliver(bytes), 1);
    return host.logs.at(-1).line;
  };
  const quoted = (...bytes) => Uint8Array.of(0x22, ...bytes, 0x22);
  assert.equal(why(""), "expected a value, and it ends there");
  const bad = [
    [0xff],
    [0x80],
    [0xc0, 0xa2],
    [0xc3],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xe2, 0x82],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xf0, 0x9f, 0x8e],
  ];
  for (const bytes of bad)
    assert.equal(why(quoted(...bytes)), "its byte 1 is no UTF-8", bytes.join());
  for (const text of ["é", "€", "\ud7ff", "\ue000", "\uffff", "🎈", "\u{10ffff}"]) {
    assert.equal(why(JSON.stringify(text)), "expected an object", text);
  }
  // What is cut off at the end of the block is not read beyond it.
  assert.equal(why(Uint8Array.of(0x22, 0xf0, 0x9f, 0x8e)), "its byte 1 is no UTF-8");
});

test("a range outside the memory is refused", () => {
  const host = loadProbe();
  for (const [ptr, len] of [
    [host.memoryBytes, 1],
    [host.memoryBytes - 1, 2],
    [-1, 1],
    [0, -1],
    [-1, -1],
    [1, 0x7fffffff],
  ]) {
    assert.equal(host.exports.parse_outside(ptr, len), 1);
    assert.equal(host.logs.at(-1).line, "it lies outside the agent's memory");
  }
  assert.equal(host.exports.parse_outside(host.memoryBytes, 0), 1);
  assert.equal(host.logs.at(-1).line, "expected a value, and it ends there");
});

test("an answer goes where SC00061 says, in the same conversation", () => {
  const host = loadProbe();
  assert.equal(host.deliver(FULL), 0);
  assert.deepEqual(host.sent, [
    {
      performative: "refuse",
      sender: "agent",
      receiver: "boss",
      content: { reason: "no time" },
      language: "en",
      ontology: "tea",
      protocol: "fipa-request",
      conversation_id: "c-1",
      in_reply_to: "r-1",
    },
  ]);
  assert.ok(!host.sentJson[0].includes("sender"));
});

test("an answer has nothing that the message did not have", () => {
  const host = loadProbe();
  host.deliver({
    performative: "request",
    sender: "ada",
    content: { action: "fail", text: "so it is" },
  });
  assert.deepEqual(host.sent, [
    { performative: "failure", sender: "agent", receiver: "ada", content: { error: "so it is" } },
  ]);
});

test("an answer to nobody in particular goes to the sender", () => {
  const host = loadProbe();
  host.deliver({ ...FULL, reply_to: "" });
  assert.equal(host.sent[0].receiver, "ada");
});

test("not-understood names the action or the act", () => {
  const host = loadProbe();
  const why = (message) => {
    host.deliver(message);
    return host.sent.at(-1).content.error;
  };
  assert.equal(
    why({ performative: "request", content: { action: "dance" } }),
    "Unknown action: dance",
  );
  assert.equal(why({ performative: "request", content: 5 }), "No action given");
  assert.equal(why({ performative: "query-if" }), "Unsupported performative: query-if");
});

test("what nobody handles is not understood, unless it ends an exchange", () => {
  const host = loadProbe();
  assert.equal(host.deliver({ performative: "request", content: { action: "dance" } }), 1);
  assert.equal(host.deliver({ performative: "agree" }), 1);
  assert.equal(host.sent.length, 2);
  for (const performative of ["inform", "failure", "not-understood"])
    assert.equal(host.deliver({ performative }), 0);
  assert.equal(host.sent.length, 2);
});

test("an answer that nobody gets is told in the log", () => {
  const host = loadProbe();
  host.deliver('{"performative":"request","content":{"action":"fail"}}');
  assert.deepEqual(host.sent, []);
  assert.deepEqual(host.logs, [
    { level: "warn", line: "the message has no `receiver`" },
    {
      level: "error",
      line:
        "the answer failure to nobody was not sent: " +
        "invalid argument: the host could not read what it was given; the agent's log says more",
    },
  ]);
});

test("a message is handed on with all that it came with", () => {
  const host = loadProbe();
  const message = { ...FULL, content: { action: "forward" }, "X-trace": "t" };
  assert.equal(host.deliver(message), 0);
  const { message_id: _, sent_at: __, ...rest } = message;
  assert.deepEqual(host.sent, [{ ...rest, sender: "agent", receiver: "other" }]);
});

test("a message is kept without its content", () => {
  const message = { ...FULL, "X-trace": "t" };
  const { content: _, ...kept } = message;
  assert.deepEqual(read(message).kept, kept);
});
