"""The notebook, from top to bottom, under a Jupyter kernel of this interpreter."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "caxton.ipynb"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each cell shows, by the cell's id."""
    jupyter = tmp_path_factory.mktemp("jupyter")
    spec = jupyter / "kernels" / "caxton-tests"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": argv, "display_name": "caxton-tests", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel))

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(jupyter))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(jupyter / "runtime"))
        patch.setenv("IPYTHONDIR", str(jupyter / "ipython"))
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name="caxton-tests",
            resources={"metadata": {"path": str(ROOT)}},
        )
        client.execute()
    return {cell.id: shown(cell) for cell in notebook.cells if cell.cell_type == "code"}


def shown(cell: nbformat.NotebookNode) -> str:
    """The text of a cell's outputs. None of the cells has anything to write to the error stream."""
    text = ""
    for output in cell.outputs:
        if output.output_type == "stream":
            assert output.name == "stdout", output.text
            text += output.text
        else:
            text += output.data["text/plain"]
    return text


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("deploy", "'rust' active"),
        ("request", "'HELLO'"),
        ("fields", "'performative': 'inform'"),
        ("trace", "inform c → host"),
        ("relayed", "'THREE LANGUAGES'"),
        ("callback", "'asked_by': 'rust'"),
        ("net", "shoveller {'result': {'done': {'price': 3}}} ['busy']"),
        ("diagram", "fipa-contract-net ended, 3 participants"),
        ("mermaid", "sequenceDiagram"),
        ("watch", "{'result': 'rust'}"),
        ("limit", "time - "),
        ("limit", "HELLO"),
        ("invalid", "send_mesage"),
        ("close", "True"),
        ("gather", "['eno', 'owt', 'eerht']"),
        ("listen", "{'letters': 5}"),
    ],
)
def test_cell(outputs: dict[str, str], cell: str, part: str) -> None:
    assert part in outputs[cell].replace('"rust"', "'rust'")


def test_is_kept_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
