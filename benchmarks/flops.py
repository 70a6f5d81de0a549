"""The cost of counting floating-point operations, as a share of the CPU seconds of solving.

    python benchmarks/flops.py [--runs 5] [--boards 10] [--steps 16]

Prints the CPU seconds that counting takes inside runs, and its share of their CPU seconds (medians): with a count that
is in memory, with one that is read from the disk, and with one that is made, once for a net and a graph.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from unittest import mock

import torch

import mull
from mull.engine import Budget, Problem, Task, solve
from mull.problems import load
from mull.solvers import flops
from mull.solvers.learned import Learned


def seconds(problems: list[Problem], steps: int) -> tuple[float, float]:
    """CPU seconds of a run, and those of counting in it.

    Args:
        problems: boards.
        steps: of each board.
    """
    counting = 0.0
    whole = Learned.step_flops

    def timed(self: Learned, instance: Any, state: Any) -> float | None:
        nonlocal counting
        began = process_time()
        found = whole(self, instance, state)
        counting += process_time() - began
        return found

    began = process_time()
    with mock.patch.object(Learned, "step_flops", timed):
        solutions = solve(problems, mull.solver("looped"), Task(Budget(None, steps, restarts=1), seed=1))
    assert all(solution.flops for solution in solutions)
    return process_time() - began, counting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="number of runs (5)")
    parser.add_argument("--boards", type=int, default=10, help="boards of a run (10)")
    parser.add_argument("--steps", type=int, default=16, help="steps of a board (16)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    problems = [load("sudoku:9:0.25", seed=seed)[0] for seed in range(args.boards)]

    def forget_memory() -> None:
        flops._known.clear()

    def forget_all() -> None:
        flops._known.clear()
        for file in Path(folder, "mull", "flops").glob("*"):
            file.unlink()

    cases: dict[str, Callable[[], object]] = {
        "in memory": lambda: None,
        "read from the disk": forget_memory,
        "made": forget_all,
    }
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {"XDG_CACHE_HOME": folder}):
        seconds(problems, args.steps)  # loads the weights
        for name, prepare in cases.items():
            runs: list[tuple[float, float]] = []
            for _ in range(args.runs):
                prepare()
                runs.append(seconds(problems, args.steps))
            counting, share = median(one for _, one in runs), median(one / all_ for all_, one in runs)
            print(f"{name}: {1000 * counting:.2f} ms, {share:.3%} of {median(a for a, _ in runs):.2f} s", flush=True)


if __name__ == "__main__":
    main()
