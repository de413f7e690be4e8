import { InvalidArgument } from "./errors.cjs";
import { call } from "./hub.cjs";
import { encode } from "./json.cjs";
import type { NativeNet, NativeOutcome, NativeRuntime, NativeTender } from "./native.cjs";
import { type Abortable, checkSignal, shown } from "./options.cjs";
import { Answer, Outcome } from "./outcome.cjs";

/** Whose proposals are accepted: answers or names; `null` and `undefined` stand for nobody's. */
export type Chosen = Answer | string | readonly (Answer | string)[] | null | undefined;

/** Says that nothing is accepted yet. */
export interface CallAgain {
  /** The task of the next round. */
  callAgain: unknown;
  /** Who is called again: all that have proposed unless said otherwise. The others are rejected. */
  to?: readonly (Answer | string)[] | undefined;
}

/**
 * Which proposals of a contract net are accepted. `lowest` and `highest` go by the price, which is the
 * content where that is a number, or the `price` in it. A function is given the answers that are
 * proposals, none if nobody has made one.
 */
export type Choose =
  | "lowest"
  | "highest"
  | ((proposals: readonly Answer[]) => Chosen | PromiseLike<Chosen>);

/** The same of an iterated one; the function is given the round too, which begins at 1. */
export type ChooseAgain =
  | "lowest"
  | "highest"
  | ((
      proposals: readonly Answer[],
      round: number,
    ) => Chosen | CallAgain | PromiseLike<Chosen | CallAgain>);

/** A function that chooses, whatever it may give. */
type Chooser = (proposals: readonly Answer[], round: number) => unknown;

/** @internal */
export function toOutcome(outcome: NativeOutcome): Outcome {
  return new Outcome(outcome);
}

/**
 * @internal A contract net whose proposals a function decides upon. However it ends, nothing is left
 * undecided: those who wait are told when the tender is dropped.
 */
export async function decide(
  runtime: NativeRuntime,
  begin: () => NativeNet,
  choose: Chooser,
  options: Abortable | undefined,
): Promise<Outcome> {
  const signal = checkSignal(options);
  const waits = { signal };
  let rounds: number | undefined;
  const tender = await call(
    () => {
      const net = begin();
      rounds = net.rounds;
      return runtime.callForProposals(net);
    },
    (tender: NativeTender) => tender,
    waits,
  );
  try {
    for (let round = 1; ; round += 1) {
      const proposals = tender.proposals().map((answer) => new Answer(answer));
      const chosen = await choice(choose, proposals, round, signal);
      const again = rounds === undefined ? undefined : readCallAgain(chosen);
      if (again === undefined) {
        const names = namesOf(chosen);
        return await call(() => tender.award(names), toOutcome, waits);
      }
      if (round === rounds) {
        throw new InvalidArgument(`there is no round after ${round}; give rounds for more`);
      }
      const to = namesOf(again.to ?? proposals);
      const task = encode(again.callAgain, "the task");
      await call(
        () => tender.callAgain(task, to),
        () => undefined,
        waits,
      );
    }
  } finally {
    tender.drop();
  }
}

/** What the function chooses, unless it is aborted before. */
async function choice(
  choose: Chooser,
  proposals: readonly Answer[],
  round: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (signal?.aborted) throw signal.reason;
  const chosen = choose(proposals, round);
  if (signal === undefined) return chosen;
  let giveUp = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([chosen, aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function readCallAgain(chosen: unknown): CallAgain | undefined {
  const isObject = typeof chosen === "object" && chosen !== null;
  if (!isObject || chosen instanceof Answer || !("callAgain" in chosen)) return undefined;
  const { callAgain, to, ...others } = chosen as CallAgain & Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new InvalidArgument(`choose gave ${shown(unknown)} beside callAgain, expected to`);
  }
  if (to !== undefined && !Array.isArray(to)) {
    throw new InvalidArgument(`to is ${shown(to)}, expected an array of answers or names`);
  }
  return { callAgain, to };
}

function namesOf(chosen: unknown): string[] {
  if (chosen === null || chosen === undefined) return [];
  const all: unknown[] = Array.isArray(chosen) ? chosen : [chosen];
  return all.map((one) => {
    if (typeof one === "string") return one;
    if (one instanceof Answer) return one.agent;
    throw new InvalidArgument(`choose gave ${shown(one)}, expected an answer or a name`);
  });
}
