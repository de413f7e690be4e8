import { asMessage } from "./agent.cjs";
import { InvalidArgument } from "./errors.cjs";
import { call, within } from "./hub.cjs";
import { Informs } from "./informs.cjs";
import { encodeContent } from "./json.cjs";
import { Message, type MessageLike } from "./message.cjs";
import type { NativeInforms, NativeNet, NativeRuntime } from "./native.cjs";
import {
  type AgentLike,
  type BrokerOptions,
  type ContractNetOptions,
  type DutchAuctionOptions,
  type EnglishAuctionOptions,
  type IteratedContractNetOptions,
  nameOf,
  type RequestWhenOptions,
  toAuction,
  toBrokered,
  toNet,
} from "./negotiate.cjs";
import {
  checkCount,
  checkDeadline,
  checkOptions,
  checkTimeout,
  DEFAULT_TIMEOUT,
  shown,
  type WaitOptions,
  waitFor,
} from "./options.cjs";
import type { Outcome } from "./outcome.cjs";
import { decide, toOutcome } from "./tender.cjs";

const DEFAULT_ROUNDS = 3;

const NET = ["deadline", "choose", "timeout", "signal"] as const;
const AUCTION = ["start", "step", "reserve", "deadline", "signal"] as const;

/**
 * The initiator's side of FIPA's protocols, one call each. A call that is aborted cancels what it has
 * asked participants for.
 */
export class Initiator {
  readonly #native: NativeRuntime;

  /** @internal */
  constructor(runtime: NativeRuntime) {
    this.#native = runtime;
  }

  /**
   * Asks whether something is true (FIPA SC00027): waits through `agree`. The answer's content is a truth
   * value, or an object with one under `result`.
   *
   * Rejects as `Agent.request`; with `InvalidMessage` if the answer is no truth value.
   */
  queryIf(agent: AgentLike, proposition: unknown, options?: WaitOptions): Promise<boolean> {
    return call(
      () => {
        const json = encodeContent(proposition);
        return this.#native.queryIf(nameOf(agent), json, waitFor(options), within());
      },
      (truth: boolean) => truth,
      options,
    );
  }

  /**
   * Asks what something is (FIPA SC00027): waits through `agree` and gives the `inform`.
   *
   * Rejects as `Agent.request`.
   */
  queryRef<Content = unknown>(
    agent: AgentLike,
    reference: unknown,
    options?: WaitOptions,
  ): Promise<Message<Content>> {
    return call(
      () => {
        const json = encodeContent(reference);
        return this.#native.queryRef(nameOf(agent), json, waitFor(options), within());
      },
      asMessage<Content>,
      options,
    );
  }

  /**
   * Has something done once a condition holds (FIPA SC00028): waits through `agree`, for as long as that
   * takes unless a timeout is said, and gives the `inform`. The content is `{ action, condition }`.
   *
   * Rejects as `Agent.request`.
   */
  requestWhen<Content = unknown>(
    agent: AgentLike,
    action: unknown,
    condition: unknown,
    options?: RequestWhenOptions,
  ): Promise<Message<Content>> {
    return call(
      () => {
        const known = ["deadline", "timeout", "signal"] as const;
        const { deadline, timeout } = checkOptions(options, known);
        return this.#native.requestWhen(
          nameOf(agent),
          encodeContent(action),
          encodeContent(condition),
          checkDeadline(deadline, DEFAULT_TIMEOUT),
          checkTimeout(timeout, Number.POSITIVE_INFINITY),
          within(),
        );
      },
      asMessage<Content>,
      options,
    );
  }

  /**
   * Offers to do something (FIPA SC00036): gives the `accept-proposal` or the `reject-proposal`.
   *
   * Rejects as `Agent.request`.
   */
  propose<Content = unknown>(
    agent: AgentLike,
    proposal: unknown,
    options?: WaitOptions,
  ): Promise<Message<Content>> {
    return call(
      () => {
        const json = encodeContent(proposal);
        return this.#native.propose(nameOf(agent), json, waitFor(options), within());
      },
      asMessage<Content>,
      options,
    );
  }

  /**
   * Subscribes to what an agent tells (FIPA SC00035). Resolves when the message is in its mailbox;
   * whether the agent refuses is seen when its first `inform` is waited for. Within `timeout`
   * milliseconds it has to have room, and to have agreed or told something. Aborting ends the
   * subscription too, and rejects a read that waits.
   *
   * Rejects as `send`.
   */
  subscribeTo(agent: AgentLike, content?: unknown, options?: WaitOptions): Promise<Informs> {
    return call(
      () => {
        const json = encodeContent(content);
        return this.#native.subscribeTo(nameOf(agent), json, waitFor(options), within());
      },
      (informs: NativeInforms) => new Informs(informs, { signal: options?.signal }),
      options,
    );
  }

  /**
   * Offers a task, accepts the best proposals, and waits for their results (FIPA SC00029). That
   * participants refuse or fail is no error: see `Outcome`.
   *
   * Rejects with `AgentNotFound` if one of the participants is not here; with `InvalidArgument` if one is
   * named twice, or chosen that has made no proposal; with what `choose` throws; with `InvalidMessage`,
   * `LimitExceeded` or `Closed`.
   */
  contractNet(
    task: unknown,
    participants: Iterable<AgentLike>,
    options?: ContractNetOptions,
  ): Promise<Outcome> {
    const begin = (): NativeNet => toNet(task, participants, checkOptions(options, NET));
    return this.#negotiate(begin, options);
  }

  /**
   * A contract net of several rounds (FIPA SC00030). `lowest` and `highest` call all that have proposed
   * again with the best price so far, as the `price` of the task, until nobody makes a better offer or
   * the rounds are over.
   *
   * Rejects as `contractNet`; with `InvalidArgument` if `choose` calls again after the last round.
   */
  iteratedContractNet(
    task: unknown,
    participants: Iterable<AgentLike>,
    options?: IteratedContractNetOptions,
  ): Promise<Outcome> {
    const begin = (): NativeNet => {
      const checked = checkOptions(options, [...NET, "rounds"]);
      const rounds = checkCount(checked.rounds, "rounds") ?? DEFAULT_ROUNDS;
      if (rounds === 0) throw new InvalidArgument("rounds is 0, expected 1 or more");
      return { ...toNet(task, participants, checked), rounds };
    };
    return this.#negotiate(begin, options);
  }

  #negotiate(
    begin: () => NativeNet,
    options: ContractNetOptions | IteratedContractNetOptions | undefined,
  ): Promise<Outcome> {
    const choose = options?.choose ?? "lowest";
    if (typeof choose === "function") return decide(this.#native, begin, choose, options);
    return call(
      () => {
        if (typeof choose === "string") return this.#native.contractNet(begin(), choose);
        const expected = 'expected "lowest", "highest" or a function';
        throw new InvalidArgument(`choose is ${shown(choose)}, ${expected}`);
      },
      toOutcome,
      options,
    );
  }

  /**
   * Sells something to whoever bids most (FIPA XC00031): the price goes up by a step after each round in
   * which somebody has bid. If somebody has bid, a round does not wait for bidders that were silent in an
   * earlier one. No round begins after 100 times the deadline of one.
   *
   * Rejects as `contractNet`; with `InvalidArgument` if the step is not above 0.
   */
  englishAuction(
    item: unknown,
    bidders: Iterable<AgentLike>,
    options: EnglishAuctionOptions,
  ): Promise<Outcome> {
    return call(
      () => {
        const checked = checkOptions(options, [...AUCTION, "deliver", "timeout"]);
        const auction = toAuction(item, bidders, checked);
        auction.delivers = checked.deliver === true;
        const timeout = checkTimeout(checked.timeout, DEFAULT_TIMEOUT);
        if (timeout !== undefined) auction.timeout = timeout;
        return this.#native.englishAuction(auction);
      },
      toOutcome,
      options,
    );
  }

  /**
   * Sells something to whoever bids first (FIPA XC00032): the price goes down by a step after each round
   * in which nobody has bid, to the reserve or to 0.
   *
   * Rejects as `englishAuction`.
   */
  dutchAuction(
    item: unknown,
    bidders: Iterable<AgentLike>,
    options: DutchAuctionOptions,
  ): Promise<Outcome> {
    return call(
      () => this.#native.dutchAuction(toAuction(item, bidders, checkOptions(options, AUCTION))),
      toOutcome,
      options,
    );
  }

  /**
   * Has a broker find agents and pass a message on to them (FIPA SC00033); what they answer.
   * `description` is an example of whom to find, as a search of the directory takes it; `message` has the
   * act and the content of what is said to them.
   *
   * Rejects with `Refused`, `NotUnderstood`, `Failed` (nobody matches), `Timeout` if the broker did not
   * answer, and as `contractNet`.
   */
  broker(
    broker: AgentLike,
    description: unknown,
    message: MessageLike,
    options?: BrokerOptions,
  ): Promise<Message[]> {
    return call(
      () => this.#native.broker(toBrokered(broker, description, message, options)),
      asMessages,
      options,
    );
  }

  /**
   * Has a recruiter find agents, which answer directly (FIPA SC00034); what they answer.
   *
   * Rejects as `broker`.
   */
  recruit(
    recruiter: AgentLike,
    description: unknown,
    message: MessageLike,
    options?: BrokerOptions,
  ): Promise<Message[]> {
    return call(
      () => this.#native.recruit(toBrokered(recruiter, description, message, options)),
      asMessages,
      options,
    );
  }
}

function asMessages(answers: string[]): Message[] {
  return answers.map((json) => Message.fromNative(json));
}
