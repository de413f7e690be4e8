"""Every script in examples/, run as its reader would run it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import node
import pytest

EXAMPLES = node.ROOT / "examples"

#: Each script, and parts of what it prints.
PRINTED = {
    "demo.py": ["assemblyscript → c", "The answer, from c: HELLO FROM THREE LANGUAGES"],
    "callbacks.py": ["bonjour", "answers of the async callback: 100", "KeyError: 'gnihton'"],
    "many.py": ["1000 agents deployed", "all right: True"],
    "limits.py": ["kind=time limit=300000", "kind=memory limit=8388608", "afterwards: STILL HERE"],
    "asyncio_chat.py": ["answers: ENO OWT EERHT"],
    "negotiation.py": [
        "winner: assemblyscript at 3",
        "rejected: ['rust', 'c'] refused: ['busy']",
        "fastest:",
        "sold to: rust for 6.0",
        "sequenceDiagram",
        "accept-proposal",
    ],
    "demo.mjs": ["assemblyscript → c", "The answer, from c: HELLO FROM THREE LANGUAGES"],
    "callbacks.mjs": ["bonjour", "answers of the async callback: 100", "not in the glossary"],
    "limits.mjs": ["kind=time limit=300000", "kind=memory limit=8388608", "afterwards: STILL HERE"],
    "negotiation.mjs": [
        "winner: assemblyscript for 3",
        "rejected: rust, c - refused: script",
        "the quickest that is cheap: assemblyscript",
        "sequenceDiagram",
    ],
}


def test_no_script_is_left_out() -> None:
    scripts = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".mjs"}}
    assert scripts == set(PRINTED)


@pytest.mark.parametrize("name", [name for name in PRINTED if name.endswith(".py")])
def test_python(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        # Not the folder of the script: it has to find its agents from anywhere.
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    check(name, done)


@pytest.mark.parametrize("name", [name for name in PRINTED if name.endswith(".mjs")])
def test_javascript(name: str, tmp_path: Path) -> None:
    (tmp_path / "agents").symlink_to(EXAMPLES / "agents", target_is_directory=True)
    script = Path(shutil.copy(EXAMPLES / name, tmp_path))
    check(name, node.run(script, tmp_path, cwd=tmp_path))


def check(name: str, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr
    for part in PRINTED[name]:
        assert part in " ".join(done.stdout.split()), done.stdout
