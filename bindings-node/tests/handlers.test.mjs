// The script itself as an agent.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { format } from "node:util";
import {
  AgentNotFound,
  Failed,
  InvalidArgument,
  Message,
  NameTaken,
  NotUnderstood,
  Refused,
  Runtime,
} from "caxton";
import { agentPath, turn, uppercase } from "./support.mjs";

let rt;
before(() => {
  rt = new Runtime();
});
after(() => rt.close());

/** What comes back from a handler. */
async function reply(handler, content = null) {
  const host = rt.register("handler", handler);
  try {
    return await rt.ask({ performative: "request", receiver: "handler", content });
  } finally {
    host.remove();
  }
}

test("what is returned becomes the content of an inform", async () => {
  for (const value of [{ a: [1, "two"] }, "text", 0, false, [null]]) {
    const got = await reply(() => value);
    assert.equal(got.performative, "inform");
    assert.deepEqual(got.content, value);
    assert.deepEqual((await reply(async () => value)).content, value);
  }
});

test("a message is sent as it is", async () => {
  const got = await reply((message) => message.reply({ no: "thanks" }, { performative: "refuse" }));
  assert.equal(got.performative, "refuse");
  assert.deepEqual(got.content, { no: "thanks" });
  const whole = await reply(
    () => new Message({ performative: "agree", content: 1, "X-why": "so" }),
  );
  assert.equal(whole.performative, "agree");
  assert.equal(whole.toJSON()["X-why"], "so");
});

test("what is thrown becomes a failure with its text", async () => {
  const thrown = [
    () => {
      throw new Error("cannot");
    },
    async () => {
      throw new Error("cannot");
    },
    () => Promise.reject("cannot"),
    () => {
      throw "cannot";
    },
  ];
  for (const handler of thrown) {
    const got = await reply(handler);
    assert.equal(got.performative, "failure");
    assert.equal(got.content.error, "cannot");
    assert.equal(got.content.kind, "handler");
  }
  const odd = await reply(() => {
    throw Object.create(null);
  });
  assert.equal(odd.performative, "failure");
});

test("what a handler throws is printed with its stack and its cause", async (context) => {
  const print = context.mock.method(console, "error", () => {});
  function deepInside() {
    throw new Error("cannot", { cause: new TypeError("the reason") });
  }
  await reply(deepInside, "what was asked");
  await reply(async () => deepInside());
  assert.equal(print.mock.callCount(), 2);
  for (const { arguments: shown } of print.mock.calls) {
    const text = format(...shown);
    assert.match(text, /a handler failed for <Message request host → handler: /);
    assert.match(text, /Error: cannot\n\s+at deepInside/);
    assert.match(text, /TypeError: the reason/);
  }
  // That is an answer like any other.
  await reply(() => {
    throw new Refused("no");
  });
  assert.equal(print.mock.callCount(), 2);
  print.mock.mockImplementation(() => {
    throw new Error("nobody can print");
  });
  const got = await reply(deepInside);
  assert.equal(got.content.error, "cannot");
});

test("whatever is thrown, the handler goes on and who asked is told", async () => {
  const trap = () => {
    throw new Error("a trap");
  };
  const withCode = new Refused("no");
  Object.defineProperty(withCode, "code", { value: Symbol("code") });
  const shouts = {
    [Symbol.toPrimitive]: trap,
    toString: trap,
  };
  const proxy = (target) => new Proxy(target, { getPrototypeOf: trap, get: trap, has: trap });
  for (const thrown of [
    proxy(new Error("hidden")),
    proxy({}),
    new Proxy(new Refused("hidden"), { getPrototypeOf: trap }),
    Object.defineProperty(new Error("hidden"), "message", { get: trap }),
    Object.assign(new Error(""), { message: shouts, name: shouts }),
    Object.assign(new Error(""), { message: Symbol("text") }),
    Object.assign(new Error(""), { message: { not: "a text" } }),
    withCode,
    shouts,
    "\udcff",
    undefined,
  ]) {
    for (const handler of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ]) {
      const got = await reply(handler);
      assert.equal(got.performative, "failure");
      assert.equal(typeof got.content.error, "string");
    }
    // What is returned is looked at too.
    if (thrown !== undefined && typeof thrown === "object") await reply(() => proxy(thrown));
  }
});

test("what is no JSON becomes a failure that says so", async () => {
  const circle = {};
  circle.self = circle;
  for (const value of [() => {}, Symbol("s"), 1n, { deep: 1n }, circle]) {
    const got = await reply(() => value);
    assert.equal(got.performative, "failure");
    assert.match(got.content.error, /what the handler returned is.* not JSON/);
  }
});

test("nothing is sent for undefined and null", async () => {
  for (const value of [undefined, null]) {
    const host = rt.register("handler", () => value);
    const asking = rt.ask({ performative: "request", receiver: "handler" }, { timeout: 20 });
    await assert.rejects(asking, { code: "timeout" });
    host.remove();
  }
});

test("an ask that would come back to its handler fails at once", async () => {
  const host = rt.register(
    "ring",
    async (message) => {
      await turn();
      const reply = await rt.request({ performative: "request", receiver: "ring", content: 1 });
      return [message.content, reply.content];
    },
    { concurrency: 1 },
  );
  const asking = rt.request({ performative: "request", receiver: "ring", content: 0 });
  await assert.rejects(asking, (error) => {
    assert.ok(error instanceof Failed);
    assert.match(error.message, /waits for the answer/);
    return true;
  });
  host.remove();
});

test("a handler may ask agents, and close its runtime", async () => {
  const other = new Runtime();
  const echo = await other.deploy(agentPath("rust"), { name: "echo" });
  let closed;
  other.register("asks", async () => (await echo.request(uppercase)).content.result);
  other.register("closes", () => {
    closed = other.close();
  });
  const asked = await other.ask({ performative: "request", receiver: "asks" });
  assert.equal(asked.content.result, "HELLO");
  const closing = other.ask({ performative: "request", receiver: "closes" });
  await assert.rejects(closing, { code: "closed" });
  await closed;
});

test("who asked is told at once when the agent goes away that took the message", async () => {
  let taken;
  const isTaken = new Promise((resolve) => {
    taken = resolve;
  });
  const host = rt.register("leaves", () => taken());
  const asking = rt.request({ performative: "request", receiver: "leaves" }, { timeout: 20_000 });
  await isTaken;
  host.remove();
  await assert.rejects(asking, (error) => {
    assert.ok(error instanceof AgentNotFound);
    assert.match(error.message, /"leaves" was removed after it had taken the message/);
    return true;
  });
  const once = rt.register("once", () => {
    once.remove();
    return "once";
  });
  const answer = await rt.ask({ performative: "request", receiver: "once" }, { timeout: 20_000 });
  assert.equal(answer.content, "once");
});

test("no more are handled at once than concurrency says", async () => {
  let running = 0;
  let most = 0;
  const host = rt.register(
    "few",
    async () => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      return running;
    },
    { concurrency: 3, capabilities: ["few"] },
  );
  assert.deepEqual(rt.find("few"), ["few"]);
  const messages = Array.from({ length: 40 }, () => ({ performative: "request", receiver: "few" }));
  await rt.askMany(messages);
  assert.equal(most, 3);
  host.remove();
  assert.deepEqual(rt.find("few"), []);
});

test("names and options are checked", async () => {
  const host = rt.register("taken", () => {});
  assert.throws(() => rt.register("taken", () => {}), NameTaken);
  assert.throws(() => rt.register("x", "no function"), InvalidArgument);
  assert.throws(() => rt.register("x", () => {}, { concurrency: 0 }), InvalidArgument);
  assert.throws(() => rt.register("x", () => {}, { capabilities: [1] }), InvalidArgument);
  host.remove();
  host.remove();
  rt.register("taken", () => {}).remove();
});

test("the handler that says most of a message takes it", async () => {
  const host = rt
    .register("routes", () => "any")
    .on("request", () => "request")
    .on({ performative: "request", protocol: "fipa-request" }, async () => "fipa-request")
    .on({ protocol: "odd" }, () => "odd");
  const ask = async (performative, protocol) =>
    (await rt.ask({ performative, protocol, receiver: "routes" })).content;
  assert.equal(await ask("query-ref"), "any");
  assert.equal(await ask("request"), "request");
  assert.equal(await ask("request", "fipa-request"), "fipa-request");
  assert.equal(await ask("request", "odd"), "request");
  assert.equal(await ask("query-ref", "odd"), "odd");
  assert.throws(() => host.on("request", () => 1), InvalidArgument);
  assert.throws(() => host.on({}, () => 1), InvalidArgument);
  host.remove();
});

test("without a handler what wants an answer is not understood", async () => {
  const host = rt.register("partly", null, { capabilities: ["partly"] }).on("cfp", () => 5);
  const proposal = await rt.ask({ performative: "cfp", receiver: "partly" });
  assert.deepEqual([proposal.performative, proposal.content], ["propose", 5]);
  const other = await rt.ask({ performative: "request", receiver: "partly" });
  assert.equal(other.performative, "not-understood");
  assert.deepEqual(rt.find("partly"), ["partly"]);
  host.remove();
});

test("what is thrown says which act answers", async () => {
  for (const [error, performative] of [
    [new Refused("too busy"), "refuse"],
    [new NotUnderstood("what?"), "not-understood"],
    [new Failed("broken"), "failure"],
    [Object.assign(new Error("only looks so"), { code: "refused" }), "failure"],
  ]) {
    for (const handler of [
      () => {
        throw error;
      },
      () => Promise.reject(error),
    ]) {
      const got = await reply(handler);
      assert.deepEqual([got.performative, got.content.error], [performative, error.message]);
    }
  }
  const host = rt.register("no").on("request", () => {
    throw new Refused("no time");
  });
  await assert.rejects(rt.request({ performative: "request", receiver: "no" }), (error) => {
    assert.ok(error instanceof Refused);
    assert.equal(error.reply.content.error, "no time");
    return true;
  });
  host.remove();
});

test("routes are checked", () => {
  const host = rt.register("checked");
  const handler = () => 1;
  assert.throws(() => host.on("shout", handler), InvalidArgument);
  assert.throws(() => host.on("cfp"), InvalidArgument);
  assert.throws(() => host.on("cfp", 1), InvalidArgument);
  assert.throws(() => host.on({ act: "cfp" }, handler), InvalidArgument);
  assert.throws(() => host.on({ performative: 1 }, handler), InvalidArgument);
  assert.throws(() => host.on(null, handler), InvalidArgument);
  host.remove();
  assert.throws(() => host.on("cfp", handler), /"checked" is not here any more/);
});

test("the event loop gets its turns while agents keep a handler busy", async () => {
  const text = '{"performative":"request","receiver":"busy"}';
  const module = `(module
    (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 1024) ${JSON.stringify(text)})
    (func (export "handle_message") (param i32 i32) (result i32)
      (drop (call $send (i32.const 1024) (i32.const ${text.length}))) (i32.const 0)))`;
  let handled = 0;
  const host = rt.register("busy", () => {
    handled += 1;
    return handled;
  });
  const options = { limits: { maxMessagesPerSecond: null } };
  const agents = await rt.deployMany(module, ["busy-1", "busy-2"], options);
  for (const agent of agents) {
    for (let n = 0; n < 100; n++) await agent.send(n);
  }
  const turns = [];
  while (turns.length < 50) {
    const began = performance.now();
    await turn();
    turns.push(performance.now() - began);
  }
  const before = handled;
  await turn();
  await turn();
  assert.ok(handled > before, "the handler goes on");
  // It held the event loop for hundreds of milliseconds in each turn.
  assert.ok(turns.toSorted((a, b) => a - b)[25] < 50, `turns of ${turns} ms`);
  await Promise.all(agents.map((agent) => agent.remove()));
  host.remove();
});
