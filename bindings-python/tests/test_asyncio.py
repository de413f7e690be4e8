"""The runtime that is awaited."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import caxton
import pytest
import pytest_asyncio
from conftest import SILENT, SLEEPER, UPPERCASE, built
from typing_extensions import assert_type


@pytest_asyncio.fixture
async def art() -> AsyncIterator[caxton.AsyncRuntime]:
    """A runtime that is awaited."""
    async with caxton.AsyncRuntime() as runtime:
        yield runtime


async def test_the_first_script(art: caxton.AsyncRuntime) -> None:
    echo = await art.deploy(built("rust"), name="echo")
    reply = await echo.request(UPPERCASE)
    assert reply.content["result"]["result"] == "HELLO"


async def test_calls_are_coroutines(art: caxton.AsyncRuntime) -> None:
    echo = await art.deploy(built("rust"))
    call = echo.ask(UPPERCASE)
    assert asyncio.iscoroutine(call)
    task = asyncio.create_task(call)
    assert (await task).performative == "inform"
    with pytest.raises(RuntimeError):
        await call
    assert (await asyncio.wait_for(echo.ask(UPPERCASE), 30)).performative == "inform"


async def test_nothing_happens_before_it_is_awaited(art: caxton.AsyncRuntime) -> None:
    agent = await art.deploy(SILENT)
    agent.send({}).close()
    assert agent.stats()["messages_in"] == 0


async def test_the_loop_has_its_turn_between_answers_at_once(art: caxton.AsyncRuntime) -> None:
    echo = await art.deploy(built("rust"))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    for _ in range(20_000):
        await echo.ask(UPPERCASE)
    counting.cancel()
    # 20,000 asks take far longer than ten milliseconds, and the loop has a turn in each.
    assert turns > 10


async def test_many_in_flight(art: caxton.AsyncRuntime) -> None:
    began: list[int] = []
    gate = asyncio.Event()

    async def handle(message: caxton.Message) -> Any:
        began.append(message.content)
        if len(began) == 64:
            gate.set()
        await gate.wait()
        return message.content

    art.register("h", handle)
    asked = [{"performative": "request", "receiver": "h", "content": n} for n in range(64)]
    replies = await art.ask_many(asked)
    assert [reply.content for reply in replies] == list(range(64))
    assert began == list(range(64))


async def test_a_callback_that_asks(art: caxton.AsyncRuntime) -> None:
    echo = await art.deploy(built("rust"))

    @art.agent("front")
    async def front(message: caxton.Message) -> Any:
        return (await echo.request(message.content)).content

    asked = {"performative": "request", "receiver": "front", "content": UPPERCASE}
    replies: list[caxton.Message] = await asyncio.gather(*[art.ask(asked) for _ in range(100)])
    assert {reply.content["result"]["result"] for reply in replies} == {"HELLO"}


async def test_a_callback_that_fails(art: caxton.AsyncRuntime) -> None:
    async def handle(message: caxton.Message) -> Any:
        if message.content == "exit":
            raise SystemExit(1)
        if message.content == "cancel":
            raise asyncio.CancelledError
        if message.content == "nonsense":
            return object()
        raise ValueError("broken")

    art.register("h", handle)
    for content, text in [
        ("exit", "SystemExit"),
        ("cancel", "cancelled"),
        ("nonsense", "object"),
        ("raise", "ValueError: broken"),
    ]:
        asked = {"performative": "request", "receiver": "h", "content": content}
        reply = await art.ask(asked)
        assert reply.performative == "failure"
        assert text in reply.content["error"]


async def test_a_plain_callback_runs_beside_the_loop(art: caxton.AsyncRuntime) -> None:
    loop = asyncio.get_running_loop()

    def handle(message: caxton.Message) -> Any:
        # Would wait for ever on the loop's own thread.
        return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, 5), loop).result(30)

    art.register("h", handle)
    reply = await art.ask({"performative": "request", "receiver": "h"})
    assert reply.content == 5


async def test_a_deadlock_is_told_at_once(art: caxton.AsyncRuntime) -> None:
    async def handle(message: caxton.Message) -> Any:
        asked = {"performative": "request", "receiver": "h", "content": 1}
        return (await art.ask(asked)).content

    art.register("h", handle, concurrency=1)
    reply = await art.ask({"performative": "request", "receiver": "h", "content": 0})
    assert reply.content["kind"] == "deadlock"


async def test_cancelling_takes_the_message_back(art: caxton.AsyncRuntime) -> None:
    limits = caxton.Limits(max_execution_time_micros=None)
    sleeper = await art.deploy(SLEEPER, limits=limits)
    first = asyncio.create_task(sleeper.ask({}))
    second = asyncio.create_task(sleeper.ask({}))
    while sleeper.stats()["mailbox_messages"] < 1:
        await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert sleeper.stats()["mailbox_messages"] == 0
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_one_wake_up_serves_every_completion(art: caxton.AsyncRuntime) -> None:
    gate = threading.Event()
    answered = art.subscribe(sender="h")
    art.register("h", lambda message: gate.wait(30), concurrency=50)
    asked = {"performative": "request", "receiver": "h"}
    asking: list[Any] = [asyncio.create_task(art.ask(asked)) for _ in range(50)]
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    with wake_ups(loop) as count:
        # The loop's thread waits here, so that all are answered while the loop cannot look.
        gate.set()
        seen = 0
        while seen < 50:
            seen += answered.try_next() is not None
        await asyncio.gather(*asking)
    assert 0 < count() < 10


@contextlib.contextmanager
def wake_ups(loop: Any) -> Iterator[Callable[[], int]]:
    """Counts how often a loop's selector reports something to read."""
    selector, seen = loop._selector, 0
    select = selector.select

    def counting(timeout: float | None = None) -> Any:
        nonlocal seen
        events = select(timeout)
        seen += len(events)
        return events

    selector.select = counting
    try:
        yield lambda: seen
    finally:
        selector.select = select


async def test_a_timeout_around_a_call(art: caxton.AsyncRuntime) -> None:
    agent = await art.deploy(SILENT)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(agent.ask({}), 0.01)
    with pytest.raises(caxton.Timeout):
        await agent.ask({}, timeout=0.01)


async def test_async_for(art: caxton.AsyncRuntime) -> None:
    agent = await art.deploy(SILENT)
    subscription = art.subscribe(receiver=agent.name)
    for number in range(5):
        await agent.send(number)
    subscription.close()
    assert [message.content async for message in subscription] == list(range(5))


async def test_an_async_callback_of_a_subscription(art: caxton.AsyncRuntime) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()

    async def callback(message: caxton.Message) -> None:
        await seen.put(message.content)

    art.subscribe(callback)
    agent = await art.deploy(SILENT)
    await agent.send("hi")
    assert await asyncio.wait_for(seen.get(), 30) == "hi"


async def test_the_blocking_runtime_inside_a_running_loop() -> None:
    with caxton.Runtime() as rt:
        echo = rt.deploy(built("rust"))
        assert echo.request(UPPERCASE).performative == "inform"


async def test_closing_ends_what_waits() -> None:
    art = caxton.AsyncRuntime()
    agent = await art.deploy(SILENT)
    waiting = asyncio.create_task(agent.ask({}, timeout=None))
    subscription = art.subscribe()
    following = asyncio.create_task(collect(subscription))
    while agent.stats()["messages_in"] < 1:
        await asyncio.sleep(0)
    await art.close()
    with pytest.raises(caxton.Closed):
        await waiting
    await following


async def collect(subscription: caxton.AsyncSubscription) -> list[caxton.Message]:
    """Everything to the subscription's end."""
    return [message async for message in subscription]


def test_debug_mode() -> None:
    async def main() -> None:
        async with caxton.AsyncRuntime() as art:
            echo = await art.deploy(built("rust"))
            await asyncio.gather(*[echo.ask(UPPERCASE) for _ in range(10)])
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(art.subscribe().next(), 0.01)

    asyncio.run(main(), debug=True)


def test_one_runtime_in_two_loops() -> None:
    art = caxton.AsyncRuntime()

    async def main() -> None:
        agent = await art.deploy(built("rust"))
        assert (await agent.request(UPPERCASE)).performative == "inform"
        await agent.remove()

    asyncio.run(main())
    asyncio.run(main())
    asyncio.run(art_close(art))


async def art_close(art: caxton.AsyncRuntime) -> None:
    """Closes from within a loop."""
    await art.close()


def test_without_a_loop() -> None:
    art = caxton.AsyncRuntime()
    with pytest.raises(RuntimeError, match="no running event loop"):
        art.deploy(SILENT).send(None)
    asyncio.run(art_close(art))


async def test_calls_wait_on_the_loop_that_runs(art: caxton.AsyncRuntime) -> None:
    """Loops one after the other, each gone before the next one, in two threads at once."""

    async def handle(message: caxton.Message) -> Any:
        await asyncio.sleep(0)
        return message.content

    art.register("h", handle)

    async def ask(content: int) -> Any:
        asked = {"performative": "request", "receiver": "h", "content": content}
        return (await art.ask(asked)).content

    def in_loops() -> list[Any]:
        return [asyncio.run(ask(number)) for number in range(50)]

    threads = [asyncio.to_thread(in_loops) for _ in range(2)]
    first, second, here = await asyncio.gather(*threads, ask(7))
    assert first == second == list(range(50))
    assert here == 7


async def test_a_call_that_is_never_awaited_warns_and_says_so(art: caxton.AsyncRuntime) -> None:
    agent = await art.deploy(SILENT)
    call = agent.send(1)
    assert "not awaited" in repr(call)
    with pytest.warns(RuntimeWarning, match="never awaited"):
        del call
    call = agent.send(1)
    await call
    assert repr(call) == "<caxton.Call, done>"
    waiting = agent.ask(1, timeout=0.05)
    asked = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    assert repr(waiting) == "<caxton.Call, waiting>"
    with pytest.raises(caxton.Timeout):
        await asked
    # One that is given up is no slip.
    agent.send(1).close()


async def test_types_of_what_is_awaited(art: caxton.AsyncRuntime) -> None:
    agent = await art.deploy(SILENT, name="a")
    assert_type(agent, caxton.AsyncAgent)
    assert_type(await art.deploy_many(SILENT, ["b"]), list[caxton.AsyncAgent])
    assert_type(agent.send(1), caxton.Call[None]).close()
    with pytest.raises(caxton.Timeout):
        assert_type(await agent.ask(1, timeout=0.01), caxton.Message)


async def test_what_a_finished_handler_left_behind_may_ask_its_agent(
    art: caxton.AsyncRuntime,
) -> None:
    ask = {"performative": "request", "receiver": "h"}
    answered = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()
    left_behind = []

    async def go_on() -> None:
        await ended.wait()
        try:
            answered.set_result(await art.ask({**ask, "content": "second"}, timeout=10))
        except BaseException as error:
            answered.set_exception(error)

    async def handle(message: caxton.Message) -> str:
        if message.content == "first":
            # It inherits the context of the handler.
            left_behind.append(asyncio.create_task(go_on()))
        return f"answer to {message.content}"

    art.register("h", handle, concurrency=1)
    assert (await art.ask({**ask, "content": "first"})).content == "answer to first"
    ended.set()
    assert (await answered).content == "answer to second"


def test_who_asked_is_told_at_once_when_the_handlers_loop_is_closed() -> None:
    loop = asyncio.new_event_loop()
    begun = threading.Event()

    async def handle(message: caxton.Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def register(name: str) -> None:
        runtime.register(name, handle)

    runtime = caxton.AsyncRuntime()
    loop.run_until_complete(register("h"))

    async def ask() -> caxton.Message:
        return await runtime.ask({"performative": "request", "receiver": "h"}, timeout=20)

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(asyncio.run, ask())

        async def until_begun() -> None:
            while not begun.is_set():
                await asyncio.sleep(0.001)

        loop.run_until_complete(until_begun())
        # Nothing has cancelled the handler.
        loop.close()
        error = asked.result(timeout=10).content["error"]
        assert error == "the event loop of the handler was closed before it answered"
        # Whoever asks later is told too.
        error = asyncio.run(ask()).content["error"]
        assert error == "the event loop of the handler is closed"

    async def close() -> None:
        await runtime.close()

    asyncio.run(close())
