// What is read from single values.

import { Json } from "./json";

// Above this, a number of microseconds or of times is taken for a mistake.
const MAX_WHOLE: i64 = 1_000_000_000_000_000;

/** A number, which is written as it was read. */
export class Price {
  constructor(readonly raw: string, readonly value: f64) {}

  /** Reads a number; null if it is missing, another value, or too large. */
  static read(json: Json | null): Price | null {
    if (!json || !json.isNumber) return null;
    const value = parseFloat(json.raw);
    return isFinite(value) ? new Price(json.raw, value) : null;
  }
}

/** The string that a value is; null if it is missing or another value. */
export function stringOf(value: Json | null): string | null {
  return value ? value.string : null;
}

/** Reads a number of microseconds or of times; -1 if it is missing or another value. */
export function wholeOf(value: Json | null): i64 {
  if (!value) return -1;
  const digits = value.raw;
  let whole: i64 = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    whole = whole * 10 + digit;
    if (whole > MAX_WHOLE) return -1;
  }
  return whole;
}

/** Whether a value is there and is true. */
export function isTrue(value: Json | null): bool {
  return value != null && value.raw == "true";
}

/** A value as it was written, null where there is none. */
export function rawOf(value: Json | null): string {
  return value ? value.raw : "null";
}
