import { Agent } from "./agent.cjs";
import { InvalidArgument } from "./errors.cjs";
import { HostAgent } from "./host-agent.cjs";
import { within } from "./hub.cjs";
import { encodeContent } from "./json.cjs";
import { type MessageLike, textOfMessage } from "./message.cjs";
import type { NativeAuction, NativeBrokered, NativeNet } from "./native.cjs";
import {
  type Abortable,
  checkCount,
  checkDeadline,
  checkNumber,
  checkOptions,
  checkTimeout,
  DEFAULT_TIMEOUT,
  shown,
  type WaitOptions,
} from "./options.cjs";
import type { Choose, ChooseAgain } from "./tender.cjs";

/** An agent, or its name. */
export type AgentLike = string | Agent | HostAgent;

/** How a `request-when` goes. */
export interface RequestWhenOptions extends Abortable {
  /** Milliseconds by when there has to be an answer of any kind, an `agree` too; 30,000 unless said otherwise. */
  deadline?: number | undefined;
  /** Milliseconds by when there has to be a result. For ever unless said otherwise. */
  timeout?: number | null | undefined;
}

interface NetOptions extends WaitOptions {
  /**
   * Milliseconds for which proposals are waited for, in each round; 30,000 unless said otherwise. When
   * all have answered, nobody waits. `timeout` is for the results of what was accepted.
   */
  deadline?: number | undefined;
}

/** How a contract net goes. */
export interface ContractNetOptions extends NetOptions {
  /** Which proposals are accepted; that with the lowest price unless said otherwise. */
  choose?: Choose | undefined;
}

/** How a contract net of several rounds goes. */
export interface IteratedContractNetOptions extends NetOptions {
  /** Which proposals are accepted; that with the lowest price unless said otherwise. */
  choose?: ChooseAgain | undefined;
  /** How many rounds there are at the most; 3 unless said otherwise. */
  rounds?: number | undefined;
}

/** How an auction goes whose price goes down. */
export interface DutchAuctionOptions extends Abortable {
  /** The price that is called out first. */
  start: number;
  /** By how much the price changes after each round. */
  step: number;
  /** The price below which it is not sold. */
  reserve?: number | undefined;
  /** Milliseconds for which bids are waited for in each round; 5,000 unless said otherwise. */
  deadline?: number | undefined;
}

/** How an auction goes whose price goes up. */
export interface EnglishAuctionOptions extends DutchAuctionOptions {
  /** Requests of the winner what it has bid for, and waits for the result. */
  deliver?: boolean | undefined;
  /** Milliseconds for which that is waited for; 30,000 unless said otherwise. `null` waits for ever. */
  timeout?: number | null | undefined;
}

/** How something is brokered. */
export interface BrokerOptions extends WaitOptions {
  /** How many agents are to be found at the most; the call resolves with so many answers. */
  maxResults?: number | undefined;
}

/** How long bids are waited for unless it is said otherwise, in milliseconds. */
const DEFAULT_BIDDING = 5_000;

/** @internal */
export function nameOf(agent: AgentLike): string {
  if (typeof agent === "string") return agent;
  if (agent instanceof Agent || agent instanceof HostAgent) return agent.name;
  throw new InvalidArgument(`the agent is ${shown(agent)}, expected a name or an agent`);
}

function namesOf(agents: Iterable<AgentLike>, what: string): string[] {
  if (typeof agents === "object" && agents !== null && Symbol.iterator in agents) {
    return Array.from(agents, nameOf);
  }
  throw new InvalidArgument(`the ${what} are ${shown(agents)}, expected an array`);
}

/** @internal */
export function toNet(
  task: unknown,
  participants: Iterable<AgentLike>,
  options: NetOptions,
): NativeNet {
  return waiting(options.timeout, {
    task: encodeContent(task),
    participants: namesOf(participants, "participants"),
    deadline: checkDeadline(options.deadline, DEFAULT_TIMEOUT),
  });
}

/** @internal */
export function toAuction(
  item: unknown,
  bidders: Iterable<AgentLike>,
  { start, step, reserve, deadline }: DutchAuctionOptions,
): NativeAuction {
  const auction: NativeAuction = {
    item: encodeContent(item),
    bidders: namesOf(bidders, "bidders"),
    start: checkNumber(start, "start"),
    step: checkNumber(step, "step"),
    deadline: checkDeadline(deadline, DEFAULT_BIDDING),
  };
  if (reserve !== undefined) auction.reserve = checkNumber(reserve, "reserve");
  const task = within();
  if (task !== undefined) auction.within = task;
  return auction;
}

/** @internal */
export function toBrokered(
  broker: AgentLike,
  description: unknown,
  message: MessageLike,
  options: BrokerOptions | undefined,
): NativeBrokered {
  const { maxResults, timeout } = checkOptions(options, ["maxResults", "timeout", "signal"]);
  const brokered: NativeBrokered = waiting(timeout, {
    broker: nameOf(broker),
    description: encodeContent(description),
    message: textOfMessage(message),
  });
  const most = checkCount(maxResults, "maxResults");
  if (most !== undefined) brokered.maxResults = most;
  return brokered;
}

/** What is handed to the addon, with how long it waits, and the task that it is made within. */
function waiting<T extends object>(
  timeout: number | null | undefined,
  options: T,
): T & { timeout?: number; within?: number } {
  const waiting: T & { timeout?: number; within?: number } = { ...options };
  const millis = checkTimeout(timeout, DEFAULT_TIMEOUT);
  if (millis !== undefined) waiting.timeout = millis;
  const task = within();
  if (task !== undefined) waiting.within = task;
  return waiting;
}
