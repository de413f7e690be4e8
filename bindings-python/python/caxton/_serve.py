"""Calling handlers: on threads, on the caller's event loop, on a loop of the runtime's own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, TypeVar

from caxton._caxton import HostAgent, Looper, Message, Task
from caxton._errors import NotUnderstood, Refused

log = logging.getLogger("caxton")

_H = TypeVar("_H", bound=Callable[..., Any])

#: The task that the code which runs now handles.
within: contextvars.ContextVar[Task | None] = contextvars.ContextVar("caxton_within", default=None)

#: Tasks that run; asyncio itself keeps only weak references to them.
_running: set[asyncio.Task[Any]] = set()


def is_async(handler: Callable[..., object]) -> bool:
    """Whether calling ``handler`` gives a coroutine."""
    call = getattr(handler, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


def call(handler: Callable[[Message], object], task: Task) -> None:
    """Calls a plain function for one task, on this thread."""
    contextvars.copy_context().run(_call, handler, task)


def _call(handler: Callable[[Message], object], task: Task) -> None:
    within.set(task)
    try:
        result = handler(task.message)
    except BaseException as error:  # A handler that exits fails one message, not the program.
        _fail(task, error)
    else:
        task.finish(result)


def start(handler: Callable[[Message], Awaitable[object]], task: Task) -> None:
    """Begins an async function for one task, on the running loop."""
    _keep(asyncio.get_running_loop().create_task(_serve(handler, task)))


async def _serve(handler: Callable[[Message], Awaitable[object]], task: Task) -> None:
    within.set(task)
    try:
        result = await handler(task.message)
    except asyncio.CancelledError:
        task.fail("the handler was cancelled", "")
        raise
    except BaseException as error:  # As above: the loop must not end for one message.
        _fail(task, error)
    else:
        task.finish(result)


def _fail(task: Task, error: BaseException) -> None:
    if isinstance(error, (Refused, NotUnderstood)):
        # That is an answer like any other.
        task.fail(str(error) or describe(error), error.code)
        return
    log.error("a handler failed for %r", task.message, exc_info=error)
    task.fail(describe(error), "")


def describe(error: BaseException) -> str:
    """An exception in one sentence."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _keep(task: asyncio.Task[Any]) -> None:
    _running.add(task)
    task.add_done_callback(_running.discard)


def call_back(callback: Callable[[Message], object], message: Message) -> None:
    """Calls a subscription's plain callback; what it raises is logged."""
    try:
        callback(message)
    except BaseException as error:
        log.error("a subscription's callback failed for %r", message, exc_info=error)


def pump(
    subscription: AsyncIterable[Message],
    callback: Callable[[Message], Awaitable[object]],
) -> None:
    """Calls a subscription's async callback for each message, on the running loop."""
    _keep(asyncio.get_running_loop().create_task(_pump(subscription, callback)))


async def _pump(
    subscription: AsyncIterable[Message],
    callback: Callable[[Message], Awaitable[object]],
) -> None:
    async for message in subscription:
        try:
            await callback(message)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            log.error("a subscription's callback failed for %r", message, exc_info=error)


class LoopThread:
    """An event loop on a thread of its own, for async handlers under a blocking runtime."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="caxton-loop", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def looper(self) -> Looper:
        """The looper of this loop."""

        async def current() -> Looper:
            return Looper.current()

        return asyncio.run_coroutine_threadsafe(current(), self._loop).result()

    def pump(
        self,
        subscription: AsyncIterable[Message],
        callback: Callable[[Message], Awaitable[object]],
    ) -> None:
        """As the function of the same name, on this loop."""
        self._loop.call_soon_threadsafe(pump, subscription, callback)

    def stop(self) -> None:
        """Ends the loop and cancels what runs there. From the loop itself it only signals."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)


def route(host: HostAgent, performative: str | None, protocol: str | None) -> Callable[[_H], _H]:
    """``@host.on("cfp")``: gives a host agent a function for some messages, and gives it back."""

    def decorate(handler: _H) -> _H:
        host._add(performative, protocol, handler)
        return handler

    return decorate


class Registration:
    """``rt.agent("name")``: a host agent that is registered when it gets its first handler."""

    __module__ = "caxton"

    def __init__(
        self, register: Callable[..., HostAgent], name: str, options: dict[str, Any]
    ) -> None:
        self._register = register
        self._options = options
        self._host: HostAgent | None = None
        self._name = name

    @property
    def name(self) -> str:
        """The agent's name."""
        return self._name

    def __call__(self, handler: _H) -> _H:
        """Registers a function for all messages that no other takes, and gives it back."""
        if self._host is None:
            self._host = self._register(self._name, handler, **self._options)
            return handler
        return self._host.on()(handler)

    def on(
        self, performative: str | None = None, *, protocol: str | None = None
    ) -> Callable[[_H], _H]:
        """As ``HostAgent.on``."""
        if self._host is None:
            self._host = self._register(self._name, None, **self._options)
        return self._host.on(performative, protocol=protocol)

    def remove(self) -> None:
        """Takes the agent out of the runtime, if it is there."""
        if self._host is not None:
            self._host.remove()

    def __repr__(self) -> str:
        state = "" if self._host else ", not registered"
        return f"<Registration {self._name!r}{state}>"
