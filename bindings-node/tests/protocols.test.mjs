// Protocols that the program begins, one call each, and what is kept of them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { InvalidArgument, Refused, Runtime, Timeout } from "caxton";
import { agent, seller } from "./parties.mjs";

let rt;
before(() => {
  rt = new Runtime();
});
after(() => rt.close());

test("a question, an offer and a condition have one answer", async () => {
  const host = agent(rt, {
    "query-if": ({ content }) => content === "so",
    "query-ref": () => [1, 2],
    propose: ({ content }) => {
      if (content === "bad") throw new Refused("no, thanks");
      return content;
    },
    "request-when": () => {
      throw new Error("never");
    },
  });
  assert.equal(await rt.queryIf(host, "so"), true);
  assert.equal(await rt.queryIf(host.name, "not so"), false);
  assert.deepEqual((await rt.queryRef(host, "which")).content, [1, 2]);
  assert.equal((await rt.propose(host, "bad")).performative, "reject-proposal");
  assert.equal((await rt.propose(host, "good")).performative, "accept-proposal");
  await assert.rejects(rt.requestWhen(host, "do", "then"), Refused);
  await assert.rejects(rt.queryIf("nobody", 1), { code: "agent_not_found" });
  const mute = rt.register("mute", () => {});
  await assert.rejects(rt.queryIf(mute, 1, { timeout: 5 }), Timeout);
  await assert.rejects(rt.requestWhen(mute, 1, 2, { deadline: 5 }), Timeout);
  mute.remove();
});

test("arguments are checked, and nothing is sent", async () => {
  const host = seller(rt, 1);
  const seen = rt.subscribe();
  const wrong = [
    () => rt.queryIf(7, 1),
    () => rt.queryIf(host, 1, { timeuot: 1 }),
    () => rt.contractNet(1, host.name),
    () => rt.contractNet(1),
    () => rt.contractNet(1, [host, host]),
    () => rt.contractNet(1, [{}]),
    () => rt.contractNet(1, [host], { deadline: -1 }),
    () => rt.contractNet(1, [host], { deadline: null }),
    () => rt.contractNet(1, [host], { choose: "best" }),
    () => rt.contractNet(1, [host], { choose: 1 }),
    () => rt.contractNet(1, [host], { rounds: 1 }),
    () => rt.iteratedContractNet(1, [host], { rounds: 0 }),
    () => rt.iteratedContractNet(1, [host], { rounds: 1.5 }),
    () => rt.englishAuction(1, [host]),
    () => rt.englishAuction(1, [host], { start: 1, step: 0 }),
    () => rt.englishAuction(1, [host], { start: "1", step: 1 }),
    () => rt.dutchAuction(1, [host], { start: 1, step: Number.NaN }),
    () => rt.dutchAuction(1, [host], { start: 1, step: 1, reserve: "x" }),
    () => rt.dutchAuction(1, [host], { start: 1, step: 1, deliver: true }),
    () => rt.broker(host, {}, { performative: "request" }, { maxResults: -1 }),
  ];
  for (const call of wrong) await assert.rejects(call, InvalidArgument, `${call}`);
  const notJson = [
    () => rt.contractNet(1n, [host]),
    () => rt.queryIf(host, () => 1),
    () => rt.broker(host, {}, "no JSON"),
  ];
  for (const call of notJson) await assert.rejects(call, { code: "invalid_message" }, `${call}`);
  await assert.rejects(rt.contractNet(1, ["nobody"]), { code: "agent_not_found" });
  assert.equal(seen.tryNext(), undefined);
  seen.close();
  assert.throws(() => new Runtime({ protocols: "lax" }), /expected "observe" or "strict"/);
  assert.throws(() => rt.conversations({ protocol: "fipa-x" }), InvalidArgument);
  assert.throws(() => rt.conversations({ protocl: "x" }), InvalidArgument);
});

test("a deadline may be very long", async () => {
  for (const deadline of [1e9, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]) {
    assert.equal((await rt.contractNet(1, [seller(rt, 1)], { deadline })).done.length, 1);
  }
});

test("auctions end with a price, or without", async () => {
  const bidder = (limit) =>
    agent(rt, {
      cfp: ({ content }) => (content.price <= limit ? { price: content.price } : undefined),
      request: ({ content }) => `paid ${content.price}`,
      inform: () => {},
    });
  const [poor, rich] = [bidder(12), bidder(27)];
  const terms = { start: 10, step: 5, deadline: 500 };
  const up = await rt.englishAuction({ lot: 1 }, [poor, rich], { ...terms, deliver: true });
  assert.equal(up.winner.agent, rich.name);
  assert.equal(up.result.content, `paid ${up.price}`);
  const unsold = await rt.englishAuction("lot", [poor], { ...terms, reserve: 100 });
  assert.deepEqual([unsold.winner, unsold.price], [null, null]);
  const down = await rt.dutchAuction("lot", [poor, rich], { start: 40, step: 10, deadline: 500 });
  assert.deepEqual([down.winner.agent, down.price, down.rounds], [rich.name, 20, 3]);
});

test("a broker hands on what others answer", async () => {
  const host = rt
    .register("broker")
    .on({ performative: "proxy", protocol: "fipa-brokering" }, (asked) => {
      const { description, message, max_results } = asked.content;
      if (description.none) throw new Refused("nobody");
      rt.trySend({
        ...asked.reply({ found: 2 }, { performative: "agree" }).toJSON(),
        sender: "broker",
      });
      for (const answer of [1, 2]) {
        const forward = asked.reply([message.content, answer, max_results ?? null]);
        rt.trySend({ ...forward.toJSON(), sender: "broker" });
      }
    });
  const inner = { performative: "request", content: "who?" };
  const answers = await rt.broker(host, {}, inner);
  assert.deepEqual(
    answers.map(({ content }) => content),
    [
      ["who?", 1, null],
      ["who?", 2, null],
    ],
  );
  const one = await rt.broker(host, {}, JSON.stringify(inner), { maxResults: 1 });
  assert.deepEqual(one[0].content, ["who?", 1, 1]);
  await assert.rejects(rt.broker(host, { none: true }, inner), Refused);
});

test("a conversation says how it went", async () => {
  const [one, other] = [seller(rt, 1), seller(rt, 2)];
  const { conversationId } = await rt.contractNet(1, [one, other]);
  const conversation = rt.conversation(conversationId);
  assert.deepEqual(
    [conversation.id, conversation.protocol, conversation.state, conversation.initiator],
    [conversationId, "fipa-contract-net", "ended", "host"],
  );
  const [participant] = conversation.participants;
  const { askedAt, answeredAt, ...others } = participant;
  const expected = {
    name: one.name,
    askedBy: "host",
    stage: "done",
    due: null,
    dueBy: null,
    late: false,
  };
  assert.deepEqual(others, expected);
  const said = conversation.messages;
  assert.ok(askedAt <= answeredAt && answeredAt <= conversation.endedAt);
  assert.deepEqual([conversation.beganAt, conversation.omitted], [said[0].message.sent_at, 0]);
  assert.deepEqual([said.length, said[0].note], [7, null]);
  assert.ok(conversation.diagram().startsWith("sequenceDiagram"));
  assert.ok(conversation.diagram("svg").startsWith("<svg"));
  assert.ok(conversation.diagram("html").includes("<table"));
  assert.throws(() => conversation.diagram("png"), InvalidArgument);
  assert.match(`${conversation}`, /fipa-contract-net ended: 2 participants, 7 messages>$/);
  assert.equal(rt.conversation("none"), null);
  const found = rt.conversations({
    agent: other.name,
    state: ["ended"],
    protocol: "fipa-contract-net",
  });
  assert.deepEqual(
    found.map(({ id }) => id),
    [conversationId],
  );
});
