"""The colouring test sets of RandCSPBench (arXiv 2602.18419), made by its recipe, and how many graphs are coloured.

    python benchmarks/randcsp_coloring.py 3 --sample 20
    python benchmarks/randcsp_coloring.py 3 --moves 20 --rest cpsat
    python benchmarks/randcsp_coloring.py 5

Random graphs G(N, M) of networkx with N = 16, 32, 64, 128, 256 vertices and mean degrees around the threshold, 400 for each
of 10 degrees: 20,000 graphs for each number of colours. The best programs of the paper together coloured 11,750 with 3
colours and 9,184 with 5. ``--sample N`` takes the first N graphs of each size and degree.

All graphs of a size and degree are one call. ``--moves`` bounds the moves of each graph, by the square of its vertices:
small graphs need few moves. Graphs without a colouring use all of them. ``--rest`` names a second solver for the graphs
that the first one leaves.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

import networkx as nx
import numpy as np

import mull
from mull.engine import Budget, Problem, Status, Task, solve
from mull.problems.coloring import coloring_problem

SIZES = (16, 32, 64, 128, 256)
DEGREES = {3: np.arange(3.32, 4.95, 0.18), 5: np.arange(9.9, 13.51, 0.4)}
"""Colours -> mean degrees."""
GRAPHS = 400
"""Graphs of each size and degree."""


def graphs(vertices: int, degree: float, count: int) -> list[nx.Graph]:
    """The first graphs of a size and mean degree.

    Args:
        vertices: N.
        degree: the mean degree.
        count: how many.
    """
    random.seed(1)
    made = [nx.gnm_random_graph(vertices, round(degree * vertices / 2)) for _ in range(count)]
    return [nx.relabel_nodes(graph, {v: v + 1 for v in graph}) for graph in made]


def uncolored(problems: Sequence[Problem], name: str, options: dict[str, str], budget: Budget) -> list[Problem]:
    """The problems that a solver does not solve.

    Args:
        problems: of one size.
        name: of the solver.
        options: of the solver.
        budget: of the call.
    """
    if not problems:
        return []
    solutions = solve(problems, mull.solver(name, **options), Task(budget))
    return [problem for problem, each in zip(problems, solutions, strict=True) if each.status is not Status.SOLVED]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("colors", type=int, choices=sorted(DEGREES))
    parser.add_argument("--sample", type=int, default=GRAPHS, help="graphs of each size and degree (400)")
    parser.add_argument("--solver", default="tabu", help="default: tabu")
    parser.add_argument("-o", action="append", default=[], metavar="KEY=VALUE", help="option of the solver; repeatable")
    parser.add_argument(
        "--moves", type=int, default=80, help="most moves of each graph, times its vertices squared (80)"
    )
    parser.add_argument("--rest", help="second solver, for the graphs that the first one leaves")
    parser.add_argument("--limit", type=float, default=600, help="seconds of each size and degree (600)")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=SIZES)
    args = parser.parse_args()
    options = dict(option.split("=", 1) for option in args.o)
    print("vertices\tdegree\tgraphs\tcoloured\tmaking s\tsolving s\tCPU s", flush=True)
    total = solved = 0
    for vertices in args.sizes:
        for degree in DEGREES[args.colors]:
            started = time.perf_counter()
            problems = [coloring_problem(g, args.colors) for g in graphs(vertices, float(degree), args.sample)]
            made, cpu = time.perf_counter(), time.process_time()
            moves = Budget(seconds=args.limit, iterations=args.moves * vertices**2)
            left = uncolored(problems, args.solver, options, moves)
            if args.rest:
                left = uncolored(left, args.rest, {}, Budget(seconds=args.limit))
            found = len(problems) - len(left)
            ended, cpu = time.perf_counter(), time.process_time() - cpu
            total, solved = total + len(problems), solved + found
            times = f"{made - started:.2f}\t{ended - made:.2f}\t{cpu:.2f}"
            print(f"{vertices}\t{degree:.2f}\t{len(problems)}\t{found}\t{times}", flush=True)
    print(f"all\t\t{total}\t{solved}")


if __name__ == "__main__":
    main()
