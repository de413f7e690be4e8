// JSON values that are read.

import { CharCode, isString, refuse, skipName, skipSpace, skipString, skipValue, unescape } from "./scan";
import { writeJson } from "./write";

/**
 * A JSON value, where it stands in the text that it was read from. Nothing is copied until somebody asks,
 * and a number keeps the digits that it was written with.
 *
 * A member of an object that is asked for and is not there is null, as is one of a value that is no object.
 * A member that is there and is JSON's `null` is a `Json` whose `isNull` holds.
 */
export class Json {
  /** JSON's `null`. */
  static readonly NULL: Json = new Json("null", 0, 4);

  // Only made of text that has been checked: what is read from it relies on that.
  private constructor(
    /** The text that it stands in. */
    readonly text: string,
    /** Where it begins. */
    readonly start: i32,
    /** Where it has ended. */
    readonly end: i32,
  ) {}

  /** Reads a text; null if it is no JSON, and then `parseError` says why. */
  static parse(text: string): Json | null {
    const start = skipSpace(text, 0);
    const end = skipValue(text, start);
    if (end < 0) return null;
    const rest = skipSpace(text, end);
    if (rest < text.length) {
      refuse(`expected nothing more at character ${rest + 1}`);
      return null;
    }
    return new Json(text, start, end);
  }

  /** A text, a number, a bool, a `JsonObject`, a `JsonArray` or an array of these, as a value to read; null is `Json.NULL`. */
  static of<T>(value: T): Json {
    if (isReference<T>()) {
      if (changetype<usize>(value) == 0) return Json.NULL;
      if (idof<T>() == idof<Json>()) return changetype<Json>(value);
    }
    const text = writeJson<T>(value);
    return new Json(text, 0, text.length);
  }

  get isNull(): bool {
    return this.code == CharCode.LowerN;
  }

  get isBool(): bool {
    return this.code == CharCode.LowerT || this.code == CharCode.LowerF;
  }

  get isNumber(): bool {
    return this.code == CharCode.Minus || (this.code >= CharCode.Zero && this.code <= CharCode.Nine);
  }

  /** Whether it is a number without fraction and exponent, of any size. */
  get isWhole(): bool {
    if (!this.isNumber) return false;
    for (let at = this.start + 1; at < this.end; at++) {
      const code = this.text.charCodeAt(at);
      if (code < CharCode.Zero || code > CharCode.Nine) return false;
    }
    return true;
  }

  /** Whether it is a number without fraction and exponent, and fits an `i64`. */
  get isInteger(): bool {
    return this.isNumber && readWhole(this.text, this.start, this.end);
  }

  get isString(): bool {
    return this.code == CharCode.Quote;
  }

  get isArray(): bool {
    return this.code == CharCode.OpenBracket;
  }

  get isObject(): bool {
    return this.code == CharCode.OpenBrace;
  }

  /** The text that it is; null if it is none. */
  asString(): string | null {
    return this.isString ? unescape(this.text, this.start, this.end) : null;
  }

  /** The whole number that it is; `otherwise` where `isInteger` does not hold. */
  asInteger(otherwise: i64 = 0): i64 {
    return this.isInteger ? whole : otherwise;
  }

  /** The number that it is, as near as an `f64` comes, which may be infinite; `otherwise` if it is none. */
  asNumber(otherwise: f64 = NaN): f64 {
    return this.isNumber ? parseFloat(this.toString()) : otherwise;
  }

  /** The bool that it is; `otherwise` if it is none. */
  asBool(otherwise: bool = false): bool {
    return this.isBool ? this.code == CharCode.LowerT : otherwise;
  }

  /** The member of this object that has a name, the last one if there are several; null if there is none. */
  get(name: string): Json | null {
    if (!this.isObject) return null;
    let found: Json | null = null;
    let at = skipSpace(this.text, this.start + 1);
    while (this.text.charCodeAt(at) != CharCode.CloseBrace) {
      const value = skipName(this.text, at);
      const end = skipValue(this.text, value);
      if (isString(this.text, at, name)) found = new Json(this.text, value, end);
      at = this.skipComma(end);
    }
    return found;
  }

  /** The text that a member is; null if there is no such member, or it is no text. */
  getString(name: string): string | null {
    const member = this.get(name);
    return member ? member.asString() : null;
  }

  /** The whole number that a member is, or `otherwise`. */
  getInteger(name: string, otherwise: i64 = 0): i64 {
    const member = this.get(name);
    return member ? member.asInteger(otherwise) : otherwise;
  }

  /** The number that a member is, or `otherwise`. */
  getNumber(name: string, otherwise: f64 = NaN): f64 {
    const member = this.get(name);
    return member ? member.asNumber(otherwise) : otherwise;
  }

  /** The bool that a member is, or `otherwise`. */
  getBool(name: string, otherwise: bool = false): bool {
    const member = this.get(name);
    return member ? member.asBool(otherwise) : otherwise;
  }

  /** The members of this object, in their order; none if it is no object. */
  members(): JsonMember[] {
    const members: JsonMember[] = [];
    if (!this.isObject) return members;
    let at = skipSpace(this.text, this.start + 1);
    while (this.text.charCodeAt(at) != CharCode.CloseBrace) {
      const name = unescape(this.text, at, skipString(this.text, at));
      const value = skipName(this.text, at);
      const end = skipValue(this.text, value);
      members.push(new JsonMember(name, new Json(this.text, value, end)));
      at = this.skipComma(end);
    }
    return members;
  }

  /** The elements of this array, in their order; none if it is no array. */
  elements(): Json[] {
    const elements: Json[] = [];
    if (!this.isArray) return elements;
    let at = skipSpace(this.text, this.start + 1);
    while (this.text.charCodeAt(at) != CharCode.CloseBracket) {
      const end = skipValue(this.text, at);
      elements.push(new Json(this.text, at, end));
      at = this.skipComma(end);
    }
    return elements;
  }

  /** The value as JSON, as it was written. */
  toString(): string {
    return this.text.substring(this.start, this.end);
  }

  // The character that it begins with tells what it is.
  private get code(): i32 {
    return this.text.charCodeAt(this.start);
  }

  private skipComma(end: i32): i32 {
    const at = skipSpace(this.text, end);
    return this.text.charCodeAt(at) == CharCode.Comma ? skipSpace(this.text, at + 1) : at;
  }
}

/** One member of an object. */
export class JsonMember {
  constructor(readonly name: string, readonly value: Json) {}
}

// What `readWhole` has read.
let whole: i64 = 0;

// Reads a whole number into `whole`; whether it is one, and fits.
function readWhole(text: string, start: i32, end: i32): bool {
  const isNegative = text.charCodeAt(start) == CharCode.Minus;
  // Counted below 0, where there is one number more than above.
  let value: i64 = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at++) {
    const digit = <i64>text.charCodeAt(at) - CharCode.Zero;
    if (digit < 0 || digit > 9 || value < (i64.MIN_VALUE + digit) / 10) return false;
    value = value * 10 - digit;
  }
  if (!isNegative && value == i64.MIN_VALUE) return false;
  whole = isNegative ? value : -value;
  return true;
}
