// What the host checks of messages and filters.

/** FIPA's communicative acts (SC00037). */
const ACTS = new Set([
  "accept-proposal",
  "agree",
  "cancel",
  "cfp",
  "confirm",
  "disconfirm",
  "failure",
  "inform",
  "inform-if",
  "inform-ref",
  "not-understood",
  "propagate",
  "propose",
  "proxy",
  "query-if",
  "query-ref",
  "refuse",
  "reject-proposal",
  "request",
  "request-when",
  "request-whenever",
  "subscribe",
]);

const TEXTS = [
  "reply_to",
  "language",
  "encoding",
  "ontology",
  "protocol",
  "conversation_id",
  "reply_with",
  "in_reply_to",
];
const NAMES = ["sender", "receiver"];
const OTHERS = ["performative", "content", "reply_by", "message_id", "sent_at"];
const KNOWN = new Set([...TEXTS, ...NAMES, ...OTHERS]);
const MAX_EXTRA_FIELDS = 64;
const MAX_NAMES = 10_000;

const FILTER_FIELDS = [
  "performative",
  "sender",
  "receiver",
  "protocol",
  "ontology",
  "language",
  "conversation_id",
  "topic",
  "capabilities",
  "services",
];

/** Why something is no message, or no filter; its text goes to the agent's log. */
export class Invalid extends Error {}

/** The message that JSON text is, its act in the usual spelling and without fields that are null. */
export function readMessage(json) {
  const fields = parseObject(json, "a message");
  const message = Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== null || !KNOWN.has(name)),
  );
  if (message.performative === undefined) throw new Invalid("the message has no `performative`");
  message.performative = readAct(message.performative);
  for (const name of TEXTS) {
    if (name in message && typeof message[name] !== "string")
      throw new Invalid(`\`${name}\`: expected a string`);
  }
  for (const name of NAMES) {
    if (name in message && !isTexts(message[name])) {
      throw new Invalid(`\`${name}\`: expected a name or an array of names`);
    }
  }
  if ("reply_by" in message && !isTime(message.reply_by)) {
    throw new Invalid("`reply_by`: expected an RFC 3339 text or whole microseconds since 1970");
  }
  // The host writes these two itself; what somebody else wrote there is not believed.
  delete message.message_id;
  delete message.sent_at;
  const extra = Object.keys(message).filter((name) => !KNOWN.has(name));
  if (extra.length > MAX_EXTRA_FIELDS) {
    throw new Invalid(`more than ${MAX_EXTRA_FIELDS} fields that FIPA does not name`);
  }
  return message;
}

/** The filter that JSON text is, each of its fields an array. */
export function readFilter(json) {
  const written = parseObject(json, "a filter");
  const filter = {};
  let names = 0;
  for (const [field, value] of Object.entries(written)) {
    if (!FILTER_FIELDS.includes(field))
      throw new Invalid(`this is not a filter: it has no field \`${field}\``);
    if (value === null) continue;
    if (!isTexts(value))
      throw new Invalid(`this is not a filter: \`${field}\` is no string or array of strings`);
    filter[field] = field === "performative" ? toArray(value).map(readAct) : toArray(value);
    names += filter[field].length;
  }
  if (names > MAX_NAMES) throw new Invalid(`this is not a filter: it lists ${names} names`);
  return filter;
}

/** Whether a broadcast of `message` with this filter reaches an agent. */
export function reaches(filter, message, name, agent) {
  return Object.entries(filter).every(([field, wanted]) => {
    switch (field) {
      case "capabilities":
        return wanted.every((capability) => (agent.capabilities ?? []).includes(capability));
      case "services":
        return wanted.every((service) => (agent.services ?? []).includes(service));
      case "receiver":
        return wanted.includes(name);
      case "topic":
        return false;
      default:
        return wanted.includes(message[field]);
    }
  });
}

/** One name or several, as an array. */
export function toArray(names) {
  return Array.isArray(names) ? names : [names];
}

/** Who gets an answer to a message. */
export function answerTo(message) {
  return message.reply_to ?? message.sender;
}

/** Whether `message` is an answer to `asked`. */
export function answers(message, asked) {
  if (message.in_reply_to !== undefined) return message.in_reply_to === asked.reply_with;
  if (asked.reply_with === undefined) return true;
  return message.conversation_id !== undefined && message.conversation_id === asked.conversation_id;
}

function readAct(text) {
  const act = typeof text === "string" ? text.toLowerCase().replaceAll("_", "-") : "";
  if (!ACTS.has(act))
    throw new Invalid(`${JSON.stringify(text)} is not one of FIPA's 22 communicative acts`);
  return act;
}

function parseObject(json, what) {
  let value;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Invalid(`this is not ${what}: ${error.message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Invalid(`this is not ${what}: expected an object`);
  }
  return value;
}

function isTexts(value) {
  return (
    typeof value === "string" ||
    (Array.isArray(value) && value.every((text) => typeof text === "string"))
  );
}

function isTime(value) {
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\d[Tt ]/.test(value) && !Number.isNaN(Date.parse(value));
  return Number.isInteger(value) && value >= 0;
}
