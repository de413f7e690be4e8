import type { Message } from "./message.cjs";

/** What an error may carry beside its sentence. */
export interface ErrorDetails {
  /** What a module lacks: one line for each import or export, with the type that was expected. */
  missing?: readonly string[];
  /** Which limit was reached: `memory`, `time`, `host_calls`, … */
  limitKind?: string;
  /** The limit, in the unit of its kind. */
  limit?: number;
  /** What was asked for, or used. */
  used?: number;
  /** The guest's frames at a trap, innermost first. */
  backtrace?: string;
  /** The message that said no. */
  reply?: Message;
}

/** The base of every error of this package. */
export class CaxtonError extends Error {
  /** The `code` of the errors of this class: the same text in every language. */
  static readonly code: string = "internal";

  /** What happened, coarse enough to act upon; the same text in every language. */
  readonly code: string;
  /** What a module lacks: one line for each import or export, with the type that was expected. */
  declare readonly missing: readonly string[];
  /** Which limit was reached, if one was: `memory`, `time`, `host_calls`, … */
  declare readonly limitKind?: string;
  /** The limit, in the unit of its kind. */
  declare readonly limit?: number;
  /** What was asked for, or used. */
  declare readonly used?: number;
  /** The guest's frames at a trap, innermost first. */
  declare readonly backtrace?: string;
  /** The message that said no. */
  declare readonly reply?: Message;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = new.target.code;
    const missing = details.missing ?? [];
    // Shown by `console.log` only where it says something.
    Object.defineProperty(this, "missing", { value: missing, enumerable: missing.length > 0 });
    for (const key of ["limitKind", "limit", "used", "backtrace", "reply"] as const) {
      const value = details[key];
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true });
    }
  }
}

/** The bytes are no module that can be an agent: see `missing`. */
export class InvalidModule extends CaxtonError {
  static override readonly code = "invalid_module";
}

/** The message is not JSON, or lacks something that a message has to have. */
export class InvalidMessage extends CaxtonError {
  static override readonly code = "invalid_message";
}

/** An argument of the call is out of its range or of the wrong form. */
export class InvalidArgument extends CaxtonError {
  static override readonly code = "invalid_argument";
}

/** No agent of that name or id is here. */
export class AgentNotFound extends CaxtonError {
  static override readonly code = "agent_not_found";
}

/** An agent of that name is here already. */
export class NameTaken extends CaxtonError {
  static override readonly code = "name_taken";
}

/** The agent could not be started, or has failed for good. */
export class AgentFailed extends CaxtonError {
  static override readonly code = "agent_failed";
}

/** A limit was reached: see `limitKind`, `limit` and `used`. */
export class LimitExceeded extends CaxtonError {
  static override readonly code = "limit_exceeded";
}

/** The agent's code trapped: see `backtrace`. */
export class Trapped extends CaxtonError {
  static override readonly code = "trapped";
}

/** The receiver refused: see `reply`. */
export class Refused extends CaxtonError {
  static override readonly code = "refused";
}

/** The receiver tried and failed: see `reply`. */
export class Failed extends CaxtonError {
  static override readonly code = "failed";
}

/** The receiver did not understand: see `reply`. */
export class NotUnderstood extends CaxtonError {
  static override readonly code = "not_understood";
}

/** The receiver's mailbox has no room now. Try again later. */
export class MailboxFull extends CaxtonError {
  static override readonly code = "mailbox_full";
}

/** The time that the caller gave ran out. */
export class Timeout extends CaxtonError {
  static override readonly code = "timeout";
}

/** Nobody allowed this. */
export class PermissionDenied extends CaxtonError {
  static override readonly code = "permission_denied";
}

/** The store could not keep something. */
export class StoreError extends CaxtonError {
  static override readonly code = "store";
}

/** The runtime is closed. Make a new one. */
export class Closed extends CaxtonError {
  static override readonly code = "closed";
}

/** A defect of the runtime itself. */
export class InternalError extends CaxtonError {
  static override readonly code = "internal";
}

type ErrorClass = typeof CaxtonError;

const classes: readonly ErrorClass[] = [
  InvalidModule,
  InvalidMessage,
  InvalidArgument,
  AgentNotFound,
  NameTaken,
  AgentFailed,
  LimitExceeded,
  Trapped,
  Refused,
  Failed,
  NotUnderstood,
  MailboxFull,
  Timeout,
  PermissionDenied,
  StoreError,
  Closed,
  InternalError,
];

const byCode = new Map<string, ErrorClass>();
for (const errorClass of [CaxtonError, ...classes]) {
  byCode.set(errorClass.code, errorClass);
  Object.defineProperty(errorClass.prototype, "name", { value: errorClass.name });
}

/** @internal The class of the errors with this code. */
export function errorClass(code: string): ErrorClass | undefined {
  return byCode.get(code);
}
