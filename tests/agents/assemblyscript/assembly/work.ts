// Requests to transform text.

import * as host from "./host";
import { Json, quote } from "./json";
import { Message } from "./message";
import { stringOf } from "./values";

export function process(message: Message, data: Json | null): i32 {
  const job = Job.read(data);
  return job ? informText(message, job.result()) : message.invalid();
}

/** Hands the text to the next agent, or to the one who asked when there is none. */
export function relay(message: Message, data: Json | null): i32 {
  const job = Job.read(data);
  if (!job) return message.invalid();
  if (job.then.length == 0) return informText(message, job.result());
  const next = job.then[0];
  const rest = job.then.slice(1).map<string>((step) => step.raw).join(",");
  const forwarded = `{"data":${quote(job.result())},"operation":${quote(next.operation)},"then":[${rest}]}`;
  return message.forward(next.agent, `{"action":"relay","data":${forwarded}}`);
}

function informText(message: Message, text: string): i32 {
  const result = `{"result":${quote(text)},"timestamp":${host.now()}}`;
  return message.reply("inform", `{"result":${result}}`);
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
