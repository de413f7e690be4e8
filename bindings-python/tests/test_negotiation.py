"""Negotiations and conversations, as only Python has them."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import caxton
import pytest
import pytest_asyncio
from conftest import built, until
from test_process import start

#: Against hanging only, in seconds.
HANGS = 30


@pytest_asyncio.fixture
async def art() -> AsyncIterator[caxton.AsyncRuntime]:
    """A runtime that is awaited."""
    async with caxton.AsyncRuntime() as runtime:
        yield runtime


def seller(rt: caxton.Runtime | caxton.AsyncRuntime, name: str, price: float) -> caxton.HostAgent:
    """An agent that asks for this price, and does what was accepted."""
    agent = rt.register(name)
    agent.on("cfp")(lambda message: {"price": price})
    agent.on("accept-proposal")(lambda message: f"done by {name}")
    return agent


def cheapest(proposals: list[caxton.Answer]) -> caxton.Answer | None:
    def price(answer: caxton.Answer) -> float:
        assert answer.proposal is not None
        return float(answer.proposal.content["price"])

    return min(proposals, key=price, default=None)


def test_a_contract_net(rt: caxton.Runtime) -> None:
    sellers = [seller(rt, name, price) for name, price in [("a", 3), ("b", 2), ("c", 9)]]
    refuser = rt.register("d", lambda message: message.reply("no", performative="refuse"))
    outcome = rt.contract_net({"dig": 1}, [*sellers, refuser.name], deadline=HANGS)
    assert outcome.winner is not None
    assert (outcome.winner.agent, outcome.winner.status) == ("b", "done")
    assert outcome.result is not None
    assert outcome.result.content == "done by b"
    assert (outcome.done, outcome.rejected, outcome.refused) == (["b"], ["a", "c"], ["d"])
    assert outcome.proposed == outcome.late == outcome.silent == outcome.failed == []
    assert outcome.not_understood == outcome.accepted == outcome.forwarded == []
    assert (outcome.rounds, outcome.price) == (1, None)
    assert repr(outcome) == "<Outcome 'b' done, 4 participants>"
    assert repr(outcome.winner) == "<Answer 'b' done: \"done by b\">"
    found = rt.conversation(outcome.conversation_id)
    assert found is not None
    assert found.state == "ended"
    assert outcome._repr_html_() == found._repr_html_()
    assert "<svg" in found._repr_html_()
    assert found.diagram().startswith("sequenceDiagram")
    assert repr(found) == (
        f"<Conversation '{found.id}' fipa-contract-net ended, 4 participants, 12 messages>"
    )
    assert repr(found.participants[0]) == "<Participant 'a' rejected>"
    assert repr(found.messages[0]) == '<Exchanged <Message cfp host → a: {"dig":1}>>'
    assert found.participants[0].answered_at is not None
    assert [it.id for it in rt.conversations(agent=sellers[0], state=["ended"])] == [found.id]
    assert rt.conversations(protocol="fipa-request") == []
    assert rt.conversation("none") is None


@pytest.mark.parametrize(
    "choose",
    [
        cheapest,
        lambda proposals: "a",
        lambda proposals: ["a"],
        lambda proposals: [proposals[0]],
        "lowest",
    ],
)
def test_functions_that_choose(rt: caxton.Runtime, choose: Any) -> None:
    seller(rt, "a", 1)
    seller(rt, "b", 2)
    assert rt.contract_net("x", ["a", "b"], choose=choose).done == ["a"]


def test_nobody_and_everybody_may_be_chosen(rt: caxton.Runtime) -> None:
    seller(rt, "a", 1)
    seller(rt, "b", 2)
    assert rt.contract_net("x", ["a", "b"], choose=lambda proposals: None).rejected == ["a", "b"]
    assert rt.contract_net("x", ["a", "b"], choose=lambda proposals: proposals).done == ["a", "b"]
    assert rt.contract_net("x", [], choose=cheapest).winner is None


def test_several_rounds_that_a_function_decides(rt: caxton.Runtime) -> None:
    for name, floor in [("a", 4), ("b", 6)]:
        bidder = rt.register(name)
        bidder.on("cfp")(lambda message, floor=floor: {"price": max(message.content - 1, floor)})
        bidder.on("accept-proposal")(lambda message: True)
    seen: list[tuple[int, list[str]]] = []

    def choose(proposals: list[caxton.Answer], round: int) -> Any:
        seen.append((round, [answer.agent for answer in proposals]))
        best = cheapest(proposals)
        if best is None or round == 3:
            return best
        to = [best] if round == 2 else None
        assert best.proposal is not None
        return caxton.CallAgain(best.proposal.content["price"], to)

    outcome = rt.iterated_contract_net(7, ["a", "b"], choose=choose, rounds=3)
    assert (outcome.done, outcome.rejected, outcome.rounds) == (["a"], ["b"], 3)
    assert seen == [(1, ["a", "b"]), (2, ["a", "b"]), (3, ["a"])]
    with pytest.raises(caxton.InvalidArgument, match="at most 2 rounds"):
        rt.iterated_contract_net(7, ["a"], choose=lambda *_: caxton.CallAgain(1), rounds=2)
    with pytest.raises(caxton.InvalidArgument, match="one call"):
        rt.contract_net(7, ["a"], choose=lambda _: caxton.CallAgain(1))  # type: ignore[arg-type, return-value]


def test_a_function_that_raises_cancels(rt: caxton.Runtime) -> None:
    seller(rt, "a", 1)
    cancels = rt.subscribe(performative="cancel")

    def choose(proposals: list[caxton.Answer]) -> None:
        raise ZeroDivisionError("no idea")

    with pytest.raises(ZeroDivisionError):
        rt.contract_net("x", ["a"], choose=choose)
    cancel = cancels.next()
    assert cancel is not None
    assert cancel.receiver == "a"


async def _chooses(proposals: list[caxton.Answer]) -> None: ...


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"choose": "best"}, "lowest"),
        ({"choose": 7}, "function"),
        ({"choose": None}, "function"),
        ({"choose": lambda proposals: 7}, "type int"),
        ({"choose": lambda proposals: [7]}, "type int"),
        ({"choose": lambda proposals: ["b"]}, "no proposal"),
        ({"choose": _chooses}, "AsyncRuntime"),
        ({"choose": lambda proposals: _chooses(proposals)}, "AsyncRuntime"),
        ({"deadline": -1}, "deadline is -1"),
        ({"deadline": float("inf")}, "deadline is inf"),
        ({"deadline": float("nan")}, "deadline is NaN"),
        ({"timeout": -1}, "timeout is -1"),
        ({"participants": "a"}, "list"),
        ({"participants": [7]}, "type int"),
        ({"participants": 7}, "type int"),
        ({"participants": ["a", "a"]}, "twice"),
    ],
)
def test_wrong_arguments(rt: caxton.Runtime, options: dict[str, Any], text: str) -> None:
    seller(rt, "a", 1)
    with pytest.raises(caxton.InvalidArgument, match=text):
        rt.contract_net(**{"task": "x", "participants": ["a"], "timeout": 5, **options})


def test_more_wrong_arguments(rt: caxton.Runtime) -> None:
    wrong: list[Callable[[], object]] = [
        lambda: rt.iterated_contract_net("x", [], rounds=0),
        lambda: rt.iterated_contract_net("x", [], rounds=-1),
        lambda: rt.english_auction("x", [], start=1, step=-1),
        lambda: rt.dutch_auction("x", [], start=float("nan"), step=1),
        lambda: rt.broker("host", {}, {}, max_results=0),
        lambda: rt.query_if(7, "x"),  # type: ignore[arg-type]
        lambda: rt.request_when("host", 1, 2, deadline=-1),
        lambda: rt.conversations(protocol="fipa-poker"),
        lambda: rt.register("h").on("shout"),
        lambda: rt.trace(7),  # type: ignore[arg-type]
        lambda: rt.trace(width=-1),
        lambda: caxton.Runtime(protocols="loose"),  # type: ignore[arg-type]
    ]
    for call in wrong:
        with pytest.raises(caxton.InvalidArgument):
            call()
    for call in [
        lambda: rt.contract_net(object(), []),
        lambda: rt.broker("host", {}, b"{"),
        lambda: rt.broker("host", {}, "nonsense"),
    ]:
        with pytest.raises(caxton.InvalidMessage):
            call()


def test_protocols_may_be_strict() -> None:
    with caxton.Runtime(protocols="strict") as rt:
        rt.register("a", lambda message: None)
        talk = {"receiver": "a", "protocol": "fipa-contract-net", "conversation_id": "c"}
        rt.send({"performative": "cfp", **talk})
        with pytest.raises(caxton.InvalidMessage, match="accept-proposal"):
            rt.send({"performative": "accept-proposal", **talk})


def test_one_participant_and_one_result(rt: caxton.Runtime) -> None:
    worker = rt.deploy(built("rust"), name="worker", config={"price": 3})
    assert rt.query_if(worker, {"proposition": {"handled_more_than": 100}}) is False
    assert rt.query_ref("worker", {"reference": "language"}).content["result"]
    assert rt.propose(worker, {"price": 2}).performative == "accept-proposal"
    assert rt.propose(worker, {"price": 4}).performative == "reject-proposal"
    reply = rt.request_when(worker, "x", {"after_micros": 1}, deadline=HANGS, timeout=HANGS)
    assert reply.content["result"] == "done"
    with pytest.raises(caxton.Refused):
        rt.query_if(worker, {"proposition": "so"})
    with pytest.raises(caxton.AgentNotFound):
        rt.query_ref("nobody", 1)


def test_auctions(rt: caxton.Runtime) -> None:
    limits = {"poor": 12, "rich": 27}
    bidders = [
        rt.deploy(built("rust"), name=name, config={"limit": limit})
        for name, limit in limits.items()
    ]
    outcome = rt.dutch_auction("lot", bidders, start=30, step=10, deadline=1)
    assert outcome.winner is not None
    assert (outcome.winner.agent, outcome.price, outcome.rounds) == ("rich", 20, 2)
    assert repr(outcome) == "<Outcome 'rich' accepted at 20, 2 participants, 2 rounds>"
    outcome = rt.english_auction("lot", bidders, start=20, step=5, reserve=30, deadline=1)
    assert (outcome.winner, outcome.price) == (None, None)
    assert repr(outcome).startswith("<Outcome no winner, 2 participants")


def test_a_broker(rt: caxton.Runtime) -> None:
    rt.register("x", lambda message: {"from": "x"})
    broker = rt.register("broker")

    @broker.on("proxy", protocol="fipa-brokering")
    def proxy(message: caxton.Message) -> Any:
        rt.send({**message.reply({"found": 1}, "agree").to_dict(), "sender": "broker"})
        inner = message.content["message"]
        return rt.ask({**inner, "receiver": "x", "sender": "broker"}).content

    for asked in [
        {"performative": "request", "content": 1},
        caxton.Message("request", 1),
        b'{"performative": "request"}',
        '{"performative": "request"}',
    ]:
        answers = rt.broker(broker, {"services": []}, asked, timeout=HANGS)  # type: ignore[arg-type]
        assert [answer.content for answer in answers] == [{"from": "x"}]
    with pytest.raises(caxton.NotUnderstood):
        rt.recruit(broker, {}, {"performative": "request"})


def test_handlers_by_act(rt: caxton.Runtime) -> None:
    clerk = rt.agent("clerk", capabilities=["clerk"])
    assert rt.find("clerk") == []
    assert repr(clerk) == "<Registration 'clerk', not registered>"

    @clerk.on("query-ref")
    async def tell(message: caxton.Message) -> str:
        await asyncio.sleep(0)
        return "async"

    @clerk.on("query-ref", protocol="other")
    def tell_other(message: caxton.Message) -> str:
        return "other"

    @clerk
    def take(message: caxton.Message) -> str:
        if message.content == "refuse":
            raise caxton.Refused("not today")
        if message.content == "odd":
            raise caxton.NotUnderstood
        return "plain"

    assert rt.find("clerk") == ["clerk"]
    assert callable(tell_other)
    assert callable(take)
    assert rt.query_ref(clerk, 1).content == "async"
    asked = {"performative": "query-ref", "protocol": "other", "receiver": "clerk"}
    assert rt.ask(asked).content == "other"
    asked = {"performative": "request", "receiver": "clerk"}
    assert rt.request(asked).content == "plain"
    with pytest.raises(caxton.Refused) as refused:
        rt.request({**asked, "content": "refuse"})
    assert refused.value.reply is not None
    assert refused.value.reply.content["error"] == "not today"
    with pytest.raises(caxton.NotUnderstood):
        rt.request({**asked, "content": "odd"})
    with pytest.raises(caxton.InvalidArgument, match="already"):
        clerk.on("query-ref")(tell)
    with pytest.raises(caxton.InvalidArgument, match="called"):
        clerk.on("inform")(7)  # type: ignore[type-var]
    clerk.remove()
    assert rt.find("clerk") == []


def test_an_agent_without_a_handler_for_it_does_not_understand(rt: caxton.Runtime) -> None:
    rt.register("a").on("inform")(lambda message: None)
    assert rt.ask({"performative": "request", "receiver": "a"}).performative == "not-understood"


def test_plain_handlers_of_one_agent_run_one_at_a_time(rt: caxton.Runtime) -> None:
    agent = rt.register("a")
    inside, most, lock = 0, 0, threading.Lock()

    def handle(message: caxton.Message) -> int:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.002)
        with lock:
            inside -= 1
        return 1

    agent.on("request")(handle)
    agent.on("query-ref")(handle)
    asked = [{"performative": act, "receiver": "a"} for act in ("request", "query-ref")] * 10
    assert len(rt.ask_many(asked)) == 20
    assert most == 1


async def test_async_handlers_by_act_run_at_once(art: caxton.AsyncRuntime) -> None:
    agent = art.agent("a")
    here, go = 0, asyncio.Event()

    @agent.on("request")
    async def handle(message: caxton.Message) -> int:
        nonlocal here
        here += 1
        if here == 64:
            go.set()
        await go.wait()
        return 1

    asked = [{"performative": "request", "receiver": "a"} for _ in range(64)]
    assert len(await art.ask_many(asked)) == 64


def test_handlers_after_closing() -> None:
    rt = caxton.Runtime()
    agent = rt.register("a")
    rt.close()

    async def handle(message: caxton.Message) -> None: ...

    with pytest.raises(caxton.Closed):
        agent.on("inform")(handle)


def test_a_negotiation_within_a_handler(rt: caxton.Runtime) -> None:
    seller(rt, "a", 1)

    @rt.agent("front")
    def front(message: caxton.Message) -> Any:
        outcome = rt.contract_net("x", message.content, choose=cheapest, deadline=HANGS)
        return [[answer.agent, answer.status] for answer in outcome.answers]

    asked = {"performative": "request", "receiver": "front"}
    assert rt.request({**asked, "content": ["a"]}).content == [["a", "done"]]
    # It would come back to the handler that waits for it.
    began = time.monotonic()
    assert rt.request({**asked, "content": ["front"]}).content == [["front", "failed"]]
    assert time.monotonic() - began < HANGS


def test_negotiations_in_threads(rt: caxton.Runtime) -> None:
    for number in range(4):
        seller(rt, f"s{number}", number)
    won: list[list[str]] = []

    def negotiate() -> None:
        for _ in range(10):
            names = [f"s{number}" for number in range(4)]
            won.append(rt.contract_net("x", names, choose=cheapest).done)

    threads = [threading.Thread(target=negotiate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS)
    assert won == [["s0"]] * 40


@pytest.mark.parametrize(
    "call",
    [
        "rt.contract_net('x', ['s'], deadline=60)",
        "rt.contract_net('x', ['s'], deadline=60, choose=lambda proposals: None)",
        "rt.query_if('s', 'x', timeout=None)",
        "list(rt.subscribe_to('s', 'x'))",
        "rt.english_auction('x', ['s'], start=1, step=1, deadline=60)",
        "rt.broker('s', {}, {'performative': 'request'}, timeout=None)",
    ],
)
def test_ctrl_c_interrupts_and_cancels(call: str) -> None:
    process = start(f"""
        import threading
        rt = caxton.Runtime()
        silent, cancelled = rt.register("s"), threading.Event()
        silent.on("cancel")(lambda message: cancelled.set())
        for act in ("cfp", "query-if", "subscribe", "proxy"):
            silent.on(act)(lambda message: print("asked", flush=True))
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted")
            # A question has one answer, which nobody waits for any more.
            print({"query" in call} or cancelled.wait(30))
    """)
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert out == "interrupted\nTrue\n", error


async def test_an_async_contract_net(art: caxton.AsyncRuntime) -> None:
    sellers = [seller(art, name, price) for name, price in [("a", 3), ("b", 2)]]
    assert (await art.contract_net("x", sellers)).done == ["b"]
    assert (await art.contract_net("x", sellers, choose=lambda proposals: "a")).done == ["a"]

    async def choose(proposals: list[caxton.Answer]) -> caxton.Answer | None:
        await asyncio.sleep(0)
        return cheapest(proposals)

    assert (await art.contract_net("x", sellers, choose=choose)).done == ["b"]

    async def again(proposals: list[caxton.Answer], round: int) -> Any:
        return caxton.CallAgain("y") if round == 1 else [answer.agent for answer in proposals]

    outcome = await art.iterated_contract_net("x", sellers, choose=again)
    assert (outcome.done, outcome.rounds) == (["a", "b"], 2)


async def test_an_async_function_that_raises_cancels(art: caxton.AsyncRuntime) -> None:
    seller(art, "a", 1)
    cancels = art.subscribe(performative="cancel")

    async def choose(proposals: list[caxton.Answer]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await art.contract_net("x", ["a"], choose=choose)
    assert (await cancels.next()) is not None


@pytest.mark.parametrize("where", ["calling", "choosing", "awarded"])
async def test_cancelling_a_task_cancels_the_negotiation(
    art: caxton.AsyncRuntime, where: str
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    agent = art.agent("a")

    @agent.on("cfp")
    async def bid(message: caxton.Message) -> Any:
        told.put_nowait("cfp")
        return None if where == "calling" else {"price": 1}

    @agent.on("accept-proposal")
    async def work(message: caxton.Message) -> None:
        told.put_nowait("accept-proposal")

    @agent.on("cancel")
    async def stop(message: caxton.Message) -> None:
        told.put_nowait("cancel")

    async def choose(proposals: list[caxton.Answer]) -> str:
        told.put_nowait("choose")
        if where == "choosing":
            await asyncio.sleep(HANGS)
        return "a"

    calling = asyncio.create_task(art.contract_net("x", ["a"], choose=choose))
    reached = {"calling": "cfp", "choosing": "choose", "awarded": "accept-proposal"}[where]
    while await asyncio.wait_for(told.get(), HANGS) != reached:
        pass
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert await asyncio.wait_for(told.get(), HANGS) == "cancel"


class Source:
    """Tells whoever subscribes, and notes that it was cancelled."""

    def __init__(self, rt: caxton.Runtime | caxton.AsyncRuntime) -> None:
        self.rt = rt
        self.asked: caxton.Message | None = None
        self.cancelled = threading.Event()
        self.agent = rt.register("source")
        self.agent.on("subscribe")(self._subscribe)
        self.agent.on("cancel")(self._cancel)

    def _subscribe(self, message: caxton.Message) -> Any:
        if message.content == "secret":
            raise caxton.Refused("secret")
        self.asked = message
        return message.reply({}, "agree")

    def _cancel(self, message: caxton.Message) -> bool:
        self.cancelled.set()
        return True

    def tell(self, content: Any) -> None:
        until(lambda: self.asked)
        assert self.asked is not None
        self.rt.try_send({**self.asked.reply(content).to_dict(), "sender": "source"})


def test_informs(rt: caxton.Runtime) -> None:
    source = Source(rt)
    with rt.subscribe_to(source.agent, {"what": "news"}) as informs:
        assert (informs.agent, informs.missed) == ("source", 0)
        assert repr(informs) == "<Informs of 'source'>"
        assert rt.conversation(informs.conversation_id) is not None
        for number in range(3):
            source.tell(number)
        for message in informs:
            if message.content == 1:
                break
        inform = informs.next()
        assert inform is not None
        assert inform.content == 2
        with pytest.raises(caxton.Timeout):
            informs.next(timeout=0.01)
        assert not source.cancelled.is_set()
    assert source.cancelled.wait(HANGS)
    assert informs.next() is None
    assert list(informs) == []
    with pytest.raises(caxton.Refused):
        next(rt.subscribe_to("source", "secret"))
    with pytest.raises(caxton.AgentNotFound):
        rt.subscribe_to("nobody", 1)


def test_informs_that_another_thread_closes(rt: caxton.Runtime) -> None:
    source = Source(rt)
    informs = rt.subscribe_to("source", 1)
    threading.Timer(0.05, informs.close).start()
    assert list(informs) == []
    assert source.cancelled.wait(HANGS)


def test_informs_that_are_dropped(rt: caxton.Runtime) -> None:
    source = Source(rt)
    informs = rt.subscribe_to("source", 1)
    source.tell(1)
    del informs
    gc.collect()
    assert source.cancelled.wait(HANGS)


async def test_async_informs(art: caxton.AsyncRuntime) -> None:
    source = Source(art)
    async with await art.subscribe_to("source", 1) as informs:
        await asyncio.to_thread(source.tell, 1)
        async for message in informs:
            assert message.content == 1
            break
        await asyncio.to_thread(source.tell, 2)
        inform = await informs.next()
        assert inform is not None
        assert inform.content == 2
        # A task that is cancelled while it waits takes nothing, and closes nothing.
        waiting = asyncio.create_task(informs.next())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(source.tell, 3)
        inform = await informs.next()
        assert inform is not None
        assert inform.content == 3
        assert not source.cancelled.is_set()
    assert await asyncio.to_thread(source.cancelled.wait, HANGS)
    assert [message async for message in informs] == []


async def test_async_informs_that_a_cancelled_task_leaves(art: caxton.AsyncRuntime) -> None:
    source = Source(art)

    async def read() -> None:
        async with await art.subscribe_to("source", 1) as informs:
            async for _message in informs:
                pass

    reading = asyncio.create_task(read())
    await asyncio.to_thread(until, lambda: source.asked)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.to_thread(source.cancelled.wait, HANGS)
