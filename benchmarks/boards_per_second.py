"""Boards per second of the trained lattice on one device.

    python benchmarks/boards_per_second.py FILE [--rows N...] [--device cuda]

Timed: stepping and checking many compiled boards until each is solved or reaches the last step. A finished row takes the next
board. Not timed: reading the boards, the check in plain Python, the store, and the compilation of the net. What is done before
the figure, and how long it took, is printed on stderr.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from reasoning import boards

import mull
from mull.engine import Instance, Random, compile_problems
from mull.engine.state import put_rows, select_rows
from mull.solvers.learned import Learned

REPEATS = 3
SPARE = 1 / 16
"""Share of rows that must be finished before new boards take their places."""


def solve_all(solver: Learned, full: Instance, rows: int, steps: int, every: int) -> int:
    """How many boards of the instance are solved within ``steps`` steps."""
    solved = torch.zeros((), dtype=torch.int64, device=full.device)
    waiting = torch.arange(full.shape[0], device=full.device)
    boards, waiting = waiting[:rows], waiting[rows:]
    instance = full.select(boards)
    state = solver.init(instance, Random(boards))
    while len(boards):
        for _ in range(every):
            state, _ = solver.step(instance, state)
        done = instance.violations(solver.decode(instance, state)) == 0
        finished = (done | (state.age >= steps)).nonzero()[:, 0]  # synchronises with the device
        if len(finished) < SPARE * len(boards):
            continue
        solved += done[finished].sum()
        new, waiting = waiting[: len(finished)], waiting[len(finished) :]
        if len(new):
            refilled = finished[: len(new)]
            state = put_rows(state, refilled, solver.init(full.select(new), Random(new)))
            boards = boards.index_copy(0, refilled, new)
        if len(new) < len(finished):
            keep = torch.ones_like(boards, dtype=torch.bool).index_fill(0, finished[len(new) :], False).nonzero()[:, 0]
            boards, state = boards[keep], select_rows(state, keep)
        instance = full.select(boards)
    return int(solved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=49_158, help="number of problems (49,158)")
    parser.add_argument("--rows", type=int, nargs="+", default=[8192], help="boards stepped together (8192)")
    parser.add_argument("--steps", type=int, default=96, help="most steps (96)")
    parser.add_argument("--every", type=int, default=2, help="steps between two checks (2)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    args = parser.parse_args()
    on_gpu = args.device.startswith("cuda")
    solver = mull.solver("looped", weights="looped-sudoku", compiled=str(on_gpu))
    assert isinstance(solver, Learned)
    began = time.perf_counter()
    full = compile_problems(boards(args.file, args.count), device=args.device)
    print(f"{full.shape[0]} boards read in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    wait: Callable[[], None] = torch.cuda.synchronize if on_gpu else lambda: None
    for rows in args.rows:
        arguments = (rows, args.steps, args.every)
        solve_all(solver, full.select(torch.arange(min(2 * rows, full.shape[0]), device=args.device)), *arguments)
        wait()
        print(f"{rows} rows: net ready after {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
        took = []
        for _ in range(REPEATS):
            wait()
            started = time.perf_counter()
            solved = solve_all(solver, full, *arguments)
            wait()
            took.append(time.perf_counter() - started)
            print(f"{rows} rows: {full.shape[0] / took[-1]:,.0f} boards/s", file=sys.stderr, flush=True)
        median = statistics.median(took)
        print(
            f"{solved} of {full.shape[0]} solved within {args.steps} steps, {rows} rows, "
            f"{full.shape[0] / median:,.0f} boards/s (median of {REPEATS}: {median:.2f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
