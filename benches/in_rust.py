"""The core beside wasmtime alone, measured in Rust: rows, instruction counts, curves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from table import Row, Samples, versus

ROOT = Path(__file__).resolve().parent.parent
#: Rows whose instructions are counted, with what they are set against, and how many are done:
#: under valgrind there is room for few agents.
COUNTED = [
    ("agent to agent, a hop", "hop", "hop_floor", 20_000),
    ("turn of the parsing agent, Rust ask", "rust_ask", "turn_floor", 2_000),
    ("deploy of a module already compiled", "deploy", "deploy_floor", 8),
]


def program() -> Path:
    """The measuring program, where `make bench` has built it."""
    metadata = ["cargo", "metadata", "--format-version=1", "--no-deps"]
    target = json.loads(subprocess.check_output(metadata, cwd=ROOT))["target_directory"]
    return Path(target) / "release/caxton-benches"


def rust_samples(agent: Path, rounds: int) -> Samples:
    run = [str(program()), "rows", str(agent), str(rounds)]
    return json.loads(subprocess.check_output(run))


def rust_rows(samples: Samples) -> list[Row]:
    floor, hop = "wasmtime alone", "agent to agent, one core, a hop"
    return [
        versus(hop, samples, "hop", "hop_floor", floor, 1.5),
        versus("  on two cores", samples, "hop_two_workers", "hop", "one core", 1 / 1.8),
        versus("Rust ask, a turn that parses", samples, "rust_ask", "turn_floor", floor, 1.3),
        versus("deploy, module compiled already", samples, "deploy", "deploy_floor", floor, 2),
    ]


def curves(agent: Path) -> dict[str, Any]:
    """Figures by the number of agents, the size of messages and modules, and the cores."""
    return json.loads(subprocess.check_output([str(program()), "curves", str(agent)]))


def instruction_counts(agent: Path) -> dict[str, list[int]] | None:
    """Instructions for each of a row, and for its floor; nothing where there is no valgrind."""
    if shutil.which("valgrind") is None:
        return None
    with TemporaryDirectory() as folder:
        # It seems another processor there: what is compiled for it is not kept for others.
        instructions = partial(counted, agent, Path(folder))

        def least(row: str, times: int) -> int:
            # Threads that wait go round while they do, and only add to it.
            return min(instructions(row, times) for _ in range(3))

        def each(row: str, times: int) -> int:
            # The first compiles.
            instructions(row, 1)
            return (least(row, 3 * times) - least(row, times)) // (2 * times)

        return {name: [each(row, n), each(floor, n)] for name, row, floor, n in COUNTED}


def counted(agent: Path, folder: Path, row: str, times: int) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--smc-check=all-non-file"]
    valgrind.append(f"--callgrind-out-file={folder}/out")
    run = [*valgrind, str(program()), "count", row, str(agent), str(times)]
    environment = {**os.environ, "CAXTON_CACHE_DIR": f"{folder}/cache"}
    done = subprocess.run(run, check=True, env=environment, text=True, stderr=subprocess.PIPE)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])
