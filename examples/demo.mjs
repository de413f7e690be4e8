// Agents in Rust, AssemblyScript and C pass one task along; the last one answers.
//
// The screen shows the agents, the answer and a trace of every message.

import { statSync } from "node:fs";
import { Runtime } from "caxton";

const AGENTS = new URL("./agents/", import.meta.url);
const TASK = "Hello from three languages";
// Who does what to the text, in this order.
const STEPS = [
  { agent: "rust", operation: "reverse" },
  { agent: "assemblyscript", operation: "uppercase" },
  { agent: "c", operation: "reverse" },
];

const rt = new Runtime();
try {
  console.log("Node deploys three agents, each in a sandbox of its own:\n");
  for (const { agent: name } of STEPS) {
    const module = new URL(`${name}.wasm`, AGENTS);
    const agent = await rt.deploy(module, { name });
    const size = `${Math.trunc(statSync(module).size / 1024)}`.padStart(3);
    console.log(`  ${name.padEnd(14)}  ${size} KB  can: ${shown(agent.capabilities.join(", "), 40)}`);
  }

  console.log(`\nThe task for '${TASK}':`);
  console.log(`  ${STEPS.map((step) => `${step.agent}: ${step.operation}`).join(", then ")}\n`);

  const [{ agent: first, operation }, ...then] = STEPS;
  const trace = rt.subscribe();
  const answer = await rt
    .agentNamed(first)
    .request({ action: "relay", data: { data: TASK, operation, then } }, { timeout: 10_000 });
  await show(trace, answer);
  const { result } = answer.content.result;
  console.log(`\nThe answer, from ${shown(answer.sender, 20)}: ${shown(result, 60)}`);
} finally {
  await rt.close();
}

// Prints a line for each message, up to and including `until`.
async function show(trace, until) {
  const width = Math.max(40, (process.stdout.columns ?? 120) - 56);
  let begun;
  for await (const message of trace) {
    begun ??= message.sent_at;
    const passed = ((message.sent_at - begun) / 1000).toFixed(3).padStart(6);
    const from = shown(message.sender, 14).padEnd(14);
    const to = shown(`${message.receiver}`, 14).padEnd(14);
    const content = shown(JSON.stringify(message.content), width);
    console.log(`  ${passed} ms  ${from} → ${to}  ${message.performative.padEnd(7)}  ${content}`);
    if (message.message_id === until.message_id) break;
  }
}

// What an agent wrote, for one line of a terminal: shortened, and nothing in it a command.
function shown(text, width) {
  const safe = text.slice(0, width + 1).replace(/[\p{C}\p{Z}]/gu, (character) => {
    if (character === " ") return character;
    return `\\u{${character.codePointAt(0).toString(16)}}`;
  });
  return safe.length <= width ? safe : `${safe.slice(0, width - 1)}…`;
}
