"""Runs a case of tests/hostile/beside.json: many that mean harm beside honest agents.

The tests hold its figures to ten times what is promised, the benchmarks to the promise itself.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import caxton
from conftest import ROOT
from hostile_modules import generate, modules
from test_conformance import Run, check_error

CASES: list[dict[str, Any]] = json.loads((ROOT / "tests" / "hostile" / "beside.json").read_text())
CASE = {
    *("name", "runtime", "before", "attackers", "start", "deploys", "pause", "promise"),
    *("memory", "until", "kept", "stays", "close"),
}
#: Agents that are measured, with the messages, rings or deployments that are.
MEASURED = {"short": 200, "long": 12, "timer": 50, "durable": 40, "deploy": 50}
#: Rounds of a loop by which the machine's pace is found.
TRIAL = 50_000_000
#: The longest that attackers take to begin, and memory to come back, in seconds.
BEGINS, COMES_BACK = 60, 2
#: Attackers that are removed at the same time, each on a thread, which takes memory too.
REMOVE = 16
#: Memory that the process may have besides in the tests, in MiB.
SLACK = 32
#: Memory that the allocator may keep when attackers are gone, of what other threads have freed.
CACHED = 128
MIB = 1 << 20
NUMBERS = itertools.count(time.time_ns())


@dataclass
class Figures:
    """The result of a case: milliseconds in order, memory in MiB."""

    alone: dict[str, list[float]]
    beside: dict[str, list[float]]
    #: Memory of the process before the attackers came, the most with them, and when they were gone.
    start: float
    most: float = 0
    end: float | None = None
    #: What it is to come back to.
    back: float = 0
    #: The attackers' own: their memory and what they have stored.
    own: float = 0
    #: What the host may have for all of them.
    allowed: float = 0
    #: Seconds that closing took.
    closed: float = 0
    #: Attackers for whom the host keeps something when they are gone.
    left: dict[str, int] = field(default_factory=dict)

    def against(self, promise: dict[str, Any]) -> Iterator[tuple[str, float, float, float]]:
        """Name, milliseconds beside the attackers and alone, and the promise."""
        for kind, promises in promise.items():
            for at, promised in promises.items():
                alone, beside = (
                    percentile(it[kind], int(at.removeprefix("p")))
                    for it in (self.alone, self.beside)
                )
                yield f"{kind} {at}", beside, alone, millis_promised(promised, alone)

    def exceeding(self, promise: dict[str, Any], patience: float) -> Iterator[str]:
        """The promises that are not kept."""
        for name, millis, alone, promised in self.against(promise):
            bound = patience * max(promised, alone)
            if millis > bound:
                yield f"{name} is {millis:.2f} ms, and {bound:.2f} at most"


def run(
    case: dict[str, Any],
    folder: Path,
    *,
    count: int | None = None,
    more: int = 1,
    patience: float = 1,
    tries: int = 1,
) -> Figures:
    """Runs a case in a runtime of its own, with ``count`` attackers, and measures ``more`` times.

    Where that exceeds the promise more than ``patience`` times, it is measured again: ``tries``
    times in all.
    """
    unknown = case.keys() - CASE
    assert not unknown, f"unknown keys: {unknown}"
    options = dict(case.get("runtime", {}))
    if options.pop("store", False):
        options["store"] = folder / "agents.db"
    rt = caxton.Runtime(workers=2, **options)
    closed = 0.0
    try:
        figures = Stage(rt, case, count, more).run(patience, tries)
    finally:
        began = time.monotonic()
        rt.close(timeout=case.get("close", 10))
        closed = time.monotonic() - began
    figures.closed = closed
    return figures


@dataclass
class Stage:
    """One case on its way."""

    rt: caxton.Runtime
    case: dict[str, Any]
    count: int | None
    more: int
    most: float = 0

    def run(self, patience: float, tries: int) -> Figures:
        case, promise = self.case, self.case["promise"]
        for kind in promise:
            self.deploy_honest(kind)
        self.steps(case.get("before", []))
        # Python's own memory for what the attackers are given, and the compiler's code, count as
        # there before.
        deployed = self.attackers()
        if "deploys" in case:
            self.deploy_once(self.module_to_deploy())
        alone = self.measure(promise)
        start = self.most = resident()
        attackers = self.attack(deployed)
        done = work(attackers)
        figures = Figures(alone, {}, start)
        with self.deploying():
            for _ in range(tries):
                figures.beside = self.measure(promise)
                if not list(figures.exceeding(promise, patience)):
                    break
        figures.most = self.most
        # A flood may have to wait for the disk.
        end = time.monotonic() + BEGINS
        while attackers and work(attackers) == done:
            assert time.monotonic() < end, "they attack no longer"
        figures.own = sum(own_memory(attacker) for attacker in attackers)
        figures.allowed = case.get("memory", 64 * len(attackers))
        if not case.get("stays"):
            # Many at once: each waits for its turn to end.
            with ThreadPoolExecutor(min(len(attackers), REMOVE) or 1) as pool:
                list(pool.map(caxton.Agent.remove, attackers))
            kept = {attacker.name: attacker.stats()["host_bytes"] for attacker in attackers}
            figures.left = {name: left for name, left in kept.items() if left}
            # A handle keeps the log of its agent.
            attackers.clear()
            figures.back = 1.1 * start + case.get("kept", 0)
            end = time.monotonic() + COMES_BACK
            while (left := resident()) > figures.back and time.monotonic() < end:
                # A thread's freed memory goes back when it has something to do.
                self.measure({kind: {} for kind in ("short", "durable") if kind in promise})
            figures.end = left
        return figures

    def steps(self, steps: list[dict[str, Any]]) -> None:
        Run(self.rt, {}, {"modules": modules(self.case)}, None).steps(steps)

    def deploy_honest(self, kind: str) -> None:
        module, micros = {
            "short": ("works", 50),
            "long": ("works", 2000),
            "timer": ("says-when-it-rings", 0),
            "durable": ("stores-and-answers", 0),
            # It keeps the module compiled.
            "deploy": ("takes-everything", 0),
        }[kind]
        limits = caxton.Limits(max_messages_per_second=None)
        self.rt.deploy(module_named(module), kind, limits=limits, config=rounds(micros))

    def attackers(self) -> dict[str, Any] | None:
        """The attackers as they are to be deployed, if there are any."""
        if "attackers" not in self.case:
            return None
        deploy = dict(self.case["attackers"])
        usual = deploy.pop("count")
        deploy.pop("bench", None)
        count = self.count or usual
        deploy["names"] = [f"attacker-{n}" for n in range(count)]
        deployed: dict[str, Any] = worked_out(deploy, count)
        return deployed

    def attack(self, deployed: dict[str, Any] | None) -> list[caxton.Agent]:
        """Deploys the attackers, and waits until all are at it."""
        if deployed is None:
            return []
        names = deployed["names"]
        self.steps([{"deploy_many": deployed}])
        found = {agent.name: agent for agent in self.rt.agents()}
        attackers = [found[name] for name in names]
        if "start" in self.case:
            for name in names:
                self.rt.send({**self.case["start"], "receiver": name})
        end = time.monotonic() + BEGINS
        while not all(self.is_at_it(attacker) for attacker in attackers):
            assert time.monotonic() < end, "they do not attack"
        return attackers

    def is_at_it(self, agent: caxton.Agent) -> bool:
        """True if an attacker has got as far as the case says, or has begun."""
        stats: dict[str, Any] = dict(agent.stats())
        if "until" in self.case:
            return all(stats[name] >= least for name, least in self.case["until"].items())
        turns: int = stats["timers"] + stats["messages_in"] + stats["dropped_turns"]
        return turns > 2 or int(stats["cpu_micros"]) > 1000

    @contextlib.contextmanager
    def deploying(self) -> Iterator[None]:
        """Threads that each deploy a module again and again, always another one to the compiler."""
        if "deploys" not in self.case:
            yield
            return
        stop = threading.Event()
        failures: list[BaseException] = []

        def deploy() -> None:
            try:
                while not stop.is_set():
                    self.deploy_once(self.module_to_deploy())
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=deploy) for _ in range(self.case["deploys"]["count"])]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        for failure in failures:
            raise failure

    def module_to_deploy(self) -> str:
        """Returns a module that nobody has compiled yet."""
        ((kind, count),) = self.case["deploys"]["generate"].items()
        text = generate(kind, count).removesuffix(")")
        return f"{text} (global i64 (i64.const {next(NUMBERS)})))"

    def deploy_once(self, module: str) -> None:
        wanted = self.case["deploys"].get("error")
        try:
            agent = self.rt.deploy(module)
        except caxton.CaxtonError as error:
            if wanted is None:
                raise
            check_error(error, wanted)
            return
        assert wanted is None, f"{agent.name} was deployed"
        agent.remove()

    def measure(self, promise: dict[str, Any]) -> dict[str, list[float]]:
        ways: dict[str, Callable[[int], list[float]]] = {
            "short": lambda count: self.answers("short", count),
            "long": lambda count: self.answers("long", count),
            "timer": self.rings,
            "durable": self.asks,
            "deploy": self.deploys,
        }
        return {
            kind: sorted(ways[kind](count * self.more))
            for kind, count in MEASURED.items()
            if kind in promise
        }

    def answers(self, name: str, count: int) -> list[float]:
        """From a message, which no call waits for, to the answer."""
        with self.rt.subscribe(sender=name) as seen:

            def answer() -> None:
                self.rt.send({"performative": "inform", "receiver": name})
                assert seen.next() is not None

            took = []
            for _ in range(count):
                if pause := self.case.get("pause"):
                    time.sleep(pause / 1000)
                took.append(self.took(answer))
            return took

    def rings(self, count: int) -> list[float]:
        """By how much each timer of 10 ms rang too late."""
        with self.rt.subscribe(sender="timer") as seen:

            def next_at() -> int:
                self.look()
                message = seen.next()
                assert message is not None
                assert message.sent_at is not None
                return message.sent_at

            rang = [next_at() for _ in range(count + 1)]
        return [max(0, b - a - 10_000) / 1000 for a, b in itertools.pairwise(rang)]

    def asks(self, count: int) -> list[float]:
        ask = {"performative": "request", "receiver": "durable", "reply_with": "r1"}
        return [self.took(lambda: self.rt.ask(ask)) for _ in range(count)]

    def deploys(self, count: int) -> list[float]:
        taken = []
        for _ in range(count):
            agents: list[caxton.Agent] = []
            module = module_named("takes-everything")
            taken.append(self.took(partial(self.deploy_to, agents, module)))
            agents[0].remove()
        return taken

    def deploy_to(self, agents: list[caxton.Agent], module: str) -> None:
        agents.append(self.rt.deploy(module))

    def took(self, call: Callable[[], object]) -> float:
        began = time.perf_counter()
        call()
        millis = (time.perf_counter() - began) * 1000
        self.look()
        return millis

    def look(self) -> None:
        self.most = max(self.most, resident())


def millis_promised(promised: Any, alone: float) -> float:
    """A number of milliseconds, or so many and so often what it is without attackers."""
    if isinstance(promised, dict):
        return float(promised.get("ms", 0) + promised.get("alone", 0) * alone)
    return float(promised)


def percentile(figures: list[float], percent: int) -> float:
    return figures[min(len(figures) * percent // 100, len(figures) - 1)]


def work(agents: list[caxton.Agent]) -> int:
    return sum(agent.stats()["cpu_micros"] for agent in agents)


def own_memory(agent: caxton.Agent) -> float:
    stats = agent.stats()
    return (stats["peak_memory_bytes"] + stats["stored_bytes"]) / MIB


def worked_out(value: Any, attackers: int) -> Any:
    """Puts rounds of a loop in place of ``{"$micros": n}``, and their number for "attackers"."""
    if isinstance(value, dict):
        if "$micros" in value:
            return rounds(value["$micros"])
        return {
            key: attackers
            if key == "times" and inner == "attackers"
            else worked_out(inner, attackers)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [worked_out(inner, attackers) for inner in value]
    return value


def module_named(name: str) -> str:
    return modules({})[name][0]


def rounds(micros: int) -> int:
    """Rounds of the loop of the agents that take so long here."""
    return micros * pace() // 1000


@cache
def pace() -> int:
    """Those that take a millisecond."""
    with caxton.Runtime(workers=1) as rt:
        limits = caxton.Limits(max_execution_time_micros=None)
        agent = rt.deploy(module_named("works"), "trial", limits=limits, config=TRIAL)
        with rt.subscribe(sender="trial") as seen:
            agent.send(None)
            assert seen.next() is not None
        return TRIAL * 1000 // max(1, agent.stats()["cpu_micros"])


def resident() -> float:
    """The memory of this process in MiB; nothing where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * 4096 / MIB
