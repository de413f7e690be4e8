"""What the host refuses, and what an agent answers instead of failing."""

from __future__ import annotations

_KINDS = {
    "not_found": (-1, "not found: there is no such key, agent, timer or subscription"),
    "invalid_argument": (
        -2,
        "invalid argument: the host could not read what it was given; the agent's log says more",
    ),
    "permission_denied": (
        -3,
        "permission denied: the agent's grants do not allow it, or the message names another "
        "sender; the agent's log says more",
    ),
    "limit_exceeded": (
        -4,
        "limit exceeded: a rate, a size or a count is above the agent's limit; the agent's log "
        "says more",
    ),
    "mailbox_full": (-6, "mailbox full: the receiver has no room now; try again later"),
}


class HostError(Exception):
    """Something that the host did not do. The agent's log says more, in words."""

    kind: str
    """`not_found`, `invalid_argument`, `permission_denied`, `limit_exceeded` or `mailbox_full`."""
    code: int
    """The code of the host's that stands for the kind: -1 to -4, and -6."""
    call: str
    """The function of the host that refused, such as `set_timer`."""
    text: str
    """What the kind means."""

    def __init__(self, call: str, kind: str) -> None:
        self.code, self.text = _KINDS[kind]
        self.kind = kind
        self.call = call
        super().__init__(f"{call}: {self.text}")


class Answer(Exception):
    """What a handler raises to answer with an error, rather than to fail: what it did is kept, and
    the code is 1."""

    performative: str
    """The act that is sent."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


class Failure(Answer):
    """Answers with `failure`, content `{"error": text}`: it was tried."""

    performative = "failure"


class Refuse(Answer):
    """Answers with `refuse`, content `{"error": text}`: it will not be done."""

    performative = "refuse"


class NotUnderstood(Answer):
    """Answers with `not-understood`, content `{"error": text}`: nobody knows what was asked for."""

    performative = "not-understood"
