// Runs the cases of tests/conformance, which every language runs. See the README there.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { only } from "./expect.mjs";
import { Stage } from "./stage.mjs";
import { testsFolder } from "./support.mjs";

const folder = join(testsFolder, "conformance");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
assert.ok(files.length > 0, "tests/conformance has no cases");
for (const file of files.sort()) {
  describe(file, () => {
    for (const testCase of JSON.parse(readFileSync(join(folder, file), "utf8"))) {
      only(testCase, ["name", "modules", "each", "runtime", "steps"]);
      for (const each of testCase.each ?? [undefined]) {
        test(each === undefined ? testCase.name : `${testCase.name} [${each}]`, async () => {
          const stage = new Stage(testCase, each);
          try {
            await stage.run(testCase.steps, "step ");
          } finally {
            await stage.runtime.close();
          }
        });
      }
    }
  });
}
