"""Accuracy against inference compute: the share of boards solved within so many core-seconds.

    python benchmarks/accuracy_vs_compute.py BOARDS SOLVER[:WEIGHTS]... [--count N] [--segments N] [--to FILE.svg]

Each board has one candidate at a time on one core. A candidate restarts at the solver's own depth. The cost of an iteration
is the CPU time of the run divided by the iterations of all boards. Prints a Markdown table; ``--to`` also draws it.
"""

from __future__ import annotations

import argparse
import time

import torch

import mull
from mull.engine import Budget, Task, solve
from mull.problems import load
from mull.solvers.kinds import build
from mull.solvers.learned import Learned
from mull.solvers.weights import choose

SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def curve(solver: str, weights: str, boards: str, count: int, segments: int) -> list[float]:
    """Core-seconds until each solved board was solved, in ascending order."""
    problems = load(boards)[:count]
    asked = mull.solver(solver, copies="1", **({"weights": weights} if weights else {}))
    assert isinstance(asked, Learned)
    steps = segments * build(choose(asked, problems[0].graph, problems[0].family)).steps_per_segment
    started = time.process_time()
    found = solve(problems, asked, Task(Budget(None, iterations=steps)))
    an_iteration = (time.process_time() - started) / sum(s.iterations for s in found)
    return sorted(s.iterations * an_iteration for s in found if s.status.solved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boards")
    parser.add_argument("solvers", nargs="+", metavar="SOLVER[:WEIGHTS]")
    parser.add_argument("--count", type=int, default=40, help="number of problems (40)")
    parser.add_argument("--segments", type=int, default=85, help="depth in segments (85)")
    parser.add_argument("--to", metavar="FILE.svg")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| solver | " + " | ".join(f"{s} s" for s in SECONDS) + " | end |\n|" + "---|" * (len(SECONDS) + 2))
    curves = {}
    for name in args.solvers:
        solver, _, weights = name.partition(":")
        solved = curves[name] = curve(solver, weights, args.boards, args.count, args.segments)
        shares = [sum(t <= limit for t in solved) for limit in SECONDS]
        cells = [f"{100 * share / args.count:.1f}" for share in (*shares, len(solved))]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if args.to:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        from mull.pictures.style import PLOT, legend_outside

        with mpl.rc_context(PLOT):
            axes = (figure := Figure(layout="constrained")).subplots()
            for name, solved in curves.items():
                axes.step(solved, [100 * (k + 1) / args.count for k in range(len(solved))], where="post", label=name)
            axes.set(xscale="log", xlabel="time of a board (core-seconds)", ylabel="boards solved (%)", ylim=(0, 101))
            axes.set_title("Boards solved by compute", loc="left")
            legend_outside(axes)
            figure.savefig(args.to)


if __name__ == "__main__":
    main()
