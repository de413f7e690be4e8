// Tests of an agent without the runtime: a mock host for any agent module.

/** A FIPA message (SC00061) as JSON has it. A test leaves out what it does not care for. */
export interface Message {
  performative: string;
  /** Who speaks. In what is delivered, `tester` unless the test says otherwise. */
  sender?: string;
  /** Who is spoken to. In what is delivered, the agent unless the test says otherwise. */
  receiver?: string | string[];
  content?: unknown;
  reply_to?: string;
  language?: string;
  encoding?: string;
  ontology?: string;
  protocol?: string;
  conversation_id?: string;
  reply_with?: string;
  in_reply_to?: string;
  /** Microseconds since the Unix epoch, or a text in RFC 3339. */
  reply_by?: number | string;
  message_id?: string;
  /** Microseconds since the Unix epoch. */
  sent_at?: number;
  /** Any other field, such as `X-priority`. */
  [field: string]: unknown;
}

/** Another agent that there is. */
export interface OtherAgent {
  /** What its deployer said that it can do. */
  capabilities?: string[];
  /** What it says itself that it offers. */
  services?: string[];
}

/** The limits that the mock host keeps to, under the runtime's names and with its defaults. */
export interface MockLimits {
  /** 50 MiB. The memory is looked at when a turn has ended. */
  max_memory_bytes?: number;
  /** 1 s. Only what the agent sleeps is counted. */
  max_execution_time_micros?: number;
  /** 1000 in a turn. */
  max_host_calls?: number;
  /** 100. The first answer to the message that is being handled is not counted. */
  max_messages_per_second?: number;
  /** 1 MiB. */
  max_message_bytes?: number;
  /** 64 MiB, keys included. */
  max_storage_bytes?: number;
  /** 1024. */
  max_timers?: number;
  /** 64. */
  max_subscriptions?: number;
}

export interface MockOptions {
  /** The agent's name: `agent`. */
  name?: string;
  /** What the deployer gives the agent, any JSON value. The agent finds it stored under `config`. */
  config?: unknown;
  /** Which other agents there are. Without it, `send_local_message` finds any, and a broadcast none. */
  agents?: string[] | Record<string, OtherAgent>;
  /** Where the clock begins, in microseconds since the Unix epoch: 2026-01-01. */
  now?: number;
  /** Gives numbers from 0 to 2^32 - 1. Without it, they are the same in every run. */
  random?: () => number;
  limits?: MockLimits;
}

/** A line in the agent's log. Where the host refused something, it tells why at `warn`. */
export interface LogLine {
  level: "error" | "warn" | "info" | "debug" | "trace";
  line: string;
}

export interface Timer {
  /** For how long it was set, in microseconds. */
  delay: number;
  /** When it is due, in microseconds since the Unix epoch. */
  due: number;
}

/** Each field with the texts of which one has to match. */
export type Filter = Record<string, string[]>;

export interface Broadcast {
  filter: Filter;
  message: Message;
  /** The names of those of `agents` that it reached. */
  receivers: string[];
}

/** The functions that can be made to fail. */
export type Failing =
  | "send_message"
  | "send_local_message"
  | "broadcast_message"
  | "subscribe_messages"
  | "unsubscribe_messages"
  | "set_timer"
  | "cancel_timer"
  | "store_data"
  | "load_data"
  | "delete_data"
  | "data_size";

/**
 * A host for one agent, which checks what it is given as the runtime does, and keeps what the agent did.
 *
 * A turn is a transaction here too: where it is dropped, nothing stays of it but its lines in the log, and
 * the agent begins anew in a fresh instance. There are no other agents that would answer, no grants, and no WASI.
 */
export class MockHost {
  /**
   * Deploys a module, given as its file, its bytes, or compiled. Its `agent_init` has been called, and
   * asked for its capabilities.
   *
   * @throws AgentTrapped if the init traps, or gives anything but 0
   * @throws TypeError if the module is no agent, or imports what the mock host does not offer
   */
  static load(
    module: string | URL | BufferSource | WebAssembly.Module,
    options?: MockOptions,
  ): MockHost;
  private constructor();

  /**
   * Hands a message to the agent; the code of `handle_message`. An object gets the sender, the receiver,
   * `message_id` and `sent_at` that it lacks; text and bytes are handed over as they are.
   *
   * @throws AgentTrapped if the turn was dropped
   */
  deliver(message: Message | string | Uint8Array): number;
  /**
   * Moves the clock by so many microseconds, and has the agent handle each timer that comes due, in their
   * order; the codes of `handle_timer`.
   *
   * @throws AgentTrapped if a turn was dropped
   */
  advance(micros: number | bigint): number[];
  /**
   * Ends the instance and makes a fresh one: what is stored stays, and so do timers and subscriptions, but
   * for those that an earlier `agent_init` made.
   */
  restart(): void;
  /** Calls `agent_shutdown`, where the agent has one. */
  shutDown(): void;
  /**
   * Has a function of the host give a code below 0 (`set_timer`: 0) instead of doing anything, from now
   * on or the next `times`.
   */
  fail(name: Failing, code?: number, options?: { times?: number }): void;
  /** Ends all failing. */
  recover(): void;
  /** Forgets what was sent and logged so far. */
  clear(): void;
  /** Stores a value as JSON, as an earlier turn may have. */
  store(key: string, value: unknown): void;
  /** The value under a key, read as JSON; undefined if there is none. */
  load(key: string): any;

  /** Messages that the agent sent, in their order, with the sender that the host wrote. */
  readonly sent: Message[];
  /** The same as the agent wrote them: JSON text, whose numbers keep all their digits. */
  readonly sentJson: string[];
  /** Broadcasts, with whom they reached. They are in `sent` too, their receiver being `*`. */
  readonly broadcasts: Broadcast[];
  /** Lines in the agent's log. */
  readonly logs: LogLine[];
  /** Stored data, by key. */
  readonly stored: Map<string, Uint8Array>;
  /** Timers that are set, by number. */
  readonly timers: Map<number, Timer>;
  /** Subscriptions, by number. */
  readonly subscriptions: Map<number, Filter>;
  /** What the agent says that it can do; null if it says nothing. */
  readonly capabilities: any;
  /** The mock's clock: microseconds since the Unix epoch. */
  readonly now: number;
  /** The memory that the agent has now, in bytes. */
  readonly memoryBytes: number;
  /** What the module exports. */
  readonly exports: WebAssembly.Exports;
}

/** An agent's turn was dropped: it trapped, or broke a limit. */
export class AgentTrapped extends Error {
  private constructor();
  /** What dropped it; `code` is an `agent_init` that gave anything but 0. */
  readonly kind: "trap" | "stack" | "time" | "host_calls" | "memory" | "code";
}
