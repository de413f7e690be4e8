// Questions about the agent itself.

import { Message } from "./message";
import { Price, stringOf } from "./values";

export function queryIf(message: Message, handled: u64): i32 {
  const content = message.content;
  const proposition = content ? content.get("proposition") : null;
  if (!proposition) return message.notUnderstood("No proposition given");
  const number = Price.read(proposition.get("handled_more_than"));
  if (!number) return message.refuse("unknown proposition");
  return message.reply("inform", `{"result":${<f64>handled > number.value}}`);
}

export function queryRef(message: Message): i32 {
  const content = message.content;
  const reference = content ? content.get("reference") : null;
  if (!reference) return message.notUnderstood("No reference given");
  if (stringOf(reference) != "language") return message.fail("unknown reference");
  return message.reply("inform", `{"result":"assemblyscript"}`);
}
