// The functions that an agent imports. Names, types and results are those of the runtime.

import { assemblyScriptText, lossyText, range, text } from "./memory.js";
import {
  answers,
  answerTo,
  Invalid,
  reaches,
  readFilter,
  readMessage,
  toArray,
} from "./messages.js";
import { AgentTrapped } from "./trapped.js";

const NOT_FOUND = -1;
const INVALID_ARGUMENT = -2;
const PERMISSION_DENIED = -3;
const LIMIT_EXCEEDED = -4;
const BUFFER_TOO_SMALL = -5;

const MAX_KEY_BYTES = 4096;
const MAX_NAME_BYTES = 255;
const LEVELS = ["error", "warn", "info", "debug", "trace"];
const EVERYBODY = "*";

/** The functions that can be made to fail, with what they give then unless the test says otherwise. */
export const FAILURES = new Map([
  ["send_message", LIMIT_EXCEEDED],
  ["send_local_message", LIMIT_EXCEEDED],
  ["broadcast_message", LIMIT_EXCEEDED],
  ["subscribe_messages", LIMIT_EXCEEDED],
  ["unsubscribe_messages", NOT_FOUND],
  ["set_timer", 0],
  ["cancel_timer", NOT_FOUND],
  ["store_data", LIMIT_EXCEEDED],
  ["load_data", NOT_FOUND],
  ["delete_data", NOT_FOUND],
  ["data_size", NOT_FOUND],
]);

/** The functions of the host by their names, for an agent whose state is `state`. */
export function hostFunctions(state) {
  const functions = {
    send_message: (ptr, len) =>
      withMessage(state, ptr, len, null, (message, json) => {
        state.sent.push(message);
        state.sentJson.push(json);
        return 0;
      }),

    send_local_message(to, toLen, ptr, len) {
      const name = readName(state, to, toLen);
      if (name === null) return INVALID_ARGUMENT;
      return withMessage(state, ptr, len, name, (message, json) => {
        if (state.agents && !state.agents.has(name)) return NOT_FOUND;
        state.sent.push(message);
        state.sentJson.push(json);
        return 0;
      });
    },

    broadcast_message: (filter, filterLen, ptr, len) =>
      withFilter(state, filter, filterLen, (wanted) =>
        withMessage(state, ptr, len, EVERYBODY, (message, json) => {
          const agents = [...(state.agents ?? [])];
          const receivers = agents.filter(([name, agent]) => reaches(wanted, message, name, agent));
          state.sent.push(message);
          state.sentJson.push(json);
          state.broadcasts.push({
            filter: wanted,
            message,
            receivers: receivers.map(([name]) => name),
          });
          return receivers.length;
        }),
      ),

    subscribe_messages: (ptr, len) =>
      withFilter(state, ptr, len, (filter) => {
        if (state.subscriptions.size >= state.limits.max_subscriptions) return LIMIT_EXCEEDED;
        const id = ++state.lastId;
        state.subscriptions.set(id, filter);
        if (state.inInit) state.madeInInit.add(id);
        return id;
      }),

    unsubscribe_messages: (id) => (state.subscriptions.delete(id) ? 0 : NOT_FOUND),

    current_timestamp: () => BigInt(state.now),
    random_u32: () => state.random() >>> 0,

    sleep_micros(micros) {
      const wait = Number(BigInt.asUintN(64, micros));
      state.slept += wait;
      const limit = state.limits.max_execution_time_micros;
      if (state.slept > limit)
        throw new AgentTrapped("time", `the turn slept beyond its limit of ${limit} µs`);
      state.now += wait;
    },

    set_timer(micros) {
      if (!state.hasTimerHandler) {
        warn(state, "a timer was not set: the module exports no `handle_timer`");
        return 0;
      }
      if (state.timers.size >= state.limits.max_timers) {
        warn(state, `a timer was not set: ${state.limits.max_timers} timers are the most`);
        return 0;
      }
      const id = ++state.lastId;
      const delay = Number(BigInt.asUintN(64, micros));
      state.timers.set(id, { delay, due: state.now + delay });
      if (state.inInit) state.madeInInit.add(id);
      return id;
    },

    cancel_timer: (id) => (state.timers.delete(id) ? 0 : NOT_FOUND),

    store_data: (key, keyLen, ptr, len) =>
      withKey(state, key, keyLen, (name, keyBytes) => {
        const value = range(state.memory, ptr, len);
        if (!value) return invalid(state, "a value lies outside the memory");
        const held = state.stored.get(name);
        const total =
          storedBytes(state) - (held ? keyBytes + held.length : 0) + keyBytes + value.length;
        if (total > state.limits.max_storage_bytes) {
          warn(
            state,
            `a value was not stored: ${state.limits.max_storage_bytes} bytes is the most`,
          );
          return LIMIT_EXCEEDED;
        }
        state.stored.set(name, value.slice());
        return 0;
      }),

    load_data: (key, keyLen, ptr, len) =>
      withKey(state, key, keyLen, (name) => {
        const value = state.stored.get(name);
        if (!value) return NOT_FOUND;
        if (value.length > len >>> 0) return BUFFER_TOO_SMALL;
        const buffer = range(state.memory, ptr, len);
        if (!buffer) return invalid(state, "a buffer lies outside the memory");
        buffer.set(value);
        return value.length;
      }),

    delete_data: (key, keyLen) =>
      withKey(state, key, keyLen, (name) => (state.stored.delete(name) ? 0 : NOT_FOUND)),

    data_size: (key, keyLen) =>
      withKey(state, key, keyLen, (name) => state.stored.get(name)?.length ?? NOT_FOUND),

    console_log: (ptr, len) => writeLog(state, 3, ptr, len),
    console_error: (ptr, len) => writeLog(state, 1, ptr, len),
    log: (level, ptr, len) => writeLog(state, Math.min(Math.max(level, 1), 5), ptr, len),
  };
  return wrap(state, functions);
}

/** What AssemblyScript's standard library imports from `env`. */
export function assemblyScriptFunctions(state) {
  const read = (ptr) => assemblyScriptText(state.memory, ptr);
  const line = (level) => (ptr) => {
    state.logs.push({ level, line: read(ptr) });
  };
  return {
    abort(message, file, row, column) {
      const said = read(message) || "abort";
      throw new AgentTrapped("trap", `it aborted: ${said} (${read(file)}:${row}:${column})`);
    },
    trace(message, count, ...values) {
      const shown = [read(message), ...values.slice(0, Math.min(Math.max(count, 0), 5))];
      state.logs.push({ level: "trace", line: shown.join(" ") });
    },
    seed: () => state.random() >>> 0,
    "Date.now": () => Math.floor(state.now / 1000),
    "console.error": line("error"),
    "console.warn": line("warn"),
    "console.log": line("info"),
    "console.info": line("info"),
    "console.debug": line("debug"),
  };
}

// Counts calls, and has those fail that the test wants to.
function wrap(state, functions) {
  const wrapped = Object.entries(functions).map(([name, work]) => [
    name,
    (...args) => {
      state.calls++;
      const limit = state.limits.max_host_calls;
      if (state.calls > limit) {
        throw new AgentTrapped(
          "host_calls",
          `the turn made more than its limit of ${limit} host calls`,
        );
      }
      const failing = state.failing.get(name);
      if (!failing) return work(...args);
      if (--failing.times <= 0) state.failing.delete(name);
      return failing.code;
    },
  ]);
  return Object.fromEntries(wrapped);
}

// Checks the message at `ptr` as the host does, and lets `send` do something with it. Where there is a
// `receiver`, it stands in place of the message's own.
function withMessage(state, ptr, len, receiver, send) {
  const bytes = range(state.memory, ptr, len);
  if (!bytes) return invalid(state, "a message lies outside the memory");
  const limit = state.limits.max_message_bytes;
  if (bytes.length > limit) {
    warn(state, `a message of ${bytes.length} bytes is above the limit of ${limit}`);
    return LIMIT_EXCEEDED;
  }
  const json = text(bytes);
  if (json === null) return invalid(state, "this is not a message: it is not UTF-8");
  return checked(state, () => {
    const message = readMessage(json);
    const spokenTo = toArray(state.handled?.receiver ?? []);
    const claimed = toArray(message.sender ?? state.name);
    if (!isSame(claimed, [state.name]) && !isSame(claimed, spokenTo)) {
      warn(state, `a message in the name of ${JSON.stringify(claimed.join(", "))} was not sent`);
      return PERMISSION_DENIED;
    }
    message.sender = state.name;
    if (receiver !== null) message.receiver = receiver;
    if (toArray(message.receiver ?? []).length === 0)
      throw new Invalid("the message has no `receiver`");
    if (!mayGo(state, message)) return LIMIT_EXCEEDED;
    return send(message, json);
  });
}

// The first answer to what is being handled is free; the rest is limited to so many in a second.
function mayGo(state, message) {
  const { handled } = state;
  if (
    handled &&
    !state.replied &&
    message.receiver === answerTo(handled) &&
    answers(message, handled)
  ) {
    state.replied = true;
    return true;
  }
  const rate = state.limits.max_messages_per_second;
  const earned = ((state.now - state.rate.since) * rate) / 1_000_000;
  state.rate = { left: Math.min(rate, state.rate.left + earned), since: state.now };
  if (state.rate.left < 1) {
    warn(state, `a message was not sent: ${rate} in a second is the most`);
    return false;
  }
  state.rate.left--;
  return true;
}

function withFilter(state, ptr, len, work) {
  const bytes = range(state.memory, ptr, len);
  if (!bytes) return invalid(state, "a filter lies outside the memory");
  const json = text(bytes);
  if (json === null) return invalid(state, "this is not a filter: it is not UTF-8");
  return checked(state, () => work(readFilter(json)));
}

function checked(state, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Invalid) return invalid(state, error.message);
    throw error;
  }
}

function withKey(state, ptr, len, work) {
  const key = range(state.memory, ptr, len);
  if (!key) return invalid(state, "a key lies outside the memory");
  if (key.length > MAX_KEY_BYTES)
    return invalid(state, `a key of ${key.length} bytes; ${MAX_KEY_BYTES} is the most`);
  return work(lossyText(key), key.length);
}

function readName(state, ptr, len) {
  const bytes = range(state.memory, ptr, len);
  const name = bytes && bytes.length <= MAX_NAME_BYTES ? text(bytes) : null;
  if (name === null)
    warn(state, "the agent's name lies outside the memory, is too long, or is not UTF-8");
  return name;
}

function writeLog(state, level, ptr, len) {
  const bytes = range(state.memory, ptr, len);
  if (bytes) state.logs.push({ level: LEVELS[level - 1], line: lossyText(bytes) });
  else warn(state, "a log line lies outside the memory");
}

function storedBytes(state) {
  let total = 0;
  for (const [key, value] of state.stored) total += Buffer.byteLength(key) + value.length;
  return total;
}

function invalid(state, why) {
  warn(state, why);
  return INVALID_ARGUMENT;
}

function warn(state, why) {
  state.logs.push({ level: "warn", line: why });
}

function isSame(left, right) {
  return left.length === right.length && left.every((name, i) => name === right[i]);
}
