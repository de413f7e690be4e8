// What the addon offers. It is loaded once a thread; everything above it is TypeScript.

/** @internal An error as data: see errors.cts. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly missing: string[];
  readonly limitKind?: string;
  readonly limit?: number;
  readonly used?: number;
  readonly backtrace?: string;
  readonly reply?: string;
}

/** @internal The id of a call that waits. */
export type Pending = number;

/** @internal One limit; without a value there is none. */
export interface LimitEntry {
  name: string;
  value?: number;
}

/** @internal A message from outside: JSON as text or as bytes. */
export type Written = string | Uint8Array;

/** A message: JSON that the program wrote, or a message that somebody else wrote. */
export type WrittenMessage = Written | { readonly foreign: string };

/** @internal */
export interface NativeAgent {
  readonly name: string;
  readonly id: string;
  readonly state: string;
  readonly capabilities: string[];
  readonly limits: LimitEntry[];
  readonly contentLimits: LimitEntry[] | null;
  stats(): NativeFigure[];
  logs(): { at: number; level: string; text: string }[];
  startProfile(): Fault | null;
  stopProfile(): Fault | string;
  send(
    content: string,
    performative: string,
    fields: string | undefined,
    millis: number | undefined,
  ): Pending | Fault | undefined;
  ask(
    content: string,
    performative: string,
    fields: string | undefined,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  request(
    content: string,
    fields: string | undefined,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  suspend(): Pending | Fault | undefined;
  resume(): Pending | Fault | undefined;
  restart(): Pending | Fault | undefined;
  replace(wasm: Written, isPath: boolean): Pending | Fault | undefined;
  remove(): Pending | Fault | undefined;
}

/** @internal */
export interface NativeSubscription {
  readonly missed: number;
  next(): Pending | string | null;
  tryNext(): string | null;
  close(): void;
}

/** @internal */
export interface NativeInforms {
  readonly agent: string;
  readonly conversationId: string;
  readonly missed: number;
  next(millis: number | undefined): Pending | Fault | string | null;
  close(): void;
}

/** @internal */
export interface NativeTrace {
  readonly missed: number;
  next(): Pending | string | null;
  tryNext(): string | null;
  close(): void;
}

/** @internal What one participant answered; messages are JSON. */
export interface NativeAnswer {
  agent: string;
  status: string;
  proposal?: string;
  message?: string;
}

/** @internal What came of a protocol with several participants. */
export interface NativeOutcome {
  conversationId: string;
  answers: NativeAnswer[];
  winner?: number;
  forwarded: string[];
  missed: number;
  rounds: number;
  price?: number;
}

/** @internal */
export interface NativeTender {
  proposals(): NativeAnswer[];
  award(to: string[]): Pending | Fault | NativeOutcome;
  callAgain(task: string, to: string[]): Pending | Fault | undefined;
  drop(): void;
}

/** @internal */
export interface NativeNet {
  task: string;
  participants: string[];
  deadline: number;
  timeout?: number;
  rounds?: number;
  within?: number;
}

/** @internal */
export interface NativeAuction {
  item: string;
  bidders: string[];
  start: number;
  step: number;
  reserve?: number;
  deadline: number;
  delivers?: boolean;
  timeout?: number;
  within?: number;
}

/** @internal */
export interface NativeBrokered {
  broker: string;
  description: string;
  message: string;
  maxResults?: number;
  timeout?: number;
  within?: number;
}

/** @internal */
export interface NativeConversation {
  describe(): {
    id: string;
    protocol: string;
    state: string;
    initiator: string;
    participants: {
      name: string;
      askedBy: string;
      stage: string;
      due?: string;
      dueBy?: number;
      late: boolean;
      askedAt: number;
      answeredAt?: number;
    }[];
    omitted: number;
    beganAt: number;
    endedAt?: number;
  };
  messages(): { message: string; note?: string }[];
  diagram(form: string): string | Fault;
}

/** @internal */
export interface NativeHostAgent {
  readonly name: string;
  readonly id: string;
  on(handler: number, act: string | undefined, protocol: string | undefined): Fault | null;
  remove(): void;
}

/** @internal */
export interface NativeDeployOptions {
  name?: string;
  limits?: LimitEntry[];
  contentLimits?: LimitEntry[];
  compileLimits?: LimitEntry[];
  capabilities?: string[];
  restart?: string;
  grants?: string;
  config?: string;
  isPath?: boolean;
}

/** @internal */
export interface NativeRuntimeOptions {
  name?: string;
  limits?: LimitEntry[];
  contentLimits?: LimitEntry[];
  compileLimits?: LimitEntry[];
  workers?: number;
  maxAgents?: number;
  seed?: number;
  store?: string;
  ceiling?: { grants?: string; limits?: LimitEntry[] };
  durability?: string;
  protocols?: string;
  profile?: string;
}

/** @internal */
export interface NativeRuntime {
  readonly name: string;
  readonly isClosed: boolean;
  deploy(wasm: Written, options: NativeDeployOptions): Pending | Fault | NativeAgent;
  deployMany(
    wasm: Written,
    names: string[],
    options: NativeDeployOptions,
  ): Pending | Fault | NativeAgent[];
  register(
    name: string,
    handler: number | undefined,
    capabilities: string[],
    concurrency: number | undefined,
  ): NativeHostAgent | Fault;
  send(message: WrittenMessage, millis: number | undefined): Pending | Fault | undefined;
  trySend(message: WrittenMessage): Fault | null;
  sendMany(messages: WrittenMessage[], millis: number | undefined): Pending | Fault | undefined;
  ask(
    message: WrittenMessage,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  request(
    message: WrittenMessage,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  askMany(
    messages: WrittenMessage[],
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | (string | Fault)[];
  queryIf(
    agent: string,
    proposition: string,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | boolean;
  queryRef(
    agent: string,
    reference: string,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  requestWhen(
    agent: string,
    action: string,
    condition: string,
    deadline: number | undefined,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  propose(
    agent: string,
    proposal: string,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | string;
  subscribeTo(
    agent: string,
    content: string,
    millis: number | undefined,
    within: number | undefined,
  ): Pending | Fault | NativeInforms;
  contractNet(net: NativeNet, choose: string): Pending | Fault | NativeOutcome;
  callForProposals(net: NativeNet): Pending | Fault | NativeTender;
  englishAuction(auction: NativeAuction): Pending | Fault | NativeOutcome;
  dutchAuction(auction: NativeAuction): Pending | Fault | NativeOutcome;
  broker(brokered: NativeBrokered): Pending | Fault | string[];
  recruit(brokered: NativeBrokered): Pending | Fault | string[];
  conversation(id: string): NativeConversation | null;
  conversations(filter: string): NativeConversation[] | Fault;
  trace(filter: string, isColoured: boolean, width: number): NativeTrace | Fault;
  broadcast(
    content: string,
    performative: string,
    fields: string | undefined,
    filter: string,
  ): number | Fault;
  subscribe(filter: string): NativeSubscription | Fault;
  events(filter: string): NativeSubscription | Fault;
  metrics(): NativeMetrics;
  prometheus(): string;
  agents(): NativeAgent[];
  agentNamed(name: string): NativeAgent | Fault;
  find(filter: string): string[] | Fault;
  deadLetters(): { id: number; at: number; message: string; reason: string; agent?: string }[];
  replayDeadLetter(id: number): Fault | null;
  dropDeadLetter(id: number): Fault | null;
  close(millis: number | undefined): Pending | Fault | undefined;
}

/** @internal */
export interface NativeInspection {
  bytes: number;
  sections: Record<string, number>;
  advice: string[];
  compileMillis: number;
  compileFunctionMillis: number;
  compileFunctionBytes: number;
  exports: { name: string; type: string }[];
  imports: { module: string; name: string; type: string }[];
  missing: string[];
  memoryBytes: number;
  maxMemoryBytes?: number;
  producers: string[];
  allocators: string[];
  start?: string;
  inbox?: string;
}

/** @internal One figure of an agent. */
export interface NativeFigure {
  name: string;
  value: number;
}

/** @internal */
export interface NativeMetrics {
  total: NativeFigure[];
  agents: { name: string; figures: NativeFigure[] }[];
  hostAgents: number;
  deadLetters: number;
}

/** @internal */
export interface NativeStoreInspection {
  version: number;
  sizeBytes: number;
  agents: {
    name: string;
    id: string;
    state: string;
    moduleHash: string;
    moduleBytes: number;
    restart: string;
    capabilities: string[];
    storedBytes: number;
    storedKeys: number;
    timers: number;
    subscriptions: number;
    mailboxMessages: number;
  }[];
  hostAgents: { name: string; mailboxMessages: number }[];
  deadLetters: number;
  mailboxMessages: number;
}

/** @internal A message for a handler. */
export interface Delivery {
  handler: number;
  task: number;
  message: string;
}

/** @internal Everything that was ready when the event loop got to it. */
export interface Ready {
  calls: number[];
  outcomes: unknown[];
  deliveries: Delivery[];
  gone: number[];
}

/** @internal */
export interface NativeHub {
  drain(): Ready;
  cancel(call: number): void;
  finish(task: number, answer: number, text: string, code?: string): void;
}

/** @internal */
export interface Native {
  Hub: new (wakeUp: () => void) => NativeHub;
  Answer: { Nothing: number; Content: number; Message: number; Failure: number };
  openRuntime(hub: NativeHub, options: NativeRuntimeOptions): NativeRuntime | Fault;
  runCommand(args: string[]): number;
  inspect(hub: NativeHub, wasm: Written, isPath: boolean): Pending | Fault | NativeInspection;
  inspectStore(hub: NativeHub, path: string): Pending | Fault | NativeStoreInspection;
  readMessage(message: WrittenMessage, isForeign: boolean): string | Fault;
  composeReply(
    message: string,
    performative: string,
    content: string,
    fields: string | undefined,
  ): string | Fault;
  messageLine(message: string): string;
  contentLine(message: string): string;
  replyBy(message: string): number | null;
  defaultLimits(): LimitEntry[];
  defaultContentLimits(): LimitEntry[];
  defaultCompileLimits(): LimitEntry[];
  errorCodes(): string[];
}

/** @internal */
export const native: Native = require("../caxton.node") as Native;
