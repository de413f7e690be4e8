"""Traces, pieces of HTML, live views, and what is shown in one line."""

from __future__ import annotations

import io
import os
from pathlib import Path

import caxton
import pytest
from conftest import ROOT, built, until
from test_process import run


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_trace(rt: caxton.Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    rt.register("a", lambda message: message.content)
    hostile = "\x1b[2J\r\n\u202eevil"
    with rt.trace() as trace, rt.trace(performative="inform", file=(plain := io.StringIO())):
        rt.ask({"performative": "request", "receiver": "a", "content": hostile})
        assert trace.missed == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["host", "a"]
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "evil" in out
    assert all(len(line) <= 100 for line in lines)
    assert plain.getvalue().count("\n") == 1
    # What comes after the end is not printed.
    rt.ask({"performative": "request", "receiver": "a", "content": 1})
    trace.close()
    assert capsys.readouterr().out == ""


def test_a_trace_on_a_terminal(rt: caxton.Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    rt.register("a", lambda message: message.content)
    monkeypatch.setenv("COLUMNS", "60")
    coloured, plain, narrow = Terminal(), Terminal(), io.StringIO()
    rt.trace(coloured)
    rt.trace(plain, colour=False)
    rt.trace(narrow, colour=True, width=50)
    rt.ask({"performative": "request", "receiver": "a", "content": "long" * 50})
    rt.close()
    assert "\x1b[" in coloured.getvalue()
    assert all(50 < len(line) <= 60 for line in plain.getvalue().splitlines())
    assert "\x1b[" in narrow.getvalue()


class Odd:
    """A file that says what one raises."""

    encoding = "ascii"

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.written = 0

    def write(self, text: str) -> None:
        self.written += 1
        if isinstance(self.error, UnicodeEncodeError):
            text.encode("ascii")
        else:
            raise self.error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), ValueError("I/O operation on closed file"), OSError(28, "full")]
)
def test_a_trace_ends_quietly_with_its_file(rt: caxton.Runtime, error: Exception) -> None:
    rt.register("a", lambda message: None)
    file = Odd(error)
    trace = rt.trace(file)
    for _ in range(3):
        rt.send({"performative": "inform", "receiver": "a"})
    until(lambda: file.written)
    trace.close()
    assert file.written == 1


def test_a_trace_in_a_narrow_encoding(rt: caxton.Runtime) -> None:
    rt.register("a", lambda message: None)
    file = Odd(UnicodeEncodeError("ascii", "", 0, 1, ""))
    with rt.trace(file):
        rt.send({"performative": "inform", "receiver": "a"})
        rt.send({"performative": "inform", "receiver": "a"})
    assert file.written == 4


def test_a_trace_is_complete_when_a_script_ends() -> None:
    out = run("""
        rt = caxton.Runtime()
        rt.register("a", lambda message: message.content)
        rt.trace()
        for number in range(200):
            rt.ask({"performative": "request", "receiver": "a", "content": number})
    """)
    assert len(out.splitlines()) == 400


def test_a_trace_into_a_pipe_that_nobody_reads() -> None:
    out = run("""
        import os
        read, write = os.pipe()
        rt = caxton.Runtime()
        rt.register("a", lambda message: message.content)
        rt.trace(os.fdopen(write, "w", buffering=1))
        os.close(read)
        for number in range(20):
            rt.ask({"performative": "request", "receiver": "a", "content": number})
        rt.close()
        print("end")
    """)
    assert out == "end\n"


def test_pieces_of_html(rt: caxton.Runtime) -> None:
    hostile = "<script>window.pwned=1</script>"
    agent = rt.deploy(built("rust"), name=hostile)
    message = caxton.Message("inform", hostile, receiver=hostile)
    for shown in (rt, agent, message):
        html = shown._repr_html_()
        assert "&lt;script&gt;" in html
        assert "<script" not in html


def test_a_live_view_needs_a_notebook(rt: caxton.Runtime) -> None:
    with pytest.raises(RuntimeError, match="notebook"):
        rt.watch()
    with pytest.raises(caxton.InvalidArgument, match="interval"):
        rt.watch(interval=0)


def test_exit_while_a_live_view_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    out = run("""
        import threading, time
        from IPython.core.interactiveshell import InteractiveShell
        InteractiveShell.instance()
        rt = caxton.Runtime()
        rt.watch(interval=0.0001)
        for number in range(20):
            rt.deploy(SILENT)
            time.sleep(0.002)
        forgotten = caxton.Runtime()
        watch = forgotten.watch(interval=0.01)
        del forgotten
        watch._thread.join(30)
        print(watch._thread.is_alive())
    """)
    assert "HTML" in out
    assert "False\n" in out


def test_what_is_hidden_in_names_is_shown_in_one_line(rt: caxton.Runtime) -> None:
    rt.register("a", lambda message: None)
    talk = {"protocol": "fipa-request", "conversation_id": "\x1b[2J\n" * 100}
    rt.send({"performative": "request", "receiver": "a", **talk})
    (found,) = rt.conversations()
    assert "\x1b" not in repr(found)
    assert "\n" not in repr(found)
    assert len(repr(found)) < 700


def test_the_stubs_name_every_choice() -> None:
    stub = (ROOT / "bindings-python" / "python" / "caxton" / "_caxton.pyi").read_text()
    core = ROOT / "core" / "src"
    for file, head in [
        ("conversation/protocol.rs", 'choice!(Protocol, "the protocol",'),
        ("conversation/machine.rs", 'choice!(Stage, "the stage of a conversation",'),
        ("conversation/view.rs", 'choice!(Note, "the note of a message",'),
        ("initiator/outcome.rs", 'choice!(Status, "the status of a participant",'),
    ]:
        text = (core / file).read_text()
        choices = text.split(head)[1].split(");")[0]
        for choice in choices.split('"')[1::2]:
            assert f'"{choice}"' in stub, choice


def test_a_runtime_that_is_forked_traces_nothing() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    out = run("""
        import os, sys, warnings
        warnings.simplefilter("ignore")
        rt = caxton.Runtime()
        rt.register("a", lambda message: 1)
        rt.trace()
        child = os.fork()
        if child == 0:
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        rt.ask({"performative": "request", "receiver": "a"})
    """)
    assert len(out.splitlines()) == 2
