import {
  type CaxtonError,
  type Limits,
  Message,
  type Performative,
  Runtime,
  Timeout,
} from "caxton";

const limits: Limits = { maxMemoryBytes: 16 << 20, maxHostCalls: null };
const rt = new Runtime({ limits, contentLimits: { maxKeys: 10, maxDepth: null }, workers: 1 });
const agent = await rt.deploy(new URL("file:///echo.wasm"), { name: "echo", limits });
const reply = await agent.request<{ result: string }>({ a: 1 }, { timeout: 5000, ontology: "o" });
const text: string = reply.content.result;
const untyped: unknown = (await agent.ask(text)).content;
const act: Performative = reply.performative;
for await (const message of rt.subscribe({ performative: ["inform", act] })) {
  const sender: string | undefined = message.sender;
  await rt.send({ performative: "inform", receiver: sender, content: untyped, "X-note": 1 });
}
rt.register("planner", async (message) => message.reply({ plan: [] }), { concurrency: 2 });
for (const answer of await rt.askMany([reply, "{}", new Uint8Array()])) {
  if (answer instanceof Message) console.log(answer.content);
  else console.log((answer satisfies CaxtonError).code, answer instanceof Timeout);
}
const memory: number | null = agent.limits.maxMemoryBytes;
console.log(memory, agent.stats().cpuMicros satisfies number);
// @ts-expect-error There is no such act.
await agent.send(1, { performative: "shout" });
// @ts-expect-error There is no such limit.
await rt.deploy("x.wasm", { limits: { maxMemory: 1 } });
// @ts-expect-error There is no such limit of content.
await rt.deploy("x.wasm", { contentLimits: { maxMemoryBytes: 1 } });
// @ts-expect-error What came is unknown until somebody says what it is.
console.log(untyped.result);
await rt[Symbol.asyncDispose]();
