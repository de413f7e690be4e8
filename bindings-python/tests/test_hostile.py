"""The shared cases of tests/hostile: modules and agents that mean harm, see the README there."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import beside
import caxton
import pytest
from hostile_modules import FOLDER, modules
from test_conformance import Run

HONEST = [f"honest-{n}" for n in range(10)]
# The deadline of each honest ask, and of closing where a case says nothing else, in seconds.
DEADLINE = 5
CLOSE = 10
# How often a promise may be exceeded here: the benchmarks hold it to the letter.
PATIENCE = 10
DEPLOYMENT = {"limits", "content_limits", "compile_limits", "capabilities", "restart", "config"}
MODULE = {"module", "generate", "bytes"}
CASE = {"name", "deploy_error", "answers", "steps", "stats", "state", "logs", "close"}

CASES = json.loads((FOLDER / "cases.json").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    """Runs one case in a runtime of its own."""
    unknown = case.keys() - CASE - MODULE - DEPLOYMENT
    assert not unknown, f"unknown keys: {unknown}"
    rt = caxton.Runtime(workers=2)
    try:
        rt.deploy_many(FOLDER / "honest.wat", HONEST)
        asker = Asker(rt)
        try:
            Run(rt, {}, {"modules": modules(case)}, None).steps(steps(case))
        finally:
            asker.stop()
        assert not asker.failures
        for name in HONEST:
            ask_honest(rt, name)
    finally:
        timeout = case.get("close", CLOSE)
        begun = time.monotonic()
        rt.close(timeout=timeout)
        took = time.monotonic() - begun
    assert took < timeout + DEADLINE


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in beside.CASES])
def test_beside(case: dict[str, Any], tmp_path: Path) -> None:
    """Runs one case with attackers beside honest agents."""
    # A machine that others hold up is looked at again: an attack that works does so each time.
    figures = beside.run(case, tmp_path, patience=PATIENCE, tries=3)
    assert not list(figures.exceeding(case["promise"], PATIENCE))
    if figures.start:
        most = 1.2 * figures.start + figures.own + figures.allowed + beside.SLACK
        assert figures.most <= most
        assert figures.end is None or figures.end <= figures.back + beside.CACHED
    assert not figures.left
    assert figures.closed < case.get("close", CLOSE) + DEADLINE


class Asker(threading.Thread):
    """Asks the honest agents in turn until it is stopped."""

    def __init__(self, rt: caxton.Runtime) -> None:
        super().__init__(daemon=True)
        self.rt = rt
        self.done = threading.Event()
        self.failures: list[str] = []
        self.start()

    def run(self) -> None:
        while not self.done.is_set():
            for name in HONEST:
                try:
                    ask_honest(self.rt, name)
                except (AssertionError, caxton.CaxtonError) as error:
                    self.failures.append(f"{name}: {error!r}")

    def stop(self) -> None:
        self.done.set()
        self.join(60)
        assert not self.is_alive(), "an honest ask hangs"


def ask_honest(rt: caxton.Runtime, name: str) -> None:
    message = {"performative": "request", "receiver": name, "reply_with": "honest"}
    reply = rt.ask(message, timeout=DEADLINE)
    assert (reply.sender, reply.content) == (name, "honest")


def steps(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The case as steps of the conformance cases: its short forms are written out."""
    name = case["name"]
    steps: list[dict[str, Any]] = []
    if case.keys() & MODULE:
        module = f"bytes:{case['bytes']}" if "bytes" in case else case.get("module", "generated")
        options = {key: case[key] for key in case.keys() & DEPLOYMENT}
        step: dict[str, Any] = {"deploy": {"name": name, "module": module, **options}}
        if "deploy_error" in case:
            step["error"] = case["deploy_error"]
        steps.append(step)
    ask = {"performative": "request", "receiver": name, "reply_with": "r1"}
    steps += [{"ask": ask, "expect": expected} for expected in case.get("answers", [])]
    steps += case.get("steps", [])
    for key in ("stats", "state", "logs"):
        if key in case:
            steps.append({key: name, "expect": case[key], "eventually": True})
    return steps
