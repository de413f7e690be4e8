"""Errors: one class each, the same codes everywhere."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import caxton
import pytest
from caxton import _caxton
from conftest import SILENT, SPINNER, built

CLASSES = [
    value
    for value in vars(caxton).values()
    if isinstance(value, type) and issubclass(value, caxton.CaxtonError)
]


def test_each_code_of_the_core_has_one_class() -> None:
    codes = sorted(error.code for error in CLASSES)
    assert codes == sorted(_caxton.ERROR_CODES)


def test_second_bases() -> None:
    assert issubclass(caxton.Timeout, TimeoutError)
    assert issubclass(caxton.AgentNotFound, LookupError)
    assert issubclass(caxton.InvalidArgument, ValueError)


def test_limits_have_the_core_s_names_and_defaults() -> None:
    named = {field.name: field.default for field in fields(caxton.Limits())}
    assert named == dict(_caxton.limits_defaults())
    assert caxton.Limits().max_memory_bytes == 50 << 20


@pytest.mark.parametrize("value", [-1, 1 << 70, "many", 1.5])
def test_limits_of_the_wrong_kind(rt: caxton.Runtime, value: Any) -> None:
    with pytest.raises(caxton.InvalidArgument, match="mailbox_capacity"):
        rt.deploy(SILENT, limits=caxton.Limits(mailbox_capacity=value))


def test_limits_that_are_no_limits(rt: caxton.Runtime) -> None:
    with pytest.raises(caxton.InvalidArgument, match=r"caxton\.Limits"):
        rt.deploy(SILENT, limits={"max_memory_bytes": 1})  # type: ignore[arg-type]


def test_content_limits_have_the_core_s_names_and_defaults(rt: caxton.Runtime) -> None:
    named = {field.name: field.default for field in fields(caxton.ContentLimits())}
    assert named == dict(_caxton.content_limits_defaults())
    assert caxton.ContentLimits() == caxton.ContentLimits(
        max_bytes=1_048_576,
        max_keys=100,
        max_key_bytes=256,
        max_array_items=1000,
        max_string_bytes=10_000,
        max_depth=64,
    )
    assert rt.deploy(SILENT).content_limits is None
    limits = caxton.ContentLimits(max_keys=None, max_depth=None, max_bytes=7)
    assert rt.deploy(SILENT, content_limits=limits).content_limits == limits
    with caxton.Runtime(content_limits=limits) as limited:
        assert limited.deploy(SILENT).content_limits == limits


@pytest.mark.parametrize(
    "given", [{"max_keys": 1}, caxton.Limits(), caxton.ContentLimits(max_keys=-1)]
)
def test_content_limits_that_are_none(rt: caxton.Runtime, given: Any) -> None:
    with pytest.raises(caxton.InvalidArgument, match=r"caxton\.ContentLimits|max_keys"):
        rt.deploy(SILENT, content_limits=given)
    with pytest.raises(caxton.InvalidArgument, match=r"caxton\.ContentLimits|max_keys"):
        caxton.Runtime(content_limits=given)


def test_compile_limits_have_the_core_s_names_and_defaults(rt: caxton.Runtime) -> None:
    named = {field.name: field.default for field in fields(caxton.CompileLimits())}
    assert named == dict(_caxton.compile_limits_defaults())
    assert caxton.CompileLimits() == caxton.CompileLimits(
        max_compile_function_millis=45_000,
        max_compile_function_bytes=1 << 30,
        max_compile_millis=800_000,
    )
    limits = caxton.CompileLimits(max_compile_function_bytes=1)
    with pytest.raises(caxton.InvalidModule, match="max_compile_function_bytes"):
        rt.deploy(SILENT, compile_limits=limits)
    with pytest.raises(caxton.InvalidModule, match="max_compile_function_bytes"):
        rt.deploy_many(SILENT, ["a"], compile_limits=limits)
    with caxton.Runtime(compile_limits=limits) as limited:
        with pytest.raises(caxton.InvalidModule, match="max_compile_function_bytes"):
            limited.deploy(SILENT)
        lifted = caxton.CompileLimits(max_compile_function_bytes=None)
        limited.deploy(SILENT, compile_limits=lifted)


@pytest.mark.parametrize(
    "given",
    [{"max_compile_millis": 1}, caxton.Limits(), caxton.CompileLimits(max_compile_millis=-1)],
)
def test_compile_limits_that_are_none(rt: caxton.Runtime, given: Any) -> None:
    with pytest.raises(caxton.InvalidArgument, match=r"caxton\.CompileLimits|max_compile_millis"):
        rt.deploy(SILENT, compile_limits=given)
    with pytest.raises(caxton.InvalidArgument, match=r"caxton\.CompileLimits|max_compile_millis"):
        caxton.Runtime(compile_limits=given)


@pytest.mark.parametrize(
    "wasm", [b"", b"junk", b"\0asm", b"\0asm\1\0\0\0\xff", "(module", b"\xff\xfe"]
)
def test_what_is_no_module(rt: caxton.Runtime, wasm: bytes | str) -> None:
    with pytest.raises(caxton.InvalidModule) as raised:
        rt.deploy(wasm)
    assert raised.value.code == "invalid_module"
    with pytest.raises(caxton.InvalidModule):
        caxton.inspect(wasm)


def test_a_truncated_module(rt: caxton.Runtime) -> None:
    wasm = built("c").read_bytes()
    with pytest.raises(caxton.InvalidModule):
        rt.deploy(wasm[: len(wasm) // 2])


def test_a_file_that_is_not_there(rt: caxton.Runtime) -> None:
    with pytest.raises(caxton.InvalidModule, match=r"nowhere\.wasm"):
        rt.deploy(Path("nowhere.wasm"))


def test_what_cannot_be_a_module(rt: caxton.Runtime) -> None:
    with pytest.raises(caxton.InvalidArgument):
        rt.deploy(5)  # type: ignore[arg-type]


def test_missing_imports_are_all_listed(rt: caxton.Runtime) -> None:
    module = """(module
      (import "env" "send_mesage" (func (param i32 i32) (result i32)))
      (import "env" "random_u32" (func (param i64)))
      (memory (export "memory") 1)
      (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))"""
    with pytest.raises(caxton.InvalidModule) as raised:
        rt.deploy(module)
    assert len(raised.value.missing) == 2
    assert "`send_message`" in str(raised.value)


def test_a_limit_carries_its_figures(rt: caxton.Runtime) -> None:
    limits = caxton.Limits(max_execution_time_micros=20_000)
    agent = rt.deploy(SPINNER, limits=limits)
    with pytest.raises(caxton.LimitExceeded) as raised:
        agent.request({})
    assert raised.value.kind == "time"
    assert raised.value.limit == 20_000
    assert raised.value.used is not None
    assert raised.value.used >= 20_000


def test_a_trap_carries_its_frames(rt: caxton.Runtime) -> None:
    agent = rt.deploy("""(module (memory (export "memory") 1)
      (func $inner unreachable)
      (func (export "handle_message") (param i32 i32) (result i32) (call $inner) (i32.const 0)))""")
    with pytest.raises(caxton.Trapped) as raised:
        agent.request({})
    assert "unreachable" in raised.value.reason
    assert "inner" in (raised.value.backtrace or "")


@pytest.mark.parametrize(
    "content",
    [object(), {1: 2}, float("nan"), float("inf"), {"a": {1, 2}}, "\ud800", b"bytes", 1j],
)
def test_content_that_is_no_json(rt: caxton.Runtime, content: Any) -> None:
    agent = rt.deploy(SILENT)
    with pytest.raises(caxton.InvalidMessage):
        agent.send(content)


def test_content_that_holds_itself(rt: caxton.Runtime) -> None:
    agent = rt.deploy(SILENT)
    content: list[Any] = []
    content.append(content)
    with pytest.raises(caxton.InvalidMessage, match="holds itself"):
        agent.send(content)


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_that_is_none(rt: caxton.Runtime, timeout: float) -> None:
    agent = rt.deploy(SILENT)
    with pytest.raises(caxton.InvalidArgument):
        agent.ask({}, timeout=timeout)


def test_a_timeout(rt: caxton.Runtime) -> None:
    agent = rt.deploy(SILENT)
    with pytest.raises(caxton.Timeout) as raised:
        agent.ask({}, timeout=0.01)
    assert isinstance(raised.value, TimeoutError)


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("durability", 'expected "full" or "relaxed"'),
        ("profile", 'expected "perfmap" or "jitdump"'),
    ],
)
def test_an_option_with_a_value_that_nobody_knows(option: str, known: str) -> None:
    with pytest.raises(caxton.InvalidArgument, match=known):
        caxton.Runtime(**{option: "nonsense"})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-1, 1 << 70, "many", 1.5, True])
@pytest.mark.parametrize("option", ["workers", "max_agents", "seed"])
def test_an_option_that_is_no_whole_number(option: str, value: Any) -> None:
    with pytest.raises(caxton.InvalidArgument, match=f"{option} is .*, expected a whole number"):
        caxton.Runtime(**{option: value})


@pytest.mark.parametrize("value", [-1, 0, 1 << 70, "many", 1.5])
def test_a_concurrency_that_is_none(rt: caxton.Runtime, value: Any) -> None:
    with pytest.raises(caxton.InvalidArgument, match=r"concurrency is .* whole number"):
        rt.register("h", print, concurrency=value)
    with pytest.raises(caxton.InvalidArgument, match=r"concurrency is .* whole number"):
        rt.agent("h", concurrency=value)(print)
    with pytest.raises(caxton.InvalidArgument, match="the dead letter's id"):
        rt.drop_dead_letter(-1)


@pytest.mark.parametrize(
    ("typo", "meant"), [("timout", "timeout"), ("reciever", "receiver"), ("ontolgy", "ontology")]
)
def test_a_misspelt_option_is_refused_with_the_name_that_may_be_meant(
    rt: caxton.Runtime, typo: str, meant: str
) -> None:
    agent = rt.deploy(SILENT, name="a")
    message = caxton.Message("inform", 1, receiver="a")
    options: dict[str, Any] = {typo: 3}
    calls: list[Any] = [agent.ask, agent.send, agent.request, message.reply, rt.broadcast]
    for call in calls:
        with pytest.raises(caxton.InvalidArgument, match=f'no field "{typo}" .did you.*"{meant}"'):
            call(1, **options)
    with pytest.raises(caxton.InvalidArgument, match=meant):
        caxton.Message("inform", 1, **options)


def test_a_message_of_an_agent_s_is_passed_on_whatever_its_fields(rt: caxton.Runtime) -> None:
    text = '{"performative": "inform", "receiver": "a", "content": 1, "colour": 2}'
    read = caxton.Message.from_json(text)
    assert read.to_dict()["colour"] == 2
    subscription = rt.subscribe(receiver="a")
    rt.deploy(SILENT, name="a")
    rt.send(read)
    seen = subscription.next(timeout=10)
    assert seen is not None
    assert seen.to_dict()["colour"] == 2
    with pytest.raises(caxton.InvalidArgument, match="colour"):
        rt.send(text)


def test_a_broadcast_s_filter(rt: caxton.Runtime) -> None:
    for name in ("a", "b"):
        rt.deploy(SILENT, name=name, capabilities=[name])
    seen = rt.subscribe(receiver="*")
    assert rt.broadcast(1, filter={"capabilities": "a"}, language="l") == 1
    message = seen.next(timeout=10)
    assert message is not None
    assert message.language == "l"
    assert rt.broadcast(1, capability="b") == 1
    for wrong in ("a", 5, ["a"]):
        with pytest.raises(caxton.InvalidArgument, match="filter is of type"):
            rt.broadcast(1, filter=wrong)  # type: ignore[arg-type]


def test_a_closed_runtime() -> None:
    rt = caxton.Runtime()
    agent = rt.deploy(SILENT)
    rt.close()
    rt.close()
    for call in (lambda: agent.send({}), lambda: rt.deploy(SILENT), rt.subscribe, rt.find):
        with pytest.raises(caxton.Closed):
            call()
    assert agent.state == "removed"
    assert rt.closed
