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
export { type Handler, HostAgent, type RegisterOptions } from "./host-agent.cjs";
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
  Abortable,
  BroadcastOptions,
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
  RuntimeOptions,
  WaitOptions,
  Wasm,
} from "./options.cjs";
export { type DeadLetter, type Metrics, Runtime } from "./runtime.cjs";
export { Subscription } from "./subscription.cjs";
