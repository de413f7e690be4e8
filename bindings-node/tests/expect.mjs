// Comparing what came with what a conformance case expects.
import assert from "node:assert/strict";

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Puts the long texts that `$repeat` and `$join` stand for in their places, and the arrays of `$list`. */
export function expand(value) {
  if (Array.isArray(value)) return value.map(expand);
  if (!isObject(value)) return value;
  if ("$repeat" in value && "times" in value) return value.$repeat.repeat(value.times);
  if ("$join" in value) return value.$join.map(expand).join("");
  if ("$list" in value)
    return Array.from({ length: value.times }, (_, n) => numbered(value.$list, n));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry)]));
}

/** The value with this number in place of each `#` in its texts. */
function numbered(value, number) {
  if (typeof value === "string") return value.replaceAll("#", String(number));
  if (Array.isArray(value)) return value.map((entry) => numbered(entry, number));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, entry]) => [key, numbered(entry, number)]);
  return Object.fromEntries(entries);
}

/** Checks that nobody misspelt a key. */
export function only(object, known, at = "") {
  for (const key of Object.keys(object)) {
    assert.ok(known.includes(key), `${at}: unknown key ${key}`);
  }
}

/** Checks `got`; `at` is where it stands. */
export function compare(expected, got, at) {
  if (isObject(expected)) {
    if ("$contains" in expected) {
      const fits = typeof got === "string" && got.includes(expected.$contains);
      return assert.ok(
        fits,
        `${at}: expected a text with ${expected.$contains}, got ${shown(got)}`,
      );
    }
    if ("$any" in expected) return assert.notEqual(got, undefined, `${at}: expected something`);
    if ("$absent" in expected) return assert.equal(got, undefined, `${at}: got ${shown(got)}`);
    assert.ok(isObject(got), `${at}: expected ${shown(expected)}, got ${shown(got)}`);
    for (const [key, value] of Object.entries(expected)) compare(value, got[key], `${at}.${key}`);
    return undefined;
  }
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(got), `${at}: expected an array, got ${shown(got)}`);
    assert.equal(
      got.length,
      expected.length,
      `${at}: expected ${shown(expected)}, got ${shown(got)}`,
    );
    for (const [index, value] of expected.entries()) compare(value, got[index], `${at}[${index}]`);
    return undefined;
  }
  return assert.deepEqual(got, expected, `${at}: expected ${shown(expected)}, got ${shown(got)}`);
}

/** Checks an error. */
export function compareError(expected, error, at) {
  only(expected, ["code", "text", "missing", "limit_kind", "limit", "used"], at);
  assert.equal(error.code, expected.code, `${at}: ${error.stack}`);
  if ("text" in expected) {
    assert.ok(error.message.includes(expected.text), `${at}: the error says ${error.message}`);
  }
  if ("missing" in expected) {
    const has = error.missing.some((line) => line.includes(expected.missing));
    assert.ok(has, `${at}: missing is ${error.missing}`);
  }
  for (const [key, name] of [
    ["limit_kind", "limitKind"],
    ["limit", "limit"],
    ["used", "used"],
  ]) {
    if (key in expected) compare(expected[key], error[name], `${at}: ${name}`);
  }
}

function shown(value) {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 2000 ? `${text.length} bytes` : text;
}
