// What the component's engine lacks, or cannot have: it is started when the agent is built, and every instance goes on from there.

import { consoleError, currentTimestamp, log, randomU32 } from "./host.js";
import { writeJson } from "./json.js";

/** Gives the engine a `console` that writes to the agent's log, and a `Math.random` that differs between instances. */
export function completeEngine() {
  globalThis.console ??= {
    error: (...parts) => consoleError(line(parts)),
    warn: (...parts) => log("warn", line(parts)),
    info: (...parts) => log("info", line(parts)),
    log: (...parts) => log("info", line(parts)),
    debug: (...parts) => log("debug", line(parts)),
    trace: (...parts) => log("trace", line(parts)),
  };
  Math.random = seededRandom();
}

function line(parts) {
  return parts.map((part) => (typeof part === "string" ? part : show(part))).join(" ");
}

function show(value) {
  if (value instanceof Error) return `${value}\n${value.stack ?? ""}`.trimEnd();
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return writeJson(value);
  } catch {
    return String(value);
  }
}

/** Numbers from 0 to 1 by the generator sfc32, whose seed is the host's. They are for chance, not for secrets. */
export function seededRandom() {
  let state;
  return () => {
    state ??= warm([randomU32(), randomU32(), currentTimestamp() | 0, 1]);
    return step(state) / 2 ** 32;
  };
}

function warm(state) {
  for (let count = 0; count < 12; count += 1) step(state);
  return state;
}

function step(state) {
  const [a, b, c, counter] = state;
  const next = (a + b + counter) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = (c + (c << 3)) | 0;
  state[2] = (((c << 21) | (c >>> 11)) + next) | 0;
  state[3] = (counter + 1) | 0;
  return next >>> 0;
}
