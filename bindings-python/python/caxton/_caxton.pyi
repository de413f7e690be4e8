"""The extension module. Use ``caxton`` instead, which exports all of this."""

from collections.abc import Callable, Coroutine, Iterable
from os import PathLike
from typing import Any, Generic, Literal, TypeVar, final

from typing_extensions import Self, disjoint_base

from caxton._runtime import ContentLimits, Grants, Limits
from caxton._types import AnyMessage, Handler, Json, Metrics, Stats, Wasm

__version__: str
ERROR_CODES: list[str]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

def after_fork_in_child() -> None: ...
def limits_defaults() -> list[tuple[str, int | None]]: ...
def content_limits_defaults() -> list[tuple[str, int | None]]: ...
def inspect(wasm: Wasm) -> Inspection:
    """Looks at a module; no runtime is needed.

    Raises ``InvalidModule`` if the bytes are no valid module at all. What an agent would need
    and the module lacks is in ``Inspection.missing``.
    """

def inspect_store(path: str | PathLike[str]) -> StoreInspection:
    """Looks at a store, and leaves it as it is; no runtime is needed.

    Raises ``StoreError`` if there is no such file, if a runtime has it open, or if it is not a
    store, damaged, or from a newer version.
    """

@final
class Call(Coroutine[Any, Any, _T_co], Generic[_T_co]):
    """A call that can be awaited, once. Nothing happens before it is awaited."""

    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    def __await__(self) -> Any: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any, /) -> Any: ...
    def throw(self, exception: Any, value: Any = None, traceback: Any = None, /) -> Any: ...
    def close(self) -> None: ...

@final
class Message:
    """A FIPA ACL message (FIPA SC00061).

    Immutable; the content is decoded when it is first looked at.
    """

    def __new__(
        cls,
        performative: str,
        content: Json = None,
        *,
        receiver: str | list[str] | None = None,
        **fields: Json,
    ) -> Message: ...
    @staticmethod
    def from_json(json: AnyMessage) -> Message:
        """Reads a message from JSON. Raises ``InvalidMessage``."""
    @property
    def performative(self) -> str:
        """One of FIPA's 22 acts, written with hyphens."""
    @property
    def sender(self) -> str | None: ...
    @property
    def receiver(self) -> str | list[str] | None: ...
    @property
    def reply_to(self) -> str | None: ...
    @property
    def content(self) -> Any:
        """The content, decoded. The same object each time: treat it as read-only."""
    @property
    def language(self) -> str | None: ...
    @property
    def encoding(self) -> str | None: ...
    @property
    def ontology(self) -> str | None: ...
    @property
    def protocol(self) -> str | None: ...
    @property
    def conversation_id(self) -> str | None: ...
    @property
    def reply_with(self) -> str | None: ...
    @property
    def in_reply_to(self) -> str | None: ...
    @property
    def reply_by(self) -> int | None:
        """When the next message is due, in microseconds since the Unix epoch."""
    @property
    def message_id(self) -> str | None:
        """The runtime's id of this message; ``None`` in one that has not been sent."""
    @property
    def sent_at(self) -> int | None:
        """When it was sent, in microseconds since the Unix epoch; ``None`` if it has not been."""
    @property
    def raw(self) -> bytes:
        """The whole message as JSON."""
    def reply(self, content: Json = None, performative: str = "inform", **fields: Json) -> Message:
        """An answer to this message, to be returned from a handler or sent."""
    def to_dict(self) -> dict[str, Any]:
        """The whole message as a dict, made anew at each call."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class LogLine:
    """One line of an agent's log."""

    @property
    def at(self) -> int:
        """Microseconds since the Unix epoch."""
    @property
    def level(self) -> Literal["error", "warn", "info", "debug", "trace"]: ...
    @property
    def text(self) -> str:
        """What the agent, or the host about it, wrote. Nothing in it is escaped."""

@final
class DeadLetter:
    """A message that reached nobody, or that crashed who it reached."""

    @property
    def id(self) -> int: ...
    @property
    def at(self) -> int:
        """When it was given up, in microseconds since the Unix epoch."""
    @property
    def message(self) -> Message: ...
    @property
    def reason(self) -> str:
        """Why, in a sentence."""
    @property
    def agent(self) -> str | None:
        """The agent that crashed on it; ``None`` where it reached nobody."""

@final
class Export:
    """One export of a module."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str:
        """A function's type, or the word for what it is."""

@final
class Import:
    """One import of a module."""

    @property
    def module(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str:
        """A function's type, or the word for what it is."""

@final
class Inspection:
    """What is in a module, and whether it can be an agent."""

    @property
    def exports(self) -> list[Export]: ...
    @property
    def imports(self) -> list[Import]: ...
    @property
    def missing(self) -> list[str]:
        """Why it cannot be an agent, a line for each import or export; empty if it can."""
    @property
    def memory_bytes(self) -> int: ...
    @property
    def max_memory_bytes(self) -> int | None: ...
    @property
    def producers(self) -> list[str]: ...
    @property
    def allocators(self) -> list[str]:
        """The allocators that it exports, each entry of which counts towards `max_allocations`;
        where there is none, only `memory.grow` and `table.grow` count."""
    @property
    def start(self) -> Literal["plain", "wasi-reactor", "wasi-command"] | None: ...
    @property
    def inbox(self) -> Literal["allocator", "pages"] | None: ...

@final
class StoredAgent:
    """What a store says of one agent."""

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def state(self) -> Literal["active", "suspended", "failed"]: ...
    @property
    def module_hash(self) -> str:
        """SHA-256 of its module, in hexadecimal digits."""
    @property
    def module_bytes(self) -> int: ...
    @property
    def restart(self) -> Literal["always", "on-failure", "never"]: ...
    @property
    def capabilities(self) -> list[str]:
        """What it can do, as its deployer said."""
    @property
    def stored_bytes(self) -> int:
        """All that it has stored, keys included."""
    @property
    def stored_keys(self) -> int: ...
    @property
    def timers(self) -> int: ...
    @property
    def subscriptions(self) -> int: ...
    @property
    def mailbox_messages(self) -> int:
        """Messages that wait for it."""

@final
class StoredHostAgent:
    """What a store says of one host agent."""

    @property
    def name(self) -> str: ...
    @property
    def mailbox_messages(self) -> int:
        """Messages that wait for it."""

@final
class StoreInspection:
    """What is in a store."""

    @property
    def version(self) -> int:
        """The version of its form; 0 where nothing has been written to it."""
    @property
    def size_bytes(self) -> int:
        """The size of the file, and of the log beside it."""
    @property
    def agents(self) -> list[StoredAgent]: ...
    @property
    def host_agents(self) -> list[StoredHostAgent]: ...
    @property
    def dead_letters(self) -> int: ...
    @property
    def mailbox_messages(self) -> int:
        """Messages that wait, for whomever."""

@final
class HostAgent:
    """A registered handler of this program."""

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str: ...
    def remove(self) -> None:
        """Takes the agent out of the runtime. What waits for it is answered with ``failure``."""

@final
class Task:
    """A message that a handler has to answer."""

    @property
    def message(self) -> Message: ...
    def finish(self, result: Json) -> None: ...
    def fail(self, text: str) -> None: ...

@final
class Looper:
    """What ties the runtime to one event loop."""

    @staticmethod
    def current() -> Looper: ...
    def drain(self) -> None: ...

@final
class Agent:
    """A deployed agent. Dropping it leaves the agent where it is."""

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str:
        """A UUID."""
    @property
    def state(self) -> Literal["initiated", "active", "suspended", "failed", "removed"]: ...
    @property
    def capabilities(self) -> list[str]: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def content_limits(self) -> ContentLimits | None:
        """The limits of the content that it sends and is sent: its own, or the runtime's."""
    def stats(self) -> Stats:
        """What it has done: counts, bytes and microseconds by name."""
    def logs(self) -> list[LogLine]:
        """The last lines of its log, up to 1 MiB, oldest first."""
    def start_profile(self) -> None:
        """Begins to sample its stack: each millisecond while its code runs, for a minute of running
        time at the most. Raises `InvalidArgument` if it is being sampled already."""
    def stop_profile(self) -> str:
        """Ends the sampling. What it has found as JSON, to be opened in Firefox's profiler
        (https://profiler.firefox.com). Raises `InvalidArgument` if it is not being sampled."""
    def send(
        self,
        content: Json,
        performative: str = "inform",
        *,
        timeout: float | None = 30.0,
        **fields: Json,
    ) -> None:
        """Sends a message; returns when the mailbox has it.

        Waits up to ``timeout`` seconds for room. Raises ``AgentNotFound``, ``AgentFailed``,
        ``InvalidMessage``, ``LimitExceeded``, ``Timeout``, ``Closed``.
        """
    def ask(
        self,
        content: Json,
        performative: str = "request",
        *,
        timeout: float | None = 30.0,
        **fields: Json,
    ) -> Message:
        """Sends a message and waits up to ``timeout`` seconds for the first reply of any act.

        Raises as ``send`` does.
        """
    def request(self, content: Json, *, timeout: float | None = 30.0, **fields: Json) -> Message:
        """A FIPA request (SC00026): waits through ``agree`` and returns the ``inform``.

        Raises ``Refused``, ``Failed``, ``NotUnderstood``, ``LimitExceeded``, ``Trapped``, and as
        ``send`` does.
        """
    def suspend(self) -> None:
        """Lets its messages and timers wait; returns when no turn of it is in progress."""
    def resume(self) -> None:
        """Goes on with what has waited."""
    def restart(self) -> None:
        """Starts it afresh between two turns; its name, mailbox and data are kept.

        Raises ``AgentFailed`` if its ``agent_init`` fails.
        """
    def replace(self, wasm: Wasm) -> None:
        """Gives it other code between two turns; its name, mailbox, data and timers are kept.

        Where the new code cannot be linked or its ``agent_init`` fails, the agent goes on with the
        code that it has. Raises ``InvalidModule``, ``AgentFailed``, ``LimitExceeded``.
        """
    def remove(self) -> None:
        """Ends the agent: ``agent_shutdown`` is its last turn. Its name is free at once."""

@final
class AsyncAgent:
    """A deployed agent of a runtime that is awaited. Dropping it leaves the agent where it is."""

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str:
        """A UUID."""
    @property
    def state(self) -> Literal["initiated", "active", "suspended", "failed", "removed"]: ...
    @property
    def capabilities(self) -> list[str]: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def content_limits(self) -> ContentLimits | None:
        """The limits of the content that it sends and is sent: its own, or the runtime's."""
    def stats(self) -> Stats:
        """What it has done: counts, bytes and microseconds by name."""
    def logs(self) -> list[LogLine]:
        """The last lines of its log, up to 1 MiB, oldest first."""
    def start_profile(self) -> None:
        """Begins to sample its stack: each millisecond while its code runs, for a minute of running
        time at the most. Raises `InvalidArgument` if it is being sampled already."""
    def stop_profile(self) -> str:
        """Ends the sampling. What it has found as JSON, to be opened in Firefox's profiler
        (https://profiler.firefox.com). Raises `InvalidArgument` if it is not being sampled."""
    def send(
        self,
        content: Json,
        performative: str = "inform",
        *,
        timeout: float | None = 30.0,
        **fields: Json,
    ) -> Call[None]:
        """Sends a message; returns when the mailbox has it.

        Waits up to ``timeout`` seconds for room. Raises ``AgentNotFound``, ``AgentFailed``,
        ``InvalidMessage``, ``LimitExceeded``, ``Timeout``, ``Closed``.
        """
    def ask(
        self,
        content: Json,
        performative: str = "request",
        *,
        timeout: float | None = 30.0,
        **fields: Json,
    ) -> Call[Message]:
        """Sends a message and waits up to ``timeout`` seconds for the first reply of any act.

        Raises as ``send`` does.
        """
    def request(
        self, content: Json, *, timeout: float | None = 30.0, **fields: Json
    ) -> Call[Message]:
        """A FIPA request (SC00026): waits through ``agree`` and returns the ``inform``.

        Raises ``Refused``, ``Failed``, ``NotUnderstood``, ``LimitExceeded``, ``Trapped``, and as
        ``send`` does.
        """
    def suspend(self) -> Call[None]:
        """Lets its messages and timers wait; returns when no turn of it is in progress."""
    def resume(self) -> Call[None]:
        """Goes on with what has waited."""
    def restart(self) -> Call[None]:
        """Starts it afresh between two turns; its name, mailbox and data are kept.

        Raises ``AgentFailed`` if its ``agent_init`` fails.
        """
    def replace(self, wasm: Wasm) -> Call[None]:
        """Gives it other code between two turns; its name, mailbox, data and timers are kept.

        Where the new code cannot be linked or its ``agent_init`` fails, the agent goes on with the
        code that it has. Raises ``InvalidModule``, ``AgentFailed``, ``LimitExceeded``.
        """
    def remove(self) -> Call[None]:
        """Ends the agent: ``agent_shutdown`` is its last turn. Its name is free at once."""

@final
class Subscription:
    """Copies of messages. A slow reader misses some and is told how many."""

    @property
    def missed(self) -> int:
        """How many messages found no room since the subscription began."""
    def next(self, *, timeout: float | None = 30.0) -> Message | None:
        """The next message; ``None`` once the subscription is closed.

        Raises ``Timeout`` after ``timeout`` seconds.
        """
    def try_next(self) -> Message | None:
        """The next message, if one waits."""
    def close(self) -> None:
        """Ends the subscription; what waits can still be read."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _error: object, _traceback: object, /) -> None: ...

@final
class AsyncSubscription:
    """Copies of messages. A slow reader misses some and is told how many."""

    @property
    def missed(self) -> int:
        """How many messages found no room since the subscription began."""
    def next(self, *, timeout: float | None = 30.0) -> Call[Message | None]:
        """The next message; ``None`` once the subscription is closed.

        Raises ``Timeout`` after ``timeout`` seconds.
        """
    def try_next(self) -> Message | None:
        """The next message, if one waits."""
    def close(self) -> None:
        """Ends the subscription; what waits can still be read."""
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Call[Message]: ...

@disjoint_base
class Runtime:
    """A system of agents, whose calls block."""

    def __new__(
        cls,
        *,
        store: str | PathLike[str] | None = None,
        durability: Literal["full", "relaxed"] = "full",
        name: str | None = None,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        workers: int | None = None,
        max_agents: int = 12_000,
        profile: Literal["perfmap", "jitdump"] | None = None,
        seed: int | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str:
        """The name under which this program speaks."""
    @property
    def closed(self) -> bool: ...
    def deploy(
        self,
        wasm: Wasm,
        name: str | None = None,
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Agent:
        """Deploys an agent; returns when its ``agent_init`` has succeeded.

        Raises ``InvalidModule``, ``NameTaken``, ``AgentFailed``, ``LimitExceeded``,
        ``InvalidArgument``, ``Closed``.
        """
    def deploy_many(
        self,
        wasm: Wasm,
        names: Iterable[str],
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> list[Agent]:
        """Deploys one module under many names: all of them, or none. Raises as ``deploy`` does."""
    def register(
        self,
        name: str,
        handler: Handler,
        *,
        capabilities: Iterable[str] = ...,
        concurrency: int | None = None,
    ) -> HostAgent:
        """Makes a function an agent of this runtime.

        An ``async def`` runs on a loop of the runtime's own, up to 64 messages at once; a plain
        function on threads of its own, one message at a time, unless ``concurrency`` says more.
        """
    def agent(
        self, name: str, *, capabilities: Iterable[str] = ..., concurrency: int | None = None
    ) -> Callable[[_T], _T]:
        """``register`` as a decorator."""
    def send(self, message: AnyMessage, *, timeout: float | None = 30.0) -> None:
        """Sends a message; returns when every receiver's mailbox has it.

        Waits up to ``timeout`` seconds for room. Raises ``InvalidMessage``, ``AgentNotFound``,
        ``AgentFailed``, ``LimitExceeded``, ``PermissionDenied``, ``Timeout``, ``Closed``.
        """
    def try_send(self, message: AnyMessage) -> None:
        """Sends a message if there is room now; raises ``MailboxFull`` if not."""
    def send_many(self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0) -> None:
        """Sends messages one after the other, up to the first error. ``timeout`` is for each."""
    def ask(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Message:
        """Sends a message and waits for the first reply, whatever its act."""
    def request(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Message:
        """Sends a FIPA request and waits for its result, as ``Agent.request``."""
    def ask_many(
        self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0
    ) -> list[Any]:
        """Asks all messages at once.

        The answers are in the same order, with a ``CaxtonError`` in the place of each that failed.
        """
    def broadcast(
        self,
        content: Json,
        *,
        capability: str | None = None,
        performative: str = "inform",
        **filter: str | list[str],
    ) -> int:
        """Sends a message to every agent that the filter matches; how many there were."""
    def subscribe(self, callback: Handler | None = None, **filter: str | list[str]) -> Subscription:
        """Copies of every message from now on that matches; each is handed to ``callback``."""
    def events(
        self, kind: str | list[str] | None = None, agent: str | list[str] | None = None
    ) -> Subscription:
        """What happens to agents from now on, as messages of ``ams``.

        Their content is a dict: ``event``, the kind; ``agent``, its name, if it is about one; and
        what belongs to the kind. Without a kind there is one for every turn.
        """
    def metrics(self) -> Metrics:
        """The figures of all agents, and their sums."""
    def prometheus(self) -> str:
        """The same in the text format of Prometheus, version 0.0.4."""
    def find(self, capability: str | None = None, **filter: str | list[str]) -> list[str]:
        """The names of all who have a capability, or whom a filter matches."""
    def agents(self) -> list[Agent]:
        """Every deployed agent, in the order of deployment."""
    def agent_named(self, name: str) -> Agent:
        """The agent with this name or id. Raises ``AgentNotFound``."""
    def dead_letters(self) -> list[DeadLetter]:
        """The last messages that reached nobody or crashed their receiver, oldest first."""
    def replay_dead_letter(self, letter: DeadLetter | int) -> None:
        """Hands a dead letter, or the one with this id, to its receiver again, as it was.

        Raises ``InvalidArgument`` if there is none, ``AgentNotFound``, ``AgentFailed``,
        ``MailboxFull``; it stays a dead letter then.
        """
    def drop_dead_letter(self, letter: DeadLetter | int) -> None:
        """Drops a dead letter, or the one with this id. Raises ``InvalidArgument``."""
    def close(self, *, timeout: float = 5.0) -> None:
        """Closes the runtime, within ``timeout`` seconds. Closing twice is no error."""
    def _close_blocking(self) -> None: ...

@disjoint_base
class AsyncRuntime:
    """A system of agents, whose calls are awaited."""

    def __new__(
        cls,
        *,
        store: str | PathLike[str] | None = None,
        durability: Literal["full", "relaxed"] = "full",
        name: str | None = None,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        workers: int | None = None,
        max_agents: int = 12_000,
        profile: Literal["perfmap", "jitdump"] | None = None,
        seed: int | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str:
        """The name under which this program speaks."""
    @property
    def closed(self) -> bool: ...
    def deploy(
        self,
        wasm: Wasm,
        name: str | None = None,
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Call[AsyncAgent]:
        """Deploys an agent; returns when its ``agent_init`` has succeeded.

        Raises ``InvalidModule``, ``NameTaken``, ``AgentFailed``, ``LimitExceeded``,
        ``InvalidArgument``, ``Closed``.
        """
    def deploy_many(
        self,
        wasm: Wasm,
        names: Iterable[str],
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Call[list[AsyncAgent]]:
        """Deploys one module under many names: all of them, or none. Raises as ``deploy`` does."""
    def register(
        self,
        name: str,
        handler: Handler,
        *,
        capabilities: Iterable[str] = ...,
        concurrency: int | None = None,
    ) -> HostAgent:
        """Makes a function an agent of this runtime.

        An ``async def`` runs on the running event loop, up to 64 messages at once; a plain
        function on threads of its own, one message at a time, unless ``concurrency`` says more.
        """
    def agent(
        self, name: str, *, capabilities: Iterable[str] = ..., concurrency: int | None = None
    ) -> Callable[[_T], _T]:
        """``register`` as a decorator."""
    def send(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Call[None]:
        """Sends a message; returns when every receiver's mailbox has it.

        Waits up to ``timeout`` seconds for room. Raises ``InvalidMessage``, ``AgentNotFound``,
        ``AgentFailed``, ``LimitExceeded``, ``PermissionDenied``, ``Timeout``, ``Closed``.
        """
    def try_send(self, message: AnyMessage) -> None:
        """Sends a message if there is room now; raises ``MailboxFull`` if not."""
    def send_many(
        self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0
    ) -> Call[None]:
        """Sends messages one after the other, up to the first error. ``timeout`` is for each."""
    def ask(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Call[Message]:
        """Sends a message and waits for the first reply, whatever its act."""
    def request(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Call[Message]:
        """Sends a FIPA request and waits for its result, as ``AsyncAgent.request``."""
    def ask_many(
        self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0
    ) -> Call[list[Any]]:
        """Asks all messages at once.

        The answers are in the same order, with a ``CaxtonError`` in the place of each that failed.
        """
    def broadcast(
        self,
        content: Json,
        *,
        capability: str | None = None,
        performative: str = "inform",
        **filter: str | list[str],
    ) -> int:
        """Sends a message to every agent that the filter matches; how many there were."""
    def subscribe(
        self, callback: Handler | None = None, **filter: str | list[str]
    ) -> AsyncSubscription:
        """Copies of every message from now on that matches; each is handed to ``callback``."""
    def events(
        self, kind: str | list[str] | None = None, agent: str | list[str] | None = None
    ) -> AsyncSubscription:
        """What happens to agents from now on, as messages of ``ams``.

        Their content is a dict: ``event``, the kind; ``agent``, its name, if it is about one; and
        what belongs to the kind. Without a kind there is one for every turn.
        """
    def metrics(self) -> Metrics:
        """The figures of all agents, and their sums."""
    def prometheus(self) -> str:
        """The same in the text format of Prometheus, version 0.0.4."""
    def find(self, capability: str | None = None, **filter: str | list[str]) -> list[str]:
        """The names of all who have a capability, or whom a filter matches."""
    def agents(self) -> list[AsyncAgent]:
        """Every deployed agent, in the order of deployment."""
    def agent_named(self, name: str) -> AsyncAgent:
        """The agent with this name or id. Raises ``AgentNotFound``."""
    def dead_letters(self) -> list[DeadLetter]:
        """The last messages that reached nobody or crashed their receiver, oldest first."""
    def replay_dead_letter(self, letter: DeadLetter | int) -> None:
        """Hands a dead letter, or the one with this id, to its receiver again, as it was.

        Raises ``InvalidArgument`` if there is none, ``AgentNotFound``, ``AgentFailed``,
        ``MailboxFull``; it stays a dead letter then.
        """
    def drop_dead_letter(self, letter: DeadLetter | int) -> None:
        """Drops a dead letter, or the one with this id. Raises ``InvalidArgument``."""
    def close(self, *, timeout: float = 5.0) -> Call[None]:
        """Closes the runtime, within ``timeout`` seconds. Closing twice is no error."""
    def _close_blocking(self) -> None: ...
