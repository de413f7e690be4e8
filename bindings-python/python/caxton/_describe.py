"""Texts of what a program's own code made or raised.

Its methods run while it is described, and may raise whatever they like: nothing here does.
"""

from __future__ import annotations

from collections.abc import Callable

#: A type's own name, whatever its metaclass says of that.
_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__


def type_name(value: object) -> str:
    """The name of an object's type."""
    return _readable(_name_of(type(value)))


def text_of(error: BaseException) -> str:
    """The text of an exception; empty if it has none."""
    try:
        return _readable(str(error))
    except BaseException as wrong:  # Describing one message's error must not end the thread.
        return f"(no text: describing it raised {type_name(wrong)})"


def describe(error: BaseException) -> str:
    """An exception in one sentence."""
    text = text_of(error)
    return f"{type_name(error)}: {text}" if text else type_name(error)


def _readable(text: str) -> str:
    """A text that is UTF-8, by the methods of `str` and not by those of a class of its own."""
    return str.encode(text, "utf-8", "backslashreplace").decode()
