// The initiator's side of a contract net that somebody asks this agent to hold.

import * as host from "./host";
import { Json, quote } from "./json";
import { Message, post } from "./message";
import { term } from "./negotiate";
import { Price, stringOf, wholeOf } from "./values";

const MAX_NETS = 4;
const MAX_PARTIES = 32;

const enum Answer {
  /** It may still come. */
  Awaited,
  Proposed,
  Late,
  /** There is none, or nothing more to do about it. */
  Settled,
}

class Party {
  answer: Answer = Answer.Awaited;
  /** There for who proposed. */
  price: Price | null = null;
  proposal: Message | null = null;

  constructor(readonly name: string) {}

  propose(message: Message): void {
    const price = Price.read(term(message, "price"));
    if (price && message.canKeep) {
      this.answer = Answer.Proposed;
      this.price = price;
      this.proposal = message;
    } else {
      this.answer = Answer.Settled;
      message.reject("no price");
    }
  }
}

let nets: Net[] = [];

export function start(message: Message, data: Json | null): i32 {
  const parties = readParties(data ? data.get("participants") : null);
  const micros = data ? wholeOf(data.get("deadline_micros")) : -1;
  if (!parties || micros <= 0) return message.invalid();
  if (!message.canKeep) return message.refuse("too long");
  if (nets.length >= MAX_NETS) return message.refuse("too busy");
  const timer = host.setTimer(micros);
  if (timer <= 0) return message.refuse("no timer");

  const net = new Net(message, `cn-${host.random()}`, micros, timer, parties);
  const names = parties.map<string>((party) => quote(party.name)).join(",");
  const task = data ? data.get("task") : null;
  const fields =
    `"protocol":"fipa-contract-net","conversation_id":"${net.conversation}","reply_with":"cfp-1",` +
    `"reply_by":${<i64>host.now() + micros}`;
  const content = task ? `{"task":${task.raw}}` : "{}";
  if (post(`{"performative":"cfp","receiver":[${names}],${fields},"content":${content}}`) != 0) {
    host.cancelTimer(timer);
    return message.fail("not sent");
  }
  nets.push(net);
  return 0;
}

function readParties(names: Json | null): Party[] | null {
  const elements = names ? names.elements : null;
  if (!elements || elements.length == 0 || elements.length > MAX_PARTIES) return null;
  const parties: Party[] = [];
  for (let i = 0; i < elements.length; i++) {
    const name = elements[i].string;
    if (name == null) return null;
    parties.push(new Party(name));
  }
  return parties;
}

/** Takes in an answer; false if the message belongs to no contract net that goes on. */
export function answered(message: Message): bool {
  const acts = ["propose", "refuse", "inform", "failure", "not-understood"];
  if (!acts.includes(message.performative)) return false;
  for (let i = 0; i < nets.length; i++) {
    if (nets[i].conversation != message.conversation) continue;
    nets[i].hear(message);
    goOn(nets[i]);
    return true;
  }
  return false;
}

/** Ends the time for answers, if the timer belongs to a contract net. */
export function ring(timer: i32): void {
  for (let i = 0; i < nets.length; i++) {
    if (nets[i].timer != timer) continue;
    nets[i].timeIsUp();
    return goOn(nets[i]);
  }
}

/** Does what has become possible, and forgets the contract net once it is over. */
function goOn(net: Net): void {
  if (!net.decided && !net.awaits) {
    host.cancelTimer(net.timer);
    net.decide();
  }
  if (!net.decided || net.awaits || (net.winner && net.outcome == "")) return;
  nets.splice(nets.indexOf(net), 1);
  host.cancelTimer(net.timer);
  net.report();
}

class Net {
  /** From then on answers are late. */
  decided: bool = false;
  winner: Party | null = null;
  outcome: string = "";

  constructor(
    readonly asked: Message,
    readonly conversation: string,
    readonly micros: i64,
    public timer: i32,
    readonly parties: Party[],
  ) {}

  get awaits(): bool {
    return this.parties.some((party) => party.answer == Answer.Awaited);
  }

  hear(message: Message): void {
    const act = message.performative;
    const fromHost = message.sender == "ams";
    const name = fromHost ? stringOf(term(message, "agent")) : message.sender;
    const party = this.partyNamed(name);
    if (!party) return;
    if (party == this.winner && this.outcome == "" && act != "propose") {
      this.outcome = act == "inform" ? "inform" : "failure";
      return;
    }
    // Who is silent at the deadline may still answer late.
    if (fromHost && stringOf(term(message, "kind")) == "deadline") return;
    if (act == "inform" || party.answer != Answer.Awaited) return;
    if (this.decided && !fromHost) {
      party.answer = Answer.Late;
      if (act == "propose") message.reject("too late");
    } else if (act == "propose") {
      party.propose(message);
    } else {
      party.answer = Answer.Settled;
    }
  }

  private partyNamed(name: string | null): Party | null {
    for (let i = 0; i < this.parties.length; i++) {
      if (this.parties[i].name == name) return this.parties[i];
    }
    return null;
  }

  /** At the deadline the cheapest wins. Whoever is late has as long again to say so. */
  timeIsUp(): void {
    if (!this.decided) {
      this.decide();
      this.timer = host.setTimer(this.micros);
      if (this.timer > 0) return;
    }
    for (let i = 0; i < this.parties.length; i++) {
      if (this.parties[i].answer == Answer.Awaited) this.parties[i].answer = Answer.Settled;
    }
  }

  /** Accepts the cheapest proposal, the first of several, and rejects the others. */
  decide(): void {
    this.decided = true;
    let cheapest: f64 = Infinity;
    for (let i = 0; i < this.parties.length; i++) {
      const price = this.parties[i].price;
      if (!price || price.value >= cheapest) continue;
      this.winner = this.parties[i];
      cheapest = price.value;
    }
    for (let i = 0; i < this.parties.length; i++) {
      const party = this.parties[i];
      const proposal = party.proposal;
      const price = party.price;
      if (!proposal || !price) continue;
      party.answer = Answer.Settled;
      party.proposal = null;
      if (party == this.winner) proposal.replyWith("accept-proposal", `{"price":${price.raw}}`, "award-1");
      else proposal.reject("a better offer");
    }
  }

  report(): void {
    const late = this.parties
      .filter((party) => party.answer == Answer.Late)
      .map<string>((party) => quote(party.name))
      .join(",");
    const winner = this.winner;
    const price = winner ? winner.price : null;
    const result =
      `{"winner":${winner ? quote(winner.name) : "null"},"price":${price ? price.raw : "null"},` +
      `"late":[${late}],"outcome":${this.outcome != "" ? quote(this.outcome) : "null"}}`;
    this.asked.reply("inform", `{"result":${result}}`);
  }
}
