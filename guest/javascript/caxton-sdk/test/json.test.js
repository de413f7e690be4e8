import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_DEPTH, readJson, writeJson } from "../src/json.js";
import { toBytes, toText } from "../src/utf8.js";

const nested = (levels) => "[".repeat(levels) + "]".repeat(levels);

test("a content may have 64 levels, and its message one more", () => {
  assert.equal(writeJson(readJson(nested(MAX_DEPTH))), nested(MAX_DEPTH));
  assert.throws(() => readJson(nested(MAX_DEPTH + 1)), /nested deeper than 65 levels/);
  assert.throws(() => readJson('{"a":'.repeat(200_000)), /nested deeper than 65/);
  assert.throws(() => readJson("[".repeat(500_000)), /nested deeper than 65/);
});

test("brackets in strings are no levels", () => {
  const brackets = "[{".repeat(1000);
  assert.equal(readJson(JSON.stringify(brackets)), brackets);
  const tricky = ['"' + brackets, "\\" + brackets, '\\"' + brackets, brackets + "\\"];
  assert.deepEqual(readJson(JSON.stringify(tricky)), tricky);
  assert.deepEqual(readJson(JSON.stringify(Array.from({ length: 200 }, () => [{}]))).length, 200);
});

test("what is no JSON is refused, however odd", () => {
  for (const text of [
    "",
    "{",
    '"',
    '"\\',
    '"\\"'.repeat(1000),
    "]".repeat(100),
    "nul",
    "NaN",
    "{'a':1}",
    "\u0000",
  ]) {
    assert.throws(() => readJson(text), SyntaxError, text);
  }
});

test("long strings of quotes are read in one go", () => {
  const text = JSON.stringify('"'.repeat(300_000) + "\\".repeat(300_000));
  const begin = performance.now();
  assert.equal(readJson(text).length, 600_000);
  assert.ok(performance.now() - begin < 2000);
});

const skip = JSON.rawJSON ? false : "this Node cannot see how a number was written";

test("whole numbers stay whole", { skip }, () => {
  const whole = '"id":12345678901234567890,"below":-9007199254740993,"exact":9007199254740991';
  const read = readJson(`{${whole},"share":0.12345678901234567,"big":1e300}`);
  assert.deepEqual(read, {
    id: 12345678901234567890n,
    below: -9007199254740993n,
    exact: 9007199254740991,
    share: 0.12345678901234567,
    big: 1e300,
  });
  assert.equal(
    writeJson({ id: read.id, below: read.below }),
    '{"id":12345678901234567890,"below":-9007199254740993}',
  );
  assert.throws(() => readJson("9".repeat(1001)), /more than 1000 digits/);
});

test("what JSON does not have is null, or an error", () => {
  assert.equal(writeJson(undefined), "null");
  assert.equal(writeJson([undefined, Infinity, NaN]), "[null,null,null]");
  const itself = {};
  itself.itself = itself;
  assert.throws(() => writeJson(itself), TypeError);
});

test("half of a surrogate pair becomes what UTF-8 has", () => {
  const odd = ["a\ud800b", "\udc00", "🦀", "\\ud800", "\\\ud800", { "\udfff": 1 }];
  const written = ["a\ufffdb", "\ufffd", "🦀", "\\ud800", "\\\ufffd", { "\ufffd": 1 }];
  assert.equal(writeJson(odd), JSON.stringify(written));
});

test("a message cannot reach the prototype of what is read", () => {
  const read = readJson('{"__proto__":{"polluted":true}}');
  assert.equal({}.polluted, undefined);
  assert.equal(writeJson(read), '{"__proto__":{"polluted":true}}');
});

test("texts become UTF-8 and texts again", () => {
  for (const text of [
    "",
    "Ada",
    "Zoë",
    "ß ﬁ",
    "日本語",
    "🦀🧑‍🚀",
    "\u0000\u007f\u0080\u07ff\u0800\uffff",
    "😀".repeat(1000),
  ]) {
    assert.deepEqual(toBytes(text), new TextEncoder().encode(text));
    assert.equal(toText(toBytes(text)), text);
  }
  assert.deepEqual(toBytes("a\ud800b\udc00"), new TextEncoder().encode("a\ud800b\udc00"));
});

test("odd bytes become U+FFFD as they do elsewhere", () => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let first = 0x78; first < 0x100; first += 1) {
    for (let second = 0x70; second < 0x100; second += 3) {
      for (const more of [[], [0x80], [0xbf, 0x80], [0x41, 0xe2]]) {
        const bytes = Uint8Array.of(first, second, ...more);
        assert.equal(toText(bytes), decoder.decode(bytes), String(bytes));
      }
    }
  }
});
