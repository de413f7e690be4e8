"""The command ``caxton``, which the package brings along; what it does is tested in ``cli``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SPINNER, UPPERCASE, built

SCRIPT = [str(Path(sys.executable).parent / "caxton")]
MODULE = [sys.executable, "-m", "caxton"]


@pytest.mark.parametrize("command", [SCRIPT, MODULE], ids=["script", "module"])
def test_it_runs_an_agent(command: list[str]) -> None:
    arguments = ["run-agent", str(built("rust")), "--json", "--message", json.dumps(UPPERCASE)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["content"]["result"]["result"] == "HELLO"


def test_its_exit_code_is_that_of_the_command() -> None:
    done = subprocess.run([*MODULE, "inspect", "nowhere.wasm"], capture_output=True, timeout=60)
    assert done.returncode == 3
    assert b"nowhere.wasm" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    spinner = tmp_path / "spinner.wat"
    spinner.write_text(SPINNER)
    endless = ["--limit", "max_execution_time_micros=none"]
    process = subprocess.Popen(
        [*MODULE, "run-agent", str(spinner), "--message", "1", *endless],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        # It may not have begun to listen: Ctrl-C then ends it as it ends any program.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
    assert process.returncode in (130, -signal.SIGINT)
