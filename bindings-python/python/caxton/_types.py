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
#: A function that handles messages. It returns content, a whole message or nothing, or a
#: coroutine of that.
Handler: TypeAlias = Callable[["Message"], Any | Awaitable[Any]]


class Stats(TypedDict):
    """Figures of one agent since it was deployed, or since its store was opened."""

    #: Turns that committed.
    turns: int
    #: Turns that were dropped, for any reason.
    dropped_turns: int
    #: Turns that were dropped because the memory could not grow.
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
    #: Turns that committed and returned a code other than 0.
    error_codes: int
    #: Times that the instance was replaced.
    restarts: int
    #: Messages that were delivered to it.
    messages_in: int
    #: Messages that its turns sent.
    messages_out: int
    #: Timers that fired for it.
    timers: int
    #: Calls of host functions, without those of WASI.
    host_calls: int
    #: Work of the host for its turns, in units of about a microsecond.
    work: int
    #: Calls that did nothing because `max_turn_work` or `max_host_bytes` was reached.
    refused_work: int
    #: Copies that were skipped: their receiver had no room, or its content limits forbade them.
    skipped: int
    #: Time for which its guest ran and the host worked for it, in microseconds.
    cpu_micros: int
    #: Time of its turns, in microseconds: running, host calls and sleeping.
    wall_micros: int
    #: Memory after its last turn, in bytes.
    memory_bytes: int
    #: The most memory that it had after a turn, in bytes.
    peak_memory_bytes: int
    #: Bytes that it has stored: keys, values, and 96 for each key.
    stored_bytes: int
    #: Bytes that the host keeps for it, without stored data and waiting messages.
    host_bytes: int
    #: Messages that wait in the mailbox.
    mailbox_messages: int
    #: Log lines that were dropped.
    log_lines_dropped: int


class Metrics(TypedDict):
    """Figures of a runtime."""

    #: The sums of all agents, including those that have been removed.
    total: Stats
    #: The figures of each deployed agent, by name.
    agents: dict[str, Stats]
    #: Number of registered host agents.
    host_agents: int
    #: Number of dead letters that are kept.
    dead_letters: int
