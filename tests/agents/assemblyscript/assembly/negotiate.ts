// The participant's side of contract nets, auctions and proposals.

import { Config } from "./config";
import { Json } from "./json";
import { Job, putOff } from "./later";
import { Message } from "./message";
import { Price, isTrue, rawOf } from "./values";

/** Answers a `cfp` at once, later, or not at all. */
export function call(message: Message): i32 {
  const config = Config.current;
  if (config.refuses || isTrue(term(message, "refuse"))) return message.refuse("no time");
  if (config.silent || isTrue(term(message, "silent"))) return 0;
  if (config.delay <= 0) return propose(message);
  const why = putOff(message, config.delay, Job.Propose);
  return why != null ? message.refuse(why) : 0;
}

/** Makes a proposal, unless the price that is called is above the limit. */
export function propose(message: Message): i32 {
  const config = Config.current;
  const called = Price.read(term(message, "price"));
  let price = config.price;
  if (isAuction(message)) {
    if (!called || called.value > config.limit.value) return 0;
    price = called;
  } else if (called && message.protocol == "fipa-iterated-contract-net") {
    price = called.value > config.limit.value ? called : config.limit;
  }
  const task = term(message, "task");
  const proposal = `{"price":${price.raw}${task ? `,"task":${task.raw}` : ""}}`;
  if (config.twice) message.reply("propose", proposal);
  return message.reply("propose", proposal);
}

/** Does what it proposed. In an auction nothing is due yet: the winner gets a request. */
export function accepted(message: Message): i32 {
  if (isAuction(message)) return 0;
  if (Config.current.fails) return message.fail("it broke");
  return message.reply("inform", `{"result":{"done":${rawOf(message.content)}}}`);
}

/** Answers an offer. One that belongs to a contract net which is over comes too late. */
export function offer(message: Message): i32 {
  if (message.protocol == "fipa-contract-net") return message.reject("too late");
  const price = Price.read(term(message, "price"));
  return price && price.value <= Config.current.limit.value ? message.accept() : message.reject("too much");
}

/** One of the terms in the body of a `cfp` or a `propose`. */
export function term(message: Message, name: string): Json | null {
  const content = message.content;
  return content ? content.get(name) : null;
}

function isAuction(message: Message): bool {
  return message.protocol == "fipa-auction-english" || message.protocol == "fipa-auction-dutch";
}
