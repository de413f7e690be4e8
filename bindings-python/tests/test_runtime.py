"""The blocking runtime."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import logging
import pickle
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.reduction import ForkingPickler
from typing import Any

import caxton
import pytest
from conftest import SILENT, SLEEPER, SPINNER, UPPERCASE, built, until


def test_the_first_script(rt: caxton.Runtime) -> None:
    echo = rt.deploy(str(built("rust")), name="echo", capabilities=["text"])
    reply = echo.request(UPPERCASE, timeout=5)
    assert reply.content["result"]["result"] == "HELLO"
    assert rt.find("text") == ["echo"]
    assert rt.agent_named("echo").id == echo.id


@pytest.mark.parametrize(
    "content",
    [None, True, 0, -1, 2**63, 10**40, 1.5, 1e300, 'é\n"\\\0🎉', [], [1, [2]], {"a": {"b": []}}],
)
def test_content_comes_back_as_it_was(rt: caxton.Runtime, content: Any) -> None:
    rt.register("mirror", lambda message: {"back": message.content})
    reply = rt.ask({"performative": "request", "receiver": "mirror", "content": content})
    assert reply.content == {"back": content}
    assert type(reply.content["back"]) is type(content)


@pytest.mark.parametrize("depth", [199, 201, 513, 20_000])
def test_whatever_depth_can_be_sent_can_be_read_and_sent_back(
    rt: caxton.Runtime, depth: int
) -> None:
    rt.register("mirror", lambda message: message.content)
    deep = '[{"a":' * (depth // 2) + '[1.5, 123456789012345678901234567890, "\\u00e9", true, null]'
    deep += "}]" * (depth // 2)
    ask = f'{{"performative": "request", "receiver": "mirror", "content": {deep}}}'
    answer = rt.ask(ask, timeout=10)
    content = answer.content
    for _ in range(depth // 2):
        content = content[0]["a"]
    assert content == [1.5, 123456789012345678901234567890, "\u00e9", True, None]
    assert answer.to_dict()["sender"] == "mirror"
    assert repr(answer).endswith("…>")
    again = rt.ask({**answer.to_dict(), "receiver": "mirror"}, timeout=10)
    assert again.raw.count(b"[") == answer.raw.count(b"[")


def test_content_that_is_deep_and_wrong() -> None:
    for wrong in ("[" * 300, "[" * 300 + "1 2" + "]" * 300, '{"a":' * 300 + "]"):
        with pytest.raises(caxton.InvalidMessage):
            _ = caxton.Message.from_json(f'{{"performative": "inform", "content": {wrong}}}')


def test_copies_and_pickles_of_a_message_are_whole(rt: caxton.Runtime) -> None:
    subscription = rt.subscribe()
    fields: dict[str, Any] = {"reply_with": "r", "X-more": [2]}
    rt.deploy(SILENT, name="a").send({"a": [1]}, **fields)
    message = subscription.next(timeout=10)
    assert message is not None
    assert message.message_id
    assert message.sent_at
    for copied in (
        pickle.loads(pickle.dumps(message)),
        copy.copy(message),
        copy.deepcopy(message),
        multiprocessing_copy(message),
    ):
        assert copied == message
        assert copied.message_id == message.message_id
        assert copied.sent_at == message.sent_at
        assert copied.to_dict() == message.to_dict()
    unsent = caxton.Message("inform", 1, receiver="a")
    assert copy.copy(unsent).message_id is None
    # What somebody writes is not believed.
    assert caxton.Message.from_json(message.raw).message_id is None


def multiprocessing_copy(message: caxton.Message) -> caxton.Message:
    """The message as another process gets it."""
    copied = pickle.loads(ForkingPickler.dumps(message))
    assert isinstance(copied, caxton.Message)
    return copied


def test_messages_are_values(rt: caxton.Runtime) -> None:
    message = caxton.Message("query_IF", {"a": 1}, receiver=["x", "y"], ontology="o")
    assert message.performative == "query-if"
    assert message.receiver == ["x", "y"]
    assert message.message_id is None
    assert message == caxton.Message.from_json(message.raw)
    assert hash(message) == hash(caxton.Message.from_json(message.raw))
    assert pickle.loads(pickle.dumps(message)) == message
    assert message.content is message.content
    with pytest.raises(AttributeError):
        message.performative = "inform"  # type: ignore[misc]
    with pytest.raises(caxton.InvalidMessage):
        caxton.Message("shout")


def test_a_repr_holds_no_control_characters(rt: caxton.Runtime) -> None:
    sub = rt.subscribe()
    rt.deploy(SILENT, name="a").send("\x1b[2J\u202e" + "x" * 200)
    shown = repr(sub.next(timeout=5))
    assert shown.isprintable()
    assert len(shown) < 250


def test_a_callback_s_answers(rt: caxton.Runtime) -> None:
    def handle(message: caxton.Message) -> Any:
        match message.content:
            case "message":
                return message.reply({"why": "no"}, performative="refuse")
            case "raise":
                raise ValueError("broken")
            case "exit":
                raise SystemExit(3)
            case "nonsense":
                return object()
        return None

    rt.register("h", handle)

    def ask(content: str, timeout: float = 5) -> caxton.Message:
        message = {"performative": "request", "receiver": "h", "content": content}
        return rt.ask(message, timeout=timeout)

    assert ask("message").performative == "refuse"
    assert "ValueError: broken" in ask("raise").content["error"]
    assert "SystemExit" in ask("exit").content["error"]
    assert "object" in ask("nonsense").content["error"]
    with pytest.raises(caxton.Timeout):
        ask("nothing", timeout=0.01)


class _NamelessType(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no name")


class _Nameless(Exception, metaclass=_NamelessType):
    pass


class _Unshowable(Exception):
    def __str__(self) -> str:
        raise self

    __repr__ = __str__


class _Text(str):
    def __str__(self) -> str:
        raise SystemExit(1)

    def __format__(self, spec: str) -> str:
        raise SystemExit(1)

    encode = __format__  # type: ignore[assignment]


class _OddText(Exception):
    def __str__(self) -> str:
        return _Text("odd")


class _OddRefusal(caxton.Refused):
    code: Any = property(lambda self: 1 / 0)

    def __str__(self) -> str:
        raise KeyboardInterrupt


class _Disguised(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            raise RuntimeError("no class")
        return super().__getattribute__(name)


#: How to make an exception, the act that tells of it, and a part of what that says.
RAISED: dict[str, tuple[Callable[[], BaseException], str, str]] = {
    "lone surrogates": (lambda: ValueError("\udcff"), "failure", r"^ValueError: \\udcff$"),
    "no text": (_Unshowable, "failure", r"^_Unshowable: \(no text: describing it raised _Uns"),
    "no name": (lambda: _Nameless("text"), "failure", "^_Nameless: text$"),
    "odd text": (_OddText, "failure", "^_OddText: odd$"),
    "odd refusal": (_OddRefusal, "refuse", "describing it raised KeyboardInterrupt"),
    "no class": (lambda: _Disguised("text"), "failure", "^_Disguised: text$"),
}


@pytest.mark.parametrize("what", RAISED)
@pytest.mark.parametrize("is_async", [False, True])
def test_whatever_is_raised_the_handler_goes_on_and_who_asked_is_told(
    rt: caxton.Runtime, what: str, is_async: bool
) -> None:
    error, act, text = RAISED[what]

    def handle(message: caxton.Message) -> Any:
        if message.content == "raise":
            raise error()
        return "fine"

    async def handle_async(message: caxton.Message) -> Any:
        return handle(message)

    rt.register("h", handle_async if is_async else handle)
    ask = {"performative": "request", "receiver": "h"}
    for _ in range(2):
        told = rt.ask({**ask, "content": "raise"}, timeout=5)
        assert told.performative == act
        assert re.search(text, told.content["error"])
        assert rt.ask({**ask, "content": "go on"}, timeout=5).content == "fine"


def test_a_log_that_fails_does_not_end_a_handler_or_a_callback(rt: caxton.Runtime) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("no log")

    def handle(message: caxton.Message) -> Any:
        raise ValueError("broken")

    seen: list[Any] = []

    def see(message: caxton.Message) -> None:
        seen.append(message.content)
        raise ValueError("broken")

    broken = Broken()
    log = logging.getLogger("caxton")
    log.addHandler(broken)
    try:
        rt.register("h", handle)
        rt.subscribe(see, receiver="h")
        for content in (1, 2):
            ask = {"performative": "request", "receiver": "h", "content": content}
            assert "broken" in rt.ask(ask, timeout=5).content["error"]
        until(lambda: seen == [1, 2])
    finally:
        log.removeHandler(broken)


class _Hostile(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise _Unshowable

    def __iter__(self) -> Iterator[str]:
        raise _Unshowable

    def __len__(self) -> int:
        raise _Unshowable


def test_what_a_handler_returns_may_raise_too(rt: caxton.Runtime) -> None:
    rt.register("h", lambda message: _Hostile())
    for _ in range(2):
        told = rt.ask({"performative": "request", "receiver": "h"}, timeout=5)
        assert "no answer: _Unshowable: (no text" in told.content["error"]


def test_who_asked_is_told_at_once_when_a_host_agent_goes_away(rt: caxton.Runtime) -> None:
    taken = threading.Event()

    def say_nothing(message: caxton.Message) -> None:
        taken.set()

    with ThreadPoolExecutor() as pool:
        host = rt.register("h", say_nothing)
        asking = pool.submit(rt.request, {"performative": "request", "receiver": "h"}, timeout=20)
        assert taken.wait(10)
        host.remove()
        with pytest.raises(caxton.AgentNotFound, match='"h" was removed after it had taken'):
            asking.result(timeout=10)
        taken.clear()
        host = rt.register("h", say_nothing)
        calling = pool.submit(rt.contract_net, {}, ["h"], deadline=20)
        assert taken.wait(10)
        host.remove()
        assert calling.result(timeout=10).failed == ["h"]


def test_a_handler_that_removes_its_agent_still_answers(rt: caxton.Runtime) -> None:
    def handle(message: caxton.Message) -> str:
        host.remove()
        return "once"

    host = rt.register("h", handle)
    assert rt.ask({"performative": "request", "receiver": "h"}, timeout=10).content == "once"


def test_callbacks_begin_in_order_and_one_at_a_time(rt: caxton.Runtime) -> None:
    seen: list[int] = []
    at_once: list[int] = []
    lock = threading.Lock()

    def handle(message: caxton.Message) -> Any:
        at_once.append(lock.acquire(blocking=False))
        seen.append(message.content)
        lock.release()
        return message.content

    rt.register("h", handle)
    asked = [{"performative": "request", "receiver": "h", "content": n} for n in range(200)]
    assert [reply.content for reply in rt.ask_many(asked)] == list(range(200))
    assert seen == list(range(200))
    assert all(at_once)


def test_async_callbacks_of_a_blocking_runtime_run_at_once(rt: caxton.Runtime) -> None:
    under_way: list[asyncio.Future[None]] = []

    async def handle(message: caxton.Message) -> Any:
        # All eight have to be under way together for any to go on.
        under_way.append(asyncio.get_running_loop().create_future())
        if len(under_way) == 8:
            for waiting in under_way:
                waiting.set_result(None)
        await under_way[message.content]
        return message.content

    rt.register("h", handle)
    asked = [{"performative": "request", "receiver": "h", "content": n} for n in range(8)]
    assert [reply.content for reply in rt.ask_many(asked)] == list(range(8))


def test_an_ask_that_comes_back_fails_at_once(rt: caxton.Runtime) -> None:
    @rt.agent("selfish")
    def selfish(message: caxton.Message) -> Any:
        return rt.ask({"performative": "request", "receiver": "selfish", "content": 1}).content

    reply = rt.ask({"performative": "request", "receiver": "selfish", "content": 1}, timeout=20)
    assert reply.content["kind"] == "deadlock"


def test_close_from_a_callback() -> None:
    rt = caxton.Runtime()
    closed = threading.Event()

    def handle(message: caxton.Message) -> None:
        rt.close()
        closed.set()

    rt.register("h", handle)
    rt.send({"performative": "inform", "receiver": "h"})
    assert closed.wait(30)
    with pytest.raises(caxton.Closed):
        rt.subscribe()


def test_a_subscription_with_a_callback(rt: caxton.Runtime) -> None:
    seen: list[Any] = []
    done = threading.Event()

    def callback(message: caxton.Message) -> None:
        seen.append(message.content)
        if message.content == 9:
            done.set()
        if message.content == 3:
            raise ValueError("does not end the subscription")

    subscription = rt.subscribe(callback, performative="inform")
    agent = rt.deploy(SILENT)
    for number in range(10):
        agent.send(number)
    assert done.wait(30)
    assert seen == list(range(10))
    subscription.close()


def test_a_slow_reader_is_told_what_it_missed(rt: caxton.Runtime) -> None:
    subscription = rt.subscribe()
    limits = caxton.Limits(mailbox_capacity=10_000)
    agent = rt.deploy(SILENT, limits=limits)
    rt.send_many([{"performative": "inform", "receiver": agent.name}] * 1500)
    assert subscription.missed == 1500 - 1024


def test_iterating_ends_with_the_runtime() -> None:
    rt = caxton.Runtime()
    subscription = rt.subscribe()
    threading.Thread(target=rt.close).start()
    assert list(subscription) == []


def test_other_threads_run_while_one_waits(rt: caxton.Runtime) -> None:
    sleeper = rt.deploy(SLEEPER)
    waiting = threading.Thread(target=lambda: swallow(lambda: sleeper.ask({}, timeout=30)))
    waiting.start()
    echo = rt.deploy(built("rust"))
    assert echo.request(UPPERCASE).content["result"]["result"] == "HELLO"
    sleeper.remove()
    waiting.join(30)
    assert not waiting.is_alive()


def test_many_threads_at_once(rt: caxton.Runtime) -> None:
    agents = rt.deploy_many(built("rust"), [f"a{n}" for n in range(4)])
    failed: list[BaseException] = []

    def work(index: int) -> None:
        try:
            for number in range(200):
                text = f"t{index}-{number}"
                data = {"operation": "uppercase", "data": text}
                content = {"action": "process_data", "data": data}
                reply = agents[(index + number) % 4].request(content)
                assert reply.content["result"]["result"] == text.upper()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_a_spinning_agent_harms_nobody(rt: caxton.Runtime) -> None:
    limits = caxton.Limits(max_execution_time_micros=None)
    for _ in range(10):
        rt.deploy(SPINNER, limits=limits).send({})
    echo = rt.deploy(built("rust"))
    for _ in range(20):
        assert echo.request(UPPERCASE).performative == "inform"


def test_garbage_in_any_order() -> None:
    rt = caxton.Runtime()
    agent = rt.deploy(SILENT)
    subscription = rt.subscribe()
    del rt
    gc.collect()
    agent.send({})
    assert subscription.next(timeout=5) is not None
    del agent
    gc.collect()
    del subscription
    gc.collect()


def test_inspect_without_a_runtime() -> None:
    found = caxton.inspect(built("rust"))
    assert found.missing == []
    assert found.start == "plain"
    assert ("handle_message", "(i32, i32) -> i32") in [(e.name, e.type) for e in found.exports]
    assert caxton.inspect("(module)").missing


def swallow(call: Any) -> None:
    """Calls, whatever comes of it."""
    with contextlib.suppress(caxton.CaxtonError):
        call()


def test_threads_that_register_and_remove_beside_a_standing_search_go_on(
    rt: caxton.Runtime,
) -> None:
    search = {"action": "search", "description": {}}
    agreed = rt.ask(
        {
            "performative": "subscribe",
            "receiver": "df",
            "conversation_id": "c",
            "content": search,
        },
        timeout=5,
    )
    assert agreed.performative == "agree"

    def come_and_go(thread: int) -> None:
        for turn in range(500):
            rt.register(f"h{thread}-{turn}", lambda message: None).remove()

    threads = [threading.Thread(target=come_and_go, args=(n,), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a thread stopped for ever"
