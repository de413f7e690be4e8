"""The functions of the host. Behind them is the runtime in a component, and a mock in tests."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Protocol

from ._json import read_json, whole_pairs, write_json
from .message import FipaMessage


class LogLevel(IntEnum):
    """How much a line of the log matters."""

    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


class Host(Protocol):
    """What a host offers: the functions of agent.wit. Each raises `HostError` where it refuses."""

    def send_message(self, message: str) -> None: ...
    def send_local_message(self, agent: str, message: str) -> None: ...
    def broadcast_message(self, filter: str, message: str) -> int: ...
    def subscribe_messages(self, filter: str) -> int: ...
    def unsubscribe_messages(self, subscription: int) -> None: ...
    def current_timestamp(self) -> int: ...
    def random_u32(self) -> int: ...
    def sleep_micros(self, micros: int) -> None: ...
    def set_timer(self, micros: int) -> int: ...
    def cancel_timer(self, timer: int) -> None: ...
    def store_data(self, key: str, value: bytes) -> None: ...
    def load_data(self, key: str) -> bytes | None: ...
    def delete_data(self, key: str) -> None: ...
    def data_size(self, key: str) -> int | None: ...
    def console_log(self, line: str) -> None: ...
    def console_error(self, line: str) -> None: ...
    def log(self, level: LogLevel, line: str) -> None: ...


_attached: Host | None = None


def attach(host: Host) -> None:
    """Has the functions of this module call those of `host`."""
    global _attached
    _attached = host


def send_message(message: FipaMessage) -> None:
    """Sends a message once the turn is over. Its `sender` may be left out.

    Raises:
        HostError: `invalid_argument` if it has no receiver or a performative that is none,
            `permission_denied`, `limit_exceeded`.
    """
    _host("send_message").send_message(message.to_json())


def send_local_message(agent: str, message: FipaMessage) -> None:
    """Sends a message to one agent of this runtime, and says at once if it is unknown or has no
    room.

    Raises:
        HostError: `not_found`, `mailbox_full`, or as for `send_message`.
    """
    _host("send_local_message").send_local_message(_text(agent, "the agent"), message.to_json())


def broadcast_message(filter: Mapping[str, Any], message: FipaMessage) -> int:
    """Sends a message to every other agent that matches the filter; how many they are. A filter has
    some of `performative`, `sender`, `receiver`, `protocol`, `ontology`, `language`,
    `conversation_id`, `topic`, `capabilities` and `services`, each a text or a list of texts; all
    have to match.

    Raises:
        HostError: `invalid_argument`, `permission_denied`, `limit_exceeded`.
    """
    return _host("broadcast_message").broadcast_message(write_json(filter), message.to_json())


def subscribe_messages(filter: Mapping[str, Any]) -> int:
    """From the end of the turn on, the agent gets copies of messages that match the filter; the
    subscription, above 0.

    Raises:
        HostError: `invalid_argument`, `permission_denied`, `limit_exceeded`.
    """
    return _host("subscribe_messages").subscribe_messages(write_json(filter))


def unsubscribe_messages(subscription: int) -> None:
    """Ends a subscription.

    Raises:
        HostError: `not_found`.
    """
    _host("unsubscribe_messages").unsubscribe_messages(
        _whole(subscription, "the subscription", _MAX_U32)
    )


def current_timestamp() -> int:
    """Microseconds since the Unix epoch."""
    return _host("current_timestamp").current_timestamp()


def random_u32() -> int:
    """A random number from 0 to 2**32 - 1."""
    return _host("random_u32").random_u32()


def sleep_micros(micros: int) -> None:
    """Waits so many microseconds, which count towards the turn's time."""
    _host("sleep_micros").sleep_micros(_whole(micros, "the microseconds", _MAX_U64))


def set_timer(micros: int) -> int:
    """Has the agent's timer handler called after so many microseconds; the timer, above 0.

    Raises:
        HostError: `limit_exceeded` if there can be no more.
    """
    return _host("set_timer").set_timer(_whole(micros, "the microseconds", _MAX_U64))


def cancel_timer(timer: int) -> None:
    """Ends a timer that has not come due.

    Raises:
        HostError: `not_found`.
    """
    _host("cancel_timer").cancel_timer(_whole(timer, "the timer", _MAX_U32))


def store_data(key: str, value: bytes) -> None:
    """Keeps bytes under a key of the agent's own, of at most 4096 bytes. `store` keeps any value.

    Raises:
        HostError: `invalid_argument` if the key is too long, `limit_exceeded`.
    """
    if not isinstance(value, (bytes, bytearray)):
        raise TypeError(
            f"the value: expected bytes, got {type(value).__name__}; store keeps any value as JSON"
        )
    _host("store_data").store_data(_text(key, "the key"), bytes(value))


def load_data(key: str) -> bytes | None:
    """The bytes under a key, if there are any. What the deployer gave as `config` is under
    `config`."""
    return _host("load_data").load_data(_text(key, "the key"))


def delete_data(key: str) -> None:
    """Deletes what is under a key.

    Raises:
        HostError: `not_found`.
    """
    _host("delete_data").delete_data(_text(key, "the key"))


def data_size(key: str) -> int | None:
    """The number of bytes under a key, if there are any."""
    return _host("data_size").data_size(_text(key, "the key"))


def store(key: str, value: Any) -> None:
    """Keeps a value under a key as JSON.

    Raises:
        HostError: As for `store_data`.
        TypeError: If something in the value has no form in JSON.
        ValueError: If the value refers to itself, or has an infinity or a NaN.
    """
    store_data(key, write_json(value).encode())


def load(key: str, default: Any = None) -> Any:
    """The value that `store` keeps under a key; `default` if there is none.

    Raises:
        ValueError: If the bytes there are no JSON.
    """
    value = load_data(key)
    if value is None:
        return default
    try:
        return read_json(value.decode())
    except ValueError as error:
        raise ValueError(f'what is stored under "{key}" cannot be read: {error}') from error


def console_log(line: str) -> None:
    """Writes a line to the agent's log, at the level info."""
    _host("console_log").console_log(_text(line, "the line"))


def console_error(line: str) -> None:
    """Writes a line to the agent's log, at the level error."""
    _host("console_error").console_error(_text(line, "the line"))


def log(level: LogLevel, line: str) -> None:
    """Writes a line to the agent's log."""
    _host("log").log(LogLevel(level), _text(line, "the line"))


def _host(call: str) -> Host:
    if _attached is None:
        raise RuntimeError(
            f"{call} was called while the agent was being built; call it in a handler or in on_init"
        )
    return _attached


# The turn ends where a value does not have the host's type, so that is found out here.

_MAX_U32 = 2**32 - 1
_MAX_U64 = 2**64 - 1


def _text(value: str, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what}: expected a text, got {type(value).__name__}")
    return whole_pairs(value)


def _whole(value: int, what: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what}: expected a whole number, got {type(value).__name__}")
    if not 0 <= value <= most:
        raise ValueError(f"{what}: expected a number from 0 to {most}, got {value}")
    return value
