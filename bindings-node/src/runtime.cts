import { Agent, asMessage, nothing, type Stats, toStats } from "./agent.cjs";
import { Conversation, type ConversationFilter } from "./conversation.cjs";
import type { CaxtonError } from "./errors.cjs";
import { InvalidArgument } from "./errors.cjs";
import { isFault, toError, unwrap } from "./fault.cjs";
import { enter, type Handler, HostAgent, type RegisterOptions } from "./host-agent.cjs";
import { call, hub, within } from "./hub.cjs";
import { Initiator } from "./initiator.cjs";
import { encodeContent } from "./json.cjs";
import {
  checkPerformative,
  encodeFields,
  encodeMessage,
  Message,
  type MessageLike,
} from "./message.cjs";
import {
  type Fault,
  type NativeAgent,
  type NativeRuntime,
  type NativeRuntimeOptions,
  native,
  type WrittenMessage,
} from "./native.cjs";
import {
  type Abortable,
  type BroadcastOptions,
  checkCeiling,
  checkCount,
  checkDeploy,
  checkLimits,
  checkNumber,
  checkOptions,
  checkSignal,
  checkString,
  checkStrings,
  checkTimeout,
  checkWasm,
  type DeployManyOptions,
  type DeployOptions,
  type EventFilter,
  encodeFilter,
  type Filter,
  type RuntimeOptions,
  type WaitOptions,
  type Wasm,
  waitFor,
} from "./options.cjs";
import { Subscription } from "./subscription.cjs";
import { Trace, type TraceOptions } from "./trace.cjs";

/** Figures of a runtime. */
export interface Metrics {
  /** The sums of all agents, including those that have been removed. */
  readonly total: Stats;
  /** The figures of each deployed agent, by name, in the order of deployment. */
  readonly agents: ReadonlyMap<string, Stats>;
  /** Number of registered host agents. */
  readonly hostAgents: number;
  /** Number of dead letters that are kept. */
  readonly deadLetters: number;
}

/** A message that reached nobody, or that made its receiver crash. */
export interface DeadLetter {
  readonly id: number;
  /** The time at which it was given up, in microseconds since the Unix epoch. */
  readonly at: number;
  readonly message: Message;
  /** The reason, in a sentence. */
  readonly reason: string;
  /** The agent that crashed on it; `null` if it reached nobody. */
  readonly agent: string | null;
}

/** The number of a dead letter, given as itself or by its number. */
function idOf(letter: DeadLetter | number): number {
  const id = typeof letter === "object" && letter !== null ? letter.id : letter;
  const checked = checkCount(id, "the dead letter's id");
  if (checked === undefined) throw new InvalidArgument("there is no dead letter undefined");
  return checked;
}

/** How long `close` takes at most, unless it is told otherwise, in milliseconds. */
const DEFAULT_CLOSE = 5_000;

/** How wide the lines of a trace are unless it is said otherwise. */
const DEFAULT_WIDTH = 100;

/**
 * A system of agents, inside this program.
 *
 * The process ends by itself once no call waits: neither deployed agents, nor registered handlers, nor
 * open subscriptions keep it alive. A runtime that nobody can reach any more closes by itself; one
 * with registered handlers stays until it is closed.
 */
export class Runtime extends Initiator {
  readonly #native: NativeRuntime;
  /** Subscriptions that end with a signal. */
  readonly #signalled = new Set<Subscription>();

  /** @throws {CaxtonError} `InvalidArgument` for an option out of its range, `InternalError` if the system gives no threads. */
  constructor(options?: RuntimeOptions) {
    const checkedOptions = checkOptions(options, [
      "store",
      "ceiling",
      "durability",
      "protocols",
      "name",
      "limits",
      "contentLimits",
      "compileLimits",
      "workers",
      "maxAgents",
      "profile",
      "seed",
    ]);
    const { store, durability, protocols, name, limits, contentLimits } = checkedOptions;
    const { compileLimits, workers, maxAgents, profile, seed, ceiling } = checkedOptions;
    const checked: NativeRuntimeOptions = {};
    if (store !== undefined) checked.store = checkString(store, "store");
    if (ceiling !== undefined) checked.ceiling = checkCeiling(ceiling);
    if (durability !== undefined) checked.durability = checkString(durability, "durability");
    if (protocols !== undefined) checked.protocols = checkString(protocols, "protocols");
    if (profile !== undefined) checked.profile = checkString(profile, "profile");
    if (name !== undefined) checked.name = checkString(name, "name");
    if (limits !== undefined) checked.limits = checkLimits(limits);
    if (contentLimits !== undefined) checked.contentLimits = checkLimits(contentLimits);
    if (compileLimits !== undefined) checked.compileLimits = checkLimits(compileLimits);
    checkCount(workers, "workers");
    checkCount(maxAgents, "maxAgents");
    checkCount(seed, "seed");
    if (workers !== undefined) checked.workers = workers;
    if (maxAgents !== undefined) checked.maxAgents = maxAgents;
    if (seed !== undefined) checked.seed = seed;
    const runtime = unwrap(native.openRuntime(hub, checked));
    super(runtime);
    this.#native = runtime;
  }

  /** The name under which this program speaks. */
  get name(): string {
    return this.#native.name;
  }

  /**
   * Deploys an agent; resolves when its `agent_init` has succeeded. One whose deployment is given up
   * is removed again.
   *
   * Rejects with `InvalidModule`, `NameTaken`, `AgentFailed`, `LimitExceeded`, `InvalidArgument`,
   * `PermissionDenied` (a folder that cannot be granted) or `Closed`.
   */
  deploy(wasm: Wasm, options?: DeployOptions): Promise<Agent> {
    return call(
      () => {
        const [module, isPath] = checkWasm(wasm);
        return this.#native.deploy(module, { ...checkDeploy(options), isPath });
      },
      (agent: NativeAgent) => new Agent(agent),
      options,
    );
  }

  /** Deploys one module under many names, compiled once: all of them, or none. Rejects as `deploy`. */
  deployMany(wasm: Wasm, names: readonly string[], options?: DeployManyOptions): Promise<Agent[]> {
    return call(
      () => {
        const [module, isPath] = checkWasm(wasm);
        const checked = { ...checkDeploy(options), isPath };
        return this.#native.deployMany(module, checkStrings(names, "names"), checked);
      },
      (agents: NativeAgent[]) => agents.map((agent) => new Agent(agent)),
      options,
    );
  }

  /**
   * Makes this program an agent: `handler` is called for each message that is sent to `name`, as far as
   * no handler is there that says more of it (`HostAgent.on`). The value that it returns is the content of its
   * answer, if the message asks for one: if it has `reply_with`, or its act is answered in its protocol.
   *
   * An `ask` made in a handler, that would come back to a handler that waits for it, fails at once.
   *
   * @throws {CaxtonError} `NameTaken`, `InvalidArgument` or `Closed`.
   */
  register(name: string, handler?: Handler | null, options?: RegisterOptions): HostAgent {
    checkString(name, "name");
    const { capabilities = [], concurrency } = checkOptions(options, [
      "capabilities",
      "concurrency",
    ]);
    if (checkCount(concurrency, "concurrency") === 0) {
      throw new InvalidArgument("concurrency is 0, expected 1 or more");
    }
    const checked = checkStrings(capabilities, "capabilities");
    const number = handler === undefined || handler === null ? undefined : enter(handler, this);
    return new HostAgent(unwrap(this.#native.register(name, number, checked, concurrency)), this);
  }

  /**
   * Sends a message; resolves when every receiver's mailbox has it.
   *
   * Rejects with `InvalidMessage`, `AgentNotFound`, `AgentFailed`, `LimitExceeded`, `PermissionDenied`
   * (the sender is an agent's name), `Timeout` or `Closed`.
   */
  send(message: MessageLike, options?: WaitOptions): Promise<void> {
    return call(
      () => this.#native.send(encodeMessage(message), waitFor(options)),
      nothing,
      options,
    );
  }

  /**
   * Sends a message without waiting.
   *
   * @throws {CaxtonError} as `send` rejects, with `MailboxFull` in place of `Timeout`.
   */
  trySend(message: MessageLike): void {
    unwrap(this.#native.trySend(encodeMessage(message)));
  }

  /** Sends messages one after the other; `timeout` is for each. Rejects with the first error. */
  sendMany(messages: Iterable<MessageLike>, options?: WaitOptions): Promise<void> {
    return call(
      () => this.#native.sendMany(encodeMessages(messages), waitFor(options)),
      nothing,
      options,
    );
  }

  /** Sends a message and waits for the first reply of any act. Rejects as `send`. */
  ask<Content = unknown>(message: MessageLike, options?: WaitOptions): Promise<Message<Content>> {
    return call(
      () => this.#native.ask(encodeMessage(message), waitFor(options), within()),
      asMessage<Content>,
      options,
    );
  }

  /** Sends a whole FIPA request and waits for its result. Rejects as `Agent.request`. */
  request<Content = unknown>(
    message: MessageLike,
    options?: WaitOptions,
  ): Promise<Message<Content>> {
    return call(
      () => this.#native.request(encodeMessage(message), waitFor(options), within()),
      asMessage<Content>,
      options,
    );
  }

  /** Asks all at once; the answers in the same order, an error in the place of one that failed. */
  askMany(
    messages: Iterable<MessageLike>,
    options?: WaitOptions,
  ): Promise<(Message | CaxtonError)[]> {
    return call(
      () => this.#native.askMany(encodeMessages(messages), waitFor(options), within()),
      (answers: (string | Fault)[]) =>
        answers.map((answer) => (isFault(answer) ? toError(answer) : Message.fromNative(answer))),
      options,
    );
  }

  /**
   * Sends a message to every agent that matches; returns their number. Those without room are skipped.
   *
   * @throws {CaxtonError} `InvalidMessage`, `InvalidArgument`, `LimitExceeded`, `PermissionDenied` or `Closed`.
   */
  broadcast(content: unknown, options?: BroadcastOptions): number {
    const { capability, filter, performative = "inform", ...fields } = checkOptions(options);
    return unwrap(
      this.#native.broadcast(
        encodeContent(content),
        checkPerformative(performative),
        encodeFields(fields),
        encodeFilter(filter, capability),
      ),
    );
  }

  /**
   * Returns copies of every matching message from now on, to be read with `for await`. Aborting ends it,
   * and rejects a read that waits.
   *
   * @throws {CaxtonError} `InvalidArgument` or `Closed`.
   */
  subscribe(filter?: Filter, options?: Abortable): Subscription;
  /** The same, with each message given to `callback`, one after the other. */
  subscribe(
    filter: Filter | undefined,
    callback: (message: Message) => unknown,
    options?: Abortable,
  ): Subscription;
  subscribe(
    filter?: Filter,
    callback?: Abortable | ((message: Message) => unknown),
    options?: Abortable,
  ): Subscription {
    const hasCallback = typeof callback === "function";
    const signal = checkSignal(checkOptions(hasCallback ? options : callback, ["signal"]));
    if (signal?.aborted) throw signal.reason;
    const native = unwrap(this.#native.subscribe(encodeFilter(filter)));
    const subscription = new Subscription(native, signal, this.#signalled);
    // It only ever rejects because it was aborted.
    if (hasCallback) subscription.feed(callback).catch(nothing);
    return subscription;
  }

  /**
   * Returns the events of agents from now on, as messages of `ams`. Their content is an object: `event`, the
   * kind; `agent`, its name, if it is about one; and what belongs to the kind. Without a kind there is
   * one for every turn.
   */
  events(filter?: EventFilter, options?: Abortable): Subscription {
    const signal = checkSignal(checkOptions(options, ["signal"]));
    if (signal?.aborted) throw signal.reason;
    const checked = checkOptions(filter, ["kind", "agent"]);
    const native = unwrap(this.#native.events(JSON.stringify(checked)));
    return new Subscription(native, signal, this.#signalled);
  }

  /**
   * The conversation with this id, as it stands now; `null` if there is none that names a protocol, or it
   * ended so long ago that it is not kept any more.
   */
  conversation(id: string): Conversation | null {
    const conversation = this.#native.conversation(checkString(id, "id"));
    return conversation && new Conversation(conversation);
  }

  /**
   * The conversations that match, in the order in which they began: all that are open, 20,000 at the
   * most, and the last 1,024 that have ended.
   *
   * @throws {CaxtonError} `InvalidArgument` if the filter names a protocol or a state that is none.
   */
  conversations(filter?: ConversationFilter): Conversation[] {
    const checked = JSON.stringify(checkOptions(filter));
    const found = unwrap(this.#native.conversations(checked));
    return found.map((conversation) => new Conversation(conversation));
  }

  /**
   * Writes each message from now on that matches as one line of a terminal: the time since the first one
   * in seconds, who says it to whom, the act, the protocol, the end of the conversation's id, and the
   * content. Nothing that an agent wrote can steer the terminal or break its line.
   *
   * @throws {CaxtonError} `InvalidArgument` or `Closed`.
   */
  trace(options?: TraceOptions): Trace {
    const { stream = process.stdout, colour, width, ...filter } = checkOptions(options);
    if (typeof stream !== "object" || stream === null || typeof stream.write !== "function") {
      throw new InvalidArgument("the stream has no write, expected a Writable");
    }
    const columns = checkNumber(width ?? stream.columns ?? DEFAULT_WIDTH, "width");
    if (colour !== undefined && typeof colour !== "boolean") {
      throw new InvalidArgument(`colour is of type ${typeof colour}, expected true or false`);
    }
    const isColoured = colour ?? stream.isTTY === true;
    return new Trace(unwrap(this.#native.trace(encodeFilter(filter), isColoured, columns)), stream);
  }

  /** The figures of each agent, and their sums. */
  metrics(): Metrics {
    const { total, agents, hostAgents, deadLetters } = this.#native.metrics();
    return {
      total: toStats(total),
      agents: new Map(agents.map(({ name, figures }) => [name, toStats(figures)])),
      hostAgents,
      deadLetters,
    };
  }

  /** The same in the text format of Prometheus, version 0.0.4. */
  prometheus(): string {
    return this.#native.prometheus();
  }

  /** Every deployed agent, in the order of deployment. */
  agents(): Agent[] {
    return this.#native.agents().map((agent) => new Agent(agent));
  }

  /** The agent with this name or id. @throws {CaxtonError} `AgentNotFound` or `Closed`. */
  agentNamed(name: string): Agent {
    return new Agent(unwrap(this.#native.agentNamed(checkString(name, "name"))));
  }

  /**
   * The names of all, deployed and registered, that have a capability or match a filter.
   *
   * @throws {CaxtonError} `InvalidArgument` or `Closed`.
   */
  find(wanted?: string | Filter): string[] {
    const filter =
      typeof wanted === "string" ? encodeFilter(undefined, wanted) : encodeFilter(wanted);
    return unwrap(this.#native.find(filter));
  }

  /** The last messages that reached nobody, oldest first. */
  deadLetters(): DeadLetter[] {
    return this.#native.deadLetters().map(({ message, agent = null, ...letter }) => ({
      ...letter,
      message: Message.fromNative(message),
      agent,
    }));
  }

  /**
   * Hands a dead letter, or the one with this id, to its receiver again, as it was.
   *
   * @throws {CaxtonError} `InvalidArgument` if there is none, `AgentNotFound`, `AgentFailed`,
   * `MailboxFull` or `Closed`; it stays a dead letter then.
   */
  replayDeadLetter(letter: DeadLetter | number): void {
    unwrap(this.#native.replayDeadLetter(idOf(letter)));
  }

  /**
   * Drops a dead letter, or the one with this id.
   *
   * @throws {CaxtonError} `InvalidArgument` if there is none, or `Closed`.
   */
  dropDeadLetter(letter: DeadLetter | number): void {
    unwrap(this.#native.dropDeadLetter(idOf(letter)));
  }

  /**
   * Closes the runtime, within 5,000 milliseconds unless said otherwise: running turns finish or are
   * interrupted, `agent_shutdown` is called, waiting calls reject with `Closed`, and threads end. A
   * thread that is busy at the end of that time ends by itself. Closing twice is not an error.
   */
  close(options?: { timeout?: number | undefined }): Promise<void> {
    return call(() => {
      const { timeout } = checkOptions(options, ["timeout"]);
      const closing = this.#native.close(checkTimeout(timeout, DEFAULT_CLOSE));
      for (const subscription of this.#signalled) subscription.leave();
      return closing;
    }, nothing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The runtime in one line. */
  override toString(): string {
    return `<Runtime ${JSON.stringify(this.name)}${this.#native.isClosed ? " closed" : ""}>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function encodeMessages(messages: Iterable<MessageLike>): WrittenMessage[] {
  return Array.from(messages, encodeMessage);
}
