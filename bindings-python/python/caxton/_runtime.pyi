from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import Any, Literal

from typing_extensions import Self

from caxton import _caxton

@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an agent may use. ``None`` lifts a limit; ``0`` means no limit only for the memory."""

    #: Linear memory, in bytes.
    max_memory_bytes: int | None = ...
    #: Running time of one quantum, in microseconds; at least 1000.
    max_cpu_micros: int | None = ...
    #: Time of one turn, in microseconds: running, host calls and sleeping together.
    max_execution_time_micros: int | None = ...
    #: Calls of host functions in one turn, leaving out WASI's.
    max_host_calls: int | None = ...
    #: Allocations of one turn: `memory.grow`, `table.grow`, and each entry into an allocator that
    #: the module exports.
    max_allocations: int | None = ...
    #: Messages sent in a second; the first reply to who asked is not counted.
    max_messages_per_second: int | None = ...
    #: All effects of one turn together, in bytes.
    max_turn_bytes: int | None = ...
    #: Host work of one turn, in units of about a microsecond.
    max_turn_work: int | None = ...
    #: Memory that the host keeps for the agent, in bytes, beside stored data and waiting mail.
    max_host_bytes: int | None = ...
    #: The agent's weight when agents compete for the processor, 1 to 10,000; ``None`` is 100.
    cpu_share: int | None = ...
    #: One message as JSON, in bytes.
    max_message_bytes: int | None = ...
    #: Messages that wait in the mailbox.
    mailbox_capacity: int | None = ...
    #: Bytes of the messages that wait in the mailbox.
    mailbox_bytes: int | None = ...
    #: All that the agent has stored, in bytes: keys, values, and 96 for each key.
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
    """What the content of a message may be. ``None`` lifts a limit.

    Texts are measured without their escapes, in bytes of UTF-8.
    """

    #: The content as JSON, in bytes.
    max_bytes: int | None = ...
    #: Keys of one object; one that comes twice counts twice.
    max_keys: int | None = ...
    #: One key, in bytes.
    max_key_bytes: int | None = ...
    #: Items of one array.
    max_array_items: int | None = ...
    #: One string that is no key, in bytes.
    max_string_bytes: int | None = ...
    #: Objects and arrays inside one another; 65,536 when it is lifted.
    max_depth: int | None = ...

@dataclass(frozen=True, kw_only=True)
class CompileLimits:
    """What compiling a module may cost, by an estimate that is made before it is compiled.

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
    """What an agent may do beside handling messages.

    Names of agents may end in ``*``, which stands for any rest; topics are ``topic:NAME``.
    """

    #: To whom it may send messages and broadcasts; ``None`` is everybody. It may always answer,
    #: once, who sent the message that it handles.
    send_to: Iterable[str] | None = None
    #: Whose messages its subscriptions see, sent or received, beside topics and broadcasts.
    observe: Iterable[str] = ()
    #: Folders that it sees through WASI: the name inside the sandbox, and where it is and whether
    #: it may be written, ``"ro"`` or ``"rw"``. No folder that holds a store or compiled modules.
    dirs: Mapping[str, tuple[str | PathLike[str], Literal["ro", "rw"]]] = ...
    #: Its environment variables, through WASI.
    env: Mapping[str, str] = ...
    #: Its arguments, through WASI; the first one is by custom the name of the program.
    args: Iterable[str] = ()
    #: Where its standard output and error go: lines of its log, this program's own, or nowhere.
    stdout: Literal["log", "inherit", "discard"] = "log"
    #: Whether it may have ``ams`` deploy, suspend, resume and remove agents. What it deploys has
    #: its own limits, and of its grants ``send_to``.
    directory_admin: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The grants as the core reads them."""

@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """The most that agents may have whose grants and limits do not come from a call of this
    program: those that a store brings back, and those that ``ams`` deploys.

    An agent of a store that was granted more comes back suspended. What the program grants in a
    call is not bounded.
    """

    #: The most grants. Folders in a granted one are within it, as are those with less access. The
    #: value of an environment variable may end in ``*``, which stands for any rest. Arguments are
    #: not bounded.
    grants: Grants = ...
    #: The most limits, those that it does not name at their defaults; ``None`` keeps what is given
    #: elsewhere.
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
