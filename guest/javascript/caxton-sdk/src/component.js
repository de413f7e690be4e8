// What a component exports for the world `agent` of agent.wit. bin/build.js puts it around an agent.

import { Agent } from "./agent.js";
import { completeEngine } from "./engine.js";
import { attach } from "./host.js";

export function component(agent, host) {
  if (!(agent instanceof Agent))
    throw new TypeError("the agent's file has to export `agent`, an Agent");
  completeEngine();
  // An agent's file is run when it is built, where there is no host: so it is attached with the first call.
  const called =
    (method) =>
    (...args) => {
      attach(host);
      return agent[method](...args);
    };
  return {
    agentInit: called("agentInit"),
    handleMessage: called("handleMessage"),
    handleTimer: called("handleTimer"),
    getCapabilities: called("getCapabilities"),
    agentShutdown: called("agentShutdown"),
  };
}
