import { InvalidArgument, NotUnderstood, Refused } from "./errors.cjs";
import { unwrap } from "./fault.cjs";
import { addHandler, hub, runWithin } from "./hub.cjs";
import { codeOf, encode, textOf } from "./json.cjs";
import { Message, type Performative } from "./message.cjs";
import { type NativeHostAgent, native } from "./native.cjs";
import { checkOptions, checkString } from "./options.cjs";

/**
 * Takes the messages of a host agent. What it returns is sent back: a `Message` as it is, nothing for
 * `undefined` and `null`, anything else as the content of the act that says yes: a `propose` to a `cfp`,
 * an `accept-proposal` to a `propose`, and else an `inform`. What it throws becomes a `failure` with the
 * error's text, a `Refused` a `refuse`, each in the words of the message's protocol (a `reject-proposal`
 * to a `propose`), and a `NotUnderstood` a `not-understood`.
 */
export type Handler = (message: Message) => unknown;

/** Which messages a handler takes; without anything said all of them. */
export interface Route {
  /** Those with this act. */
  performative?: Performative | undefined;
  /** Those that name this protocol. */
  protocol?: string | undefined;
}

/** How a host agent is registered. */
export interface RegisterOptions {
  /** What it can do. */
  capabilities?: readonly string[] | undefined;
  /** How many messages are handled at once, 64 unless said otherwise; they are begun in order. */
  concurrency?: number | undefined;
}

/** A registered host agent. Dropping it leaves the agent where it is. */
export class HostAgent {
  readonly #native: NativeHostAgent;
  readonly #runtime: object;
  /** Its name: unique in the runtime. */
  readonly name: string;
  /** Its id: a UUID. */
  readonly id: string;

  /** @internal */
  constructor(host: NativeHostAgent, runtime: object) {
    this.#native = host;
    this.#runtime = runtime;
    this.name = host.name;
    this.id = host.id;
  }

  /**
   * Has `handler` take the messages with this act, or with this act and protocol. Of several handlers
   * the one takes a message that says most of it, the act before the protocol; the one given to
   * `register` takes what is left. Without one, what wants an answer is answered with `not-understood`.
   *
   * @throws {CaxtonError} `InvalidArgument` if there is a handler for the same messages, or the agent is
   * not here any more.
   */
  on(which: Performative | Route, handler: Handler): this {
    const route = typeof which === "string" ? { performative: which } : which;
    const { performative, protocol } = checkOptions(route, ["performative", "protocol"]);
    if (performative !== undefined) checkString(performative, "performative");
    if (protocol !== undefined) checkString(protocol, "protocol");
    const number = enter(handler, this.#runtime);
    unwrap(this.#native.on(number, performative, protocol));
    return this;
  }

  /** Takes it out of the runtime. What waits is answered with `failure`; what it handles goes on. */
  remove(): void {
    this.#native.remove();
  }
}

/**
 * @internal Enters a handler; the number under which the addon knows it. The entry keeps the runtime: it
 * is open as long as somebody may send the handler a message.
 */
export function enter(handler: Handler, runtime: object): number {
  if (typeof handler !== "function") {
    throw new InvalidArgument(`the handler is of type ${typeof handler}, expected a function`);
  }
  return addHandler({ run: (task, message) => handle(handler, task, message), owner: runtime });
}

/** Has `handler` handle one message, and sends back what it says. */
function handle(handler: Handler, task: number, json: string): void {
  const message = Message.fromNative(json);
  const failed = (reason: unknown): void => {
    if (!(codeOf(reason) === Refused.code || codeOf(reason) === NotUnderstood.code)) {
      report(message, reason);
    }
    fail(task, reason);
  };
  runWithin(task, () => {
    try {
      const result = handler(message);
      if (isThenable(result)) {
        // Also for what only looks like a promise.
        Promise.resolve(result).then((value) => answer(task, value), failed);
      } else {
        answer(task, result);
      }
    } catch (error) {
      failed(error);
    }
  });
}

/** Shows what a handler has thrown, with its stack and its cause; who asked gets only its text. */
function report(message: Message, reason: unknown): void {
  try {
    console.error(`caxton: a handler failed for ${message}:`, reason);
  } catch {
    // What was thrown may throw when it is shown.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    "then" in value &&
    typeof value.then === "function"
  );
}

function answer(task: number, value: unknown): void {
  const { Nothing, Content, Message: Whole } = native.Answer;
  try {
    if (value === undefined || value === null) hub.finish(task, Nothing, "");
    else if (value instanceof Message) hub.finish(task, Whole, Message.textOf(value));
    else hub.finish(task, Content, encode(value, "what the handler returned"));
  } catch (error) {
    fail(task, error);
  }
}

function fail(task: number, reason: unknown): void {
  hub.finish(task, native.Answer.Failure, textOf(reason), codeOf(reason));
}
