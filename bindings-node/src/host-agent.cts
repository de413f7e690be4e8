import { hub, runWithin } from "./hub.cjs";
import { encode, textOf } from "./json.cjs";
import { Message } from "./message.cjs";
import { type NativeHostAgent, native } from "./native.cjs";

/**
 * Takes the messages of a host agent. What it returns is sent back: a `Message` as it is, nothing for
 * `undefined` and `null`, anything else as the content of an `inform`. What it throws becomes a
 * `failure` with the error's text.
 */
export type Handler = (message: Message) => unknown;

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
  /** Its name: unique in the runtime. */
  readonly name: string;
  /** Its id: a UUID. */
  readonly id: string;

  /** @internal */
  constructor(host: NativeHostAgent) {
    this.#native = host;
    this.name = host.name;
    this.id = host.id;
  }

  /** Takes it out of the runtime. What waits is answered with `failure`; what it handles goes on. */
  remove(): void {
    this.#native.remove();
  }
}

/** @internal Has `handler` handle one message, and sends back what it says. */
export function handle(handler: Handler, task: number, json: string): void {
  runWithin(task, () => {
    try {
      const result = handler(Message.fromNative(json));
      if (isThenable(result)) {
        // Also for what only looks like a promise.
        Promise.resolve(result).then(
          (value) => answer(task, value),
          (reason) => fail(task, reason),
        );
      } else {
        answer(task, result);
      }
    } catch (error) {
      fail(task, error);
    }
  });
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
  hub.finish(task, native.Answer.Failure, textOf(reason));
}
