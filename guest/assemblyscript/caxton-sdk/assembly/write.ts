// JSON that is written.

import { Json } from "./json";

/** An object that is put together: `new JsonObject().set("name", "Ada").set("age", 36)`. */
export class JsonObject {
  private readonly values: Map<string, Json> = new Map();

  /**
   * Sets a member, in the place of one that has the name already. The value is a text, a number, a bool, a
   * `Json`, a `JsonObject`, a `JsonArray`, or an array of these; it is written now, and what happens to
   * it later does not show.
   */
  set<T>(name: string, value: T): this {
    this.values.set(name, Json.of<T>(value));
    return this;
  }

  /** The member of a name; null if there is none. */
  get(name: string): Json | null {
    return this.values.has(name) ? this.values.get(name) : null;
  }

  /** The names of the members, in the order in which they were first set. */
  get names(): string[] {
    return this.values.keys();
  }

  /** How many members there are. */
  get size(): i32 {
    return this.values.size;
  }

  /** The object as JSON. */
  toString(): string {
    // One array of all parts, since a large value is copied by each text that it becomes part of.
    const names = this.names;
    const parts: string[] = ["{"];
    for (let i = 0; i < names.length; i++) {
      if (i > 0) parts.push(",");
      parts.push(quote(names[i]));
      parts.push(":");
      parts.push(this.values.get(names[i]).toString());
    }
    parts.push("}");
    return parts.join("");
  }
}

/** An array that is put together, of values that may be of many kinds. */
export class JsonArray {
  private readonly values: string[] = [];

  /** Adds an element, of the kinds that `JsonObject.set` takes. */
  push<T>(value: T): this {
    this.values.push(writeJson<T>(value));
    return this;
  }

  /** How many elements there are. */
  get length(): i32 {
    return this.values.length;
  }

  /** The array as JSON. */
  toString(): string {
    return `[${this.values.join(",")}]`;
  }
}

/**
 * A value as JSON: a text, a number, a bool, a `Json`, a `JsonObject`, a `JsonArray`, or an array of these.
 * What is null, and a number that JSON does not have (NaN, infinity), is written as `null`.
 */
export function writeJson<T>(value: T): string {
  if (isReference<T>()) {
    if (changetype<usize>(value) == 0) return "null";
    return writeReference<NonNullable<T>>(changetype<NonNullable<T>>(value));
  }
  if (isBoolean<T>()) return value ? "true" : "false";
  if (isInteger<T>()) return value.toString();
  if (isFloat<T>()) return isFinite(<f64>value) ? value.toString() : "null";
  ERROR("JSON has texts, numbers, bools, Json, JsonObject, JsonArray, and arrays of these");
}

function writeReference<T>(value: T): string {
  if (isString<T>()) return quote(changetype<string>(value));
  if (isArrayLike<T>()) {
    const elements = new Array<string>(value.length);
    for (let i = 0; i < value.length; i++) elements[i] = writeJson<valueof<T>>(value[i]);
    return `[${elements.join(",")}]`;
  }
  if (idof<T>() == idof<Json>()) return changetype<Json>(value).toString();
  if (idof<T>() == idof<JsonObject>()) return changetype<JsonObject>(value).toString();
  if (idof<T>() == idof<JsonArray>()) return changetype<JsonArray>(value).toString();
  ERROR("JSON has texts, numbers, bools, Json, JsonObject, JsonArray, and arrays of these");
}

// A text as JSON.
function quote(text: string): string {
  const length = quotedLength(text);
  if (length == text.length + 2) return `"${text}"`;
  // Long texts with many escapes are common, so they are written to one buffer and not put together.
  const units = new Uint16Array(length);
  let n = 0;
  units[n++] = 0x22;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20) {
      const escape = "\\u00" + unit.toString(16).padStart(2, "0");
      for (let j = 0; j < escape.length; j++) units[n++] = <u16>escape.charCodeAt(j);
      continue;
    }
    if (unit == 0x22 || unit == 0x5c) units[n++] = 0x5c;
    units[n++] = <u16>unit;
  }
  units[n++] = 0x22;
  return String.UTF16.decodeUnsafe(units.dataStart, n << 1);
}

function quotedLength(text: string): i32 {
  let length = text.length + 2;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20) length += 5;
    else if (unit == 0x22 || unit == 0x5c) length++;
  }
  return length;
}
