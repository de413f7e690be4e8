// Agents in three languages and the script bid for a task: the cheapest gets it, and the picture says who said what.

import { Refused, Runtime } from "caxton";

const WORKERS = {
  rust: { price: 5 },
  assemblyscript: { price: 3 },
  c: { price: 4, delay_micros: 50_000 },
};

const rt = new Runtime();
for (const [name, config] of Object.entries(WORKERS)) {
  await rt.deploy(new URL(`./agents/${name}.wasm`, import.meta.url), { name, config });
}
// The script can bid too, and has no time today.
rt.register("script").on("cfp", () => {
  throw new Refused("no time today");
});
const bidders = [...Object.keys(WORKERS), "script"];

// Each message as a line, as it passes.
const trace = rt.trace({ protocol: "fipa-contract-net" });
const outcome = await rt.contractNet({ task: "dig a hole" }, bidders, { deadline: 5000 });
trace.close();

console.log("\nwinner:", outcome.winner.agent, "for", outcome.winner.proposal.content.price);
console.log("its result:", outcome.result.content.result);
console.log("rejected:", outcome.rejected.join(", "), "- refused:", outcome.refused.join(", "));

// A function may decide instead; here it takes the quickest of those who ask for less than 5.
const quickest = (proposals) =>
  proposals
    .filter(({ proposal }) => proposal.content.price < 5)
    .sort((one, other) => one.proposal.sent_at - other.proposal.sent_at)[0];
const second = await rt.contractNet({ task: "fill it in" }, bidders, { choose: quickest });
console.log("the quickest that is cheap:", second.winner.agent);

console.log("\nThe first one as a Mermaid diagram:\n");
console.log(rt.conversation(outcome.conversationId).diagram("mermaid"));
await rt.close();
