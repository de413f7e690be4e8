// Errors as the addon hands them over, and the errors that users see.

import { CaxtonError, type ErrorDetails, errorClass } from "./errors.cjs";
import { Message } from "./message.cjs";
import type { Fault } from "./native.cjs";

/** @internal */
export function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "code");
}

/** @internal The lines of a call in a stack; they are written out only if somebody looks. */
export interface CallSite {
  stack?: string;
}

let site: CallSite | undefined;

/** @internal Where `called` is called from. */
export function callSite(called: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, called);
  return site;
}

/** @internal Has errors that come about in `run` show who made the call that they answer. */
export function withSite(of: CallSite, run: () => void): void {
  const outer = site;
  site = of;
  try {
    run();
  } finally {
    site = outer;
  }
}

/** Gives an error the lines of the call, in place of those of the event loop. */
function showSite(error: Error, { stack }: CallSite): void {
  // A program may have stacks written in another form.
  const begin = typeof stack === "string" ? stack.indexOf("\n    at ") : -1;
  if (stack === undefined || begin < 0) return;
  const value = `${error.name}: ${error.message}${stack.slice(begin)}`;
  Object.defineProperty(error, "stack", { value, writable: true, configurable: true });
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
  if (site !== undefined) showSite(error, site);
  return error;
}

/** @internal What the addon returned, unless it is an error. */
export function unwrap<T>(value: T): Exclude<T, Fault> {
  if (isFault(value)) throw toError(value);
  return value as Exclude<T, Fault>;
}
