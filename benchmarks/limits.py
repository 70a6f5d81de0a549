"""How late calls end after ``--limit`` and after SIGTERM, for every solver on a hard instance.

python benchmarks/limits.py [--limit SECONDS] ["PROBLEM SOLVER" ...]
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time

CASES = (
    "coloring:400:0.5 auto",
    "coloring:400:0.5 cpsat",
    "coloring:400:0.5 localsearch",
    "coloring:400:0.5 descent",
    "coloring:400:0.5 meanfield",
    "queens:100 auto",
    "queens:8 descent",
    "sat:250000:1000000 auto",
    "sat:250000:1000000 localsearch",
    "sudoku:16:0.3 looped",
    "sudoku:9:0.2 trm",
    "sudoku:9:0.2 hrm",
    "sudoku:9:0.2 gram",
    "sudoku:9:0.2 ebt",
)


def seconds(problem: str, solver: str, limit: float, stop_after: float | None = None) -> tuple[float, int]:
    """Wall seconds of the program, or from SIGTERM to its end, and its exit code."""
    command = [sys.executable, "-m", "mull", problem, "-s", solver, "--limit", f"{limit}s", "--no-store", "--no-show"]
    began = time.monotonic()
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if stop_after is not None:
        time.sleep(stop_after)
        if program.poll() is not None:  # solved already
            return 0.0, program.returncode
        began = time.monotonic()
        program.send_signal(signal.SIGTERM)
    code = program.wait()
    return time.monotonic() - began, code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=5.0, help="limit of every call, in seconds (5)")
    parser.add_argument("cases", nargs="*", help='cases, each "PROBLEM SOLVER"; by default a list of hard ones')
    args = parser.parse_args()
    print(f"{'problem':24} {'solver':12} {'limit':>7} {'took':>7} {'late':>7}   {'SIGTERM to end':>14}")
    for case in args.cases or CASES:
        problem, solver = case.split()
        took, code = seconds(problem, solver, args.limit)
        stopped, _ = seconds(problem, solver, 600.0, args.limit / 2)
        late = max(0.0, took - args.limit)
        print(f"{problem:24} {solver:12} {args.limit:7.2f} {took:7.2f} {late:7.2f}   {stopped:14.2f}  exit {code}")


if __name__ == "__main__":
    main()
