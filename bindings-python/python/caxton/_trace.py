"""How a trace prints its lines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any

from caxton._describe import type_name
from caxton._errors import InvalidArgument

#: The columns of a line where there is no terminal.
WIDTH = 100


def style(
    file: Any, colour: bool | None, width: int | None
) -> tuple[Callable[[str], bool], bool, int]:
    """What writes a line and tells whether there may be more, whether in colour, and how wide."""
    file = sys.stdout if file is None else file
    if not callable(getattr(file, "write", None)):
        raise InvalidArgument(f"file is of type {type_name(file)}, expected one to write to")
    is_terminal = _is_terminal(file)
    if width is None:
        width = shutil.get_terminal_size((WIDTH, 24)).columns if is_terminal else WIDTH

    def write(line: str) -> bool:
        return _write(file, line + "\n")

    return write, is_terminal if colour is None else bool(colour), width


def _is_terminal(file: Any) -> bool:
    try:
        return bool(file.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def _write(file: Any, line: str) -> bool:
    try:
        try:
            file.write(line)
        except UnicodeEncodeError:
            encoding = file.encoding
            file.write(line.encode(encoding, "backslashreplace").decode(encoding))
        file.flush()
    except AttributeError:
        # Not every file has to be flushed.
        return not hasattr(file, "flush")
    except (OSError, ValueError):
        # Nobody reads any more, or the file is closed.
        return False
    return True
