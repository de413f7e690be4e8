"""The FIPA message (SC00061) as an agent sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from ._json import read_json, write_json

_TEXTS = (
    "performative",
    "sender",
    "reply_to",
    "language",
    "encoding",
    "ontology",
    "protocol",
    "conversation_id",
    "reply_with",
    "in_reply_to",
    "message_id",
)
"""Fields that hold a text and nothing else."""


class MessageError(ValueError):
    """A text or an object that is no message."""


@dataclass
class FipaMessage:
    """A message. Of what is sent, only `performative` and `receiver` have to be there: the host
    writes the sender, `message_id` and `sent_at`.

    Raises:
        MessageError: If a field has another type than FIPA's.
    """

    performative: str
    """One of FIPA's 22 communicative acts (SC00037), such as `request` or `inform`."""
    receiver: str | list[str] | None = None
    """Who is spoken to: a name, an id, a topic (`topic:NAME`), or several of them."""
    content: Any = None
    """What is said: any value that JSON has."""
    sender: str | None = None
    """Who speaks: an agent's name."""
    reply_to: str | None = None
    """Who is to get the answer, where that is not the sender."""
    language: str | None = None
    """The language of the content."""
    encoding: str | None = None
    """The encoding of the content."""
    ontology: str | None = None
    """What the content's words mean."""
    protocol: str | None = None
    """The interaction protocol that the message belongs to, such as `fipa-request`."""
    conversation_id: str | None = None
    """The conversation that it belongs to."""
    reply_with: str | None = None
    """What an answer is to have as `in_reply_to`."""
    in_reply_to: str | None = None
    """The `reply_with` of the message that this one answers."""
    reply_by: str | int | float | None = None
    """By when an answer is wanted: microseconds since the Unix epoch as a number, or a text in RFC
    3339."""
    message_id: str | None = None
    """The host's id of the message."""
    sent_at: int | None = None
    """When the host took the message: microseconds since the Unix epoch."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Every other field, such as `X-traceparent`."""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            _expect(name, getattr(self, name), str, "a text")
        if not self.performative:
            raise MessageError("there is no `performative`")
        several = isinstance(self.receiver, (list, tuple)) and all(
            isinstance(one, str) for one in self.receiver
        )
        if not several:
            _expect("receiver", self.receiver, str, "a text or an array of texts")
        _expect("reply_by", self.reply_by, (str, int, float), "a text (RFC 3339) or microseconds")
        _expect("sent_at", self.sent_at, (int, float), "microseconds")
        _expect("extra", self.extra, dict, "an object")

    @classmethod
    def from_json(cls, text: str) -> FipaMessage:
        """Reads a message. A field that is null is not there; unknown fields go into `extra`.

        Raises:
            MessageError: If the text is no JSON object with a `performative`, lies deeper than 65
                levels, or a field has another type than FIPA's.
        """
        try:
            written = read_json(text)
        except ValueError as error:
            raise MessageError(str(error)) from error
        return cls.from_dict(written)

    @classmethod
    def from_dict(cls, written: Any) -> FipaMessage:
        """The message that an object read from JSON stands for.

        Raises:
            MessageError: As for `from_json`.
        """
        if not isinstance(written, dict):
            raise MessageError("it is no JSON object")
        known = {
            name: value for name, value in written.items() if name in _NAMES and value is not None
        }
        extra = {name: value for name, value in written.items() if name not in _NAMES}
        known.setdefault("performative", "")
        return cls(**known, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """The message as JSON has it: a field that is None is left out."""
        written = {name: value for name in _NAMES if (value := getattr(self, name)) is not None}
        return {**self.extra, **written}

    def to_json(self) -> str:
        """The message as JSON.

        Raises:
            TypeError: If something in the content has no form in JSON.
            ValueError: If the content refers to itself, or has an infinity or a NaN.
        """
        return write_json(self.to_dict())

    @property
    def action(self) -> str | None:
        """What the content asks to be done: its `action`, if that is a text."""
        action = self.content.get("action") if isinstance(self.content, dict) else None
        return action if isinstance(action, str) else None

    @property
    def receivers(self) -> list[str]:
        """All receivers."""
        if self.receiver is None:
            return []
        return [self.receiver] if isinstance(self.receiver, str) else list(self.receiver)

    @property
    def answer_to(self) -> str | None:
        """Who is to get an answer: `reply_to`, or else the sender."""
        return self.reply_to or self.sender

    def without_content(self) -> FipaMessage:
        """All of it but the content: what is needed to answer it later."""
        return replace(self, content=None)

    @property
    def ends_exchange(self) -> bool:
        """Whether it is an act that nobody answers, so that two agents do not feed each other
        errors for ever."""
        return self.performative in ("inform", "failure", "not-understood")

    def reply(self, performative: str, content: Any = None) -> FipaMessage:
        """An answer to this message, as SC00061 has it: to `reply_to` or the sender, with
        `in_reply_to`, in the same conversation, protocol, ontology and language. It is not sent
        yet."""
        return FipaMessage(
            performative=performative,
            receiver=self.answer_to,
            content=content,
            in_reply_to=self.reply_with,
            conversation_id=self.conversation_id,
            protocol=self.protocol,
            ontology=self.ontology,
            language=self.language,
        )


_NAMES = tuple(one.name for one in fields(FipaMessage) if one.name != "extra")


def parse_message(text: str) -> FipaMessage:
    """Reads a message from the text that the host hands over: `FipaMessage.from_json`.

    Raises:
        MessageError: If it is none.
    """
    return FipaMessage.from_json(text)


def _expect(name: str, value: Any, types: Any, what: str) -> None:
    # True and False are numbers in Python, and are none in JSON.
    if value is not None and (not isinstance(value, types) or isinstance(value, bool)):
        raise MessageError(f"`{name}` has to be {what}")
