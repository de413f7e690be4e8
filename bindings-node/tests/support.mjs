// What the tests share: where things are, and how a script is run in a process of its own.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder `bindings-node`. */
export const packageFolder = fileURLToPath(new URL("..", import.meta.url));
/** The folder `tests` of the repository. */
export const testsFolder = fileURLToPath(new URL("../../tests", import.meta.url));

/** The path of a built agent. */
export function agentPath(name) {
  return join(testsFolder, "agents", "build", `${name}.wasm`);
}

/** The bytes of a built agent. */
export function agentBytes(name) {
  return readFileSync(agentPath(name));
}

/** What the worker agents answer with "HELLO". */
export const uppercase = {
  action: "process_data",
  data: { operation: "uppercase", data: "hello" },
};

/** An agent that never answers. */
export const silent = `(module (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))`;

/** An agent whose turn does not end by itself. */
export const spinning = `(module (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32) (loop (br 0)) (i32.const 0)))`;

/** Runs an ES module in a process of its own; what it wrote, and how it ended. */
export function runScript(source, { args = [], cwd = packageFolder } = {}) {
  const script = `
    import { Runtime } from "caxton";
    const agentPath = (name) => ${JSON.stringify(join(testsFolder, "agents", "build"))} + "/" + name + ".wasm";
    const uppercase = ${JSON.stringify(uppercase)};
    const silent = ${JSON.stringify(silent)};
    const spinning = ${JSON.stringify(spinning)};
    ${source}`;
  return run(process.execPath, [...args, "--input-type=module", "-e", script], cwd);
}

/** Runs a program; one that hangs is ended after a minute. */
export function run(program, args, cwd = packageFolder) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, timeout: 60_000, killSignal: "SIGKILL" });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Resolves when the event loop has had its turn. */
export function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}
