"""The runtimes as context managers, and their end with the interpreter's."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Any

from caxton import _caxton, _threads
from caxton._errors import InvalidArgument

#: Every runtime that has not been collected: an exit hook closes what is open.
_open: weakref.WeakSet[Any] = weakref.WeakSet()

#: How long the end of the interpreter waits for handlers that are busy, in seconds.
_PATIENCE = 0.5

#: What an agent may use. ``None`` lifts a limit.
Limits = make_dataclass(
    "Limits",
    [(name, "int | None", field(default=value)) for name, value in _caxton.limits_defaults()],
    frozen=True,
    kw_only=True,
    namespace={"__module__": "caxton", "__doc__": "What an agent may use. ``None`` lifts a limit."},
)

#: What the content of a message may be. ``None`` lifts a limit.
ContentLimits = make_dataclass(
    "ContentLimits",
    [
        (name, "int | None", field(default=value))
        for name, value in _caxton.content_limits_defaults()
    ],
    frozen=True,
    kw_only=True,
    namespace={
        "__module__": "caxton",
        "__doc__": "What the content of a message may be. ``None`` lifts a limit.",
    },
)

#: What compiling a module may cost, by an estimate. ``None`` lifts a limit.
CompileLimits = make_dataclass(
    "CompileLimits",
    [
        (name, "int | None", field(default=value))
        for name, value in _caxton.compile_limits_defaults()
    ],
    frozen=True,
    kw_only=True,
    namespace={
        "__module__": "caxton",
        "__doc__": "What compiling a module may cost, by an estimate. ``None`` lifts a limit.",
    },
)


@dataclass(frozen=True, kw_only=True)
class Grants:
    """What an agent may do beside handling messages."""

    __module__ = "caxton"

    send_to: Iterable[str] | None = None
    observe: Iterable[str] = ()
    dirs: Mapping[str, tuple[str | os.PathLike[str], str]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    args: Iterable[str] = ()
    stdout: str = "log"
    directory_admin: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The grants as the core reads them."""
        return {
            "send_to": None if self.send_to is None else _names(self.send_to),
            "observe": _names(self.observe),
            "dirs": {guest: _folder(folder) for guest, folder in self.dirs.items()},
            "env": self.env,
            "args": _names(self.args),
            "stdout": self.stdout,
            "directory_admin": self.directory_admin,
        }


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The most that agents may have of what no call of this program grants."""

    __module__ = "caxton"

    grants: Grants = field(default_factory=Grants)
    limits: Limits | None = None  # type: ignore[valid-type]


def _names(texts: Any) -> Any:
    """A list of names; what is none is for the core to refuse, as in every language."""
    is_list = isinstance(texts, Iterable) and not isinstance(texts, (str, bytes, Mapping))
    return list(texts) if is_list else texts


def _folder(folder: Any) -> list[str]:
    try:
        host, access = folder
        return [os.fspath(host), access]
    except (TypeError, ValueError):
        raise InvalidArgument(
            f'a folder is {folder!r}, expected (path, "ro") or (path, "rw")'
        ) from None


class Runtime(_caxton.Runtime):
    __doc__ = _caxton.Runtime.__doc__

    def __init__(self, **_options: Any) -> None:
        _open.add(self)

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class AsyncRuntime(_caxton.AsyncRuntime):
    __doc__ = _caxton.AsyncRuntime.__doc__

    def __init__(self, **_options: Any) -> None:
        _open.add(self)

    async def __aenter__(self) -> AsyncRuntime:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


def _close_all() -> None:
    for runtime in list(_open):
        runtime._close_blocking()
    _threads.wait(_PATIENCE)


atexit.register(_close_all)
