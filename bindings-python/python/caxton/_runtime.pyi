from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import Any, Literal

from typing_extensions import Self

from caxton import _caxton

@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of an agent. ``None`` lifts a limit; ``0`` does so for the memory only."""

    #: Linear memory, in bytes.
    max_memory_bytes: int | None = ...
    #: The longest time without a pause while others wait, in microseconds; at least 1000.
    max_cpu_micros: int | None = ...
    #: Time of one turn, in microseconds: running, host calls and sleeping together.
    max_execution_time_micros: int | None = ...
    #: Calls of host functions in one turn, without those of WASI.
    max_host_calls: int | None = ...
    #: Allocations of one turn: `memory.grow`, `table.grow`, and each entry into an allocator that
    #: the module exports.
    max_allocations: int | None = ...
    #: Messages sent in a second, without the first reply to the sender of the message in hand.
    max_messages_per_second: int | None = ...
    #: All effects of one turn together, in bytes.
    max_turn_bytes: int | None = ...
    #: Work of the host for one turn, in units of about a microsecond.
    max_turn_work: int | None = ...
    #: Memory that the host keeps for the agent, in bytes, without stored data and waiting messages.
    max_host_bytes: int | None = ...
    #: The agent's weight when agents compete for the processor, 1 to 10,000; ``None`` is 100.
    cpu_share: int | None = ...
    #: One message as JSON, in bytes.
    max_message_bytes: int | None = ...
    #: Messages that wait in the mailbox.
    mailbox_capacity: int | None = ...
    #: Bytes of the messages that wait in the mailbox.
    mailbox_bytes: int | None = ...
    #: Stored data of the agent, in bytes: keys, values, and 96 for each key.
    max_storage_bytes: int | None = ...
    #: Timers that the agent has set.
    max_timers: int | None = ...
    #: Subscriptions of the agent.
    max_subscriptions: int | None = ...
    #: Log output of one turn, in bytes.
    max_log_bytes: int | None = ...
    #: Elements of all tables of the module.
    max_table_elements: int | None = ...

@dataclass(frozen=True, kw_only=True)
class ContentLimits:
    """The limits of the content of messages. ``None`` lifts a limit.

    Strings and keys are measured without their escapes, in bytes of UTF-8.
    """

    #: The content as JSON, in bytes.
    max_bytes: int | None = ...
    #: Keys of one object; a repeated key counts each time.
    max_keys: int | None = ...
    #: One key, in bytes.
    max_key_bytes: int | None = ...
    #: Items of one array.
    max_array_items: int | None = ...
    #: One string that is not a key, in bytes.
    max_string_bytes: int | None = ...
    #: Nested objects and arrays; 65,536 when it is lifted.
    max_depth: int | None = ...

@dataclass(frozen=True, kw_only=True)
class CompileLimits:
    """The limits of the cost of compiling a module, which is estimated beforehand.

    ``None`` lifts a limit.
    """

    #: Time that one function may take, in milliseconds.
    max_compile_function_millis: int | None = ...
    #: Memory that one function may take while it is compiled, in bytes.
    max_compile_function_bytes: int | None = ...
    #: Time that all functions of a module may take together, in milliseconds.
    max_compile_millis: int | None = ...

@dataclass(frozen=True, kw_only=True)
class Grants:
    """The grants of an agent: its permissions beside handling messages.

    Names of agents may end in ``*``, which stands for any rest; topics are ``topic:NAME``.
    """

    #: The agents and topics to which it may send messages and broadcasts; ``None`` is all. It may
    #: always answer the sender of the message that it handles, once.
    send_to: Iterable[str] | None = None
    #: The agents whose messages its subscriptions see, sent or received, beside topics and
    #: broadcasts.
    observe: Iterable[str] = ()
    #: Folders that it sees through WASI: the name inside the sandbox, the path, and ``"ro"`` or
    #: ``"rw"``. A folder that holds a store or compiled modules is refused.
    dirs: Mapping[str, tuple[str | PathLike[str], Literal["ro", "rw"]]] = ...
    #: Its environment variables, through WASI.
    env: Mapping[str, str] = ...
    #: Its arguments, through WASI; the first one is by custom the name of the program.
    args: Iterable[str] = ()
    #: The place for its standard output and error: its log, this program's own, or nowhere.
    stdout: Literal["log", "inherit", "discard"] = "log"
    #: True if it may have ``ams`` deploy, suspend, resume and remove agents. An agent that it
    #: deploys has the same limits and ``send_to``, and no other grants.
    directory_admin: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The grants as the core reads them."""

@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The bound on grants and limits that do not come from a call of this program: those of agents
    that a store brings back, and of agents that ``ams`` deploys.

    An agent of a store that was granted more comes back suspended. The program's own calls are not
    bounded.
    """

    #: The bound on grants. It covers folders inside its own, and those with less access. The value
    #: of an environment variable may end in ``*``, which stands for any rest. Arguments are not
    #: bounded.
    grants: Grants = ...
    #: The bound on limits, with defaults for those that it does not name; ``None`` bounds none.
    limits: Limits | None = None

class Runtime(_caxton.Runtime):
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class AsyncRuntime(_caxton.AsyncRuntime):
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
