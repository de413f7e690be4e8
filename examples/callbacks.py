"""The script itself takes part, through callbacks: agents ask it, and it asks agents."""

import asyncio
import logging
from pathlib import Path

import caxton

AGENTS = Path(__file__).parent / "agents"
# What a callback raises is logged with its traceback; here it is shown without.
logging.getLogger("caxton").setLevel(logging.CRITICAL)

with caxton.Runtime() as rt:
    rust = rt.deploy(AGENTS / "rust.wasm", name="rust")

    @rt.agent("glossary", capabilities=["translation"])
    def translate(message: caxton.Message) -> dict:
        """Runs on a thread; what it returns is sent back as an ``inform``."""
        words = {"olleh": "bonjour", "dlrow": "monde"}
        word = message.content["data"]["data"]
        return {"word": words[word], "asked_by": message.sender}

    @rt.agent("slow")
    async def think(message: caxton.Message) -> dict:
        """Runs on an event loop, many messages at once."""
        await asyncio.sleep(0.01)
        return {"thought about": message.content}

    def ask_script(word: str) -> caxton.Message:
        """The Rust agent turns the word round and asks the script for the rest."""
        then = [{"agent": "glossary", "operation": "translate"}]
        data = {"operation": "reverse", "data": word, "then": then}
        return rust.request({"action": "relay", "data": data}, timeout=5)

    print("who translates:", rt.find("translation"))
    print("rust asked the script:", ask_script("hello").content)
    thoughts = [{"performative": "request", "receiver": "slow", "content": n} for n in range(100)]
    print("answers of the async callback:", len(rt.ask_many(thoughts, timeout=5)))
    try:
        ask_script("nothing")
    except caxton.Failed as error:
        print("what the callback raises fails that one message:", error.reply.content["error"])
