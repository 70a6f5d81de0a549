"""Boards a second of the trained lattice on a device: ``python benchmarks/boards_per_second.py FILE [--rows N] [--device cuda]``.

What is timed: compiled tensors of many boards stepped and checked on the device until solved or out of depth; a row that is
over takes the next board. Not timed: the reading of boards, the plain-Python check and the store, which the program adds.
The net is compiled before the clock starts.
"""

from __future__ import annotations

import argparse
import statistics
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
"""Share of the rows that must be over before their places are given to others."""


def solve_all(solver: Learned, full: Instance, rows: int, steps: int, every: int) -> int:
    """How many of the instance's rows are solved within ``steps``."""
    solved = torch.zeros((), dtype=torch.int64, device=full.device)
    waiting = torch.arange(full.shape[0], device=full.device)
    boards, waiting = waiting[:rows], waiting[rows:]
    instance = full.select(boards)
    state = solver.init(instance, Random(boards))
    while len(boards):
        for _ in range(every):
            state, _ = solver.step(instance, state)
        done = instance.violations(solver.decode(instance, state)) == 0
        over = (done | (state.age >= steps)).nonzero()[:, 0]  # waits for the device
        if len(over) < SPARE * len(boards):
            continue
        solved += done[over].sum()
        new, waiting = waiting[: len(over)], waiting[len(over) :]
        if len(new):
            begun = over[: len(new)]
            state = put_rows(state, begun, solver.init(full.select(new), Random(new)))
            boards = boards.index_copy(0, begun, new)
        if len(new) < len(over):
            keep = torch.ones_like(boards, dtype=torch.bool).index_fill(0, over[len(new) :], False).nonzero()[:, 0]
            boards, state = boards[keep], select_rows(state, keep)
        instance = full.select(boards)
    return int(solved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=49_158)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--steps", type=int, default=96)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    on_gpu = chosen.device.startswith("cuda")
    solver = mull.solver("looped", weights="looped-sudoku", compiled=str(on_gpu))
    assert isinstance(solver, Learned)
    full = compile_problems(boards(chosen.file, chosen.count), device=chosen.device)
    wait: Callable[[], None] = torch.cuda.synchronize if on_gpu else lambda: None
    arguments = (chosen.rows, chosen.steps, chosen.every)
    solve_all(solver, full.select(torch.arange(min(2 * chosen.rows, full.shape[0]), device=chosen.device)), *arguments)
    took = []
    for _ in range(REPEATS):
        wait()
        started = time.perf_counter()
        solved = solve_all(solver, full, *arguments)
        wait()
        took.append(time.perf_counter() - started)
    median = statistics.median(took)
    print(
        f"{solved} of {full.shape[0]} solved, within {chosen.steps} steps, {full.shape[0] / median:,.0f} boards/s (median of {REPEATS}: {median:.2f} s)"
    )


if __name__ == "__main__":
    main()
