"""What every test shares: real agents, and runtimes that are closed again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import caxton
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "tests" / "agents" / "build"

#: An agent that loops for ever when it gets a message.
SPINNER = """(module
  (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32)
    (loop $again (br $again)) (i32.const 0)))"""

#: An agent that takes messages and says nothing.
SILENT = """(module
  (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""

#: An agent that sleeps for ten seconds when it gets a message.
SLEEPER = """(module
  (import "caxton" "sleep_micros" (func $sleep (param i64)))
  (memory (export "memory") 1)
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $sleep (i64.const 10000000)) (i32.const 0)))"""

# A shell that starts a job in the background has it ignore Ctrl-C, and so would the scripts here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

UPPERCASE = {"action": "process_data", "data": {"operation": "uppercase", "data": "hello"}}


def built(name: str) -> Path:
    """The path of a built agent."""
    path = BUILT / f"{name}.wasm"
    assert path.exists(), f"{path.name} is not built; run tests/agents/build.sh"
    return path


def until(condition: Callable[[], object]) -> None:
    """Waits for what nothing signals."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def rt() -> Iterator[caxton.Runtime]:
    """A blocking runtime."""
    with caxton.Runtime() as runtime:
        yield runtime
