// Agents of tests that negotiate: host agents under names of their own.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

let count = 0;

/** Who was sent a `cancel`, and the message. */
export const cancelled = new Map();

/** Registers a host agent with handlers for some acts. */
export function agent(runtime, handlers) {
  count += 1;
  const host = runtime.register(`agent-${count}`);
  for (const [act, handler] of Object.entries(handlers)) host.on(act, handler);
  return host.on("cancel", (message) => {
    cancelled.set(host.name, message);
    return { cancelled: true };
  });
}

/** One that proposes this price and does what is accepted. */
export function seller(runtime, price) {
  return agent(runtime, {
    cfp: () => ({ price }),
    "accept-proposal": () => `sold for ${price}`,
  });
}

/** One that says nothing to any proposal. */
export function silentAgent(runtime) {
  return agent(runtime, { cfp: () => {} });
}

/** Resolves when that holds. */
export async function until(holds) {
  for (const end = Date.now() + 20_000; !holds(); await delay(2)) {
    assert.ok(Date.now() < end, `in vain: ${holds}`);
  }
}

/** Resolves when these have been sent a `cancel`. */
export async function areCancelled(...hosts) {
  for (const { name } of hosts) await until(() => cancelled.has(name));
}
