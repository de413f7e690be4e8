// From the host's calls to an agent's handlers.

import { HostError, log } from "./host.js";
import { writeJson } from "./json.js";
import { MessageError, parseMessage } from "./message.js";
import {
  Answer,
  Failure,
  NotUnderstood,
  sendInformResponse,
  sendReply,
  whyNotUnderstood,
} from "./reply.js";

export class Agent {
  #capabilities;
  // Maps, since what they are asked for comes from messages.
  #actions = new Map();
  #acts = new Map();
  #init;
  #timer;
  #shutdown;

  constructor(capabilities = {}) {
    this.#capabilities = { services: [], ...capabilities };
  }

  onInit(handler) {
    this.#init = expectFunction(handler);
  }

  registerHandler(action, handler) {
    this.#actions.set(expectText(action), expectFunction(handler));
  }

  onMessage(performative, handler) {
    this.#acts.set(expectText(performative), expectFunction(handler));
  }

  onTimer(handler) {
    this.#timer = expectFunction(handler);
  }

  onShutdown(handler) {
    this.#shutdown = expectFunction(handler);
  }

  agentInit() {
    return run(() => this.#init?.());
  }

  handleMessage(text) {
    let message;
    try {
      message = parseMessage(text);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      log("error", `the message cannot be read: ${error.message}`);
      return 1;
    }
    const handler = this.#handlerOf(message);
    if (!handler && message.endsExchange) return 0;
    return run(() => {
      if (!handler) throw new NotUnderstood(whyNotUnderstood(message));
      return handler(message);
    }, message);
  }

  handleTimer(timer) {
    return run(() => this.#timer?.(timer));
  }

  getCapabilities() {
    return writeJson(this.#capabilities);
  }

  agentShutdown() {
    run(() => this.#shutdown?.());
  }

  #handlerOf(message) {
    const forAction =
      message.performative === "request" ? this.#actions.get(message.action) : undefined;
    return forAction ?? this.#acts.get(message.performative);
  }
}

/** Calls a handler; the code for the host. What the handler was not made for goes into the log, and fails the turn. */
function run(handler, message) {
  try {
    return answer(handler, message);
  } catch (error) {
    log("error", describe(error));
    throw error;
  }
}

function answer(handler, message) {
  const asked = message?.endsExchange ? undefined : message;
  try {
    const result = handler();
    if (typeof result?.then === "function") {
      throw new TypeError("a handler may not be async: the turn ends when it returns");
    }
    if (asked && result !== undefined) sendInformResponse(asked, result);
    return 0;
  } catch (error) {
    const isRefusal = error instanceof HostError;
    if (!isRefusal && !(error instanceof Answer)) throw error;
    // Which call it was is for the log alone.
    if (!asked || isRefusal) log("error", String(error));
    if (asked) sendError(asked, isRefusal ? new Failure(error.text) : error);
    return 1;
  }
}

function sendError(asked, { performative, message }) {
  try {
    sendReply(asked, performative, { error: message });
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    log(
      "error",
      `the answer ${performative} to ${asked.answerTo || "nobody"} was not sent: ${error.text}`,
    );
  }
}

/** An error with where it came from. Not every engine's `stack` begins with the error's text. */
function describe(error) {
  if (!(error instanceof Error)) return `a handler threw ${String(error)}`;
  const text = String(error);
  const stack = error.stack ?? "";
  const described = stack.startsWith(text) ? stack : `${text}\n${stack}`;
  return error.cause === undefined
    ? described.trimEnd()
    : `${described.trimEnd()}\ncaused by ${describe(error.cause)}`;
}

function expectFunction(handler) {
  if (typeof handler !== "function") throw new TypeError("the handler has to be a function");
  return handler;
}

function expectText(name) {
  if (typeof name !== "string") throw new TypeError("what is handled is named by a text");
  return name;
}
