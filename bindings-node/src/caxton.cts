/** Caxton runs systems of sandboxed agents inside your own program. */
/// <reference lib="esnext.disposable" />

export {
  Agent,
  type AgentState,
  type LogLine,
  type RequestOptions,
  type SendOptions,
  type Stats,
} from "./agent.cjs";
export {
  Conversation,
  type ConversationFilter,
  type ConversationState,
  type Exchanged,
  type Note,
  type Participant,
  type Protocol,
  type Stage,
} from "./conversation.cjs";
export {
  AgentFailed,
  AgentNotFound,
  CaxtonError,
  Closed,
  type ErrorDetails,
  Failed,
  InternalError,
  InvalidArgument,
  InvalidMessage,
  InvalidModule,
  LimitExceeded,
  MailboxFull,
  NameTaken,
  NotUnderstood,
  PermissionDenied,
  Refused,
  StoreError,
  Timeout,
  Trapped,
} from "./errors.cjs";
export { type Handler, HostAgent, type RegisterOptions, type Route } from "./host-agent.cjs";
export { Informs } from "./informs.cjs";
export type { Initiator } from "./initiator.cjs";
export { type Export, type Import, type Inspection, inspect } from "./inspect.cjs";
export {
  inspectStore,
  type StoredAgent,
  type StoredHostAgent,
  type StoreInspection,
} from "./inspect-store.cjs";
export {
  type Fields,
  Message,
  type MessageFields,
  type MessageLike,
  type Performative,
} from "./message.cjs";
export type {
  AgentLike,
  BrokerOptions,
  ContractNetOptions,
  DutchAuctionOptions,
  EnglishAuctionOptions,
  IteratedContractNetOptions,
  RequestWhenOptions,
} from "./negotiate.cjs";
export type {
  Abortable,
  BroadcastOptions,
  Ceiling,
  CompileLimits,
  ContentLimits,
  ContentLimitsInForce,
  DeployManyOptions,
  DeployOptions,
  EventFilter,
  EventKind,
  Filter,
  Grants,
  Limits,
  LimitsInForce,
  OneOrMany,
  RuntimeOptions,
  WaitOptions,
  Wasm,
} from "./options.cjs";
export { Answer, type AnswerStatus, Outcome } from "./outcome.cjs";
export { type DeadLetter, type Metrics, Runtime } from "./runtime.cjs";
export { Subscription } from "./subscription.cjs";
export type { CallAgain, Choose, ChooseAgain, Chosen } from "./tender.cjs";
export { Trace, type TraceOptions, type TraceStream } from "./trace.cjs";
