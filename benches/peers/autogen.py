"""autogen-core as a peer: no sandbox, Python's JSON, agents on one event loop."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    message_handler,
)


@dataclass
class Text:
    """Messages are dataclasses there."""

    json: str


class Worker(RoutedAgent):
    """Parses the message and answers, as the other agents do."""

    @message_handler
    async def handle(self, message: Text, ctx: MessageContext) -> Text:
        request = json.loads(message.json)
        text = request["content"]["data"]["data"].upper()
        result = {"result": {"result": text, "timestamp": time.time_ns() // 1_000}}
        return Text(json.dumps({"performative": "inform", "content": result}))


class Crowd:
    """100 agents, and 1,000 messages at once to them."""

    def __init__(self, handed: bytes) -> None:
        self._runtime = SingleThreadedAgentRuntime()
        self._message = Text(handed.decode())
        self._receivers = [AgentId("worker", str(i % 100)) for i in range(1_000)]

    async def start(self) -> None:
        await Worker.register(self._runtime, "worker", lambda: Worker("worker"))
        self._runtime.start()

    async def ask_all(self) -> list[Text]:
        send = self._runtime.send_message
        return await asyncio.gather(*(send(self._message, to) for to in self._receivers))

    async def stop(self) -> None:
        await self._runtime.stop()
