// Runs the cases of tests/conformance, which every language runs. See the README there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { only } from "./expect.mjs";
import { Stage } from "./stage.mjs";
import { testsFolder } from "./support.mjs";

/** A folder with the files and links of a case. */
function makeFolder(files = {}) {
  const folder = mkdtempSync(join(tmpdir(), "caxton-case-"));
  for (const [name, file] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof file === "string") writeFileSync(path, file);
    else if (file.pipe) execFileSync("mkfifo", [path]);
    else symlinkSync(file.link, path);
  }
  return folder;
}

const folder = join(testsFolder, "conformance");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
assert.ok(files.length > 0, "tests/conformance has no cases");
for (const file of files.sort()) {
  describe(file, () => {
    for (const testCase of JSON.parse(readFileSync(join(folder, file), "utf8"))) {
      only(testCase, ["name", "modules", "each", "folder", "runtime", "steps"]);
      for (const each of testCase.each ?? [undefined]) {
        test(each === undefined ? testCase.name : `${testCase.name} [${each}]`, async () => {
          const path = makeFolder(testCase.folder);
          const named = JSON.parse(JSON.stringify(testCase).replaceAll("$folder", path));
          const stage = new Stage(named, each);
          try {
            await stage.run(named.steps, "step ");
          } finally {
            await stage.runtime.close();
            rmSync(path, { recursive: true });
          }
        });
      }
    }
  });
}
