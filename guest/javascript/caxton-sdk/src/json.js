// JSON as messages and stored data have it: of bounded depth, and with whole numbers kept whole.

/** How many objects and arrays may lie in each other: the 64 of a content, and its message. Deeper ones would exhaust the stack. */
export const MAX_DEPTH = 65;

/** An escaped backslash, which begins no other escape, or half of a surrogate pair, which is always escaped. */
const ESCAPE = /\\(?:\\|ud[89a-f][\da-f]{2})/g;

/** The most digits in a whole number. */
const MAX_DIGITS = 1000;

/**
 * Reads JSON. A whole number beyond 2^53 becomes a `bigint`, where the engine lets a program see how a number was
 * written (the component's does, Node does from version 22); elsewhere it is the nearest number.
 *
 * @throws {SyntaxError} If the text is no JSON, or too deep.
 */
export function readJson(text) {
  checkDepth(text);
  try {
    return /\d{16}/.test(text) ? JSON.parse(text, keepWhole) : JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`it is no JSON: ${error.message}`, { cause: error });
  }
}

/**
 * Writes JSON. A `bigint` is written as a number; `undefined` as null, and so are numbers that JSON does not have. Half of
 * a surrogate pair, which has no UTF-8, becomes U+FFFD.
 *
 * @throws {TypeError} If the value refers to itself, or has a `bigint` and the engine cannot write it (Node before 22).
 */
export function writeJson(value) {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError) || !JSON.rawJSON) throw error;
    text = JSON.stringify(value, writeWhole);
  }
  return text === undefined
    ? "null"
    : text.replace(ESCAPE, (found) => (found[1] === "u" ? "\ufffd" : found));
}

function keepWhole(key, value, context) {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const written = context?.source;
  if (written === undefined || !/^-?\d+$/.test(written)) return value;
  if (written.length > MAX_DIGITS)
    throw new SyntaxError(`a number has more than ${MAX_DIGITS} digits`);
  return BigInt(written);
}

function writeWhole(key, value) {
  return typeof value === "bigint" ? JSON.rawJSON(String(value)) : value;
}

function checkDepth(text) {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > MAX_DEPTH)
          throw new SyntaxError(`it is nested deeper than ${MAX_DEPTH} levels`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
    }
  }
}

/** The closing quote of the string that begins at `start`; the text's end, if there is none. */
function endOfString(text, start) {
  for (let end = start; ; ) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}
