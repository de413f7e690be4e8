// Questions that somebody has this agent ask the directory.

import { Json, quote } from "./json";
import { Message, post } from "./message";
import { rawOf } from "./values";

const MAX_QUESTIONS = 16;
const REPLY_WITH = "df-1";

// Who waits, in the order in which the directory answers.
const askers: Message[] = [];

export function ask(message: Message, data: Json | null): i32 {
  if (!message.canKeep) return message.refuse("too long");
  if (askers.length >= MAX_QUESTIONS) return message.refuse("too busy");
  const content = rawOf(data ? data.get("content") : null);
  const fields = `"protocol":"fipa-request","reply_with":"${REPLY_WITH}"`;
  const sent = post(`{"performative":"request","receiver":"df",${fields},"content":${content}}`);
  if (sent != 0) return message.fail("not sent");
  askers.push(message);
  return 0;
}

/** Hands on what the directory answered; false if the message is no such answer. */
export function answered(message: Message): bool {
  if (message.inReplyTo != REPLY_WITH || askers.length == 0) return false;
  // Where there is no directory, the host answers in its place.
  const sender = message.sender;
  if (sender != "df" && sender != "ams") return false;
  const act = quote(message.performative);
  const result = `{"performative":${act},"content":${rawOf(message.content)}}`;
  askers.shift().reply("inform", `{"result":${result}}`);
  return true;
}
