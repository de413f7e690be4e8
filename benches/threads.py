"""Python threads that ask one agent: as they come, and one after the other behind a lock.

Who takes a lock again at once keeps the others out, so there the slowest calls take very long. A
process of its own, whose processor time is measured too: prints microseconds a call as JSON.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import caxton

AGENT = Path(__file__).resolve().parent.parent / "tests/agents/build/rust.wasm"
CONTENT = {"action": "process_data", "data": {"data": "Hello, World!", "operation": "uppercase"}}
#: Calls of all threads together in a round.
CALLS = 8_000


def main() -> None:
    rounds = int(sys.argv[1])
    figures: dict[str, list[float]] = {}
    limits = caxton.Limits(max_messages_per_second=None)
    with caxton.Runtime() as rt:
        agent = rt.deploy(AGENT, limits=limits)
        for number in range(-1, rounds):
            for count in (4, 40):
                for way, lock in (("free", contextlib.nullcontext()), ("lock", threading.Lock())):
                    for what, figure in ask(agent, count, lock).items():
                        # The first round warms up.
                        if number >= 0:
                            figures.setdefault(f"{count} {way} {what}", []).append(figure)
    print(json.dumps(figures))


def ask(agent: caxton.Agent, count: int, lock: AbstractContextManager[object]) -> dict[str, float]:
    """Wall and processor time a call, and how long the middle and the slowest calls took."""
    calls = CALLS // count
    taken: list[list[float]] = [[] for _ in range(count)]
    begins = threading.Barrier(count + 1)

    def work(own: list[float]) -> None:
        begins.wait()
        for _ in range(calls):
            began = time.perf_counter()
            with lock:
                agent.request(CONTENT)
            own.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=(own,)) for own in taken]
    for thread in threads:
        thread.start()
    begins.wait()
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ordered = sorted(one for own in taken for one in own)
    middle, slowest = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    figures = {
        "wall": wall / len(ordered),
        "cpu": cpu / len(ordered),
        "p50": middle,
        "p99": slowest,
    }
    return {what: figure * 1e6 for what, figure in figures.items()}


if __name__ == "__main__":
    main()
