// The compiler's transform for optional chaining.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MockHost } from "caxton-sdk/testing";

import { optionalChaining } from "../transform/optional-chaining.js";
import { ask, built } from "./probe.js";

test("a chain behind a variable is rewritten", () => {
  const rewritten = {
    "a?.b": "(a ? a.b : null)",
    'const x = content?.getString("action");':
      'const x = (content ? content.getString("action") : null);',
    'a?.b(")", c[d(1)])!.e.f;': '(a ? a.b(")", c[d(1)])!.e.f : null);',
    "a?.[0]": "(a ? a[0] : null)",
    "f(a?.b, c?.d(e?.g))": "f((a ? a.b : null), (c ? c.d((e ? e.g : null)) : null))",
  };
  for (const [source, expected] of Object.entries(rewritten))
    assert.equal(optionalChaining(source), expected);
});

test("all else stays as it is", () => {
  const same = [
    "a ? b : c",
    "a ?.5 : 1",
    "a?.5:1",
    '"a?.b"',
    "`a?.b`",
    "// a?.b\n/* c?.d */ '\\'e?.f'",
    "a.b?.c",
    "f()?.c",
    "1?.c",
  ];
  for (const source of same) assert.equal(optionalChaining(source), source);
});

test("what was rewritten does what it says", () => {
  const host = MockHost.load(built("chain"));
  assert.deepEqual(ask(host, { inner: { name: "Ada" } }), {
    name: "Ada",
    number: 0.5,
    text: "x?.y",
  });
  assert.deepEqual(ask(host, {}), { name: null, number: 0, text: "x?.y" });
});
