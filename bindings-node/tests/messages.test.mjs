// Messages, errors, limits, modules: what crosses between JavaScript and the core.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { format, inspect as show } from "node:util";
import * as caxton from "caxton";
import { agentBytes, agentPath, silent, uppercase } from "./support.mjs";

const { CaxtonError, InvalidArgument, InvalidMessage, InvalidModule, Message, Runtime } = caxton;
const native = createRequire(import.meta.url)("../caxton.node");

let rt;
let echo;
before(async () => {
  rt = new Runtime({ name: "script" });
  echo = await rt.deploy(agentPath("rust"), { name: "echo", capabilities: ["text"] });
});
after(() => rt.close());

test("a message is frozen and shows its fields", async () => {
  const reply = await rt.ask({
    performative: "request",
    receiver: ["echo"],
    content: uppercase,
    conversation_id: "c1",
    protocol: "fipa-request",
  });
  assert.equal(rt.name, "script");
  assert.equal(reply.performative, "inform");
  assert.equal(reply.sender, "echo");
  assert.equal(reply.receiver, "script");
  assert.equal(reply.conversation_id, "c1");
  assert.equal(reply.reply_to, undefined);
  assert.equal(reply.content, reply.content);
  assert.match(reply.message_id, /^[0-9a-f-]{36}$/);
  assert.ok(reply.sent_at > 1e15);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(reply.raw)), reply.toJSON());
  assert.deepEqual(JSON.parse(JSON.stringify(reply)), reply.toJSON());
  assert.ok(Object.isFrozen(reply));
  assert.throws(() => {
    reply.sender = "somebody";
  }, TypeError);
});

test("a message may be an object, a Message, text or bytes", async () => {
  const fields = { performative: "request", receiver: "echo", content: uppercase };
  const text = JSON.stringify(fields);
  for (const message of [fields, new Message(fields), text, Buffer.from(text)]) {
    assert.equal((await rt.ask(message)).content.result.result, "HELLO");
  }
  for (const message of [null, 7, undefined, () => {}, "{", { performative: "shout" }, 1n]) {
    await assert.rejects(rt.ask(message), InvalidMessage);
  }
});

test("content that is no JSON is refused", async () => {
  const circle = {};
  circle.self = circle;
  for (const content of [() => {}, Symbol("s"), 1n, circle]) {
    await assert.rejects(echo.ask(content), InvalidMessage);
  }
});

test("a message of one's own, and a reply to it", () => {
  const message = new Message({
    performative: "QUERY_IF",
    sender: "me",
    receiver: "you",
    content: { ä: "\u2028" },
    reply_with: "r1",
    reply_by: "2026-01-01T00:00:00Z",
    "X-note": [1],
  });
  assert.equal(message.performative, "query-if");
  assert.equal(message.message_id, undefined);
  assert.equal(message.sent_at, undefined);
  assert.equal(message.reply_by, Date.UTC(2026, 0, 1) * 1000);
  const reply = message.reply([1], { ontology: "o" });
  assert.equal(reply.performative, "inform");
  assert.equal(reply.receiver, "me");
  assert.equal(reply.in_reply_to, "r1");
  assert.equal(reply.ontology, "o");
  assert.equal(new Message({ performative: "cfp" }).content, null);
  assert.throws(() => new Message({}), InvalidMessage);
  assert.throws(() => message.reply(1, { performative: "shout" }), InvalidMessage);
});

test("a message is shown in one line that moves no cursor", () => {
  const content = "\u001b[2J\n\u009b".repeat(100);
  const line = show(new Message({ performative: "inform", sender: "a", receiver: "b", content }));
  assert.match(line, /^<Message inform a → b: /);
  assert.doesNotMatch(line, /\p{Cc}/u);
  assert.ok(line.length < 400);
});

test("a message is shown however deep its content is nested", () => {
  const content = "[".repeat(50_000) + "]".repeat(50_000);
  const json = `{"performative":"inform","receiver":["a","b","c","d"],"content":${content}}`;
  const line = show(new Message(json));
  assert.match(line, /^<Message inform {2}→ a, b, c, …: \[{79}…>$/);
  assert.equal(format("%o", new Message(json)), line);
});

test("a misspelt option is refused with the name that may be meant", async () => {
  const rt = new Runtime();
  const agent = await rt.deploy(silent, { name: "a" });
  const message = new Message({ performative: "inform", content: 1 });
  for (const [typo, meant] of [
    ["timout", "timeout"],
    ["reciever", "receiver"],
    ["replyWith", "reply_with"],
  ]) {
    const refused = (error) => {
      assert.ok(error instanceof InvalidArgument, String(error));
      assert.ok(error.message.includes(`no field "${typo}" (did you mean "${meant}"?)`));
      return true;
    };
    const options = { [typo]: 3 };
    await assert.rejects(agent.ask(1, options), refused);
    await assert.rejects(agent.send(1, options), refused);
    await assert.rejects(rt.send({ performative: "inform", receiver: "a", ...options }), refused);
    assert.throws(() => rt.broadcast(1, options), refused);
    assert.throws(() => message.reply(1, options), refused);
    assert.throws(() => new Message({ performative: "inform", ...options }), refused);
  }
  // What is read may be anybody's, and is passed on as it is.
  const text = '{"performative":"inform","receiver":"a","colour":2}';
  const subscription = rt.subscribe({ receiver: "a" });
  await rt.send(new Message(text));
  assert.equal((await subscription.next()).value.toJSON().colour, 2);
  await assert.rejects(rt.send(text), InvalidArgument);
  await rt.close();
});

test("every code has a class of its own", () => {
  const classes = Object.values(caxton).filter(
    (value) => typeof value === "function" && value.prototype instanceof CaxtonError,
  );
  assert.deepEqual(classes.map((kind) => kind.code).sort(), native.errorCodes().sort());
  for (const Kind of classes) {
    const error = new Kind("text");
    assert.equal(error.code, Kind.code);
    assert.equal(error.name, Kind.name);
    assert.ok(error instanceof Error && error instanceof CaxtonError);
  }
});

test("errors carry what happened as data", async () => {
  await assert.rejects(rt.deploy("(module)", { name: "empty" }), (error) => {
    assert.ok(error instanceof InvalidModule);
    assert.ok(error.missing.length > 0);
    return true;
  });
  const trapping = `(module (memory (export "memory") 1)
    (func (export "handle_message") (param i32 i32) (result i32) unreachable))`;
  const agent = await rt.deploy(trapping, { name: "trapping" });
  await assert.rejects(agent.request(1), (error) => {
    assert.ok(error instanceof caxton.Trapped);
    assert.equal(typeof error.backtrace, "string");
    assert.ok(error.reply instanceof Message);
    assert.equal(error.reply.sender, "ams");
    return true;
  });
  await agent.remove();
  const hungry = await rt
    .deploy(agentPath("rust"), { limits: { maxHostCalls: 0 } })
    .catch((e) => e);
  assert.ok(hungry instanceof CaxtonError);
  await assert.rejects(
    rt.send(
      JSON.stringify({ performative: "inform", receiver: "echo", content: "x".repeat(2 << 20) }),
    ),
    (error) => {
      assert.ok(error instanceof caxton.LimitExceeded);
      assert.equal(error.limitKind, "message");
      assert.equal(error.limit, 1 << 20);
      assert.ok(error.used > 2 << 20);
      return true;
    },
  );
});

test("limits have the core's names, in camel case", async () => {
  const names = native.defaultLimits().map(({ name }) => name);
  assert.deepEqual(Object.keys(echo.limits), names);
  const declared = readFileSync(new URL("../dist/options.d.cts", import.meta.url), "utf8");
  for (const name of names) assert.ok(declared.includes(`${name}?: number | null`), name);
  const agent = await rt.deploy(silent, {
    limits: { maxMemoryBytes: null, maxHostCalls: null, maxLogBytes: 10, maxTurnBytes: undefined },
  });
  assert.equal(agent.limits.maxMemoryBytes, null);
  assert.equal(agent.limits.maxHostCalls, null);
  assert.equal(agent.limits.maxLogBytes, 10);
  assert.equal(agent.limits.maxTurnBytes, echo.limits.maxTurnBytes);
  await agent.remove();
  for (const limits of [
    { maxMemory: 1 },
    { max_memory_bytes: 1 },
    { maxLogBytes: -1 },
    { maxLogBytes: "1" },
    7,
  ]) {
    await assert.rejects(rt.deploy(silent, { limits }), InvalidArgument);
    assert.throws(() => new Runtime({ limits }), InvalidArgument);
  }
});

test("content limits have the core's names, in camel case", async () => {
  const names = native.defaultContentLimits().map(({ name }) => name);
  const declared = readFileSync(new URL("../dist/options.d.cts", import.meta.url), "utf8");
  for (const name of names) assert.ok(declared.includes(`${name}?: number | null`), name);
  assert.equal(echo.contentLimits, null);
  const contentLimits = { maxKeys: null, maxDepth: 3, maxBytes: undefined };
  const agent = await rt.deploy(silent, { contentLimits });
  assert.deepEqual(agent.contentLimits, {
    maxBytes: 1 << 20,
    maxKeys: null,
    maxKeyBytes: 256,
    maxArrayItems: 1000,
    maxStringBytes: 10_000,
    maxDepth: 3,
  });
  await agent.remove();
  for (const contentLimits of [{ maxKey: 1 }, { max_keys: 1 }, { maxKeys: -1 }, 7]) {
    await assert.rejects(rt.deploy(silent, { contentLimits }), InvalidArgument);
    assert.throws(() => new Runtime({ contentLimits }), InvalidArgument);
  }
  assert.throws(() => new Runtime({ contentLimits: { maxKey: 1 } }), /maxKeys/);
});

test("compile limits have the core's names, in camel case", async () => {
  const names = native.defaultCompileLimits().map(({ name }) => name);
  const declared = readFileSync(new URL("../dist/options.d.cts", import.meta.url), "utf8");
  for (const name of names) assert.ok(declared.includes(`${name}?: number | null`), name);
  const compileLimits = { maxCompileFunctionBytes: 1 };
  const refused = { code: "invalid_module", message: /max_compile_function_bytes/ };
  await assert.rejects(rt.deploy(silent, { compileLimits }), refused);
  await assert.rejects(rt.deployMany(silent, ["a"], { compileLimits }), refused);
  const limited = new Runtime({ compileLimits });
  await assert.rejects(limited.deploy(silent), refused);
  await limited.deploy(silent, { compileLimits: { maxCompileFunctionBytes: null } });
  await limited.close();
  for (const compileLimits of [{ maxCompile: 1 }, { maxCompileMillis: -1 }, 7]) {
    await assert.rejects(rt.deploy(silent, { compileLimits }), InvalidArgument);
    assert.throws(() => new Runtime({ compileLimits }), InvalidArgument);
  }
});

test("an agent shows what it is and what it did", async () => {
  await echo.send({ action: "get_status" });
  assert.equal(echo.state, "active");
  assert.deepEqual(echo.capabilities.includes("text"), true);
  assert.equal(rt.agentNamed("echo").id, echo.id);
  assert.equal(rt.agentNamed(echo.id).name, "echo");
  assert.ok(rt.agents().some((agent) => agent.name === "echo"));
  assert.ok(echo.stats().messagesIn > 0);
  assert.ok(echo.stats().memoryBytes > 0);
  for (const { at, level, text } of echo.logs()) {
    assert.ok(at > 0 && level !== undefined && typeof text === "string");
  }
  assert.equal(String(echo), '<Agent "echo" active>');
  assert.equal(rt.broadcast({ action: "get_status" }, { filter: { capabilities: "text" } }), 1);
  assert.throws(() => rt.agentNamed("nobody"), { code: "agent_not_found" });
});

test("a module comes from a path, a URL, text or bytes", async () => {
  const modules = [agentPath("c"), pathToFileURL(agentPath("c")), agentBytes("c"), silent];
  for (const wasm of modules) {
    await (await rt.deploy(wasm)).remove();
    assert.deepEqual((await caxton.inspect(wasm)).missing, []);
  }
  const agents = await rt.deployMany(agentPath("c"), ["c1", "c2"]);
  assert.deepEqual(
    agents.map((agent) => agent.name),
    ["c1", "c2"],
  );
  for (const wasm of [7, null, new URL("https://example.org/a.wasm")]) {
    await assert.rejects(rt.deploy(wasm), InvalidArgument);
  }
  await assert.rejects(rt.deploy("nowhere.wasm"), InvalidModule);
  await assert.rejects(caxton.inspect("nowhere.wasm"), InvalidModule);
  await assert.rejects(caxton.inspect(new Uint8Array([1, 2, 3])), InvalidModule);
});

test("options of a runtime are checked", () => {
  for (const options of [
    { workers: 0 },
    { workers: 1.5 },
    { name: 7 },
    { name: "ams" },
    { seed: -1 },
    7,
  ]) {
    assert.throws(() => new Runtime(options), InvalidArgument);
  }
});
