// Where calls wait on this thread, and how they are settled.

import { AsyncLocalStorage } from "node:async_hooks";
import { anchorOfProcess, inNextTurn, millis, soon, throwLater } from "./clock.cjs";
import { type CallSite, callSite, isFault, toError, withSite } from "./fault.cjs";
import { type Delivery, type Fault, native, type Pending } from "./native.cjs";
import { checkSignal } from "./options.cjs";

/** What the addon answered: a number if the call waits, an error, or what it came to. */
type Answer<Raw> = Pending | Fault | Raw;

interface Waiting {
  settle(outcome: unknown): void;
  /** Whether the call keeps the process alive. */
  holds: boolean;
}

const waiting = new Map<number, Waiting>();
/** A handler, and what has to stay as long as it may be called. */
interface HandlerEntry {
  run(task: number, message: string): void;
  owner: object;
}

const handlers = new Map<number, HandlerEntry>();
/** Those that get nothing more once all is delivered. */
const gone: number[] = [];
let nextHandler = 1;
let wakeUps = 0;

/** The task whose handler is running, for asks that are made within it. */
const currentTask = new AsyncLocalStorage<number>();

/** @internal */
export const hub = new native.Hub(drain);

// The addon's own handle never keeps the process alive; this does while it is referenced, which is
// while a call waits.
const anchor = anchorOfProcess();
anchor.unref();
let holding = 0;

function hold(): void {
  if (holding++ === 0) anchor.ref();
}

function release(): void {
  if (--holding === 0) anchor.unref();
}

/** What is ready for handlers, in its order. */
let deliveries: Delivery[] = [];
/** Whether the event loop gets its turn before handlers go on. */
let isTurnAwaited = false;

/** One wake-up serves everything that is ready. */
function drain(): void {
  wakeUps += 1;
  // Whatever comes while the event loop has its turn is served after it.
  if (!isTurnAwaited) serve();
}

function serve(): void {
  const ready = hub.drain();
  ready.calls.forEach((call, at) => {
    alone(() => take(call)?.settle(ready.outcomes[at]));
  });
  deliveries = deliveries.concat(ready.deliveries);
  let done = 0;
  // Node may wake this up a thousand times before its event loop gets on, and a handler that answers at once may have
  // its next message by then.
  while (done < deliveries.length && !isTurnDue()) {
    const { handler, task, message } = deliveries[done++] as Delivery;
    alone(() => handlers.get(handler)?.run(task, message));
  }
  deliveries.splice(0, done);
  gone.push(...ready.gone);
  if (deliveries.length > 0) {
    awaitTurn();
  } else {
    for (const handler of gone.splice(0)) handlers.delete(handler);
  }
}

/** Goes on when the event loop has had its turn. Messages for handlers do not keep the process alive. */
function awaitTurn(): void {
  isTurnAwaited = true;
  const goOn = (): void => {
    if (!isTurnAwaited) return;
    isTurnAwaited = false;
    serve();
  };
  const next = inNextTurn(goOn);
  if (holding === 0) {
    next.unref();
    // A turn that nothing else asks for would not begin.
    soon(goOn).unref();
  }
}

/** Does one thing of many. It throws nothing unless something is amiss, and then not at the others' cost. */
function alone(run: () => void): void {
  try {
    run();
  } catch (error) {
    throwLater(error);
  }
}

function take(call: number): Waiting | undefined {
  const entry = waiting.get(call);
  if (entry !== undefined) {
    waiting.delete(call);
    if (entry.holds) release();
  }
  return entry;
}

/** @internal How often the event loop was woken so far. */
export function wakeUpCount(): number {
  return wakeUps;
}

/** @internal The task that a call is made within, if it is made within one. */
export function within(): number | undefined {
  return currentTask.getStore();
}

/** @internal Runs a handler as part of a task. */
export function runWithin(task: number, run: () => void): void {
  currentTask.run(task, run);
}

/** @internal Enters a handler; the number under which the addon knows it. */
export function addHandler(handler: HandlerEntry): number {
  const number = nextHandler++;
  handlers.set(number, handler);
  return number;
}

/** How long calls that are answered at once may keep the event loop waiting, in milliseconds. */
const LONGEST_STREAK = 1;
let streakBegan = -1;

function endStreak(): void {
  streakBegan = -1;
}

/** Whether the event loop has to get its turn before this call ends. */
function isTurnDue(): boolean {
  const now = millis();
  if (streakBegan >= 0) return now - streakBegan > LONGEST_STREAK;
  streakBegan = now;
  // The streak is over when the event loop gets here, for whatever reason.
  inNextTurn(endStreak).unref();
  return false;
}

/** @internal How a call waits. */
export interface Waits {
  signal?: AbortSignal | undefined;
  /** Does not keep the process alive. */
  isBackground?: boolean;
}

/**
 * @internal Makes a call. One that is answered at once costs no turn of the event loop, unless many
 * in a row were.
 */
export function call<Raw, T>(
  start: () => Answer<Raw>,
  convert: (raw: Raw) => T,
  waits?: Waits,
): Promise<T> {
  try {
    const signal = checkSignal(waits);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const answer = start();
    if (typeof answer === "number") return wait(answer, convert, signal, waits?.isBackground);
    if (isTurnDue()) {
      const site = callSite(call);
      return new Promise((resolve, reject) => {
        inNextTurn(() => settle(answer as Raw | Fault, convert, site, resolve, reject));
      });
    }
    if (isFault(answer)) return Promise.reject(toError(answer));
    return Promise.resolve(convert(answer as Raw));
  } catch (error) {
    return Promise.reject(error);
  }
}

function settle<Raw, T>(
  outcome: Raw | Fault,
  convert: (raw: Raw) => T,
  site: CallSite,
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
): void {
  try {
    withSite(site, () => {
      if (isFault(outcome)) reject(toError(outcome));
      else resolve(convert(outcome));
    });
  } catch (error) {
    reject(error);
  }
}

function wait<Raw, T>(
  id: Pending,
  convert: (raw: Raw) => T,
  signal: AbortSignal | undefined,
  isBackground = false,
): Promise<T> {
  const site = callSite(call);
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      // What is settled already has taken its listener away.
      take(id);
      hub.cancel(id);
      reject(signal?.reason);
    };
    const holds = !isBackground;
    if (holds) hold();
    waiting.set(id, {
      holds,
      settle(outcome) {
        settle(outcome as Raw | Fault, convert, site, resolve, reject);
        signal?.removeEventListener("abort", giveUp);
      },
    });
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}
