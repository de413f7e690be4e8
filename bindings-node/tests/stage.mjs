// The steps of the shared cases: what each does, and how its outcome is checked.
import assert from "node:assert/strict";
import { CaxtonError, inspect, inspectStore, Message, Runtime } from "caxton";
import { compare, compareError, expand, only } from "./expect.mjs";
import { NEGOTIATION_STEPS, negotiate, register } from "./stage-negotiate.mjs";
import { agentBytes } from "./support.mjs";

/** How long a step may hang, in milliseconds. */
const HANGS = 60_000;

/** The steps, with what may stand beside each. */
const STEPS = {
  deploy: [],
  deploy_many: [],
  register: [],
  ask: ["timeout"],
  request: ["timeout"],
  send: ["timeout"],
  try_send: [],
  ask_text: ["timeout"],
  send_text: ["timeout"],
  send_many: ["timeout"],
  ask_many: ["timeout"],
  broadcast: [],
  subscribe: ["filter"],
  next: [],
  none: [],
  find: [],
  agents: [],
  state: [],
  capabilities: [],
  logs: [],
  stats: [],
  events: ["kind", "agent"],
  metrics: [],
  prometheus: [],
  dead_letters: [],
  replay_dead_letter: [],
  drop_dead_letter: [],
  suspend: [],
  start_profile: [],
  stop_profile: [],
  resume: [],
  restart: [],
  replace: ["module"],
  remove: [],
  unregister: [],
  inspect: [],
  inspect_store: [],
  close: [],
  reopen: [],
  open: [],
  repeat: ["steps"],
  ...NEGOTIATION_STEPS,
};

/** The options of a deployment. */
const DEPLOYMENT = [
  "limits",
  "content_limits",
  "compile_limits",
  "capabilities",
  "grants",
  "restart",
  "config",
];

export const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const renamed = (object, rename) =>
  object && Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]));
const shown = (message) => message.toJSON();

/** The options of a runtime as a case has them. */
function runtimeOptions({
  limits,
  content_limits,
  compile_limits,
  max_agents,
  ceiling,
  ...options
}) {
  only(options, ["name", "workers", "store", "durability", "protocols", "profile"]);
  return {
    ...options,
    ...(limits && { limits: renamed(limits, camel) }),
    ...(content_limits && { contentLimits: renamed(content_limits, camel) }),
    ...(compile_limits && { compileLimits: renamed(compile_limits, camel) }),
    ...(max_agents !== undefined && { maxAgents: max_agents }),
    ...(ceiling && {
      ceiling: {
        ...(ceiling.grants && { grants: renamed(ceiling.grants, camel) }),
        ...(ceiling.limits && { limits: renamed(ceiling.limits, camel) }),
      },
    }),
  };
}

/** A runtime with what a case has made in it; it may be there already, and stays then. */
export class Stage {
  agents = new Map();
  hosts = new Map();
  subscriptions = new Map();
  informs = new Map();

  constructor(testCase, each) {
    if (testCase.runtime instanceof Runtime) {
      this.runtime = testCase.runtime;
    } else {
      this.options = runtimeOptions(testCase.runtime ?? {});
      this.runtime = new Runtime(this.options);
    }
    this.modules = testCase.modules ?? {};
    this.each = each;
  }

  async run(steps, label) {
    for (const [index, written] of steps.entries()) {
      const step = expand(written);
      await this.step(step, `${label}${index + 1}`);
    }
  }

  async step(step, at) {
    const named = Object.keys(STEPS).filter((name) => name in step);
    assert.equal(named.length, 1, `${at} is not one of the steps: ${JSON.stringify(step)}`);
    const [name] = named;
    only(step, [name, "expect", "error", "eventually", ...STEPS[name]], at);
    if (name === "repeat") {
      for (let round = 1; round <= step.repeat; round += 1) {
        await this.run(step.steps, `${at}, round ${round}, step `);
      }
      return;
    }
    const end = Date.now() + HANGS;
    for (;;) {
      try {
        return await this.tryStep(name, step, at);
      } catch (error) {
        if (!step.eventually || Date.now() > end) throw error;
        await new Promise((again) => setTimeout(again, 2));
      }
    }
  }

  async tryStep(name, step, at) {
    let got;
    try {
      got = await withinTime(this.act(name, step[name], step), at);
    } catch (error) {
      if (!(error instanceof CaxtonError) || step.error === undefined) {
        error.message = `${at}: ${error.message}`;
        throw error;
      }
      compareError(step.error, error, at);
      return;
    }
    assert.equal(step.error, undefined, `${at} gave ${JSON.stringify(got)}`);
    if (step.expect === undefined) return;
    if (name === "logs") hasLines(step.expect, got, at);
    else compare(step.expect, got, at);
  }

  async act(name, value, step) {
    const { runtime } = this;
    const options = { timeout: step.timeout === undefined ? undefined : step.timeout * 1000 };
    switch (name) {
      case "deploy": {
        only(value, ["name", "module", ...DEPLOYMENT]);
        const agent = await runtime.deploy(this.module(value.module), {
          ...this.deployment(value),
          name: value.name,
        });
        return this.keep(agent);
      }
      case "deploy_many": {
        only(value, ["names", "module", ...DEPLOYMENT]);
        const agents = await runtime.deployMany(
          this.module(value.module),
          value.names,
          this.deployment(value),
        );
        return agents.map((agent) => this.keep(agent));
      }
      case "register":
        this.hosts.set(value.name, register(runtime, value));
        return null;
      case "ask":
      case "ask_text":
        return shown(await runtime.ask(value, options));
      case "request":
        only(value, ["agent", "content"]);
        return shown(await this.agent(value.agent).request(value.content, options));
      case "send":
      case "send_text":
        await runtime.send(value, options);
        return null;
      case "try_send":
        runtime.trySend(value);
        return null;
      case "send_many":
        await runtime.sendMany(value, options);
        return null;
      case "ask_many":
        return (await runtime.askMany(value, options)).map((reply) =>
          reply instanceof Message ? shown(reply) : { error: { code: reply.code } },
        );
      case "broadcast":
        only(value, ["content", "filter", "fields"]);
        return runtime.broadcast(value.content, { filter: value.filter, ...value.fields });
      case "subscribe":
        this.subscriptions.set(value, runtime.subscribe(step.filter));
        return null;
      case "next": {
        const { done, value: message } = await this.subscriptions.get(value).next();
        return done ? null : shown(message);
      }
      case "none":
        assert.equal(this.subscriptions.get(value).tryNext(), undefined);
        return null;
      case "find":
        return runtime.find(value);
      case "agents":
        return runtime.agents().map((agent) => agent.name);
      case "state":
      case "capabilities":
        return this.agent(value)[name];
      case "logs":
        return this.agent(value)
          .logs()
          .map((line) => line.text);
      case "stats":
        return renamed(this.agent(value).stats(), snake);
      case "events": {
        const { kind, agent } = step;
        this.subscriptions.set(value, runtime.events({ kind, agent }));
        return null;
      }
      case "metrics": {
        const { total, agents, hostAgents, deadLetters } = runtime.metrics();
        const named = [...agents].map(([name, stats]) => [name, renamed(stats, snake)]);
        return {
          total: renamed(total, snake),
          agents: Object.fromEntries(named),
          host_agents: hostAgents,
          dead_letters: deadLetters,
        };
      }
      case "prometheus":
        return runtime.prometheus();
      case "dead_letters":
        return runtime
          .deadLetters()
          .map(({ message, reason, agent }) => ({ message: shown(message), reason, agent }));
      case "replay_dead_letter":
        runtime.replayDeadLetter(this.deadLetter(value));
        return null;
      case "drop_dead_letter":
        runtime.dropDeadLetter(this.deadLetter(value));
        return null;
      case "start_profile":
        this.agent(value).startProfile();
        return null;
      case "stop_profile":
        return this.agent(value).stopProfile();
      case "suspend":
      case "resume":
      case "restart":
        await this.agent(value)[name]();
        return null;
      case "replace":
        await this.agent(value).replace(this.module(step.module));
        return null;
      case "remove":
        await this.agent(value).remove();
        return null;
      case "unregister":
        this.hosts.get(value).remove();
        return null;
      case "inspect":
        return renamed(await inspect(this.module(value)), snake);
      case "inspect_store": {
        const { agents, hostAgents, ...found } = await inspectStore(value);
        return {
          ...renamed(found, snake),
          agents: agents.map((agent) => renamed(agent, snake)),
          host_agents: hostAgents.map((host) => renamed(host, snake)),
        };
      }
      case "close":
        await runtime.close();
        return null;
      case "reopen":
        await runtime.close();
        this.hosts.clear();
        this.subscriptions.clear();
        this.informs.clear();
        if (value !== true) Object.assign(this.options, runtimeOptions(value));
        this.runtime = new Runtime(this.options);
        this.agents = new Map(this.runtime.agents().map((agent) => [agent.name, agent]));
        return null;
      case "open": {
        const other = new Runtime(runtimeOptions(value));
        await other.close();
        return null;
      }
      default:
        return negotiate(this, name, value, step);
    }
  }

  keep(agent) {
    this.agents.set(agent.name, agent);
    return agent.name;
  }

  agent(name) {
    assert.ok(this.agents.has(name), `${name} was not deployed`);
    return this.agents.get(name);
  }

  /** The id of the dead letter at this place, counted from the oldest. */
  deadLetter(at) {
    return this.runtime.deadLetters()[at]?.id ?? Number.MAX_SAFE_INTEGER;
  }

  deployment({ limits, content_limits, compile_limits, ...others }) {
    return {
      limits: renamed(limits, camel),
      contentLimits: renamed(content_limits, camel),
      compileLimits: renamed(compile_limits, camel),
      grants: renamed(others.grants, camel),
      restart: others.restart,
      config: others.config,
      capabilities: others.capabilities,
    };
  }

  module(name) {
    if (name.startsWith("file:")) return name.slice("file:".length);
    if (name.startsWith("bytes:")) return Buffer.from(name.slice("bytes:".length), "hex");
    if (name in this.modules) return Buffer.from(this.modules[name].join("\n"));
    return agentBytes(name === "$each" ? this.each : name);
  }
}

function hasLines(expected, lines, at) {
  for (const part of [expected].flat()) {
    assert.ok(
      lines.some((line) => line.includes(part)),
      `${at}: no line of the log contains ${part}: ${lines}`,
    );
  }
}

function withinTime(promise, at) {
  let timer;
  const hangs = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${at} hangs`)), HANGS);
  });
  return Promise.race([promise, hangs]).finally(() => clearTimeout(timer));
}
