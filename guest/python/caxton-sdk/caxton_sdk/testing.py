"""A host for tests: it checks what it is given as the runtime does, keeps what the agent did, and
has a clock that moves when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from traceback import format_exception
from typing import Any, NoReturn

from ._json import read_json, write_json
from .agent import Agent
from .errors import HostError
from .host import Host, LogLevel, attach
from .message import FipaMessage, MessageError

_MAX_MESSAGE_BYTES = 1 << 20
_MAX_STORAGE_BYTES = 64 << 20
_MAX_KEY_BYTES = 4096
_MAX_TIMERS = 1024
_MAX_SUBSCRIPTIONS = 64

_ACTS = {
    "accept-proposal",
    "agree",
    "cancel",
    "cfp",
    "confirm",
    "disconfirm",
    "failure",
    "inform",
    "inform-if",
    "inform-ref",
    "not-understood",
    "propagate",
    "propose",
    "proxy",
    "query-if",
    "query-ref",
    "refuse",
    "reject-proposal",
    "request",
    "request-when",
    "request-whenever",
    "subscribe",
}
"""FIPA's communicative acts (SC00037)."""

_FILTER_FIELDS = {
    "performative",
    "sender",
    "receiver",
    "protocol",
    "ontology",
    "language",
    "conversation_id",
    "topic",
    "capabilities",
    "services",
}


@dataclass
class Broadcast:
    """A message that was broadcast."""

    filter: dict[str, Any]
    message: FipaMessage


@dataclass
class _State:
    """What is undone where a turn raises."""

    sent: list[FipaMessage] = field(default_factory=list)
    broadcasts: list[Broadcast] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    due: dict[int, int] = field(default_factory=dict)
    subscriptions: dict[int, dict[str, Any]] = field(default_factory=dict)


class MockHost:
    """A host that has deployed an agent. A turn that raises is undone but for its log, and the
    error comes out of the call.

    It does not have: other agents that answer, grants, limits on time, memory and rates. An agent's
    variables outlive a restart here, as they are those of its module; in the runtime they do not.

    Args:
        agent: It is deployed: `on_init` is called.
        name: The agent's name.
        config: What is under the key `config`, as JSON.
        agents: Which other agents there are, with the services of each. Left out: a message to any
            is taken, and a broadcast reaches none.

    Raises:
        RuntimeError: If the agent's init does not give 0.
    """

    now: int
    """The clock: microseconds since the Unix epoch. It begins at 2026-01-01."""
    code: int
    """The code that the agent gave last."""
    logs: list[tuple[LogLevel, str]]
    """Lines of the agent's log."""

    def __init__(
        self,
        agent: Agent,
        *,
        name: str = "agent",
        config: Any = None,
        agents: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self.now = 1_767_225_600_000_000
        self.code = 0
        self.logs = []
        self._agent = agent
        self._name = name
        self._agents = (
            None if agents is None else {other: set(services) for other, services in agents.items()}
        )
        self._state = _State()
        self._failing: dict[str, str] = {}
        self._spoken_to: list[str] = []
        self._ids = 0
        self._random = 0x9E3779B9
        self._functions = _Functions(self)
        if config is not None:
            self.store("config", config)
        self.restart()

    @property
    def sent(self) -> list[FipaMessage]:
        """What was sent, in order. A broadcast's receiver is `*`."""
        return self._state.sent

    @property
    def broadcasts(self) -> list[Broadcast]:
        """What was broadcast, with the filter of each."""
        return self._state.broadcasts

    @property
    def stored(self) -> dict[str, bytes]:
        """What is stored: bytes by their keys."""
        return self._state.stored

    @property
    def timers(self) -> dict[int, int]:
        """Timers that are set, with the microseconds until each is due."""
        return {timer: due - self.now for timer, due in self._state.due.items()}

    @property
    def subscriptions(self) -> dict[int, dict[str, Any]]:
        """Subscriptions that are made, with their filters."""
        return self._state.subscriptions

    def value(self, key: str) -> Any:
        """What is stored under a key, read from JSON; None if there is nothing."""
        stored = self.stored.get(key)
        return None if stored is None else read_json(stored.decode())

    def store(self, key: str, value: Any) -> None:
        """Stores a value as JSON, as an earlier turn may have."""
        self.stored[key] = write_json(value).encode()

    def deliver(self, message: FipaMessage | Mapping[str, Any] | str) -> int:
        """Hands over a message; the code of `handle-message`. A mapping is one as JSON has it, and
        gets what the host would write: `message_id`, `sent_at`, and where they are missing the
        sender `tester` and the receiver. A text is handed over as it is."""
        if isinstance(message, str):
            text = message
        else:
            given = message.to_dict() if isinstance(message, FipaMessage) else message
            stamp = {"message_id": f"message-{self._next_id()}", "sent_at": self.now}
            text = write_json({"sender": "tester", "receiver": self._name, **given, **stamp})
        try:
            self._spoken_to = FipaMessage.from_json(text).receivers
        except MessageError:
            self._spoken_to = []
        try:
            return self._turn(lambda: self._agent.handle_message(text))
        finally:
            self._spoken_to = []

    def advance(self, micros: int) -> None:
        """Moves the clock by so many microseconds; each timer that comes due is handled, in
        order."""
        until = self.now + micros
        while self._state.due:
            timer, due = min(self._state.due.items(), key=lambda item: (item[1], item[0]))
            if due > until:
                break
            del self._state.due[timer]
            self.now = max(self.now, due)
            self._turn(partial(self._agent.handle_timer, timer))
        self.now = max(self.now, until)

    def restart(self) -> None:
        """Calls `on_init` again, as in a fresh instance. What is stored stays.

        Raises:
            RuntimeError: If it does not give 0.
        """
        code = self._turn(self._agent.agent_init)
        if code != 0:
            raise RuntimeError(f"agent_init gave {code}: {self.logs}")

    def shut_down(self) -> None:
        """Calls `on_shutdown`."""
        self._turn(self._agent.agent_shutdown)

    def capabilities(self) -> dict[str, Any]:
        """What the agent says that it can do."""
        attach(self._functions)
        read: dict[str, Any] = read_json(self._agent.get_capabilities())
        return read

    def fail(self, call: str, kind: str | None) -> None:
        """Has a function of the host fail with this kind of `HostError` from now on, such as
        `fail("set_timer", "limit_exceeded")`; with None, no more.

        Raises:
            ValueError: If there is no such function.
            KeyError: If there is no such kind.
        """
        if call not in Host.__dict__:
            raise ValueError(f"the host has no function {call}")
        if kind is None:
            self._failing.pop(call, None)
        else:
            self._failing[call] = HostError(call, kind).kind

    def _turn(self, call: Callable[[], int | None]) -> int:
        """What a turn did is kept when it ends, also with another code than 0, and dropped when it
        raises. Then the traceback is in the agent's log, as in the runtime."""
        attach(self._functions)
        before = deepcopy(self._state)
        try:
            self.code = call() or 0
        except BaseException as error:
            self._state = before
            self.logs.append((LogLevel.ERROR, "".join(format_exception(error)).rstrip()))
            raise
        return self.code

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _next_random(self) -> int:
        """Xorshift: the same in every run of a test."""
        self._random ^= self._random << 13 & 0xFFFFFFFF
        self._random ^= self._random >> 17
        self._random ^= self._random << 5 & 0xFFFFFFFF
        return self._random

    def _matching(self, filter: dict[str, Any]) -> int:
        """How many others a broadcast reaches. Of messages' fields, a filter of it has the receiver
        alone."""
        wanted = {*_as_list(filter.get("capabilities", [])), *_as_list(filter.get("services", []))}
        receivers = filter.get("receiver")
        return sum(
            wanted <= services and (receivers is None or name in _as_list(receivers))
            for name, services in (self._agents or {}).items()
            if name != self._name
        )


class _Functions:
    """The functions of agent.wit, as the agent calls them."""

    def __init__(self, host: MockHost) -> None:
        self._host = host

    def send_message(self, message: str) -> None:
        written = self._read_message("send_message", message)
        if not written.receivers:
            self._refuse("send_message", "the message has no `receiver`")
        self._host.sent.append(written)

    def send_local_message(self, agent: str, message: str) -> None:
        written = self._read_message("send_local_message", message)
        if self._host._agents is not None and agent not in self._host._agents:
            raise HostError("send_local_message", "not_found")
        self._host.sent.append(replace(written, receiver=agent))

    def broadcast_message(self, filter: str, message: str) -> int:
        read = self._read_filter("broadcast_message", filter)
        written = replace(self._read_message("broadcast_message", message), receiver="*")
        self._host.sent.append(written)
        self._host.broadcasts.append(Broadcast(read, written))
        return self._host._matching(read)

    def subscribe_messages(self, filter: str) -> int:
        read = self._read_filter("subscribe_messages", filter)
        if len(self._host.subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise HostError("subscribe_messages", "limit_exceeded")
        subscription = self._host._next_id()
        self._host.subscriptions[subscription] = read
        return subscription

    def unsubscribe_messages(self, subscription: int) -> None:
        self._check("unsubscribe_messages")
        if self._host.subscriptions.pop(subscription, None) is None:
            raise HostError("unsubscribe_messages", "not_found")

    def current_timestamp(self) -> int:
        self._check("current_timestamp")
        return self._host.now

    def random_u32(self) -> int:
        self._check("random_u32")
        return self._host._next_random()

    def sleep_micros(self, micros: int) -> None:
        self._check("sleep_micros")
        self._host.now += micros

    def set_timer(self, micros: int) -> int:
        self._check("set_timer")
        due = self._host._state.due
        if len(due) >= _MAX_TIMERS:
            raise HostError("set_timer", "limit_exceeded")
        timer = self._host._next_id()
        due[timer] = self._host.now + micros
        return timer

    def cancel_timer(self, timer: int) -> None:
        self._check("cancel_timer")
        if self._host._state.due.pop(timer, None) is None:
            raise HostError("cancel_timer", "not_found")

    def store_data(self, key: str, value: bytes) -> None:
        self._check("store_data")
        if len(key.encode()) > _MAX_KEY_BYTES:
            self._refuse("store_data", f"a key is above {_MAX_KEY_BYTES} bytes")
        others = sum(
            len(other.encode()) + len(kept)
            for other, kept in self._host.stored.items()
            if other != key
        )
        if others + len(key.encode()) + len(value) > _MAX_STORAGE_BYTES:
            raise HostError("store_data", "limit_exceeded")
        self._host.stored[key] = value

    def load_data(self, key: str) -> bytes | None:
        self._check("load_data")
        return self._host.stored.get(key)

    def delete_data(self, key: str) -> None:
        self._check("delete_data")
        if self._host.stored.pop(key, None) is None:
            raise HostError("delete_data", "not_found")

    def data_size(self, key: str) -> int | None:
        self._check("data_size")
        value = self._host.stored.get(key)
        return None if value is None else len(value)

    def console_log(self, line: str) -> None:
        self.log(LogLevel.INFO, line)

    def console_error(self, line: str) -> None:
        self.log(LogLevel.ERROR, line)

    def log(self, level: LogLevel, line: str) -> None:
        self._host.logs.append((level, line))

    def _check(self, call: str) -> None:
        kind = self._host._failing.get(call)
        if kind is not None:
            raise HostError(call, kind)

    def _refuse(self, call: str, why: str, kind: str = "invalid_argument") -> NoReturn:
        """Refuses what was given, and says in the agent's log why, as the runtime does."""
        self.log(LogLevel.WARN, why)
        raise HostError(call, kind)

    def _read_message(self, call: str, json: str) -> FipaMessage:
        self._check(call)
        if len(json.encode()) > _MAX_MESSAGE_BYTES:
            self._refuse(call, "the message is above 1 MiB", "limit_exceeded")
        try:
            message = FipaMessage.from_json(json)
        except MessageError as error:
            self._refuse(call, f"a message was not sent: {error}")
        performative = message.performative.lower().replace("_", "-")
        if performative not in _ACTS:
            self._refuse(call, f"{message.performative} is not one of FIPA's 22 communicative acts")
        if message.sender is not None and message.sender not in (
            self._host._name,
            *self._host._spoken_to,
        ):
            self._refuse(call, f"the agent is not {message.sender}", "permission_denied")
        return replace(message, performative=performative, sender=self._host._name)

    def _read_filter(self, call: str, json: str) -> dict[str, Any]:
        self._check(call)
        try:
            filter = read_json(json)
        except ValueError as error:
            self._refuse(call, f"this is not a filter: {error}")
        if not isinstance(filter, dict):
            self._refuse(call, "a filter is an object")
        for name, wanted in filter.items():
            if name not in _FILTER_FIELDS:
                self._refuse(call, f"a filter has no field {name}")
            if not all(isinstance(one, str) for one in _as_list(wanted)):
                self._refuse(call, f"{name}: a text or an array of texts")
        return filter


def _as_list(one_or_many: Any) -> list[Any]:
    return one_or_many if isinstance(one_or_many, list) else [one_or_many]
