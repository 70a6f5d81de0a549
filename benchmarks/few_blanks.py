"""Learned solvers on boards that are nearly complete.

    python benchmarks/few_blanks.py [SOLVER...] [--count N] [--device D]

Each row is a solver with the bundled weights. Each column is the share of N random full 9x9 boards that are solved after so
many cells were made blank.
"""

from __future__ import annotations

import argparse
import random

import mull
from mull.engine import Budget, Problem, Task, solve
from mull.problems import families, squares

BLANKS = (0, 1, 2, 4, 8, 16, 30)
ITERATIONS = 255
"""Most steps of a board, restarts included."""


def boards(blanks: int, count: int, seed: int = 5) -> list[Problem]:
    """Random full boards with some cells made blank. The full board is one solution of each."""
    rng = random.Random(f"{seed}:{blanks}")
    lines = []
    for _ in range(count):
        cells = [str(value) for row in squares.random_sudoku(3, rng) for value in row]
        for i in rng.sample(range(81), blanks):
            cells[i] = "."
        lines.append("".join(cells))
    return families()["sudoku"].read("\n".join(lines), f"{blanks} blanks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("solvers", nargs="*", default=["looped", "trm", "hrm", "gram", "ebt"])
    parser.add_argument("--count", type=int, default=50, help="number of problems (50)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    args = parser.parse_args()
    print("solver", *(f"{blanks:>5}" for blanks in BLANKS))
    for name in args.solvers:
        task = Task(Budget(None, ITERATIONS), 0, args.device)
        shares = []
        for blanks in BLANKS:
            solutions = solve(boards(blanks, args.count), mull.solver(name), task)
            shares.append(sum(s.status.solved for s in solutions) / args.count)
        print(f"{name:<6}", *(f"{share:>5.0%}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
