"""The steps of cases in which the program begins a protocol, and looks at conversations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import caxton


@dataclass
class NegotiateSteps:
    """Takes these steps on a runtime."""

    rt: caxton.Runtime
    informs: dict[str, caxton.Informs] = field(default_factory=dict, kw_only=True)

    def do_query_if(self, value: Any, _step: Any, timeout: Any) -> bool:
        return self.rt.query_if(value["agent"], value["content"], timeout=timeout)

    def do_query_ref(self, value: Any, _step: Any, timeout: Any) -> Any:
        return self.rt.query_ref(value["agent"], value["content"], timeout=timeout).to_dict()

    def do_propose(self, value: Any, _step: Any, timeout: Any) -> Any:
        return self.rt.propose(value["agent"], value["content"], timeout=timeout).to_dict()

    def do_request_when(self, value: Any, step: Any, timeout: Any) -> Any:
        reply = self.rt.request_when(**value, deadline=step.get("deadline"), timeout=timeout)
        return reply.to_dict()

    def do_contract_net(self, value: Any, step: Any, timeout: Any) -> Any:
        value = {**value, **deadline(step), **chooser(value)}
        return outcome(self.rt.contract_net(**value, timeout=timeout))

    def do_iterated_contract_net(self, value: Any, step: Any, timeout: Any) -> Any:
        value = {**value, **deadline(step), **chooser(value)}
        return outcome(self.rt.iterated_contract_net(**value, timeout=timeout))

    def do_english_auction(self, value: Any, step: Any, timeout: Any) -> Any:
        return outcome(self.rt.english_auction(**value, **deadline(step), timeout=timeout))

    def do_dutch_auction(self, value: Any, step: Any, _timeout: Any) -> Any:
        return outcome(self.rt.dutch_auction(**value, **deadline(step)))

    def do_broker(self, value: Any, _step: Any, timeout: Any) -> Any:
        return [reply.to_dict() for reply in self.rt.broker(**value, timeout=timeout)]

    def do_recruit(self, value: Any, _step: Any, timeout: Any) -> Any:
        return [reply.to_dict() for reply in self.rt.recruit(**value, timeout=timeout)]

    def do_subscribe_to(self, value: str, step: Any, timeout: Any) -> None:
        informs = self.rt.subscribe_to(step["agent"], step.get("content"), timeout=timeout)
        self.informs[value] = informs

    def do_next_inform(self, value: str, _step: Any, timeout: Any) -> Any:
        return maybe(self.informs[value].next(timeout=timeout))

    def do_close_informs(self, value: str, _step: Any, _timeout: Any) -> None:
        self.informs[value].close()

    def do_conversation(self, value: str, _step: Any, _timeout: Any) -> Any:
        found = self.rt.conversation(value)
        return None if found is None else conversation(found)

    def do_conversations(self, value: Any, _step: Any, _timeout: Any) -> Any:
        return [conversation(found) for found in self.rt.conversations(**value)]

    def do_diagram(self, value: str, step: Any, _timeout: Any) -> str:
        found = self.rt.conversation(value)
        assert found is not None, f"there is no conversation {value!r}"
        return found.diagram(step["form"])


def deadline(step: dict[str, Any]) -> dict[str, Any]:
    """The deadline of a step as keywords, if it has one."""
    return {"deadline": step["deadline"]} if "deadline" in step else {}


def chooser(value: dict[str, Any]) -> dict[str, Any]:
    """A function in the place of names."""
    match value.get("choose"):
        case {"names": names}:
            return {"choose": lambda *_proposals: names}
    return {}


def maybe(message: caxton.Message | None) -> Any:
    return None if message is None else message.to_dict()


def outcome(found: caxton.Outcome) -> dict[str, Any]:
    """An outcome as cases show it."""
    return {
        "conversation_id": found.conversation_id,
        "winner": found.winner and found.winner.agent,
        "result": maybe(found.result),
        "answers": [
            {
                "agent": answer.agent,
                "status": answer.status,
                "proposal": maybe(answer.proposal),
                "message": maybe(answer.message),
            }
            for answer in found.answers
        ],
        "forwarded": [message.to_dict() for message in found.forwarded],
        "missed": found.missed,
        "rounds": found.rounds,
        "price": found.price,
    }


def conversation(found: caxton.Conversation) -> dict[str, Any]:
    """A conversation as cases show it."""
    return {
        "id": found.id,
        "protocol": found.protocol,
        "state": found.state,
        "initiator": found.initiator,
        "participants": [
            {
                "name": participant.name,
                "asked_by": participant.asked_by,
                "stage": participant.stage,
                "due": participant.due,
                "late": participant.late,
            }
            for participant in found.participants
        ],
        "messages": [
            {"message": said.message.to_dict(), "note": said.note} for said in found.messages
        ],
        "omitted": found.omitted,
    }
