// An agent that does with the kit what the tests ask for, and tells what came of it.

import {
  FipaMessage,
  HostError,
  Json,
  JsonArray,
  JsonObject,
  LogLevel,
  broadcastMessage,
  cancelTimer,
  config,
  console,
  consoleError,
  consoleLog,
  currentTimestamp,
  dataSize,
  deleteData,
  errorText,
  handleOther,
  load,
  loadData,
  log,
  parseError,
  parseMessage,
  randomU32,
  sendFailure,
  sendInformResponse,
  sendLocalMessage,
  sendMessage,
  sendReply,
  setTimer,
  sleepMicros,
  store,
  storeData,
  subscribeMessages,
  unsubscribeMessages,
  writeCapabilities,
} from "../../assembly";

export { caxton_alloc, caxton_free } from "../../assembly";

export function agent_init(): i32 {
  const given = config();
  if (given && given.getBool("subscribe")) {
    subscribeMessages(new JsonObject().set("topic", "weather"));
    setTimer(1000);
  }
  return given ? <i32>given.getInteger("code") : 0;
}

export function agent_shutdown(): void {
  consoleLog("probe stopped");
}

export function get_capabilities(ptr: usize, len: i32): i32 {
  const services = new JsonArray();
  for (let i = 0; i < 100; i++) services.push(new JsonObject().set("name", `a service with a long name ${i}`));
  return writeCapabilities(new JsonObject().set("services", services), ptr, len);
}

export function handle_timer(timer: i32): i32 {
  store("fired", timer);
  return timer;
}

export function handle_message(ptr: usize, len: i32): i32 {
  const message = parseMessage(ptr, len);
  if (!message) {
    consoleError(parseError());
    return 1;
  }
  const action = message.action;
  if (action == "parse") return tell(message, parse(text(message)));
  if (action == "walk") return tell(message, walk(message.content));
  if (action == "read") return tell(message, read(text(message)));
  if (action == "write") return tell(message, write());
  if (action == "host") return tell(message, host(message.content));
  if (action == "log") return writeLog(text(message));
  if (action == "errors") return tell(message, errors());
  if (action == "echo") return sendReply(message, "inform", message.content.get("value"));
  if (action == "forward") return forward(message);
  if (action == "send") return send(message);
  if (action == "fail") return sendFailure(message, text(message));
  if (action == "refuse") return sendReply(message, "refuse", new JsonObject().set("reason", text(message)));
  if (action == "trap") return trap(message);
  return handleOther(message);
}

/** Hands the kit a range that is not in the memory. */
export function parse_outside(ptr: usize, len: i32): i32 {
  const message = parseMessage(ptr, len);
  if (!message) consoleError(parseError());
  return message ? 0 : 1;
}

function text(message: FipaMessage): string {
  const given = message.content.getString("text");
  return given !== null ? given : "";
}

function tell<T>(message: FipaMessage, result: T): i32 {
  return sendInformResponse<T>(message, result);
}

// What a text is as JSON.
function parse(text: string): JsonObject {
  const json = Json.parse(text);
  if (!json) return new JsonObject().set("error", parseError());
  const kinds = new JsonArray();
  if (json.isNull) kinds.push("null");
  if (json.isBool) kinds.push("bool");
  if (json.isNumber) kinds.push("number");
  if (json.isInteger) kinds.push("integer");
  if (json.isString) kinds.push("string");
  if (json.isArray) kinds.push("array");
  if (json.isObject) kinds.push("object");
  return new JsonObject()
    .set("kinds", kinds)
    .set("string", json.asString())
    .set("integer", json.asInteger(-7).toString())
    .set("number", json.asNumber())
    .set("bool", json.asBool())
    .set("raw", json.toString());
}

// What a value holds.
function walk(content: Json): JsonObject {
  const value = content.get("value");
  if (!value) return new JsonObject();
  const names = new JsonArray();
  const members = value.members();
  for (let i = 0; i < members.length; i++) names.push(members[i].name);
  return new JsonObject()
    .set("names", names)
    .set("elements", value.elements())
    .set("found", value.get(content.getString("name")!))
    .set("number", value.getNumber("number", -1))
    .set("integer", value.getInteger("integer", -1))
    .set("bool", value.getBool("bool", true));
}

// What a text is as a message.
function read(text: string): JsonObject {
  const message = FipaMessage.parse(text);
  if (!message) return new JsonObject().set("error", parseError());
  return new JsonObject()
    .set("receiver", message.receiver)
    .set("receivers", message.receivers)
    .set("sentAt", message.sentAt)
    .set("written", message.toJson())
    .set("kept", message.withoutContent().toJson());
}

function write(): JsonObject {
  const replaced = new JsonObject().set("twice", 1).set("other", 2).set("twice", 3);
  const nothing: string | null = null;
  return new JsonObject()
    .set("texts", ["", 'quote " backslash \\ line \n nul \0 bell \u0007', "Zoë 🎈"])
    .set("halves", ["\ud83c", "\udf88 x"])
    .set('name "\n', true)
    .set("largest", u64.MAX_VALUE)
    .set("smallest", i64.MIN_VALUE)
    .set("byte", <u8>255)
    .set("half", 0.5)
    .set("single", <f32>0.25)
    .set("none", nothing)
    .set("nan", NaN)
    .set("nested", [[1, 2], [3]])
    .set("mixed", new JsonArray().push(1).push("two").push(Json.NULL))
    .set("replaced", replaced)
    .set("names", replaced.names)
    .set("size", replaced.size)
    .set("twice", replaced.get("twice"))
    .set("missing", replaced.get("missing"));
}

// The result of one function of the host.
function host(content: Json): Json {
  const call = content.getString("call");
  const key = content.getString("key") || "key";
  const number = content.getInteger("number");
  const value = content.get("value");
  if (call == "store") return Json.of(store(key, value));
  if (call == "load") return Json.of(load(key));
  if (call == "store_data") {
    const bytes = new Uint8Array(<i32>number);
    bytes.fill(7);
    return Json.of(storeData(key, bytes));
  }
  if (call == "load_data") {
    const bytes = loadData(key);
    return bytes ? Json.of(bytes) : Json.NULL;
  }
  if (call == "data_size") return Json.of(dataSize(key));
  if (call == "delete_data") return Json.of(deleteData(key));
  if (call == "set_timer") return Json.of(setTimer(number));
  if (call == "cancel_timer") return Json.of(cancelTimer(<i32>number));
  if (call == "subscribe") return Json.of(subscribeMessages(value!));
  if (call == "unsubscribe") return Json.of(unsubscribeMessages(<i32>number));
  if (call == "now") return Json.of(currentTimestamp());
  if (call == "random") return Json.of(randomU32());
  if (call == "sleep") sleepMicros(<u64>number);
  return Json.NULL;
}

// Sends a message from the content on its way, once or `times`; the last code.
function send(message: FipaMessage): i32 {
  const content = message.content;
  const sent = FipaMessage.from(content.get("message")!);
  if (!sent) return -99;
  const to = content.getString("to");
  const filter = content.get("filter");
  let code = 0;
  for (let i: i64 = 0; i < content.getInteger("times", 1); i++) {
    if (filter) code = broadcastMessage(filter, sent);
    else if (to !== null) code = sendLocalMessage(to, sent);
    else code = sendMessage(sent);
  }
  return code;
}

// Sends the message to another agent, with all that came with it.
function forward(message: FipaMessage): i32 {
  message.sender = null;
  message.receiver = "other";
  message.replyTo = "boss";
  return sendMessage(message);
}

function writeLog(line: string): i32 {
  consoleLog(line);
  consoleError(line);
  log(LogLevel.Error, line);
  log(LogLevel.Warn, line);
  log(LogLevel.Info, line);
  log(LogLevel.Debug, line);
  log(LogLevel.Trace, line);
  console.log(line);
  console.error(line);
  console.warn(line);
  console.info(line);
  console.debug(line);
  console.trace(line);
  return 0;
}

function errors(): JsonArray {
  const texts = new JsonArray();
  for (let code = 0; code >= HostError.MailboxFull - 1; code--) texts.push(errorText(code));
  return texts;
}

// Does much, and then traps: nothing of it may stay.
function trap(message: FipaMessage): i32 {
  store("key", 1);
  setTimer(1);
  subscribeMessages(new JsonObject());
  sendInformResponse(message, 1);
  consoleLog("before the trap");
  assert(false, text(message));
  return 0;
}
