// Tests of an agent without the runtime: a mock host for any agent module.

export { MockHost } from "./host.js";
export { AgentTrapped } from "./trapped.js";
