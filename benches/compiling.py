"""Reading a large module, and deploying what is compiled already while others are compiled.

A process of its own, since what is being compiled goes on to its end: prints figures as JSON.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator

import caxton

MODULE_BYTES = 14_000_000
BOMBS = 5
#: Deploys of which each figure is the mean.
DEPLOYED = 50
CACHED = """(module (memory (export "memory") 1)
    (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""
LIFTED = caxton.CompileLimits(
    max_compile_function_millis=None, max_compile_function_bytes=None, max_compile_millis=None
)


def main() -> None:
    rounds = int(sys.argv[1])
    module = large_module(MODULE_BYTES)
    inspected = [millis(lambda: caxton.inspect(module)) for _ in range(rounds)]
    with caxton.Runtime() as rt:
        rt.deploy(CACHED, name="kept")
        alone = [deploy_micros(rt) for _ in range(rounds)]
        for number in range(BOMBS):
            threading.Thread(target=give_up, args=(rt, bomb(number)), daemon=True).start()
        # Until they have been read, and the first of them is being compiled.
        time.sleep(1)
        beside = [deploy_micros(rt) for _ in range(rounds)]
        began = time.perf_counter()
        rt.close(timeout=2)
        closed = (time.perf_counter() - began) * 1_000
    figures = {"alone": alone, "beside": beside, "inspect": inspected, "close": closed}
    print(json.dumps(figures))


def give_up(rt: caxton.Runtime, module: str) -> None:
    with contextlib.suppress(caxton.Closed):
        rt.deploy(module, compile_limits=LIFTED)


def deploy_micros(rt: caxton.Runtime) -> float:
    taken = []
    for _ in range(DEPLOYED):
        began = time.perf_counter_ns()
        agent = rt.deploy(CACHED)
        taken.append(time.perf_counter_ns() - began)
        agent.remove()
    return statistics.mean(taken) / 1_000


def millis(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


def bomb(number: int) -> str:
    """Loops inside one another, which all read and write all locals: it takes minutes."""
    count = 600 + number
    loops, ends = "loop " * count, "(br_if 0 (local.get 0)) end " * count
    adds = "".join(
        f"(local.set {at} (i32.add (local.get {at}) (i32.const 1)))" for at in range(1, count + 1)
    )
    return f"""(module (memory (export "memory") 1)
        (func (param i32) (local {"i32 " * count}) {loops} {adds} {ends})
        (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""


def large_module(size: int) -> bytes:
    """An agent of so many bytes of code, as ordinary as code is."""
    step = bytes.fromhex(
        # Loads, adds, compares, and stores if that is so.
        "2000 280208 2001 6a 2202 410a 4a 0440 2000 2002 360204 0b 2002 4101 6b 2101"
    )
    body = b"\x01\x01\x7f" + step * 40 + b"\x41\x00\x0b"
    count = size // len(body)
    bodies = b"".join(leb(len(body)) + body for _ in range(count))
    exports = name("memory") + b"\x02\x00" + name("handle_message") + b"\x00\x00"
    sections = [
        (1, b"\x01\x60\x02\x7f\x7f\x01\x7f"),
        (3, leb(count) + b"\x00" * count),
        (5, b"\x01\x00\x01"),
        (7, b"\x02" + exports),
        (10, leb(count) + bodies),
    ]
    return b"\0asm\x01\0\0\0" + b"".join(bytes([i]) + leb(len(s)) + s for i, s in sections)


def name(text: str) -> bytes:
    return leb(len(text)) + text.encode()


def leb(number: int) -> bytes:
    def digits(left: int) -> Iterator[int]:
        while left > 0x7F:
            yield left & 0x7F | 0x80
            left >>= 7
        yield left

    return bytes(digits(number))


if __name__ == "__main__":
    main()
