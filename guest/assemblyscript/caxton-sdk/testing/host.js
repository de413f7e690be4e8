// The mock host: one agent, what it did, and a clock that moves when the test says so.

import { readFileSync } from "node:fs";

import { assemblyScriptFunctions, FAILURES, hostFunctions } from "./functions.js";
import { openInbox } from "./inbox.js";
import { range, text } from "./memory.js";
import { AgentTrapped } from "./trapped.js";

const LIMITS = {
  max_memory_bytes: 50 << 20,
  max_execution_time_micros: 1_000_000,
  max_host_calls: 1000,
  max_messages_per_second: 100,
  max_message_bytes: 1 << 20,
  max_storage_bytes: 64 << 20,
  max_timers: 1024,
  max_subscriptions: 64,
};
const OPTIONS = ["name", "config", "agents", "now", "random", "limits"];
// 2026-01-01, so that times look like times.
const START = 1_767_225_600_000_000;
const CAPABILITIES_BYTES = 2 << 10;
const MAX_CAPABILITIES_BYTES = 1 << 20;

/** A host for one agent. Make one with `MockHost.load`. */
export class MockHost {
  #module;
  #state;
  #exports;
  #inbox;
  #messages = 0;

  /** Messages that the agent sent, in their order, with the sender that the host wrote. */
  sent = [];
  /** The same as the agent wrote them: JSON text, whose numbers keep all their digits. */
  sentJson = [];
  /** Broadcasts, with whom they reached. They are in `sent` too, their receiver being `*`. */
  broadcasts = [];
  /** Lines in the agent's log. */
  logs = [];
  /** What the agent says that it can do; null if it says nothing. */
  capabilities = null;

  constructor(module, options) {
    refuseUnknown(options, OPTIONS, "option");
    refuseUnknown(options.limits ?? {}, Object.keys(LIMITS), "limit");
    this.#module = module;
    const now = options.now ?? START;
    const limits = { ...LIMITS, ...options.limits };
    this.#state = {
      name: options.name ?? "agent",
      agents: readAgents(options.agents),
      random: options.random ?? xorshift(),
      limits,
      now,
      rate: { left: limits.max_messages_per_second, since: now },
      stored: new Map(),
      timers: new Map(),
      subscriptions: new Map(),
      madeInInit: new Set(),
      failing: new Map(),
      lastId: 0,
      hasTimerHandler: WebAssembly.Module.exports(module).some(
        ({ name }) => name === "handle_timer",
      ),
      sent: this.sent,
      sentJson: this.sentJson,
      broadcasts: this.broadcasts,
      logs: this.logs,
    };
    if (options.config !== undefined) this.store("config", options.config);
    this.#boot();
  }

  /** Deploys a module, given as its file, its bytes, or compiled. Its `agent_init` has been called. */
  static load(module, options = {}) {
    const isFile = typeof module === "string" || module instanceof URL;
    const bytes = isFile ? readFileSync(module) : module;
    const compiled = bytes instanceof WebAssembly.Module ? bytes : new WebAssembly.Module(bytes);
    return new MockHost(compiled, options);
  }

  /** Hands a message to the agent; the code of `handle_message`. */
  deliver(message) {
    const { bytes, handled } = this.#stamp(message);
    return this.#turn({ handled }, () => {
      const ptr = this.#inbox.room(bytes.length);
      range(this.#exports.memory, ptr, bytes.length).set(bytes);
      const code = this.#exports.handle_message(ptr, bytes.length);
      this.#inbox.endCall(bytes);
      return code;
    });
  }

  /** Moves the clock, and has the agent handle each timer that comes due; the codes of `handle_timer`. */
  advance(micros) {
    const state = this.#state;
    const until = state.now + Number(micros);
    const codes = [];
    for (;;) {
      const [next] = [...state.timers].sort(
        ([a, left], [b, right]) => left.due - right.due || a - b,
      );
      if (!next || next[1].due > until) break;
      state.now = Math.max(state.now, next[1].due);
      state.timers.delete(next[0]);
      codes.push(this.#turn({}, () => this.#exports.handle_timer(next[0])));
    }
    state.now = Math.max(state.now, until);
    return codes;
  }

  /** Ends the instance and makes a fresh one: what is stored stays, and so do timers and subscriptions. */
  restart() {
    this.shutDown();
    this.#boot();
  }

  /** Calls `agent_shutdown`, where the agent has one. */
  shutDown() {
    this.#turn({}, () => this.#exports.agent_shutdown?.());
  }

  /** Has a function of the host fail from now on, or the next `times`. */
  fail(name, code = FAILURES.get(name), { times = Infinity } = {}) {
    if (!FAILURES.has(name)) {
      throw new TypeError(`${name} cannot fail; what can: ${[...FAILURES.keys()].join(", ")}`);
    }
    const isCode = name === "set_timer" ? code === 0 : Number.isInteger(code) && code < 0;
    if (!isCode) throw new TypeError(`${name} does not fail by ${code}`);
    this.#state.failing.set(name, { code, times });
  }

  /** Ends all failing. */
  recover() {
    this.#state.failing.clear();
  }

  /** Forgets what was sent and logged so far. */
  clear() {
    for (const kept of [this.sent, this.sentJson, this.broadcasts, this.logs]) kept.length = 0;
  }

  /** Stores a value as JSON, as an earlier turn may have. */
  store(key, value) {
    this.#state.stored.set(key, new TextEncoder().encode(JSON.stringify(value)));
  }

  /** The value under a key, read as JSON; undefined if there is none. */
  load(key) {
    const bytes = this.#state.stored.get(key);
    return bytes && JSON.parse(text(bytes) ?? "");
  }

  /** Stored data, by key. */
  get stored() {
    return this.#state.stored;
  }

  /** Timers that are set, by number, with their delay and when they are due, both in microseconds. */
  get timers() {
    return this.#state.timers;
  }

  /** Subscriptions, by number, with their filters. */
  get subscriptions() {
    return this.#state.subscriptions;
  }

  /** The mock's clock: microseconds since the Unix epoch. */
  get now() {
    return this.#state.now;
  }

  /** The memory that the agent has now, in bytes. */
  get memoryBytes() {
    return this.#exports.memory.buffer.byteLength;
  }

  /** What the module exports. */
  get exports() {
    return this.#exports;
  }

  #boot() {
    const state = this.#state;
    for (const id of state.madeInInit) {
      state.timers.delete(id);
      state.subscriptions.delete(id);
    }
    state.madeInInit.clear();
    this.#turn({ inInit: true }, () => {
      this.#instantiate();
      const code = this.#exports.agent_init?.() ?? 0;
      if (code !== 0) throw new AgentTrapped("code", `agent_init gave ${code}`);
      this.#inbox = openInbox(this.#exports);
      this.capabilities = this.#askCapabilities();
      return code;
    });
  }

  #instantiate() {
    const state = this.#state;
    const offered = { ...assemblyScriptFunctions(state), ...hostFunctions(state) };
    const imports = {};
    const missing = [];
    for (const { module, name, kind } of WebAssembly.Module.imports(this.#module)) {
      if (kind !== "function" || !Object.hasOwn(offered, name)) missing.push(`${module}.${name}`);
      imports[module] = { ...imports[module], [name]: offered[name] };
    }
    if (missing.length > 0)
      throw new TypeError(`the mock host does not offer ${missing.join(", ")}`);
    // A start function may call the host before the instance is there; it then has no memory to show.
    state.memory = new WebAssembly.Memory({ initial: 0 });
    this.#exports = new WebAssembly.Instance(this.#module, imports).exports;
    const { memory, handle_message, _initialize } = this.#exports;
    if (!(memory instanceof WebAssembly.Memory) || typeof handle_message !== "function") {
      throw new TypeError("an agent has to export `memory` and `handle_message`");
    }
    state.memory = memory;
    _initialize?.();
  }

  #askCapabilities() {
    if (!this.#exports.get_capabilities) return null;
    let len = CAPABILITIES_BYTES;
    for (let i = 0; i < 2; i++) {
      const ptr = this.#inbox.room(len);
      const written = this.#exports.get_capabilities(ptr, len);
      const json = range(this.#exports.memory, ptr, Math.min(Math.max(written, 0), len)).slice();
      this.#inbox.endCall();
      if (written <= 0) return null;
      if (written <= len) return readCapabilities(json);
      if (written > MAX_CAPABILITIES_BYTES) break;
      len = written;
    }
    throw new TypeError(
      `get_capabilities asked for more than ${MAX_CAPABILITIES_BYTES} bytes, or twice for more`,
    );
  }

  // Runs a turn: all that the agent did in it stays, or nothing but its lines in the log.
  #turn({ handled = null, inInit = false }, work) {
    const state = this.#state;
    const before = {
      sent: this.sent.length,
      broadcasts: this.broadcasts.length,
      stored: new Map(state.stored),
      timers: new Map(state.timers),
      subscriptions: new Map(state.subscriptions),
    };
    Object.assign(state, { handled, inInit, replied: false, calls: 0, slept: 0 });
    try {
      const result = work();
      const limit = state.limits.max_memory_bytes;
      if (this.memoryBytes > limit) {
        throw new AgentTrapped(
          "memory",
          `it has ${this.memoryBytes} bytes of memory, above its limit of ${limit}`,
        );
      }
      return result;
    } catch (error) {
      this.sent.length = before.sent;
      this.sentJson.length = before.sent;
      this.broadcasts.length = before.broadcasts;
      restore(state.stored, before.stored);
      restore(state.timers, before.timers);
      restore(state.subscriptions, before.subscriptions);
      const trapped = AgentTrapped.from(error);
      if (!trapped) throw error;
      // After a dropped turn nothing of the instance is used again.
      if (!inInit) this.#boot();
      throw trapped;
    }
  }

  // A message as the host would hand it over; bytes and text are handed over as they are.
  #stamp(message) {
    if (typeof message === "string" || message instanceof Uint8Array) {
      const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
      return { bytes, handled: tryParse(bytes) };
    }
    const handled = JSON.parse(
      JSON.stringify({
        sender: "tester",
        receiver: this.#state.name,
        ...message,
        message_id: `m-${++this.#messages}`,
        sent_at: this.#state.now,
      }),
    );
    return { bytes: new TextEncoder().encode(JSON.stringify(handled)), handled };
  }
}

function tryParse(bytes) {
  try {
    const value = JSON.parse(text(bytes) ?? "");
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function readCapabilities(bytes) {
  try {
    return JSON.parse(text(bytes) ?? "");
  } catch (error) {
    throw new TypeError(`get_capabilities wrote what is no JSON: ${error.message}`, {
      cause: error,
    });
  }
}

function readAgents(agents) {
  if (agents === undefined) return null;
  if (Array.isArray(agents)) return new Map(agents.map((name) => [name, {}]));
  return new Map(Object.entries(agents));
}

function restore(map, before) {
  map.clear();
  for (const [key, value] of before) map.set(key, value);
}

function refuseUnknown(given, known, what) {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`no ${what} is called ${unknown}; there are ${known.join(", ")}`);
}

// Random numbers that are the same in every run (Marsaglia's xorshift).
function xorshift() {
  let x = 0x9e3779b9;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}
