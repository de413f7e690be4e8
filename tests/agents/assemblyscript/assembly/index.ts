// A worker that transforms text, alone or as one step of a relay.

import * as host from "./host";
import { Json, quote } from "./json";
import { Message } from "./message";

const CAPABILITIES = `{
  "version": "1.0.0",
  "performatives": [
    "accept-proposal", "agree", "cancel", "cfp", "failure", "inform", "propose", "query-if", "query-ref", "refuse",
    "reject-proposal", "request", "request-when", "subscribe"
  ],
  "protocols": [
    "fipa-request", "fipa-query", "fipa-request-when", "fipa-propose", "fipa-subscribe", "fipa-contract-net",
    "fipa-iterated-contract-net", "fipa-auction-english", "fipa-auction-dutch"
  ],
  "ontologies": [],
  "resource_requirements": {
    "min_memory_mb": 1,
    "preferred_memory_mb": 4,
    "cpu_intensive": false,
    "network_access": false,
    "persistence_needed": false
  },
  "services": [
    {
      "name": "text-processing",
      "description": "Uppercases, lowercases and reverses text",
      "input_schema": {
        "type": "object",
        "properties": {
          "operation": {"type": "string"},
          "data": {"type": "string"}
        },
        "required": ["operation", "data"]
      },
      "output_schema": {
        "type": "object",
        "properties": {
          "result": {"type": "string"},
          "timestamp": {"type": "integer"}
        }
      },
      "estimated_latency_ms": 1
    }
  ]
}
`;

// In bytes.
const LARGE = 65536;

// Lives in the instance's memory, so a restart begins at nought.
let handled: u64 = 0;

export function agent_init(): i32 {
  handled = 0;
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
  const code = handle(Message.read(String.UTF8.decodeUnsafe(ptr, len)));
  // What a large message leaves behind is not left to the incremental collector, which would take its time.
  if (len > LARGE) __collect();
  return code;
}

function handle(message: Message | null): i32 {
  if (!message) {
    host.error("the message cannot be read");
    return 1;
  }
  handled++;

  const performative = message.performative;
  if (performative == "request") return request(message);
  // Silence here keeps two agents from feeding each other errors for ever.
  if (performative == "inform" || performative == "failure" || performative == "not-understood") return 0;
  return notUnderstood(message, `Unsupported performative: ${performative}`);
}

/** What a request says under `data`; the text may be called `data` or `text`. */
class Job {
  constructor(readonly operation: string, readonly text: string, readonly then: Step[]) {}

  /** Reads a job; null if part of it is missing or of another type. */
  static read(data: Json | null): Job | null {
    if (!data) return null;
    const operation = stringOf(data.get("operation"));
    const given = data.get("data");
    const text = stringOf(given ? given : data.get("text"));
    const then = Step.list(data.get("then"));
    return operation != null && text != null && then ? new Job(operation, text, then) : null;
  }

  /** The text after the operation. */
  result(): string {
    if (this.operation == "uppercase") return this.text.toUpperCase();
    if (this.operation == "lowercase") return this.text.toLowerCase();
    if (this.operation == "reverse") return reverse(this.text);
    return `Unknown operation: ${this.operation}`;
  }
}

/** A later stop of a relay. */
class Step {
  constructor(readonly agent: string, readonly operation: string) {}

  /** Reads the steps, none if they are missing; null if one of them is not well formed. */
  static list(raw: Json | null): Step[] | null {
    const steps: Step[] = [];
    if (!raw) return steps;
    const elements = raw.elements;
    if (!elements) return null;
    for (let i = 0; i < elements.length; i++) {
      const agent = stringOf(elements[i].get("agent"));
      const operation = stringOf(elements[i].get("operation"));
      if (agent == null || operation == null) return null;
      steps.push(new Step(agent, operation));
    }
    return steps;
  }

  get raw(): string {
    return `{"agent":${quote(this.agent)},"operation":${quote(this.operation)}}`;
  }
}

function request(message: Message): i32 {
  const content = message.content;
  const action = content ? stringOf(content.get("action")) : null;
  if (!content || action == null) return notUnderstood(message, "No action given");
  if (action == "get_status") {
    const status = `{"status":"ready","language":"assemblyscript","handled":${handled}}`;
    return message.reply("inform", `{"result":${status}}`);
  }
  if (action != "process_data" && action != "relay") return notUnderstood(message, `Unknown action: ${action}`);

  const job = Job.read(content.get("data"));
  if (!job) {
    message.reply("failure", `{"error":"Invalid request format"}`);
    return 1;
  }
  return action == "relay" ? relay(message, job) : informText(message, job.result());
}

/** Hands the text to the next agent, or to the one who asked when there is none. */
function relay(message: Message, job: Job): i32 {
  if (job.then.length == 0) return informText(message, job.result());
  const next = job.then[0];
  const rest = job.then.slice(1).map<string>((step) => step.raw).join(",");
  const data = `{"data":${quote(job.result())},"operation":${quote(next.operation)},"then":[${rest}]}`;
  return message.forward(next.agent, `{"action":"relay","data":${data}}`);
}

function informText(message: Message, text: string): i32 {
  const result = `{"result":${quote(text)},"timestamp":${host.now()}}`;
  return message.reply("inform", `{"result":${result}}`);
}

function notUnderstood(message: Message, why: string): i32 {
  message.reply("not-understood", `{"error":${quote(why)}}`);
  return 1;
}

// The text is well formed, so before each low surrogate stands its high one, and goes first here too.
function reverse(text: string): string {
  const units = new Uint16Array(text.length);
  let n = 0;
  for (let i = text.length - 1; i >= 0; i--) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xdc00 && unit <= 0xdfff) units[n++] = <u16>text.charCodeAt(--i);
    units[n++] = <u16>unit;
  }
  return String.UTF16.decodeUnsafe(units.dataStart, n << 1);
}

function stringOf(value: Json | null): string | null {
  return value ? value.string : null;
}
