// Errors as the addon hands them over, and the errors that users see.

import { CaxtonError, type ErrorDetails, errorClass } from "./errors.cjs";
import { Message } from "./message.cjs";
import type { Fault } from "./native.cjs";

/** @internal */
export function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "code");
}

/** @internal */
export function toError(fault: Fault): CaxtonError {
  const details: ErrorDetails = { missing: fault.missing };
  if (fault.limitKind !== undefined) details.limitKind = fault.limitKind;
  if (fault.limit !== undefined) details.limit = fault.limit;
  if (fault.used !== undefined) details.used = fault.used;
  if (fault.backtrace !== undefined) details.backtrace = fault.backtrace;
  if (fault.reply !== undefined) details.reply = Message.fromNative(fault.reply);
  const Kind = errorClass(fault.code) ?? CaxtonError;
  const error = new Kind(fault.message, details);
  if (error.code !== fault.code) Object.defineProperty(error, "code", { value: fault.code });
  return error;
}

/** @internal What the addon returned, unless it is an error. */
export function unwrap<T>(value: T): Exclude<T, Fault> {
  if (isFault(value)) throw toError(value);
  return value as Exclude<T, Fault>;
}
