import { fileURLToPath } from "node:url";
import { InvalidArgument } from "./errors.cjs";
import { encodeContent } from "./json.cjs";
import type { Fields, Performative } from "./message.cjs";
import type { LimitEntry, NativeDeployOptions, NativeRuntimeOptions, Written } from "./native.cjs";

/** The limits of an agent. `null` lifts a limit; one that is left out has its default. */
export interface Limits {
  /** Linear memory, in bytes. Growth above it fails inside the guest. */
  maxMemoryBytes?: number | null | undefined;
  /** The longest time without a pause while others wait, in microseconds; at least 1000. */
  maxCpuMicros?: number | null | undefined;
  /** Time of one turn, in microseconds: running, host calls and sleeping together. */
  maxExecutionTimeMicros?: number | null | undefined;
  /** Calls of host functions in one turn, without those of WASI. */
  maxHostCalls?: number | null | undefined;
  /**
   * Allocations of one turn: `memory.grow`, `table.grow`, and each entry into an allocator that the
   * module exports.
   */
  maxAllocations?: number | null | undefined;
  /** Messages sent in a second, without the first reply to the sender of the message in hand. */
  maxMessagesPerSecond?: number | null | undefined;
  /** All effects of one turn together, in bytes. */
  maxTurnBytes?: number | null | undefined;
  /** Work of the host for one turn, in units of about a microsecond. */
  maxTurnWork?: number | null | undefined;
  /** Memory that the host keeps for the agent, in bytes, without stored data and waiting messages. */
  maxHostBytes?: number | null | undefined;
  /** The agent's weight when agents compete for the processor, 1 to 10,000; `null` is 100. */
  cpuShare?: number | null | undefined;
  /** One message as JSON, in bytes. */
  maxMessageBytes?: number | null | undefined;
  /** Messages that wait in the mailbox. */
  mailboxCapacity?: number | null | undefined;
  /** Bytes of the messages that wait in the mailbox. */
  mailboxBytes?: number | null | undefined;
  /** Stored data of the agent, in bytes: keys, values, and 96 for each key. */
  maxStorageBytes?: number | null | undefined;
  /** Timers that the agent has set. */
  maxTimers?: number | null | undefined;
  /** Subscriptions of the agent. */
  maxSubscriptions?: number | null | undefined;
  /** Log output of one turn, in bytes; the rest is dropped and counted. */
  maxLogBytes?: number | null | undefined;
  /** Elements of all tables of the module. */
  maxTableElements?: number | null | undefined;
}

/** The limits of an agent, all of them; `null` where there is none. */
export type LimitsInForce = { readonly [Name in keyof Limits]-?: number | null };

/**
 * The limits of the content of messages. `null` lifts a limit; one that is left out has its default.
 * Strings and keys are measured without their escapes, in bytes of UTF-8.
 */
export interface ContentLimits {
  /** The content as JSON, in bytes; 1 MiB unless said otherwise. */
  maxBytes?: number | null | undefined;
  /** Keys of one object, 100 unless said otherwise; a repeated key counts each time. */
  maxKeys?: number | null | undefined;
  /** One key, in bytes; 256 unless said otherwise. */
  maxKeyBytes?: number | null | undefined;
  /** Items of one array; 1000 unless said otherwise. */
  maxArrayItems?: number | null | undefined;
  /** One string that is not a key, in bytes; 10,000 unless said otherwise. */
  maxStringBytes?: number | null | undefined;
  /** Nested objects and arrays; 64 unless said otherwise, 65,536 when lifted. */
  maxDepth?: number | null | undefined;
}

/** The content limits of an agent, all of them; `null` where there is none. */
export type ContentLimitsInForce = { readonly [Name in keyof ContentLimits]-?: number | null };

/**
 * The limits of the cost of compiling a module, which is estimated beforehand. `null` lifts a limit;
 * one that is left out has its default.
 */
export interface CompileLimits {
  /** Time that one function may take, in milliseconds; 45,000 unless said otherwise. */
  maxCompileFunctionMillis?: number | null | undefined;
  /** Memory that one function may take while it is compiled, in bytes; 1 GiB unless said otherwise. */
  maxCompileFunctionBytes?: number | null | undefined;
  /** Time that all functions of a module may take together, in milliseconds; 800,000 unless said otherwise. */
  maxCompileMillis?: number | null | undefined;
}

/** A call that can be given up. */
export interface Abortable {
  /** Gives the call up; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A call that waits. */
export interface WaitOptions extends Abortable {
  /** Milliseconds; 30,000 unless said otherwise. `null` waits for ever. */
  timeout?: number | null | undefined;
}

/** The options of a runtime. */
export interface RuntimeOptions {
  /**
   * The file that keeps agents with their data, timers and subscriptions, and messages. It is made if
   * it does not exist; otherwise everything in it is brought back. One runtime at a time can open it.
   */
  store?: string | undefined;
  /**
   * The bound on grants and limits that come from the store or through `ams`. Without one, agents of
   * the store that were granted folders, environment variables, `stdout: "inherit"` or
   * `directoryAdmin` come back suspended.
   */
  ceiling?: Ceiling | undefined;
  /**
   * The failures that a finished commit survives. With `full`, the default, it survives a power
   * failure. With `relaxed` it survives the end of the process, and after a second a power failure.
   */
  durability?: "full" | "relaxed" | undefined;
  /**
   * The treatment of messages that their protocol does not allow. `observe`, the default, delivers
   * them, since an agent may know better. `strict` does not: an agent is answered with
   * `not-understood`, and a call of this program fails. Both report the event `violation`.
   */
  protocols?: "observe" | "strict" | undefined;
  /** The name of this program, as the sender of its messages; `host` by default. */
  name?: string | undefined;
  /** The limits of agents that are deployed without limits of their own. */
  limits?: Limits | undefined;
  /**
   * The content limits of messages to and from agents without content limits of their own, and of
   * messages that this program sends to topics, in broadcasts and to its own handlers. None by default.
   */
  contentLimits?: ContentLimits | undefined;
  /**
   * The compile limits of modules that are deployed without compile limits of their own, come from a
   * store, or replace an agent's code.
   */
  compileLimits?: CompileLimits | undefined;
  /** The number of threads that run agents; the number of processors by default. */
  workers?: number | undefined;
  /** The most agents that can be deployed at once; 12,000 by default. */
  maxAgents?: number | undefined;
  /**
   * Writes a file about the code of the agents, so that Linux's `perf` can name it: `perfmap` in
   * `/tmp/perf-PID.map`, `jitdump` in `jit-PID.dump` in the working folder.
   */
  profile?: "perfmap" | "jitdump" | undefined;
  /** Seeds randomness and ids, so that they are the same in each run. */
  seed?: number | undefined;
}

/**
 * The grants of an agent: its permissions beside handling messages. Names of agents may end in `*`,
 * which stands for any rest; topics are `topic:NAME`.
 */
export interface Grants {
  /**
   * The agents and topics to which it may send messages and broadcasts; `null`, the default, is all.
   * It may always answer the sender of the message that it handles, once.
   */
  sendTo?: readonly string[] | null | undefined;
  /** The agents whose messages its subscriptions see, sent or received, beside topics and broadcasts. */
  observe?: readonly string[] | undefined;
  /**
   * Folders that it sees through WASI: the name inside the sandbox, the path, and the access. A folder
   * that holds a store or compiled modules is refused.
   */
  dirs?: Readonly<Record<string, readonly [string, "ro" | "rw"]>> | undefined;
  /** Its environment variables, through WASI. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Its arguments, through WASI; the first one is by custom the name of the program. */
  args?: readonly string[] | undefined;
  /** The place for its standard output and error; its `log` by default. */
  stdout?: "log" | "inherit" | "discard" | undefined;
  /**
   * True if it may have `ams` deploy, suspend, resume and remove agents. An agent that it deploys has
   * the same limits and `sendTo`, and no other grants.
   */
  directoryAdmin?: boolean | undefined;
}

/**
 * The bound on grants and limits that do not come from a call of this program: those of agents that a
 * store brings back, and of agents that `ams` deploys. An agent of a store that was granted more comes
 * back suspended. The program's own calls are not bounded.
 */
export interface Ceiling {
  /**
   * The bound on grants. It covers folders inside its own, and those with less access. The value of an
   * environment variable may end in `*`, which stands for any rest. Arguments are not bounded.
   */
  grants?: Grants | undefined;
  /** The bound on limits; a limit that it does not name has its default. Without it, none is bounded. */
  limits?: Limits | undefined;
}

/** How an agent is deployed. */
export interface DeployManyOptions extends Abortable {
  /** The agent's limits, instead of the runtime's. */
  limits?: Limits | undefined;
  /** The content limits of messages to and from the agent, instead of the runtime's. */
  contentLimits?: ContentLimits | undefined;
  /** The compile limits of the module, instead of the runtime's. */
  compileLimits?: CompileLimits | undefined;
  /** Its capabilities. Those that its code declares count only if they are in this list. */
  capabilities?: readonly string[] | undefined;
  /** Its grants. */
  grants?: Grants | undefined;
  /** Its restart policy, which applies when a turn was dropped; `on-failure` by default. */
  restart?: "always" | "on-failure" | "never" | undefined;
  /** JSON that the agent finds in its stored data under the key `config`. */
  config?: unknown;
}

/** The options of one agent. */
export interface DeployOptions extends DeployManyOptions {
  /** Unique in the runtime. Without one it gets a name of its own. */
  name?: string | undefined;
}

/** A module: the path of a file, a `file:` URL, the text format, or bytes. */
export type Wasm = string | URL | Uint8Array;

/** How `broadcast` goes: to whom, and what else is in the message. */
export interface BroadcastOptions extends Fields {
  /** `inform` unless said otherwise. */
  performative?: Performative | undefined;
  /** What its receivers can do. */
  capability?: string | undefined;
  /** Who its receivers are. */
  filter?: Filter | undefined;
}

/** One text, or any of several. */
export type OneOrMany = string | readonly string[];

/** Which messages, or which agents, are meant. All fields must match; `{}` matches everything. */
export interface Filter {
  performative?: Performative | readonly Performative[] | undefined;
  sender?: OneOrMany | undefined;
  receiver?: OneOrMany | undefined;
  protocol?: OneOrMany | undefined;
  ontology?: OneOrMany | undefined;
  language?: OneOrMany | undefined;
  conversation_id?: OneOrMany | undefined;
  topic?: OneOrMany | undefined;
  /** All of these have to be among the agent's capabilities. */
  capabilities?: OneOrMany | undefined;
  /** All of these have to be among the services that the agent offers. */
  services?: OneOrMany | undefined;
}

/** What can happen. */
export type EventKind =
  | "deployed"
  | "turn"
  | "dropped"
  | "restarted"
  | "failed"
  | "suspended"
  | "resumed"
  | "replaced"
  | "removed"
  | "dead_letter"
  | "forged_sender"
  | "denied"
  | "store_failed"
  | "violation"
  | "deadline"
  | "deadlock"
  | "abandoned";

/** Which events are meant; without anything said all of them. */
export interface EventFilter {
  kind?: EventKind | readonly EventKind[] | undefined;
  agent?: OneOrMany | undefined;
}

/** @internal How long a call waits unless it says otherwise, in milliseconds. */
export const DEFAULT_TIMEOUT = 30_000;

/** @internal Milliseconds for the addon; `undefined` is for ever. */
export function checkTimeout(
  timeout: number | null | undefined,
  otherwise: number,
): number | undefined {
  if (timeout === undefined) return otherwise;
  if (timeout === null || timeout === Number.POSITIVE_INFINITY) return undefined;
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw new InvalidArgument(
    `timeout is ${shown(timeout)}, expected milliseconds from 0, or null to wait for ever`,
  );
}

/** @internal The same for options that say nothing but how to wait. */
export function waitFor(options: WaitOptions | undefined): number | undefined {
  return checkTimeout(checkOptions(options, ["timeout", "signal"]).timeout, DEFAULT_TIMEOUT);
}

/** @internal Milliseconds after which nobody is waited for any more. */
export function checkDeadline(deadline: number | undefined, otherwise: number): number {
  if (deadline === undefined) return otherwise;
  if (checkNumber(deadline, "deadline") >= 0) return deadline;
  throw new InvalidArgument(`deadline is ${shown(deadline)}, expected milliseconds from 0`);
}

/** @internal The signal of a call, if it has one; whatever does what an `AbortSignal` does is one. */
export function checkSignal(options: Abortable | undefined): AbortSignal | undefined {
  const signal: unknown = options?.signal;
  if (signal === undefined || signal === null) return undefined;
  if (isSignal(signal)) return signal;
  const hint = isSignal((signal as { signal?: unknown }).signal) ? ": give its `signal`" : "";
  throw new InvalidArgument(`signal is ${shown(signal)}, expected an AbortSignal${hint}`);
}

function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== "object" || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === "boolean" &&
    typeof addEventListener === "function" &&
    typeof removeEventListener === "function"
  );
}

/** @internal */
export function checkNumber(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new InvalidArgument(`${what} is ${shown(value)}, expected a number`);
}

/** @internal */
export function checkCount(value: number | undefined, what: string): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw new InvalidArgument(`${what} is ${shown(value)}, expected a whole number from 0`);
}

/** @internal */
export function checkString(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new InvalidArgument(`${what} is ${shown(value)}, expected a string`);
}

/** @internal */
export function checkStrings(value: unknown, what: string): string[] {
  if (Array.isArray(value)) return value.map((entry, at) => checkString(entry, `${what}[${at}]`));
  throw new InvalidArgument(`${what} is ${shown(value)}, expected an array of strings`);
}

/** @internal An options object, or nothing. */
export function checkOptions<T extends object>(
  options: T | undefined,
  known?: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgument(`the options are ${shown(options)}, expected an object`);
  }
  // An option that is ignored is worse than one that is refused.
  const unknown = known && Object.keys(options).find((name) => !known.includes(name as never));
  if (unknown !== undefined) {
    throw new InvalidArgument(
      `there is no option ${JSON.stringify(unknown.slice(0, 64))}; there are ${known?.join(", ")}`,
    );
  }
  return options;
}

/** @internal */
export function checkLimits(limits: Limits | ContentLimits | CompileLimits): LimitEntry[] {
  return Object.entries(checkOptions(limits)).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    if (value === null) return [{ name }];
    if (Number.isSafeInteger(value) && (value as number) >= 0) {
      return [{ name, value: value as number }];
    }
    throw new InvalidArgument(
      `${name} is ${shown(value)}, expected a whole number from 0, or null for no limit`,
    );
  });
}

/** @internal */
export function checkDeploy(options: DeployOptions | undefined): NativeDeployOptions {
  const checkedOptions = checkOptions(options, DEPLOY_OPTIONS);
  const { name, limits, contentLimits, compileLimits, capabilities } = checkedOptions;
  const { grants, restart, config } = checkedOptions;
  const checked: NativeDeployOptions = {};
  if (name !== undefined) checked.name = checkString(name, "name");
  if (limits !== undefined) checked.limits = checkLimits(limits);
  if (contentLimits !== undefined) checked.contentLimits = checkLimits(contentLimits);
  if (compileLimits !== undefined) checked.compileLimits = checkLimits(compileLimits);
  if (capabilities !== undefined) {
    checked.capabilities = checkStrings(capabilities, "capabilities");
  }
  if (grants !== undefined) checked.grants = encodeGrants(grants);
  if (restart !== undefined) checked.restart = checkString(restart, "restart");
  if (config !== undefined) checked.config = encodeContent(config);
  return checked;
}

const DEPLOY_OPTIONS = [
  "name",
  "limits",
  "contentLimits",
  "compileLimits",
  "capabilities",
  "grants",
  "restart",
  "config",
  "signal",
] as const;

function encodeGrants(grants: Grants): string {
  const known = ["sendTo", "observe", "dirs", "env", "args", "stdout", "directoryAdmin"] as const;
  const { sendTo, directoryAdmin, ...others } = checkOptions(grants, known);
  return JSON.stringify({ send_to: sendTo, directory_admin: directoryAdmin, ...others });
}

/** @internal */
export function checkCeiling(
  ceiling: Ceiling,
): Exclude<NativeRuntimeOptions["ceiling"], undefined> {
  const { grants, limits } = checkOptions(ceiling, ["grants", "limits"]);
  return {
    ...(grants !== undefined && { grants: encodeGrants(grants) }),
    ...(limits !== undefined && { limits: checkLimits(limits) }),
  };
}

/** @internal A module, and whether it is a path even if it looks like text. */
export function checkWasm(wasm: Wasm): [Written, boolean] {
  if (typeof wasm === "string" || wasm instanceof Uint8Array) return [wasm, false];
  if (!(wasm instanceof URL)) {
    throw new InvalidArgument(`wasm is ${shown(wasm)}, expected a path, a URL, text or bytes`);
  }
  if (wasm.protocol === "file:") return [fileURLToPath(wasm), true];
  throw new InvalidArgument(`${wasm.href} cannot be read; fetch it, and give its bytes`);
}

/** @internal A filter as JSON; `capability` is one more that is asked for. */
export function encodeFilter(filter: Filter | undefined, capability?: string): string {
  const checked = checkOptions(filter);
  if (capability === undefined) return JSON.stringify(checked);
  if (checked.capabilities !== undefined) {
    throw new InvalidArgument("give either capability or capabilities");
  }
  return JSON.stringify({ ...checked, capabilities: checkString(capability, "capability") });
}

/** @internal A value that was not expected, in few words. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  if (typeof value === "function") return "a function";
  if (typeof value === "object") return value === null ? "null" : "an object";
  return String(value);
}
