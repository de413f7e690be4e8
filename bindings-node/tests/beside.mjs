// Runs one case of tests/hostile/beside.json: many that mean harm beside honest agents. See the README there.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { CaxtonError, Runtime } from "caxton";
import { compareError, only } from "./expect.mjs";
import { folder, generate, modules } from "./hostile-modules.mjs";
import { camel, Stage } from "./stage.mjs";

export const besideCases = JSON.parse(readFileSync(join(folder, "beside.json"), "utf8"));
const CASE = [
  "name",
  "runtime",
  "before",
  "attackers",
  "start",
  "deploys",
  "pause",
  "promise",
  "memory",
  "until",
  "kept",
  "stays",
  "close",
];
/** Factor by which a promise may be exceeded here: the benchmarks hold it to the letter. */
const PATIENCE = 10;
/** The most times that the honest agents are measured. */
const TRIES = 3;
/** Agents that are measured, with the messages, rings or deployments that are. */
const MEASURED = { short: 200, long: 12, timer: 50, durable: 40, deploy: 50 };
/** Of each, its module, and the microseconds of its turns where its configuration says them. */
const HONEST = {
  short: ["works", 50],
  long: ["works", 2000],
  timer: ["says-when-it-rings", 0],
  durable: ["stores-and-answers", 0],
  // It keeps the module compiled.
  deploy: ["takes-everything", 0],
};
/** Rounds of a loop by which the machine's pace is found. */
const TRIAL = 50_000_000;
/** The longest that attackers take to begin, in milliseconds, and the time that a busy machine may add. */
const BEGINS = 60_000;
const LATE = 5000;
/** Memory that the process may have besides, in MiB. */
const SLACK = 32;
/** Memory that the allocator may keep when attackers are gone, of what other threads have freed. */
const CACHED = 256;
const MIB = 1 << 20;
const honestLimits = { maxMessagesPerSecond: null };
let numbers = BigInt(Date.now()) << 20n;
let paceFound;

/** Runs a case in a runtime of its own. */
export async function runBeside(testCase) {
  only(testCase, CASE);
  const { store, ...options } = testCase.runtime ?? {};
  const temporary = mkdtempSync(join(tmpdir(), "caxton-beside-"));
  if (store) options.store = join(temporary, "agents.db");
  const runtime = new Runtime({ workers: 2, ...options });
  try {
    await within(runtime, testCase);
  } finally {
    const timeout = (testCase.close ?? 10) * 1000;
    const begun = Date.now();
    await runtime.close({ timeout });
    const took = Date.now() - begun;
    rmSync(temporary, { recursive: true });
    assert.ok(took < timeout + LATE, `closing took ${took} ms`);
  }
}

async function within(runtime, testCase) {
  const { promise, before = [], memory, kept = 0, stays } = testCase;
  const watched = { most: 0 };
  const look = () => {
    watched.most = Math.max(watched.most, process.memoryUsage.rss() / MIB);
    return watched.most;
  };
  const rounds = await pace();
  for (const kind of Object.keys(promise)) {
    const [module, micros] = HONEST[kind];
    await runtime.deploy(moduleNamed(module), {
      name: kind,
      limits: honestLimits,
      config: Math.floor((micros * rounds) / 1000),
    });
  }
  const run = (steps) => new Stage({ runtime, modules: modules(testCase) }).run(steps, "step ");
  await run(before);
  const alone = await measure(runtime, testCase, look);
  const start = process.memoryUsage.rss() / MIB;
  watched.most = start;

  const attackers = await attack(runtime, testCase, run, rounds);
  const work = () => attackers.reduce((sum, agent) => sum + agent.stats().cpuMicros, 0);
  const done = work();
  const deploying = keepDeploying(runtime, testCase.deploys);
  let wrong = [];
  try {
    // A machine that others hold up is looked at again: an attack that works does so each time.
    for (let n = 0; n < TRIES; n += 1) {
      wrong = exceeding(promise, alone, await measure(runtime, testCase, look));
      if (wrong.length === 0) break;
    }
  } finally {
    deploying.stopped = true;
    await deploying.ended;
  }
  // A flood may have to wait for the disk.
  const goesOn = Date.now() + BEGINS;
  while (attackers.length > 0 && work() === done) {
    assert.ok(Date.now() < goesOn, "they attack no longer");
    await nextTick();
  }

  assert.deepEqual(wrong, []);
  const own = attackers.reduce((sum, agent) => sum + ownMemory(agent), 0);
  const most = 1.2 * start + own + (memory ?? 64 * attackers.length) + SLACK;
  assert.ok(watched.most <= most, `the process had ${watched.most} MiB, and ${most} at most`);
  if (stays) return;
  // All at once: each waits for its turn to end.
  await Promise.all(attackers.map((attacker) => attacker.remove()));
  for (const attacker of attackers) {
    assert.equal(attacker.stats().hostBytes, 0, `${attacker.name} left something`);
  }
  const end = Date.now() + LATE;
  const left = () => process.memoryUsage.rss() / MIB;
  const back = 1.1 * start + kept + CACHED;
  // A thread's freed memory goes back when it has something to do.
  const { short, durable } = promise;
  const asked = short ? { short } : { durable };
  while (left() > back && Date.now() < end) await measure(runtime, { promise: asked }, look);
  assert.ok(left() <= back, `${left()} MiB stay, ${start} were there before`);
}

/** The promises that are not kept. */
function exceeding(promise, alone, beside) {
  const wrong = [];
  for (const [kind, promises] of Object.entries(promise)) {
    for (const [at, promised] of Object.entries(promises)) {
      const [quiet, busy] = [alone, beside].map((it) => percentile(it[kind], at));
      const bound = PATIENCE * Math.max(millisPromised(promised, quiet), quiet);
      if (busy > bound) wrong.push(`${kind} ${at} is ${busy} ms, and ${bound} at most`);
    }
  }
  return wrong;
}

/** Deploys the attackers, and waits until all are at it. */
async function attack(runtime, { attackers, start, until }, run, rounds) {
  if (attackers === undefined) return [];
  const { count, bench, ...deploy } = attackers;
  const names = Array.from({ length: count }, (_, n) => `attacker-${n}`);
  await run([{ deploy_many: { ...workedOut(deploy, count, rounds), names } }]);
  const agents = runtime.agents().filter(({ name }) => names.includes(name));
  assert.equal(agents.length, count);
  if (start !== undefined) {
    for (const receiver of names) await runtime.send({ ...start, receiver });
  }
  const end = Date.now() + BEGINS;
  while (!agents.every((agent) => isAtIt(agent.stats(), until))) {
    assert.ok(Date.now() < end, "they do not attack");
    await nextTick();
  }
  return agents;
}

/** True if an attacker has got as far as the case says or, where that says nothing, has begun. */
function isAtIt(stats, until) {
  const { timers, messagesIn, droppedTurns, cpuMicros } = stats;
  if (until === undefined) return timers + messagesIn + droppedTurns > 2 || cpuMicros > 1000;
  return Object.entries(until).every(([name, least]) => stats[camel(name)] >= least);
}

/** Memory and stored data of an attacker, in MiB. */
function ownMemory(agent) {
  const { peakMemoryBytes, storedBytes } = agent.stats();
  return (peakMemoryBytes + storedBytes) / MIB;
}

/**
 * Puts rounds of a loop in place of `{"$micros": n}`, for which it is to go, and the number of attackers in place
 * of `"attackers"` where something is listed so often.
 */
function workedOut(value, attackers, rounds) {
  if (Array.isArray(value)) return value.map((it) => workedOut(it, attackers, rounds));
  if (typeof value !== "object" || value === null) return value;
  if ("$micros" in value) return Math.floor((value.$micros * rounds) / 1000);
  const entries = Object.entries(value).map(([key, inner]) =>
    key === "times" && inner === "attackers"
      ? [key, attackers]
      : [key, workedOut(inner, attackers, rounds)],
  );
  return Object.fromEntries(entries);
}

/** Deploys a module again and again, several at once, always another one to the compiler. */
function keepDeploying(runtime, deploys) {
  const state = { stopped: false, ended: Promise.resolve() };
  if (deploys === undefined) return state;
  const text = generate(...Object.entries(deploys.generate)[0]).slice(0, -1);
  const deploy = async () => {
    while (!state.stopped) {
      numbers += 1n;
      const module = Buffer.from(`${text} (global i64 (i64.const ${numbers})))`);
      const agent = await deployOnce(runtime, module, deploys.error);
      await agent?.remove();
    }
  };
  state.ended = Promise.all(Array.from({ length: deploys.count }, deploy));
  // Looked at when all has been measured.
  state.ended.catch(() => {});
  return state;
}

async function deployOnce(runtime, module, expected) {
  let agent;
  try {
    agent = await runtime.deploy(module);
  } catch (error) {
    if (!(error instanceof CaxtonError) || expected === undefined) throw error;
    compareError(expected, error, "deploy");
    return undefined;
  }
  assert.equal(expected, undefined, `${agent.name} was deployed`);
  return agent;
}

/** Milliseconds of each kind, in order. */
async function measure(runtime, { promise, pause = 0 }, look) {
  const ways = {
    short: (count) => answers(runtime, "short", count, pause, look),
    long: (count) => answers(runtime, "long", count, pause, look),
    timer: (count) => rings(runtime, count, look),
    durable: (count) => asks(runtime, count, look),
    deploy: (count) => deploys(runtime, count, look),
  };
  const found = {};
  for (const [kind, count] of Object.entries(MEASURED)) {
    if (!(kind in promise)) continue;
    found[kind] = (await ways[kind](count)).sort((a, b) => a - b);
  }
  return found;
}

/** From a message, which no call waits for, to the answer. */
async function answers(runtime, name, count, pause, look) {
  const seen = runtime.subscribe({ sender: name });
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    if (pause > 0) await setTimeout(pause);
    const began = performance.now();
    await runtime.send({ performative: "inform", receiver: name });
    await seen.next();
    taken.push(performance.now() - began);
    look();
  }
  seen.close();
  return taken;
}

/** By how much each timer of 10 ms rang too late. */
async function rings(runtime, count, look) {
  const seen = runtime.subscribe({ sender: "timer" });
  const taken = [];
  let last;
  while (taken.length < count) {
    const { value } = await seen.next();
    const sentAt = value.sent_at / 1000;
    if (last !== undefined) taken.push(Math.max(0, sentAt - last - 10));
    last = sentAt;
    look();
  }
  seen.close();
  return taken;
}

async function asks(runtime, count, look) {
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    await runtime.ask({ performative: "request", receiver: "durable", reply_with: "r1" });
    taken.push(performance.now() - began);
    look();
  }
  return taken;
}

async function deploys(runtime, count, look) {
  const module = moduleNamed("takes-everything");
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    const agent = await runtime.deploy(module);
    taken.push(performance.now() - began);
    look();
    await agent.remove();
  }
  return taken;
}

/** A number of milliseconds, or `{ms, alone}` for so many, and so often what it is without attackers. */
function millisPromised(promised, alone) {
  if (typeof promised === "number") return promised;
  return (promised.ms ?? 0) + (promised.alone ?? 0) * alone;
}

function percentile(sorted, at) {
  const percent = Number(at.slice(1));
  return sorted[Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)];
}

function moduleNamed(name) {
  return Buffer.from(modules({})[name][0]);
}

/** Rounds of the loop of the agents that take a millisecond here. */
function pace() {
  paceFound ??= (async () => {
    const runtime = new Runtime({ workers: 1 });
    const agent = await runtime.deploy(moduleNamed("works"), {
      name: "trial",
      limits: { maxExecutionTimeMicros: null },
      config: TRIAL,
    });
    const seen = runtime.subscribe({ sender: "trial" });
    await agent.send(null);
    await seen.next();
    const { cpuMicros } = agent.stats();
    await runtime.close();
    return (TRIAL * 1000) / Math.max(cpuMicros, 1);
  })();
  return paceFound;
}

const nextTick = () => new Promise((again) => setImmediate(again));
