"""Deploys many agents in a fresh process: `density.py MODULE COUNT` prints the figures as JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

import caxton

STATUS = {"action": "get_status"}


def main() -> None:
    wasm, count = Path(sys.argv[1]), int(sys.argv[2])
    figures = {}
    with caxton.Runtime() as rt:
        # The first one pays for compiling, and for the pools.
        rt.deploy(wasm, name="first")
        names = [f"agent-{i}" for i in range(count)]
        before = resident_kb()
        began = time.perf_counter()
        agents = rt.deploy_many(wasm, names)
        figures["seconds"] = time.perf_counter() - began
        idle = resident_kb()

        for start in range(0, count, 500):
            asked = [
                {"performative": "request", "receiver": name, "content": STATUS}
                for name in names[start : start + 500]
            ]
            answers = rt.ask_many(asked)
            assert all(answer.content["result"]["handled"] == 1 for answer in answers)
        del asked, answers
        gc.collect()
        used = resident_kb()
        if before is not None and idle is not None and used is not None:
            figures["idle_kb"] = (idle - before) / count
            figures["used_kb"] = (used - before) / count
        assert len(agents) == count
    print(json.dumps(figures))


def resident_kb() -> float | None:
    """What the process has in memory, where the system says so. A page that many agents share, of
    their module's data for one, counts once."""
    rollup = Path("/proc/self/smaps_rollup")
    if not rollup.exists():
        return None
    line = next(line for line in rollup.read_text().splitlines() if line.startswith("Pss:"))
    return float(line.split()[1])


if __name__ == "__main__":
    main()
