"""Running scripts in Node as somebody would who has installed the package in bindings-node."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINDING = ROOT / "bindings-node"


def run(script: Path, folder: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs ``script``, which lies in ``folder``, where `import "caxton"` finds the package."""
    for built in (BINDING / "caxton.node", BINDING / "dist" / "index.js"):
        assert built.exists(), f"{built} is missing: run `npm run build` in bindings-node first"
    node = shutil.which("node")
    assert node is not None, "these tests need Node 20 or later, and there is no `node` here"
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "caxton").symlink_to(BINDING, target_is_directory=True)
    return subprocess.run(
        [node, script], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
