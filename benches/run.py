"""Measures Caxton beside its peers, and prints ratios: `make bench`, or `make bench-quick`.

Machines are shared and noisy, so in each round everybody has a turn, and the ratios are medians
of the rounds' ratios. `benches/README.md` says what each row is.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import mmap
import platform
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import caxton
from attackers import beside_rows
from chart import draw
from in_rust import curves, instruction_counts, program, rust_rows, rust_samples
from promises import promise_rows
from reasons import REASONS
from table import Row, Samples, alone, print_table, versus

BENCHES = Path(__file__).resolve().parent
PEERS = BENCHES / ".peers"
AGENT = BENCHES.parent / "tests/agents/build/rust.wasm"
PLUGIN = PEERS / "plugin.wasm"
REQUIREMENTS = BENCHES / "peers/requirements.txt"
PYTHON_PEERS = [line for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
NODE_PEERS = ["@extism/extism@2.0.0-rc13"]
NO_RATE = caxton.Limits(max_messages_per_second=None)
JOB = {"data": "Hello, World!", "operation": "uppercase"}
CONTENT = {"action": "process_data", "data": JOB}

#: Rounds that do not count.
WARM_UP = 3
#: Calls of many asks in one turn: as long as the other contestants' turns, some 25 ms.
MANY = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under two minutes")
    parser.add_argument("--node-package", type=Path, default=BENCHES.parent / "bindings-node")
    parser.add_argument("--allow-dev", action="store_true", help="measure a dev build all the same")
    options = parser.parse_args()
    python_module = Path(find_extension())
    node_module = options.node_package / "caxton.node"
    refuse_dev_builds([python_module, node_module, program()], options.allow_dev)
    prepare_peers()

    rounds = 11 if options.quick else 51
    began = time.time()
    samples = rust_samples(AGENT, rounds)
    rows = rust_rows(samples)
    handed, in_turn = in_python(rounds, 2_000)
    samples |= in_turn
    rows += python_rows(samples)
    samples |= in_node(options.node_package, handed, rounds, 2_000)
    rows += node_rows(samples)
    rows += density_rows(1 if options.quick else 5)
    rows += promise_rows(5 if options.quick else 21)
    rows += beside_rows(1 if options.quick else 3)
    rows += package_rows(python_module, 5)

    print_table(rows, REASONS)
    counts = None if options.quick else instruction_counts(AGENT)
    for name, (caxton_count, floor) in (counts or {}).items():
        ratio = caxton_count / floor
        print(f"{name}: {caxton_count:,} instructions, wasmtime alone {floor:,}: {ratio:.2f} x")
    scale = None if options.quick else curves(AGENT)
    print(f"\n{rounds} rounds, {len(handed)} bytes a message, {time.time() - began:.0f} s in all.")
    result = {
        "caxton": caxton.__version__,
        "python": platform.python_version(),
        "peers": PYTHON_PEERS + NODE_PEERS,
        "rounds": rounds,
        "message_bytes": len(handed),
        "rows": [asdict(row) for row in rows],
        "instructions": counts,
        "curves": scale,
        "samples": samples,
    }
    if scale is not None:
        draw(rows, scale, BENCHES / "results.svg")
    (BENCHES / "results.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


# What is measured


def find_extension() -> str:
    spec = importlib.util.find_spec("caxton._caxton")
    if spec is None or spec.origin is None:
        raise SystemExit("bench: the extension module is not there; run `make python`")
    return spec.origin


def refuse_dev_builds(modules: list[Path], allowed: bool) -> None:
    """What is not optimised says nothing about what is shipped."""
    for module in modules:
        optimised = is_stripped(module)
        if optimised is False:
            print(f"bench: {module.name} is a DEV BUILD; its figures say nothing", file=sys.stderr)
            if not allowed:
                raise SystemExit("bench: run `make python node PROFILE=release` first")
        elif optimised is None:
            print(f"bench: cannot tell whether {module.name} is a release build", file=sys.stderr)


def is_stripped(module: Path) -> bool | None:
    """Whether a library lacks the symbols that only a dev build keeps; only ELF can tell."""
    with module.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:6] != b"\x7fELF\x02\x01":
            return None
        (sections,) = struct.unpack_from("<Q", data, 0x28)
        size, count = struct.unpack_from("<HH", data, 0x3A)
        kinds = (struct.unpack_from("<I", data, sections + i * size + 4)[0] for i in range(count))
        return 2 not in kinds  # SHT_SYMTAB


def prepare_peers() -> None:
    """Installs the peers at their pinned versions, and builds the agent and the plugin."""
    PEERS.mkdir(exist_ok=True)
    python, node = PEERS / "python", PEERS / "node"
    installed = PEERS / "installed.json"
    wanted = json.dumps([PYTHON_PEERS, NODE_PEERS, platform.python_version()])
    if not installed.exists() or installed.read_text() != wanted:
        for folder in (python, node):
            shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(python), *PYTHON_PEERS], check=True)
        node.mkdir()
        (node / "package.json").write_text('{"private": true}\n')
        npm = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*npm, *NODE_PEERS], cwd=node, check=True, stdout=subprocess.DEVNULL)
        installed.write_text(wanted)
    subprocess.run([BENCHES / "peers/build.sh"], check=True)
    # Behind everything else, so that the peers' dependencies replace nothing.
    sys.path.append(str(python))


# Python


def in_python(rounds: int, batch: int) -> tuple[bytes, Samples]:
    """The message as the agent is handed it, and everybody's figures."""
    with ExitStack() as stack:
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        contestants: dict[str, Callable[[], float]] = {}

        def awaited(call: Callable[[], Awaitable[object]], count: int, messages: int = 1) -> float:
            return loop.run_until_complete(each_awaited(call, count)) / messages

        rt = stack.enter_context(caxton.Runtime())
        rt.deploy(AGENT, name="rust", limits=NO_RATE)
        message = request_to("rust")
        handed = message_as_handed(rt, message)
        contestants["ask"] = lambda: each(lambda: rt.ask(message), batch)
        # JSON already, as what the peers are given.
        ready = json.dumps(message).encode()
        contestants["ask_bytes"] = lambda: each(lambda: rt.ask(ready), batch)

        names = [f"agent-{i}" for i in range(100)]
        rt.deploy_many(AGENT, names, limits=NO_RATE)
        crowd = [request_to(names[i % len(names)]) for i in range(1_000)]
        contestants["ask_many"] = lambda: each(lambda: rt.ask_many(crowd), MANY) / len(crowd)

        rt.register("callback", answer_relay)
        then = [{"agent": "callback", "operation": "uppercase"}]
        relay = {**message, "content": {"action": "relay", "data": {**JOB, "then": then}}}
        relays = [relay] * 1_000
        contestants["relay"] = lambda: each(lambda: rt.ask(relay), batch // 4)
        contestants["relay_many"] = lambda: each(lambda: rt.ask_many(relays), 1) / len(relays)

        art = caxton.AsyncRuntime()
        stack.callback(lambda: loop.run_until_complete(closed(art)))
        loop.run_until_complete(deployed(art))
        contestants["async_ask"] = lambda: awaited(lambda: art.ask(message), batch)
        contestants["async_ask_many"] = lambda: awaited(
            lambda: art.ask_many(crowd), MANY, len(crowd)
        )

        import extism

        plugin = extism.Plugin(PLUGIN.read_bytes())
        call_plugin = partial(plugin.call, "handle_message", handed)
        contestants["extism"] = lambda: each(call_plugin, batch // 4)

        from peers.wasmtime_alone import Agent

        single = Agent(AGENT, handed)
        contestants["wasmtime"] = lambda: each(single.ask, batch // 10)

        from peers.autogen import Crowd

        autogen = Crowd(handed)
        loop.run_until_complete(autogen.start())
        stack.callback(lambda: loop.run_until_complete(autogen.stop()))
        contestants["autogen"] = lambda: awaited(autogen.ask_all, 1, 1_000)

        check(rt.ask(message).content)
        check(rt.ask(relay).content)
        check(json.loads(call_plugin())["content"])
        check(json.loads(single.ask())["content"])
        check(json.loads(loop.run_until_complete(autogen.ask_all())[-1].json)["content"])
        return handed, in_turns(contestants, rounds)


def request_to(name: str) -> dict[str, Any]:
    return {"performative": "request", "receiver": name, "content": CONTENT}


def answer_relay(message: caxton.Message) -> dict[str, Any]:
    """The relay's last stop, in Python: it gets the text in capitals already."""
    return {"result": {"result": message.content["data"]["data"]}}


def message_as_handed(rt: caxton.Runtime, message: dict[str, Any]) -> bytes:
    """What the runtime makes of a message on its way to the agent: the peers are given the same."""
    with rt.subscribe(receiver=message["receiver"]) as trace:
        rt.ask(message)
        copy = trace.next()
        assert copy is not None
        return copy.raw


def check(content: Any) -> None:
    """Nobody is measured who answers something else."""
    assert content["result"]["result"] == "HELLO, WORLD!", content


async def deployed(art: caxton.AsyncRuntime) -> None:
    await art.deploy(AGENT, name="rust", limits=NO_RATE)
    await art.deploy_many(AGENT, [f"agent-{i}" for i in range(100)], limits=NO_RATE)


async def closed(art: caxton.AsyncRuntime) -> None:
    await art.close()


def in_turns(contestants: dict[str, Callable[[], float]], rounds: int) -> Samples:
    """Everybody once a round, in changing order; the first rounds only warm up."""
    samples: Samples = {name: [] for name in contestants}
    order = list(contestants)
    for number in range(-WARM_UP, rounds):
        for name in order:
            figure = contestants[name]()
            if number >= 0:
                samples[name].append(figure)
        order.reverse()
    return samples


def each(call: Callable[[], object], count: int) -> float:
    """Microseconds a call, one after the other."""
    began = time.perf_counter_ns()
    for _ in range(count):
        call()
    return (time.perf_counter_ns() - began) / count / 1_000


async def each_awaited(call: Callable[[], Awaitable[object]], count: int) -> float:
    began = time.perf_counter_ns()
    for _ in range(count):
        await call()
    return (time.perf_counter_ns() - began) / count / 1_000


def python_rows(samples: Samples) -> list[Row]:
    call, ask, awaited = "extism plugin.call", "Python Runtime.ask, in turn", "Python await ask"
    many, crowd = "Python ask_many, 1,000 to 100", "autogen-core"
    beyond = [a - b for a, b in zip(samples["relay"], samples["ask"], strict=True)]
    return [
        versus(ask, samples, "ask", "extism", call, 0.25),
        versus("  the same", samples, "ask", "wasmtime", "wasmtime-py"),
        versus("  the same, message as bytes", samples, "ask_bytes", "extism", call),
        versus(awaited, samples, "async_ask", "extism", call, 0.3),
        versus(many, samples, "ask_many", "autogen", crowd, 1 / 60),
        versus("  the same, asyncio", samples, "async_ask_many", "autogen", crowd),
        alone("callback from WASM, beyond an ask", beyond, target=25),
        alone("  1,000 at once, the whole relay", samples["relay_many"]),
    ]


# Node


def in_node(package: Path, handed: bytes, rounds: int, batch: int) -> Samples:
    config = {
        "package": str((package / "dist/index.js").resolve()),
        "peers": str(PEERS / "node/package.json"),
        "agent": str(AGENT),
        "plugin": str(PLUGIN),
        "content": CONTENT,
        "handed": handed.decode(),
        "rounds": rounds,
        "warmUp": WARM_UP,
        "batch": batch,
    }
    script = ["node", "--no-warnings", str(BENCHES / "node.mjs"), json.dumps(config)]
    done = subprocess.run(script, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def node_rows(samples: Samples) -> list[Row]:
    name = "Node await agent.ask, in turn"
    worker, thread = "extism in a worker", "extism in thread"
    return [
        versus(name, samples, "node_ask", "node_extism_worker", worker, 1 / 40),
        versus("  beside one in the thread", samples, "node_ask", "node_extism", thread, 0.7),
    ]


# Many agents, and the package


def density_rows(rounds: int) -> list[Row]:
    script = [sys.executable, str(BENCHES / "density.py"), str(AGENT), "10000"]
    results = [json.loads(subprocess.check_output(script)) for _ in range(rounds)]
    figures = {name: [result[name] for result in results] for name in results[0]}
    rows = [alone("deploy_many of 10,000", figures["seconds"], unit="s", target=1)]
    if "idle_kb" in figures:
        idle, after = "resident memory an agent, new", "  after one message"
        rows += [alone(idle, figures["idle_kb"], unit="KB")]
        rows += [alone(after, figures["used_kb"], unit="KB", target=40)]
    return rows


def package_rows(module: Path, rounds: int) -> list[Row]:
    def started(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return (time.perf_counter() - began) * 1_000

    started("import caxton")
    imports = [started("import caxton") - started("pass") for _ in range(rounds)]
    size = module.stat().st_size / 1e6
    packed = len(zlib.compress(module.read_bytes(), 9)) / 1e6
    return [
        alone("import caxton", imports, unit="ms", target=50),
        Row("extension module, stripped", size, unit="MB"),
        Row("  compressed, as in a wheel", packed, unit="MB", target=12),
    ]


if __name__ == "__main__":
    main()
