// The FIPA message (SC00061) as an agent sees it.

import { readJson, writeJson } from "./json.js";

/** Fields that hold a text and nothing else: their names here, and in a message as JSON. */
const TEXTS = {
  performative: "performative",
  sender: "sender",
  replyTo: "reply_to",
  language: "language",
  encoding: "encoding",
  ontology: "ontology",
  protocol: "protocol",
  conversationId: "conversation_id",
  replyWith: "reply_with",
  inReplyTo: "in_reply_to",
  messageId: "message_id",
};

const NAMES = {
  ...TEXTS,
  receiver: "receiver",
  content: "content",
  replyBy: "reply_by",
  sentAt: "sent_at",
};

const WRITTEN = new Map(Object.entries(NAMES).map(([name, written]) => [written, name]));

/** A text or an object that is no message. */
export class MessageError extends Error {
  static {
    this.prototype.name = "MessageError";
  }
}

export class FipaMessage {
  constructor(fields = {}) {
    if (typeof fields !== "object" || fields === null)
      throw new MessageError("a message is an object");
    for (const [name, value] of Object.entries(fields)) {
      if (name !== "extra" && !Object.hasOwn(NAMES, name))
        throw new MessageError(unknownField(name));
      if (value === undefined || (value === null && name !== "content")) continue;
      const expected = whatIsWrong(name, value);
      if (expected) throw new MessageError(`\`${NAMES[name] ?? name}\` has to be ${expected}`);
      this[name] = value;
    }
    if (!this.performative) throw new MessageError("there is no `performative`");
  }

  static parse(text) {
    let read;
    try {
      read = readJson(text);
    } catch (error) {
      throw new MessageError(error.message);
    }
    return FipaMessage.fromJSON(read);
  }

  static fromJSON(written) {
    if (typeof written !== "object" || written === null || Array.isArray(written)) {
      throw new MessageError("it is no JSON object");
    }
    const fields = {};
    const extra = [];
    for (const [name, value] of Object.entries(written)) {
      const known = WRITTEN.get(name);
      if (known) fields[known] = value;
      else extra.push([name, value]);
    }
    if (extra.length > 0) fields.extra = Object.fromEntries(extra);
    return new FipaMessage(fields);
  }

  toJSON() {
    const written = Object.entries(this.extra ?? {});
    for (const [name, asWritten] of Object.entries(NAMES)) {
      if (this[name] !== undefined) written.push([asWritten, this[name]]);
    }
    return Object.fromEntries(written);
  }

  toString() {
    return writeJson(this);
  }

  get action() {
    const { content } = this;
    if (typeof content !== "object" || content === null || !Object.hasOwn(content, "action"))
      return undefined;
    return typeof content.action === "string" ? content.action : undefined;
  }

  get receivers() {
    if (this.receiver === undefined) return [];
    return typeof this.receiver === "string" ? [this.receiver] : this.receiver;
  }

  get answerTo() {
    return this.replyTo || this.sender;
  }

  withoutContent() {
    return new FipaMessage({ ...this, content: undefined });
  }

  get endsExchange() {
    return ["inform", "failure", "not-understood"].includes(this.performative);
  }

  reply(performative, content) {
    return new FipaMessage({
      performative,
      receiver: this.answerTo,
      content,
      inReplyTo: this.replyWith,
      conversationId: this.conversationId,
      protocol: this.protocol,
      ontology: this.ontology,
      language: this.language,
    });
  }
}

export function parseMessage(text) {
  return FipaMessage.parse(text);
}

function whatIsWrong(name, value) {
  if (Object.hasOwn(TEXTS, name)) return typeof value === "string" ? undefined : "a text";
  const isText = (one) => typeof one === "string";
  switch (name) {
    case "receiver":
      return isText(value) || (Array.isArray(value) && value.every(isText))
        ? undefined
        : "a text or an array of texts";
    case "replyBy":
      return isText(value) || typeof value === "bigint" || Number.isFinite(value)
        ? undefined
        : "a text (RFC 3339) or microseconds";
    case "sentAt":
      return Number.isFinite(value) ? undefined : "microseconds";
    case "extra":
      return typeof value === "object" && !Array.isArray(value) ? undefined : "an object";
  }
}

function unknownField(name) {
  const meant = WRITTEN.get(name);
  return `a message has no \`${name}\`; ${meant ? `it is called \`${meant}\` here` : "other fields go into `extra`"}`;
}
