// Answers to a message. They go where SC00061 says: see `FipaMessage.reply`.
//
// Each gives 0, or the `HostError` for which the host did not take it; of that the agent's log tells, so that an
// answer whose result nobody looks at is not lost in silence.

import { errorText } from "./errors";
import { sendMessage } from "./host";
import { consoleError } from "./log";
import { FipaMessage } from "./message";
import { JsonObject } from "./write";

/** Answers with `inform`, content `{"result": result}`. */
export function sendInformResponse<T>(to: FipaMessage, result: T): i32 {
  return sendReply(to, "inform", new JsonObject().set<T>("result", result));
}

/** Answers with `failure`, content `{"error": text}`. */
export function sendFailure(to: FipaMessage, text: string): i32 {
  return sendReply(to, "failure", new JsonObject().set("error", text));
}

/** Answers with `not-understood`, content `{"error": text}`; without a text, it names the action or the act. */
export function sendNotUnderstood(to: FipaMessage, text: string | null = null): i32 {
  const why = text !== null ? text : notUnderstood(to);
  return sendReply(to, "not-understood", new JsonObject().set("error", why));
}

/** Answers with any act, and with the content as it is; `Json.NULL` is none. */
export function sendReply<T>(to: FipaMessage, performative: string, content: T): i32 {
  const answer = to.reply<T>(performative, content);
  const code = sendMessage(answer);
  if (code < 0) {
    const receiver = answer.receiver;
    const whom = receiver === null ? "nobody" : receiver;
    consoleError(`the answer ${performative} to ${whom} was not sent: ${errorText(code)}`);
  }
  return code;
}

/**
 * What to do with a message that the agent does not handle; the result is for `handle_message`. Acts that nobody
 * answers are passed over, so that two agents do not feed each other errors for ever: 0. All others are answered
 * with `not-understood`: 1.
 */
export function handleOther(message: FipaMessage): i32 {
  if (message.endsExchange) return 0;
  sendNotUnderstood(message);
  return 1;
}

function notUnderstood(message: FipaMessage): string {
  if (message.performative != "request") return `Unsupported performative: ${message.performative}`;
  const action = message.action;
  return action !== null ? `Unknown action: ${action}` : "No action given";
}
