"""The shared cases of tests/conformance: see the README there."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import caxton
import pytest
from conftest import ROOT, built
from negotiate_steps import NegotiateSteps

CASES = ROOT / "tests" / "conformance"
# What may stand in a step beside its action.
BESIDE = {
    *("error", "expect", "eventually", "timeout", "filter", "module", "kind", "agent"),
    *("deadline", "content", "form"),
}
# How long a step may take to come true, in seconds.
HANGS = 60


def load() -> list[Any]:
    """Every case, once for each agent that it is to be run with."""
    cases = []
    for file in sorted(CASES.glob("*.json")):
        for case in json.loads(file.read_text()):
            for each in case.get("each", [None]):
                name = f"{file.stem}: {case['name']}" + (f" ({each})" if each else "")
                cases.append(pytest.param(case, each, id=name))
    assert cases, "there are no cases"
    return cases


def to_options(written: dict[str, Any]) -> dict[str, Any]:
    """The options of a runtime as a case has them."""
    options = dict(written)
    if "limits" in options:
        options["limits"] = caxton.Limits(**options["limits"])
    if "content_limits" in options:
        options["content_limits"] = caxton.ContentLimits(**options["content_limits"])
    if "compile_limits" in options:
        options["compile_limits"] = caxton.CompileLimits(**options["compile_limits"])
    if "ceiling" in options:
        given = dict(options["ceiling"])
        if "grants" in given:
            given["grants"] = caxton.Grants(**given["grants"])
        if "limits" in given:
            given["limits"] = caxton.Limits(**given["limits"])
        options["ceiling"] = caxton.Ceiling(**given)
    return options


@pytest.mark.parametrize(("case", "each"), load())
def test_case(case: dict[str, Any], each: str | None, tmp_path: Path) -> None:
    """Runs one case."""
    for name, file in case.get("folder", {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file, dict) and "pipe" in file:
            os.mkfifo(path)
        elif isinstance(file, dict):
            path.symlink_to(file["link"])
        else:
            path.write_text(file)
    case = json.loads(json.dumps(case).replace("$folder", str(tmp_path)))
    options = to_options(case.get("runtime", {}))
    run = Run(caxton.Runtime(**options), options, case, each)
    try:
        run.steps(case["steps"])
    finally:
        run.rt.close()


@dataclass
class Run(NegotiateSteps):
    """One case on its way."""

    options: dict[str, Any]
    case: dict[str, Any]
    each: str | None
    agents: dict[str, caxton.Agent] = field(default_factory=dict)
    hosts: dict[str, caxton.HostAgent] = field(default_factory=dict)
    subscriptions: dict[str, caxton.Subscription] = field(default_factory=dict)

    def steps(self, steps: list[dict[str, Any]]) -> None:
        for index, step in enumerate(steps):
            try:
                self.step(step)
            except AssertionError as error:
                raise AssertionError(f"step {index} {json.dumps(step)[:300]}: {error}") from error

    def step(self, step: dict[str, Any]) -> None:
        if "repeat" in step:
            for _ in range(step["repeat"]):
                self.steps(step["steps"])
            return
        if not step.get("eventually"):
            self.try_step(step)
            return
        end = time.monotonic() + HANGS
        while True:
            try:
                self.try_step(step)
                return
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.002)

    def try_step(self, step: dict[str, Any]) -> None:
        wanted = step.get("error")
        try:
            result = self.act(step)
        except caxton.CaxtonError as error:
            assert wanted, f"failed: {error!r}"
            check_error(error, wanted)
            return
        assert not wanted, f"succeeded with {result!r}"
        if "expect" in step:
            check(result, long(step["expect"]), "result")

    def act(self, step: dict[str, Any]) -> Any:
        action = next(key for key in step if key not in BESIDE)
        value = long(step[action])
        timeout = step.get("timeout", 30)
        method = getattr(self, f"do_{action}", None)
        assert method, f"no such step: {action}"
        return method(value, step, timeout)

    def module(self, name: str) -> Any:
        if name == "$each":
            assert self.each
            name = self.each
        if name in self.case.get("modules", {}):
            return "\n".join(self.case["modules"][name])
        if name.startswith("bytes:"):
            return bytes.fromhex(name.removeprefix("bytes:"))
        if name.startswith("file:"):
            return Path(name.removeprefix("file:"))
        return built(name)

    def deployment(self, value: dict[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {"capabilities": value.get("capabilities", [])}
        if "limits" in value:
            options["limits"] = caxton.Limits(**value["limits"])
        if "content_limits" in value:
            options["content_limits"] = caxton.ContentLimits(**value["content_limits"])
        if "compile_limits" in value:
            options["compile_limits"] = caxton.CompileLimits(**value["compile_limits"])
        if "grants" in value:
            options["grants"] = caxton.Grants(**value["grants"])
        for key in ("restart", "config"):
            if key in value:
                options[key] = value[key]
        return options

    def do_deploy(self, value: dict[str, Any], _step: Any, _timeout: Any) -> None:
        agent = self.rt.deploy(
            self.module(value["module"]), value.get("name"), **self.deployment(value)
        )
        self.agents[value.get("name", agent.name)] = agent

    def do_deploy_many(self, value: dict[str, Any], _step: Any, _timeout: Any) -> None:
        module = self.module(value["module"])
        for agent in self.rt.deploy_many(module, value["names"], **self.deployment(value)):
            self.agents[agent.name] = agent

    def do_register(self, value: dict[str, Any], _step: Any, _timeout: Any) -> None:
        host = self.rt.register(
            value["name"],
            self.handler(value["reply"]) if "reply" in value else None,
            capabilities=value.get("capabilities", []),
            concurrency=value.get("concurrency"),
        )
        for route in value.get("on", []):
            take = host.on(route.get("performative"), protocol=route.get("protocol"))
            take(self.handler(route.get("reply", {"nothing": True})))
        self.hosts[value["name"]] = host

    def handler(self, reply: dict[str, Any]) -> Any:
        def handle(message: caxton.Message) -> Any:
            match reply:
                case {"content": content}:
                    return content
                case {"message": fields}:
                    return caxton.Message.from_json(fields)
                case {"nothing": True}:
                    return None
                case {"raise": text}:
                    raise RuntimeError(text)
                case {"nonsense": True}:
                    return object()
                case {"echo": True}:
                    return message.content
                case {"ask": asked}:
                    return self.rt.ask(asked).content
            raise AssertionError(f"no such reply: {reply}")

        return handle

    def do_ask(self, value: Any, _step: Any, timeout: Any) -> Any:
        return self.rt.ask(value, timeout=timeout).to_dict()

    def do_ask_text(self, value: str, _step: Any, timeout: Any) -> Any:
        return self.rt.ask(value.encode(), timeout=timeout).to_dict()

    def do_request(self, value: Any, _step: Any, timeout: Any) -> Any:
        agent = self.agents[value["agent"]]
        return agent.request(value["content"], timeout=timeout).to_dict()

    def do_send(self, value: Any, _step: Any, timeout: Any) -> None:
        self.rt.send(value, timeout=timeout)

    def do_send_text(self, value: str, _step: Any, timeout: Any) -> None:
        self.rt.send(value.encode(), timeout=timeout)

    def do_try_send(self, value: Any, _step: Any, _timeout: Any) -> None:
        self.rt.try_send(value)

    def do_send_many(self, value: Any, _step: Any, timeout: Any) -> None:
        self.rt.send_many(value, timeout=timeout)

    def do_ask_many(self, value: Any, _step: Any, timeout: Any) -> Any:
        return [
            {"error": {"code": answer.code}}
            if isinstance(answer, caxton.CaxtonError)
            else answer.to_dict()
            for answer in self.rt.ask_many(value, timeout=timeout)
        ]

    def do_broadcast(self, value: Any, _step: Any, _timeout: Any) -> int:
        return self.rt.broadcast(
            value["content"], filter=value.get("filter"), **value.get("fields", {})
        )

    def do_subscribe(self, value: str, step: Any, _timeout: Any) -> None:
        self.subscriptions[value] = self.rt.subscribe(**step.get("filter", {}))

    def do_next(self, value: str, _step: Any, timeout: Any) -> Any:
        message = self.subscriptions[value].next(timeout=timeout)
        return None if message is None else message.to_dict()

    def do_none(self, value: str, _step: Any, _timeout: Any) -> None:
        message = self.subscriptions[value].try_next()
        assert message is None, f"there is {message!r}"

    def do_find(self, value: Any, _step: Any, _timeout: Any) -> list[str]:
        return self.rt.find(**value)

    def do_agents(self, _value: Any, _step: Any, _timeout: Any) -> list[str]:
        return [agent.name for agent in self.rt.agents()]

    def do_state(self, value: str, _step: Any, _timeout: Any) -> str:
        return self.agents[value].state

    def do_capabilities(self, value: str, _step: Any, _timeout: Any) -> list[str]:
        return self.agents[value].capabilities

    def do_logs(self, value: str, step: Any, _timeout: Any) -> Any:
        lines = [line.text for line in self.agents[value].logs()]
        wanted = step["expect"] if isinstance(step["expect"], list) else [step["expect"]]
        for text in wanted:
            assert any(text in line for line in lines), f"{text!r} is not in {lines}"
        return step["expect"]

    def do_stats(self, value: str, _step: Any, _timeout: Any) -> Any:
        return self.agents[value].stats()

    def do_events(self, value: str, step: Any, _timeout: Any) -> None:
        self.subscriptions[value] = self.rt.events(step.get("kind"), step.get("agent"))

    def do_metrics(self, _value: Any, _step: Any, _timeout: Any) -> Any:
        return self.rt.metrics()

    def do_prometheus(self, _value: Any, _step: Any, _timeout: Any) -> str:
        return self.rt.prometheus()

    def do_dead_letters(self, _value: Any, _step: Any, _timeout: Any) -> Any:
        return [
            {
                "message": letter.message.to_dict(),
                "reason": letter.reason,
                "agent": letter.agent,
            }
            for letter in self.rt.dead_letters()
        ]

    def dead_letter(self, at: int) -> int:
        """The id of the dead letter at this place, counted from the oldest."""
        letters = self.rt.dead_letters()
        return letters[at].id if at < len(letters) else 2**63

    def do_replay_dead_letter(self, value: int, _step: Any, _timeout: Any) -> None:
        self.rt.replay_dead_letter(self.dead_letter(value))

    def do_drop_dead_letter(self, value: int, _step: Any, _timeout: Any) -> None:
        self.rt.drop_dead_letter(self.dead_letter(value))

    def do_suspend(self, value: str, _step: Any, _timeout: Any) -> None:
        self.agents[value].suspend()

    def do_resume(self, value: str, _step: Any, _timeout: Any) -> None:
        self.agents[value].resume()

    def do_restart(self, value: str, _step: Any, _timeout: Any) -> None:
        self.agents[value].restart()

    def do_start_profile(self, value: str, _step: Any, _timeout: Any) -> None:
        self.agents[value].start_profile()

    def do_stop_profile(self, value: str, _step: Any, _timeout: Any) -> str:
        return self.agents[value].stop_profile()

    def do_replace(self, value: str, step: Any, _timeout: Any) -> None:
        self.agents[value].replace(self.module(step["module"]))

    def do_remove(self, value: str, _step: Any, _timeout: Any) -> None:
        self.agents[value].remove()

    def do_unregister(self, value: str, _step: Any, _timeout: Any) -> None:
        self.hosts[value].remove()

    def do_inspect(self, value: str, _step: Any, _timeout: Any) -> Any:
        found = caxton.inspect(self.module(value))
        return {
            "exports": [{"name": e.name, "type": e.type} for e in found.exports],
            "imports": [
                {"module": i.module, "name": i.name, "type": i.type} for i in found.imports
            ],
            "missing": found.missing,
            "memory_bytes": found.memory_bytes,
            "max_memory_bytes": found.max_memory_bytes,
            "producers": found.producers,
            "bytes": found.bytes,
            "sections": found.sections,
            "advice": found.advice,
            "compile_millis": found.compile_millis,
            "compile_function_millis": found.compile_function_millis,
            "compile_function_bytes": found.compile_function_bytes,
            "allocators": found.allocators,
            "start": found.start,
            "inbox": found.inbox,
        }

    def do_inspect_store(self, value: str, _step: Any, _timeout: Any) -> Any:
        def fields(found: Any, *names: str) -> dict[str, Any]:
            return {name: getattr(found, name) for name in names}

        found = caxton.inspect_store(value)
        agent = ("name", "id", "state", "module_hash", "module_bytes", "restart", "capabilities")
        kept = ("stored_bytes", "stored_keys", "timers", "subscriptions", "mailbox_messages")
        return {
            **fields(found, "version", "size_bytes", "dead_letters", "mailbox_messages"),
            "agents": [fields(it, *agent, *kept) for it in found.agents],
            "host_agents": [fields(it, "name", "mailbox_messages") for it in found.host_agents],
        }

    def do_close(self, _value: Any, _step: Any, _timeout: Any) -> None:
        self.rt.close()

    def do_reopen(self, value: Any, _step: Any, _timeout: Any) -> None:
        self.rt.close()
        if isinstance(value, dict):
            self.options.update(to_options(value))
        self.rt = caxton.Runtime(**self.options)
        self.hosts.clear()
        self.subscriptions.clear()
        self.informs.clear()
        self.agents = {agent.name: agent for agent in self.rt.agents()}

    def do_open(self, value: Any, _step: Any, _timeout: Any) -> None:
        caxton.Runtime(**to_options(value)).close()


def long(value: Any) -> Any:
    """Writes out ``{"$repeat": "x", "times": n}``, ``{"$join": [...]}``, and ``$list``."""
    if isinstance(value, dict):
        if "$list" in value:
            return [numbered(value["$list"], number) for number in range(value["times"])]
        if "$join" in value:
            return "".join(long(value["$join"]))
        if "$repeat" in value:
            return value["$repeat"] * value["times"]
        return {key: long(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [long(inner) for inner in value]
    return value


def numbered(value: Any, number: int) -> Any:
    """The value with this number in place of each ``#`` in its texts."""
    if isinstance(value, str):
        return value.replace("#", str(number))
    if isinstance(value, dict):
        return {key: numbered(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbered(inner, number) for inner in value]
    return value


def check_error(error: caxton.CaxtonError, wanted: dict[str, Any]) -> None:
    """Compares an error with what a case says of it."""
    unknown = wanted.keys() - {"code", "text", "missing", "limit_kind", "limit", "used"}
    assert not unknown, f"unknown keys: {unknown}"
    assert error.code == wanted["code"], f"{error.code} ({error}), expected {wanted['code']}"
    if "text" in wanted:
        assert wanted["text"] in str(error), f"{wanted['text']!r} is not in {str(error)!r}"
    if "missing" in wanted:
        assert isinstance(error, caxton.InvalidModule)
        assert any(wanted["missing"] in line for line in error.missing), error.missing
    for key, name in (("limit_kind", "kind"), ("limit", "limit"), ("used", "used")):
        if key in wanted:
            assert getattr(error, name) == wanted[key]


def check(found: Any, wanted: Any, where: str) -> None:
    """Compares a result with what a case expects."""
    if isinstance(wanted, dict):
        if "$contains" in wanted:
            assert isinstance(found, str), f"{where}: {found!r} is no text"
            assert wanted["$contains"] in found, (
                f"{where}: {wanted['$contains']!r} not in {found!r}"
            )
            return
        if "$any" in wanted:
            return
        assert isinstance(found, dict), f"{where}: {found!r} is no object"
        for key, inner in wanted.items():
            if isinstance(inner, dict) and inner.get("$absent"):
                assert key not in found, f"{where}.{key} is there: {found[key]!r}"
            else:
                assert key in found, f"{where}.{key} is missing in {found!r}"
                check(found[key], inner, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{where}: {found!r} is no array"
        assert len(found) == len(wanted), f"{where}: {found!r} has not {len(wanted)} entries"
        for index, inner in enumerate(wanted):
            check(found[index], inner, f"{where}[{index}]")
    elif isinstance(wanted, float):
        assert math.isclose(found, wanted), f"{where}: {found!r}, expected {wanted!r}"
    else:
        same = found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
        assert same, f"{where}: {found!r}, expected {wanted!r}"
