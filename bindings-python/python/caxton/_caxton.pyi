"""The extension module. Use ``caxton`` instead, which exports all of this."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from os import PathLike
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
    """Runs the command ``caxton``; the exit code. The first argument is its own name."""

def after_fork_in_child() -> None: ...
def limits_defaults() -> list[tuple[str, int | None]]: ...
def content_limits_defaults() -> list[tuple[str, int | None]]: ...
def compile_limits_defaults() -> list[tuple[str, int | None]]: ...
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
    def bytes(self) -> int:
        """How long it is; in the binary form, where it was given as text."""
    @property
    def sections(self) -> dict[str, int]:
        """What it is made of: `code`, `data` and so on, and custom sections by their own names,
        with their bytes."""
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
    def start(self) -> Literal["plain", "wasi-reactor", "wasi-command", "component"] | None: ...
    @property
    def inbox(self) -> Literal["allocator", "pages", "component"] | None: ...
    @property
    def compile_millis(self) -> int:
        """The time that compiling it takes, by an estimate: what `max_compile_millis` bounds."""
    @property
    def compile_function_millis(self) -> int:
        """That of the function which takes longest."""
    @property
    def compile_function_bytes(self) -> int:
        """The memory that its largest function takes while it is compiled, by an estimate."""
    @property
    def advice(self) -> list[str]:
        """What its author might want to change, a sentence each."""

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
        """All that it has stored, keys, values, and 96 for each key."""
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

        ``None`` is any. Of several functions the one takes a message that says most of it, the act
        before the protocol. What none takes and wants an answer is answered with
        ``not-understood``. Plain functions run on threads of the agent's own, async ones on the
        event loop, as with ``register``.

        What a function returns is sent in the act that says yes: a ``propose`` to a ``cfp``, an
        ``accept-proposal`` to a ``propose``, else an ``inform``. A function that raises ``Refused``
        or ``NotUnderstood`` answers with ``refuse`` or ``not-understood``.

        Raises ``InvalidArgument`` if there is one for the same messages, or no such act.
        """
    def _add(self, performative: str | None, protocol: str | None, handler: Handler) -> None: ...
    def remove(self) -> None:
        """Takes the agent out of the runtime. What waits for it is answered with ``failure``."""

@final
class Task:
    """A message that a handler has to answer."""

    @property
    def message(self) -> Message: ...
    def finish(self, result: Json) -> None: ...
    def fail(self, text: str, code: str) -> None: ...

@final
class Feed:
    """What the thread of a subscription's plain callback waits for."""

    def next(self) -> Message | None: ...

@final
class Tasks:
    """Where the threads of a host agent find what they have to handle."""

    def next(self) -> tuple[Callable[[Message], object], Task] | None: ...

_Accepted: TypeAlias = Answer | str | Iterable[Answer | str] | None
#: What a function that chooses is called with, and what it returns.
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
#: How far a participant has come with whoever asked it.
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
#: Where a participant of a negotiation stands.
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
#: What is remarkable about a message of a conversation.
_Note: TypeAlias = Literal["out-of-sequence", "repeated", "late", "forwarded", "deadline", "fault"]

@final
class Answer:
    """What one participant of a negotiation answered."""

    @property
    def agent(self) -> str:
        """The participant's name."""
    @property
    def status(self) -> _Status:
        """Where it stands."""
    @property
    def proposal(self) -> Message | None:
        """Its last proposal."""
    @property
    def message(self) -> Message | None:
        """What it said last beside that: its result, its refusal, or why it failed."""

@final
class Outcome:
    """What came of a protocol with several participants: who answered what."""

    @property
    def conversation_id(self) -> str:
        """The conversation: see ``Runtime.conversation``."""
    @property
    def answers(self) -> list[Answer]:
        """The participants, in the order in which they were named."""
    @property
    def forwarded(self) -> list[Message]:
        """Answers of others, to whom the conversation was passed on, as they came."""
    @property
    def rounds(self) -> int:
        """How many rounds of proposals there were."""
    @property
    def price(self) -> float | None:
        """What an auction ended at."""
    @property
    def winner(self) -> Answer | None:
        """The first participant whose proposal was accepted: what it did with it is its status."""
    @property
    def result(self) -> Message | None:
        """What the winner answered last: its result, or why it failed."""
    @property
    def proposed(self) -> list[str]:
        """Whose proposals have not been decided upon."""
    @property
    def rejected(self) -> list[str]:
        """Whose proposals were rejected."""
    @property
    def refused(self) -> list[str]:
        """Who refused."""
    @property
    def late(self) -> list[str]:
        """Whose proposals came after the deadline, and were rejected."""
    @property
    def silent(self) -> list[str]:
        """Who has not answered."""
    @property
    def failed(self) -> list[str]:
        """Who failed, or of whom the runtime says so."""
    @property
    def not_understood(self) -> list[str]:
        """Who did not understand."""
    @property
    def accepted(self) -> list[str]:
        """Whose proposals were accepted, and whose results have not come."""
    @property
    def done(self) -> list[str]:
        """Whose proposals were accepted, and whose results have come."""
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
    """What an agent tells who has subscribed to it (FIPA SC00035): iterate it.

    Closing it cancels the subscription, and so does dropping it; leaving the loop does not.
    """

    @property
    def agent(self) -> str:
        """Who tells."""
    @property
    def conversation_id(self) -> str: ...
    @property
    def missed(self) -> int:
        """How many messages found no room since it began."""
    def next(self, *, timeout: float | None = 30.0) -> Message | None:
        """The next ``inform``; ``None`` once it is closed.

        Raises ``Timeout`` after ``timeout`` seconds; ``Refused``, ``NotUnderstood`` or ``Failed``
        if that is what the agent answers, and there is nothing after that; ``Closed``.
        """
    def close(self) -> None:
        """Ends the subscription: the agent is sent a ``cancel``."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _error: object, _traceback: object, /) -> None: ...

@final
class AsyncInforms:
    """What an agent tells who has subscribed to it (FIPA SC00035): iterate it with ``async for``.

    Closing it cancels the subscription, and so does dropping it; leaving the loop does not.
    """

    @property
    def agent(self) -> str:
        """Who tells."""
    @property
    def conversation_id(self) -> str: ...
    @property
    def missed(self) -> int:
        """How many messages found no room since it began."""
    def next(self, *, timeout: float | None = 30.0) -> Call[Message | None]:
        """The next ``inform``; ``None`` once it is closed.

        Raises ``Timeout`` after ``timeout`` seconds; ``Refused``, ``NotUnderstood`` or ``Failed``
        if that is what the agent answers, and there is nothing after that; ``Closed``.
        """
    def close(self) -> None:
        """Ends the subscription: the agent is sent a ``cancel``."""
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Call[Message]: ...
    def __aenter__(self) -> Call[Self]: ...
    def __aexit__(self, _kind: object, _error: object, _traceback: object, /) -> Call[None]: ...

@final
class Participant:
    """One participant of a conversation: how far it has come with whoever asked it."""

    @property
    def name(self) -> str: ...
    @property
    def asked_by(self) -> str:
        """The initiator, or who passed the conversation on."""
    @property
    def stage(self) -> _Stage:
        """How far the two have come."""
    @property
    def due(self) -> Literal["initiator", "participant"] | None:
        """Who has to say something next, if somebody has to: who asked it, or the participant."""
    @property
    def due_by(self) -> int | None:
        """By when, where that was said: microseconds since the Unix epoch."""
    @property
    def late(self) -> bool:
        """Whether a deadline passed before it answered."""
    @property
    def asked_at(self) -> int:
        """When it was asked first: microseconds since the Unix epoch."""
    @property
    def answered_at(self) -> int | None:
        """When it said something first, if it has: microseconds since the Unix epoch."""

@final
class Exchanged:
    """A message of a conversation, and what the runtime has to say of it."""

    @property
    def message(self) -> Message: ...
    @property
    def note(self) -> _Note | None:
        """What is remarkable about it, if anything is."""

@final
class Conversation:
    """A conversation that names a protocol, as it stood when it was looked at."""

    @property
    def id(self) -> str:
        """The ``conversation_id`` of its messages."""
    @property
    def protocol(self) -> _Protocol: ...
    @property
    def state(self) -> Literal["open", "ended", "abandoned"]:
        """``abandoned``: it was idle for longest when there were too many, and was given up."""
    @property
    def initiator(self) -> str:
        """Who began it."""
    @property
    def participants(self) -> list[Participant]:
        """Who was asked to take part, in the order in which they were; at most 10,000."""
    @property
    def messages(self) -> list[Exchanged]:
        """Its messages in their order. Of long conversations the middle is left out."""
    @property
    def omitted(self) -> int:
        """How many messages are left out; they stood behind the first half of ``messages``."""
    @property
    def began_at(self) -> int:
        """When its first message was sent: microseconds since the Unix epoch."""
    @property
    def ended_at(self) -> int | None:
        """When it ended, if it has: microseconds since the Unix epoch."""
    def diagram(self, form: Literal["mermaid", "svg", "html"] = "mermaid") -> str:
        """Draws it as a sequence diagram: who said what to whom, and when.

        Mermaid is what GitHub and many editors draw; an SVG stands for itself; the HTML is what a
        notebook shows. Where many were asked, those that did the same share a line.
        """
    def _repr_html_(self) -> str: ...

@final
class Trace:
    """Prints messages as they pass, until it or the runtime is closed."""

    @property
    def missed(self) -> int:
        """How many messages found no room since it began."""
    def close(self) -> None:
        """Ends it. Returns when what was said has been printed, after a second at the latest."""
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _error: object, _traceback: object, /) -> None: ...

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
    def _repr_html_(self) -> str: ...
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
        """Goes on with what has waited.

        Raises ``PermissionDenied`` if it came back from a store with more than the runtime's
        ``ceiling`` allows, or with a name that is not allowed any more; it says what is lacking.
        """
    def restart(self) -> None:
        """Starts it afresh between two turns; its name, mailbox and data are kept.

        Raises ``AgentFailed`` if its ``agent_init`` fails, ``PermissionDenied`` as `resume`.
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
    def _repr_html_(self) -> str: ...
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
        """Goes on with what has waited.

        Raises ``PermissionDenied`` if it came back from a store with more than the runtime's
        ``ceiling`` allows, or with a name that is not allowed any more; it says what is lacking.
        """
    def restart(self) -> Call[None]:
        """Starts it afresh between two turns; its name, mailbox and data are kept.

        Raises ``AgentFailed`` if its ``agent_init`` fails, ``PermissionDenied`` as `resume`.
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
    """A system of agents, whose calls block.

    ``protocols``: what is done with a message that its protocol does not allow. ``"observe"``
    delivers it and tells of it as an event; ``"strict"`` answers it with ``not-understood``, and
    a call of this program raises ``InvalidMessage``. ``ceiling``: the most that agents may have
    whose grants and limits come from the store or through ``ams``; without one, those of the store
    that were granted folders, environment, ``stdout="inherit"`` or ``directory_admin`` come back
    suspended.
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
        compile_limits: CompileLimits | None = None,
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
        compile_limits: CompileLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> list[Agent]:
        """Deploys one module under many names: all of them, or none. Raises as ``deploy`` does."""
    def register(
        self,
        name: str,
        handler: Handler | None = None,
        *,
        capabilities: Iterable[str] = ...,
        concurrency: int | None = None,
    ) -> HostAgent:
        """Makes a function an agent of this runtime.

        An ``async def`` runs on a loop of the runtime's own, up to 64 messages at once; a plain
        function on threads of its own, one message at a time, unless ``concurrency`` says more.
        Without a function the agent is given its handlers by ``HostAgent.on``, for one message
        at once. Raises ``NameTaken``, ``InvalidArgument``, ``Closed``.
        """
    def agent(
        self, name: str, *, capabilities: Iterable[str] = ..., concurrency: int | None = None
    ) -> Registration:
        """``register`` as a decorator: ``@rt.agent("a")``; or for several functions, with
        ``a = rt.agent("a")`` and ``@a.on("cfp")``."""
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
    def query_if(
        self, agent: AgentName, proposition: Json, *, timeout: float | None = 30.0
    ) -> bool:
        """Asks whether something is true (FIPA SC00027); waits through ``agree``.

        The agent answers with true or false, or an object with one under ``result``; anything else
        raises ``InvalidMessage``. Raises as ``request`` does, and ``Timeout`` after ``timeout``
        seconds.
        """
    def query_ref(
        self, agent: AgentName, reference: Json, *, timeout: float | None = 30.0
    ) -> Message:
        """Asks what something is (FIPA SC00027); waits through ``agree`` for the ``inform``.

        Raises as ``request`` does, and ``Timeout`` after ``timeout`` seconds.
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
        """Has something done once a condition holds (FIPA SC00028), and gives the ``inform``.

        The agent has to agree within ``deadline`` seconds. The result is waited for as long as it
        takes, unless ``timeout`` says otherwise, in seconds. Raises as ``request`` does.
        """
    def propose(self, agent: AgentName, proposal: Json, *, timeout: float | None = 30.0) -> Message:
        """Offers to do something (FIPA SC00036): the ``accept-proposal`` or ``reject-proposal``.

        Raises as ``request`` does, and ``Timeout`` after ``timeout`` seconds.
        """
    def subscribe_to(
        self, agent: AgentName, content: Json, *, timeout: float | None = 30.0
    ) -> Informs:
        """Subscribes to what an agent tells (FIPA SC00035).

        Returns when the agent's mailbox has the message; whether it refuses is seen when the first
        ``inform`` is waited for. Within ``timeout`` seconds it has to have room, and to have agreed
        or told something. Raises as ``send`` does.
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
        """Gives a task to who makes the best offer, and waits for the result (FIPA SC00029).

        Proposals are waited for until all have answered, at most ``deadline`` seconds, and results
        at most ``timeout`` seconds. ``"lowest"`` and ``"highest"`` go by a proposal's price: its
        content where that is a number, or the ``price`` in it. A function is called with the
        proposals, of which there may be none, and gives whom to accept: an ``Answer``, a name, a
        list of them, or ``None``. What it raises is raised here, and the participants are
        sent ``cancel``.

        That participants fail is no error: see ``Outcome``. Raises ``AgentNotFound``,
        ``InvalidArgument`` (one is named twice, or has no proposal to be accepted),
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

        All that have proposed are called again with the best price so far, until nobody makes a
        better offer. ``deadline`` seconds are for each round. A function is called with the
        proposals and the number of the round, from 1; it may also return ``CallAgain``. Else as
        ``contract_net``.
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
        """Sells something to whoever bids most (FIPA XC00031).

        The price goes up from ``start`` by ``step`` after each round in which somebody has bid;
        bids are waited for ``deadline`` seconds in each. It is not sold below ``reserve``. With
        ``deliver`` the winner is sent a ``request``, and its result is waited for, at most
        ``timeout`` seconds. Raises as ``contract_net`` does.
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
        """Sells something to whoever bids first (FIPA XC00032).

        The price goes down from ``start`` by ``step`` after each round in which nobody has bid
        within ``deadline`` seconds, to ``reserve`` at the lowest, or 0. Raises as ``contract_net``
        does.
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
        """Has a broker find agents and pass a message on; what they answer (FIPA SC00033).

        ``description`` is an example of whom to find. Returns when all have answered whom the
        broker says that it has found, or ``max_results`` of them, or after ``timeout`` seconds.
        Raises ``Refused``, ``NotUnderstood``, ``Failed`` (nobody matches), ``Timeout`` if the
        broker did not answer, and as ``contract_net``.
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
        """Has a recruiter find agents, which answer directly (FIPA SC00034). Else as ``broker``."""
    def conversation(self, id: str) -> Conversation | None:
        """The conversation with this id, if there is one that names a protocol.

        Those that have ended are kept for a while: the last 1024, and 64 MiB of messages.
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

        ``agent`` takes part, on whichever side. Raises ``InvalidArgument``.
        """
    def trace(
        self,
        file: _Writable | None = None,
        *,
        colour: bool | None = None,
        width: int | None = None,
        **filter: str | list[str],
    ) -> Trace:
        """Prints every message from now on that matches, a line each.

        To ``sys.stdout``, unless ``file`` is given; in colour if that is a terminal, and as wide as
        it is, or 100 columns, unless it is said. What agents wrote cannot steer the terminal.
        Raises ``InvalidArgument``, ``Closed``.
        """
    def watch(self, *, interval: float = 0.25) -> Watch:
        """Shows the runtime in a notebook: its agents, and its open and latest conversations.

        The view is looked at every ``interval`` seconds, and goes on while other cells run, until
        it or the runtime is closed. Raises ``RuntimeError`` outside a notebook.
        """
    def _repr_html_(self) -> str: ...
    def _live_html(self) -> str: ...
    def _close_blocking(self) -> None: ...

@disjoint_base
class AsyncRuntime:
    """A system of agents, whose calls are awaited.

    ``protocols``: what is done with a message that its protocol does not allow. ``"observe"``
    delivers it and tells of it as an event; ``"strict"`` answers it with ``not-understood``, and
    a call of this program raises ``InvalidMessage``. ``ceiling``: the most that agents may have
    whose grants and limits come from the store or through ``ams``; without one, those of the store
    that were granted folders, environment, ``stdout="inherit"`` or ``directory_admin`` come back
    suspended.
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
        compile_limits: CompileLimits | None = None,
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
        compile_limits: CompileLimits | None = None,
        capabilities: Iterable[str] = ...,
        grants: Grants | None = None,
        restart: Literal["always", "on-failure", "never"] = "on-failure",
        config: Json = None,
    ) -> Call[list[AsyncAgent]]:
        """Deploys one module under many names: all of them, or none. Raises as ``deploy`` does."""
    def register(
        self,
        name: str,
        handler: Handler | None = None,
        *,
        capabilities: Iterable[str] = ...,
        concurrency: int | None = None,
    ) -> HostAgent:
        """Makes a function an agent of this runtime.

        An ``async def`` runs on the running event loop, up to 64 messages at once; a plain
        function on threads of its own, one message at a time, unless ``concurrency`` says more.
        Without a function the agent is given its handlers by ``HostAgent.on``, for 64 messages
        at once. Raises ``NameTaken``, ``InvalidArgument``, ``Closed``.
        """
    def agent(
        self, name: str, *, capabilities: Iterable[str] = ..., concurrency: int | None = None
    ) -> Registration:
        """``register`` as a decorator: ``@rt.agent("a")``; or for several functions, with
        ``a = rt.agent("a")`` and ``@a.on("cfp")``."""
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
    def query_if(
        self, agent: AgentName, proposition: Json, *, timeout: float | None = 30.0
    ) -> Call[bool]:
        """Asks whether something is true (FIPA SC00027); waits through ``agree``.

        The agent answers with true or false, or an object with one under ``result``; anything else
        raises ``InvalidMessage``. Raises as ``request`` does, and ``Timeout`` after ``timeout``
        seconds.
        """
    def query_ref(
        self, agent: AgentName, reference: Json, *, timeout: float | None = 30.0
    ) -> Call[Message]:
        """Asks what something is (FIPA SC00027); waits through ``agree`` for the ``inform``.

        Raises as ``request`` does, and ``Timeout`` after ``timeout`` seconds.
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
        """Has something done once a condition holds (FIPA SC00028), and gives the ``inform``.

        The agent has to agree within ``deadline`` seconds. The result is waited for as long as it
        takes, unless ``timeout`` says otherwise, in seconds. Raises as ``request`` does.
        """
    def propose(
        self, agent: AgentName, proposal: Json, *, timeout: float | None = 30.0
    ) -> Call[Message]:
        """Offers to do something (FIPA SC00036): the ``accept-proposal`` or ``reject-proposal``.

        Raises as ``request`` does, and ``Timeout`` after ``timeout`` seconds.
        """
    def subscribe_to(
        self, agent: AgentName, content: Json, *, timeout: float | None = 30.0
    ) -> Call[AsyncInforms]:
        """Subscribes to what an agent tells (FIPA SC00035).

        Returns when the agent's mailbox has the message; whether it refuses is seen when the first
        ``inform`` is waited for. Within ``timeout`` seconds it has to have room, and to have agreed
        or told something. Raises as ``send`` does.
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
        """Gives a task to who makes the best offer, and waits for the result (FIPA SC00029).

        Proposals are waited for until all have answered, at most ``deadline`` seconds, and results
        at most ``timeout`` seconds. ``"lowest"`` and ``"highest"`` go by a proposal's price: its
        content where that is a number, or the ``price`` in it. A function is called with the
        proposals, of which there may be none, and gives whom to accept: an ``Answer``, a name, a
        list of them, or ``None``. It may be async. What it raises is raised here, and the
        participants are sent ``cancel``.

        That participants fail is no error: see ``Outcome``. Raises ``AgentNotFound``,
        ``InvalidArgument`` (one is named twice, or has no proposal to be accepted),
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

        All that have proposed are called again with the best price so far, until nobody makes a
        better offer. ``deadline`` seconds are for each round. A function is called with the
        proposals and the number of the round, from 1; it may also return ``CallAgain``. Else as
        ``contract_net``.
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
        """Sells something to whoever bids most (FIPA XC00031).

        The price goes up from ``start`` by ``step`` after each round in which somebody has bid;
        bids are waited for ``deadline`` seconds in each. It is not sold below ``reserve``. With
        ``deliver`` the winner is sent a ``request``, and its result is waited for, at most
        ``timeout`` seconds. Raises as ``contract_net`` does.
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
        """Sells something to whoever bids first (FIPA XC00032).

        The price goes down from ``start`` by ``step`` after each round in which nobody has bid
        within ``deadline`` seconds, to ``reserve`` at the lowest, or 0. Raises as ``contract_net``
        does.
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
        """Has a broker find agents and pass a message on; what they answer (FIPA SC00033).

        ``description`` is an example of whom to find. Returns when all have answered whom the
        broker says that it has found, or ``max_results`` of them, or after ``timeout`` seconds.
        Raises ``Refused``, ``NotUnderstood``, ``Failed`` (nobody matches), ``Timeout`` if the
        broker did not answer, and as ``contract_net``.
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
        """Has a recruiter find agents, which answer directly (FIPA SC00034). Else as ``broker``."""
    def conversation(self, id: str) -> Conversation | None:
        """The conversation with this id, if there is one that names a protocol.

        Those that have ended are kept for a while: the last 1024, and 64 MiB of messages.
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

        ``agent`` takes part, on whichever side. Raises ``InvalidArgument``.
        """
    def trace(
        self,
        file: _Writable | None = None,
        *,
        colour: bool | None = None,
        width: int | None = None,
        **filter: str | list[str],
    ) -> Trace:
        """Prints every message from now on that matches, a line each.

        To ``sys.stdout``, unless ``file`` is given; in colour if that is a terminal, and as wide as
        it is, or 100 columns, unless it is said. What agents wrote cannot steer the terminal.
        Raises ``InvalidArgument``, ``Closed``.
        """
    def watch(self, *, interval: float = 0.25) -> Watch:
        """Shows the runtime in a notebook: its agents, and its open and latest conversations.

        The view is looked at every ``interval`` seconds, and goes on while other cells run, until
        it or the runtime is closed. Raises ``RuntimeError`` outside a notebook.
        """
    def _repr_html_(self) -> str: ...
    def _live_html(self) -> str: ...
    def _close_blocking(self) -> None: ...
