"""Grants that somebody wrote into a store, and the ceiling as Python gives it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import caxton
import pytest
from conftest import SILENT


@pytest.mark.parametrize(
    ("grant", "value", "missing"),
    [
        ("dirs", '[{"guest": "/", "host": "/", "access": "rw"}]', 'dirs "/"'),
        ("directory_admin", "true", "directory_admin"),
        ("env", '[["LD_PRELOAD", "x"]]', 'env "LD_PRELOAD"'),
        ("stdout", '"inherit"', 'stdout "inherit"'),
    ],
)
def test_an_edited_store_grants_nothing(
    tmp_path: Path, grant: str, value: str, missing: str
) -> None:
    store = tmp_path / "agents.db"
    with caxton.Runtime(store=store) as rt:
        rt.deploy(SILENT, name="a")
    file = sqlite3.connect(store)
    file.execute(
        f"UPDATE agents SET settings = json_set(settings, '$.grants.{grant}', json(?))", [value]
    )
    file.commit()
    file.close()
    with caxton.Runtime(store=store) as rt:
        agent = rt.agent_named("a")
        assert agent.state == "suspended"
        with pytest.raises(caxton.PermissionDenied, match=missing):
            agent.resume()
        assert agent.state == "suspended"
        event = rt.events("suspended").next(timeout=5)
        assert event is not None
        assert event.content["agent"] == "a"
        assert missing in event.content["missing"][0]
        agent.remove()
    with caxton.Runtime(store=store) as rt:
        assert rt.agents() == []


@pytest.mark.parametrize(
    "ceiling",
    [
        {},
        1,
        caxton.Grants(),
        caxton.Ceiling(grants=None),  # type: ignore[arg-type]
        caxton.Ceiling(limits=1),  # type: ignore[arg-type]
        caxton.Ceiling(limits=caxton.Limits(max_timers=-1)),
        caxton.Ceiling(limits=caxton.Limits(max_cpu_micros=1)),
        caxton.Ceiling(grants=caxton.Grants(dirs={"/data": ("/nowhere", "ro")})),
        caxton.Ceiling(grants=caxton.Grants(dirs={"/data": ("/", "rx")})),  # type: ignore[dict-item]
    ],
)
def test_ceilings_that_are_none(ceiling: Any) -> None:
    with pytest.raises(caxton.InvalidArgument):
        caxton.Runtime(ceiling=ceiling)


@pytest.mark.parametrize(
    ("grants", "said"),
    [
        ({"send_to": "planner"}, 'send_to is "planner", expected a list of names'),
        ({"observe": 5}, "observe is 5, expected a list of names"),
        ({"args": "x"}, 'args is "x", expected a list of texts'),
        ({"dirs": {"/data": "/tmp"}}, "a folder is '/tmp', expected (path, \"ro\")"),
        ({"env": 5}, "env is 5, expected names and their values"),
        ({"dirs": 5}, "grants cannot be read: 'int' object has no attribute 'items'"),
    ],
)
def test_grants_that_are_wrong_say_which_field(grants: dict[str, Any], said: str) -> None:
    with pytest.raises(caxton.InvalidArgument) as error:
        caxton.Runtime(ceiling=caxton.Ceiling(grants=caxton.Grants(**grants)))
    assert said in str(error.value)
