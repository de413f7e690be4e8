import { unwrap } from "./fault.cjs";
import { Message, shown } from "./message.cjs";
import type { NativeConversation } from "./native.cjs";
import { checkString, type OneOrMany } from "./options.cjs";

/** An interaction protocol that the runtime follows. */
export type Protocol =
  | "fipa-request"
  | "fipa-query"
  | "fipa-request-when"
  | "fipa-propose"
  | "fipa-subscribe"
  | "fipa-contract-net"
  | "fipa-iterated-contract-net"
  | "fipa-auction-english"
  | "fipa-auction-dutch"
  | "fipa-brokering"
  | "fipa-recruiting";

/**
 * The state of a conversation: `open` while something has still to be said, `ended` after that, or
 * `abandoned` if it was given up to make room.
 */
export type ConversationState = "open" | "ended" | "abandoned";

/** The progress of a participant and the agent that asked it. */
export type Stage =
  | "start"
  | "asked"
  | "agreed"
  | "subscribed"
  | "called"
  | "proposed"
  | "announced"
  | "leading"
  | "defending"
  | "overbidding"
  | "outbid"
  | "accepted"
  | "answered"
  | "done"
  | "refused"
  | "failed"
  | "rejected"
  | "closed"
  | "won"
  | "cancelled"
  | "not-understood";

/** The runtime's notes on a message of a conversation. */
export type Note =
  /** The protocol did not allow it there. */
  | "out-of-sequence"
  /** It repeats an earlier message. */
  | "repeated"
  /** It came after the deadline that it should have met. */
  | "late"
  /** Somebody answered whom a recruiter found. */
  | "forwarded"
  /** The runtime reports that a deadline has passed. */
  | "deadline"
  /** The runtime reports a fault. */
  | "fault";

/** One participant of a conversation. Times are microseconds since the Unix epoch. */
export interface Participant {
  readonly name: string;
  /** The agent that asked it: the initiator, or one that passed the conversation on. */
  readonly askedBy: string;
  readonly stage: Stage;
  /** Who has to say something next, if somebody has to: the participant, or who asked it. */
  readonly due: "initiator" | "participant" | null;
  /** The deadline, if there is one. */
  readonly dueBy: number | null;
  /** True if a deadline passed before it answered. */
  readonly late: boolean;
  readonly askedAt: number;
  /** The time of its first answer, if there is one. */
  readonly answeredAt: number | null;
}

/** A message of a conversation, with the runtime's note on it. */
export interface Exchanged {
  readonly message: Message;
  readonly note: Note | null;
}

/** Which conversations are meant; without anything said all of them. */
export interface ConversationFilter {
  protocol?: Protocol | readonly Protocol[] | undefined;
  state?: ConversationState | readonly ConversationState[] | undefined;
  initiator?: OneOrMany | undefined;
  /** Agents that take part, on either side. */
  agent?: OneOrMany | undefined;
}

/** A conversation that names a protocol, as it was at the time of the call. */
export class Conversation {
  readonly #native: NativeConversation;
  #messages: readonly Exchanged[] | undefined;
  /** The `conversation_id` of its messages. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly state: ConversationState;
  /** The agent that began it. */
  readonly initiator: string;
  /** The agents that were asked to take part, in that order; at most 10,000. */
  readonly participants: readonly Participant[];
  /** The number of messages that are left out; they came after the first 64 of `messages`. */
  readonly omitted: number;
  /** The time of its first message: microseconds since the Unix epoch. */
  readonly beganAt: number;
  /** The time at which it ended, if it has: microseconds since the Unix epoch. */
  readonly endedAt: number | null;

  /** @internal */
  constructor(conversation: NativeConversation) {
    this.#native = conversation;
    const { participants, ...described } = conversation.describe();
    this.id = described.id;
    this.protocol = described.protocol as Protocol;
    this.state = described.state as ConversationState;
    this.initiator = described.initiator;
    this.participants = participants.map(
      ({ due = null, dueBy = null, answeredAt = null, ...participant }) =>
        ({ ...participant, due, dueBy, answeredAt }) as Participant,
    );
    this.omitted = described.omitted;
    this.beganAt = described.beganAt;
    this.endedAt = described.endedAt ?? null;
  }

  /** Its messages in their order. Of long conversations the middle is left out. */
  get messages(): readonly Exchanged[] {
    this.#messages ??= this.#native.messages().map(({ message, note = null }) => ({
      message: Message.fromNative(message),
      note: note as Note | null,
    }));
    return this.#messages;
  }

  /**
   * Draws it as a sequence diagram, who said what to whom and when: in the language of Mermaid, as GitHub
   * and many editors draw it; as an SVG that stands for itself; or as a piece of HTML with the drawing,
   * and the messages in a table.
   */
  diagram(form: "mermaid" | "svg" | "html" = "mermaid"): string {
    return unwrap(this.#native.diagram(checkString(form, "form")));
  }

  /** The conversation in one line. */
  toString(): string {
    const count = this.participants.length;
    const said = this.messages.length + this.omitted;
    return `<Conversation ${shown(this.id)} ${this.protocol} ${this.state}: ${count} participants, ${said} messages>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
