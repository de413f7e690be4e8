"""The live view and the pictures, in JupyterLab in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).resolve().parents[2]
#: Against hanging only, in seconds.
HANGS = 60

#: Names that would run as scripts, were they not escaped.
SCRIPT = "<script>window.pwned=1</script>"
IMAGE = "<img src=x onerror=window.pwned=2>"

CELLS = {
    "deploy": f"""
        import time
        import caxton
        rt = caxton.Runtime()
        agents = {str(ROOT / "examples" / "agents")!r}
        rt.deploy(f"{{agents}}/rust.wasm", name={SCRIPT!r}, config={{"price": 7}})
        rt.deploy(f"{{agents}}/c.wasm", name={IMAGE!r}, config={{"price": 5}})
        slow = rt.register("slow")
        @slow.on("cfp")
        def offer(message):
            time.sleep(4)
            return {{"price": 9}}
    """,
    "watch": "watching = rt.watch(interval=0.1)",
    "negotiate": f"""
        names = [{SCRIPT!r}, {IMAGE!r}, "slow"]
        outcome = rt.contract_net({{"dig": {SCRIPT!r}}}, names, deadline=30)
    """,
    "outcome": "outcome",
    "conversation": "rt.conversation(outcome.conversation_id)",
    "runtime": "rt",
    "agent": "rt.agents()[1]",
    "message": "outcome.result",
    "second": "other = rt.watch(); other.close()",
    "end": "rt.close(); 'the end'",
    "threads": """
        import threading
        watching._thread.join(5)
        [thread.name for thread in threading.enumerate() if "watch" in thread.name]
    """,
}


@pytest.fixture(scope="module")
def chromium() -> tuple[str, str]:
    """The paths of a browser and of its driver; Debian's are installed where that may be done."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            pytest.skip("there is no chromium with its chromedriver here, and none can be had")
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium", "chromium-driver"]):
            done = subprocess.run(["apt-get", *command], env=env, capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"there is no chromium here, and apt-get has none: {done.stderr}")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert browser is not None
    assert driver is not None
    return browser, driver


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a notebook with the cells, under a JupyterLab of its own."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook()
    for name, source in CELLS.items():
        lines = source.strip().splitlines()
        # The first line has lost its margin already.
        text = "\n".join([lines[0], *(line.removeprefix(" " * 8) for line in lines[1:])])
        notebook.cells.append(nbformat.v4.new_code_cell(text, id=name))
    notebook.metadata.kernelspec = {"name": "caxton", "display_name": "caxton"}
    (folder / "root").mkdir()
    nbformat.write(notebook, folder / "root" / "test.ipynb")

    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    write(
        folder / "data" / "kernels" / "caxton" / "kernel.json",
        {"argv": argv, "display_name": "caxton", "language": "python"},
    )
    settings = folder / "settings" / "@jupyterlab"
    write(
        settings / "notebook-extension" / "tracker.jupyterlab-settings",
        # Every cell is in the page, whether it can be seen or not.
        {"windowingMode": "none"},
    )
    write(
        settings / "apputils-extension" / "notification.jupyterlab-settings",
        {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (folder / "log").open("w")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
            *("--IdentityProvider.token=", "--ServerApp.password="),
            f"--ServerApp.root_dir={folder / 'root'}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
        ],
        env={
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
        },
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        until("JupyterLab answers", lambda: answers(direct, server, address), folder / "log")
        yield f"{address}/doc/tree/test.ipynb"
    finally:
        server.terminate()
        server.wait(HANGS)
        log.close()


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def answers(direct: Any, server: subprocess.Popen[bytes], address: str) -> bool:
    assert server.poll() is None, "JupyterLab has ended"
    try:
        with direct.open(f"{address}/api", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def until(what: str, condition: Callable[[], object], log: Path | None = None) -> Any:
    """Waits for a condition, and gives what it came to."""
    end = time.monotonic() + HANGS
    while not (found := condition()):
        told = log.read_text() if log else ""
        assert time.monotonic() < end, f"it was not so in {HANGS} s: {what}\n{told}"
        time.sleep(0.05)
    return found


@pytest.fixture
def page(chromium: tuple[str, str], jupyter: str, tmp_path: Path) -> Iterator[Any]:
    """The notebook in a browser, with a kernel that is ready."""
    browser, driver = chromium
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--disable-dev-shm-usage", "--no-proxy-server", "--window-size=1300,3000"),
        f"--user-data-dir={tmp_path / 'profile'}",
    ]:
        options.add_argument(argument)
    page = webdriver.Chrome(options=options, service=Service(driver))
    try:
        page.get(jupyter)
        until(
            "the notebook is there, and its kernel idle",
            lambda: page.execute_script("""
                const notebook = window.jupyterapp?.shell?.currentWidget;
                return notebook?.content?.widgets?.length > 0
                    && notebook.sessionContext.session?.kernel?.status === "idle";
            """),
        )
        yield page
    finally:
        page.quit()


class Notebook:
    """The cells of a page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def _of(self, cell: str, expression: str) -> Any:
        place = list(CELLS).index(cell)
        return self.page.execute_script(f"""
            const notebook = window.jupyterapp.shell.currentWidget.content;
            const cell = notebook.widgets[{place}];
            return {expression};
        """)

    def start(self, cell: str) -> None:
        self._of(cell, f"(notebook.activeCellIndex = {list(CELLS).index(cell)}, null)")
        self.page.execute_script("void window.jupyterapp.commands.execute('notebook:run-cell')")

    def is_running(self, cell: str) -> bool:
        return bool(self._of(cell, "cell.model.executionState === 'running'"))

    def has_run(self, cell: str) -> bool:
        return bool(self._of(cell, "cell.model.executionCount !== null")) and not self.is_running(
            cell
        )

    def run(self, cell: str) -> str:
        """Runs a cell to its end; the HTML of its outputs."""
        self.start(cell)
        until(f"the cell {cell} has run", lambda: self.has_run(cell))
        html = self.html(cell)
        assert "Traceback" not in html, html
        return html

    def html(self, cell: str) -> str:
        return str(self._of(cell, "cell.outputArea.node.innerHTML"))

    def drawings(self, cell: str) -> int:
        """How many there are in a cell's outputs, the page's own icons aside."""
        found = "cell.outputArea.node.querySelectorAll('.jp-RenderedHTMLCommon svg').length"
        return int(self._of(cell, found))

    def text(self, cell: str) -> str:
        return str(self._of(cell, "cell.outputArea.node.innerText"))


def test_a_live_view_and_its_pictures(page: Any, tmp_path: Path) -> None:
    notebook = Notebook(page)
    notebook.run("deploy")
    notebook.run("watch")
    assert SCRIPT in notebook.text("watch")
    assert notebook.drawings("watch") == 0

    notebook.start("negotiate")
    # The proposals of the quick ones are there while the cell still waits for the slow one.
    until("the view shows the conversation", lambda: "propose" in notebook.text("watch"))
    assert notebook.is_running("negotiate")
    assert notebook.drawings("watch") == 1
    assert "open" in notebook.text("watch")
    until("the negotiation is over", lambda: notebook.has_run("negotiate"))
    until("the view shows the end", lambda: "ended" in notebook.text("watch"))

    for cell in ("outcome", "conversation"):
        html = notebook.run(cell)
        assert notebook.drawings(cell) == 1
        assert "accept-proposal" in html
    assert SCRIPT in notebook._of("conversation", "cell.outputArea.node.textContent")
    for cell in ("runtime", "agent"):
        assert IMAGE in (notebook.run(cell) and notebook.text(cell))
    assert "inform" in (notebook.run("message") and notebook.text("message"))
    notebook.run("second")
    notebook.run("end")
    until("the view shows that the runtime is closed", lambda: "closed" in notebook.text("watch"))
    assert "closed" not in notebook.text("second")
    assert "[]" in (notebook.run("threads") and notebook.text("threads"))
    assert page.execute_script("return typeof window.pwned") == "undefined"

    picture = tmp_path / "notebook.png"
    assert page.save_screenshot(str(picture))
    print(f"a picture of it: {picture}")
