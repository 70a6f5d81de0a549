"""Accuracy of learned solvers, by depth.

    python benchmarks/reasoning.py SOLVER FILE|FAMILY:SPEC... [-o KEY=VALUE] [--segments N] [--restarts N] [--count N]

A board counts if the engine's checker calls it solved; a maze only if its path is a shortest one. Without ``--restarts`` each
problem has one trajectory from one random start. FAMILY:SPEC is generated ``--count`` times with seeds from 100,000. An .npz
file holds ``puzzles``, uint8 [N, 81].
"""

from __future__ import annotations

import argparse
import lzma
import time
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
from arguments import add_options, key_values

import mull
from mull.engine import Budget, Problem, Task, solve
from mull.problems import families, load
from mull.solvers.kinds import build
from mull.solvers.learned import Learned
from mull.solvers.weights import choose

FIRST_SEED = 100_000


def boards(name: str, count: int) -> list[Problem]:
    """The first ``count`` problems of a file, or ``count`` generated ones."""
    if name.endswith(".npz"):
        with np.load(name) as data:
            lines = ["".join(map(str, row)) for row in data["puzzles"][:count]]
        return families()["sudoku"].read("\n".join(lines), name)
    if name.endswith(".xz"):
        with lzma.open(name, "rt") as file:
            return families()["sudoku"].read("".join(_head(file, count + 1)), name)[:count]
    if Path(name).exists():
        return load(name)[:count]
    return [load(name, seed=FIRST_SEED + i)[0] for i in range(count)]


def _head(lines: Iterator[str], count: int) -> Iterator[str]:
    for _, line in zip(range(count), lines, strict=False):
        yield line


def shortest(problem: Problem) -> int | None:
    """The length of a maze's shortest path by breadth-first search; None for a problem without an objective."""
    if problem.graph.objective is None:
        return None
    cells = {(int(r), int(c)): n for n in problem.graph.names for r, c in [n[1:].split("c")]}
    grid = nx.Graph(((r, c), n) for r, c in cells for n in ((r + 1, c), (r, c + 1)) if n in cells)
    ends = [cell for cell, name in cells.items() if problem.graph.domains[name] == (1,)]
    return int(nx.shortest_path_length(grid, *ends))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("solver")
    parser.add_argument("names", nargs="+")
    add_options(parser)
    parser.add_argument("--segments", type=int, default=64, help="depth in segments (64)")
    parser.add_argument("--restarts", type=int, default=1, help="starts of each problem (1)")
    parser.add_argument("--count", type=int, default=1000, help="number of problems (1000)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    args = parser.parse_args()
    solver = mull.solver(args.solver, segments=args.segments, **key_values(args.options))
    assert isinstance(solver, Learned)
    for name in args.names:
        problems = boards(name, args.count)
        per = build(choose(solver, problems[0].graph, problems[0].family)).steps_per_segment
        budget = Budget(None, iterations=args.segments * per, restarts=args.restarts)
        started = time.monotonic()
        solutions = solve(problems, solver, Task(budget, args.seed, args.device))
        took = time.monotonic() - started
        solved = [s.iterations for s in solutions if s.status.solved and s.objective == shortest(s.problem)]
        marks = [m for m in (1, 2, 4, 8, 16, 32, 64, 128) if m < args.segments] + [args.segments]
        shares = ", ".join(f"{100 * sum(i <= m * per for i in solved) / len(problems):.2f} at {m}" for m in marks)
        print(
            f"{args.solver} {' '.join(args.options)} {Path(name).name}: {len(solved)} of {len(problems)} "
            f"({100 * len(solved) / len(problems):.2f} %), seed {args.seed}, restarts {args.restarts}, "
            f"{took:.1f} s on {args.device}; % solved by segments: {shares}",
            flush=True,
        )


if __name__ == "__main__":
    main()
