"""The engine's share of a run of ``descent``: time outside the solver's step and the check.

    python benchmarks/overhead.py [FILE...]

FILEs, if any, are solved first, in one call.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mull.engine import Budget, Instance, Problem, Task, solve
from mull.engine.store import Store
from mull.problems import load
from mull.solvers.descent import Descent

spent = 0.0


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function: its wall time is added to ``spent``."""

    def call(*arguments: Any, **options: Any) -> Any:
        global spent
        start = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent += time.perf_counter() - start

    return call


def measure(name: str, problems: list[Problem], store: Store) -> None:
    """Solve the problems and print the engine's share of the wall time."""
    global spent
    spent = 0.0
    start = time.perf_counter()
    solutions = solve(problems, Descent(), Task(Budget(seconds=60)), store=store)
    total = time.perf_counter() - start
    solved = sum(s.status.solved for s in solutions)
    print(
        f"{name}, engine's share: {100 * (1 - spent / total):.1f} % of {total:.2f} s ({solved} of {len(problems)} solved)"
    )


def main() -> None:
    # The step, and every part of the check: decoding, the check on tensors, the final check in plain Python.
    Descent.step = timed(Descent.step)  # type: ignore[method-assign]
    Descent.decode = timed(Descent.decode)  # type: ignore[method-assign]
    Instance.check = timed(Instance.check)  # type: ignore[method-assign]
    Problem.broken = timed(Problem.broken)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(str(Path(folder) / "runs.db"))
        warm = [load("sat:20:80", seed=0)[0]]
        solve(warm, Descent())  # the first call includes the start-up of torch
        if files := sys.argv[1:]:
            measure(f"{len(files)} files", [p for file in files for p in load(file)], store)
        measure("100 random 3-SAT of 100 variables", [load("sat:100:420", seed=i)[0] for i in range(100)], store)
        measure("one random 3-SAT of 100 variables", load("sat:100:420", seed=1), store)
        measure("1,000 4x4 Sudokus", [load("sudoku:4", seed=i)[0] for i in range(1000)], store)
        measure("100 colourings of 60 vertices", [load("coloring:60:0.1:4", seed=i)[0] for i in range(100)], store)


if __name__ == "__main__":
    main()
