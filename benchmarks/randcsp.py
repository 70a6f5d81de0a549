"""The 3-SAT and 4-SAT test sets of RandCSPBench (arXiv 2602.18419), made by its recipe, and the share that is satisfied.

    python benchmarks/randcsp.py 3-sat --sample 10
    python benchmarks/randcsp.py 4-sat --moves 4000000 --reference cadical

Uniform random formulas of 16, 32, 64, 128 and 256 variables: 3-SAT at 3.0 to 5.0 clauses for each variable, 400 formulas for
each of 21 ratios (42,000); 4-SAT at 8.0 to 10.0, 200 for each (21,000). The random numbers differ from those of the paper,
so the sets are alike statistically only. ``--sample N`` takes the first N formulas of each size and ratio.

All formulas of a size and ratio are one call. Most formulas above the threshold cannot be satisfied, so that ``--moves``
decides the time of a run: the most flips of each formula. ``--reference`` names a complete program for the same formulas:
``cadical`` (of python-sat, which must be installed) or ``cpsat``. The share is that of the formulas that either satisfies.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections.abc import Sequence

import mull
from mull.engine import Budget, Problem, Status, Task, solve
from mull.problems.sat import formula

SIZES = (16, 32, 64, 128, 256)
SETS = {"3-sat": (3, [3 + i / 10 for i in range(21)], 400), "4-sat": (4, [8 + i / 10 for i in range(21)], 200)}
"""Literals of a clause, ratios of clauses to variables, formulas of each size and ratio."""


def clauses(length: int, variables: int, ratio: float, count: int) -> list[list[list[int]]]:
    """Formulas of clauses with distinct variables.

    Args:
        length: of each clause.
        variables: of each formula.
        ratio: of clauses to variables.
        count: of formulas; the first ones do not depend on it.
    """
    rng = random.Random(f"{length}-sat:{variables}:{ratio:.2f}")
    names = range(1, variables + 1)
    return [
        [[rng.choice((1, -1)) * v for v in rng.sample(names, length)] for _ in range(round(ratio * variables))]
        for _ in range(count)
    ]


def cadical(formulas: Sequence[Sequence[Sequence[int]]]) -> list[bool]:
    """Whether CaDiCaL satisfies each of some formulas."""
    package = importlib.import_module("pysat.solvers")  # not a dependency
    found = []
    for each in formulas:
        with package.Solver("cadical195", bootstrap_with=each) as solver:
            found.append(bool(solver.solve()))
    return found


def satisfied(name: str, problems: Sequence[Problem], moves: int | None, limit: float) -> list[bool]:
    """Whether a solver of mull satisfies each of some problems.

    Args:
        name: of the solver.
        problems: at least one.
        moves: the most steps.
        limit: in seconds, of the call.
    """
    solutions = solve(problems, mull.solver(name), Task(Budget(seconds=limit, iterations=moves)))
    return [solution.status is Status.SOLVED for solution in solutions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("set", choices=sorted(SETS))
    parser.add_argument("--sample", type=int, help="formulas of each size and ratio (default: all)")
    parser.add_argument("--solver", default="probsat", help="default: probsat")
    parser.add_argument("--moves", type=int, default=1_000_000, help="most flips of each formula (1000000)")
    parser.add_argument("--limit", type=float, default=600, help="seconds of each size and ratio (600)")
    parser.add_argument("--reference", choices=("cadical", "cpsat"), help="complete program to compare with")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=SIZES)
    args = parser.parse_args()
    length, ratios, count = SETS[args.set]
    print("variables\tformulas\tsatisfied\treference\teither\tshare\tseconds", flush=True)
    sums = [0, 0, 0, 0, 0.0]
    for size in args.sizes:
        row = [0, 0, 0, 0, 0.0]
        for ratio in ratios:
            formulas = clauses(length, size, ratio, min(args.sample or count, count))
            problems = [formula(size, each) for each in formulas]
            started = time.perf_counter()
            found = satisfied(args.solver, problems, args.moves, args.limit)
            row[4] += time.perf_counter() - started
            other = [False] * len(found)
            if args.reference == "cadical":
                other = cadical(formulas)
            elif args.reference:
                other = satisfied(args.reference, problems, None, args.limit)
            row[0] += len(found)
            row[1] += sum(found)
            row[2] += sum(other)
            row[3] += sum(a or b for a, b in zip(found, other, strict=True))
        report(str(size), row)
        sums = [a + b for a, b in zip(sums, row, strict=True)]
    report("all", sums)


def report(name: str, row: Sequence[float]) -> None:
    """Print a line of the table."""
    share = f"{row[1] / row[3]:.2%}" if row[3] else "-"
    print(f"{name}\t{row[0]}\t{row[1]}\t{row[2]}\t{row[3]}\t{share}\t{row[4]:.1f}", flush=True)


if __name__ == "__main__":
    main()
