"""The scripts of README.md, run from the README's own text."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import node

ROOT = node.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one block of this language in the README."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"README.md has {len(blocks)} blocks of {language}, expected one"
    return blocks[0]


def test_python() -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "HELLO\n"


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
