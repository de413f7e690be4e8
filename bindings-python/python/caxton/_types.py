"""Types that annotations name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Union

if TYPE_CHECKING:
    from caxton._caxton import Message

#: JSON: ``None``, ``bool``, ``int``, finite ``float``, ``str``, lists, tuples and mappings.
Json: TypeAlias = Any
#: A module: a path, bytes, or the text format in a ``str``.
Wasm: TypeAlias = Union[str, "PathLike[str]", bytes, bytearray, memoryview]
#: A whole message: a dict, a ``Message``, or JSON in ``bytes`` or ``str``.
AnyMessage: TypeAlias = Union["Message", Mapping[str, Any], bytes, bytearray, str]
#: What handles messages. It returns content, a whole message or nothing, or a coroutine of that.
Handler: TypeAlias = Callable[["Message"], Any | Awaitable[Any]]


class Stats(TypedDict):
    """Figures of one agent since it was deployed."""

    turns: int
    dropped_turns: int
    restarts: int
    messages_in: int
    messages_out: int
    timers: int
    stored_bytes: int
    skipped: int
    cpu_micros: int
    memory_bytes: int
    mailbox_messages: int
    log_lines_dropped: int
