// An agent that greets by name, counts its greetings, and reminds when the time has come.

import {
  Agent,
  Failure,
  FipaMessage,
  HostError,
  cancelTimer,
  deleteData,
  load,
  log,
  sendInformResponse,
  sendReply,
  setTimer,
  store,
} from "caxton-sdk";

export const agent = new Agent({
  version: "0.1.0",
  performatives: ["request"],
  services: [{ name: "greeting" }],
});

agent.onInit(() => {
  log("info", "my-agent is ready");
});

agent.registerHandler("greet", ({ content }) => {
  const { name } = content;
  if (typeof name !== "string" || name === "") {
    throw new Failure('Expected a name, as in {"action": "greet", "name": "Ada"}');
  }
  // Stored data outlives a restart, and variables do not.
  const greeted = (load("greeted") ?? 0) + 1;
  store("greeted", greeted);
  // What a handler returns is the result of the answer.
  return { greeting: `Hello, ${name}!`, greeted };
});

agent.registerHandler("remind", (message) => {
  const { after_micros: micros, text } = message.content;
  // Safe integers are below 2^53: from there on, not every language reads whole numbers in JSON exactly.
  if (!Number.isSafeInteger(micros) || micros < 0 || typeof text !== "string") {
    throw new Failure(
      'Expected microseconds and a text, as in {"action": "remind", "after_micros": 1000, "text": "tea"}',
    );
  }
  const timer = setTimer(micros);
  try {
    store(reminderKey(timer), { message: message.withoutContent(), text });
  } catch (error) {
    if (error instanceof HostError) cancelTimer(timer);
    throw error;
  }
  sendReply(message, "agree");
});

agent.onTimer((timer) => {
  const key = reminderKey(timer);
  const reminder = load(key);
  if (reminder === undefined) return;
  deleteData(key);
  sendInformResponse(FipaMessage.fromJSON(reminder.message), { reminder: reminder.text });
});

function reminderKey(timer) {
  return `reminder:${timer}`;
}
