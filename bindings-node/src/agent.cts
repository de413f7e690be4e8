import { unwrap } from "./fault.cjs";
import { call, within } from "./hub.cjs";
import { encodeContent } from "./json.cjs";
import {
  checkPerformative,
  encodeFields,
  type Fields,
  Message,
  type Performative,
} from "./message.cjs";
import type { LimitEntry, NativeAgent, NativeFigure } from "./native.cjs";
import {
  type Abortable,
  type ContentLimitsInForce,
  checkOptions,
  checkTimeout,
  checkWasm,
  DEFAULT_TIMEOUT,
  type LimitsInForce,
  type WaitOptions,
  type Wasm,
} from "./options.cjs";

/** Where an agent is in its life. */
export type AgentState = "initiated" | "active" | "suspended" | "failed" | "removed";

/** Figures of one agent since it was deployed, or since its store was opened. */
export interface Stats {
  /** Turns that committed. */
  readonly turns: number;
  /** Turns that were dropped, for any reason. */
  readonly droppedTurns: number;
  /** Turns that were dropped because the memory could not grow. */
  readonly droppedMemory: number;
  /** Turns that were dropped because they took too long. */
  readonly droppedTime: number;
  /** Turns that were dropped because they made too many host calls. */
  readonly droppedHostCalls: number;
  /** Turns that were dropped because they made too many allocations. */
  readonly droppedAllocations: number;
  /** Turns that were dropped because the guest trapped. */
  readonly droppedTrap: number;
  /** Turns that were dropped because the guest called `proc_exit`. */
  readonly droppedExit: number;
  /** Turns that were dropped because the stack overflowed. */
  readonly droppedStack: number;
  /** Turns that committed and returned a code other than 0. */
  readonly errorCodes: number;
  /** Times that the instance was replaced. */
  readonly restarts: number;
  /** Messages that were delivered to it. */
  readonly messagesIn: number;
  /** Messages that its turns sent. */
  readonly messagesOut: number;
  /** Timers that fired for it. */
  readonly timers: number;
  /** Calls of host functions, without those of WASI. */
  readonly hostCalls: number;
  /** Work of the host for its turns, in units of about a microsecond. */
  readonly work: number;
  /** Calls that did nothing because `maxTurnWork` or `maxHostBytes` was reached. */
  readonly refusedWork: number;
  /** Copies that were skipped: their receiver had no room, or its content limits forbade them. */
  readonly skipped: number;
  /** Time for which its guest ran and the host worked for it, in microseconds. */
  readonly cpuMicros: number;
  /** Time of its turns, in microseconds: running, host calls and sleeping. */
  readonly wallMicros: number;
  /** Memory after its last turn, in bytes. */
  readonly memoryBytes: number;
  /** The most memory that it had after a turn, in bytes. */
  readonly peakMemoryBytes: number;
  /** Bytes that it has stored: keys, values, and 96 for each key. */
  readonly storedBytes: number;
  /** Bytes that the host keeps for it, without stored data and waiting messages. */
  readonly hostBytes: number;
  /** Messages that wait in the mailbox. */
  readonly mailboxMessages: number;
  /** Log lines that were dropped. */
  readonly logLinesDropped: number;
}

/** @internal Figures by their names. */
export function toStats(figures: NativeFigure[]): Stats {
  return Object.fromEntries(figures.map(({ name, value }) => [name, value])) as unknown as Stats;
}

/** One line of an agent's log. */
export interface LogLine {
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  readonly level: "error" | "warn" | "info" | "debug" | "trace";
  /** What the agent, or the runtime about it, wrote. Nothing in it is escaped. */
  readonly text: string;
}

/** How a message to an agent goes: how long to wait, and what else is in it. */
export interface SendOptions extends WaitOptions, Fields {
  performative?: Performative | undefined;
}

/** How a FIPA request goes: how long to wait, and what else is in the message. */
export interface RequestOptions extends WaitOptions, Fields {}

/** @internal */
export function asMessage<Content>(json: string): Message<Content> {
  return Message.fromNative(json);
}

/** @internal */
export function nothing(): void {}

/** A deployed agent. Dropping it leaves the agent where it is. */
export class Agent {
  readonly #native: NativeAgent;
  /** Its name: unique in the runtime. */
  readonly name: string;
  /** Its id: a UUID. */
  readonly id: string;

  /** @internal */
  constructor(agent: NativeAgent) {
    this.#native = agent;
    this.name = agent.name;
    this.id = agent.id;
  }

  /** Where it is in its life. */
  get state(): AgentState {
    return this.#native.state as AgentState;
  }

  /** What it can do. */
  get capabilities(): string[] {
    return this.#native.capabilities;
  }

  /** Its limits. */
  get limits(): LimitsInForce {
    return named(this.#native.limits) as LimitsInForce;
  }

  /** The limits of the content that it sends and is sent, if it has any: its own, or the runtime's. */
  get contentLimits(): ContentLimitsInForce | null {
    const limits = this.#native.contentLimits;
    return limits && (named(limits) as ContentLimitsInForce);
  }

  /** What it has done. */
  stats(): Stats {
    return toStats(this.#native.stats());
  }

  /** The last lines of the agent's log, up to 1 MiB, oldest first. */
  logs(): LogLine[] {
    return this.#native.logs() as LogLine[];
  }

  /**
   * Begins to sample its stack: each millisecond while its code runs, for a minute of running time at
   * the most.
   *
   * @throws {CaxtonError} `InvalidArgument` if it is being sampled already.
   */
  startProfile(): void {
    unwrap(this.#native.startProfile());
  }

  /**
   * Ends the sampling. What it has found as JSON, to be opened in Firefox's profiler
   * (https://profiler.firefox.com).
   *
   * @throws {CaxtonError} `InvalidArgument` if it is not being sampled.
   */
  stopProfile(): string {
    return unwrap(this.#native.stopProfile());
  }

  /**
   * Sends a message, an `inform` unless said otherwise; resolves when the mailbox has it.
   *
   * Rejects with `InvalidMessage`, `AgentNotFound`, `AgentFailed`, `LimitExceeded`, `Timeout` (the
   * mailbox had no room) or `Closed`.
   */
  send(content: unknown, options?: SendOptions): Promise<void> {
    return call(
      () => {
        const { timeout, signal: _, performative = "inform", ...fields } = checkOptions(options);
        return this.#native.send(
          encodeContent(content),
          checkPerformative(performative),
          encodeFields(fields),
          checkTimeout(timeout, DEFAULT_TIMEOUT),
        );
      },
      nothing,
      options,
    );
  }

  /**
   * Sends a message, a `request` unless said otherwise, and waits for the first reply, whatever its
   * act. The first argument is always content.
   *
   * Rejects as `send`; with `Timeout` if no reply came.
   */
  ask<Content = unknown>(content: unknown, options?: SendOptions): Promise<Message<Content>> {
    return call(
      () => {
        const json = encodeContent(content);
        if (options === undefined) {
          return this.#native.ask(json, "request", undefined, DEFAULT_TIMEOUT, within());
        }
        const { timeout, signal: _, performative = "request", ...fields } = checkOptions(options);
        return this.#native.ask(
          json,
          checkPerformative(performative),
          encodeFields(fields),
          checkTimeout(timeout, DEFAULT_TIMEOUT),
          within(),
        );
      },
      asMessage<Content>,
      options,
    );
  }

  /**
   * A FIPA request (SC00026): waits through `agree` and gives the `inform`.
   *
   * Rejects with `Refused`, `Failed` or `NotUnderstood` if that is the answer, with `LimitExceeded`
   * or `Trapped` if that is why it failed, and else as `ask`.
   */
  request<Content = unknown>(
    content: unknown,
    options?: RequestOptions,
  ): Promise<Message<Content>> {
    return call(
      () => {
        const { timeout, signal: _, ...fields } = checkOptions(options);
        return this.#native.request(
          encodeContent(content),
          encodeFields(fields),
          checkTimeout(timeout, DEFAULT_TIMEOUT),
          within(),
        );
      },
      asMessage<Content>,
      options,
    );
  }

  /**
   * Suspends the agent: its messages and timers wait. Resolves when none of its turns runs.
   *
   * Rejects with `AgentNotFound`, `AgentFailed` or `Closed`.
   */
  suspend(options?: Abortable): Promise<void> {
    return call(() => this.#native.suspend(), nothing, options);
  }

  /**
   * Resumes the agent: it goes on with the messages and timers that have waited.
   *
   * Rejects as `suspend`, and with `PermissionDenied` if it came back from a store with more than the
   * runtime's `ceiling` allows, or with a name that is not allowed any more; it says what is lacking.
   */
  resume(options?: Abortable): Promise<void> {
    return call(() => this.#native.resume(), nothing, options);
  }

  /**
   * Starts it afresh between two turns; its name, mailbox and data are kept.
   *
   * Rejects with `AgentFailed` if its `agent_init` fails, and as `suspend`.
   */
  restart(options?: Abortable): Promise<void> {
    return call(() => this.#native.restart(), nothing, options);
  }

  /**
   * Gives it other code between two turns; its name, mailbox, data and timers are kept. Where the new
   * code cannot be linked or its `agent_init` fails, the agent goes on with the code that it has.
   *
   * Rejects with `InvalidModule`, `AgentFailed`, `LimitExceeded`, and as `suspend`.
   */
  replace(wasm: Wasm, options?: Abortable): Promise<void> {
    return call(() => this.#native.replace(...checkWasm(wasm)), nothing, options);
  }

  /**
   * Ends the agent: `agent_shutdown` is its last turn. What still waits in its mailbox is answered
   * with `failure`. Its name is free at once. The removal goes on if the wait is given up.
   *
   * Rejects with `Closed` if the runtime is closed.
   */
  remove(options?: Abortable): Promise<void> {
    return call(() => this.#native.remove(), nothing, options);
  }

  /** The agent in one line. */
  toString(): string {
    return `<Agent ${JSON.stringify(this.name)} ${this.state}>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** Limits as an object: `null` where there is none. */
function named(limits: LimitEntry[]): Record<string, number | null> {
  return Object.fromEntries(limits.map(({ name, value }) => [name, value ?? null]));
}
