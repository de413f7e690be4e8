// The functions of the host. Behind them is the runtime in a component, and a mock in tests.

import { readJson, writeJson } from "./json.js";
import { FipaMessage } from "./message.js";
import { toBytes, toText } from "./utf8.js";

const KINDS = {
  not_found: [-1, "not found: there is no such key, agent, timer or subscription"],
  invalid_argument: [
    -2,
    "invalid argument: the host could not read what it was given; the agent's log says more",
  ],
  permission_denied: [
    -3,
    "permission denied: the agent's grants do not allow it, or the message names another sender; " +
      "the agent's log says more",
  ],
  limit_exceeded: [
    -4,
    "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more",
  ],
  mailbox_full: [-6, "mailbox full: the receiver has no room now; try again later"],
};

const LEVELS = ["error", "warn", "info", "debug", "trace"];

/** Something that the host did not do. */
export class HostError extends Error {
  static {
    this.prototype.name = "HostError";
  }

  constructor(call, kind) {
    const [code, text] = KINDS[kind];
    super(`${call}: ${text}`);
    this.call = call;
    this.kind = kind;
    this.code = code;
    this.text = text;
  }
}

let host;

/** Has the functions of this module call those of `functions`, under the names that they have in agent.wit. */
export function attach(functions) {
  host = functions;
}

/** The host's refusals come as errors whose `payload` is a name of agent.wit; everything else is no refusal. */
function call(name, ...args) {
  if (!host)
    throw new Error(
      `${name} was called while the agent was being built; call it in a handler, or in onInit`,
    );
  try {
    return host[name](...args);
  } catch (error) {
    const kind = String(error?.payload).replaceAll("-", "_");
    throw Object.hasOwn(KINDS, kind) ? new HostError(name, kind) : error;
  }
}

// The engine ends the turn where a value does not have the host's type, so that is found out here.

function text(value, what) {
  if (typeof value !== "string")
    throw new TypeError(`${what}: expected a text, got ${typeOf(value)}`);
  return value.toWellFormed();
}

function whole(value, what, most) {
  if (!(Number.isSafeInteger(value) && value >= 0 && value <= most)) {
    const got = typeof value === "number" ? value : typeOf(value);
    throw new TypeError(`${what}: expected a whole number from 0 to ${most}, got ${got}`);
  }
  return value;
}

function typeOf(value) {
  return value === null ? "null" : typeof value;
}

const micros = (value) => whole(value, "the microseconds", Number.MAX_SAFE_INTEGER);
const id = (value, what) => whole(value, what, 0xffffffff);
const key = (value) => text(value, "the key");
const json = (message) =>
  writeJson(message instanceof FipaMessage ? message : new FipaMessage(message));

export function sendMessage(message) {
  call("sendMessage", json(message));
}

export function sendLocalMessage(agent, message) {
  call("sendLocalMessage", text(agent, "the agent"), json(message));
}

export function broadcastMessage(filter, message) {
  return call("broadcastMessage", writeJson(filter), json(message));
}

export function subscribeMessages(filter) {
  return call("subscribeMessages", writeJson(filter));
}

export function unsubscribeMessages(subscription) {
  call("unsubscribeMessages", id(subscription, "the subscription"));
}

export function currentTimestamp() {
  return Number(call("currentTimestamp"));
}

export function randomU32() {
  return call("randomU32");
}

export function sleepMicros(duration) {
  call("sleepMicros", micros(duration));
}

export function setTimer(delay) {
  return call("setTimer", micros(delay));
}

export function cancelTimer(timer) {
  call("cancelTimer", id(timer, "the timer"));
}

export function storeData(name, value) {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(
      "the value has to be a Uint8Array; toBytes makes one of a text, and store keeps any value as JSON",
    );
  }
  call("storeData", key(name), value);
}

export function loadData(name) {
  return call("loadData", key(name)) ?? undefined;
}

export function deleteData(name) {
  call("deleteData", key(name));
}

export function dataSize(name) {
  return call("dataSize", key(name)) ?? undefined;
}

export function store(name, value) {
  storeData(name, toBytes(writeJson(value)));
}

export function load(name) {
  const bytes = loadData(name);
  if (bytes === undefined) return undefined;
  try {
    return readJson(toText(bytes));
  } catch (error) {
    throw new SyntaxError(`what is stored under "${name}" cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

export function consoleLog(line) {
  call("consoleLog", text(line, "the line"));
}

export function consoleError(line) {
  call("consoleError", text(line, "the line"));
}

export function log(level, line) {
  if (!LEVELS.includes(level))
    throw new TypeError(`the level has to be one of ${LEVELS.join(", ")}`);
  call("log", level, text(line, "the line"));
}
