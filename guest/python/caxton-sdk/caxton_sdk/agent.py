"""From the host's calls to an agent's handlers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ._json import write_json
from .errors import Answer, HostError, NotUnderstood
from .host import LogLevel, log
from .message import FipaMessage, MessageError, parse_message
from .replies import send_inform_response, send_reply, why_not_understood

_MessageHandler = TypeVar("_MessageHandler", bound=Callable[[FipaMessage], Any])
_TimerHandler = TypeVar("_TimerHandler", bound=Callable[[int], Any])
_PlainHandler = TypeVar("_PlainHandler", bound=Callable[[], Any])


class Agent:
    """An agent: what it can do, and the functions that handle what comes.

    A handler that raises `Failure`, `Refuse` or `NotUnderstood` answers with that; so does a
    `HostError`, with `failure`. What the handler did before is kept. With any other error the turn
    is dropped, nothing of it is kept, and the traceback is in the agent's log.
    Handlers are no coroutines: a turn ends when its handler returns.

    Args:
        capabilities: What `get_capabilities` says, as in the guide's AgentCapabilities: `version`,
            `performatives`, `services` (each with its `name`), …
    """

    def __init__(self, capabilities: Mapping[str, Any] | None = None) -> None:
        self._capabilities = {"services": [], **(capabilities or {})}
        self._actions: dict[str, Callable[[FipaMessage], Any]] = {}
        self._acts: dict[str, Callable[[FipaMessage], Any]] = {}
        self._init: Callable[[], Any] | None = None
        self._timer: Callable[[int], Any] | None = None
        self._shutdown: Callable[[], Any] | None = None

    def on_init(self, handler: _PlainHandler) -> _PlainHandler:
        """Called first, and again in a fresh instance after a turn was dropped. If it raises, the
        agent cannot start."""
        self._init = handler
        return handler

    def register_handler(self, action: str) -> Callable[[_MessageHandler], _MessageHandler]:
        """Handles requests whose content has this `action`. What the handler returns is sent as the
        result of an `inform`; with None it sends its answer itself, now or in a later turn."""

        _expect_text("register_handler", action)

        def register(handler: _MessageHandler) -> _MessageHandler:
            self._actions[action] = handler
            return handler

        return register

    def on_message(self, performative: str) -> Callable[[_MessageHandler], _MessageHandler]:
        """Handles messages of this act, and of requests those whose action has no handler. What it
        returns is sent as for `register_handler`, but never in answer to an `inform`, a `failure`
        or a `not-understood`."""

        _expect_text("on_message", performative)

        def register(handler: _MessageHandler) -> _MessageHandler:
            self._acts[performative] = handler
            return handler

        return register

    def on_timer(self, handler: _TimerHandler) -> _TimerHandler:
        """Called with the timer for each that is due. What it returns is ignored."""
        self._timer = handler
        return handler

    def on_shutdown(self, handler: _PlainHandler) -> _PlainHandler:
        """Called last."""
        self._shutdown = handler
        return handler

    # What the host calls; a component and the mock host do so.

    def agent_init(self) -> int:
        """`agent-init` of agent.wit."""
        init = self._init
        return _answer(init) if init else 0

    def handle_message(self, text: str) -> int:
        """`handle-message` of agent.wit."""
        try:
            message = parse_message(text)
        except MessageError as error:
            log(LogLevel.ERROR, f"the message cannot be read: {error}")
            return 1
        handler = self._handler_of(message)
        if handler is None:
            if message.ends_exchange:
                return 0
            handler = _not_understood
        return _answer(lambda: handler(message), message)

    def handle_timer(self, timer: int) -> int:
        """`handle-timer` of agent.wit."""
        handler = self._timer
        return _answer(lambda: handler(timer)) if handler else 0

    def get_capabilities(self) -> str:
        """`get-capabilities` of agent.wit."""
        return write_json(self._capabilities)

    def agent_shutdown(self) -> None:
        """`agent-shutdown` of agent.wit."""
        if self._shutdown:
            _answer(self._shutdown)

    def _handler_of(self, message: FipaMessage) -> Callable[[FipaMessage], Any] | None:
        if message.performative == "request" and message.action in self._actions:
            return self._actions[message.action]
        return self._acts.get(message.performative)


def _expect_text(decorator: str, name: str) -> None:
    """A decorator without its brackets is given the function itself."""
    if not isinstance(name, str):
        raise TypeError(f'what is handled is named by a text: @agent.{decorator}("…")')


def _not_understood(message: FipaMessage) -> None:
    raise NotUnderstood(why_not_understood(message))


def _answer(handler: Callable[[], Any], message: FipaMessage | None = None) -> int:
    """Calls a handler, and answers the message with what it returns or raises; the code for the
    host. Errors that are no answers go on to the host, which drops the turn."""
    asked = message if message is not None and not message.ends_exchange else None
    try:
        result = handler()
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError("a handler may not be a coroutine: the turn ends when it returns")
        if asked is not None and result is not None:
            send_inform_response(asked, result)
        return 0
    except (Answer, HostError) as error:
        # Which call it was is for the log alone.
        if asked is None or isinstance(error, HostError):
            log(LogLevel.ERROR, f"{type(error).__name__}: {error}")
        if asked is not None:
            _send_error(asked, error)
        return 1


def _send_error(asked: FipaMessage, error: Answer | HostError) -> None:
    act = error.performative if isinstance(error, Answer) else "failure"
    try:
        send_reply(asked, act, {"error": error.text})
    except HostError as unsent:
        whom = asked.answer_to or "nobody"
        log(LogLevel.ERROR, f"the answer {act} to {whom} was not sent: {unsent.text}")
