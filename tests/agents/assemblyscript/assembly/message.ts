// FIPA messages as JSON.

import * as host from "./host";
import { Json, quote } from "./json";
import { stringOf } from "./values";

// Messages that are longer are not kept for a later answer, in bytes.
const MAX_KEPT = 65536;

/** A message as it came. Its fields are handed on as they were written. */
export class Message {
  constructor(
    private readonly fields: Json,
    readonly performative: string,
    /** Whether it is short enough to be kept for a later answer. */
    readonly canKeep: bool,
  ) {}

  /** Reads a message of so many bytes; null if it is none. */
  static read(text: string, bytes: i32): Message | null {
    const fields = Json.parse(text);
    if (!fields) return null;
    const performative = fields.get("performative");
    if (!performative) return null;
    const name = performative.string;
    return name == null ? null : new Message(fields, name, bytes <= MAX_KEPT);
  }

  get content(): Json | null {
    return this.fields.get("content");
  }

  get protocol(): string | null {
    return stringOf(this.fields.get("protocol"));
  }

  get sender(): string | null {
    return stringOf(this.fields.get("sender"));
  }

  get inReplyTo(): string | null {
    return stringOf(this.fields.get("in_reply_to"));
  }

  get conversation(): string | null {
    return stringOf(this.fields.get("conversation_id"));
  }

  /** Answers whoever asked: 0, or 1 if the answer could not be sent. */
  reply(performative: string, content: string): i32 {
    const asker = this.asker();
    if (!asker) return 1;
    return this.send(performative, asker.raw, this.field("in_reply_to", "reply_with"), content);
  }

  /** Answers with a message that is to be answered itself. */
  replyWith(performative: string, content: string, tag: string): i32 {
    const asker = this.asker();
    if (!asker) return 1;
    const fields = this.field("in_reply_to", "reply_with") + `,"reply_with":"${tag}"`;
    return this.send(performative, asker.raw, fields, content);
  }

  agree(): i32 {
    return this.reply("agree", "{}");
  }

  accept(): i32 {
    return this.reply("accept-proposal", "{}");
  }

  reject(reason: string): i32 {
    return this.reply("reject-proposal", `{"reason":${quote(reason)}}`);
  }

  refuse(reason: string): i32 {
    return this.reply("refuse", `{"reason":${quote(reason)}}`);
  }

  fail(why: string): i32 {
    return this.reply("failure", `{"error":${quote(why)}}`);
  }

  invalid(): i32 {
    this.fail("Invalid request format");
    return 1;
  }

  notUnderstood(why: string): i32 {
    this.reply("not-understood", `{"error":${quote(why)}}`);
    return 1;
  }

  /** Sends a request in the asker's name, so that the answer goes straight to the asker. */
  forward(receiver: string, content: string): i32 {
    const asker = this.asker();
    if (!asker) return 1;
    const fields = `,"reply_to":${asker.raw}` + this.field("reply_with", "reply_with");
    return this.send("request", quote(receiver), fields, content);
  }

  /** Who gets the answer. */
  private asker(): Json | null {
    let asker = this.fields.get("reply_to");
    if (!asker) asker = this.fields.get("sender");
    if (!asker) host.error("the message names nobody to answer");
    return asker;
  }

  /** One field of this message, if it is there, under the name it has in the answer. */
  private field(name: string, from: string): string {
    const value = this.fields.get(from);
    return value ? `,"${name}":${value.raw}` : "";
  }

  // The host fills in the sender.
  private send(performative: string, receiver: string, fields: string, content: string): i32 {
    const kept =
      this.field("conversation_id", "conversation_id") +
      this.field("protocol", "protocol") +
      this.field("ontology", "ontology") +
      this.field("language", "language");
    return post(`{"performative":"${performative}","receiver":${receiver}${fields}${kept},"content":${content}}`);
  }
}

/** Sends a message: 0, or 1 if it could not be sent. */
export function post(message: string): i32 {
  const code = host.send(message);
  if (code >= 0) return 0;
  host.error(`the host refused the message: ${code}`);
  return 1;
}
