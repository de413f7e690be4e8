// A worker that transforms text, alone or as one step of a relay, and takes part in FIPA's protocols.

import { CAPABILITIES } from "./capabilities";
import { Config } from "./config";
import * as contractNet from "./contract_net";
import * as directory from "./directory";
import * as host from "./host";
import * as later from "./later";
import { Message } from "./message";
import * as negotiate from "./negotiate";
import * as query from "./query";
import * as subscription from "./subscription";
import { stringOf } from "./values";
import * as work from "./work";

// In bytes.
const LARGE = 65536;

// Lives in the instance's memory, so a restart begins at nought.
let handled: u64 = 0;

export function agent_init(): i32 {
  handled = 0;
  Config.load();
  host.log("assemblyscript agent ready");
  return 0;
}

export function agent_shutdown(): void {
  host.log("assemblyscript agent stopped");
}

/** Writes the capabilities where they fit, and says how many bytes they take. */
export function get_capabilities(ptr: usize, len: i32): i32 {
  const needed = String.UTF8.byteLength(CAPABILITIES);
  if (len >= needed) String.UTF8.encodeUnsafe(changetype<usize>(CAPABILITIES), CAPABILITIES.length, ptr);
  return needed;
}

/** Handles one message: 0 when it was dealt with, 1 when it was refused or could not be read. */
export function handle_message(ptr: usize, len: i32): i32 {
  const code = handle(Message.read(String.UTF8.decodeUnsafe(ptr, len), len));
  // What a large message leaves behind is not left to the incremental collector, which would take its time.
  if (len > LARGE) __collect();
  return code;
}

/** Goes on with what was put off until this timer rings. */
export function handle_timer(timer: i32): i32 {
  if (!later.ring(timer)) contractNet.ring(timer);
  return 0;
}

function handle(message: Message | null): i32 {
  if (!message) {
    host.error("the message cannot be read");
    return 1;
  }
  handled++;

  const performative = message.performative;
  // What this agent asked for itself comes back as one act or another.
  if (directory.answered(message) || contractNet.answered(message)) return 0;
  if (performative == "request") return request(message);
  if (performative == "cfp") return negotiate.call(message);
  if (performative == "accept-proposal") return negotiate.accepted(message);
  if (performative == "propose") return negotiate.offer(message);
  if (performative == "query-if") return query.queryIf(message, handled);
  if (performative == "query-ref") return query.queryRef(message);
  if (performative == "subscribe") return subscription.subscribe(message);
  if (performative == "request-when") return subscription.requestWhen(message);
  if (performative == "cancel") return subscription.cancel(message);
  if (performative == "reject-proposal") return 0;
  // Silence here keeps two agents from feeding each other errors for ever.
  if (performative == "inform" || performative == "failure" || performative == "not-understood") return 0;
  return message.notUnderstood(`Unsupported performative: ${performative}`);
}

function request(message: Message): i32 {
  const content = message.content;
  const action = content ? stringOf(content.get("action")) : null;
  if (!content || action == null) return message.notUnderstood("No action given");
  const data = content.get("data");
  if (action == "process_data") return work.process(message, data);
  if (action == "relay") return work.relay(message, data);
  if (action == "get_status") {
    const status = `{"status":"ready","language":"assemblyscript","handled":${handled}}`;
    return message.reply("inform", `{"result":${status}}`);
  }
  if (action == "agree_first") {
    message.agree();
    return message.reply("inform", `{"result":"done"}`);
  }
  if (action == "ask_df") return directory.ask(message, data);
  if (action == "start_contract_net") return contractNet.start(message, data);
  return message.notUnderstood(`Unknown action: ${action}`);
}
