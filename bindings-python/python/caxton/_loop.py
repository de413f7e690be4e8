"""Calling handlers on event loops: the caller's, or one of the runtime's own."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

from caxton import _threads
from caxton._caxton import Looper, Message, Task
from caxton._serve import fail, report, within

#: Tasks that run, and what a handler's answers; asyncio itself keeps only weak references to them.
_running: dict[asyncio.Task[Any], Task | None] = {}


def start(handler: Callable[[Message], Awaitable[object]], task: Task) -> None:
    """Begins an async function for one task, on the running loop."""
    _keep(asyncio.get_running_loop().create_task(_serve(handler, task)), task)


async def _serve(handler: Callable[[Message], Awaitable[object]], task: Task) -> None:
    within.set(task)
    try:
        task.finish(await handler(task.message))
    except asyncio.CancelledError:
        task.fail("the handler was cancelled", "")
        raise
    except BaseException as error:  # The loop must not end for one message.
        fail(task, error)


def _keep(running: asyncio.Task[Any], task: Task | None = None) -> None:
    _running[running] = task
    running.add_done_callback(_ended)


def _ended(running: asyncio.Task[Any]) -> None:
    _running.pop(running, None)


def watch_close(loop: asyncio.AbstractEventLoop, looper: Looper) -> None:
    """Ends a looper with its loop, which tells nobody else that it is closed."""
    # Weak: the loop is not to keep itself.
    this = weakref.ref(loop)
    inner = getattr(loop, "__dict__", {}).get("close")

    def close() -> None:
        closing = this()
        if closing is None:
            return
        if inner is None:
            type(closing).close(closing)
        else:
            inner()
        looper.end()
        for running, task in list(_running.items()):
            if running.get_loop() is closing:
                _ended(running)
                if task is not None:
                    task.fail("the event loop of the handler was closed before it answered", "")

    # A loop whose class has no room for it ends its looper when it is collected.
    with contextlib.suppress(AttributeError):
        loop.close = close  # type: ignore[method-assign]


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
            report("a subscription's callback failed for %r", message, error)


class LoopThread:
    """An event loop on a thread of its own, for async handlers under a blocking runtime."""

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._has_begun = _threads.Event()
        self._thread = _threads.Thread("caxton-loop", self._run)
        self._has_begun.wait()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            # Made here: a loop that uses gevent's `select` belongs to the thread that makes it.
            self._loop = asyncio.new_event_loop()
        except BaseException as error:
            self._error = error
            self._has_begun.set()
            return
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._begin)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _begin(self) -> None:
        try:
            self._looper = Looper.current()
        except BaseException as error:
            self._error = error
            self._loop.stop()
        self._has_begun.set()

    def looper(self) -> Looper:
        """The looper of this loop."""
        return self._looper

    def pump(
        self,
        subscription: AsyncIterable[Message],
        callback: Callable[[Message], Awaitable[object]],
    ) -> None:
        """As the function of the same name, on this loop."""
        self._loop.call_soon_threadsafe(pump, subscription, callback)

    def stop(self) -> None:
        """Ends the loop and cancels what runs there. From the loop itself it only signals."""
        if not self._thread.is_over:
            self._loop.call_soon_threadsafe(self._cancel)
        if not self._thread.is_current:
            self._thread.join(1)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)
