"""A live view of a runtime in a notebook."""

from __future__ import annotations

import atexit
import contextvars
import math
import threading
import time
import weakref
from typing import Any

from caxton._errors import InvalidArgument

#: The view takes at most one part in so many of a core.
SHARE = 10

#: Every view whose thread may run: an exit hook ends them, so that none attaches after it.
_open: weakref.WeakSet[Watch] = weakref.WeakSet()


class Watch:
    """A live view of a runtime: its agents, and its open and latest conversations.

    It ends with the runtime, or by ``close``.
    """

    __module__ = "caxton"

    def __init__(self, runtime: Any, interval: float) -> None:
        if not (isinstance(interval, (int, float)) and math.isfinite(interval) and interval > 0):
            raise InvalidArgument(f"interval is {interval!r}, expected seconds above 0")
        try:
            from IPython import display
            from IPython.core.interactiveshell import InteractiveShell
        except ImportError as error:
            raise RuntimeError("watch() shows something in Jupyter, and needs IPython") from error
        if not InteractiveShell.initialized():
            raise RuntimeError("watch() shows something in Jupyter, and there is no notebook here")
        # IPython says little about its types.
        self._display: Any = display
        self._runtime = weakref.ref(runtime)
        self._over = threading.Event()
        self._shown = runtime._live_html()
        html = self._display.HTML(self._shown)
        self._handle: Any = self._display.display(html, display_id=True)
        # Updates belong to the cell that this one is in.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(
            target=run, args=(self._run, interval), name="caxton-watch", daemon=True
        )
        _open.add(self)
        self._thread.start()

    def _run(self, interval: float) -> None:
        took = 0.0
        while not self._over.wait(max(interval, took * SHARE)):
            began = time.monotonic()
            runtime = self._runtime()
            if runtime is None:
                return
            is_closed = runtime.closed
            html = runtime._live_html()
            # Whoever drops the runtime meanwhile is not to wait for this thread.
            del runtime
            if html != self._shown:
                self._shown = html
                self._handle.update(self._display.HTML(html))
            if is_closed:
                return
            took = time.monotonic() - began

    def close(self) -> None:
        """Ends the view; what it shows stays."""
        self._over.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=1)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _ipython_display_(self) -> None:
        """It is shown already, where it began."""


def _close_all() -> None:
    for watch in list(_open):
        watch.close()


atexit.register(_close_all)
