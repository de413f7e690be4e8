// The kit's JSON, beside that of JavaScript.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, loadProbe } from "./probe.js";

const host = loadProbe({ limits: { max_messages_per_second: 1e9 } });
const parse = (text) => ask(host, { action: "parse", text });
const walk = (value, name = "") => ask(host, { action: "walk", value, name });

test("a value says what it is", () => {
  const kinds = (text) => parse(text).kinds;
  assert.deepEqual(kinds(" null "), ["null"]);
  assert.deepEqual(kinds("true"), ["bool"]);
  assert.deepEqual(kinds("-1.5e+3"), ["number"]);
  assert.deepEqual(kinds("0"), ["number", "integer"]);
  assert.deepEqual(kinds('"null"'), ["string"]);
  assert.deepEqual(kinds("[ ]"), ["array"]);
  assert.deepEqual(kinds("{ }"), ["object"]);
});

test("a bool and a number are read, and what they are not is said by a default", () => {
  assert.deepEqual(
    [parse("true").bool, parse("false").bool, parse("1").bool],
    [true, false, false],
  );
  assert.equal(parse("-1.5e+3").number, -1500);
  assert.equal(parse("null").number, null);
});

test("whole numbers keep all their digits", () => {
  for (const whole of [
    "0",
    "-0",
    "7",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
  ]) {
    assert.equal(parse(whole).integer, BigInt(whole).toString(), whole);
  }
  for (const other of [
    "9223372036854775808",
    "-9223372036854775809",
    "1".repeat(400),
    "1.0",
    "1e2",
    '"1"',
  ]) {
    assert.equal(parse(other).integer, "-7", other);
  }
  host.deliver(
    '{"performative":"request","sender":"me","content":{"action":"echo","value":123456789012345678901234567890.10}}',
  );
  assert.match(host.sentJson.at(-1), /"content":123456789012345678901234567890\.10[,}]/);
});

test("texts come through both ways", () => {
  const texts = [
    "",
    "plain",
    'quote " backslash \\ slash /',
    "\b\f\n\r\t\0\u001f\u007f",
    "Zoë 🎈 \u2028 \uffff",
    "\ufeff",
  ];
  for (const text of texts) {
    assert.equal(parse(JSON.stringify(text)).string, text);
    host.deliver({ performative: "request", content: { action: "echo", value: text } });
    assert.equal(host.sent.at(-1).content, text);
  }
  assert.equal(parse('"\\u005a\\u006F\\u00eb \\ud83c\\udf88 \\/"').string, "Zoë 🎈 /");
});

test("half of a surrogate pair becomes what UTF-8 has", () => {
  assert.equal(parse('"\\ud800 \\udc00\\ud83c\\udf88"').string, "\ufffd \ufffd🎈");
});

test("members and elements are found", () => {
  const walked = walk({ a: 1, "b\n": [2], a2: { c: null } }, "b\n");
  assert.deepEqual(walked.names, ["a", "b\n", "a2"]);
  assert.deepEqual(walked.found, [2]);
  assert.deepEqual(walk([1, "two", [], {}]).elements, [1, "two", [], {}]);
  assert.deepEqual(walk([]).elements, []);
  assert.equal(walk({ a: 1 }, "b").found, null);
  assert.equal(walk([1], "b").found, null);
  assert.equal(walk({ aa: 1, a: 2 }, "a").found, 2);
  assert.equal(walk({ 'a"': 1 }, 'a"').found, 1);
});

test("members of a kind, or a default", () => {
  const typed = ({ number, integer, bool }) => [number, integer, bool];
  assert.deepEqual(typed(walk({ number: 1.5, integer: 2, bool: false })), [1.5, 2, false]);
  assert.deepEqual(typed(walk({ number: "1", integer: 2.5, bool: null })), [-1, -1, true]);
  assert.deepEqual(typed(walk("none")), [-1, -1, true]);
});

test("of several members of a name the last one counts, as in JavaScript", () => {
  host.deliver(
    '{"performative":"request","sender":"me","content":{"action":"walk","name":"a","value":{"a":1,"\\u0061":2}}}',
  );
  assert.equal(host.sent.at(-1).content.result.found, 2);
});

test("values are written", () => {
  const written = ask(host, { action: "write" });
  assert.deepEqual(written, {
    texts: ["", 'quote " backslash \\ line \n nul \0 bell \u0007', "Zoë 🎈"],
    halves: ["\ufffd", "\ufffd x"],
    'name "\n': true,
    largest: 2 ** 64,
    smallest: -(2 ** 63),
    byte: 255,
    half: 0.5,
    single: 0.25,
    none: null,
    nan: null,
    nested: [[1, 2], [3]],
    mixed: [1, "two", null],
    replaced: { twice: 3, other: 2 },
    names: ["twice", "other"],
    size: 2,
    twice: 3,
    missing: null,
  });
  assert.match(
    host.sentJson.at(-1),
    /"largest":18446744073709551615,"smallest":-9223372036854775808/,
  );
});

test("what is no JSON is refused, with the place", () => {
  const refused = {
    "": "expected a value, and it ends there",
    "[1,]": "expected a value at character 4",
    "[1 2]": "expected `,` or `]` at character 4",
    '{"a":1': "expected `,` or `}`, and it ends there",
    '{"a" 1}': "expected `:` at character 6",
    "{a:1}": "expected a name in quotes at character 2",
    "{,}": "expected a name in quotes at character 2",
    "1 2": "expected nothing more at character 3",
    "01": "expected nothing more at character 2",
    "-": "expected a digit, and it ends there",
    "1.": "expected a digit, and it ends there",
    "1e+x": "expected a digit at character 4",
    nul: "expected a value at character 1",
    '"\n"': "expected the end of a string at character 2",
    '"abc': "expected the end of a string, and it ends there",
    '"\\x"': "expected an escape of JSON's at character 2",
    '"\\u12g4"': "expected four hex digits after `\\u` at character 2",
  };
  for (const [text, why] of Object.entries(refused))
    assert.deepEqual(parse(text), { error: why }, text);
});

test("deep nesting is refused, however deep it is", () => {
  const nested = (open, close, depth) => `${open.repeat(depth)}1${close.repeat(depth)}`;
  const error = "it is nested deeper than 65 levels";
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ]) {
    assert.ok(parse(nested(open, close, 65)).kinds);
    assert.equal(parse(nested(open, close, 66)).error, error);
    assert.equal(parse(open.repeat(60_000)).error, error);
  }
  assert.equal(parse('[{"a":'.repeat(33)).error, error);
});

test("mutilated JSON is read as JavaScript reads it", () => {
  const seeds = [
    '{"a":[1,-2.5e+3,true,false,null,"x\\n\\u00e9\\ud83c\\udf88"],"b":{"c":{}}}',
    '[[],{},"",0.0,-0,1E9]',
  ];
  const alphabet = '{}[]:,"\\ud83c0019.-+eEtrufalsn \n';
  let state = 1;
  const random = (below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
  for (let i = 0; i < 4000; i++) {
    let text = seeds[i % seeds.length];
    for (let j = random(3); j >= 0; j--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + alphabet[random(alphabet.length)] + text.slice(at + random(3));
    }
    assert.equal(parse(text).error === undefined, isJson(text), text);
  }
});

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
