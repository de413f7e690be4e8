// Reading what agents say.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, before, test } from "node:test";
import { InvalidArgument, Runtime } from "caxton";
import { silent, turn } from "./support.mjs";

let rt;
before(() => {
  rt = new Runtime();
});
after(() => rt.close());

const say = (topic, content) =>
  rt.trySend({ performative: "inform", receiver: `topic:${topic}`, content });

test("for await reads, and break closes", async () => {
  const subscription = rt.subscribe({ topic: "news" });
  for (let at = 0; at < 5; at += 1) say("news", at);
  const seen = [];
  for await (const message of subscription) {
    seen.push(message.content);
    if (seen.length === 3) break;
  }
  assert.deepEqual(seen, [0, 1, 2]);
  assert.deepEqual(await subscription.next(), { done: true, value: undefined });
});

test("a reader that waits is woken", async () => {
  const subscription = rt.subscribe({ topic: "later" });
  const reading = subscription.next();
  await turn();
  say("later", "now");
  assert.equal((await reading).value.content, "now");
  subscription.close();
  assert.equal((await subscription.next()).done, true);
});

test("a slow reader is told how many it missed", () => {
  const subscription = rt.subscribe({ topic: "much" });
  for (let at = 0; at < 1030; at += 1) say("much", at);
  assert.equal(subscription.missed, 6);
  assert.equal(subscription.tryNext().content, 0);
  subscription.close();
});

test("a callback gets each message, one after the other", async () => {
  const seen = [];
  let all;
  const done = new Promise((resolve) => {
    all = resolve;
  });
  const subscription = rt.subscribe({ topic: "calls" }, async (message) => {
    seen.push(`begin ${message.content}`);
    await turn();
    seen.push(`end ${message.content}`);
    if (message.content === 2) all();
  });
  for (const content of [1, 2]) say("calls", content);
  await done;
  assert.deepEqual(seen, ["begin 1", "end 1", "begin 2", "end 2"]);
  subscription.close();
});

test("aborting ends a subscription", async () => {
  const controller = new AbortController();
  const subscription = rt.subscribe({ topic: "x" }, { signal: controller.signal });
  const reading = subscription.next();
  controller.abort("enough");
  await assert.rejects(reading, (reason) => reason === "enough");
});

test("a signal that lives on is left alone when a subscription ends", async () => {
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, "abort").length;
  const other = new Runtime();
  const mute = await other.deploy(silent, { name: "mute" });
  const ends = [
    (subscription) => subscription.close(),
    (subscription) => subscription.return(),
    (subscription) => subscription[Symbol.asyncDispose](),
    async (subscription) => {
      for await (const _ of subscription) break;
    },
  ];
  for (const end of ends) {
    for (const begin of [
      () => other.subscribe({ receiver: "mute" }, { signal }),
      () => other.events({ kind: "turn" }, { signal }),
    ]) {
      const subscription = begin();
      assert.equal(listeners(), 1);
      await mute.send({});
      await end(subscription);
      assert.equal(listeners(), 0);
    }
  }
  other.subscribe({}, { signal });
  other.subscribe({}, () => {}, { signal });
  const reading = other.events({ kind: "removed" }, { signal });
  await other.close();
  for await (const _ of reading);
  await turn();
  assert.equal(listeners(), 0, "the runtime was closed");
});

test("disposing closes", async () => {
  const subscription = rt.subscribe({ topic: "x" });
  await subscription[Symbol.asyncDispose]();
  assert.equal((await subscription.next()).done, true);
  const other = new Runtime();
  await other[Symbol.asyncDispose]();
  assert.throws(() => other.find("x"), { code: "closed" });
});

test("a filter with an unknown field is refused", () => {
  assert.throws(() => rt.subscribe({ performtive: "inform" }), InvalidArgument);
  assert.throws(() => rt.subscribe("inform"), InvalidArgument);
});
