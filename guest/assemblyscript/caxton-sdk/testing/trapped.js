/** An agent's turn was dropped: it trapped, or broke a limit. */
export class AgentTrapped extends Error {
  name = "AgentTrapped";

  constructor(kind, message, options) {
    super(message, options);
    this.kind = kind;
  }

  /** What an error that came out of an agent was; null if it is the test's own. */
  static from(error) {
    if (error instanceof AgentTrapped) return error;
    if (error instanceof WebAssembly.RuntimeError) {
      return new AgentTrapped("trap", `it trapped: ${error.message}`, { cause: error });
    }
    if (error instanceof RangeError && /call stack/.test(error.message)) {
      return new AgentTrapped("stack", "its call stack overflowed", { cause: error });
    }
    return null;
  }
}
