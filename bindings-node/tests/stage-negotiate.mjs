// The steps in which the program begins a protocol, and looks at conversations.
import { Message } from "caxton";
import { only } from "./expect.mjs";

/** The steps, with what may stand beside each. */
export const NEGOTIATION_STEPS = {
  query_if: ["timeout"],
  query_ref: ["timeout"],
  propose: ["timeout"],
  request_when: ["timeout", "deadline"],
  contract_net: ["timeout", "deadline"],
  iterated_contract_net: ["timeout", "deadline"],
  english_auction: ["timeout", "deadline"],
  dutch_auction: ["deadline"],
  broker: ["timeout"],
  recruit: ["timeout"],
  subscribe_to: ["agent", "content", "timeout"],
  next_inform: [],
  close_informs: [],
  conversation: [],
  conversations: [],
  diagram: ["form"],
};

const millis = (seconds) => (seconds === undefined ? undefined : seconds * 1000);
const shown = (message) => (message === null ? null : message.toJSON());

/** Does a step that is one of these. */
export async function negotiate(stage, name, value, step) {
  const { runtime, informs } = stage;
  const timeout = millis(step.timeout);
  const deadline = millis(step.deadline);
  switch (name) {
    case "query_if":
      only(value, ["agent", "content"]);
      return runtime.queryIf(value.agent, value.content, { timeout });
    case "query_ref":
      only(value, ["agent", "content"]);
      return shown(await runtime.queryRef(value.agent, value.content, { timeout }));
    case "propose":
      only(value, ["agent", "content"]);
      return shown(await runtime.propose(value.agent, value.content, { timeout }));
    case "request_when": {
      only(value, ["agent", "action", "condition"]);
      const { agent, action, condition } = value;
      return shown(await runtime.requestWhen(agent, action, condition, { deadline, timeout }));
    }
    case "contract_net": {
      only(value, ["task", "participants", "choose"]);
      const options = { deadline, timeout, choose: chooser(value.choose) };
      return outcomeShown(await runtime.contractNet(value.task, value.participants, options));
    }
    case "iterated_contract_net": {
      only(value, ["task", "participants", "choose", "rounds"]);
      const { task, participants, rounds } = value;
      const options = { deadline, timeout, rounds, choose: chooser(value.choose) };
      return outcomeShown(await runtime.iteratedContractNet(task, participants, options));
    }
    case "english_auction": {
      only(value, ["item", "bidders", "start", "step", "reserve", "deliver"]);
      const { item, bidders, ...options } = value;
      const terms = { ...options, deadline, timeout };
      return outcomeShown(await runtime.englishAuction(item, bidders, terms));
    }
    case "dutch_auction": {
      only(value, ["item", "bidders", "start", "step", "reserve"]);
      const { item, bidders, ...options } = value;
      return outcomeShown(await runtime.dutchAuction(item, bidders, { ...options, deadline }));
    }
    case "broker":
    case "recruit": {
      only(value, ["broker", "description", "message", "max_results"]);
      const { broker, description, message, max_results } = value;
      const options = { maxResults: max_results, timeout };
      return (await runtime[name](broker, description, message, options)).map(shown);
    }
    case "subscribe_to":
      informs.set(value, await runtime.subscribeTo(step.agent, step.content, { timeout }));
      return null;
    case "next_inform": {
      const { done, value: message } = await informs.get(value).next();
      return done ? null : shown(message);
    }
    case "close_informs":
      informs.get(value).close();
      return null;
    case "conversation": {
      const conversation = runtime.conversation(value);
      return conversation && conversationShown(conversation);
    }
    case "conversations":
      return runtime.conversations(value).map(conversationShown);
    case "diagram":
      return runtime.conversation(value).diagram(step.form);
    default:
      throw new Error(`the step ${name} is not written`);
  }
}

function chooser(choose) {
  return choose?.names === undefined ? choose : () => choose.names;
}

function outcomeShown(outcome) {
  return {
    conversation_id: outcome.conversationId,
    winner: outcome.winner?.agent ?? null,
    result: shown(outcome.result),
    answers: outcome.answers.map(({ agent, status, proposal, message }) => ({
      agent,
      status,
      proposal: shown(proposal),
      message: shown(message),
    })),
    forwarded: outcome.forwarded.map(shown),
    missed: outcome.missed,
    rounds: outcome.rounds,
    price: outcome.price,
  };
}

function conversationShown(conversation) {
  const { id, protocol, state, initiator, participants, messages, omitted } = conversation;
  return {
    id,
    protocol,
    state,
    initiator,
    participants: participants.map(({ name, askedBy, stage, due, late }) => ({
      name,
      asked_by: askedBy,
      stage,
      due,
      late,
    })),
    messages: messages.map(({ message, note }) => ({ message: shown(message), note })),
    omitted,
  };
}

/** Registers a host agent that answers as its case says. */
export function register(runtime, value) {
  only(value, ["name", "capabilities", "concurrency", "reply", "on"]);
  const { name, capabilities, concurrency, reply, on } = value;
  const handler = (reply) => (message) => answer(runtime, reply, message);
  const rest = reply === undefined ? undefined : handler(reply);
  const host = runtime.register(name, rest, { capabilities, concurrency });
  for (const { reply, ...route } of on ?? []) host.on(route, handler(reply));
  return host;
}

/** What a host agent answers, as its case says. */
async function answer(runtime, reply, message) {
  const [[kind, value]] = Object.entries(reply ?? { nothing: true });
  switch (kind) {
    case "content":
      return value;
    case "message":
      return new Message(value);
    case "raise":
      throw new Error(value);
    case "nonsense":
      return () => "no JSON";
    case "echo":
      return message.content;
    case "nothing":
      return undefined;
    case "ask":
      return (await runtime.ask(value)).content;
    default:
      throw new Error(`unknown reply ${kind}`);
  }
}
