"""What mull adds to CP-SAT: the same models through mull and by OR-Tools directly, in turn.

    python benchmarks/cpsat_overhead.py --models 20

"Directly" is one call of OR-Tools on the finished CP-SAT model with the same parameters and one worker, so that both
searches are the same. mull's time has everything: posting, the search, checking the answer. Only models that take 1 to
20 s count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from guided import colouring, covering, cut, job_shop, packing, quadratic_assignment, tour
from ortools.sat.python import cp_model

import mull
from mull.engine.posting import Posting

LEAST, MOST = 1.0, 20.0


def models() -> Iterator[tuple[str, Any]]:
    """Ever larger models of seven kinds, by turns."""
    for n in count():
        yield f"job shop {8 + n}x8", job_shop(8 + n, 8, n)
        yield f"tour {22 + 3 * n}", tour(22 + 3 * n, n)
        yield f"assignment {7 + n % 3}", quadratic_assignment(7 + n % 3, n)
        yield f"cut {24 + 2 * n}", cut(24 + 2 * n, 4 * (24 + 2 * n), n)
        yield f"covering {60 + 10 * n}", covering(60 + 10 * n, 60 + 10 * n, n)
        yield f"packing {18 + 3 * n}", packing(18 + 3 * n, 4, n)
        yield f"colouring {30 + 4 * n}", colouring(30 + 4 * n, 4 * (30 + 4 * n), 8, n)


def through_mull(problem: Any) -> tuple[float, Any]:
    """Seconds, and the objective."""
    since = time.perf_counter()
    solution = mull.solve(problem, "cpsat", seconds=MOST)
    return time.perf_counter() - since, solution.objective


def directly(problem: Any) -> tuple[float, Any]:
    """Seconds of OR-Tools alone, and the objective."""
    posting = Posting(problem.graph.domains, problem.givens)
    for constraint in problem.graph.constraints:
        constraint.post(posting)
    objective = problem.graph.objective
    posting.model.minimize(sum(c * posting.variable(name) for name, c in objective.costs.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_time_in_seconds = MOST
    since = time.perf_counter()
    solver.solve(posting.model)
    return time.perf_counter() - since, round(solver.objective_value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=20, help="how many models to count")
    parser.add_argument("--seconds", type=float, default=600, help="stop after so many seconds")
    arguments = parser.parse_args()
    ratios: list[float] = []
    since = time.perf_counter()
    for name, model in models():
        if len(ratios) >= arguments.models or time.perf_counter() - since > arguments.seconds:
            break
        problem = mull.from_cpmpy(model)
        seconds, objective = through_mull(problem)
        if not LEAST <= seconds < MOST:
            continue
        direct, same = directly(problem)
        if direct >= MOST:  # ended by its limit: not the same search
            continue
        ratios.append(seconds / direct)
        print(f"{name}: mull {seconds:.2f} s ({objective}), OR-Tools {direct:.2f} s ({same})", flush=True)
    print(f"{len(ratios)} models, mull / OR-Tools: median {statistics.median(ratios):.3f}, largest {max(ratios):.3f}")


if __name__ == "__main__":
    main()
