// The clocks of this package, taken once: those of test runners may stand still, and calls go on beside them.

import { performance } from "node:perf_hooks";
import * as timers from "node:timers";

const { setImmediate, setInterval, setTimeout } = timers;
const { nextTick } = process;
const { now } = performance;

/** @internal Calls `run` when the event loop has had its turn. */
export function inNextTurn(run: () => void): NodeJS.Immediate {
  return setImmediate(run);
}

/** @internal Calls `run` in about a millisecond. */
export function soon(run: () => void): NodeJS.Timeout {
  return setTimeout(run, 0);
}

/** @internal A timer that keeps the process alive while it is referenced, and does nothing. */
export function anchorOfProcess(): NodeJS.Timeout {
  return setInterval(() => {}, 2 ** 31 - 1);
}

/** @internal Throws what a function of the program threw where nobody waits for it: as from any other callback. */
export function throwLater(error: unknown): void {
  nextTick.call(process, () => {
    throw error;
  });
}

/** @internal Milliseconds of a clock that only goes on. */
export function millis(): number {
  return now.call(performance);
}
