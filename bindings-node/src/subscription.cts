import { throwLater } from "./clock.cjs";
import { call } from "./hub.cjs";
import { Message } from "./message.cjs";
import type { NativeSubscription } from "./native.cjs";

/**
 * Copies of the messages that match a filter, to be read with `for await`. It holds 1024 messages at
 * most; a slow reader misses the rest and is told how many. Leaving the loop closes it.
 *
 * A reader that waits keeps the process alive; an open subscription as such does not.
 */
export class Subscription implements AsyncIterableIterator<Message> {
  readonly #native: NativeSubscription;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.close();
  readonly #open: Set<Subscription>;

  /**
   * @internal `open` has those whose signal still listens; when the runtime closes, it has them leave the
   * signal.
   */
  constructor(
    subscription: NativeSubscription,
    signal: AbortSignal | undefined,
    open: Set<Subscription>,
  ) {
    this.#native = subscription;
    this.#signal = signal;
    this.#open = open;
    if (signal === undefined) return;
    signal.addEventListener("abort", this.#abort, { once: true });
    open.add(this);
  }

  /** The number of messages that found no room since it began. */
  get missed(): number {
    return this.#native.missed;
  }

  /** The next message; `done` once the subscription or the runtime is closed. */
  next(): Promise<IteratorResult<Message, undefined>> {
    return this.#next(false);
  }

  /** Returns the next message if one waits. */
  tryNext(): Message | undefined {
    const json = this.#native.tryNext();
    return json === null ? undefined : Message.fromNative(json);
  }

  /** Ends the subscription. Messages that wait can still be read. */
  close(): void {
    this.leave();
    this.#native.close();
  }

  /** @internal Leaves its signal alone. */
  leave(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#open.delete(this);
  }

  /** What `break` in a `for await` does. */
  return(): Promise<IteratorResult<Message, undefined>> {
    this.close();
    // Nobody reads on.
    while (this.#native.tryNext() !== null);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** @internal Gives each message to `callback`, one after the other. */
  async feed(callback: (message: Message) => unknown): Promise<void> {
    for (;;) {
      const { done, value } = await this.#next(true);
      if (done) return;
      try {
        await callback(value);
      } catch (error) {
        throwLater(error);
      }
    }
  }

  #next(isBackground: boolean): Promise<IteratorResult<Message, undefined>> {
    return call(
      () => this.#native.next(),
      (json: string | null): IteratorResult<Message, undefined> => {
        if (json !== null) return { done: false, value: Message.fromNative(json) };
        this.leave();
        return { done: true, value: undefined };
      },
      { signal: this.#signal, isBackground },
    );
  }
}
