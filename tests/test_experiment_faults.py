"""Experiments whose declaration is wrong, and interrupts while processes start."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import call as program
from conftest import install
from mull.engine.registry import EXPERIMENTS
from mull.experiments.parts import Parts
from mull.experiments.running import ENDS, _blocked


@pytest.fixture
def run(
    site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], str]:
    """Runs an experiment of two solvers with some lines of its own; returns its last lines on stderr."""
    monkeypatch.setenv("MULL_WEIGHTS", str(tmp_path / "data" / "weights"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_faults", raising=False)

    def run(lines: str) -> str:
        code = "from test_experiments import Small\nclass Faulty(Small):\n    name = 'faulty'\n" + lines
        install(site, "acme-faults", {"faulty": "acme_faults:Faulty"}, {"acme_faults": code}, EXPERIMENTS)
        status = program("experiment", "run", "faulty", "--no-store", "--jobs", "1", "--output", str(tmp_path))
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert status == (0 if "wrote" in err else 2)
        return err

    return run


def outcomes(value: str) -> str:
    return f"    def outcomes(self, part, problems):\n        return {value}\n"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (outcomes("None"), "outcomes returned NoneType, not columns by name"),
        (outcomes("{}"), "outcomes returned no column"),
        (outcomes("{'p': 'yes'}"), "column 'p' is str, not a list of numbers"),
        (outcomes("{'p': ['yes']}"), "column 'p' has a value of type str"),
        (outcomes("{'p': [None]}"), "column 'p' has a value of type NoneType"),
        (outcomes("{'p': [float('nan')]}"), "column 'p' has the value nan, which is not finite"),
        (outcomes("{part.method.label: [True]}"), "column 'exact' is missing in the outcomes of 'local', seed 0"),
        (outcomes("{'p': [True] * (1 + part.seed)}"), "column 'p' has 1 values for 'exact', seed 0, and 2"),
        ("    def methods(self, full):\n        return []\n", "the experiment has no method"),
        ("    def problems(self, full):\n        return {}\n", "the experiment has no set of problems"),
        ("    seeds = ()\n", "the experiment has no seed"),
        ("    def verdict(self, results):\n        return 'holds'\n", "verdict returned str, not a Verdict"),
        ("    def problems(self, full):\n        raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_a_wrong_declaration_is_one_message(run: Callable[[str], str], lines: str, message: str) -> None:
    assert message in run(lines)


def test_columns_of_numbers_alone_need_no_figure(run: Callable[[str], str], tmp_path: Path) -> None:
    number = "    def verdict(self, results):\n        return results.compare('exact', 'local', 'p')\n"
    assert "wrote" in run(outcomes("{'p': [0.5, 1.5]}") + number)
    assert (tmp_path / "faulty.md").exists()
    assert not (tmp_path / "faulty.svg").exists()


@pytest.mark.parametrize("values", [np.array([True, False]), [True, False], (True, False)])
def test_arrays_are_columns_of_truth_values(tmp_path: Path, values: Any) -> None:
    from mull.experiments.experiment import Method

    parts = Parts(tmp_path, [Method("exact", "cpsat")], {}, "0", "cpu")
    parts.write(0, 0, {"p": values}, 0)
    read = parts.read(0, 0)
    assert read is not None
    assert read.columns == {"p": [True, False]}


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")
def test_an_interrupt_does_not_reach_a_process_that_starts() -> None:
    code = "import os, signal; os._exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
    process = get_context("spawn").Process(target=exec, args=(code, {}))
    with _blocked():
        process.start()
    process.join()
    assert process.exitcode == len(ENDS)
    assert not {*ENDS} & signal.pthread_sigmask(signal.SIG_BLOCK, [])
