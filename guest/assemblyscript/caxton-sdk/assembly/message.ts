// The FIPA message (SC00061) as an agent sees it.

import { Json } from "./json";
import { refuse } from "./scan";
import { findNoUtf8, isInMemory } from "./text";
import { JsonObject } from "./write";

/**
 * A message. Of one that is sent, only the performative and a receiver have to be there: the host writes the
 * sender, `message_id` and `sent_at`. A field that is null is not there.
 */
export class FipaMessage {
  /** Who speaks: an agent's name. Left out of what is sent, where the host writes it. */
  sender: string | null = null;
  /** Who is spoken to: names, ids, or topics (`topic:NAME`). */
  receivers: string[] = [];
  /** What is said: any JSON value, `Json.NULL` if nothing is. */
  content: Json = Json.NULL;
  /** Who is to get the answer, where that is not the sender. */
  replyTo: string | null = null;
  /** The language of the content. */
  language: string | null = null;
  /** The encoding of the content. */
  encoding: string | null = null;
  /** What the content's words mean. */
  ontology: string | null = null;
  /** The interaction protocol that the message belongs to, such as `fipa-request`. */
  protocol: string | null = null;
  /** The conversation that it belongs to. */
  conversationId: string | null = null;
  /** What an answer is to have as `in_reply_to`. */
  replyWith: string | null = null;
  /** The `reply_with` of the message that this one answers. */
  inReplyTo: string | null = null;
  /** By when an answer is wanted: microseconds since the Unix epoch as a number, or a text in RFC 3339. */
  replyBy: Json | null = null;
  /** The host's id of the message. */
  messageId: string | null = null;
  /** When the host took the message: microseconds since the Unix epoch, 0 in one that has not been sent. */
  sentAt: i64 = 0;
  /** The fields that FIPA does not name, such as `X-priority`. */
  extra: JsonObject = new JsonObject();

  constructor(
    /** One of FIPA's 22 communicative acts (SC00037), such as `request` or `inform`. */
    public performative: string,
    receiver: string | null = null,
  ) {
    if (receiver !== null) this.receivers.push(receiver);
  }

  /** Reads a message from JSON text; null if it is none, and then `parseError` says why. */
  static parse(text: string): FipaMessage | null {
    const json = Json.parse(text);
    return json ? FipaMessage.from(json) : null;
  }

  /** Reads a message from JSON; null if it is none, and then `parseError` says why. */
  static from(json: Json): FipaMessage | null {
    if (!json.isObject) {
      refuse("expected an object");
      return null;
    }
    const message = new FipaMessage("");
    const fields = json.members();
    for (let i = 0; i < fields.length; i++) {
      const value = fields[i].value;
      if (!value.isNull && !message.read(fields[i].name, value)) return null;
    }
    if (message.performative.length > 0) return message;
    refuse("expected a field `performative`");
    return null;
  }

  /** The first receiver, which is the only one as a rule. */
  get receiver(): string | null {
    return this.receivers.length > 0 ? this.receivers[0] : null;
  }

  set receiver(name: string | null) {
    this.receivers = name === null ? [] : [name];
  }

  /** What the content asks to be done: its `action`, where that is a text. */
  get action(): string | null {
    return this.content.getString("action");
  }

  /** Who gets an answer: `replyTo`, or else the sender. */
  get answerTo(): string | null {
    const replyTo = this.replyTo;
    return replyTo !== null && replyTo.length > 0 ? replyTo : this.sender;
  }

  /** Whether it is an act that nobody answers, so that two agents do not feed each other errors for ever. */
  get endsExchange(): bool {
    const act = this.performative;
    return act == "inform" || act == "failure" || act == "not-understood";
  }

  /** Sets the content: a text, a number, a bool, a `Json`, a `JsonObject`, a `JsonArray`, or an array of these. */
  setContent<T>(content: T): this {
    this.content = Json.of<T>(content);
    return this;
  }

  /**
   * An answer to this message, as SC00061 has it: to `replyTo` or the sender, with what they gave as
   * `replyWith`, in the same conversation, protocol, ontology and language.
   */
  reply<T>(performative: string, content: T): FipaMessage {
    const answer = new FipaMessage(performative, this.answerTo);
    answer.inReplyTo = this.replyWith;
    answer.conversationId = this.conversationId;
    answer.protocol = this.protocol;
    answer.ontology = this.ontology;
    answer.language = this.language;
    return answer.setContent<T>(content);
  }

  /** All of it but the content: what is needed to answer it later. */
  withoutContent(): FipaMessage {
    const kept = new FipaMessage(this.performative);
    kept.sender = this.sender;
    kept.receivers = this.receivers;
    kept.replyTo = this.replyTo;
    kept.language = this.language;
    kept.encoding = this.encoding;
    kept.ontology = this.ontology;
    kept.protocol = this.protocol;
    kept.conversationId = this.conversationId;
    kept.replyWith = this.replyWith;
    kept.inReplyTo = this.inReplyTo;
    kept.replyBy = this.replyBy;
    kept.messageId = this.messageId;
    kept.sentAt = this.sentAt;
    kept.extra = this.extra;
    return kept;
  }

  /** The message as JSON, without what is not there. */
  toJson(): Json {
    return Json.of(this.fields());
  }

  /** The message as JSON text, without what is not there. */
  toString(): string {
    return this.fields().toString();
  }

  private fields(): JsonObject {
    // Known fields come last, so that no other field can stand in their place.
    const fields = new JsonObject();
    const names = this.extra.names;
    for (let i = 0; i < names.length; i++) fields.set(names[i], this.extra.get(names[i]));
    fields.set("performative", this.performative);
    write(fields, "sender", this.sender);
    if (this.receivers.length == 1) fields.set("receiver", this.receivers[0]);
    else if (this.receivers.length > 1) fields.set("receiver", this.receivers);
    if (!this.content.isNull) fields.set("content", this.content);
    write(fields, "reply_to", this.replyTo);
    write(fields, "language", this.language);
    write(fields, "encoding", this.encoding);
    write(fields, "ontology", this.ontology);
    write(fields, "protocol", this.protocol);
    write(fields, "conversation_id", this.conversationId);
    write(fields, "reply_with", this.replyWith);
    write(fields, "in_reply_to", this.inReplyTo);
    if (this.replyBy) fields.set("reply_by", this.replyBy);
    write(fields, "message_id", this.messageId);
    if (this.sentAt > 0) fields.set("sent_at", this.sentAt);
    return fields;
  }

  // Reads one field; false, with a reason, if its value cannot be that.
  private read(name: string, value: Json): bool {
    if (name == "content") {
      this.content = value;
    } else if (name == "receiver" && value.isArray) {
      const names = value.elements();
      for (let i = 0; i < names.length; i++) {
        const receiver = names[i].asString();
        if (receiver === null) return wrong(name, "names, and nothing else");
        this.receivers.push(receiver);
      }
    } else if (name == "reply_by") {
      if (!value.isString && !value.isWhole) return wrong(name, "a text or microseconds");
      this.replyBy = value;
    } else if (name == "sent_at") {
      if (!value.isInteger) return wrong(name, "microseconds");
      this.sentAt = value.asInteger();
    } else if (!TEXTS.includes(name)) {
      this.extra.set(name, value);
    } else {
      const text = value.asString();
      if (text === null) return wrong(name, "a text");
      this.setText(name, text);
    }
    return true;
  }

  private setText(name: string, text: string): void {
    if (name == "performative") this.performative = text;
    else if (name == "sender") this.sender = text;
    else if (name == "receiver") this.receiver = text;
    else if (name == "reply_to") this.replyTo = text;
    else if (name == "language") this.language = text;
    else if (name == "encoding") this.encoding = text;
    else if (name == "ontology") this.ontology = text;
    else if (name == "protocol") this.protocol = text;
    else if (name == "conversation_id") this.conversationId = text;
    else if (name == "reply_with") this.replyWith = text;
    else if (name == "in_reply_to") this.inReplyTo = text;
    else if (name == "message_id") this.messageId = text;
  }
}

/** Reads the message that `handle_message` was given; null if it is none, and then `parseError` says why. */
export function parseMessage(ptr: usize, len: i32): FipaMessage | null {
  if (!isInMemory(ptr, len)) {
    refuse("it lies outside the agent's memory");
    return null;
  }
  const bad = findNoUtf8(ptr, len);
  if (bad >= 0) {
    refuse(`its byte ${bad} is no UTF-8`);
    return null;
  }
  return FipaMessage.parse(String.UTF8.decodeUnsafe(ptr, len));
}

// The fields that are texts and nothing else; a receiver may also be an array of texts.
const TEXTS: string[] = [
  "performative",
  "sender",
  "receiver",
  "reply_to",
  "language",
  "encoding",
  "ontology",
  "protocol",
  "conversation_id",
  "reply_with",
  "in_reply_to",
  "message_id",
];

function write(fields: JsonObject, name: string, text: string | null): void {
  if (text !== null) fields.set(name, text);
}

function wrong(name: string, expected: string): bool {
  refuse(`\`${name}\`: expected ${expected}`);
  return false;
}
