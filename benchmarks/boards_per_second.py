"""Boards a second of the trained lattice on a device: ``python benchmarks/boards_per_second.py FILE [--rows N] [--device cuda]``.

What is timed: compiled tensors of many boards stepped and checked on the device until solved or out of depth, finished rows
dropped; not the reading of boards, the plain-Python check or the store, which the program adds. The net is compiled
before the clock starts.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from reasoning import boards

import mull
from mull.engine import Instance, Random, compile_problems
from mull.engine.state import select_rows
from mull.solvers.learned import Learned

REPEATS = 3


def solve_all(solver: Learned, full: Instance, rows: int, steps: int, every: int, keep: float) -> int:
    """How many of the instance's rows are solved within ``steps``."""
    solved = torch.zeros((), dtype=torch.int64, device=full.device)
    for part in torch.arange(full.shape[0], device=full.device).split(rows):
        instance = full.select(part)
        state = solver.init(instance, Random(part))
        for step in range(1, steps + 1):
            state, _ = solver.step(instance, state)
            if step % every:
                continue
            done = instance.violations(solver.decode(instance, state)) == 0
            left = (~done).nonzero()[:, 0]  # waits for the device
            if len(left) <= keep * len(done):
                solved += len(done) - len(left)
                if not len(left):
                    break
                instance, state = instance.select(left), select_rows(state, left)
        else:
            solved += int((instance.violations(solver.decode(instance, state)) == 0).sum())
    return int(solved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=49_158)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--steps", type=int, default=384)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--keep", type=float, default=0.8, help="compact when at most this share is left")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    solver = mull.solver("looped", weights="looped-sudoku")
    assert isinstance(solver, Learned)
    full = compile_problems(boards(chosen.file, chosen.count), device=chosen.device)
    wait = torch.cuda.synchronize if chosen.device.startswith("cuda") else lambda: None
    if chosen.device.startswith("cuda"):
        solver.net(full).compile(dynamic=True)
    arguments = (chosen.rows, chosen.steps, chosen.every, chosen.keep)
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
        f"{solved} of {full.shape[0]} solved, {full.shape[0] / median:,.0f} boards/s (median of {REPEATS}: {median:.2f} s)"
    )


if __name__ == "__main__":
    main()
