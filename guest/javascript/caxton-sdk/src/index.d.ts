/** The fields of a message, FIPA's under the names of JavaScript: `replyWith` is `reply_with` in JSON. */
export interface MessageFields {
  /** One of FIPA's 22 communicative acts (SC00037), such as `request` or `inform`. */
  performative: string;
  /** Who speaks: an agent's name. The host writes the true one, so what is sent leaves it out. */
  sender?: string;
  /** Who is spoken to: a name, an id, a topic (`topic:NAME`), or several of them. */
  receiver?: string | string[];
  /** What is said: any value that JSON has. A whole number beyond 2^53 is a `bigint`: in a component always, in Node from version 22. */
  content?: any;
  /** Who is to get the answer, where that is not the sender. */
  replyTo?: string;
  /** The language of the content. */
  language?: string;
  /** The encoding of the content. */
  encoding?: string;
  /** What the content's words mean. */
  ontology?: string;
  /** The interaction protocol that the message belongs to, such as `fipa-request`. */
  protocol?: string;
  /** The conversation that it belongs to. */
  conversationId?: string;
  /** What an answer is to have as `in_reply_to`. */
  replyWith?: string;
  /** The `reply_with` of the message that this one answers. */
  inReplyTo?: string;
  /** By when an answer is wanted: microseconds since the Unix epoch, or a text in RFC 3339. */
  replyBy?: string | number | bigint;
  /** The host's id of the message. */
  messageId?: string;
  /** When the host took the message: microseconds since the Unix epoch. */
  sentAt?: number;
  /** Every other field, such as `X-traceparent`. */
  extra?: { [name: string]: any };
}

export interface FipaMessage extends MessageFields {}

/** A FIPA message (SC00061). */
export class FipaMessage {
  /** @throws {MessageError} If there is no performative, or a field is unknown or of another type than FIPA's. */
  constructor(fields: MessageFields);
  /**
   * Reads a message from JSON. A field that is null is not there; unknown fields go into `extra`.
   *
   * @throws {MessageError} If it is no JSON object with a `performative`, lies deeper than 65 levels, or a field has another type
   *   than FIPA's.
   */
  static parse(text: string): FipaMessage;
  /** The same for an object that was read from JSON, such as a message that `load` gives back. */
  static fromJSON(written: unknown): FipaMessage;
  /** The message as JSON has it, with `reply_with` for `replyWith`. */
  toJSON(): { [name: string]: any };
  /** The message as JSON. */
  toString(): string;
  /** What the content asks to be done: its `action`, if that is a text. */
  readonly action: string | undefined;
  /** All receivers. */
  readonly receivers: string[];
  /** All of it but the content: what is needed to answer it later. */
  withoutContent(): FipaMessage;
  /** Who is to get an answer: `replyTo`, or else the sender. */
  readonly answerTo: string | undefined;
  /** Whether it is an act that nobody answers (`inform`, `failure`, `not-understood`), lest agents feed each other errors for ever. */
  readonly endsExchange: boolean;
  /**
   * An answer to this message, as SC00061 has it: to `replyTo` or the sender, with `inReplyTo`, in the same conversation,
   * protocol, ontology and language. It is not sent yet.
   */
  reply(performative: string, content?: any): FipaMessage;
}

/** A text or an object that is no message. */
export class MessageError extends Error {}

/** Reads a message from the text that the host hands over: `FipaMessage.parse`. */
export function parseMessage(text: string): FipaMessage;

/** What an agent says of itself: the guide's AgentCapabilities, of which all may be left out. */
export interface Capabilities {
  version?: string;
  performatives?: string[];
  protocols?: string[];
  ontologies?: string[];
  services?: { name: string; description?: string; [name: string]: any }[];
  [name: string]: any;
}

/**
 * An agent: what it can do, and the functions that handle what comes.
 *
 * A handler that throws `Failure`, `Refuse` or `NotUnderstood` answers with that; so does a `HostError`, with `failure`. What the
 * handler did before is kept. With any other error the turn is dropped, nothing of it is kept, and the error is in the agent's log with
 * where it came from. Handlers are not async: a turn ends when its handler returns.
 */
export class Agent {
  constructor(capabilities?: Capabilities);
  /** Called first, and again in a fresh instance after a turn was dropped. If it throws, the agent cannot start. */
  onInit(handler: () => void): void;
  /**
   * Handles requests whose content has this `action`. What the handler returns is sent as the result of an `inform`; with
   * `undefined` it sends its answer itself, now or in a later turn.
   */
  registerHandler(action: string, handler: (message: FipaMessage) => unknown): void;
  /**
   * Handles messages of this act, and of requests those whose action has no handler. What it returns is sent as for `registerHandler`,
   * but never in answer to an `inform`, a `failure` or a `not-understood`.
   */
  onMessage(performative: string, handler: (message: FipaMessage) => unknown): void;
  /** Called with the timer for each that is due. What it returns is ignored. */
  onTimer(handler: (timer: number) => void): void;
  /** Called last. */
  onShutdown(handler: () => void): void;
  /** `agent-init` of agent.wit. The host calls this and those below. */
  agentInit(): number;
  /** `handle-message` of agent.wit. */
  handleMessage(text: string): number;
  /** `handle-timer` of agent.wit. */
  handleTimer(timer: number): number;
  /** `get-capabilities` of agent.wit. */
  getCapabilities(): string;
  /** `agent-shutdown` of agent.wit. */
  agentShutdown(): void;
}

/** Thrown by a handler, it is sent as `failure`, content `{"error": text}`: it was tried. What the handler did is kept; the code is 1. */
export class Failure extends Error {
  constructor(text: string);
}

/** Thrown by a handler, it is sent as `refuse`, content `{"error": text}`: it will not be done. */
export class Refuse extends Error {
  constructor(text: string);
}

/** Thrown by a handler, it is sent as `not-understood`, content `{"error": text}`: nobody knows what was asked for. */
export class NotUnderstood extends Error {
  constructor(text: string);
}

/** Why the host did not do something. */
export type HostErrorKind =
  | "not_found"
  | "invalid_argument"
  | "permission_denied"
  | "limit_exceeded"
  | "mailbox_full";

/** Something that the host did not do. The agent's log says more, in words. */
export class HostError extends Error {
  constructor(call: string, kind: HostErrorKind);
  /** The function that refused, such as `setTimer`. */
  readonly call: string;
  readonly kind: HostErrorKind;
  /** The code of the host's that stands for the kind: -1 to -4, and -6. */
  readonly code: number;
  /** What the kind means. */
  readonly text: string;
}

/** A filter: all that it has must match; each field is a text or an array of texts. `{}` matches everything. */
export interface Filter {
  performative?: string | string[];
  sender?: string | string[];
  receiver?: string | string[];
  protocol?: string | string[];
  ontology?: string | string[];
  language?: string | string[];
  conversation_id?: string | string[];
  topic?: string | string[];
  /** The agent has to have all of these. */
  capabilities?: string | string[];
  /** The agent has to offer all of these. */
  services?: string | string[];
}

// All functions below throw a TypeError where a value is not of its type, and a HostError where the host refuses.

/** Sends a message once the turn is over. Kinds: `invalid_argument`, `permission_denied`, `limit_exceeded`. */
export function sendMessage(message: FipaMessage | MessageFields): void;
/** Sends a message to one agent of this runtime; at once `not_found` if it is unknown, `mailbox_full` if it has no room. */
export function sendLocalMessage(agent: string, message: FipaMessage | MessageFields): void;
/** Sends a message to every other agent that matches the filter; how many they are. */
export function broadcastMessage(filter: Filter, message: FipaMessage | MessageFields): number;
/** From the end of the turn on, the agent gets copies of messages that match the filter; the subscription, above 0. */
export function subscribeMessages(filter: Filter): number;
/** Ends a subscription. Kind: `not_found`. */
export function unsubscribeMessages(subscription: number): void;
/** Answers with any act, the content as it is. */
export function sendReply(to: FipaMessage, performative: string, content?: any): void;
/** Answers with `inform`, content `{"result": result}`. */
export function sendInformResponse(to: FipaMessage, result: any): void;
/** Answers with `failure`, content `{"error": text}`. */
export function sendFailure(to: FipaMessage, text: string): void;
/** Answers with `not-understood`, content `{"error": text}`; without a text, it names the action or the act. */
export function sendNotUnderstood(to: FipaMessage, text?: string): void;

/** Microseconds since the Unix epoch. */
export function currentTimestamp(): number;
/** A random number from 0 to 2^32 - 1. */
export function randomU32(): number;
/** Waits so many microseconds, which count towards the turn's time. */
export function sleepMicros(micros: number): void;
/** Has the timer handler called after so many microseconds; the timer, above 0. Kind: `limit_exceeded`. */
export function setTimer(micros: number): number;
/** Ends a timer that has not come due. Kind: `not_found`. */
export function cancelTimer(timer: number): void;

/** Keeps bytes under a key of the agent's own, of at most 4096 bytes. Kinds: `invalid_argument`, `limit_exceeded`. */
export function storeData(key: string, value: Uint8Array): void;
/** The bytes under a key, if there are any. What the deployer gave as `config` is under `config`. */
export function loadData(key: string): Uint8Array | undefined;
/** Deletes what is under a key. Kind: `not_found`. */
export function deleteData(key: string): void;
/** The number of bytes under a key, if there are any. */
export function dataSize(key: string): number | undefined;
/** Keeps a value under a key as JSON. */
export function store(key: string, value: unknown): void;
/** The value that `store` keeps under a key, if there is one. It throws a SyntaxError if the bytes there are no JSON. */
export function load(key: string): any;

/** Writes a line to the agent's log, at the level info. `console.log` does as well. */
export function consoleLog(line: string): void;
/** Writes a line to the agent's log, at the level error. `console.error` does as well. */
export function consoleError(line: string): void;
/** How much a line of the log matters. */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";
/** Writes a line to the agent's log. */
export function log(level: LogLevel, line: string): void;

/** A text as UTF-8. */
export function toBytes(text: string): Uint8Array;
/** UTF-8 as a text. What is no UTF-8 becomes U+FFFD. */
export function toText(bytes: Uint8Array): string;
