"""Types that annotations name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Union

if TYPE_CHECKING:
    from caxton._caxton import Agent, AsyncAgent, HostAgent, Message
    from caxton._serve import Registration

#: JSON: ``None``, ``bool``, ``int``, finite ``float``, ``str``, lists, tuples and mappings.
Json: TypeAlias = Any
#: A module: a path, bytes, or the text format in a ``str``.
Wasm: TypeAlias = Union[str, "PathLike[str]", bytes, bytearray, memoryview]
#: A whole message: a dict, a ``Message``, or JSON in ``bytes`` or ``str``.
AnyMessage: TypeAlias = Union["Message", Mapping[str, Any], bytes, bytearray, str]
#: An agent: its name, or the object that stands for it.
AgentName: TypeAlias = Union[str, "Agent", "AsyncAgent", "HostAgent", "Registration"]
#: Several agents.
Participants: TypeAlias = Iterable[AgentName]
#: What handles messages. It returns content, a whole message or nothing, or a coroutine of that.
Handler: TypeAlias = Callable[["Message"], Any | Awaitable[Any]]


class Stats(TypedDict):
    """Figures of one agent since it was deployed, or since its store was opened."""

    #: Turns that committed.
    turns: int
    #: Turns that were dropped, for whatever reason.
    dropped_turns: int
    #: Turns that were dropped because its memory could not grow.
    dropped_memory: int
    #: Turns that were dropped because they took too long.
    dropped_time: int
    #: Turns that were dropped because they made too many host calls.
    dropped_host_calls: int
    #: Turns that were dropped because they made too many allocations.
    dropped_allocations: int
    #: Turns that were dropped because the guest trapped.
    dropped_trap: int
    #: Turns that were dropped because the guest called `proc_exit`.
    dropped_exit: int
    #: Turns that were dropped because the stack overflowed.
    dropped_stack: int
    #: Turns that committed and ended with another code than 0.
    error_codes: int
    #: Times that the instance was replaced.
    restarts: int
    #: Messages that it was handed.
    messages_in: int
    #: Messages that its turns sent.
    messages_out: int
    #: Timers that it was told of.
    timers: int
    #: Calls of host functions, leaving out WASI's.
    host_calls: int
    #: Host work of its turns, in units of about a microsecond.
    work: int
    #: Calls that did nothing since host work, or what the host keeps for it, was at its limit.
    refused_work: int
    #: Copies that found no room with their receiver, or were above its content limits.
    skipped: int
    #: Time that its guest ran, and that the host worked for its turns, in microseconds.
    cpu_micros: int
    #: Time of its turns, in microseconds: running, host calls and sleeping.
    wall_micros: int
    #: Memory after its last turn, in bytes.
    memory_bytes: int
    #: The most memory that it had after a turn, in bytes.
    peak_memory_bytes: int
    #: Bytes that it has stored: keys, values, and 96 for each key.
    stored_bytes: int
    #: Bytes that the host keeps for it, beside stored data and waiting mail.
    host_bytes: int
    #: Messages that wait in the mailbox.
    mailbox_messages: int
    #: Log lines that were dropped.
    log_lines_dropped: int


class Metrics(TypedDict):
    """Figures of a runtime."""

    #: Of all agents together, also of those that have been removed since.
    total: Stats
    #: Of each agent that is here, by name.
    agents: dict[str, Stats]
    #: Host agents that are here.
    host_agents: int
    #: Dead letters that are kept.
    dead_letters: int
