"""Threads that call handlers and callbacks.

They are daemons, since a handler may never return. One that waits in the runtime when the
interpreter ends would be ended in the middle of compiled code, so what is idle is waited for.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

_started: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def start(name: str, target: Callable[..., object], *args: object) -> threading.Thread:
    """Starts a thread."""
    thread = threading.Thread(target=target, args=args, name=name, daemon=True)
    _started.add(thread)
    thread.start()
    return thread


def wait(seconds: float) -> None:
    """Waits for the end of all that were started, for so long at the most."""
    until = time.monotonic() + seconds
    for thread in list(_started):
        if thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))
