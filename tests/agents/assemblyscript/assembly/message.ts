// FIPA messages as JSON.

import * as host from "./host";
import { Json, quote } from "./json";

/** A message as it came. Its fields are handed on as they were written. */
export class Message {
  constructor(private readonly fields: Json, readonly performative: string) {}

  /** Reads a message; null if it is none. */
  static read(text: string): Message | null {
    const fields = Json.parse(text);
    if (!fields) return null;
    const performative = fields.get("performative");
    if (!performative) return null;
    const name = performative.string;
    return name == null ? null : new Message(fields, name);
  }

  get content(): Json | null {
    return this.fields.get("content");
  }

  /** Answers whoever asked: 0, or 1 if the answer could not be sent. */
  reply(performative: string, content: string): i32 {
    const asker = this.asker();
    if (!asker) return 1;
    return this.send(performative, asker.raw, this.field("in_reply_to", "reply_with"), content);
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
    const code = host.send(
      `{"performative":"${performative}","receiver":${receiver}${fields}${kept},"content":${content}}`,
    );
    if (code >= 0) return 0;
    host.error(`the host refused the message: ${code}`);
    return 1;
  }
}
