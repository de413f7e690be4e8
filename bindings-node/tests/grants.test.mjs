// The ceiling as JavaScript gives it; what it does is in the cases of tests/conformance.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgument, Runtime } from "caxton";

test("ceilings that are none", () => {
  for (const ceiling of [
    1,
    null,
    { colour: 1 },
    { grants: { sendto: [] } },
    { grants: { dirs: { "/data": ["/nowhere", "ro"] } } },
    { grants: { dirs: { "/data": ["/", "rx"] } } },
    { limits: { maxTimers: -1 } },
    { limits: { maxTimer: 1 } },
    { limits: { maxCpuMicros: 1 } },
  ]) {
    assert.throws(() => new Runtime({ ceiling }), InvalidArgument, JSON.stringify(ceiling));
  }
});

test("a ceiling of nothing", async () => {
  const runtime = new Runtime({ ceiling: {} });
  await runtime.close();
});
