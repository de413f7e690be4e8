"""The exceptions of Caxton.

Each has a ``code``: a text that is the same in Python, JavaScript and Rust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caxton._caxton import Message


class CaxtonError(Exception):
    """The base of every error of the runtime."""

    code: str = "internal"


class InvalidModule(CaxtonError, ValueError):
    """The bytes are no module that can be an agent."""

    code = "invalid_module"
    #: One line for each import or export that is missing or of the wrong type.
    missing: list[str]

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.missing = []


class InvalidMessage(CaxtonError, ValueError):
    """The message is not JSON, or lacks something that a message has to have."""

    code = "invalid_message"


class InvalidArgument(CaxtonError, ValueError):
    """An argument is out of its range or of the wrong form."""

    code = "invalid_argument"


class AgentNotFound(CaxtonError, LookupError):
    """No agent of that name or id is here."""

    code = "agent_not_found"


class NameTaken(CaxtonError):
    """An agent of that name is here already."""

    code = "name_taken"


class _Limited(CaxtonError):
    #: Which limit was reached, if one was.
    kind: str | None = None
    #: The limit, in the unit of its kind (bytes, microseconds, or a count).
    limit: int | None = None
    #: What was used or asked for.
    used: int | None = None


class AgentFailed(_Limited):
    """The agent could not be started, or has failed for good."""

    code = "agent_failed"
    #: The guest's frames, innermost first.
    backtrace: str | None = None


class LimitExceeded(_Limited):
    """A limit was reached: see ``kind``, ``limit`` and ``used``."""

    code = "limit_exceeded"


class Trapped(CaxtonError):
    """The agent's code trapped."""

    code = "trapped"
    #: Why, in a sentence.
    reason: str = ""
    #: The guest's frames, innermost first.
    backtrace: str | None = None


class _Answered(CaxtonError):
    #: The message that said no.
    reply: Message | None = None


class Refused(_Answered):
    """The receiver refused. Raised in a handler, it is answered with ``refuse``."""

    code = "refused"


class Failed(_Answered):
    """The receiver tried and failed."""

    code = "failed"


class NotUnderstood(_Answered):
    """The receiver did not understand.

    Raised in a handler, it is answered with ``not-understood``.
    """

    code = "not_understood"


class MailboxFull(CaxtonError):
    """The receiver's mailbox has no room now."""

    code = "mailbox_full"


class Timeout(CaxtonError, TimeoutError):
    """The time that the caller gave ran out."""

    code = "timeout"


class PermissionDenied(CaxtonError):
    """Nobody allowed this."""

    code = "permission_denied"


class StoreError(CaxtonError):
    """The store could not keep something."""

    code = "store"


class Closed(CaxtonError):
    """The runtime is closed."""

    code = "closed"


# Tracebacks name the errors as users import them.
for _error in [*globals().values()]:
    if isinstance(_error, type) and issubclass(_error, CaxtonError):
        _error.__module__ = "caxton"
