import { Message, shown } from "./message.cjs";
import { type NativeAnswer, type NativeOutcome, native } from "./native.cjs";

/** Where a participant stands. */
export type AnswerStatus =
  /** It has not answered. */
  | "silent"
  /** It has made a proposal, which has not been decided upon. */
  | "proposed"
  /** Its proposal came after the deadline, and was rejected. */
  | "late"
  | "refused"
  /** It failed, or the runtime says that it did. */
  | "failed"
  | "not-understood"
  /** Its proposal was rejected. */
  | "rejected"
  /** Its proposal was accepted, and its result has not come. */
  | "accepted"
  /** Its proposal was accepted, and its result has come. */
  | "done";

/** The answer of one participant. */
export class Answer {
  /** The participant's name. */
  readonly agent: string;
  /** The participant's status. */
  readonly status: AnswerStatus;
  /** Its last proposal. */
  readonly proposal: Message | null;
  /** Its last other message: its result, its refusal, or its failure. */
  readonly message: Message | null;

  /** @internal */
  constructor({ agent, status, proposal, message }: NativeAnswer) {
    this.agent = agent;
    this.status = status as AnswerStatus;
    this.proposal = proposal === undefined ? null : Message.fromNative(proposal);
    this.message = message === undefined ? null : Message.fromNative(message);
    Object.freeze(this);
  }

  /** The answer in one line. */
  toString(): string {
    const said = this.message ?? this.proposal;
    const content = said === null ? "" : `: ${native.contentLine(Message.textOf(said))}`;
    return `<Answer ${shown(this.agent)} ${this.status}${content}>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** The outcome of a protocol with several participants, with the answer of each. */
export class Outcome {
  /** The conversation: see `Runtime.conversation`. */
  readonly conversationId: string;
  /** The participants, in the order in which they were named. */
  readonly answers: readonly Answer[];
  /**
   * Answers of agents to which a participant passed the conversation on, in the order in which they came. There is
   * room for 64 MiB and 32,768 of them, and for an eighth of that from one sender.
   */
  readonly forwarded: readonly Message[];
  /** The number of answers that found no room there, or that came faster than they were read. */
  readonly missed: number;
  /** The number of rounds of proposals. */
  readonly rounds: number;
  /** What an auction ended at; `null` if nothing was sold, and in anything else. */
  readonly price: number | null;
  /** The first participant whose proposal was accepted: what it did with it is its status. */
  readonly winner: Answer | null;

  /** @internal */
  constructor(outcome: NativeOutcome) {
    this.conversationId = outcome.conversationId;
    this.answers = Object.freeze(outcome.answers.map((answer) => new Answer(answer)));
    this.forwarded = Object.freeze(outcome.forwarded.map((json) => Message.fromNative(json)));
    this.missed = outcome.missed;
    this.rounds = outcome.rounds;
    this.price = outcome.price ?? null;
    this.winner = this.answers[outcome.winner ?? -1] ?? null;
    Object.freeze(this);
  }

  /** The winner's last answer: its result, or its failure. */
  get result(): Message | null {
    return this.winner?.message ?? null;
  }

  /** Who has made a proposal that was not decided upon. */
  get proposed(): string[] {
    return this.#with("proposed");
  }

  /** Whose proposal was rejected. */
  get rejected(): string[] {
    return this.#with("rejected");
  }

  /** The participants that refused. */
  get refused(): string[] {
    return this.#with("refused");
  }

  /** Whose proposal came after the deadline, and was rejected. */
  get late(): string[] {
    return this.#with("late");
  }

  /** The participants that have not answered. */
  get silent(): string[] {
    return this.#with("silent");
  }

  /** The participants that failed, by their own word or the runtime's. */
  get failed(): string[] {
    return this.#with("failed");
  }

  /** The participants that did not understand. */
  get notUnderstood(): string[] {
    return this.#with("not-understood");
  }

  /** Whose proposal was accepted, and whose result has not come. */
  get accepted(): string[] {
    return this.#with("accepted");
  }

  /** Whose proposal was accepted, and whose result has come. */
  get done(): string[] {
    return this.#with("done");
  }

  #with(status: AnswerStatus): string[] {
    return this.answers.filter((answer) => answer.status === status).map(({ agent }) => agent);
  }

  /** The outcome in one line. */
  toString(): string {
    const winner = this.winner === null ? "no winner" : `winner ${shown(this.winner.agent)}`;
    const counts = new Map<AnswerStatus, number>();
    for (const { status } of this.answers) counts.set(status, (counts.get(status) ?? 0) + 1);
    const others = [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
    const price = this.price === null ? "" : ` at ${this.price}`;
    return `<Outcome ${winner}${price}${others && `: ${others}`}>`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
