"""The cost of counting floating-point operations: solving with and without the count, in pairs.

    python benchmarks/flops.py [--pairs 16] [--boards 10] [--steps 16]

Prints the CPU seconds of both, and the median of the paired differences: with a count that is in memory, with one that
is read from the disk, and with one that is made. Each pair takes the same boards and steps, in alternating order.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from unittest import mock

import torch

import mull
from mull.engine import Budget, Problem, Task, solve
from mull.problems import load
from mull.solvers import flops
from mull.solvers.learned import Learned


def seconds(problems: list[Problem], steps: int, counts: bool) -> float:
    """CPU seconds of solving within a number of steps.

    Args:
        problems: boards.
        steps: of each board.
        counts: whether operations are counted.
    """
    task = Task(Budget(seconds=None, iterations=steps, restarts=1), seed=1)
    began = process_time()
    if counts:
        solutions = solve(problems, mull.solver("looped"), task)
        assert all(solution.flops for solution in solutions)
    else:
        with mock.patch.object(Learned, "step_flops", return_value=None):
            solve(problems, mull.solver("looped"), task)
    return process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=16, help="number of pairs (16)")
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
        seconds(problems, args.steps, counts=True)  # loads the weights
        for name, prepare in cases.items():
            pairs: list[tuple[float, float]] = []
            for number in range(args.pairs):
                prepare()
                order = (True, False) if number % 2 else (False, True)
                taken = {counts: seconds(problems, args.steps, counts) for counts in order}
                pairs.append((taken[True], taken[False]))
            without = median(pair[1] for pair in pairs)
            more = median(one - other for one, other in pairs)
            print(f"{name}: {without:.3f} s without, {more:+.4f} s with the count ({more / without:+.2%})", flush=True)


if __name__ == "__main__":
    main()
