"""The scripts of README.md, run from the README's own text."""

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import caxton
import node
import pytest

ROOT = node.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The blocks of this language in the README."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block(language: str) -> str:
    """The one block of this language in the README."""
    found = blocks(language)
    assert len(found) == 1, f"README.md has {len(found)} blocks of {language}, expected one"
    return found[0]


def test_python() -> None:
    first, negotiation = (run_python(script) for script in blocks("python"))
    assert first == "HELLO\n"
    assert negotiation.startswith("bert painted\nsequenceDiagram\n")


def run_python(script: str) -> str:
    """What a script prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_javascript(tmp_path: Path) -> None:
    script = tmp_path / "first.mjs"
    script.write_text(block("js"), encoding="utf-8")
    done = node.run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "HELLO\n"


def test_rust() -> None:
    source = (ROOT / "core" / "examples" / "first.rs").read_text(encoding="utf-8")
    assert block("rust") == source, "README.md and core/examples/first.rs differ"
    done = subprocess.run(
        [rust_example("first")], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "HELLO\n"


def rust_example(name: str) -> Path:
    """An example as `cargo build --workspace --examples` has built it.

    Cargo builds it anew, and wasmtime with it, where it is asked for this one package: the features
    of the dependencies are others than those of the whole workspace.
    """
    metadata = subprocess.run(
        [os.environ.get("CARGO", "cargo"), "metadata", "--format-version=1", "--no-deps"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    target = Path(json.loads(metadata.stdout)["target_directory"])
    built = target / "debug" / "examples" / name
    assert built.exists(), f"{built} is missing: run `cargo build --workspace --examples` first"
    return built


def test_limits_are_those_of_the_runtime() -> None:
    table = README.split("## Limits")[1].split("\n## ")[0]
    first_cells = "".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))
    assert re.findall(r"`(\w+)`", first_cells) == [limit.name for limit in fields(caxton.Limits)]


def test_content_limits_are_those_of_the_runtime() -> None:
    table = README.split("## Content limits")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert first_cells == [limit.name for limit in fields(caxton.ContentLimits)]


PAGES = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "examples/agents/README.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https://)([^)]+)\)", text):
        name, _, heading = target.partition("#")
        linked = (ROOT / page).parent / name if name else ROOT / page
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [it.lower().replace(" ", "-") for it in headings], target
