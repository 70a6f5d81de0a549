"""The notebooks in ``examples/notebooks``: valid, without outputs, and each runs from the first cell to the last."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.ipynb"))


RUN = """
import sys
from mull.problems.sudoku import stream
stream.SHARE_CHUNK[4] = 256
exec(sys.argv[1])
"""
"""Code that runs a program with small chunks of boards."""


def test_there_are_notebooks() -> None:
    assert {"tour", "train-a-reasoner", "write-a-solver"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    notebook = json.loads(path.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    assert not any(each["outputs"] for each in cells)
    program = "\n\n".join("".join(each["source"]) for each in cells)
    ran = subprocess.run([sys.executable, "-c", RUN, program], capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
