"""Threads that call handlers and callbacks.

They are the system's own: gevent and eventlet put greenlets in the place of Python's, and those
would wait for the very thread that waits for them. The process does not wait for them, since a
handler may never return. One that waits in the runtime when the interpreter ends would be ended
in the middle of compiled code, so what is idle is waited for.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


def _made_anew(name: str) -> Any:
    """A built-in module as it was before anybody replaced what is in it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"there is no module {name}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_thread = _made_anew("_thread")

#: Those that the end of the interpreter waits for.
_started: set[Thread] = set()


class Event:
    """Something that comes once, for threads of any kind."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        """It has come."""
        self._lock.release()

    def is_set(self) -> bool:
        """True once it has come."""
        return not self._lock.locked()

    def wait(self, seconds: float = -1) -> bool:
        """Waits until it comes, or for so many seconds; True if it has come."""
        has_come = self._lock.acquire(timeout=seconds)
        if has_come:
            self._lock.release()
        return bool(has_come)


class Thread:
    """A thread that calls one function."""

    def __init__(self, name: str, target: Callable[..., object], *args: object) -> None:
        self._name = name
        self._call = (target, args)
        self._end = Event()
        self._ident: int | None = None
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        self._ident = _thread.get_ident()
        target, args = self._call
        del self._call
        try:
            # As Python does for its threads: debuggers and coverage look in, logs have the name.
            threading.current_thread().name = self._name
            if trace := threading.gettrace():
                sys.settrace(trace)
            if profile := threading.getprofile():
                sys.setprofile(profile)
            target(*args)
        finally:
            self._end.set()

    @property
    def is_over(self) -> bool:
        """True once its end has come."""
        return self._end.is_set()

    @property
    def is_current(self) -> bool:
        """True on this thread itself."""
        return bool(_thread.get_ident() == self._ident)

    def join(self, seconds: float) -> bool:
        """Waits for its end, for so many seconds at the most; True if it has come."""
        return self._end.wait(max(0.0, seconds))


def start(name: str, target: Callable[..., object], *args: object) -> Thread:
    """Starts a thread that the end of the interpreter waits for."""
    thread = Thread(name, target, *args)
    for other in list(_started):
        if other.is_over:
            _started.discard(other)
    _started.add(thread)
    return thread


def wait(seconds: float) -> None:
    """Waits for the end of all that were started, for so long at the most."""
    until = time.monotonic() + seconds
    for thread in list(_started):
        if not thread.is_current:
            thread.join(until - time.monotonic())
