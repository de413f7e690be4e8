"""The shared cases of tests/hostile: modules and agents that mean harm, see the README there."""

from __future__ import annotations

import json
import threading
import time
from functools import cache
from typing import Any

import caxton
import pytest
from conftest import ROOT
from test_conformance import Run

FOLDER = ROOT / "tests" / "hostile"
HONEST = [f"honest-{n}" for n in range(10)]
# The deadline of each honest ask, and of closing where a case says nothing else, in seconds.
DEADLINE = 5
CLOSE = 10
DEPLOYMENT = {"limits", "content_limits", "compile_limits", "capabilities", "restart", "config"}
MODULE = {"module", "generate", "bytes"}
CASE = {"name", "deploy_error", "answers", "steps", "stats", "state", "logs", "close"}

CASES = json.loads((FOLDER / "cases.json").read_text())
HANDLER = '(func (export "handle_message") (param i32 i32) (result i32) (i32.const 7))'


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


@cache
def written() -> dict[str, list[str]]:
    """The modules of the folder, with the prelude in its place."""
    prelude = (FOLDER / "prelude.wat").read_text()
    return {
        path.stem: [path.read_text().replace(";; prelude", prelude, 1)]
        for path in (FOLDER / "modules").glob("*.wat")
    }


def modules(case: dict[str, Any]) -> dict[str, list[str]]:
    if "generate" not in case:
        return written()
    ((kind, count),) = case["generate"].items()
    return {**written(), "generated": [generate(kind, count)]}


def generate(kind: str, count: int) -> str:
    """A module that is too long to be kept as a file."""
    long = "x" * count
    match kind:
        case "functions":
            parts = "(func)" * count
        case "padding":
            parts = f";;{long}\n"
        case "long_export":
            parts = f'(func (export "{long}"))'
        case "long_import":
            parts = f'(import "caxton" "{long}" (func))'
        case "long_function_name":
            parts = f"(func ${long})"
        case "imports":
            parts = f'(import "caxton" "{"x" * 50_000}" (func))' * count
        case "bindgen_imports":
            parts = '(import "wbg" "f" (func))' * count
        case "blocks":
            parts = f"(func {'block ' * count} {'end ' * count})"
        case "loops_with_locals":
            adds = "".join(
                f"(local.set {at} (i32.add (local.get {at}) (i32.const 1)))" for at in range(count)
            )
            ends = "(br_if 0 (local.get 0)) end " * count
            parts = f"(func (local {'i32 ' * count}) {'loop ' * count} {adds} {ends})"
        case "empty_loops":
            parts = f"(func {'loop end ' * count})"
        case "loops_with_parameters":
            one = "i32.const 1 i32.const 2 loop (param i32 i32) drop drop end "
            parts = f"(func {one * count})"
        case "additions":
            parts = f"(func i32.const 0 {'i32.const 1 i32.add ' * count} drop)"
        case _:
            raise AssertionError(f"unknown module {kind}")
    return f'(module {parts} (memory (export "memory") 1) {HANDLER})'


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
