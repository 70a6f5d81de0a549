"""The simulation of many workers in ``benchmarks/scale.py``: its tables depend on the seed alone."""

from __future__ import annotations

import subprocess
import sys

from conftest import BENCHMARKS


def printed(*arguments: str) -> str:
    line = [sys.executable, str(BENCHMARKS / "scale.py"), *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


def test_its_tables_depend_on_the_seed_alone() -> None:
    first = printed("0", "1e7")
    assert printed("0", "1e7") == first
    assert printed("1", "1e7") != first


def test_the_manual_has_its_tables() -> None:
    manual = (BENCHMARKS.parent / "docs/benchmarks.md").read_text()
    rows = [line for line in printed("0", "1e6").splitlines() if line.startswith("| 10^")]
    assert len(rows) == 6
    assert all(row in manual for row in rows)
