"""What a component exports for the world `agent` of agent.wit: componentize-py makes a component of
this module, around the `agent` in main.py. Nobody else imports it."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any, TypeVar

import main
import wit_world
from componentize_py_types import Err
from wit_world.imports import host as imported

from .agent import Agent
from .errors import HostError
from .host import LogLevel, attach

_Result = TypeVar("_Result")


def _agent_of(module: Any) -> Agent:
    agent = getattr(module, "agent", None)
    if not isinstance(agent, Agent):
        raise TypeError("main.py has to have an `agent`, an Agent of caxton_sdk")
    return agent


def _keep_source(file: str | None) -> None:
    """Has tracebacks show an agent's lines, also where its file is no longer there."""
    lines = linecache.getlines(file) if file else []
    if file and lines:
        # Without a time of change, it is not looked for again.
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


agent = _agent_of(main)
_keep_source(main.__file__)


class _Imported:
    """The functions that the component imports, with refusals as `HostError`."""

    def __getattr__(self, call: str) -> Callable[..., Any]:
        function = getattr(imported, call)

        def checked(*args: Any) -> Any:
            try:
                return function(*args)
            except Err as error:
                raise HostError(call, error.value.name.lower()) from None

        setattr(self, call, checked)
        return checked

    def log(self, level: LogLevel, line: str) -> None:
        imported.log(imported.Level[level.name], line)


_host = _Imported()


class WitWorld(wit_world.WitWorld):
    """The exports. An agent's file is run when it is built, where there is no host: so it is
    attached with the first call."""

    def __init__(self) -> None:
        attach(_host)

    def agent_init(self) -> int:
        return agent.agent_init()

    def handle_message(self, message: str) -> int:
        return agent.handle_message(message)

    def handle_timer(self, timer: int) -> int:
        return agent.handle_timer(timer)

    def get_capabilities(self) -> str:
        return agent.get_capabilities()

    def agent_shutdown(self) -> None:
        agent.agent_shutdown()
