// An agent that greets by name, counts its greetings, and reminds when the time has come.

import {
  FipaMessage,
  HostError,
  Json,
  JsonObject,
  LogLevel,
  cancelTimer,
  consoleError,
  deleteData,
  errorText,
  handleOther,
  load,
  log,
  parseError,
  parseMessage,
  sendFailure,
  sendInformResponse,
  sendReply,
  setTimer,
  store,
  writeCapabilities,
} from "caxton-sdk/assembly";

// With these, the host puts messages into the agent's own heap.
export { caxton_alloc, caxton_free } from "caxton-sdk/assembly";

// From here on, not every language reads whole numbers in JSON exactly.
const TOO_LATE: i64 = 1 << 53;

/** Called first, and again whenever the agent is started anew: 0 if it is ready. */
export function agent_init(): i32 {
  log(LogLevel.Info, "my-agent is ready");
  return 0;
}

/** Called once after that: what the agent can do. */
export function get_capabilities(ptr: usize, len: i32): i32 {
  const capabilities = new JsonObject()
    .set("version", "0.1.0")
    .set("performatives", ["request"])
    .set("services", [new JsonObject().set("name", "greeting")]);
  return writeCapabilities(capabilities, ptr, len);
}

/** Called for each message: 0 if all went well, else 1. */
export function handle_message(ptr: usize, len: i32): i32 {
  const message = parseMessage(ptr, len);
  if (!message) {
    consoleError(`the message cannot be read: ${parseError()}`);
    return 1;
  }
  if (message.performative == "request") {
    if (message.action == "greet") return greet(message);
    if (message.action == "remind") return remind(message);
  }
  return handleOther(message);
}

function greet(request: FipaMessage): i32 {
  const name = request.content.getString("name");
  if (name === null || name.length == 0) {
    return fail(request, 'Expected a name, as in {"action": "greet", "name": "Ada"}');
  }
  // Stored data outlives a restart, and variables do not.
  const before = load("greeted");
  const greeted = (before ? before.asInteger() : 0) + 1;
  const code = store("greeted", greeted);
  if (code < 0) return fail(request, errorText(code));
  return inform(request, new JsonObject().set("greeting", `Hello, ${name}!`).set("greeted", greeted));
}

function remind(request: FipaMessage): i32 {
  const micros = request.content.getInteger("after_micros", -1);
  const text = request.content.getString("text");
  if (micros < 0 || micros >= TOO_LATE || text === null) {
    return fail(
      request,
      'Expected microseconds and a text, as in {"action": "remind", "after_micros": 1000, "text": "tea"}',
    );
  }
  const timer = setTimer(micros);
  if (timer == 0) return fail(request, errorText(HostError.LimitExceeded));
  const reminder = new JsonObject().set("message", request.withoutContent().toJson()).set("text", text);
  const code = store(reminderKey(timer), reminder);
  if (code < 0) {
    cancelTimer(timer);
    return fail(request, errorText(code));
  }
  return sendReply(request, "agree", Json.NULL) < 0 ? 1 : 0;
}

/** Called for each timer that is due: 0 if all went well, else 1. */
export function handle_timer(timer: i32): i32 {
  const key = reminderKey(timer);
  const reminder = load(key);
  if (!reminder) return 0;
  deleteData(key);
  const message = reminder.get("message");
  const request = message ? FipaMessage.from(message) : null;
  if (!request) {
    consoleError(`what is stored under ${key} cannot be read: ${parseError()}`);
    return 1;
  }
  return inform(request, new JsonObject().set("reminder", reminder.getString("text")));
}

function reminderKey(timer: i32): string {
  return `reminder:${timer}`;
}

// Answers with a result; the code for the host.
function inform(request: FipaMessage, result: JsonObject): i32 {
  return sendInformResponse(request, result) < 0 ? 1 : 0;
}

// Answers that it did not work; the code for the host.
function fail(request: FipaMessage, why: string): i32 {
  sendFailure(request, why);
  return 1;
}
