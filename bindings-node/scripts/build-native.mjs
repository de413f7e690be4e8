// Builds the crate and puts its library beside the package, under the name that Node loads.
// CAXTON_PROFILE chooses cargo's profile: `dev` (the default) or `release`.
import { spawnSync } from "node:child_process";
import { copyFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const profile = process.env.CAXTON_PROFILE ?? "dev";
// The crate caxton-bindings-features gives the dependencies the same features here as in the whole
// workspace, so that they are not compiled once more.
const cargo = spawnSync(
  "cargo",
  ["build", "-p", "caxton-node", "--profile", profile, "--message-format=json-render-diagnostics"],
  { cwd: root, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", maxBuffer: 1 << 28 },
);
if (cargo.error !== undefined) throw cargo.error;
if (cargo.status !== 0) process.exit(cargo.status ?? 1);

const library = cargo.stdout
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line))
  .filter((entry) => entry.reason === "compiler-artifact" && entry.target.name === "caxton_node")
  .flatMap((entry) => entry.filenames)
  .find((file) => /\.(so|dylib|dll)$/.test(file));
if (library === undefined) throw new Error("cargo built no library");

// A process that has the old file loaded keeps it: the new one takes its place in one step.
const next = join(root, `caxton.node.${process.pid}`);
copyFileSync(library, next);
try {
  renameSync(next, join(root, "caxton.node"));
} catch (error) {
  rmSync(next, { force: true });
  throw error;
}
