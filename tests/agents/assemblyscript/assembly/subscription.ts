// What is told again and again (FIPA subscribe), or once something holds (FIPA request-when).

import { Job, dropConversation, putOff, subscriptions } from "./later";
import { Message } from "./message";
import { wholeOf } from "./values";

const MAX_SUBSCRIPTIONS = 16;

/** How far a subscription has come; -1 times is for ever. */
export class Subscription {
  count: i64 = 0;

  constructor(readonly every: i64, readonly times: i64) {}
}

export function subscribe(message: Message): i32 {
  const wanted = message.content;
  const every = wanted ? wholeOf(wanted.get("every_micros")) : -1;
  const given = wanted ? wanted.get("times") : null;
  const times = wholeOf(given);
  if (every <= 0 || (given && times < 0)) return message.refuse("unknown interval");
  if (subscriptions() >= MAX_SUBSCRIPTIONS) return message.refuse("too many subscriptions");
  return agreeTo(message, every, Job.Notify, new Subscription(every, times));
}

/** Tells the next count, and waits for the one after it. */
export function notify(message: Message, running: Subscription): i32 {
  if (running.count == running.times) return message.fail("the source ran dry");
  running.count++;
  const code = message.reply("inform", `{"count":${running.count}}`);
  const why = putOff(message, running.every, Job.Notify, running);
  return why != null ? message.fail(why) : code;
}

export function requestWhen(message: Message): i32 {
  const content = message.content;
  const condition = content ? content.get("condition") : null;
  const after = condition ? wholeOf(condition.get("after_micros")) : -1;
  if (after < 0) return message.refuse("unknown condition");
  return agreeTo(message, after, Job.Finish, null);
}

export function cancel(message: Message): i32 {
  if (!dropConversation(message)) return message.fail("too late");
  return message.reply("inform", `{"cancelled":true}`);
}

function agreeTo(message: Message, micros: i64, job: Job, running: Subscription | null): i32 {
  const why = putOff(message, micros, job, running);
  return why != null ? message.refuse(why) : message.agree();
}
