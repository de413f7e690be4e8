// Subscribing to what an agent tells.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Closed, Failed, InvalidArgument, Refused, Runtime, Timeout } from "caxton";
import { agent, areCancelled, cancelled, until } from "./parties.mjs";
import { turn } from "./support.mjs";

let rt;
before(() => {
  rt = new Runtime();
});
after(() => rt.close());

/** An agent that agrees, and tells what it is made to tell. */
function source(runtime = rt) {
  let asked;
  const host = agent(runtime, {
    subscribe: (message) => {
      asked = message;
      return message.reply(null, { performative: "agree" });
    },
  });
  const tell = (content, performative = "inform") => {
    const reply = asked.reply(content, { performative });
    runtime.trySend({ ...reply.toJSON(), sender: host.name });
  };
  return { host, tell, isAsked: () => asked !== undefined };
}

/** A subscription to a source that has agreed. */
async function subscribed(options, runtime = rt) {
  const { host, tell, isAsked } = source(runtime);
  cancelled.clear();
  const informs = await runtime.subscribeTo(host, "news", options);
  await until(isAsked);
  return { host, tell, informs };
}

test("for await reads what an agent tells, and break cancels", async () => {
  const { host, tell, informs } = await subscribed();
  assert.equal(informs.agent, host.name);
  assert.equal(`${informs}`, `<Informs of ${host.name}>`);
  for (const content of [0, 1, 2, 3]) tell(content);
  const seen = [];
  for await (const message of informs) {
    seen.push(message.content);
    if (seen.length === 3) break;
  }
  assert.deepEqual([seen, informs.missed], [[0, 1, 2], 0]);
  await areCancelled(host);
  assert.equal(cancelled.get(host.name).conversation_id, informs.conversationId);
  assert.deepEqual(await informs.next(), { done: true, value: undefined });
  const stage = () => rt.conversation(informs.conversationId).participants[0].stage;
  await until(() => stage() === "cancelled");
});

test("an error in the loop cancels too", async () => {
  const { host, tell, informs } = await subscribed();
  tell(1);
  const reading = async () => {
    for await (const { content } of informs) throw new Error(`cannot take ${content}`);
  };
  await assert.rejects(reading, /cannot take 1/);
  await areCancelled(host);
});

test("a reader that waits is woken, by what is told and by closing", async () => {
  const { host, tell, informs } = await subscribed();
  const first = informs.next();
  await turn();
  tell("now");
  assert.equal((await first).value.content, "now");
  const readers = [informs.next(), informs.next()];
  await turn();
  informs.close();
  informs.close();
  for (const reader of readers) assert.equal((await reader).done, true);
  await areCancelled(host);
});

test("disposing closes", async () => {
  const { host, informs } = await subscribed();
  await informs[Symbol.asyncDispose]();
  await areCancelled(host);
  assert.equal((await informs.next()).done, true);
});

test("a read may be given up, and the subscription goes on", async () => {
  const { host, tell, informs } = await subscribed();
  await assert.rejects(informs.next({ timeout: 2 }), Timeout);
  const controller = new AbortController();
  const reading = informs.next({ signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(reading, (reason) => reason === "enough");
  tell("still here");
  assert.equal((await informs.next({ timeout: 5000 })).value.content, "still here");
  await assert.rejects(informs.next({ timeout: -1 }), InvalidArgument);
  await assert.rejects(informs.next({ timeuot: 1 }), InvalidArgument);
  assert.equal(cancelled.has(host.name), false);
  informs.close();
});

test("aborting ends the subscription, and rejects a read that waits", async () => {
  const controller = new AbortController();
  const { host, informs } = await subscribed({ signal: controller.signal });
  const reading = (async () => {
    for await (const message of informs) assert.fail(`${message}`);
  })();
  await turn();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(reading, (error) => error === reason);
  await areCancelled(host);
  await assert.rejects(informs.next(), (error) => error === reason);
  const never = rt.subscribeTo(host, "news", { signal: controller.signal });
  await assert.rejects(never, (error) => error === reason);
});

test("who refuses or fails is seen when its first inform is waited for", async () => {
  const refuses = agent(rt, {
    subscribe: () => {
      throw new Refused("not for you");
    },
  });
  const informs = await rt.subscribeTo(refuses.name);
  await assert.rejects(informs.next(), (error) => {
    assert.ok(error instanceof Refused);
    assert.equal(error.reply.content.error, "not for you");
    return true;
  });
  assert.equal((await informs.next()).done, true);
  const { tell, informs: failing } = await subscribed();
  tell(1);
  tell("broken", "failure");
  const seen = [];
  const reading = async () => {
    for await (const { content } of failing) seen.push(content);
  };
  await assert.rejects(reading, Failed);
  assert.deepEqual(seen, [1]);
  await assert.rejects(rt.subscribeTo("nobody"), { code: "agent_not_found" });
  const mute = agent(rt, {});
  await assert.rejects((await rt.subscribeTo(mute)).next(), { code: "not_understood" });
});

test("closing the runtime ends a read", async () => {
  const other = new Runtime();
  const { informs } = await subscribed({}, other);
  const reading = assert.rejects(informs.next(), Closed);
  await other.close();
  await reading;
});
