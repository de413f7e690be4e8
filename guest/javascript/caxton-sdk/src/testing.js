// A host for tests: it checks what it is given as the runtime does, keeps what the agent did, and has a clock
// that moves when the test says so.

import { attach } from "./host.js";
import { FipaMessage, MessageError } from "./message.js";
import { readJson, writeJson } from "./json.js";
import { toBytes, toText } from "./utf8.js";

const MAX_MESSAGE_BYTES = 1 << 20;
const MAX_STORAGE_BYTES = 64 << 20;
const MAX_KEY_BYTES = 4096;
const MAX_TIMERS = 1024;
const MAX_SUBSCRIPTIONS = 64;

/** FIPA's communicative acts (SC00037). */
const ACTS = new Set([
  "accept-proposal",
  "agree",
  "cancel",
  "cfp",
  "confirm",
  "disconfirm",
  "failure",
  "inform",
  "inform-if",
  "inform-ref",
  "not-understood",
  "propagate",
  "propose",
  "proxy",
  "query-if",
  "query-ref",
  "refuse",
  "reject-proposal",
  "request",
  "request-when",
  "request-whenever",
  "subscribe",
]);

const FILTER_FIELDS = new Set([
  "performative",
  "sender",
  "receiver",
  "protocol",
  "ontology",
  "language",
  "conversation_id",
  "topic",
  "capabilities",
  "services",
]);

const FAILURES = new Set([
  "not_found",
  "invalid_argument",
  "permission_denied",
  "limit_exceeded",
  "mailbox_full",
]);

export class MockHost {
  /** Microseconds since the Unix epoch; it begins at 2026-01-01. */
  now = 1_767_225_600_000_000;
  logs = [];
  code = 0;
  #agent;
  #name;
  #agents;
  #state = {
    sent: [],
    broadcasts: [],
    stored: new Map(),
    due: new Map(),
    subscriptions: new Map(),
  };
  #failing = new Map();
  #spokenTo = [];
  #ids = 0;
  #random = 0x9e3779b9;

  constructor(agent, { name = "agent", config, agents } = {}) {
    this.#agent = agent;
    this.#name = name;
    this.#agents = agents && new Map(Object.entries(agents));
    if (config !== undefined) this.store("config", config);
    this.#init();
  }

  get sent() {
    return this.#state.sent;
  }

  get broadcasts() {
    return this.#state.broadcasts;
  }

  get stored() {
    return this.#state.stored;
  }

  get subscriptions() {
    return this.#state.subscriptions;
  }

  get timers() {
    return new Map([...this.#state.due].map(([timer, due]) => [timer, due - this.now]));
  }

  value(key) {
    const bytes = this.stored.get(key);
    return bytes === undefined ? undefined : readJson(toText(bytes));
  }

  store(key, value) {
    this.stored.set(key, toBytes(writeJson(value)));
  }

  deliver(message) {
    let text = message;
    if (typeof message !== "string") {
      const given = message instanceof FipaMessage ? message.toJSON() : message;
      const stamp = { message_id: `message-${++this.#ids}`, sent_at: this.now };
      text = writeJson({ sender: "tester", receiver: this.#name, ...given, ...stamp });
    }
    this.#spokenTo = receiversOf(text);
    try {
      return this.#turn(() => this.#agent.handleMessage(text));
    } finally {
      this.#spokenTo = [];
    }
  }

  advance(micros) {
    const until = this.now + micros;
    for (;;) {
      const [next] = [...this.#state.due].sort(([, one], [, other]) => one - other);
      if (next === undefined || next[1] > until) break;
      const [timer, due] = next;
      this.#state.due.delete(timer);
      this.now = Math.max(this.now, due);
      this.#turn(() => this.#agent.handleTimer(timer));
    }
    this.now = Math.max(this.now, until);
  }

  restart() {
    this.#init();
  }

  shutDown() {
    this.#turn(() => this.#agent.agentShutdown());
  }

  capabilities() {
    attach(this.#functions);
    return readJson(this.#agent.getCapabilities());
  }

  fail(name, kind) {
    if (!Object.hasOwn(this.#functions, name))
      throw new TypeError(`the host has no function ${name}`);
    if (kind !== undefined && !FAILURES.has(kind))
      throw new TypeError(`the host's errors are ${[...FAILURES].join(", ")}`);
    if (kind === undefined) this.#failing.delete(name);
    else this.#failing.set(name, kind);
  }

  #init() {
    const code = this.#turn(() => this.#agent.agentInit());
    if (code !== 0) throw new Error(`agentInit gave ${code}: ${JSON.stringify(this.logs)}`);
  }

  /** What a turn did is kept when it ends, also with another code than 0, and dropped when it throws. */
  #turn(call) {
    attach(this.#functions);
    const before = this.#state;
    this.#state = {
      sent: [...before.sent],
      broadcasts: [...before.broadcasts],
      stored: new Map(before.stored),
      due: new Map(before.due),
      subscriptions: new Map(before.subscriptions),
    };
    try {
      this.code = call() ?? 0;
    } catch (error) {
      this.#state = before;
      throw error;
    }
    return this.code;
  }

  /** The functions of agent.wit. */
  #functions = Object.fromEntries(
    Object.entries({
      sendMessage: (json) => {
        this.#send(json, (message) => {
          if (message.receivers.length === 0) this.#refuse("the message has no `receiver`");
          return message;
        });
      },
      sendLocalMessage: (agent, json) => {
        this.#send(json, (message) => {
          if (this.#agents && !this.#agents.has(agent)) throw refusal("not_found");
          return new FipaMessage({ ...message, receiver: agent });
        });
      },
      broadcastMessage: (filter, json) => {
        const read = this.#readFilter(filter);
        const message = this.#send(
          json,
          (written) => new FipaMessage({ ...written, receiver: "*" }),
        );
        this.#state.broadcasts.push({ filter: read, message });
        return this.#matching(read).length;
      },
      subscribeMessages: (filter) => {
        const read = this.#readFilter(filter);
        if (this.subscriptions.size >= MAX_SUBSCRIPTIONS) throw refusal("limit_exceeded");
        this.subscriptions.set(++this.#ids, read);
        return this.#ids;
      },
      unsubscribeMessages: (subscription) => {
        if (!this.subscriptions.delete(subscription)) throw refusal("not_found");
      },
      currentTimestamp: () => this.now,
      randomU32: () => this.#nextRandom(),
      sleepMicros: (micros) => {
        this.now += micros;
      },
      setTimer: (micros) => {
        if (this.#state.due.size >= MAX_TIMERS) throw refusal("limit_exceeded");
        this.#state.due.set(++this.#ids, this.now + micros);
        return this.#ids;
      },
      cancelTimer: (timer) => {
        if (!this.#state.due.delete(timer)) throw refusal("not_found");
      },
      storeData: (key, value) => {
        if (toBytes(key).length > MAX_KEY_BYTES)
          this.#refuse(`a key is above ${MAX_KEY_BYTES} bytes`);
        let held = 0;
        for (const [other, bytes] of this.stored)
          held += other === key ? 0 : toBytes(other).length + bytes.length;
        if (held + toBytes(key).length + value.length > MAX_STORAGE_BYTES)
          throw refusal("limit_exceeded");
        this.stored.set(key, value.slice());
      },
      loadData: (key) => this.stored.get(key)?.slice() ?? null,
      deleteData: (key) => {
        if (!this.stored.delete(key)) throw refusal("not_found");
      },
      dataSize: (key) => this.stored.get(key)?.length ?? null,
      consoleLog: (line) => this.#write("info", line),
      consoleError: (line) => this.#write("error", line),
      log: (level, line) => this.#write(level, line),
    }).map(([name, work]) => [name, (...args) => this.#unlessFailing(name, () => work(...args))]),
  );

  #unlessFailing(name, work) {
    const kind = this.#failing.get(name);
    if (kind !== undefined) throw refusal(kind);
    return work();
  }

  #write(level, line) {
    this.logs.push({ level, line });
  }

  /** Refuses what was given, and says in the agent's log why, as the runtime does. */
  #refuse(why, kind = "invalid_argument") {
    this.#write("warn", why);
    throw refusal(kind);
  }

  #send(json, address) {
    if (toBytes(json).length > MAX_MESSAGE_BYTES)
      this.#refuse("the message is above 1 MiB", "limit_exceeded");
    let message;
    try {
      message = FipaMessage.parse(json);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#refuse(`a message was not sent: ${error.message}`);
    }
    const performative = message.performative.toLowerCase().replaceAll("_", "-");
    if (!ACTS.has(performative))
      this.#refuse(`${message.performative} is not one of FIPA's 22 communicative acts`);
    const { sender } = message;
    if (sender !== undefined && sender !== this.#name && !this.#spokenTo.includes(sender)) {
      this.#refuse(`the agent is not ${sender}`, "permission_denied");
    }
    const sent = address(new FipaMessage({ ...message, performative, sender: this.#name }));
    this.#state.sent.push(sent);
    return sent;
  }

  #readFilter(json) {
    let filter;
    try {
      filter = readJson(json);
    } catch (error) {
      this.#refuse(`this is not a filter: ${error.message}`);
    }
    if (typeof filter !== "object" || filter === null || Array.isArray(filter))
      this.#refuse("a filter is an object");
    for (const [name, wanted] of Object.entries(filter)) {
      if (!FILTER_FIELDS.has(name)) this.#refuse(`a filter has no field ${name}`);
      if (!asArray(wanted).every((one) => typeof one === "string"))
        this.#refuse(`${name}: a text or an array of texts`);
    }
    return filter;
  }

  /** Other agents that a broadcast reaches. Of messages' fields, it has the same receivers as the filter names. */
  #matching(filter) {
    const others = [...(this.#agents ?? [])].filter(([name]) => name !== this.#name);
    const all = [...asArray(filter.capabilities ?? []), ...asArray(filter.services ?? [])];
    return others.filter(
      ([name, services]) =>
        (filter.receiver === undefined || asArray(filter.receiver).includes(name)) &&
        all.every((service) => services.includes(service)),
    );
  }

  /** Xorshift: the same in every run of a test. */
  #nextRandom() {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return this.#random >>> 0;
  }
}

/** An error as the component's engine throws it where the host refuses. */
function refusal(kind) {
  return Object.assign(new Error(kind), { payload: kind.replaceAll("_", "-") });
}

function asArray(oneOrMany) {
  return Array.isArray(oneOrMany) ? oneOrMany : [oneOrMany];
}

function receiversOf(text) {
  try {
    return FipaMessage.parse(text).receivers;
  } catch {
    return [];
  }
}
