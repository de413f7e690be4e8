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
 * Whether a conversation goes on: something has still to be said, with nobody anything has, or it was
 * given up, since it was idle for longest when there were too many.
 */
export type ConversationState = "open" | "ended" | "abandoned";

/** How far a participant and who asked it have come. */
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

/** What is remarkable about a message of a conversation. */
export type Note =
  /** The protocol did not allow it there. */
  | "out-of-sequence"
  /** The same had been said already. */
  | "repeated"
  /** It came after the deadline that it should have met. */
  | "late"
  /** Somebody answered whom a recruiter found. */
  | "forwarded"
  /** The runtime says that a deadline has passed. */
  | "deadline"
  /** The runtime says that something went wrong. */
  | "fault";

/** One participant of a conversation. Times are microseconds since the Unix epoch. */
export interface Participant {
  readonly name: string;
  /** The initiator, or who passed the conversation on. */
  readonly askedBy: string;
  readonly stage: Stage;
  /** Who has to say something next, if somebody has to: the participant, or who asked it. */
  readonly due: "initiator" | "participant" | null;
  /** By when, where that was said. */
  readonly dueBy: number | null;
  /** Whether a deadline passed before it answered. */
  readonly late: boolean;
  readonly askedAt: number;
  /** When it said something first, if it has. */
  readonly answeredAt: number | null;
}

/** A message of a conversation, and what the runtime has to say of it. */
export interface Exchanged {
  readonly message: Message;
  readonly note: Note | null;
}

/** Which conversations are meant; without anything said all of them. */
export interface ConversationFilter {
  protocol?: Protocol | readonly Protocol[] | undefined;
  state?: ConversationState | readonly ConversationState[] | undefined;
  initiator?: OneOrMany | undefined;
  /** Who takes part, on whichever side. */
  agent?: OneOrMany | undefined;
}

/** A conversation that names a protocol, as it stood when it was looked at. */
export class Conversation {
  readonly #native: NativeConversation;
  #messages: readonly Exchanged[] | undefined;
  /** The `conversation_id` of its messages. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly state: ConversationState;
  /** Who began it. */
  readonly initiator: string;
  /** Who was asked to take part, in the order in which they were; at most 10,000. */
  readonly participants: readonly Participant[];
  /** How many messages are left out; they stood behind the first half of `messages`. */
  readonly omitted: number;
  /** When its first message was sent: microseconds since the Unix epoch. */
  readonly beganAt: number;
  /** When it ended, if it has: microseconds since the Unix epoch. */
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
