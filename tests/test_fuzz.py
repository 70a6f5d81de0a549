"""Mutated files: every reader reads them or raises an InputError. The long campaign is benchmarks/fuzz.py."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from mull.problems import families

pytestmark = pytest.mark.slow

FUZZ = runpy.run_path(str(Path(__file__).parent.parent / "benchmarks" / "fuzz.py"))


@pytest.mark.parametrize("family", [*families(), "npz"])
def test_mutated_files_are_read_or_refused(family: str, tmp_path: Path) -> None:
    wrong = [(error, data) for data, _, _, error in FUZZ["campaign"](family, 150, 1, tmp_path) if error is not None]
    assert not wrong


@pytest.mark.parametrize("family", list(families()))
def test_unusual_specifications_are_generated_or_refused(family: str) -> None:
    wrong = [(error, spec) for spec, _, _, error in FUZZ["specifications"](family, 100, 1) if error is not None]
    assert not wrong
