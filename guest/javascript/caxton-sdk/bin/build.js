#!/usr/bin/env node
// caxton-build AGENT.js OUTPUT.wasm: makes a component of the file that exports `agent`.

import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const kit = realpathSync(join(dirname(fileURLToPath(import.meta.url)), ".."));

main().catch((error) => {
  console.error(`caxton-build: ${error.message ?? error}`);
  process.exitCode = 1;
});

async function main() {
  const [source, output, ...more] = process.argv.slice(2);
  if (!source || !output || more.length > 0)
    throw new Error("usage: caxton-build AGENT.js OUTPUT.wasm");
  const file = realpathSync(source);
  const project = projectOf(file);
  const { componentize } = await loadTool(project);
  const agent = relative(project, file).split(sep).join("/");
  const { component } = await componentize({
    witPath: join(kit, "wit"),
    world: "agent",
    jsSource: entry(`./${agent}`),
    // It lends its folder to the imports of the entry, which is no file.
    jsPath: join(project, "package.json"),
    moduleRoot: commonFolder(project, kit),
    // Without the component model's async functions, which the interface does not use.
    sync: true,
  });
  writeFileSync(output, component);
  console.error(`${output}, ${component.length} bytes`);
}

function entry(agent) {
  return `
    import * as host from "caxton:agent/host@0.1.0";
    import { component } from "caxton-sdk/component";
    import { agent } from ${JSON.stringify(agent)};
    const exported = component(agent, host);
    export const { agentInit, handleMessage, handleTimer, getCapabilities, agentShutdown } = exported;
  `;
}

/** The nearest folder above a file that has a package.json. */
function projectOf(file) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      readFileSync(join(folder, "package.json"));
      return folder;
    } catch {
      if (folder === dirname(folder))
        throw new Error(`there is no package.json beside or above ${file}`);
    }
  }
}

async function loadTool(project) {
  try {
    return createRequire(join(project, "package.json"))("componentize-qjs");
  } catch (error) {
    throw new Error(
      `componentize-qjs is not installed in ${project}: npm install --save-dev componentize-qjs (${error.message})`,
    );
  }
}

/** The folder that has both: modules outside of it are not found. */
function commonFolder(one, other) {
  let folder = one;
  const isInside = (path) => path === "" || (!path.startsWith("..") && !isAbsolute(path));
  while (!isInside(relative(folder, other))) folder = resolve(folder, "..");
  return folder;
}
