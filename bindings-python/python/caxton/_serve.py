"""Calling handlers on threads, and registering them.

What runs on event loops is in ``_loop``: to import asyncio takes longer than all else.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from caxton import _threads
from caxton._caxton import Feed, HostAgent, Message, Task, Tasks
from caxton._describe import describe, text_of
from caxton._errors import NotUnderstood, Refused

log = logging.getLogger("caxton")

_H = TypeVar("_H", bound=Callable[..., Any])

#: The task that the code which runs now handles.
within: contextvars.ContextVar[Task | None] = contextvars.ContextVar("caxton_within", default=None)


def is_async(handler: Callable[..., object]) -> bool:
    """Whether calling ``handler`` gives a coroutine."""
    call = getattr(handler, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


def start_threads(name: str, count: int, tasks: Tasks) -> None:
    """Starts threads that call the handlers of one agent."""
    for number in range(count):
        title = name if count == 1 else f"{name}-{number}"
        _threads.start(title, _work, tasks)


def _work(tasks: Tasks) -> None:
    while (found := tasks.next()) is not None:
        call(*found)
        # Nothing is kept while it waits.
        del found


def call(handler: Callable[[Message], object], task: Task) -> None:
    """Calls a plain function for one task, on this thread."""
    contextvars.copy_context().run(_call, handler, task)


def _call(handler: Callable[[Message], object], task: Task) -> None:
    within.set(task)
    try:
        task.finish(handler(task.message))
    except BaseException as error:  # A handler that exits fails one message, not the program.
        fail(task, error)


def fail(task: Task, error: BaseException) -> None:
    """Answers with what a handler raised; raises nothing itself."""
    # Neither `isinstance` nor `error.code`: an exception may have made both its own.
    for kind in (Refused, NotUnderstood):
        if issubclass(type(error), kind):
            # That is an answer like any other.
            task.fail(text_of(error) or describe(error), kind.code)
            return
    report("a handler failed for %r", task.message, error)
    task.fail(describe(error), "")


def report(what: str, message: Message, error: BaseException) -> None:
    """Logs what a function of the program's raised; raises nothing itself."""
    # The program's own log handlers may fail as its functions do.
    with contextlib.suppress(BaseException):
        log.error(what, message, exc_info=error)


def start_callback(feed: Feed, callback: Callable[[Message], object]) -> None:
    """Starts a thread that calls a subscription's plain callback."""
    _threads.start("caxton-callback", _call_back_each, feed, callback)


def _call_back_each(feed: Feed, callback: Callable[[Message], object]) -> None:
    while (message := feed.next()) is not None:
        call_back(callback, message)
        # Nothing is kept while it waits.
        del message


def call_back(callback: Callable[[Message], object], message: Message) -> None:
    """Calls a subscription's plain callback; what it raises is logged."""
    try:
        callback(message)
    except BaseException as error:
        report("a subscription's callback failed for %r", message, error)


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
