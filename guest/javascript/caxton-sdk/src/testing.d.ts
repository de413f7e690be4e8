import type { Agent, Capabilities, FipaMessage, Filter, HostErrorKind, LogLevel } from "./index.js";

export interface MockHostOptions {
  /** The agent's name; `agent` if there is none. */
  name?: string;
  /** What is under the key `config`, as JSON. */
  config?: unknown;
  /** Which other agents there are, with the services of each. Left out: a message to any is taken, and a broadcast reaches none. */
  agents?: { [name: string]: string[] };
}

/**
 * A host for tests, which has deployed an agent. It checks what it is given as the runtime does, keeps what the agent did, and has
 * a clock that moves when the test says so. A turn that throws is undone but for its log, and the error comes out of the call.
 *
 * It does not have: other agents that answer, grants, limits on time, memory and rates. An agent's variables outlive a restart here,
 * as they are those of its module; in the runtime they do not.
 */
export class MockHost {
  /** Deploys the agent: `onInit` is called. It throws if that does not go well. */
  constructor(agent: Agent, options?: MockHostOptions);
  /** The clock: microseconds since the Unix epoch. */
  now: number;
  /** The code that the agent gave last. */
  readonly code: number;
  /** What was sent, in order. A broadcast's receiver is `*`. */
  readonly sent: FipaMessage[];
  /** What was broadcast, with the filter of each. */
  readonly broadcasts: { filter: Filter; message: FipaMessage }[];
  /** What is stored: bytes by their keys. */
  readonly stored: Map<string, Uint8Array>;
  /** What is stored under a key, read from JSON. */
  value(key: string): any;
  /** Stores a value as JSON, as an earlier turn may have. */
  store(key: string, value: unknown): void;
  /** Timers that are set, with the microseconds until each is due. */
  readonly timers: Map<number, number>;
  /** Subscriptions that are made, with their filters. */
  readonly subscriptions: Map<number, Filter>;
  /** Lines of the agent's log. */
  logs: { level: LogLevel; line: string }[];
  /**
   * Hands over a message; the code of `handle-message`. An object is one as JSON has it (`reply_with`), and gets what the host would
   * write: `message_id`, `sent_at`, and where they are missing the sender `tester` and the receiver. A text is handed over as it is.
   */
  deliver(message: FipaMessage | { performative: string; [name: string]: any } | string): number;
  /** Moves the clock by so many microseconds; each timer that comes due is handled, in order. */
  advance(micros: number): void;
  /** Calls `onInit` again, as in a fresh instance. What is stored stays. */
  restart(): void;
  /** Calls `onShutdown`. */
  shutDown(): void;
  /** What the agent says that it can do. */
  capabilities(): Capabilities;
  /** Has a function of the host fail with this kind from now on, such as `fail("setTimer", "limit_exceeded")`; without a kind, no more. */
  fail(call: string, kind?: HostErrorKind): void;
}
