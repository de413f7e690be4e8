// Contract nets whose proposals the program decides upon, and how they are given up.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Answer, Closed, InvalidArgument, Outcome, Refused, Runtime } from "caxton";
import { agent, areCancelled, cancelled, seller, silentAgent, until } from "./parties.mjs";
import { runScript, turn } from "./support.mjs";

let rt;
before(() => {
  rt = new Runtime();
});
after(() => rt.close());

test("the best price wins, and the outcome says who did what", async () => {
  const [dear, cheap] = [seller(rt, 9), seller(rt, 3)];
  const busy = agent(rt, {
    cfp: () => {
      throw new Refused("no time");
    },
  });
  const outcome = await rt.contractNet({ dig: "a hole" }, [dear, cheap.name, busy]);
  assert.ok(outcome instanceof Outcome);
  assert.ok(outcome.winner instanceof Answer);
  assert.equal(outcome.winner.agent, cheap.name);
  assert.equal(outcome.winner.status, "done");
  assert.deepEqual(outcome.winner.proposal.content, { price: 3 });
  assert.equal(outcome.result.content, "sold for 3");
  assert.deepEqual([outcome.done, outcome.rejected], [[cheap.name], [dear.name]]);
  assert.deepEqual([outcome.refused, outcome.silent, outcome.failed], [[busy.name], [], []]);
  assert.equal(outcome.answers[2].message.content.error, "no time");
  assert.deepEqual([outcome.rounds, outcome.price, outcome.forwarded], [1, null, []]);
  assert.equal(`${outcome}`, `<Outcome winner ${cheap.name}: 1 rejected, 1 done, 1 refused>`);
  assert.equal(`${outcome.winner}`, `<Answer ${cheap.name} done: "sold for 3">`);
  const highest = await rt.contractNet(1, new Set([dear, cheap]), { choose: "highest" });
  assert.equal(highest.winner.agent, dear.name);
});

test("a function decides, plain or async", async () => {
  const hosts = [seller(rt, 1), seller(rt, 2), seller(rt, 3)];
  const [first, second, third] = hosts.map(({ name }) => name);
  const decide = async (choose) => (await rt.contractNet("x", hosts, { choose })).done;
  let seen;
  const dearest = (proposals) => {
    seen = proposals;
    return proposals.at(-1);
  };
  assert.deepEqual(await decide(dearest), [third]);
  assert.ok(seen.every((proposal) => proposal instanceof Answer && proposal.status === "proposed"));
  assert.deepEqual(
    seen.map((proposal) => proposal.proposal.content.price),
    [1, 2, 3],
  );
  assert.deepEqual(await decide(() => second), [second]);
  assert.deepEqual(await decide(([one]) => [third, one]), [first, third]);
  assert.deepEqual(await decide(() => []), []);
  assert.deepEqual(await decide(() => null), []);
  assert.deepEqual(await decide(() => undefined), []);
  const later = async (proposals) => {
    await delay(1);
    await rt.contractNet("another meanwhile", [first]);
    return proposals[1];
  };
  assert.deepEqual(await decide(later), [second]);
});

test("a function that nobody has made a proposal is given none", async () => {
  const outcome = await rt.contractNet(1, [silentAgent(rt)], {
    deadline: 1,
    choose: (proposals) => proposals[0],
  });
  assert.deepEqual([outcome.winner, outcome.result], [null, null]);
  assert.equal(outcome.silent.length, 1);
  assert.equal((await rt.contractNet(1, [])).winner, null);
});

test("what choose throws is what the call rejects with, and participants are told", async () => {
  const problem = new Error("cannot decide");
  const choices = [
    () => {
      throw problem;
    },
    async () => {
      throw problem;
    },
    async () => {
      await turn();
      throw problem;
    },
  ];
  for (const choose of choices) {
    const hosts = [seller(rt, 1), seller(rt, 2)];
    for (const call of ["contractNet", "iteratedContractNet"]) {
      cancelled.clear();
      await assert.rejects(rt[call](1, hosts, { choose }), (error) => error === problem);
      await areCancelled(...hosts);
    }
  }
});

test("what choose may not give is an error, and participants are told", async () => {
  const wrong = [
    7,
    true,
    {},
    { agent: "x" },
    [null],
    [["x"]],
    "nobody",
    () => {},
    { callAgain: 1 },
  ];
  for (const value of wrong) {
    const host = seller(rt, 1);
    await assert.rejects(rt.contractNet(1, [host], { choose: () => value }), InvalidArgument);
    await areCancelled(host);
  }
  const host = seller(rt, 1);
  const again = [
    { callAgain: 1, to: "x" },
    { callAgain: 1, to: [1] },
    { callAgain: 1, too: [] },
    { callAgain: 1, to: ["nobody"] },
  ];
  for (const value of again) {
    cancelled.clear();
    const choose = () => value;
    await assert.rejects(rt.iteratedContractNet(1, [host], { choose }), InvalidArgument);
    await areCancelled(host);
  }
  const circle = { callAgain: {} };
  circle.callAgain.self = circle;
  const choose = () => circle;
  await assert.rejects(rt.iteratedContractNet(1, [host], { choose }), { code: "invalid_message" });
});

test("an iterated net goes on as long as the function says so", async () => {
  const asked = [];
  const haggler = (floor) =>
    agent(rt, {
      cfp: ({ content }) => {
        asked.push(content);
        return { price: Math.max(floor, content.below - 1) };
      },
      "accept-proposal": ({ content }) => content,
    });
  const [low, high] = [haggler(1), haggler(5)];
  const rounds = [];
  const outcome = await rt.iteratedContractNet({ below: 10 }, [low, high], {
    rounds: 10,
    choose: async (proposals, round) => {
      rounds.push([round, proposals.map(({ agent }) => agent)]);
      if (round === 1) return { callAgain: { below: 8 } };
      if (round === 2) return { callAgain: { below: 4 }, to: [proposals[0]] };
      return proposals;
    },
  });
  assert.deepEqual(rounds, [
    [1, [low.name, high.name]],
    [2, [low.name, high.name]],
    [3, [low.name]],
  ]);
  assert.deepEqual(
    asked.map(({ below }) => below),
    [10, 10, 8, 8, 4],
  );
  assert.equal(outcome.rounds, 3);
  assert.deepEqual([outcome.done, outcome.rejected], [[low.name], [high.name]]);
  assert.deepEqual(outcome.result.content, { price: 3 });
  const choose = () => ({ callAgain: { below: 3 } });
  const endless = rt.iteratedContractNet({ below: 9 }, [low], { rounds: 2, choose });
  await assert.rejects(endless, /there is no round after 2/);
  await areCancelled(low);
  const cheapest = await rt.iteratedContractNet({ below: 4 }, [low, high]);
  assert.equal(cheapest.winner.agent, low.name);
});

/** Checks that a call that is aborted rejects with the reason, and that `host` is sent a `cancel`. */
async function aborts(host, begin) {
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  cancelled.clear();
  const calling = begin(controller.signal, () => controller.abort(reason));
  await assert.rejects(calling, (error) => error === reason);
  await areCancelled(host);
  const id = cancelled.get(host.name).conversation_id;
  await until(() => rt.conversation(id).participants[0].stage === "cancelled");
}

test("aborting cancels while proposals are waited for", async () => {
  const host = silentAgent(rt);
  for (const choose of ["lowest", "highest", () => null]) {
    for (const call of ["contractNet", "iteratedContractNet"]) {
      await aborts(host, (signal, abort) => {
        setTimeout(abort, 2);
        return rt[call](1, [host], { choose, signal });
      });
    }
  }
  const signal = AbortSignal.abort("before");
  cancelled.clear();
  const never = () => assert.fail("nobody was asked");
  const options = { choose: never, signal };
  await assert.rejects(rt.contractNet(1, [host], options), (reason) => reason === "before");
  assert.equal(cancelled.size, 0);
});

test("aborting cancels while the function chooses", async () => {
  const host = seller(rt, 1);
  for (const call of ["contractNet", "iteratedContractNet"]) {
    await aborts(host, (signal, abort) => {
      const choose = () => {
        setTimeout(abort, 1);
        return new Promise(() => {});
      };
      return rt[call](1, [host], { choose, signal });
    });
    await aborts(host, (signal, abort) => {
      const choose = (proposals) => {
        abort();
        return proposals;
      };
      return rt[call](1, [host], { choose, signal });
    });
  }
  // In the moment between the last proposal and the choice.
  let abort;
  const hasty = agent(rt, {
    cfp: () => {
      setImmediate(() => abort());
      return { price: 1 };
    },
  });
  await aborts(hasty, (signal, give) => {
    abort = give;
    return rt.contractNet(1, [hasty], { choose: () => delay(100), signal });
  });
});

test("aborting cancels while a later round is waited for", async () => {
  let rounds = 0;
  const host = agent(rt, {
    cfp: () => {
      rounds += 1;
      return rounds === 1 ? { price: 1 } : undefined;
    },
  });
  await aborts(host, (signal, abort) => {
    const choose = () => {
      setTimeout(abort, 5);
      return { callAgain: 2 };
    };
    return rt.iteratedContractNet(1, [host], { choose, signal });
  });
  assert.equal(rounds, 2);
});

test("aborting cancels while the result is waited for", async () => {
  for (const choose of ["lowest", (proposals) => proposals]) {
    let abort;
    const host = agent(rt, { cfp: () => ({ price: 1 }), "accept-proposal": () => abort() });
    await aborts(host, (signal, give) => {
      abort = () => void setTimeout(give, 1);
      return rt.contractNet(1, [host], { choose, signal });
    });
  }
});

test("everything that waits can be aborted", async () => {
  const mute = rt.register("mute", () => {});
  const terms = { start: 1, step: 1 };
  const calls = [
    (signal) => rt.queryIf(mute, 1, { signal }),
    (signal) => rt.queryRef(mute, 1, { signal }),
    (signal) => rt.requestWhen(mute, 1, 2, { signal }),
    (signal) => rt.propose(mute, 1, { signal }),
    (signal) => rt.englishAuction(1, [mute], { ...terms, signal }),
    (signal) => rt.dutchAuction(1, [mute], { ...terms, signal }),
    (signal) => rt.broker(mute, {}, { performative: "request" }, { signal }),
    (signal) => rt.recruit(mute, {}, { performative: "request" }, { signal }),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    const calling = call(controller.signal);
    setTimeout(() => controller.abort("enough"), 1);
    await assert.rejects(calling, (reason) => reason === "enough");
  }
  mute.remove();
});

test("a negotiation in a handler is part of what it handles", async () => {
  const host = seller(rt, 4);
  const boss = rt.register(
    "boss",
    async () => {
      await turn();
      const { winner } = await rt.contractNet(1, [host], { choose: (proposals) => proposals });
      return winner.proposal.content.price;
    },
    { concurrency: 1 },
  );
  assert.equal((await rt.ask({ performative: "request", receiver: "boss" })).content, 4);
  boss.remove();
  // One that comes back to a handler that waits for it fails at once.
  const ring = rt.register(
    "ring",
    async () => {
      await turn();
      const { answers } = await rt.contractNet(1, ["ring"], { choose: () => null });
      return answers.map(({ status }) => status);
    },
    { concurrency: 1 },
  );
  const asking = rt.ask({ performative: "request", receiver: "ring" }, { timeout: 10_000 });
  assert.deepEqual((await asking).content, ["failed"]);
  ring.remove();
});

test("many negotiations at once leave the event loop its turns", async () => {
  const slowly = (answer) => async () => {
    await delay(5);
    return answer;
  };
  const hosts = Array.from({ length: 10 }, (_, at) =>
    agent(rt, { cfp: slowly({ price: at }), "accept-proposal": slowly("done") }),
  );
  let isDone = false;
  let turns = 0;
  let longest = 0;
  const watch = (async () => {
    for (let last = performance.now(); !isDone; turns += 1) {
      await delay(1);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
  })();
  const choices = ["lowest", async (proposals) => proposals[0]];
  const nets = Array.from({ length: 200 }, (_, at) =>
    rt.contractNet({ at }, hosts, { choose: choices[at % 2] }),
  );
  const outcomes = await Promise.all(nets);
  isDone = true;
  await watch;
  assert.ok(outcomes.every(({ winner }) => winner.agent === hosts[0].name));
  assert.ok(outcomes.every(({ done, rejected }) => done.length === 1 && rejected.length === 9));
  assert.ok(turns > 3 && longest < 1000, `${turns} turns, the longest ${longest} ms`);
});

test("closing ends negotiations, also while the function chooses", async () => {
  const other = new Runtime();
  const [mute, host] = [other.register("mute", () => {}), seller(other, 1)];
  const waiting = assert.rejects(other.contractNet(1, [mute]), Closed);
  const asked = assert.rejects(other.queryIf(mute, 1), Closed);
  const choose = async (proposals) => {
    await other.close();
    return proposals;
  };
  await assert.rejects(other.contractNet(1, [host], { choose }), Closed);
  await Promise.all([waiting, asked]);
});

test("a process ends by itself with negotiations abandoned", async () => {
  const { code, stderr, stdout } = await runScript(`
    const rt = new Runtime();
    const host = rt.register("seller", () => ({ price: 1 }));
    const mute = rt.register("mute", () => {});
    const begun = new Promise((resolve) => {
      rt.contractNet(1, [host], { choose: () => { resolve(); return new Promise(() => {}); } });
    });
    await begun;
    const signal = AbortSignal.timeout(5);
    await rt.contractNet(1, [mute], { signal }).catch((error) => console.log(error.name));
    await rt.subscribeTo(mute, "news");
    rt.trace({ stream: process.stderr, performative: "inform-if" });
    console.log("done");`);
  assert.deepEqual(
    { code, stderr, stdout },
    { code: 0, stderr: "", stdout: "TimeoutError\ndone\n" },
  );
});
