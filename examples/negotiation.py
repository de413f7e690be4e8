"""A contract net: a task goes to whoever asks least. Then a choice of one's own, and an auction."""

from pathlib import Path

import caxton

AGENTS = Path(__file__).parent / "agents"
PRICES = {"rust": 7, "assemblyscript": 3, "c": 5}


def fastest(proposals: list[caxton.Answer]) -> caxton.Answer | None:
    """Whoever answered first, whatever it asks for."""
    return min(proposals, key=lambda answer: answer.proposal.sent_at, default=None)


with caxton.Runtime() as rt:
    workers = [
        rt.deploy(AGENTS / f"{name}.wasm", name=name, config={"price": price})
        for name, price in PRICES.items()
    ]

    # The script takes part itself: one function for each act.
    busy = rt.agent("busy")

    @busy.on("cfp")
    def refuse(message: caxton.Message) -> None:
        raise caxton.Refused("no time today")

    outcome = rt.contract_net({"dig": "a hole"}, [*workers, "busy"], deadline=5)
    print("winner:", outcome.winner.agent, "at", outcome.winner.proposal.content["price"])
    print("result:", outcome.result.content)
    print("rejected:", outcome.rejected, "refused:", outcome.refused)

    chosen = rt.contract_net({"dig": "a hole"}, workers, deadline=5, choose=fastest)
    print("fastest:", *chosen.done)

    sold = rt.dutch_auction({"sell": "a spade"}, workers, start=10, step=2, deadline=0.5)
    print("sold to:", sold.winner.agent, "for", sold.price)

    print()
    print(rt.conversation(outcome.conversation_id).diagram())
