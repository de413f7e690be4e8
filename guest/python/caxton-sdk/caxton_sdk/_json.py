"""JSON as messages and stored data have it: of bounded depth, and in UTF-8."""

import json
import re
from typing import Any

MAX_DEPTH = 65
"""How many objects and arrays may lie in each other: the 64 of a content, and its message. Deeper
ones would exhaust the stack."""

_HALVES = re.compile("[\ud800-\udfff]")
_MARK = re.compile(r'["\[\]{}]')


def read_json(text: str) -> Any:
    """Reads JSON. Whole numbers of up to 4300 digits are read as they are.

    Raises:
        ValueError: If the text is no JSON, is too deep, or has a number that JSON does not.
    """
    _check_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from error


def write_json(value: Any) -> str:
    """Writes JSON. Half of a surrogate pair, which has no UTF-8, becomes U+FFFD.

    Raises:
        TypeError: If something in the value has no form in JSON.
        ValueError: If the value refers to itself, or has an infinity or a NaN.
    """
    return whole_pairs(
        json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    )


def whole_pairs(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which has no UTF-8."""
    return _HALVES.sub("\ufffd", text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it is no JSON: there is no {name}")


def _check_depth(text: str) -> None:
    # So few brackets cannot be too deep, wherever they are; most messages are read no further here.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    at = 0
    while mark := _MARK.search(text, at):
        at = mark.end()
        found = mark.group()
        if found == '"':
            at = _end_of_string(text, at)
        elif found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        else:
            depth -= 1


def _end_of_string(text: str, at: int) -> int:
    """Behind the closing quote of the string whose first character is at `at`; the text's end, if
    there is none."""
    while True:
        end = text.find('"', at)
        if end < 0:
            return len(text)
        backslashes = end - 1
        while backslashes >= at and text[backslashes] == "\\":
            backslashes -= 1
        at = end + 1
        if (end - 1 - backslashes) % 2 == 0:
            return at
