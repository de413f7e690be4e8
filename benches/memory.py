"""Deploys agents that trap, and removes them; stores small keys.

`memory.py ROUNDS` prints what stays as JSON.
"""

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

#: Keys of 8 bytes with values of 4, stored by one agent, so many in each of its turns. Its code
#: says that it is done: a call does not wait for an answer then.
KEYS, KEYS_A_TURN = 500_000, 10_000
STORING = f"""(module
    (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (global $next (mut i64) (i64.const 1))
    (func (export "handle_message") (param i32 i32) (result i32) (local $left i32)
        (local.set $left (i32.const {KEYS_A_TURN}))
        (loop $again
            (i64.store (i32.const 0) (i64.mul (global.get $next) (i64.const 0x9e3779b97f4a7c15)))
            (if (call $store (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 4))
                (then unreachable))
            (global.set $next (i64.add (global.get $next) (i64.const 1)))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (i32.const 1)))"""


def main() -> None:
    rounds = int(sys.argv[1])
    with caxton.Runtime() as rt:
        begin_and_end(rt, WARM_UP)
        before = resident_kb()
        begin_and_end(rt, rounds)
        after = resident_kb()
    grown = None if before is None or after is None else (after - before) / before * 100
    figures = {"before_kb": before, "after_kb": after, "grown_percent": grown}
    print(json.dumps(figures | {"bytes_a_key": bytes_a_key()}))


def bytes_a_key() -> float | None:
    limits = caxton.Limits(
        max_host_calls=None,
        max_turn_work=None,
        max_storage_bytes=1 << 30,
        max_execution_time_micros=None,
    )
    with caxton.Runtime(workers=1) as rt:
        agent = rt.deploy(STORING, name="a", limits=limits)
        # The first turn pays for the record's room.
        rt.ask(ASK)
        before = resident_kb()
        for _ in range(KEYS // KEYS_A_TURN):
            rt.ask(ASK)
        after = resident_kb()
        assert agent.stats()["stored_bytes"] == (KEYS + KEYS_A_TURN) * (8 + 4 + 96)
    return None if before is None or after is None else (after - before) * 1024 / KEYS


def begin_and_end(rt: caxton.Runtime, rounds: int) -> None:
    for _ in range(rounds):
        agent = rt.deploy(TRAPPING, name="a")
        assert rt.ask(ASK).performative == "failure"
        agent.remove()
    gc.collect()


if __name__ == "__main__":
    main()
