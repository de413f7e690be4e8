"""What is promised of durable agents, of honest ones beside others, and of the host's memory."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import caxton
from table import Row, Samples, alone, versus

BENCHES = Path(__file__).resolve().parent
AGENTS = 100
PAGE = 4096
LOG_BYTES = 1000 * PAGE
#: Seconds that the busy agents run in a round.
BUSY = 0.3
HONEST = 10
#: Asks of which the slowest hundredth is taken.
ASKS = 2_000
UNLIMITED = caxton.Limits(max_messages_per_second=None)
ENDLESS = caxton.Limits(max_execution_time_micros=None)


def promise_rows(rounds: int) -> list[Row]:
    # On a disk, not in memory: beside this file, not where temporary files are.
    with TemporaryDirectory(dir=BENCHES / ".peers") as folder:
        durable = durable_samples(Path(folder), rounds)
    beside = fairness_samples(max(3, rounds // 4))
    memory = [sys.executable, str(BENCHES / "memory.py"), "10000" if rounds > 10 else "1000"]
    kept = json.loads(subprocess.check_output(memory))
    grown, a_key = kept["grown_percent"], kept["bytes_a_key"]
    rows = [
        versus("durable turns, 100 agents busy", durable, "busy", "sqlite", "SQLite", 1 / 0.7),
        versus("durable ask, in turn", durable, "ask", "fdatasync", "fdatasync", 1.5),
        versus("p99 beside 10 that spin", beside, "beside", "allowed", "5 x alone + 200 ms", 1),
    ]
    compiling = [sys.executable, str(BENCHES / "compiling.py"), str(rounds)]
    figures = json.loads(subprocess.check_output(compiling))
    rows += [
        versus("deploy, cached, beside 5 compiles", figures, "beside", "alone", "alone", 2),
        alone("inspect of 14 MB", figures["inspect"], unit="ms", target=150),
    ]
    threads = [sys.executable, str(BENCHES / "threads.py"), str(rounds)]
    rows += thread_rows(json.loads(subprocess.check_output(threads)))
    if grown is not None:
        rows.append(alone("memory after deploy, trap, remove", [grown], unit="% more", target=5))
    if a_key is not None:
        rows.append(alone("memory of a small stored key", [a_key], unit="bytes", target=96))
    return rows


def thread_rows(figures: Samples) -> list[Row]:
    rows = []
    for count in (4, 40):
        label = f"{count} threads that ask one agent"
        for what, unit in (("wall", "µs"), ("cpu", "µs of CPU")):
            both = {way: figures[f"{count} {way} {what}"] for way in ("free", "lock")}
            row = versus(f"{label}, {what}", both, "free", "lock", "behind a lock", 1)
            row.unit = unit
            rows.append(row)
        slow = {what: figures[f"{count} free {what}"] for what in ("p99", "p50")}
        rows.append(versus(f"{label}, p99", slow, "p99", "p50", "p50", 3))
    return rows


# Durable turns


def durable_samples(folder: Path, rounds: int) -> Samples:
    with ExitStack() as stack:
        busy = stack.enter_context(caxton.Runtime(store=folder / "busy.db"))
        for number in range(AGENTS):
            other = f"a{number ^ 1}"
            busy.deploy(storing(other), name=f"a{number}", limits=UNLIMITED)
        # One message for each pair would leave half of them idle.
        busy.send_many([{"performative": "inform", "receiver": f"a{n}"} for n in range(AGENTS)])

        single = stack.enter_context(caxton.Runtime(store=folder / "single.db"))
        single.deploy(storing("host"), name="a", limits=UNLIMITED)
        ask = {"performative": "request", "receiver": "a", "reply_with": "r1", "content": 1}
        assert single.ask(ask).performative == "inform"

        alone = sqlite3.connect(folder / "alone.db", isolation_level=None)
        stack.callback(alone.close)
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
        os.pwrite(log, bytes(LOG_BYTES), 0)
        os.fsync(log)
        stack.callback(os.close, log)
        for agent in busy.agents():
            agent.suspend()
        contestants: dict[str, Callable[[], float]] = {
            "busy": lambda: busy_turns(busy),
            "sqlite": grouped_writes(alone),
            "ask": lambda: each(lambda: single.ask(ask), 100),
            "fdatasync": lambda: each(partial(synced, log, itertools.count()), 100),
        }
        samples: Samples = {name: [] for name in contestants}
        for number in range(-1, rounds):
            for name, run in contestants.items():
                figure = run()
                if number >= 0:
                    samples[name].append(figure)
        return samples


def storing(to: str) -> str:
    """An agent that stores what it was sent, and sends a message."""
    message = f'{{"performative":"inform","receiver":"{to}","in_reply_to":"r1","content":1}}'
    escaped = message.replace('"', "\\22")
    return f"""(module
        (import "caxton" "send_message" (func $send (param i32 i32) (result i32)))
        (import "caxton" "store_data" (func $store (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (data (i32.const 16) "{escaped}")
        (data (i32.const 8) "key")
        (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
            ;; The last bytes: its id and the time. What does not change is not written.
            (drop (call $store (i32.const 8) (i32.const 3)
                (i32.sub (i32.add (local.get $ptr) (local.get $len)) (i32.const 64))
                (i32.const 64)))
            (drop (call $send (i32.const 16) (i32.const {len(message)})))
            (i32.const 0)))"""


def busy_turns(rt: caxton.Runtime) -> float:
    """Microseconds a turn while all agents have something to do."""
    agents = rt.agents()
    for agent in agents:
        agent.resume()
    before, began = rt.metrics()["total"]["turns"], time.perf_counter()
    time.sleep(BUSY)
    turns, took = rt.metrics()["total"]["turns"] - before, time.perf_counter() - began
    for agent in agents:
        agent.suspend()
    return took / turns * 1e6


def grouped_writes(connection: sqlite3.Connection) -> Callable[[], float]:
    """The same writes by SQLite alone, those of one turn of each agent in one transaction."""
    connection.executescript("""
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        CREATE TABLE data (agent INTEGER, key BLOB, value BLOB, PRIMARY KEY (agent, key))
            WITHOUT ROWID;
        CREATE TABLE letters
            (row INTEGER PRIMARY KEY, receiver INTEGER, kind TEXT, message BLOB);
    """)
    agents, message = range(AGENTS), b"m" * 230
    row = 0

    def write() -> float:
        nonlocal row
        began, turns = time.perf_counter(), 0
        while (took := time.perf_counter() - began) < BUSY:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "DELETE FROM letters WHERE row = ?", [(row - AGENTS + n,) for n in agents]
            )
            connection.executemany(
                "INSERT OR REPLACE INTO data VALUES (?, ?, ?)",
                [(n, b"key", message[:64]) for n in agents],
            )
            connection.executemany(
                "INSERT INTO letters VALUES (?, ?, ?, ?)",
                [(row + n, n ^ 1, "direct", message) for n in agents],
            )
            connection.execute("COMMIT")
            row += AGENTS
            turns += AGENTS
        return took / turns * 1e6

    return write


def synced(file: int, pages: Iterator[int]) -> None:
    """Overwrites the next page, as SQLite does in its log: the file does not grow."""
    os.pwrite(file, b"p" * PAGE, next(pages) * PAGE % LOG_BYTES)
    os.fdatasync(file)


# Honest agents beside others


def fairness_samples(rounds: int) -> Samples:
    samples: Samples = {"beside": [], "allowed": []}
    for _ in range(rounds):
        with caxton.Runtime() as rt:
            for number in range(HONEST):
                rt.deploy(storing("host"), name=f"honest-{number}", limits=UNLIMITED)
            quiet = p99(rt)
            quantum = rt.agents()[0].limits.max_cpu_micros
            spinners = rt.deploy_many(SPINNING, [f"s{n}" for n in range(10)], limits=ENDLESS)
            for agent in spinners:
                agent.send(None)
            samples["beside"].append(p99(rt))
            samples["allowed"].append(5 * quiet + 2 * quantum)
            rt.close(timeout=0.1)
    return samples


SPINNING = """(module (memory (export "memory") 1)
    (func (export "handle_message") (param i32 i32) (result i32)
        (loop $on (br $on)) unreachable))"""


def p99(rt: caxton.Runtime) -> float:
    """Microseconds within which 99 of 100 asks are answered."""
    took = []
    for number in range(ASKS):
        to = f"honest-{number % HONEST}"
        ask = {"performative": "request", "receiver": to, "reply_with": "r1", "content": 1}
        took.append(each(lambda ask=ask: rt.ask(ask), 1))
    return sorted(took)[ASKS * 99 // 100]


def each(call: Callable[[], object], count: int) -> float:
    """Microseconds a call, one after the other."""
    began = time.perf_counter_ns()
    for _ in range(count):
        call()
    return (time.perf_counter_ns() - began) / count / 1_000
