// How calls wait: at once, together, given up.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Closed, InvalidArgument, Runtime, Timeout } from "caxton";
import { wakeUpCount } from "../dist/hub.cjs";
import { agentPath, silent, turn, uppercase } from "./support.mjs";

let rt;
let echo;
let mute;
before(async () => {
  rt = new Runtime();
  const limits = { maxMessagesPerSecond: null };
  echo = await rt.deploy(agentPath("rust"), { name: "echo", limits });
  mute = await rt.deploy(silent, { name: "mute" });
});
after(() => rt.close());

test("many awaited asks in a row let the event loop have its turn", async () => {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const timer = delay(1).then(() => "fired");
  let timerAt = -1;
  for (let at = 0; at < 10_000; at += 1) {
    await echo.ask(uppercase);
    if (timerAt < 0 && (await Promise.race([timer, undefined])) === "fired") timerAt = at;
  }
  isDone = true;
  assert.ok(turns > 1, `the event loop had ${turns} turns`);
  assert.ok(timerAt >= 0, "a timer fired in between");
});

test("a signal that is none is refused, wherever one may be given", async () => {
  const controller = new AbortController();
  const odd = { aborted: false, addEventListener: "no", removeEventListener() {} };
  for (const [signal, text] of [
    [controller, /expected an AbortSignal: give its `signal`/],
    [odd, /expected an AbortSignal$/],
    [{}, /expected an AbortSignal$/],
    ["abort", /signal is "abort", expected an AbortSignal$/],
  ]) {
    const refused = (error) => {
      assert.ok(error instanceof InvalidArgument, String(error));
      assert.match(error.message, text);
      return true;
    };
    for (const call of [
      () => mute.ask({}, { signal }),
      () => echo.request({}, { signal }),
      () => mute.send({}, { signal }),
      () => rt.ask({ performative: "request", receiver: "mute" }, { signal }),
      () => rt.sendMany([], { signal }),
      () => rt.deploy(silent, { signal }),
      () => rt.contractNet({}, ["mute"], { signal }),
      () => rt.contractNet({}, ["mute"], { signal, choose: () => null }),
    ]) {
      await assert.rejects(call, refused);
    }
    assert.throws(() => rt.subscribe({}, { signal }), refused);
    assert.throws(() => rt.subscribe({}, () => {}, { signal }), refused);
    assert.throws(() => rt.events({}, { signal }), refused);
  }
});

test("calls go on while the clocks of a test runner stand still", async (context) => {
  context.mock.timers.enable({ apis: ["setImmediate", "setInterval", "setTimeout", "Date"] });
  // So many that some have to wait for the event loop's turn.
  for (let at = 0; at < 3000; at += 1) await echo.ask(uppercase);
  const trace = rt.trace({ stream: { write: () => true, on() {}, off() {} } });
  await mute.send({});
  trace.close();
});

test("an error of a call that waited shows the caller's line", async () => {
  async function theCaller() {
    await mute.ask({}, { timeout: 5 });
  }
  await assert.rejects(theCaller(), (error) => {
    assert.match(error.stack, /^Timeout: "mute" did not answer/);
    assert.match(error.stack, /at (async )?theCaller .*waiting\.test\.mjs:\d+/);
    assert.doesNotMatch(error.stack, /drain/);
    return true;
  });
  async function ofMany() {
    return rt.askMany(
      [
        { performative: "request", receiver: "mute" },
        { performative: "request", receiver: "mute" },
      ],
      { timeout: 5 },
    );
  }
  for (const error of await ofMany()) assert.match(error.stack, /at (async )?ofMany /);
  // Stacks that a program writes in a form of its own are left alone.
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = () => 5;
  try {
    await assert.rejects(theCaller(), Timeout);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
});

test("one wake-up serves every call that is ready", async () => {
  const handled = [];
  const names = Array.from({ length: 50 }, (_, at) => `one-of-many-${at}`);
  let all;
  const everybody = new Promise((resolve) => {
    all = resolve;
  });
  const hosts = names.map((name) =>
    rt.register(name, async () => {
      handled.push(name);
      if (handled.length === names.length) all();
      await everybody;
      return name;
    }),
  );
  await turn();
  const begun = wakeUpCount();
  const replies = await rt.askMany(
    names.map((receiver) => ({ performative: "request", receiver })),
  );
  assert.deepEqual(
    replies.map((reply) => reply.content),
    names,
  );
  assert.ok(wakeUpCount() - begun < 20, `${wakeUpCount() - begun} wake-ups for 50 answers`);
  for (const host of hosts) host.remove();
});

test("many in flight are begun in order", async () => {
  const seen = [];
  const host = rt.register("in-order", async (message) => {
    seen.push(message.content);
    await turn();
    return message.content;
  });
  const asked = Array.from({ length: 500 }, (_, content) => content);
  const replies = await Promise.all(
    asked.map((content) => rt.ask({ performative: "request", receiver: "in-order", content })),
  );
  assert.deepEqual(
    replies.map((reply) => reply.content),
    asked,
  );
  assert.deepEqual(seen, asked);
  host.remove();
});

test("askMany gives answers in order, and an error in its place", async () => {
  const replies = await rt.askMany([
    { performative: "request", receiver: "echo", content: uppercase },
    { performative: "request", receiver: "nobody" },
    "no JSON",
  ]);
  assert.equal(replies[0].content.result.result, "HELLO");
  assert.deepEqual(
    replies.slice(1).map((error) => error.code),
    ["agent_not_found", "invalid_message"],
  );
});

test("an aborted signal rejects with its reason, and nothing is sent", async () => {
  const before = mute.stats().messagesIn;
  const signal = AbortSignal.abort("not now");
  await assert.rejects(mute.ask(1, { signal }), (reason) => reason === "not now");
  await assert.rejects(rt.send({ performative: "inform", receiver: "mute" }, { signal }));
  await assert.rejects(rt.deploy(silent, { signal }));
  assert.equal(mute.stats().messagesIn, before);
});

test("aborting in the middle rejects with the reason", async () => {
  const controller = new AbortController();
  const asking = mute.ask(1, { signal: controller.signal, timeout: null });
  await turn();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(asking, (thrown) => thrown === reason);
  // Nothing is left of the call, so aborting again does nothing.
  controller.abort();
});

test("a signal that outlives its call is left alone", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  assert.equal((await echo.ask(uppercase, { signal })).sender, "echo");
  await assert.rejects(mute.ask(1, { signal, timeout: 5 }), Timeout);
  controller.abort();
});

test("a message that is given up is taken out of the mailbox", async () => {
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  const seen = [];
  const host = rt.register(
    "busy",
    async (message) => {
      seen.push(message.content);
      await held;
    },
    { concurrency: 1 },
  );
  await rt.send({ performative: "inform", receiver: "busy", content: "first" });
  const controller = new AbortController();
  const second = rt.ask(
    { performative: "request", receiver: "busy", content: "second" },
    { signal: controller.signal },
  );
  controller.abort();
  await assert.rejects(second);
  release();
  const third = rt.send({ performative: "inform", receiver: "busy", content: "third" });
  await third;
  while (seen.length < 2) await turn();
  assert.deepEqual(seen, ["first", "third"]);
  host.remove();
});

test("a timeout is in milliseconds, and is checked", async () => {
  await assert.rejects(mute.ask(1, { timeout: 5 }), (error) => {
    assert.ok(error instanceof Timeout);
    assert.match(error.message, /5ms/);
    return true;
  });
  for (const timeout of [-1, Number.NaN, "5", {}]) {
    await assert.rejects(mute.ask(1, { timeout }), InvalidArgument);
  }
});

test("closing ends calls that wait, twice is no error", async () => {
  const closing = new Runtime();
  await closing.deploy(silent, { name: "mute" });
  const asking = closing.ask({ performative: "request", receiver: "mute" }, { timeout: null });
  const reading = closing.subscribe().next();
  const ended = assert.rejects(asking, Closed);
  await Promise.all([closing.close(), closing.close(), ended]);
  assert.deepEqual(await reading, { done: true, value: undefined });
  await closing.close();
  await assert.rejects(closing.deploy(silent), Closed);
  assert.throws(() => closing.subscribe(), Closed);
  assert.throws(() => closing.register("x", () => {}), Closed);
});

test("an option that nobody knows is refused, not ignored", async () => {
  const unknown = (error) =>
    error instanceof InvalidArgument && /no option "\w+"/.test(error.message);
  assert.throws(() => new Runtime({ nonsense: 1 }), unknown);
  assert.throws(() => new Runtime({ durability: "x" }), /expected "full" or "relaxed"/);
  assert.throws(() => new Runtime({ profile: "x" }), /expected "perfmap" or "jitdump"/);
  await assert.rejects(rt.deploy(silent, { restrat: "never" }), unknown);
  await assert.rejects(
    rt.ask({ performative: "request", receiver: "mute" }, { timeuot: 5 }),
    unknown,
  );
  await assert.rejects(rt.close({ timout: 1 }), unknown);
  assert.throws(() => rt.register("h", () => 1, { concurency: 1 }), unknown);
});
