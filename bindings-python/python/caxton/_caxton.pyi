"""The extension module. Use ``caxton`` instead, which exports all of this."""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from os import PathLike
from types import GenericAlias
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, final

from typing_extensions import Self, disjoint_base

from caxton._negotiate import CallAgain
from caxton._runtime import Ceiling, CompileLimits, ContentLimits, Grants, Limits
from caxton._serve import Registration
from caxton._types import (
    AgentName,
    AnyMessage,
    Handler,
    Json,
    Metrics,
    Participants,
    Stats,
    Wasm,
)
from caxton._watch import Watch

__version__: str
ERROR_CODES: list[str]

_H = TypeVar("_H", bound=Callable[..., Any])
_T_co = TypeVar("_T_co", covariant=True)

class _Writable(Protocol):
    def write(self, text: str, /) -> object: ...

def run_command(arguments: list[str]) -> int:
    """Runs the command ``caxton`` and returns its exit code. The first argument is its own name."""

def limits_defaults() -> list[tuple[str, int | None]]: ...
def content_limits_defaults() -> list[tuple[str, int | None]]: ...
def compile_limits_defaults() -> list[tuple[str, int | None]]: ...
def inspect(wasm: Wasm) -> Inspection:
    """Inspects a module; no runtime is needed.

    ``Inspection.missing`` lists the imports and exports that the module lacks to be an agent.
    Raises ``InvalidModule`` only if the bytes are not a valid module at all.
    """

def inspect_store(path: str | PathLike[str]) -> StoreInspection:
    """Inspects a store without changing it; no runtime is needed.

    Raises ``StoreError`` if the file does not exist, is open in a runtime, is damaged, is not a
    store, or comes from a newer version.
    """

@final
class Call(Coroutine[Any, Any, _T_co], Generic[_T_co]):
    """A call that can be awaited once.

    It does nothing before it is awaited, and warns if it never is.
    """

    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def __await__(self) -> Generator[Any, Any, _T_co]: ...
    def __next__(self) -> Any: ...
    def send(self, value: Any, /) -> Any: ...
    def throw(self, exception: Any, value: Any = None, traceback: Any = None, /) -> Any: ...
    def close(self) -> None: ...

@final
class Message:
    """A FIPA ACL message (FIPA SC00061).

    It is immutable. The content is decoded when it is first read.
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
    @staticmethod
    def _read_back(json: bytes) -> Message: ...
    @property
    def performative(self) -> str:
        """The act: one of FIPA's 22, written with hyphens."""
    @property
    def sender(self) -> str | None: ...
    @property
    def receiver(self) -> str | list[str] | None: ...
    @property
    def reply_to(self) -> str | None: ...
    @property
    def content(self) -> Any:
        """The decoded content: the same object at each call. Treat it as read-only."""
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
        """The time at which the next message is due, in microseconds since the Unix epoch."""
    @property
    def message_id(self) -> str | None:
        """The runtime's id of this message; ``None`` in one that has not been sent."""
    @property
    def sent_at(self) -> int | None:
        """The time of sending, in microseconds since the Unix epoch; ``None`` before that."""
    @property
    def raw(self) -> bytes:
        """The whole message as JSON."""
    def reply(self, content: Json = None, performative: str = "inform", **fields: Json) -> Message:
        """An answer to this message, to be returned from a handler or sent."""
    def to_dict(self) -> dict[str, Any]:
        """The whole message as a dict, made anew at each call."""
    def _repr_html_(self) -> str: ...
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
        """The text, as the agent or the host wrote it. Nothing in it is escaped."""

@final
class DeadLetter:
    """A message that reached nobody, or that made its receiver crash."""

    @property
    def id(self) -> int: ...
    @property
    def at(self) -> int:
        """The time at which it was given up, in microseconds since the Unix epoch."""
    @property
    def message(self) -> Message: ...
    @property
    def reason(self) -> str:
        """The reason, in a sentence."""
    @property
    def agent(self) -> str | None:
        """The agent that crashed on it; ``None`` if it reached nobody."""

@final
class Export:
    """One export of a module."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str:
        """The type of a function, or the kind of the item: ``memory``, ``table`` and so on."""

@final
class Import:
    """One import of a module."""

    @property
    def module(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str:
        """The type of a function, or the kind of the item: ``memory``, ``table`` and so on."""

@final
class Inspection:
    """The contents of a module, and the reasons why it cannot be an agent, if there are any."""

    @property
    def bytes(self) -> int:
        """The size of the module; of its binary form, if it was given as text."""
    @property
    def sections(self) -> dict[str, int]:
        """The size of each section in bytes: `code`, `data` and so on, and custom sections by
        their own names."""
    @property
    def exports(self) -> list[Export]: ...
    @property
    def imports(self) -> list[Import]: ...
    @property
    def missing(self) -> list[str]:
        """The reasons why it cannot be an agent, one line per import or export; empty if it can."""
    @property
    def memory_bytes(self) -> int: ...
    @property
    def max_memory_bytes(self) -> int | None: ...
    @property
    def producers(self) -> list[str]: ...
    @property
    def allocators(self) -> list[str]:
        """The allocators that it exports. Each entry into one counts towards `max_allocations`;
        without any, only `memory.grow` and `table.grow` count."""
    @property
    def start(self) -> Literal["plain", "wasi-reactor", "wasi-command", "component"] | None: ...
    @property
    def inbox(self) -> Literal["allocator", "pages", "component"] | None: ...
    @property
    def compile_millis(self) -> int:
        """The estimated time of compiling it, which `max_compile_millis` bounds."""
    @property
    def compile_function_millis(self) -> int:
        """The estimated time of compiling the function that takes longest."""
    @property
    def compile_function_bytes(self) -> int:
        """The most memory that compiling one of its functions takes, by an estimate."""
    @property
    def advice(self) -> list[str]:
        """Advice for its author, one sentence each."""

@final
class StoredAgent:
    """One agent of a store."""

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
        """Its capabilities, as its deployer listed them."""
    @property
    def stored_bytes(self) -> int:
        """The bytes of its stored data: keys, values, and 96 for each key."""
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
    """One host agent of a store."""

    @property
    def name(self) -> str: ...
    @property
    def mailbox_messages(self) -> int:
        """Messages that wait for it."""

@final
class StoreInspection:
    """The contents of a store."""

    @property
    def version(self) -> int:
        """The version of its format; 0 if nothing has been written to it."""
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
        """Messages that wait, for all agents and host agents."""

@final
class HostAgent:
    """A host agent: functions of this program that take messages under one name."""

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> str:
        """A UUID."""
    def on(
        self, performative: str | None = None, *, protocol: str | None = None
    ) -> Callable[[_H], _H]:
        """A decorator: hands messages of this act, and of this protocol, to a function.

        ``None`` matches any. If several functions match a message, the most specific one gets it;
        the act counts before the protocol. If none matches, a message that wants an answer is
        answered with ``not-understood``. Plain functions run on the agent's own threads, async
        ones on the event loop, as with ``register``.

        The value that a function returns answers a message that asks for something: one with
        ``reply_with``, or whose act is answered in its protocol. It is sent in the act that says
        yes: a ``propose`` to a ``cfp``, an ``accept-proposal`` to a ``propose``, else an
        ``inform``. The value returned for any other message is sent to nobody. A function that
        raises ``Refused`` or ``NotUnderstood`` answers with ``refuse`` or ``not-understood``.

        Raises ``InvalidArgument`` if the same messages have a function already, or if there is no
        such act.
        """
    def _add(self, performative: str | None, protocol: str | None, handler: Handler) -> None: ...
    def remove(self) -> None:
        """Removes the agent from the runtime. Waiting messages are answered with ``failure``."""

@final
class Task:
    """A message that a handler has to answer."""

    @property
    def message(self) -> Message: ...
    def finish(self, result: Json) -> None: ...
    def fail(self, text: str, code: str) -> None: ...

@final
class Feed:
    """The messages for which the thread of a subscription's plain callback waits."""

    def next(self) -> Message | None: ...

@final
class Tasks:
    """The queue from which the threads of a host agent take messages to handle."""

    def next(self) -> tuple[Callable[[Message], object], Task] | None: ...

_Accepted: TypeAlias = Answer | str | Iterable[Answer | str] | None
#: A function that chooses among proposals.
_Choose: TypeAlias = Callable[[list[Answer]], _Accepted]
_AsyncChoose: TypeAlias = Callable[[list[Answer]], _Accepted | Awaitable[_Accepted]]
_ChooseAgain: TypeAlias = Callable[[list[Answer], int], _Accepted | CallAgain]
_AsyncChooseAgain: TypeAlias = Callable[
    [list[Answer], int], _Accepted | CallAgain | Awaitable[_Accepted | CallAgain]
]
#: The protocols that the runtime follows, as messages name them.
_Protocol: TypeAlias = Literal[
    "fipa-request",
    "fipa-query",
    "fipa-request-when",
    "fipa-propose",
    "fipa-subscribe",
    "fipa-contract-net",
    "fipa-iterated-contract-net",
    "fipa-auction-english",
    "fipa-auction-dutch",
    "fipa-brokering",
    "fipa-recruiting",
]
#: The progress of a participant with the agent that asked it.
_Stage: TypeAlias = Literal[
    "start",
    "asked",
    "agreed",
    "subscribed",
    "called",
    "proposed",
    "announced",
    "leading",
    "defending",
    "overbidding",
    "outbid",
    "accepted",
    "answered",
    "done",
    "refused",
    "failed",
    "rejected",
    "closed",
    "won",
    "cancelled",
    "not-understood",
]
#: The status of a participant of a negotiation.
_Status: TypeAlias = Literal[
    "silent",
    "proposed",
    "late",
    "refused",
    "failed",
    "not-understood",
    "rejected",
    "accepted",
    "done",
]
#: The runtime's notes on a message of a conversation.
_Note: TypeAlias = Literal["out-of-sequence", "repeated", "late", "forwarded", "deadline", "fault"]

@final
class Answer:
    """The answer of one participant of a negotiation."""

    @property
    def agent(self) -> str:
        """The participant's name."""
    @property
    def status(self) -> _Status:
        """The participant's status."""
    @property
    def proposal(self) -> Message | None:
        """Its last proposal."""
    @property
    def message(self) -> Message | None:
        """Its last other message: its result, its refusal, or its failure."""

@final
class Outcome:
    """The outcome of a protocol with several participants, with the answer of each."""

    @property
    def conversation_id(self) -> str:
        """The conversation: see ``Runtime.conversation``."""
    @property
    def answers(self) -> list[Answer]:
        """The participants, in the order in which they were named."""
    @property
    def forwarded(self) -> list[Message]:
        """Answers of agents to which a participant passed the conversation on, as they came.

        There is room for 64 MiB and 32,768 of them, and for an eighth of that from one sender.
        """
    @property
    def missed(self) -> int:
        """The number of answers without room there, or that came faster than they were read."""
    @property
    def rounds(self) -> int:
        """The number of rounds of proposals."""
    @property
    def price(self) -> float | None:
        """The price at which an auction ended."""
    @property
    def winner(self) -> Answer | None:
        """The first participant whose proposal was accepted; ``status`` says what it did then."""
    @property
    def result(self) -> Message | None:
        """The winner's last answer: its result, or its failure."""
    @property
    def proposed(self) -> list[str]:
        """The participants whose proposals have not been decided upon."""
    @property
    def rejected(self) -> list[str]:
        """The participants whose proposals were rejected."""
    @property
    def refused(self) -> list[str]:
        """The participants that refused."""
    @property
    def late(self) -> list[str]:
        """The participants whose proposals came after the deadline, and were rejected."""
    @property
    def silent(self) -> list[str]:
        """The participants that have not answered."""
    @property
    def failed(self) -> list[str]:
        """The participants that failed, by their own word or the runtime's."""
    @property
    def not_understood(self) -> list[str]:
        """The participants that did not understand."""
    @property
    def accepted(self) -> list[str]:
        """The participants whose proposals were accepted, but whose results have not come."""
    @property
    def done(self) -> list[str]:
        """The participants whose proposals were accepted, and whose results have come."""
    def _repr_html_(self) -> str | None: ...

@final
class Tender:
    """Proposals that wait to be decided upon. Each call but ``close`` uses it up."""

    def proposals(self) -> list[Answer]: ...
    def rounds(self) -> int: ...
    def award(self, to: list[str]) -> Any: ...
    def call_again(self, task: Json, to: list[str]) -> Any: ...
    def close(self) -> None: ...

@final
class Informs:
    """The messages that an agent sends to its subscriber (FIPA SC00035).

    Iterate it. Closing or dropping it cancels the subscription; leaving the loop does not.
    """

    @property
    def agent(self) -> str:
        """The agent that sends them."""
    @property
    def conversation_id(self) -> str: ...
    @property
    def missed(self) -> int:
        """The number of messages that found no room since it began."""
    def next(self, *, timeout: float | None = 30.0) -> Message | None:
        """Returns the next ``inform``, or ``None`` once the subscription is closed.

        Raises ``Timeout`` after ``timeout`` seconds; ``Refused``, ``NotUnderstood`` or ``Failed``
        if the agent answers so, which ends the subscription; ``Closed``.
        """
    def close(self) -> None:
        """Ends the subscription and sends the agent a ``cancel``."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _error: object, _traceback: object, /) -> None: ...

@final
class AsyncInforms:
    """The messages that an agent sends to its subscriber (FIPA SC00035).

    Iterate it with ``async for``. Closing or dropping it cancels the subscription; leaving the
    loop does not.
    """

    @property
    def agent(self) -> str:
        """The agent that sends them."""
    @property
    def conversation_id(self) -> str: ...
    @property
    def missed(self) -> int:
        """The number of messages that found no room since it began."""
    def next(self, *, timeout: float | None = 30.0) -> Call[Message | None]:
        """Returns the next ``inform``, or ``None`` once the subscription is closed.

        Raises ``Timeout`` after ``timeout`` seconds; ``Refused``, ``NotUnderstood`` or ``Failed``
        if the agent answers so, which ends the subscription; ``Closed``.
        """
    def close(self) -> None:
        """Ends the subscription and sends the agent a ``cancel``."""
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Call[Message]: ...
    def __aenter__(self) -> Call[Self]: ...
    def __aexit__(self, _kind: object, _error: object, _traceback: object, /) -> Call[None]: ...

@final
class Participant:
    """One participant of a conversation, and its progress with the agent that asked it."""

    @property
    def name(self) -> str: ...
    @property
    def asked_by(self) -> str:
        """The agent that asked it: the initiator, or one that passed the conversation on."""
    @property
    def stage(self) -> _Stage:
        """The progress of the two."""
    @property
    def due(self) -> Literal["initiator", "participant"] | None:
        """The side that has to say something next, if there is one."""
    @property
    def due_by(self) -> int | None:
        """The deadline, if there is one: microseconds since the Unix epoch."""
    @property
    def late(self) -> bool:
        """True if a deadline passed before it answered."""
    @property
    def asked_at(self) -> int:
        """The time at which it was first asked: microseconds since the Unix epoch."""
    @property
    def answered_at(self) -> int | None:
        """The time of its first answer, if there is one: microseconds since the Unix epoch."""

@final
class Exchanged:
    """A message of a conversation, with the runtime's note on it."""

    @property
    def message(self) -> Message: ...
    @property
    def note(self) -> _Note | None:
        """The runtime's note on it, if there is one."""

@final
class Conversation:
    """A conversation that names a protocol, as it was at the time of the call."""

    @property
    def id(self) -> str:
        """The ``conversation_id`` of its messages."""
    @property
    def protocol(self) -> _Protocol: ...
    @property
    def state(self) -> Literal["open", "ended", "abandoned"]:
        """``abandoned``: it was given up to make room, after a long time without messages."""
    @property
    def initiator(self) -> str:
        """The agent that began it."""
    @property
    def participants(self) -> list[Participant]:
        """The agents that were asked to take part, in that order; at most 10,000."""
    @property
    def messages(self) -> list[Exchanged]:
        """Its messages in order. The middle of a long conversation is left out."""
    @property
    def omitted(self) -> int:
        """The number of messages that are left out; they came after the first 64."""
    @property
    def began_at(self) -> int:
        """The time of its first message: microseconds since the Unix epoch."""
    @property
    def ended_at(self) -> int | None:
        """The time at which it ended, if it has: microseconds since the Unix epoch."""
    def diagram(self, form: Literal["mermaid", "svg", "html"] = "mermaid") -> str:
        """Draws it as a sequence diagram of its messages, with their times.

        GitHub and many editors draw Mermaid, an SVG needs no other tool, and notebooks show the
        HTML. If there are many participants, those that did the same share a line.
        """
    def _repr_html_(self) -> str: ...

@final
class Trace:
    """Prints messages as they pass, until it or the runtime is closed."""

    @property
    def missed(self) -> int:
        """The number of messages that found no room since it began."""
    def close(self) -> None:
        """Ends it. Returns when all earlier messages are printed, or after a second."""
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _error: object, _traceback: object, /) -> None: ...

@final
class Looper:
    """The connection between the runtime and one event loop."""

    @staticmethod
    def current() -> Looper: ...
    def drain(self) -> None: ...
    def end(self) -> None: ...

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
        """The content limits of messages to and from it: its own, or the runtime's."""
    def _repr_html_(self) -> str: ...
    def stats(self) -> Stats:
        """The agent's figures by name: counts, bytes and microseconds."""
    def logs(self) -> list[LogLine]:
        """The last lines of the agent's log, up to 1 MiB, oldest first."""
    def start_profile(self) -> None:
        """Starts sampling the agent's stack each millisecond while its code runs, for at most a
        minute of running time. Raises ``InvalidArgument`` if it is being sampled already."""
    def stop_profile(self) -> str:
        """Stops sampling and returns the profile as JSON, for Firefox's profiler
        (https://profiler.firefox.com). Raises ``InvalidArgument`` if it is not being sampled."""
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
        """Sends a message and waits up to ``timeout`` seconds for the first reply, of any act.

        Raises the errors of ``send``.
        """
    def request(self, content: Json, *, timeout: float | None = 30.0, **fields: Json) -> Message:
        """Sends a FIPA request (SC00026), waits through ``agree`` and returns the ``inform``.

        Raises ``Refused``, ``Failed``, ``NotUnderstood``, ``LimitExceeded``, ``Trapped``, and the
        errors of ``send``.
        """
    def suspend(self) -> None:
        """Suspends the agent: its messages and timers wait. Returns when none of its turns runs."""
    def resume(self) -> None:
        """Resumes the agent: it goes on with the messages and timers that have waited.

        Raises ``PermissionDenied`` if the agent came back from a store with grants above the
        runtime's ``ceiling``, which the error names, or with a name that is not allowed any more.
        """
    def restart(self) -> None:
        """Restarts the agent between two turns; its name, mailbox and data are kept.

        Raises ``AgentFailed`` if its ``agent_init`` fails, and ``PermissionDenied`` as ``resume``
        does.
        """
    def replace(self, wasm: Wasm) -> None:
        """Replaces the agent's code between two turns; its name, mailbox, data and timers are kept.

        If the new code cannot be linked or its ``agent_init`` fails, the agent goes on with the
        old code. Raises ``InvalidModule``, ``AgentFailed``, ``LimitExceeded``.
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
        """The content limits of messages to and from it: its own, or the runtime's."""
    def _repr_html_(self) -> str: ...
    def stats(self) -> Stats:
        """The agent's figures by name: counts, bytes and microseconds."""
    def logs(self) -> list[LogLine]:
        """The last lines of the agent's log, up to 1 MiB, oldest first."""
    def start_profile(self) -> None:
        """Starts sampling the agent's stack each millisecond while its code runs, for at most a
        minute of running time. Raises ``InvalidArgument`` if it is being sampled already."""
    def stop_profile(self) -> str:
        """Stops sampling and returns the profile as JSON, for Firefox's profiler
        (https://profiler.firefox.com). Raises ``InvalidArgument`` if it is not being sampled."""
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
        """Sends a message and waits up to ``timeout`` seconds for the first reply, of any act.

        Raises the errors of ``send``.
        """
    def request(
        self, content: Json, *, timeout: float | None = 30.0, **fields: Json
    ) -> Call[Message]:
        """Sends a FIPA request (SC00026), waits through ``agree`` and returns the ``inform``.

        Raises ``Refused``, ``Failed``, ``NotUnderstood``, ``LimitExceeded``, ``Trapped``, and the
        errors of ``send``.
        """
    def suspend(self) -> Call[None]:
        """Suspends the agent: its messages and timers wait. Returns when none of its turns runs."""
    def resume(self) -> Call[None]:
        """Resumes the agent: it goes on with the messages and timers that have waited.

        Raises ``PermissionDenied`` if the agent came back from a store with grants above the
        runtime's ``ceiling``, which the error names, or with a name that is not allowed any more.
        """
    def restart(self) -> Call[None]:
        """Restarts the agent between two turns; its name, mailbox and data are kept.

        Raises ``AgentFailed`` if its ``agent_init`` fails, and ``PermissionDenied`` as ``resume``
        does.
        """
    def replace(self, wasm: Wasm) -> Call[None]:
        """Replaces the agent's code between two turns; its name, mailbox, data and timers are kept.

        If the new code cannot be linked or its ``agent_init`` fails, the agent goes on with the
        old code. Raises ``InvalidModule``, ``AgentFailed``, ``LimitExceeded``.
        """
    def remove(self) -> Call[None]:
        """Ends the agent: ``agent_shutdown`` is its last turn. Its name is free at once."""

@final
class Subscription:
    """Copies of messages. A slow reader misses some; ``missed`` counts them."""

    @property
    def missed(self) -> int:
        """The number of messages that found no room since the subscription began."""
    def next(self, *, timeout: float | None = 30.0) -> Message | None:
        """Returns the next message, or ``None`` once the subscription is closed.

        Raises ``Timeout`` after ``timeout`` seconds.
        """
    def try_next(self) -> Message | None:
        """Returns the next message if one waits."""
    def close(self) -> None:
        """Ends the subscription. Messages that wait can still be read."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _error: object, _traceback: object, /) -> None: ...

@final
class AsyncSubscription:
    """Copies of messages. A slow reader misses some; ``missed`` counts them."""

    @property
    def missed(self) -> int:
        """The number of messages that found no room since the subscription began."""
    def next(self, *, timeout: float | None = 30.0) -> Call[Message | None]:
        """Returns the next message, or ``None`` once the subscription is closed.

        Raises ``Timeout`` after ``timeout`` seconds.
        """
    def try_next(self) -> Message | None:
        """Returns the next message if one waits."""
    def close(self) -> None:
        """Ends the subscription. Messages that wait can still be read."""
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Call[Message]: ...

@disjoint_base
class Runtime:
    """A system of agents. Its calls block.

    ``protocols`` decides about messages that their protocol does not allow. ``"observe"`` delivers
    them and reports the event ``violation``. ``"strict"`` does not deliver them: an agent is
    answered with ``not-understood``, and a call of this program raises ``InvalidMessage``.

    ``ceiling`` bounds the grants and limits that come from the store or through ``ams``. Without
    one, agents of the store that were granted folders, environment variables,
    ``stdout="inherit"`` or ``directory_admin`` come back suspended.
    """

    def __new__(
        cls,
        *,
        store: str | PathLike[str] | None = None,
        ceiling: Ceiling | None = None,
        durability: Literal["full", "relaxed"] = "full",
        name: str | None = None,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        compile_limits: CompileLimits | None = None,
        protocols: Literal["observe", "strict"] = "observe",
        workers: int | None = None,
        max_agents: int = 12_000,
        profile: Literal["perfmap", "jitdump"] | None = None,
        seed: int | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str:
        """The name of this program, as the sender of its messages."""
    @property
    def closed(self) -> bool: ...
    def deploy(
        self,
        wasm: Wasm,
        name: str | None = None,
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        compile_limits: CompileLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Agent:
        """Deploys an agent; returns when its ``agent_init`` has succeeded.

        Raises ``InvalidModule``, ``NameTaken``, ``AgentFailed``, ``LimitExceeded``,
        ``InvalidArgument``, ``PermissionDenied`` (a folder that cannot be granted), ``Closed``.
        """
    def deploy_many(
        self,
        wasm: Wasm,
        names: Iterable[str],
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        compile_limits: CompileLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> list[Agent]:
        """Deploys one module under many names: all, or none. Raises the errors of ``deploy``."""
    def register(
        self,
        name: str,
        handler: Handler | None = None,
        *,
        capabilities: Iterable[str] = ...,
        concurrency: int | None = None,
    ) -> HostAgent:
        """Registers a host agent, whose handler is a function of this program.

        The value that the handler returns is the content of its answer, if the message asks for
        one: if it has ``reply_with``, or its act is answered in its protocol. ``None`` sends no
        answer.
        An ``async def`` runs on the runtime's own loop, up to 64 messages at once. A plain
        function runs on threads of its own, one message at a time. ``concurrency`` changes these
        numbers. Without a function, ``HostAgent.on`` adds the handlers, and the agent handles one
        message at a time. Raises ``NameTaken``, ``InvalidArgument``, ``Closed``.
        """
    def agent(
        self, name: str, *, capabilities: Iterable[str] = ..., concurrency: int | None = None
    ) -> Registration:
        """``register`` as a decorator: ``@rt.agent("a")`` for one function, or
        ``a = rt.agent("a")`` and ``@a.on("cfp")`` for several."""
    def send(self, message: AnyMessage, *, timeout: float | None = 30.0) -> None:
        """Sends a message; returns when every receiver's mailbox has it.

        Waits up to ``timeout`` seconds for room. Raises ``InvalidMessage``, ``AgentNotFound``,
        ``AgentFailed``, ``LimitExceeded``, ``PermissionDenied``, ``Timeout``, ``Closed``.
        """
    def try_send(self, message: AnyMessage) -> None:
        """Sends a message without waiting; raises ``MailboxFull`` if there is no room."""
    def send_many(self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0) -> None:
        """Sends messages in order, up to the first error. ``timeout`` is for each."""
    def ask(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Message:
        """Sends a message and waits for the first reply of any act."""
    def request(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Message:
        """Sends a FIPA request and waits for its result, as ``Agent.request`` does."""
    def ask_many(
        self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0
    ) -> list[Any]:
        """Sends all messages at once and waits for the first reply to each.

        The answers are in the order of the messages. A ``CaxtonError`` stands for each that failed.
        """
    def broadcast(
        self,
        content: Json,
        *,
        capability: str | None = None,
        performative: str = "inform",
        filter: Mapping[str, str | list[str]] | None = None,
        **fields: Json,
    ) -> int:
        """Sends a message to every agent that the filter matches; returns their number.

        ``fields`` are further fields of the message, as in ``send``. ``capability`` is one more
        field of the filter, ``capabilities``. Raises ``InvalidMessage``, ``InvalidArgument``,
        ``LimitExceeded``, ``PermissionDenied``, ``Closed``.
        """
    def subscribe(self, callback: Handler | None = None, **filter: str | list[str]) -> Subscription:
        """Returns copies of every matching message from now on; ``callback`` gets each."""
    def events(
        self, kind: str | list[str] | None = None, agent: str | list[str] | None = None
    ) -> Subscription:
        """Returns the events of agents from now on, as messages of ``ams``.

        The content of each is a dict with ``event``, the kind, ``agent``, the name of the agent
        that the event is about, if any, and the fields of the kind. Without ``kind``, there is an
        event for every turn too.
        """
    def metrics(self) -> Metrics:
        """The figures of each agent, and their sums."""
    def prometheus(self) -> str:
        """The figures in the text format of Prometheus, version 0.0.4."""
    def find(self, capability: str | None = None, **filter: str | list[str]) -> list[str]:
        """The names of all agents that have a capability or match a filter."""
    def agents(self) -> list[Agent]:
        """Every deployed agent, in the order of deployment."""
    def agent_named(self, name: str) -> Agent:
        """The agent with this name or id. Raises ``AgentNotFound``."""
    def dead_letters(self) -> list[DeadLetter]:
        """The last messages that reached nobody or made their receiver crash, oldest first."""
    def replay_dead_letter(self, letter: DeadLetter | int) -> None:
        """Delivers a dead letter, given as itself or by its id, to its receiver again, unchanged.

        Raises ``InvalidArgument`` if there is none, ``AgentNotFound``, ``AgentFailed``,
        ``MailboxFull``; the message then stays a dead letter.
        """
    def drop_dead_letter(self, letter: DeadLetter | int) -> None:
        """Drops a dead letter, given as itself or by its id. Raises ``InvalidArgument``."""
    def close(self, *, timeout: float = 5.0) -> None:
        """Closes the runtime, within ``timeout`` seconds. Closing twice is no error."""
    def query_if(
        self, agent: AgentName, proposition: Json, *, timeout: float | None = 30.0
    ) -> bool:
        """Asks if something is true (FIPA SC00027); waits through ``agree``.

        The agent answers with true or false, or with an object that has one of them under
        ``result``; another answer raises ``InvalidMessage``. Raises the errors of ``request``, and
        ``Timeout`` after ``timeout`` seconds.
        """
    def query_ref(
        self, agent: AgentName, reference: Json, *, timeout: float | None = 30.0
    ) -> Message:
        """Asks what something is (FIPA SC00027); waits through ``agree`` for the ``inform``.

        Raises the errors of ``request``, and ``Timeout`` after ``timeout`` seconds.
        """
    def request_when(
        self,
        agent: AgentName,
        action: Json,
        condition: Json,
        *,
        deadline: float | None = None,
        timeout: float | None = None,
    ) -> Message:
        """Asks an agent to act once a condition holds (FIPA SC00028); returns the ``inform``.

        The agent has to agree within ``deadline`` seconds. The call waits for the result at most
        ``timeout`` seconds, or for ever without one. Raises the errors of ``request``.
        """
    def propose(self, agent: AgentName, proposal: Json, *, timeout: float | None = 30.0) -> Message:
        """Offers to do something (FIPA SC00036).

        Returns the ``accept-proposal`` or ``reject-proposal``. Raises the errors of ``request``,
        and ``Timeout`` after ``timeout`` seconds.
        """
    def subscribe_to(
        self, agent: AgentName, content: Json, *, timeout: float | None = 30.0
    ) -> Informs:
        """Subscribes to messages that an agent sends (FIPA SC00035).

        Returns when the agent's mailbox has the request; a refusal is raised by ``Informs.next``.
        The agent has ``timeout`` seconds to have room in its mailbox and to agree or send an
        ``inform``. Raises the errors of ``send``.
        """
    def contract_net(
        self,
        task: Json,
        participants: Participants,
        *,
        deadline: float = 30.0,
        choose: Literal["lowest", "highest"] | _Choose = "lowest",
        timeout: float | None = 30.0,
    ) -> Outcome:
        """Gives a task to the best offer and waits for the result (FIPA SC00029).

        The call waits for proposals until all participants have answered, at most ``deadline``
        seconds, and for results at most ``timeout`` seconds. ``"lowest"`` and ``"highest"`` compare
        prices: the content of a proposal if it is a number, or else the ``price`` in it. A function
        is called with the list of proposals, which may be empty, and returns those to accept: an
        ``Answer``, a name, a list of them, or ``None``. If it raises an error, the participants are
        sent ``cancel`` and the call raises the error.

        The failure of a participant is not an error: see ``Outcome``. Raises ``AgentNotFound``,
        ``InvalidArgument`` (a participant is named twice, or has no proposal to accept),
        ``InvalidMessage``, ``LimitExceeded``, ``Closed``.
        """
    def iterated_contract_net(
        self,
        task: Json,
        participants: Participants,
        *,
        deadline: float = 30.0,
        choose: Literal["lowest", "highest"] | _ChooseAgain = "lowest",
        rounds: int = 3,
        timeout: float | None = 30.0,
    ) -> Outcome:
        """A contract net of at most ``rounds`` rounds (FIPA SC00030).

        Each round calls the participants that have proposed again, with the best price so far,
        until nobody makes a better offer. A round takes at most ``deadline`` seconds. A function
        that chooses also gets the number of the round, from 1, and may also return ``CallAgain``.
        The rest is as in ``contract_net``.
        """
    def english_auction(
        self,
        item: Json,
        bidders: Participants,
        *,
        start: float,
        step: float,
        reserve: float | None = None,
        deadline: float = 5.0,
        deliver: bool = False,
        timeout: float | None = 30.0,
    ) -> Outcome:
        """Sells something to the highest bidder (FIPA XC00031).

        The price goes up from ``start`` by ``step`` after each round in which somebody has bid. A
        round waits ``deadline`` seconds for bids, but if somebody has bid, not for those that were
        silent in an earlier round. No round begins after 100 times ``deadline``. The item is not
        sold below ``reserve``. With ``deliver`` the call sends the winner a ``request``, and waits
        for its result at most ``timeout`` seconds. Raises the errors of ``contract_net``.
        """
    def dutch_auction(
        self,
        item: Json,
        bidders: Participants,
        *,
        start: float,
        step: float,
        reserve: float | None = None,
        deadline: float = 5.0,
    ) -> Outcome:
        """Sells something to the first bidder (FIPA XC00032).

        The price goes down from ``start`` by ``step`` after each round in which nobody has bid
        within ``deadline`` seconds, down to ``reserve``, or to 0 without one. Raises the errors of
        ``contract_net``.
        """
    def broker(
        self,
        broker: AgentName,
        description: Json,
        message: AnyMessage,
        *,
        max_results: int | None = None,
        timeout: float | None = 30.0,
    ) -> list[Message]:
        """Has a broker find agents and pass a message on to them (FIPA SC00033).

        ``description`` is an example of the agents to find. Returns their answers, when all agents
        that the broker found have answered, or ``max_results`` of them, or after ``timeout``
        seconds. Raises ``Refused``, ``NotUnderstood``, ``Failed`` (nobody matches), ``Timeout`` if
        the broker did not answer, and the errors of ``contract_net``.
        """
    def recruit(
        self,
        broker: AgentName,
        description: Json,
        message: AnyMessage,
        *,
        max_results: int | None = None,
        timeout: float | None = 30.0,
    ) -> list[Message]:
        """As ``broker``, with a recruiter: the agents answer directly (FIPA SC00034)."""
    def conversation(self, id: str) -> Conversation | None:
        """The conversation with this id, if there is one that names a protocol.

        The last 1,024 that have ended are kept, unless all conversations take more than 128 MiB.
        """
    def conversations(
        self,
        *,
        protocol: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        initiator: AgentName | Participants | None = None,
        agent: AgentName | Participants | None = None,
    ) -> list[Conversation]:
        """The conversations that match, in the order in which they began.

        ``agent`` takes part, on either side. Raises ``InvalidArgument``.
        """
    def trace(
        self,
        file: _Writable | None = None,
        *,
        colour: bool | None = None,
        width: int | None = None,
        **filter: str | list[str],
    ) -> Trace:
        """Prints every matching message from now on, one line each.

        The lines go to ``file``, which is ``sys.stdout`` by default. ``colour`` and ``width``
        default to those of the terminal, or to no colour and 100 columns without one. Control
        characters in messages do not reach the terminal.
        Raises ``InvalidArgument``, ``Closed``.
        """
    def watch(self, *, interval: float = 0.25) -> Watch:
        """Shows the runtime in a notebook: its agents, and its open and latest conversations.

        The view is refreshed every ``interval`` seconds, while other cells run too, until it or
        the runtime is closed. Raises ``RuntimeError`` outside a notebook.
        """
    def _repr_html_(self) -> str: ...
    def _live_html(self) -> str: ...
    def _close_blocking(self) -> None: ...

@disjoint_base
class AsyncRuntime:
    """A system of agents. Its calls are awaited.

    ``protocols`` decides about messages that their protocol does not allow. ``"observe"`` delivers
    them and reports the event ``violation``. ``"strict"`` does not deliver them: an agent is
    answered with ``not-understood``, and a call of this program raises ``InvalidMessage``.

    ``ceiling`` bounds the grants and limits that come from the store or through ``ams``. Without
    one, agents of the store that were granted folders, environment variables,
    ``stdout="inherit"`` or ``directory_admin`` come back suspended.
    """

    def __new__(
        cls,
        *,
        store: str | PathLike[str] | None = None,
        ceiling: Ceiling | None = None,
        durability: Literal["full", "relaxed"] = "full",
        name: str | None = None,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        compile_limits: CompileLimits | None = None,
        protocols: Literal["observe", "strict"] = "observe",
        workers: int | None = None,
        max_agents: int = 12_000,
        profile: Literal["perfmap", "jitdump"] | None = None,
        seed: int | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str:
        """The name of this program, as the sender of its messages."""
    @property
    def closed(self) -> bool: ...
    def deploy(
        self,
        wasm: Wasm,
        name: str | None = None,
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        compile_limits: CompileLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Call[AsyncAgent]:
        """Deploys an agent; returns when its ``agent_init`` has succeeded.

        Raises ``InvalidModule``, ``NameTaken``, ``AgentFailed``, ``LimitExceeded``,
        ``InvalidArgument``, ``PermissionDenied`` (a folder that cannot be granted), ``Closed``.
        """
    def deploy_many(
        self,
        wasm: Wasm,
        names: Iterable[str],
        *,
        limits: Limits | None = None,
        content_limits: ContentLimits | None = None,
        compile_limits: CompileLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Call[list[AsyncAgent]]:
        """Deploys one module under many names: all, or none. Raises the errors of ``deploy``."""
    def register(
        self,
        name: str,
        handler: Handler | None = None,
        *,
        capabilities: Iterable[str] = ...,
        concurrency: int | None = None,
    ) -> HostAgent:
        """Registers a host agent, whose handler is a function of this program.

        The value that the handler returns is the content of its answer, if the message asks for
        one: if it has ``reply_with``, or its act is answered in its protocol. ``None`` sends no
        answer.
        An ``async def`` runs on the running event loop, up to 64 messages at once. A plain
        function runs on threads of its own, one message at a time. ``concurrency`` changes these
        numbers. Without a function, ``HostAgent.on`` adds the handlers, and the agent handles up
        to 64 messages at once. Raises ``NameTaken``, ``InvalidArgument``, ``Closed``.
        """
    def agent(
        self, name: str, *, capabilities: Iterable[str] = ..., concurrency: int | None = None
    ) -> Registration:
        """``register`` as a decorator: ``@rt.agent("a")`` for one function, or
        ``a = rt.agent("a")`` and ``@a.on("cfp")`` for several."""
    def send(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Call[None]:
        """Sends a message; returns when every receiver's mailbox has it.

        Waits up to ``timeout`` seconds for room. Raises ``InvalidMessage``, ``AgentNotFound``,
        ``AgentFailed``, ``LimitExceeded``, ``PermissionDenied``, ``Timeout``, ``Closed``.
        """
    def try_send(self, message: AnyMessage) -> None:
        """Sends a message without waiting; raises ``MailboxFull`` if there is no room."""
    def send_many(
        self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0
    ) -> Call[None]:
        """Sends messages in order, up to the first error. ``timeout`` is for each."""
    def ask(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Call[Message]:
        """Sends a message and waits for the first reply of any act."""
    def request(self, message: AnyMessage, *, timeout: float | None = 30.0) -> Call[Message]:
        """Sends a FIPA request and waits for its result, as ``AsyncAgent.request`` does."""
    def ask_many(
        self, messages: Iterable[AnyMessage], *, timeout: float | None = 30.0
    ) -> Call[list[Any]]:
        """Sends all messages at once and waits for the first reply to each.

        The answers are in the order of the messages. A ``CaxtonError`` stands for each that failed.
        """
    def broadcast(
        self,
        content: Json,
        *,
        capability: str | None = None,
        performative: str = "inform",
        filter: Mapping[str, str | list[str]] | None = None,
        **fields: Json,
    ) -> int:
        """Sends a message to every agent that the filter matches; returns their number.

        ``fields`` are further fields of the message, as in ``send``. ``capability`` is one more
        field of the filter, ``capabilities``. Raises ``InvalidMessage``, ``InvalidArgument``,
        ``LimitExceeded``, ``PermissionDenied``, ``Closed``.
        """
    def subscribe(
        self, callback: Handler | None = None, **filter: str | list[str]
    ) -> AsyncSubscription:
        """Returns copies of every matching message from now on; ``callback`` gets each."""
    def events(
        self, kind: str | list[str] | None = None, agent: str | list[str] | None = None
    ) -> AsyncSubscription:
        """Returns the events of agents from now on, as messages of ``ams``.

        The content of each is a dict with ``event``, the kind, ``agent``, the name of the agent
        that the event is about, if any, and the fields of the kind. Without ``kind``, there is an
        event for every turn too.
        """
    def metrics(self) -> Metrics:
        """The figures of each agent, and their sums."""
    def prometheus(self) -> str:
        """The figures in the text format of Prometheus, version 0.0.4."""
    def find(self, capability: str | None = None, **filter: str | list[str]) -> list[str]:
        """The names of all agents that have a capability or match a filter."""
    def agents(self) -> list[AsyncAgent]:
        """Every deployed agent, in the order of deployment."""
    def agent_named(self, name: str) -> AsyncAgent:
        """The agent with this name or id. Raises ``AgentNotFound``."""
    def dead_letters(self) -> list[DeadLetter]:
        """The last messages that reached nobody or made their receiver crash, oldest first."""
    def replay_dead_letter(self, letter: DeadLetter | int) -> None:
        """Delivers a dead letter, given as itself or by its id, to its receiver again, unchanged.

        Raises ``InvalidArgument`` if there is none, ``AgentNotFound``, ``AgentFailed``,
        ``MailboxFull``; the message then stays a dead letter.
        """
    def drop_dead_letter(self, letter: DeadLetter | int) -> None:
        """Drops a dead letter, given as itself or by its id. Raises ``InvalidArgument``."""
    def close(self, *, timeout: float = 5.0) -> Call[None]:
        """Closes the runtime, within ``timeout`` seconds. Closing twice is no error."""
    def query_if(
        self, agent: AgentName, proposition: Json, *, timeout: float | None = 30.0
    ) -> Call[bool]:
        """Asks if something is true (FIPA SC00027); waits through ``agree``.

        The agent answers with true or false, or with an object that has one of them under
        ``result``; another answer raises ``InvalidMessage``. Raises the errors of ``request``, and
        ``Timeout`` after ``timeout`` seconds.
        """
    def query_ref(
        self, agent: AgentName, reference: Json, *, timeout: float | None = 30.0
    ) -> Call[Message]:
        """Asks what something is (FIPA SC00027); waits through ``agree`` for the ``inform``.

        Raises the errors of ``request``, and ``Timeout`` after ``timeout`` seconds.
        """
    def request_when(
        self,
        agent: AgentName,
        action: Json,
        condition: Json,
        *,
        deadline: float | None = None,
        timeout: float | None = None,
    ) -> Call[Message]:
        """Asks an agent to act once a condition holds (FIPA SC00028); returns the ``inform``.

        The agent has to agree within ``deadline`` seconds. The call waits for the result at most
        ``timeout`` seconds, or for ever without one. Raises the errors of ``request``.
        """
    def propose(
        self, agent: AgentName, proposal: Json, *, timeout: float | None = 30.0
    ) -> Call[Message]:
        """Offers to do something (FIPA SC00036).

        Returns the ``accept-proposal`` or ``reject-proposal``. Raises the errors of ``request``,
        and ``Timeout`` after ``timeout`` seconds.
        """
    def subscribe_to(
        self, agent: AgentName, content: Json, *, timeout: float | None = 30.0
    ) -> Call[AsyncInforms]:
        """Subscribes to messages that an agent sends (FIPA SC00035).

        Returns when the agent's mailbox has the request; ``AsyncInforms.next`` raises a refusal.
        The agent has ``timeout`` seconds to have room in its mailbox and to agree or send an
        ``inform``. Raises the errors of ``send``.
        """
    def contract_net(
        self,
        task: Json,
        participants: Participants,
        *,
        deadline: float = 30.0,
        choose: Literal["lowest", "highest"] | _AsyncChoose = "lowest",
        timeout: float | None = 30.0,
    ) -> Coroutine[Any, Any, Outcome]:
        """Gives a task to the best offer and waits for the result (FIPA SC00029).

        The call waits for proposals until all participants have answered, at most ``deadline``
        seconds, and for results at most ``timeout`` seconds. ``"lowest"`` and ``"highest"`` compare
        prices: the content of a proposal if it is a number, or else the ``price`` in it. A function
        is called with the list of proposals, which may be empty, and returns those to accept: an
        ``Answer``, a name, a list of them, or ``None``. It may be async. If it raises an error, the
        participants are sent ``cancel`` and the call raises the error.

        The failure of a participant is not an error: see ``Outcome``. Raises ``AgentNotFound``,
        ``InvalidArgument`` (a participant is named twice, or has no proposal to accept),
        ``InvalidMessage``, ``LimitExceeded``, ``Closed``.
        """
    def iterated_contract_net(
        self,
        task: Json,
        participants: Participants,
        *,
        deadline: float = 30.0,
        choose: Literal["lowest", "highest"]
        | Callable[
            [list[Answer], int], _Accepted | CallAgain | Awaitable[_Accepted | CallAgain]
        ] = "lowest",
        rounds: int = 3,
        timeout: float | None = 30.0,
    ) -> Coroutine[Any, Any, Outcome]:
        """A contract net of at most ``rounds`` rounds (FIPA SC00030).

        Each round calls the participants that have proposed again, with the best price so far,
        until nobody makes a better offer. A round takes at most ``deadline`` seconds. A function
        that chooses also gets the number of the round, from 1, and may also return ``CallAgain``.
        The rest is as in ``contract_net``.
        """
    def english_auction(
        self,
        item: Json,
        bidders: Participants,
        *,
        start: float,
        step: float,
        reserve: float | None = None,
        deadline: float = 5.0,
        deliver: bool = False,
        timeout: float | None = 30.0,
    ) -> Call[Outcome]:
        """Sells something to the highest bidder (FIPA XC00031).

        The price goes up from ``start`` by ``step`` after each round in which somebody has bid. A
        round waits ``deadline`` seconds for bids, but if somebody has bid, not for those that were
        silent in an earlier round. No round begins after 100 times ``deadline``. The item is not
        sold below ``reserve``. With ``deliver`` the call sends the winner a ``request``, and waits
        for its result at most ``timeout`` seconds. Raises the errors of ``contract_net``.
        """
    def dutch_auction(
        self,
        item: Json,
        bidders: Participants,
        *,
        start: float,
        step: float,
        reserve: float | None = None,
        deadline: float = 5.0,
    ) -> Call[Outcome]:
        """Sells something to the first bidder (FIPA XC00032).

        The price goes down from ``start`` by ``step`` after each round in which nobody has bid
        within ``deadline`` seconds, down to ``reserve``, or to 0 without one. Raises the errors of
        ``contract_net``.
        """
    def broker(
        self,
        broker: AgentName,
        description: Json,
        message: AnyMessage,
        *,
        max_results: int | None = None,
        timeout: float | None = 30.0,
    ) -> Call[list[Message]]:
        """Has a broker find agents and pass a message on to them (FIPA SC00033).

        ``description`` is an example of the agents to find. Returns their answers, when all agents
        that the broker found have answered, or ``max_results`` of them, or after ``timeout``
        seconds. Raises ``Refused``, ``NotUnderstood``, ``Failed`` (nobody matches), ``Timeout`` if
        the broker did not answer, and the errors of ``contract_net``.
        """
    def recruit(
        self,
        broker: AgentName,
        description: Json,
        message: AnyMessage,
        *,
        max_results: int | None = None,
        timeout: float | None = 30.0,
    ) -> Call[list[Message]]:
        """As ``broker``, with a recruiter: the agents answer directly (FIPA SC00034)."""
    def conversation(self, id: str) -> Conversation | None:
        """The conversation with this id, if there is one that names a protocol.

        The last 1,024 that have ended are kept, unless all conversations take more than 128 MiB.
        """
    def conversations(
        self,
        *,
        protocol: str | Iterable[str] | None = None,
        state: str | Iterable[str] | None = None,
        initiator: AgentName | Participants | None = None,
        agent: AgentName | Participants | None = None,
    ) -> list[Conversation]:
        """The conversations that match, in the order in which they began.

        ``agent`` takes part, on either side. Raises ``InvalidArgument``.
        """
    def trace(
        self,
        file: _Writable | None = None,
        *,
        colour: bool | None = None,
        width: int | None = None,
        **filter: str | list[str],
    ) -> Trace:
        """Prints every matching message from now on, one line each.

        The lines go to ``file``, which is ``sys.stdout`` by default. ``colour`` and ``width``
        default to those of the terminal, or to no colour and 100 columns without one. Control
        characters in messages do not reach the terminal.
        Raises ``InvalidArgument``, ``Closed``.
        """
    def watch(self, *, interval: float = 0.25) -> Watch:
        """Shows the runtime in a notebook: its agents, and its open and latest conversations.

        The view is refreshed every ``interval`` seconds, while other cells run too, until it or
        the runtime is closed. Raises ``RuntimeError`` outside a notebook.
        """
    def _repr_html_(self) -> str: ...
    def _live_html(self) -> str: ...
    def _close_blocking(self) -> None: ...
