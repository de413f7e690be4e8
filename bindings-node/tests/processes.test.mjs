// How processes and threads with a runtime end, and how the package is loaded.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { packageFolder, run, runScript } from "./support.mjs";

/** Runs a script that has to end by itself, and says "done" as its last word. */
async function ends(source, options) {
  const { code, signal, stdout, stderr } = await runScript(source, options);
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" });
  assert.match(stdout, /done\n$/);
}

test("a process ends by itself with everything left open", () =>
  ends(`
    const rt = new Runtime();
    const echo = await rt.deploy(agentPath("rust"), { name: "echo" });
    rt.register("me", () => 1);
    rt.subscribe();
    rt.subscribe({}, () => {});
    await echo.request(uppercase);
    console.log("done");`));

test("a process ends while a turn runs that nobody waits for", () =>
  ends(`
    const rt = new Runtime();
    const spin = await rt.deploy(spinning, { limits: { maxExecutionTimeMicros: null } });
    await spin.send(1);
    console.log("done");`));

test("a call that waits keeps the process alive", () =>
  ends(`
    const rt = new Runtime();
    const mute = await rt.deploy(silent);
    await mute.ask(1, { timeout: 100 }).catch((error) => console.log(error.code, "done"));`));

test("process.exit with calls that wait", () =>
  ends(`
    const rt = new Runtime();
    const spin = await rt.deploy(spinning, { limits: { maxExecutionTimeMicros: null } });
    spin.ask(1, { timeout: null });
    rt.subscribe().next();
    rt.deploy(agentPath("rust"));
    console.log("done");
    process.exit(0);`));

test("process.exit in a handler", () =>
  ends(`
    const rt = new Runtime();
    rt.register("ends", () => { console.log("done"); process.exit(0); });
    await rt.ask({ performative: "request", receiver: "ends" });`));

test("handles and promises are collected in any order", () =>
  ends(
    `
    for (let round = 0; round < 20; round += 1) {
      const rt = new Runtime({ workers: 1 });
      const mute = await rt.deploy(silent, { name: "mute" });
      rt.subscribe();
      rt.agents();
      mute.ask(1, { timeout: 1 }).catch(() => {});
      rt.register("me", () => 1).remove();
      globalThis.gc();
      if (round % 2 === 0) await rt.close();
    }
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
    console.log("done");`,
    { args: ["--expose-gc"] },
  ));

test("an agent keeps its runtime open", () =>
  ends(
    `
    const agent = await (async () => new Runtime().deploy(agentPath("rust")))();
    for (let round = 0; round < 10; round += 1) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
      await agent.request(uppercase);
    }
    console.log("done");`,
    { args: ["--expose-gc"] },
  ));

test("worker threads have runtimes of their own, left open or ended early", async () => {
  const source = `
    const { parentPort } = require("node:worker_threads");
    const { Runtime } = require("caxton");
    (async () => {
      const rt = new Runtime();
      rt.register("me", (message) => message.content);
      const reply = await rt.ask({ performative: "request", receiver: "me", content: 7 });
      rt.ask({ performative: "request", receiver: "mute" }, { timeout: null }).catch(() => {});
      rt.subscribe({}, () => {});
      parentPort.postMessage(reply.content);
      if (process.argv[2] === "stay") await rt.subscribe({ topic: "x" }).next();
    })();`;
  const workers = Array.from({ length: 8 }, (_, at) => {
    const stays = at % 2 === 0;
    const worker = new Worker(source, { eval: true, argv: stays ? ["stay"] : [] });
    return new Promise((resolve, reject) => {
      worker.on("error", reject);
      worker.on("message", (content) => {
        assert.equal(content, 7);
        if (stays) worker.terminate();
      });
      worker.on("exit", (code) => resolve({ stays, code }));
    });
  });
  for (const { stays, code } of await Promise.all(workers)) assert.equal(code, stays ? 1 : 0);
});

test("a process in which only worker threads load the package", async () => {
  // Each of them unloads the addon when it ends, while threads of its runtime may still run.
  const source = `
    const { Worker } = require("node:worker_threads");
    const source = 'const { Runtime } = require("caxton"); const rt = new Runtime();'
      + 'rt.register("me", () => 1); rt.ask({ performative: "request", receiver: "me" });';
    let left = 10;
    const next = () => {
      if (left-- === 0) return console.log("done");
      new Worker(source, { eval: true }).on("exit", (code) => (code === 0 ? next() : process.exit(7)));
    };
    next();`;
  const { code, signal, stdout } = await run(process.execPath, ["-e", source]);
  assert.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: "done\n" });
});

test("require and import give the same objects", () =>
  ends(`
    import { createRequire } from "node:module";
    import * as imported from "caxton";
    const required = createRequire(import.meta.url)("caxton");
    for (const name of Object.keys(required)) {
      if (imported[name] !== required[name]) throw new Error(name);
    }
    if (!(imported.Timeout.prototype instanceof required.CaxtonError)) throw new Error("classes");
    console.log("done");`));

test("a strict TypeScript program compiles, as ES module and as CommonJS", async () => {
  const tsc = join(packageFolder, "node_modules", "typescript", "bin", "tsc");
  const { code, stdout } = await run(process.execPath, [tsc, "-p", join("tests", "consumer")]);
  assert.equal(code, 0, stdout);
});

test("hosts come and go beside a standing search while agents do", () =>
  ends(`
    const rt = new Runtime();
    const content = { action: "search", description: {} };
    await rt.ask({ performative: "subscribe", receiver: "df", conversation_id: "c", content });
    for (let round = 0; round < 60; round += 1) {
      // The agents are removed on other threads than this one.
      const agents = await Promise.all(Array.from({ length: 8 }, () => rt.deploy(silent)));
      const gone = agents.map((agent) => agent.remove());
      for (let host = 0; host < 20; host += 1) rt.register("h" + host, () => {}).remove();
      await Promise.all(gone);
    }
    await rt.close();
    console.log("done");`));
