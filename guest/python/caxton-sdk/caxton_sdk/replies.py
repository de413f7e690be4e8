"""Answers to messages, as SC00061 has them: to `reply_to` or the sender, in the same
conversation."""

from __future__ import annotations

from typing import Any

from .host import send_message
from .message import FipaMessage


def send_reply(to: FipaMessage, performative: str, content: Any = None) -> None:
    """Answers with any act, the content as it is.

    Raises:
        HostError: As for `send_message`.
    """
    send_message(to.reply(performative, content))


def send_inform_response(to: FipaMessage, result: Any) -> None:
    """Answers with `inform`, content `{"result": result}`.

    Raises:
        HostError: As for `send_message`.
    """
    send_reply(to, "inform", {"result": result})


def send_failure(to: FipaMessage, text: str) -> None:
    """Answers with `failure`, content `{"error": text}`.

    Raises:
        HostError: As for `send_message`.
    """
    send_reply(to, "failure", {"error": text})


def send_not_understood(to: FipaMessage, text: str | None = None) -> None:
    """Answers with `not-understood`, content `{"error": text}`; without a text, it names the action
    or the act.

    Raises:
        HostError: As for `send_message`.
    """
    send_reply(to, "not-understood", {"error": why_not_understood(to) if text is None else text})


def why_not_understood(message: FipaMessage) -> str:
    """What to say of a message that nobody handles."""
    if message.performative != "request":
        return f"Unsupported performative: {message.performative}"
    return "No action given" if message.action is None else f"Unknown action: {message.action}"
