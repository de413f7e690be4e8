from dataclasses import dataclass
from types import TracebackType

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
    #: Messages sent in a second; the first reply to who asked is not counted.
    max_messages_per_second: int | None = ...
    #: All effects of one turn together, in bytes.
    max_turn_bytes: int | None = ...
    #: One message as JSON, in bytes.
    max_message_bytes: int | None = ...
    #: Messages that wait in the mailbox.
    mailbox_capacity: int | None = ...
    #: Bytes of the messages that wait in the mailbox.
    mailbox_bytes: int | None = ...
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
