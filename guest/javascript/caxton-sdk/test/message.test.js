import assert from "node:assert/strict";
import { test } from "node:test";

import { FipaMessage, MessageError, parseMessage } from "../src/index.js";

const whole = {
  performative: "request",
  sender: "asker",
  receiver: ["worker", "topic:news"],
  content: { action: "work", deep: [1, null, "ü"] },
  reply_to: "boss",
  language: "json",
  encoding: "utf-8",
  ontology: "tasks",
  protocol: "fipa-request",
  conversation_id: "c-1",
  reply_with: "r-1",
  in_reply_to: "r-0",
  reply_by: "2026-01-01T00:00:00Z",
  message_id: "m-1",
  sent_at: 1767225600000000,
  "X-traceparent": { any: ["thing"] },
};

test("all fields are read, and written as they were", () => {
  const message = parseMessage(JSON.stringify(whole));
  assert.equal(message.replyWith, "r-1");
  assert.equal(message.sentAt, 1767225600000000);
  assert.deepEqual(message.receivers, ["worker", "topic:news"]);
  assert.deepEqual(message.extra, { "X-traceparent": { any: ["thing"] } });
  assert.deepEqual(JSON.parse(String(message)), whole);
  assert.deepEqual(FipaMessage.fromJSON(message.toJSON()), message);
});

test("only the act has to be there, and null is not there", () => {
  const message = parseMessage(
    '{"performative":"inform","sender":null,"receiver":null,"content":null,"reply_by":null,"odd":null}',
  );
  assert.equal(message.sender, undefined);
  assert.deepEqual(message.receivers, []);
  assert.equal(message.content, null);
  assert.equal(String(message), '{"odd":null,"performative":"inform","content":null}');
  assert.equal(parseMessage('{"performative":"inform"}').content, undefined);
});

test("what is no message is refused with why", () => {
  const refused = [
    ["", /no JSON/],
    ["{", /no JSON/],
    ["[]", /no JSON object/],
    ["null", /no JSON object/],
    ['"request"', /no JSON object/],
    ["{}", /no `performative`/],
    ['{"performative":null}', /no `performative`/],
    ['{"performative":""}', /no `performative`/],
    ['{"performative":7}', /`performative` has to be a text/],
    ['{"performative":"inform","sender":["a"]}', /`sender` has to be a text/],
    [
      '{"performative":"inform","receiver":[1]}',
      /`receiver` has to be a text or an array of texts/,
    ],
    ['{"performative":"inform","receiver":{}}', /`receiver`/],
    ['{"performative":"inform","reply_to":{"name":"a"}}', /`reply_to` has to be a text/],
    ['{"performative":"inform","reply_by":[]}', /`reply_by`/],
    ['{"performative":"inform","sent_at":"now"}', /`sent_at`/],
    [
      `{"performative":"inform","content":${"[".repeat(65)}${"]".repeat(65)}}`,
      /nested deeper than 65/,
    ],
  ];
  for (const [text, why] of refused) {
    assert.throws(
      () => parseMessage(text),
      (error) => error instanceof MessageError && why.test(error.message),
      text,
    );
  }
});

test("names that objects have are ordinary fields", () => {
  const text =
    '{"performative":"inform","__proto__":{"action":"x"},"constructor":1,"toString":2,"content":{"hasOwnProperty":1}}';
  const message = parseMessage(text);
  assert.equal(message.action, undefined);
  assert.deepEqual(Object.keys(message.extra), ["__proto__", "constructor", "toString"]);
  assert.deepEqual(JSON.parse(String(message)), JSON.parse(text));
});

test("a field's name that is meant for JSON is explained", () => {
  assert.throws(
    () => new FipaMessage({ performative: "inform", reply_with: "1" }),
    /it is called `replyWith` here/,
  );
  assert.throws(
    () => new FipaMessage({ performative: "inform", colour: "red" }),
    /other fields go into `extra`/,
  );
  assert.throws(() => new FipaMessage(null), MessageError);
});

test("texts survive, whatever is in them", () => {
  const texts = [
    '"quotes"',
    "back\\slash",
    "line\nbreak\t\u0000\u001f",
    "Zoë 🦀 日本",
    "\u2028\u2029",
    "</script>",
  ];
  const message = new FipaMessage({
    performative: "inform",
    receiver: texts,
    content: { [texts[0]]: texts },
  });
  assert.deepEqual(parseMessage(String(message)), message);
});

test("the action is a text of the content's own", () => {
  const actionOf = (content) => new FipaMessage({ performative: "request", content }).action;
  assert.equal(actionOf({ action: "work" }), "work");
  for (const content of [
    undefined,
    null,
    "action",
    ["action"],
    {},
    { action: 7 },
    { action: null },
  ]) {
    assert.equal(actionOf(content), undefined);
  }
});

test("a message is kept without its content", () => {
  const { content: _, ...kept } = whole;
  assert.deepEqual(FipaMessage.fromJSON(whole).withoutContent().toJSON(), kept);
});

test("an answer goes to reply_to, and keeps what ties it to its question", () => {
  assert.deepEqual(parseMessage(JSON.stringify(whole)).reply("agree", [1]).toJSON(), {
    performative: "agree",
    receiver: "boss",
    content: [1],
    in_reply_to: "r-1",
    conversation_id: "c-1",
    protocol: "fipa-request",
    ontology: "tasks",
    language: "json",
  });
  assert.equal(
    new FipaMessage({ performative: "request", sender: "a", replyTo: "" }).reply("agree").receiver,
    "a",
  );
  const plain = parseMessage('{"performative":"request","sender":"asker"}');
  assert.deepEqual(plain.reply("refuse").toJSON(), { performative: "refuse", receiver: "asker" });
});
