"""Deploys agents that trap, and removes them: `memory.py ROUNDS` prints what stays as JSON."""

from __future__ import annotations

import gc
import json
import sys

import caxton
from density import resident_kb

#: Rounds before the first look: pools and heaps have their size then.
WARM_UP = 500
TRAPPING = """(module (memory (export "memory") 16)
    (func (export "handle_message") (param i32 i32) (result i32)
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 1000000)) unreachable))"""
ASK = {"performative": "request", "receiver": "a", "content": 1}


def main() -> None:
    rounds = int(sys.argv[1])
    with caxton.Runtime() as rt:
        begin_and_end(rt, WARM_UP)
        before = resident_kb()
        begin_and_end(rt, rounds)
        after = resident_kb()
    grown = None if before is None or after is None else (after - before) / before * 100
    print(json.dumps({"before_kb": before, "after_kb": after, "grown_percent": grown}))


def begin_and_end(rt: caxton.Runtime, rounds: int) -> None:
    for _ in range(rounds):
        agent = rt.deploy(TRAPPING, name="a")
        assert rt.ask(ASK).performative == "failure"
        agent.remove()
    gc.collect()


if __name__ == "__main__":
    main()
