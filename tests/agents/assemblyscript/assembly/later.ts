// What is put off until a timer rings. All of it lives in memory: a timer that rings after a restart
// finds nothing to do.

import * as host from "./host";
import { Message } from "./message";
import * as negotiate from "./negotiate";
import * as subscription from "./subscription";

// How many things may be put off at a time.
const MAX_LATER = 64;

/** What is to be done with a message when its timer rings. */
export const enum Job {
  Propose,
  Finish,
  Notify,
}

class Later {
  timer: i32 = 0;

  constructor(
    readonly message: Message,
    readonly job: Job,
    /** For Job.Notify: how far it has come. */
    readonly running: subscription.Subscription | null,
  ) {}
}

let waiting: Later[] = [];

/** Puts off the rest of what a message asks for; the text says why that cannot be. */
export function putOff(
  message: Message,
  micros: i64,
  job: Job,
  running: subscription.Subscription | null = null,
): string | null {
  if (!message.canKeep) return "too long";
  if (waiting.length >= MAX_LATER) return "too busy";
  const later = new Later(message, job, running);
  later.timer = host.setTimer(micros);
  if (later.timer <= 0) return "no timer";
  waiting.push(later);
  return null;
}

/** How many subscriptions there are. */
export function subscriptions(): i32 {
  return waiting.filter((later) => later.job == Job.Notify).length;
}

/** Does what was put off until this timer; false if it is not one of those here. */
export function ring(timer: i32): bool {
  for (let i = 0; i < waiting.length; i++) {
    if (waiting[i].timer != timer) continue;
    const later = waiting.splice(i, 1)[0];
    const running = later.running;
    if (running) subscription.notify(later.message, running);
    else if (later.job == Job.Propose) negotiate.propose(later.message);
    else later.message.reply("inform", `{"result":"done"}`);
    return true;
  }
  return false;
}

/** Drops what the sender of a message asked for in the same conversation; whether there was something. */
export function dropConversation(cancel: Message): bool {
  const conversation = cancel.conversation;
  if (conversation == null) return false;
  const kept: Later[] = [];
  for (let i = 0; i < waiting.length; i++) {
    const message = waiting[i].message;
    const isMeant = message.conversation == conversation && message.sender == cancel.sender;
    if (isMeant) host.cancelTimer(waiting[i].timer);
    else kept.push(waiting[i]);
  }
  const found = kept.length < waiting.length;
  waiting = kept;
  return found;
}
