"""The command ``caxton``, which the package brings along."""

from __future__ import annotations

import signal
import sys

from caxton._caxton import run_command


def main() -> int:
    """Runs the command with the arguments of this program; its exit code."""
    # Ctrl-C is the command's own to handle: the interpreter would only make a note of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command(["caxton", *sys.argv[1:]])
