// What the host says when it does not do what it was asked.

/** The codes below 0 that the host's functions give. */
export enum HostError {
  /** There is no such key, agent, timer or subscription. */
  NotFound = -1,
  /** No UTF-8, no message, or no filter. */
  InvalidArgument = -2,
  /** The agent's grants do not allow it, or it spoke in another's name. */
  PermissionDenied = -3,
  /** A rate, a size or a count is above its limit. */
  LimitExceeded = -4,
  /** The value is longer than the buffer that it was to be written to. */
  BufferTooSmall = -5,
  /** The receiver's mailbox has no room. */
  MailboxFull = -6,
}

/** What a code of the host's means, and what can be done about it. */
export function errorText(code: i32): string {
  if (code >= 0) return "no error";
  switch (code) {
    case HostError.NotFound:
      return "not found: there is no such key, agent, timer or subscription";
    case HostError.InvalidArgument:
      return "invalid argument: the host could not read what it was given; the agent's log says more";
    case HostError.PermissionDenied:
      return "permission denied: the agent's grants do not allow it, or the message names another sender; "
        + "the agent's log says more";
    case HostError.LimitExceeded:
      return "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log says more";
    case HostError.BufferTooSmall:
      return "buffer too small: the value is longer than the buffer; ask for its size first";
    case HostError.MailboxFull:
      return "mailbox full: the receiver has no room now; try again later";
    default:
      return `the host gave the code ${code}; the agent's log says more`;
  }
}
