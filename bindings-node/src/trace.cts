import { inNextTurn } from "./clock.cjs";
import { call } from "./hub.cjs";
import type { NativeTrace, Pending } from "./native.cjs";
import type { Filter } from "./options.cjs";

/** Where the lines of a trace go: what Node calls a `Writable`. */
export interface TraceStream {
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: "drain" | "close" | "error", listener: () => void): unknown;
  off(event: "drain" | "close" | "error", listener: () => void): unknown;
  readonly writable?: boolean | undefined;
  readonly destroyed?: boolean | undefined;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Which messages are traced, where to, and how. */
export interface TraceOptions extends Filter {
  /** `process.stdout` unless said otherwise. */
  stream?: TraceStream | undefined;
  /** Whether lines are coloured: where the stream is a terminal, unless said otherwise. */
  colour?: boolean | undefined;
  /** How many columns a line has at most: those of the terminal, or 100, unless said otherwise. */
  width?: number | undefined;
}

/** How many lines are written before the event loop gets its turn. */
const LONGEST_STREAK = 64;

/** The traces that go on. */
const open = new Set<Trace>();

/** A trace does not keep the process alive, and all the same nothing is left out at its end. */
let flushAtEnd = (): void => {
  flushAtEnd = () => {};
  for (const event of ["beforeExit", "exit"]) {
    process.on(event, () => {
      for (const trace of open) trace.flush();
    });
  }
};

/**
 * Messages as lines on a stream, as they pass. It does not keep the process alive, and ends by itself
 * when its stream does. A slow stream is waited for, and what finds no room meanwhile is missed.
 */
export class Trace {
  readonly #native: NativeTrace;
  readonly #stream: TraceStream;
  #isOver = false;
  #isWaiting = false;
  #isFull = false;
  #hasFailed = false;
  /** Lines that the stream has not done with. */
  #unwritten = 0;

  /** @internal */
  constructor(trace: NativeTrace, stream: TraceStream) {
    this.#native = trace;
    this.#stream = stream;
    stream.on("drain", this.#drain);
    stream.on("close", this.#fail);
    stream.on("error", this.#fail);
    open.add(this);
    flushAtEnd();
    this.#flow();
  }

  /** The number of messages that found no room since it began. */
  get missed(): number {
    return this.#native.missed;
  }

  /** Ends the trace; what has passed before is still written. */
  close(): void {
    if (this.#isOver) return;
    this.#native.close();
    this.flush();
    this.#end();
  }

  /** @internal Writes what has passed. */
  flush(): void {
    for (let line = this.#native.tryNext(); line !== null; line = this.#native.tryNext()) {
      this.#write(line);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Writes what is there, and waits for more. */
  readonly #flow = (): void => {
    for (let count = 0; !this.#isOver && !this.#isWaiting && !this.#isFull; count += 1) {
      if (count === LONGEST_STREAK) {
        inNextTurn(this.#flow).unref();
        return;
      }
      const line = this.#native.next();
      if (typeof line === "number") this.#wait(line);
      else this.#take(line);
    }
  };

  #wait(pending: Pending): void {
    this.#isWaiting = true;
    const waited = call(() => pending, this.#take, { isBackground: true });
    waited.then(this.#flow, this.#fail);
  }

  // Written as soon as it is there: whoever closes the trace after that does not overtake it.
  readonly #take = (line: string | null): void => {
    this.#isWaiting = false;
    if (line === null) this.#end();
    else this.#write(line);
  };

  #write(line: string): void {
    if (this.#isOver) return;
    const { writable, destroyed } = this.#stream;
    if (writable === false || destroyed === true) {
      this.#fail();
      return;
    }
    this.#unwritten += 1;
    this.#isFull = !this.#stream.write(`${line}\n`, this.#written);
  }

  readonly #written = (error?: Error | null): void => {
    this.#unwritten -= 1;
    if (error) this.#fail();
    else this.#leave();
  };

  readonly #drain = (): void => {
    this.#isFull = false;
    this.#flow();
  };

  readonly #fail = (): void => {
    this.#hasFailed = true;
    this.#native.close();
    this.#end();
  };

  #end(): void {
    this.#isOver = true;
    open.delete(this);
    this.#leave();
  }

  /** Leaves the stream alone once it has done with every line. */
  #leave(): void {
    if (!this.#isOver) return;
    this.#stream.off("drain", this.#drain);
    this.#stream.off("close", this.#fail);
    // A stream that has failed may say so several times, and nobody else may listen.
    if (this.#unwritten === 0 && !this.#hasFailed) this.#stream.off("error", this.#fail);
  }
}
