import {
  type Answer,
  type CaxtonError,
  type Choose,
  type Conversation,
  type ConversationFilter,
  type Informs,
  type Limits,
  Message,
  type Outcome,
  type Performative,
  Refused,
  Runtime,
  Timeout,
  type Trace,
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

const seller = rt
  .register("seller", null, { capabilities: ["selling"] })
  .on("cfp", async ({ content }) => {
    if (content === null) throw new Refused("no task");
    return { price: 3 };
  })
  .on(
    { performative: "accept-proposal", protocol: "fipa-contract-net" },
    (message) => message.content,
  );
const isSo: boolean = await rt.queryIf(agent, { a: 1 }, { timeout: null });
const named = await rt.queryRef<{ result: string }>("echo", { reference: "name" });
const name: string = named.content.result;
const { signal } = new AbortController();
await rt.requestWhen(seller, "do", "then", { deadline: 1, timeout: 2, signal });
const decided: Performative = (await rt.propose(seller, { price: isSo ? 1 : 2 })).performative;
const cheapest: Choose = (proposals: readonly Answer[]) => proposals[0];
const outcome: Outcome = await rt.contractNet({ task: name }, [agent, seller, "c"], {
  choose: cheapest,
  deadline: 100,
  signal,
});
const winner: string | undefined = outcome.winner?.agent;
const lists: string[][] = [outcome.done, outcome.late, outcome.notUnderstood];
const price: number | null = outcome.price;
console.log(decided, winner, lists, price, outcome.result?.content satisfies unknown);
await rt.iteratedContractNet(1, new Set([seller]), {
  rounds: 2,
  choose: async (proposals, round) =>
    round < 2
      ? { callAgain: { round }, to: proposals.slice(1) }
      : proposals.map((one) => one.agent),
});
await rt.englishAuction("lot", [seller], { start: 1, step: 1, reserve: 5, deliver: true });
await rt.dutchAuction("lot", [seller], { start: 9, step: 1 });
const brokered: Message[] = await rt.broker(
  "df",
  { services: [] },
  { performative: "request" },
  { maxResults: 2 },
);
await rt.recruit(seller, {}, brokered[0] ?? "{}");
const informs: Informs = await rt.subscribeTo(agent, "news", { signal });
for await (const { content } of informs) console.log(content satisfies unknown, informs.missed);
const next: Message | undefined = (await informs.next({ timeout: 5 })).value;
await informs[Symbol.asyncDispose]();
const filter: ConversationFilter = { protocol: "fipa-query", state: ["open", "ended"], agent: "a" };
const conversations: Conversation[] = rt.conversations(filter);
const conversation: Conversation | null = rt.conversation(next?.conversation_id ?? "");
const due: "initiator" | "participant" | null | undefined = conversation?.participants[0]?.due;
console.log(conversations[0]?.messages[0]?.note, due, conversation?.diagram("svg").length);
const trace: Trace = rt.trace({ stream: process.stderr, colour: false, width: 80, sender: "a" });
trace.close();
new Runtime({ protocols: "strict" });
// @ts-expect-error There is no such choice.
await rt.contractNet(1, ["a"], { choose: "best" });
// @ts-expect-error A plain contract net has one round.
await rt.contractNet(1, ["a"], { choose: () => ({ callAgain: 1 }) });
// @ts-expect-error An auction begins somewhere.
await rt.englishAuction(1, ["a"], { step: 1 });
// @ts-expect-error There is no such protocol.
rt.conversations({ protocol: "fipa-chat" });
// @ts-expect-error There is no such act.
seller.on("shout", () => 1);
// @ts-expect-error An outcome is what came, and stays so.
outcome.rounds = 3;
await rt[Symbol.asyncDispose]();
