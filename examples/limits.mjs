// An agent that loops for ever and one that eats memory harm nobody but themselves.

import { LimitExceeded, Runtime } from "caxton";

const LOOPS = `(module (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32)
    (loop $again (br $again)) (i32.const 0)))`;

const EATS = `(module (memory (export "memory") 1)
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "caxton_free") (param i32 i32))
  (func (export "handle_message") (param i32 i32) (result i32)
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    unreachable))`;

const limits = { maxExecutionTimeMicros: 300_000, maxMemoryBytes: 8 << 20 };

const rt = new Runtime();
const loops = await rt.deploy(LOOPS, { name: "loops", limits });
const eats = await rt.deploy(EATS, { name: "eats", limits });
const honest = await rt.deploy(new URL("./agents/c.wasm", import.meta.url), { name: "honest" });

await loops.send("go"); // Resolves at once; the agent spins from now on.
const task = { action: "process_data", data: { operation: "uppercase", data: "still here" } };
console.log("meanwhile:", (await honest.request(task)).content.result.result);

for (const agent of [loops, eats]) {
  await agent.request("go", { timeout: 5000 }).catch((error) => {
    if (!(error instanceof LimitExceeded)) throw error;
    console.log(`${agent.name}: ${error.message}`);
    console.log(`  code=${error.code} kind=${error.limitKind} limit=${error.limit} used=${error.used}`);
    console.log(`  state=${agent.state} dropped turns=${agent.stats().droppedTurns}`);
  });
}
console.log("afterwards:", (await honest.request(task)).content.result.result);
await rt.close();
