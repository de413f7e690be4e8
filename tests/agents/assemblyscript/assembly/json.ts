// A reader for JSON that works on slices of the text itself.
//
// It never recurses, so hostile input costs time in proportion to its length and nothing else. A Json
// is only made of text that has been checked, and what is read from it relies on that.

// Values nested deeper than this are refused.
const MAX_DEPTH = 512;

/** One value with nothing around it, where it stands in a text. */
export class Json {
  constructor(
    private readonly text: string,
    private readonly start: i32,
    private readonly end: i32,
  ) {}

  /** The document in a text, or null if it is not well formed. */
  static parse(text: string): Json | null {
    // A message in anything but UTF-8 can leave halves of surrogate pairs, which could not be sent on.
    if (!isWellFormed(text)) return null;
    const start = skipSpace(text, 0);
    const end = skipValue(text, start);
    if (end < 0 || skipSpace(text, end) != text.length) return null;
    return new Json(text, start, end);
  }

  /** The value as it was written. */
  get raw(): string {
    return this.text.substring(this.start, this.end);
  }

  /** The string that this is; null if it is another value, or holds half of a surrogate pair. */
  get string(): string | null {
    return this.begins(CharCode.Quote) ? unescape(this.text, this.start, this.end) : null;
  }

  get isNumber(): bool {
    const code = this.text.charCodeAt(this.start);
    return code == CharCode.Minus || (code >= CharCode.Zero && code <= CharCode.Nine);
  }

  /** The elements that this array holds; null if it is another value. */
  get elements(): Json[] | null {
    if (!this.begins(CharCode.OpenBracket)) return null;
    const elements: Json[] = [];
    let at = skipSpace(this.text, this.start + 1);
    while (this.text.charCodeAt(at) != CharCode.CloseBracket) {
      const end = skipValue(this.text, at);
      elements.push(new Json(this.text, at, end));
      at = this.skipComma(end);
    }
    return elements;
  }

  /** The member of this object that has a name, the last one if there are several; null if it is null. */
  get(name: string): Json | null {
    if (!this.begins(CharCode.OpenBrace)) return null;
    let found: Json | null = null;
    let at = skipSpace(this.text, this.start + 1);
    while (this.text.charCodeAt(at) != CharCode.CloseBrace) {
      const value = skipName(this.text, at);
      const end = skipValue(this.text, value);
      if (unescape(this.text, at, skipString(this.text, at)) == name) {
        found = new Json(this.text, value, end);
      }
      at = this.skipComma(end);
    }
    return found && found.begins(CharCode.LowerN) ? null : found;
  }

  private begins(code: i32): bool {
    return this.text.charCodeAt(this.start) == code;
  }

  private skipComma(end: i32): i32 {
    const at = skipSpace(this.text, end);
    return this.text.charCodeAt(at) == CharCode.Comma ? skipSpace(this.text, at + 1) : at;
  }
}

/** Writes a string as JSON. */
export function quote(text: string): string {
  // Long texts with many escapes are common, so they are written to one buffer and not put together.
  const units = new Uint16Array(quotedLength(text));
  let n = 0;
  units[n++] = CharCode.Quote;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20) {
      const escape = "\\u00" + code.toString(16).padStart(2, "0");
      for (let j = 0; j < escape.length; j++) units[n++] = <u16>escape.charCodeAt(j);
      continue;
    }
    if (code == CharCode.Quote || code == CharCode.Backslash) units[n++] = CharCode.Backslash;
    units[n++] = <u16>code;
  }
  units[n++] = CharCode.Quote;
  return String.UTF16.decodeUnsafe(units.dataStart, n << 1);
}

function quotedLength(text: string): i32 {
  let length = text.length + 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20) length += 5;
    else if (code == CharCode.Quote || code == CharCode.Backslash) length++;
  }
  return length;
}

const enum CharCode {
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
  LowerU = 0x75,
  OpenBrace = 0x7b,
  CloseBrace = 0x7d,
}

// The functions below give the position after what they skip, or -1 where it is not well formed. Past the
// end of a text, charCodeAt gives -1, which is no character.

function skipSpace(text: string, at: i32): i32 {
  while (true) {
    const code = text.charCodeAt(at);
    if (code != 0x20 && code != 0x09 && code != 0x0a && code != 0x0d) return at;
    at++;
  }
}

function skipValue(text: string, at: i32): i32 {
  const closers: i32[] = [];
  while (true) {
    // A value begins here.
    let code = text.charCodeAt(at);
    if (code == CharCode.OpenBrace || code == CharCode.OpenBracket) {
      if (closers.length == MAX_DEPTH) return -1;
      closers.push(code + 2);
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) != code + 2) {
        if (code == CharCode.OpenBrace) at = skipName(text, at);
        if (at < 0) return -1;
        continue;
      }
      closers.pop();
      at++;
    } else {
      at = skipScalar(text, at);
      if (at < 0) return -1;
    }
    // A value has ended here, and perhaps some that hold it.
    while (true) {
      if (closers.length == 0) return at;
      const closer = closers[closers.length - 1];
      at = skipSpace(text, at);
      code = text.charCodeAt(at);
      if (code == CharCode.Comma) {
        at = skipSpace(text, at + 1);
        if (closer == CharCode.CloseBrace) at = skipName(text, at);
        if (at < 0) return -1;
        break;
      }
      if (code != closer) return -1;
      closers.pop();
      at++;
    }
  }
}

function skipScalar(text: string, at: i32): i32 {
  if (text.charCodeAt(at) == CharCode.Quote) return skipString(text, at);
  if (text.startsWith("null", at) || text.startsWith("true", at)) return at + 4;
  if (text.startsWith("false", at)) return at + 5;
  return skipNumber(text, at);
}

function skipName(text: string, at: i32): i32 {
  if (text.charCodeAt(at) != CharCode.Quote) return -1;
  at = skipString(text, at);
  if (at < 0) return -1;
  at = skipSpace(text, at);
  return text.charCodeAt(at) == CharCode.Colon ? skipSpace(text, at + 1) : -1;
}

function skipString(text: string, at: i32): i32 {
  at++;
  while (true) {
    const code = text.charCodeAt(at);
    if (code == CharCode.Quote) return at + 1;
    if (code < 0x20) return -1;
    if (code != CharCode.Backslash) {
      at++;
    } else if (text.charCodeAt(at + 1) == CharCode.LowerU) {
      if (hex(text, at + 2) < 0) return -1;
      at += 6;
    } else {
      if (unescaped(text.charCodeAt(at + 1)) < 0) return -1;
      at += 2;
    }
  }
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
  while (text.charCodeAt(at) >= CharCode.Zero && text.charCodeAt(at) <= CharCode.Nine) at++;
  return at == start ? -1 : at;
}

// Decodes the string that stands, with its quotes, from `start` to `end`; null where it holds half of a
// surrogate pair.
function unescape(text: string, start: i32, end: i32): string | null {
  const units = new Uint16Array(end - start - 2);
  let n = 0;
  for (let at = start + 1; at < end - 1; ) {
    let code = text.charCodeAt(at++);
    if (code == CharCode.Backslash) {
      code = text.charCodeAt(at++);
      if (code == CharCode.LowerU) {
        code = hex(text, at);
        at += 4;
      } else {
        code = unescaped(code);
      }
    }
    units[n++] = <u16>code;
  }
  const decoded = String.UTF16.decodeUnsafe(units.dataStart, n << 1);
  return isWellFormed(decoded) ? decoded : null;
}

function isWellFormed(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(++i);
    if (code > 0xdbff || next < 0xdc00 || next > 0xdfff) return false;
  }
  return true;
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
    case 0x66:
      return 0x0c;
    case CharCode.LowerN:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
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
    if (code >= CharCode.Zero && code <= CharCode.Nine) {
      unit = unit * 16 + code - CharCode.Zero;
      continue;
    }
    code |= 0x20;
    if (code < 0x61 || code > 0x66) return -1;
    unit = unit * 16 + code - 0x61 + 10;
  }
  return unit;
}
