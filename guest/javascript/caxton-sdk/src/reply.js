// Answers to messages, as SC00061 has them, and the errors that become one.

import { sendMessage } from "./host.js";

export function sendReply(to, performative, content) {
  sendMessage(to.reply(performative, content));
}

export function sendInformResponse(to, result) {
  sendReply(to, "inform", { result: result === undefined ? null : result });
}

export function sendFailure(to, text) {
  sendReply(to, "failure", { error: text });
}

export function sendNotUnderstood(to, text = whyNotUnderstood(to)) {
  sendReply(to, "not-understood", { error: text });
}

/** What to say of a message that nobody handles. */
export function whyNotUnderstood(message) {
  if (message.performative !== "request")
    return `Unsupported performative: ${message.performative}`;
  return message.action === undefined ? "No action given" : `Unknown action: ${message.action}`;
}

/** What a handler throws to answer with an error, rather than to fail. */
export class Answer extends Error {
  constructor(performative, text) {
    super(text);
    this.performative = performative;
  }
}

export class Failure extends Answer {
  static {
    this.prototype.name = "Failure";
  }

  constructor(text) {
    super("failure", text);
  }
}

export class Refuse extends Answer {
  static {
    this.prototype.name = "Refuse";
  }

  constructor(text) {
    super("refuse", text);
  }
}

export class NotUnderstood extends Answer {
  static {
    this.prototype.name = "NotUnderstood";
  }

  constructor(text) {
    super("not-understood", text);
  }
}
