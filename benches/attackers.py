"""Attackers beside honest agents: the shared cases of tests/hostile, held to what is promised.

A process of its own for each case, so that its memory is that of the case: `attackers.py CASE`
prints figures as JSON, and `attackers.py` alone runs all of them and prints the table.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from table import Row, print_table

BENCHES = Path(__file__).resolve().parent
TESTS = BENCHES.parent / "bindings-python/tests"
CASES = BENCHES.parent / "tests/hostile/beside.json"
#: As many are measured in a round as in the tests, times this.
MORE = 2


def beside_rows(rounds: int) -> list[Row]:
    """For each case: how long honest agents wait, and the host's memory."""
    rows = []
    for case in json.loads(CASES.read_text()):
        name = case["name"]
        runs = [run_apart(name) for _ in range(rounds)]
        for at in runs[0]["promised"]:
            waited = [run["waited"][at] for run in runs]
            # The promise may be a multiple of the figure alone, in the same round.
            exceeding = max(runs, key=lambda run, at=at: run["waited"][at] / run["promised"][at])
            spread = (min(waited), max(waited))
            waits, target = exceeding["waited"][at], exceeding["promised"][at]
            rows.append(Row(f"{name}, {at}", waits, unit="ms", target=target, spread=spread))
        if runs[0]["start"]:
            more = [run["most"] - run["own"] for run in runs]
            target = 1.2 * min(run["start"] for run in runs) + runs[0]["allowed"]
            rows.append(row("  memory of the host", more, "MiB", target))
        if runs[0]["end"]:
            left = [run["end"] for run in runs]
            rows.append(row("  when they are gone", left, "MiB", min(run["back"] for run in runs)))
        if case.get("stays"):
            rows.append(row("  close", [run["closed"] for run in runs], "s", case["close"]))
    return rows


def row(name: str, figures: list[float], unit: str, target: float) -> Row:
    """A promise is kept in each round, or it is not."""
    return Row(name, max(figures), unit=unit, target=target, spread=(min(figures), max(figures)))


def run_apart(name: str) -> dict[str, Any]:
    return json.loads(subprocess.check_output([sys.executable, __file__, name]))


def run_here(name: str) -> dict[str, Any]:
    sys.path.append(str(TESTS))
    import beside

    case = next(case for case in beside.CASES if case["name"] == name)
    count = case.get("attackers", {}).get("bench")
    # Stores are on a disk, not in memory: beside this file, not where temporary files are.
    (BENCHES / ".peers").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=BENCHES / ".peers") as folder:
        figures = beside.run(case, Path(folder), count=count, more=MORE)
    assert not figures.left, f"the host keeps something for {figures.left}"
    waits = list(figures.against(case["promise"]))
    return {
        "waited": {at: waited for at, waited, _, _ in waits},
        "promised": {at: promised for at, _, _, promised in waits},
        "start": figures.start,
        "most": figures.most,
        "own": figures.own,
        "allowed": figures.allowed,
        "end": figures.end,
        "back": figures.back,
        "closed": figures.closed,
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(run_here(sys.argv[1])), flush=True)
    else:
        print_table(beside_rows(1), {})
