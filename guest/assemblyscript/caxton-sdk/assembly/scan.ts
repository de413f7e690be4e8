// A scanner for JSON (RFC 8259) that works on the text itself.
//
// It never recurses, so hostile text costs time in proportion to its length and nothing else. Its functions
// give the position after what they skip, or -1 where the text is not well formed: then `parseError` says
// what was expected. Past the end of a text, `charCodeAt` gives -1, which is no character.

/** How many objects and arrays may lie in each other: the 64 of a content, and its message. */
export const MAX_DEPTH: i32 = 65;

// The brackets that are open while a value is scanned, by what closes them.
const closers = new StaticArray<u8>(MAX_DEPTH);

let problem = "";

/** Why the last text or message that was parsed gave null. */
export function parseError(): string {
  return problem;
}

/** Notes why something cannot be parsed; -1. */
export function refuse(why: string): i32 {
  problem = why;
  return -1;
}

export const enum CharCode {
  Quote = 0x22,
  Plus = 0x2b,
  Comma = 0x2c,
  Minus = 0x2d,
  Dot = 0x2e,
  Slash = 0x2f,
  Zero = 0x30,
  Nine = 0x39,
  Colon = 0x3a,
  OpenBracket = 0x5b,
  Backslash = 0x5c,
  CloseBracket = 0x5d,
  LowerN = 0x6e,
  LowerT = 0x74,
  LowerF = 0x66,
  LowerU = 0x75,
  OpenBrace = 0x7b,
  CloseBrace = 0x7d,
}

export function skipSpace(text: string, at: i32): i32 {
  while (true) {
    const code = text.charCodeAt(at);
    if (code != 0x20 && code != 0x09 && code != 0x0a && code != 0x0d) return at;
    at++;
  }
}

export function skipValue(text: string, at: i32): i32 {
  let depth = 0;
  while (true) {
    // A value begins here.
    const code = text.charCodeAt(at);
    if (code == CharCode.OpenBrace || code == CharCode.OpenBracket) {
      if (depth == MAX_DEPTH) return refuse(`it is nested deeper than ${MAX_DEPTH} levels`);
      // In ASCII, what closes a bracket stands two places behind it.
      unchecked((closers[depth++] = <u8>(code + 2)));
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) != code + 2) {
        if (code == CharCode.OpenBrace) at = skipName(text, at);
        if (at < 0) return -1;
        continue;
      }
      depth--;
      at++;
    } else {
      at = skipScalar(text, at);
      if (at < 0) return -1;
    }
    // A value has ended here, and perhaps some that hold it.
    while (true) {
      if (depth == 0) return at;
      const closer = <i32>unchecked(closers[depth - 1]);
      at = skipSpace(text, at);
      const next = text.charCodeAt(at);
      if (next == CharCode.Comma) {
        at = skipSpace(text, at + 1);
        if (closer == CharCode.CloseBrace) at = skipName(text, at);
        if (at < 0) return -1;
        break;
      }
      if (next != closer) return missing(closer == CharCode.CloseBrace ? "`,` or `}`" : "`,` or `]`", text, at);
      depth--;
      at++;
    }
  }
}

/** Skips a name with the colon behind it. */
export function skipName(text: string, at: i32): i32 {
  if (text.charCodeAt(at) != CharCode.Quote) return missing("a name in quotes", text, at);
  at = skipString(text, at);
  if (at < 0) return -1;
  at = skipSpace(text, at);
  return text.charCodeAt(at) == CharCode.Colon ? skipSpace(text, at + 1) : missing("`:`", text, at);
}

export function skipString(text: string, at: i32): i32 {
  at++;
  while (true) {
    const code = text.charCodeAt(at);
    if (code == CharCode.Quote) return at + 1;
    if (code < 0x20) return missing("the end of a string", text, at);
    if (code != CharCode.Backslash) {
      at++;
    } else if (text.charCodeAt(at + 1) == CharCode.LowerU) {
      if (hex(text, at + 2) < 0) return missing("four hex digits after `\\u`", text, at);
      at += 6;
    } else {
      if (unescaped(text.charCodeAt(at + 1)) < 0) return missing("an escape of JSON's", text, at);
      at += 2;
    }
  }
}

/** Decodes the string whose quotes stand at `start` and before `end`. */
export function unescape(text: string, start: i32, end: i32): string {
  let at = start + 1;
  while (at < end - 1 && text.charCodeAt(at) != CharCode.Backslash) at++;
  if (at >= end - 1) return text.substring(start + 1, end - 1);
  const units = new Uint16Array(end - start - 2);
  let n = 0;
  for (at = start + 1; at < end - 1; at += widthAt(text, at)) {
    unchecked((units[n++] = <u16>unitAt(text, at)));
  }
  return String.UTF16.decodeUnsafe(units.dataStart, n << 1);
}

/** Whether the string that begins at `at` is `name`. */
export function isString(text: string, at: i32, name: string): bool {
  at++;
  for (let i = 0; i < name.length; i++) {
    if (text.charCodeAt(at) == CharCode.Quote || unitAt(text, at) != name.charCodeAt(i)) return false;
    at += widthAt(text, at);
  }
  return text.charCodeAt(at) == CharCode.Quote;
}

// The UTF-16 unit that stands, escaped or not, at a place in a string that has been checked.
function unitAt(text: string, at: i32): i32 {
  const code = text.charCodeAt(at);
  if (code != CharCode.Backslash) return code;
  const escape = text.charCodeAt(at + 1);
  return escape == CharCode.LowerU ? hex(text, at + 2) : unescaped(escape);
}

function widthAt(text: string, at: i32): i32 {
  if (text.charCodeAt(at) != CharCode.Backslash) return 1;
  return text.charCodeAt(at + 1) == CharCode.LowerU ? 6 : 2;
}

function skipScalar(text: string, at: i32): i32 {
  const code = text.charCodeAt(at);
  if (code == CharCode.Quote) return skipString(text, at);
  if (code == CharCode.Minus || isDigit(code)) return skipNumber(text, at);
  if (text.startsWith("null", at) || text.startsWith("true", at)) return at + 4;
  if (text.startsWith("false", at)) return at + 5;
  return missing("a value", text, at);
}

function skipNumber(text: string, at: i32): i32 {
  if (text.charCodeAt(at) == CharCode.Minus) at++;
  at = text.charCodeAt(at) == CharCode.Zero ? at + 1 : skipDigits(text, at);
  if (at >= 0 && text.charCodeAt(at) == CharCode.Dot) at = skipDigits(text, at + 1);
  if (at >= 0 && (text.charCodeAt(at) | 0x20) == 0x65) {
    const sign = text.charCodeAt(++at);
    if (sign == CharCode.Plus || sign == CharCode.Minus) at++;
    at = skipDigits(text, at);
  }
  return at;
}

function skipDigits(text: string, at: i32): i32 {
  const start = at;
  while (isDigit(text.charCodeAt(at))) at++;
  return at == start ? missing("a digit", text, at) : at;
}

function isDigit(code: i32): bool {
  return code >= CharCode.Zero && code <= CharCode.Nine;
}

// What a character means after a backslash, or -1.
function unescaped(code: i32): i32 {
  switch (code) {
    case CharCode.Quote:
    case CharCode.Backslash:
    case CharCode.Slash:
      return code;
    case 0x62:
      return 0x08;
    case CharCode.LowerF:
      return 0x0c;
    case CharCode.LowerN:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case CharCode.LowerT:
      return 0x09;
    default:
      return -1;
  }
}

// The value of four hex digits, or -1.
function hex(text: string, at: i32): i32 {
  let unit = 0;
  for (let i = 0; i < 4; i++) {
    let code = text.charCodeAt(at + i);
    if (isDigit(code)) {
      unit = unit * 16 + code - CharCode.Zero;
      continue;
    }
    code |= 0x20;
    if (code < 0x61 || code > 0x66) return -1;
    unit = unit * 16 + code - 0x61 + 10;
  }
  return unit;
}

function missing(what: string, text: string, at: i32): i32 {
  return refuse(at < text.length ? `expected ${what} at character ${at + 1}` : `expected ${what}, and it ends there`);
}
