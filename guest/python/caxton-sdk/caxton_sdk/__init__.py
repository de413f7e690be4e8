"""Agents for Caxton in Python: FIPA messages, handlers, and a host for tests
(`caxton_sdk.testing`)."""

from .agent import Agent
from .errors import Failure, HostError, NotUnderstood, Refuse
from .host import (
    LogLevel,
    broadcast_message,
    cancel_timer,
    console_error,
    console_log,
    current_timestamp,
    data_size,
    delete_data,
    load,
    load_data,
    log,
    random_u32,
    send_local_message,
    send_message,
    set_timer,
    sleep_micros,
    store,
    store_data,
    subscribe_messages,
    unsubscribe_messages,
)
from .message import FipaMessage, MessageError, parse_message
from .replies import send_failure, send_inform_response, send_not_understood, send_reply

__all__ = [
    "Agent",
    "Failure",
    "FipaMessage",
    "HostError",
    "LogLevel",
    "MessageError",
    "NotUnderstood",
    "Refuse",
    "broadcast_message",
    "cancel_timer",
    "console_error",
    "console_log",
    "current_timestamp",
    "data_size",
    "delete_data",
    "load",
    "load_data",
    "log",
    "parse_message",
    "random_u32",
    "send_failure",
    "send_inform_response",
    "send_local_message",
    "send_message",
    "send_not_understood",
    "send_reply",
    "set_timer",
    "sleep_micros",
    "store",
    "store_data",
    "subscribe_messages",
    "unsubscribe_messages",
]
