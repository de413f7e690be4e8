// JSON as it crosses into the addon.

import { CaxtonError, InvalidMessage } from "./errors.cjs";

/** A value that JSON can hold. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** @internal The content of a message as JSON; `undefined` is `null`. */
export function encodeContent(content: unknown): string {
  if (content === undefined) return "null";
  return encode(content, "the content");
}

/** @internal */
export function encode(value: unknown, what: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    // A `bigint`, a circle, or a `toJSON` that throws.
    throw new InvalidMessage(`${what} is not JSON: ${textOf(error)}`);
  }
  // What `JSON.stringify` leaves out: functions, symbols.
  if (json === undefined)
    throw new InvalidMessage(`${what} is a ${typeof value}, which is not JSON`);
  return json;
}

/** @internal The sentence of whatever was thrown. Its methods and traps may throw too; this does not. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message || thrown.name : thrown);
  } catch {
    return "something was thrown that has no text";
  }
}

/** @internal The code of an error of this package; `undefined` for whatever else was thrown. */
export function codeOf(thrown: unknown): string | undefined {
  try {
    if (!(thrown instanceof CaxtonError)) return undefined;
    return typeof thrown.code === "string" ? thrown.code : undefined;
  } catch {
    return undefined;
  }
}
