import type { inspect as inspectFunction } from "node:util";
import { InvalidMessage } from "./errors.cjs";
import { unwrap } from "./fault.cjs";
import { encode, encodeContent } from "./json.cjs";
import { native, type WrittenMessage } from "./native.cjs";

/** One of FIPA's 22 communicative acts (FIPA SC00037). */
export type Performative =
  | "accept-proposal"
  | "agree"
  | "cancel"
  | "cfp"
  | "confirm"
  | "disconfirm"
  | "failure"
  | "inform"
  | "inform-if"
  | "inform-ref"
  | "not-understood"
  | "propagate"
  | "propose"
  | "proxy"
  | "query-if"
  | "query-ref"
  | "refuse"
  | "reject-proposal"
  | "request"
  | "request-when"
  | "request-whenever"
  | "subscribe";

/** The fields of a message beside its act, its receiver and its content; named as in JSON. */
export interface Fields {
  /** In whose name it is sent: this program's, or any that is neither reserved nor an agent's. */
  sender?: string | undefined;
  /** Where replies go if not to the sender. */
  reply_to?: string | undefined;
  language?: string | undefined;
  encoding?: string | undefined;
  ontology?: string | undefined;
  protocol?: string | undefined;
  conversation_id?: string | undefined;
  /** What a reply has to name in its `in_reply_to`. */
  reply_with?: string | undefined;
  /** The `reply_with` of the message that this one answers. */
  in_reply_to?: string | undefined;
  /** When the next message is due: microseconds since the Unix epoch, or RFC 3339. */
  reply_by?: number | string | undefined;
  /** Names that begin with `X-` or `x_` are carried as they are. */
  [extension: `X-${string}` | `x_${string}`]: unknown;
}

/** A whole message as an object; named as in JSON. */
export interface MessageFields extends Fields {
  performative: Performative;
  /** Names, ids, or `topic:NAME`. */
  receiver?: string | readonly string[] | undefined;
  /** Any value that JSON can hold. */
  content?: unknown;
}

/** A message as calls take it: an object, a `Message`, or JSON as text or bytes. */
export type MessageLike = MessageFields | Message | string | Uint8Array;

/** What a message is read into once somebody looks at it. */
interface Parsed extends Omit<Fields, "sender"> {
  performative: Performative;
  sender?: string;
  receiver?: string | string[];
  content?: unknown;
  message_id?: string;
  sent_at?: number;
}

/** Marks JSON that the core has written. */
const written = Symbol("written");

/**
 * A FIPA ACL message (FIPA SC00061). Immutable; its JSON is read when a field is first looked at.
 * `Content` is what the program expects in it, which nobody checks.
 */
export class Message<Content = unknown> {
  readonly #json: string;
  #parsed: Parsed | undefined;

  /**
   * Reads a message that somebody wrote.
   *
   * @throws {InvalidMessage} if it is no message.
   */
  constructor(message: MessageLike);
  /** @internal */
  constructor(message: string, mark: typeof written);
  constructor(message: MessageLike, mark?: typeof written) {
    this.#json =
      mark === written
        ? (message as string)
        : unwrap(native.readMessage(encodeMessage(message), isText(message)));
    Object.freeze(this);
  }

  /** @internal */
  static fromNative<Content>(json: string): Message<Content> {
    return new Message<Content>(json, written);
  }

  /** @internal The message as JSON text. */
  static textOf(message: Message): string {
    return message.#json;
  }

  get #fields(): Parsed {
    this.#parsed ??= JSON.parse(this.#json) as Parsed;
    return this.#parsed;
  }

  /** The act. */
  get performative(): Performative {
    return this.#fields.performative;
  }

  /** Who sent it, stamped by the runtime; `undefined` in one that has not been sent. */
  get sender(): string | undefined {
    return this.#fields.sender;
  }

  /** The receiver, or an array where the message names several; `*` for a broadcast. */
  get receiver(): string | readonly string[] | undefined {
    const receiver = this.#fields.receiver;
    return Array.isArray(receiver) && receiver.length === 1 ? receiver[0] : receiver;
  }

  /** Where replies go if not to the sender. */
  get reply_to(): string | undefined {
    return this.#fields.reply_to;
  }

  /** The content. The same object each time: treat it as read-only. `null` where there is none. */
  get content(): Content {
    return (this.#fields.content ?? null) as Content;
  }

  /** The language of the content. */
  get language(): string | undefined {
    return this.#fields.language;
  }

  /** The encoding of the content. */
  get encoding(): string | undefined {
    return this.#fields.encoding;
  }

  /** The ontology of the content. */
  get ontology(): string | undefined {
    return this.#fields.ontology;
  }

  /** The interaction protocol. */
  get protocol(): string | undefined {
    return this.#fields.protocol;
  }

  /** The conversation that the message belongs to. */
  get conversation_id(): string | undefined {
    return this.#fields.conversation_id;
  }

  /** What a reply has to name in its `in_reply_to`. */
  get reply_with(): string | undefined {
    return this.#fields.reply_with;
  }

  /** The `reply_with` of the message that this one answers. */
  get in_reply_to(): string | undefined {
    return this.#fields.in_reply_to;
  }

  /** When the next message is due: microseconds since the Unix epoch. */
  get reply_by(): number | undefined {
    const given = this.#fields.reply_by;
    return typeof given === "string" ? (native.replyBy(this.#json) ?? undefined) : given;
  }

  /** The runtime's id of this message; `undefined` in one that has not been sent. */
  get message_id(): string | undefined {
    return this.#fields.message_id;
  }

  /** When it was sent: microseconds since the Unix epoch; `undefined` if it has not been. */
  get sent_at(): number | undefined {
    return this.#fields.sent_at;
  }

  /** The whole message as JSON, as every receiver sees it; a copy at each call. */
  get raw(): Uint8Array {
    return new TextEncoder().encode(this.#json);
  }

  /**
   * An answer to this message, to be returned from a handler or sent. It keeps the protocol, the
   * conversation, the ontology and the language, and names what it answers.
   *
   * @throws {InvalidMessage} if the parts make no message.
   */
  reply(content?: unknown, options: Fields & { performative?: Performative } = {}): Message {
    const { performative = "inform", ...fields } = options;
    return Message.fromNative(
      unwrap(
        native.composeReply(
          this.#json,
          checkPerformative(performative),
          encodeContent(content),
          encodeFields(fields),
        ),
      ),
    );
  }

  /** The whole message as an object, made anew at each call; what `JSON.stringify` uses. */
  toJSON(): MessageFields & { message_id?: string; sent_at?: number } {
    return JSON.parse(this.#json) as MessageFields;
  }

  /** The message in one line. */
  toString(): string {
    return native.messageLine(this.#json);
  }

  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    _options: object,
    _inspect: typeof inspectFunction,
  ): string {
    return this.toString();
  }
}

/** @internal At most 80 characters, with whatever could move a terminal's cursor escaped. */
export function shown(text: string): string {
  const part = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return part.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** Whether a message is text already, which may be anybody's. */
function isText(message: MessageLike): boolean {
  return typeof message === "string" || message instanceof Uint8Array;
}

/** @internal A message as the addon takes it. */
export function encodeMessage(message: MessageLike): WrittenMessage {
  if (typeof message === "string" || message instanceof Uint8Array) return message;
  if (message instanceof Message) return { foreign: Message.textOf(message) };
  if (typeof message !== "object" || message === null) {
    throw new InvalidMessage(`the message is ${describe(message)}, expected an object or JSON`);
  }
  return encode(message, "the message");
}

/** @internal A message as JSON text. */
export function textOfMessage(message: MessageLike): string {
  const written = encodeMessage(message);
  if (typeof written === "string") return written;
  return "foreign" in written ? written.foreign : new TextDecoder().decode(written);
}

/** @internal The further fields of a message as JSON, if there are any. */
export function encodeFields(fields: object): string | undefined {
  for (const key in fields) {
    if (fields[key as keyof typeof fields] !== undefined) {
      return encode(fields, "the message's fields");
    }
  }
  return undefined;
}

/** @internal */
export function checkPerformative(performative: unknown): string {
  if (typeof performative === "string") return performative;
  throw new InvalidMessage(`performative is ${describe(performative)}, expected a string`);
}

function describe(value: unknown): string {
  return value === null ? "null" : `of type ${typeof value}`;
}
