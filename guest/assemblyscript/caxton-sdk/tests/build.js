// Builds the agents of the tests into tests/build.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const asc = join(
  dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")),
  "bin/asc.js",
);
const root = fileURLToPath(new URL("..", import.meta.url));

build("probe", "probe");
build("plain", "plain");
build("plain", "plain-runtime", "--exportRuntime");
build("chain", "chain", "--transform", "./transform/index.js");

function build(source, name, ...options) {
  const args = [
    `tests/agents/${source}.ts`,
    "-O",
    "--outFile",
    `tests/build/${name}.wasm`,
    ...options,
  ];
  execFileSync(process.execPath, [asc, ...args], { cwd: root, stdio: "inherit" });
}
