// The contestants in Node: `run.py` starts this with a configuration, and reads the figures as JSON.

import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

const config = JSON.parse(process.argv[2]);
const { Runtime } = await import(pathToFileURL(config.package));
const { createPlugin } = createRequire(config.peers)("@extism/extism");

const rt = new Runtime();
const limits = { maxMessagesPerSecond: null };
const agent = await rt.deploy(config.agent, { name: "rust", limits });
const inThread = await createPlugin(config.plugin);
const inWorker = await createPlugin(config.plugin, { runInWorker: true });

// What each does for one message, and how often in a round.
const contestants = {
  node_ask: [() => agent.ask(config.content), config.batch],
  node_extism: [() => inThread.call("handle_message", config.handed), config.batch],
  node_extism_worker: [() => inWorker.call("handle_message", config.handed), config.batch / 10],
};

// Nobody is measured who answers something else.
const answers = [(await agent.ask(config.content)).content];
for (const plugin of [inThread, inWorker]) {
  answers.push((await plugin.call("handle_message", config.handed)).json().content);
}
for (const { result } of answers) {
  if (result.result !== "HELLO, WORLD!") throw new Error(`answered ${JSON.stringify(result)}`);
}

const samples = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
const order = Object.keys(contestants);
// The first rounds only warm up.
for (let round = -config.warmUp; round < config.rounds; round++) {
  for (const name of order) {
    const [call, count] = contestants[name];
    const began = performance.now();
    for (let i = 0; i < count; i++) await call();
    const figure = ((performance.now() - began) * 1000) / count;
    if (round >= 0) samples[name].push(figure);
  }
  order.reverse();
}

await inWorker.close();
await inThread.close();
await rt.close();
console.log(JSON.stringify(samples));
