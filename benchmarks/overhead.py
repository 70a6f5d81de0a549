"""The engine's share of a run: the time outside the check and the solver's step, or the kernels of compiled searches.

    python benchmarks/overhead.py [--compiled] [FILE...]

FILEs, if any, are solved first by ``descent``, in one call. With ``--compiled`` only the compiled searches run, and the
figures are CPU time: kernels run on several threads.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mull
from mull.engine import Budget, Instance, Problem, Task, solve
from mull.engine.moves.compiled import Kernel
from mull.engine.moves.graph import MoveGraph
from mull.engine.store import Store
from mull.problems import load
from mull.solvers.descent import Descent

SECONDS = 4.0
"""Limit of each run of a compiled search."""
COMPILED = (
    ("probsat", "random 3-SAT of 2,000 variables", 2),
    ("probsat", "random 3-SAT of 250 variables", 100),
    ("tabu", "maxcut:400:0.05", 2),
    ("tabu", "maxcut:60:0.2", 50),
    ("minconflicts", "qap:20", 2),
    ("minconflicts", "tsp:40", 20),
    ("anneal", "tsp:60", 2),
    ("anneal", "qap:12", 50),
)
"""Solver, problems and how many of them. None of these searches ends before its limit."""

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


def formula(spec: str, seed: int) -> Problem:
    """Random 3-SAT with five clauses a variable, which no search satisfies; the number of variables is in ``spec``."""
    rng = random.Random(seed)
    n = int(spec.split()[-2].replace(",", ""))
    clauses = [[v * rng.choice((1, -1)) for v in rng.sample(range(1, n + 1), 3)] for _ in range(5 * n)]
    lines = [f"p cnf {n} {5 * n}", *(f"{a} {b} {c} 0" for a, b, c in clauses)]
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
        file.write("\n".join(lines))
        file.flush()
        return load(file.name)[0]


def measure_compiled(store: Store) -> None:
    """Print the engine's share of the CPU time of compiled searches, without the compilation of their kernels."""
    worked: list[float] = []  # seconds of each call of a kernel or a check: threads append to it

    def timed_work(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            start = time.thread_time()
            try:
                return function(*arguments)
            finally:
                worked.append(time.thread_time() - start)

        return call

    Kernel.__call__ = timed_work(Kernel.__call__)  # type: ignore[method-assign]
    MoveGraph.violations = timed_work(MoveGraph.violations)  # type: ignore[method-assign]
    Problem.broken = timed_work(Problem.broken)  # type: ignore[method-assign]
    for solver, spec, count in COMPILED:
        problems = [formula(spec, i) if "SAT" in spec else load(spec, seed=i)[0] for i in range(count)]
        solve(problems[:1], mull.solver(solver), Task(Budget(seconds=60, iterations=100)), store=store)
        worked.clear()
        start = time.process_time()
        solutions = solve(problems, mull.solver(solver), Task(Budget(seconds=SECONDS)), store=store)
        total = time.process_time() - start
        moves = sum(s.iterations for s in solutions)
        share = 100 * (1 - sum(worked) / total)
        print(f"{solver}, {count} times {spec}, engine's share: {share:.1f} % of {total:.2f} s CPU ({moves} moves)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="files that are solved first")
    parser.add_argument("--compiled", action="store_true", help="measure the compiled searches only")
    given = parser.parse_args()
    if given.compiled:
        with tempfile.TemporaryDirectory() as folder:
            measure_compiled(Store(str(Path(folder) / "runs.db")))
        return
    # The step, and every part of the check: decoding, the check on tensors, the final check in plain Python.
    Descent.step = timed(Descent.step)  # type: ignore[method-assign]
    Descent.decode = timed(Descent.decode)  # type: ignore[method-assign]
    Instance.check = timed(Instance.check)  # type: ignore[method-assign]
    Problem.broken = timed(Problem.broken)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(str(Path(folder) / "runs.db"))
        warm = [load("sat:20:80", seed=0)[0]]
        solve(warm, Descent())  # the first call includes the start-up of torch
        if files := given.files:
            measure(f"{len(files)} files", [p for file in files for p in load(file)], store)
        measure("100 random 3-SAT of 100 variables", [load("sat:100:420", seed=i)[0] for i in range(100)], store)
        measure("one random 3-SAT of 100 variables", load("sat:100:420", seed=1), store)
        measure("1,000 4x4 Sudokus", [load("sudoku:4", seed=i)[0] for i in range(1000)], store)
        measure("100 colourings of 60 vertices", [load("coloring:60:0.1:4", seed=i)[0] for i in range(100)], store)


if __name__ == "__main__":
    main()
