import { call } from "./hub.cjs";
import { Message, shown } from "./message.cjs";
import type { NativeInforms } from "./native.cjs";
import { type Abortable, checkOptions, checkTimeout, type WaitOptions } from "./options.cjs";

/**
 * What an agent tells, again and again, to be read with `for await`. Leaving the loop closes it, and the
 * agent is sent a `cancel`. A slow reader misses what finds no room, and is told how much.
 *
 * A reader that waits keeps the process alive; an open subscription as such does not.
 */
export class Informs implements AsyncIterableIterator<Message> {
  readonly #native: NativeInforms;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.close();
  /** The agent that sends them. */
  readonly agent: string;
  /** The conversation: see `Runtime.conversation`. */
  readonly conversationId: string;

  /** @internal */
  constructor(informs: NativeInforms, options: Abortable) {
    this.#native = informs;
    this.#signal = options.signal;
    this.agent = informs.agent;
    this.conversationId = informs.conversationId;
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    // It may have been aborted since the subscription was made.
    if (this.#signal?.aborted) this.close();
  }

  /** How many messages found no room since it began; 0 once it is closed. */
  get missed(): number {
    return this.#native.missed;
  }

  /**
   * The next `inform`, waited for as long as that takes unless said otherwise; `done` once it is closed.
   *
   * Rejects with `Refused`, `NotUnderstood` or `Failed` if that is what the agent answers, after which
   * there is nothing more; with `Timeout`, after which there may be; with `Closed`.
   */
  next(options?: WaitOptions): Promise<IteratorResult<Message, undefined>> {
    return call(
      () => {
        const { timeout } = checkOptions(options, ["timeout", "signal"]);
        return this.#native.next(checkTimeout(timeout, Number.POSITIVE_INFINITY));
      },
      (json: string | null): IteratorResult<Message, undefined> => {
        if (json !== null) return { done: false, value: Message.fromNative(json) };
        if (this.#signal?.aborted) throw this.#signal.reason;
        return { done: true, value: undefined };
      },
      options,
    );
  }

  /** Ends the subscription and sends the agent a `cancel`. Who waits for the next message gets none. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#native.close();
  }

  /** What `break` in a `for await` does. */
  return(): Promise<IteratorResult<Message, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** The subscription in one line. */
  toString(): string {
    return `<Informs of ${shown(this.agent)}>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
