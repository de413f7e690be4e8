"""Contract nets that a function of the program decides: call, choose, award."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from caxton._caxton import Answer, Outcome, Tender
from caxton._describe import type_name
from caxton._errors import InvalidArgument
from caxton._serve import is_async


@dataclass(frozen=True)
class CallAgain:
    """What a ``choose`` function of an iterated contract net returns for another round.

    ``task`` is what is offered then. ``to`` are those that are called again, as ``Answer`` objects
    or names; ``None`` is all that have proposed. The proposals of the others are rejected.
    """

    __module__ = "caxton"

    task: Any
    to: Iterable[Answer | str] | None = None


#: What a ``choose`` function returns: whom to accept.
Accepted: TypeAlias = Answer | str | Iterable[Answer | str] | None


def check_plain(choose: Callable[..., object]) -> None:
    """Refuses a function that would have to be awaited."""
    if is_async(choose):
        raise InvalidArgument("choose is an async function: only AsyncRuntime awaits it")


def decide(tender: Tender, choose: Callable[..., Any], rounds: int | None) -> Outcome:
    """Has ``choose`` decide, on this thread. ``rounds`` is ``None`` where there is only one."""
    try:
        while True:
            chosen = choose(*_asked(tender, rounds))
            if inspect.isawaitable(chosen):
                getattr(chosen, "close", lambda: None)()
                check_plain(_awaited)
            if isinstance(chosen, CallAgain):
                tender = tender.call_again(*_again(tender, chosen, rounds))
            else:
                outcome: Outcome = tender.award(_names(chosen))
                return outcome
    finally:
        # What is not decided upon is cancelled; a traceback would keep it otherwise.
        tender.close()


async def decide_async(
    call: Awaitable[Tender], choose: Callable[..., Any], rounds: int | None
) -> Outcome:
    """The same on an event loop, where ``choose`` may be awaited."""
    tender = await call
    try:
        while True:
            chosen = choose(*_asked(tender, rounds))
            if inspect.isawaitable(chosen):
                chosen = await chosen
            if isinstance(chosen, CallAgain):
                tender = await tender.call_again(*_again(tender, chosen, rounds))
            else:
                outcome: Outcome = await tender.award(_names(chosen))
                return outcome
    finally:
        tender.close()


async def _awaited() -> None: ...


def _asked(tender: Tender, rounds: int | None) -> tuple[Any, ...]:
    proposals = tender.proposals()
    return (proposals,) if rounds is None else (proposals, tender.rounds())


def _again(tender: Tender, chosen: CallAgain, rounds: int | None) -> tuple[Any, list[str]]:
    if rounds is not None and tender.rounds() >= rounds:
        raise InvalidArgument(
            f"choose calls again after round {tender.rounds()}, expected at most {rounds} rounds"
        )
    if chosen.to is None:
        return chosen.task, [answer.agent for answer in tender.proposals()]
    return chosen.task, _names(chosen.to)


def _names(chosen: Accepted) -> list[str]:
    if chosen is None:
        return []
    if isinstance(chosen, (Answer, str)):
        return [_name(chosen)]
    try:
        return [_name(one) for one in chosen]
    except TypeError:
        raise InvalidArgument(
            f"choose returned an object of type {type_name(chosen)}, "
            "expected an Answer, a name, a list of them, or None"
        ) from None


def _name(chosen: Answer | str) -> str:
    if isinstance(chosen, Answer):
        return chosen.agent
    if isinstance(chosen, str):
        return chosen
    raise InvalidArgument(
        f"choose returned an object of type {type_name(chosen)}, expected an Answer or a name"
    )
