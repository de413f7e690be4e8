"""Agents in Rust, AssemblyScript and C pass one task along; the last one answers.

The screen shows the agents, the answer and a trace of every message.
"""

import json
import shutil
import sys
from pathlib import Path

import caxton

AGENTS = Path(__file__).parent / "agents"
TASK = "Hello from three languages"
#: Who does what to the text, in this order.
STEPS = [("rust", "reverse"), ("assemblyscript", "uppercase"), ("c", "reverse")]


def main() -> None:
    # A terminal that lacks a character shows its code instead.
    sys.stdout.reconfigure(errors="backslashreplace")

    with caxton.Runtime() as rt:
        print("Python deploys three agents, each in a sandbox of its own:\n")
        for name, _ in STEPS:
            module = AGENTS / f"{name}.wasm"
            agent = rt.deploy(module, name=name)
            size = module.stat().st_size // 1024
            print(f"  {name:14}  {size:3} KB  can: {shown(', '.join(agent.capabilities), 40)}")

        print(f"\nThe task for {TASK!r}:")
        print("  " + ", then ".join(f"{name}: {operation}" for name, operation in STEPS) + "\n")

        (first, operation), *others = STEPS
        then = [{"agent": name, "operation": operation} for name, operation in others]
        trace = rt.subscribe()
        answer = rt.agent_named(first).request(
            {"action": "relay", "data": {"data": TASK, "operation": operation, "then": then}},
            timeout=10,
        )
        show(trace, until=answer)
        result = answer.content["result"]["result"]
        print(f"\nThe answer, from {shown(answer.sender, 20)}: {shown(result, 60)}")


def show(trace: caxton.Subscription, until: caxton.Message) -> None:
    """Prints a line for each message, up to and including ``until``."""
    width = max(40, shutil.get_terminal_size((120, 24)).columns - 56)
    begun = None
    for message in trace:
        begun = begun or message.sent_at
        passed = (message.sent_at - begun) / 1000
        route = f"{shown(message.sender, 14):14} → {shown(message.receiver, 14):14}"
        content = json.dumps(message.content, ensure_ascii=False, separators=(",", ":"))
        print(f"  {passed:6.3f} ms  {route}  {message.performative:7}  {shown(content, width)}")
        if message.message_id == until.message_id:
            break


def shown(text: object, width: int) -> str:
    """What an agent wrote, for one line of a terminal: shortened, and nothing in it a command."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text)[: width + 1])
    return safe if len(safe) <= width else safe[: width - 1] + "…"


if __name__ == "__main__":
    main()
