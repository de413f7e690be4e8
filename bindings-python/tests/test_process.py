"""What only a process of its own can show: signals, forks, and how an interpreter ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from conftest import BUILT, SILENT, SLEEPER, SPINNER

#: Against hanging only.
DEADLINE = 60


#: Tells the names of the runtime's threads in a script.
THREADS = """
import os

def threads():
    found = []
    for task in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else []:
        try:
            with open(f"/proc/self/task/{task}/comm") as name:
                found.append(name.read().strip())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return [name for name in found if name.startswith("caxton")]

"""


def start(code: str, *, imported: bool = True) -> subprocess.Popen[str]:
    """Runs a script that knows the agents of the tests."""
    given = {
        "SILENT": SILENT,
        "SLEEPER": SLEEPER,
        "SPINNER": SPINNER,
        "RUST": str(BUILT / "rust.wasm"),
    }
    names = "".join(f"{name} = {value!r}\n" for name, value in given.items())
    script = ("import caxton\n" if imported else "") + names + THREADS + textwrap.dedent(code)
    # Without a cache the modules are compiled, which has threads of its own.
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", script],
        env={**os.environ, "CAXTON_CACHE_DIR": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, *, imported: bool = True) -> str:
    """Runs a script to its end; what it printed."""
    process = start(code, imported=imported)
    out, error = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, f"{process.returncode}: {error}"
    return out


def test_exit_without_closing() -> None:
    out = run("""
        rt = caxton.Runtime()
        rt.deploy(SILENT).send({})
        rt.deploy(SPINNER, limits=caxton.Limits(max_execution_time_micros=None)).send({})
        rt.deploy(SLEEPER, limits=caxton.Limits(max_execution_time_micros=None)).send({})
        rt.register("h", lambda message: None)
        async def h(message): return None
        rt.register("g", h)
        rt.subscribe(print)
        print("end")
    """)
    assert out == "end\n"


def test_exit_while_handlers_are_busy() -> None:
    out = run("""
        import time
        rt = caxton.Runtime()
        for number in range(4):
            rt.register(f"h{number}", lambda message: time.sleep(0.002), concurrency=4)
        for number in range(400):
            rt.send({"performative": "inform", "receiver": f"h{number % 4}"})
        print("end")
    """)
    assert out == "end\n"


def test_exit_while_callbacks_are_busy() -> None:
    out = run("""
        import time
        rt = caxton.Runtime()
        rt.deploy(SILENT, name="a", limits=caxton.Limits(max_messages_per_second=None))
        for _ in range(4):
            rt.subscribe(lambda message: time.sleep(0.002), receiver="a")
        for _ in range(400):
            rt.send({"performative": "inform", "receiver": "a"})
        print("end")
    """)
    assert out == "end\n"


def test_exit_while_a_callback_runs() -> None:
    out = run("""
        import threading
        rt = caxton.Runtime()
        began = threading.Event()
        def handle(message):
            began.set()
            threading.Event().wait(0.5)
        rt.register("h", handle)
        rt.send({"performative": "inform", "receiver": "h"})
        began.wait()
        print("end")
    """)
    assert out == "end\n"


def test_exit_with_asyncio_and_nothing_closed() -> None:
    out = run("""
        import asyncio
        async def main():
            rt = caxton.AsyncRuntime()
            agent = await rt.deploy(SILENT)
            async def h(message): return 1
            rt.register("h", h)
            asyncio.get_running_loop().create_task(agent.ask({}))
            await asyncio.sleep(0)
            print("end")
        asyncio.run(main())
    """)
    assert out == "end\n"


def test_sys_exit_in_a_callback_ends_nothing() -> None:
    out = run("""
        import logging, sys
        logging.disable()
        with caxton.Runtime() as rt:
            rt.register("h", lambda message: sys.exit(7))
            print(rt.ask({"performative": "request", "receiver": "h"}).performative)
    """)
    assert out == "failure\n"


@pytest.mark.parametrize(
    "wait",
    [
        "rt.deploy(SILENT).ask({}, timeout=None)",
        "rt.subscribe().next(timeout=None)",
        "list(rt.subscribe())",
        "rt.ask_many([{'performative': 'request', 'receiver': 's'}] * 9, timeout=None)",
    ],
)
def test_ctrl_c_interrupts_a_wait(wait: str) -> None:
    process = start(f"""
        import sys
        rt = caxton.Runtime()
        rt.deploy(SILENT, name="s")
        try:
            print("waiting", flush=True)
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "interrupted\n"


def test_faulthandler_enabled_late() -> None:
    out = run("""
        import faulthandler
        wild = '''(module (memory (export "memory") 1)
          (func (export "handle_message") (param i32 i32) (result i32)
            (i32.load (i32.const -16))))'''
        with caxton.Runtime() as rt:
            agent = rt.deploy(wild)
            for _ in range(3):
                faulthandler.disable()
                faulthandler.enable()
                try:
                    agent.request({})
                except caxton.Trapped as error:
                    print("memory" in error.reason)
    """)
    assert out == "True\n" * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_fork_gives_a_clear_error_in_the_child() -> None:
    out = run("""
        import os, sys, warnings
        warnings.simplefilter("ignore")
        rt = caxton.Runtime()
        agent = rt.deploy(SILENT)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            try:
                agent.send({})
            except caxton.Closed as error:
                print("fork" in str(error), flush=True)
            rt.close()
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        agent.send({})
        print("parent")
    """)
    assert out == "True\nparent\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_forked_before_the_first_runtime_makes_its_own() -> None:
    out = run("""
        import os, sys, warnings
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            with caxton.Runtime() as rt:
                rt.deploy(SILENT).send({})
                print("child", flush=True)
                grandchild = os.fork()
                if grandchild == 0:
                    try:
                        caxton.Runtime()
                    except caxton.Closed as error:
                        print("fork" in str(error), flush=True)
                    sys.exit(0)
                assert os.waitpid(grandchild, 0)[1] == 0
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        caxton.Runtime().deploy(SILENT).send({})
        print("parent")
    """)
    assert out == "child\nTrue\nparent\n"


def test_spawn_works() -> None:
    out = run("""
        import subprocess, sys
        deploy = f"import caxton; caxton.Runtime().deploy({SILENT!r}); print('child')"
        rt = caxton.Runtime()
        child = subprocess.run([sys.executable, "-c", deploy], capture_output=True, text=True)
        print(child.stdout, end="")
    """)
    assert out == "child\n"


def test_a_killed_process_leaves_nothing_that_hinders_the_next() -> None:
    process = start("""
        rt = caxton.Runtime()
        rt.deploy(SPINNER, limits=caxton.Limits(max_execution_time_micros=None)).send({})
        print("running", flush=True)
        rt.deploy(SILENT).ask({}, timeout=None)
    """)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.kill()
    process.communicate(timeout=DEADLINE)
    assert "HELLO" in run("""
        with caxton.Runtime() as rt:
            data = {"operation": "uppercase", "data": "hello"}
            print(rt.deploy(RUST).request({"action": "process_data", "data": data}).content)
    """)


def test_importing_starts_nothing() -> None:
    assert run("print(threads())") == "[]\n"


def test_closing_leaves_no_thread_behind() -> None:
    out = run("""
        import time
        rt = caxton.Runtime()
        rt.deploy(SILENT)
        async def h(message): return None
        rt.register("h", h)
        rt.register("g", lambda message: None)
        rt.subscribe(print)
        rt.close()
        del rt
        # The last thing that a thread does is to leave the list.
        end = time.monotonic() + 30
        while threads() and time.monotonic() < end:
            pass
        print(threads())
    """)
    assert out == "[]\n"


def test_a_process_whose_importing_thread_has_ended() -> None:
    code = """
        import threading

        def use():
            import caxton
            with caxton.Runtime() as rt:
                rt.register("me", lambda message: 7)
                answers.append(rt.ask({"performative": "request", "receiver": "me"}).content)

        answers = []
        for _ in range(3):
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        use()
        print(answers)
    """
    assert run(code, imported=False) == "[7, 7, 7, 7]\n"


PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.parametrize("library", PATCHES)
def test_handlers_run_where_threads_have_been_replaced(library: str) -> None:
    out = run(
        f"""
        import warnings
        warnings.simplefilter("ignore")
        {PATCHES[library]}
        import logging
        import threading
        import caxton

        seen = []
        def handle(message):
            return [message.content, threading.current_thread().name]

        async def handle_async(message):
            return message.content

        with caxton.Runtime() as rt:
            rt.register("plain", handle)
            rt.register("async", handle_async)
            rt.subscribe(lambda message: seen.append(message.content), receiver="plain")
            for receiver in ("plain", "async"):
                ask = {{"performative": "request", "receiver": receiver, "content": "hello"}}
                print(rt.ask(ask, timeout=20).content)
        print(seen)
        """,
        imported=False,
    )
    assert out.splitlines()[:2] == ["['hello', 'caxton-plain']", "hello"]
    assert out.splitlines()[2] in ("['hello']", "[]")


def test_debuggers_look_into_handlers() -> None:
    out = run(
        """
        import sys
        import threading

        seen = set()
        def trace(frame, event, argument):
            seen.add(frame.f_code.co_name)

        def handle(message):
            return 1

        threading.settrace(trace)
        with caxton.Runtime() as rt:
            rt.register("h", handle)
            rt.ask({"performative": "request", "receiver": "h"})
        print("handle" in seen)
        """
    )
    assert out == "True\n"
