"""asyncio: ask many at once, and watch what the agents say to each other with ``async for``."""

import asyncio
from pathlib import Path

import caxton

AGENTS = Path(__file__).parent / "agents"
WORDS = ["one", "two", "three"]


async def watch(subscription: caxton.AsyncSubscription) -> None:
    """Shows what is said, until every word has been answered."""
    answers = 0
    async for message in subscription:
        print(message)
        answers += message.performative == "inform"
        if answers == len(WORDS):
            break


async def main() -> None:
    async with caxton.AsyncRuntime() as rt:
        rust = await rt.deploy(AGENTS / "rust.wasm", name="rust")
        await rt.deploy(AGENTS / "assemblyscript.wasm", name="assemblyscript")
        watching = asyncio.create_task(watch(rt.subscribe(performative=["request", "inform"])))

        then = [{"agent": "assemblyscript", "operation": "uppercase"}]
        tasks = [{"operation": "reverse", "data": word, "then": then} for word in WORDS]
        answers = await asyncio.gather(
            *(rust.request({"action": "relay", "data": data}, timeout=5) for data in tasks)
        )
        await watching
        print("answers:", *(answer.content["result"]["result"] for answer in answers))


asyncio.run(main())
