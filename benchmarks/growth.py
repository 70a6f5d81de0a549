"""Growth with the size of a formula: seconds to the first solution of random 3-SAT, and bytes of memory for each literal.

    python benchmarks/growth.py
    python benchmarks/growth.py --sizes 10000 --ratio 4.2 --repeat 20 --limit 30

Each run is a process of its own, which reads a CNF file and solves it. ``whole`` are the seconds of that process,
``slowest`` the most of them, and ``solving`` those after compilation of the kernels and the problem. Memory is the largest
that the process had, less that of a process that solved a formula of two clauses. The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

LENGTH = 3
"""Literals of a clause."""
CHILD = """
import json, resource, sys
import mull
from mull.engine import Budget, Task, solve
from mull.problems import load

path, solver, limit, seed = sys.argv[1:]
(solution,) = solve(load(path), mull.solver(solver), Task(Budget(seconds=float(limit)), seed=int(seed)))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps([solution.status.value, solution.seconds, solution.iterations, memory]))
"""


def write(path: Path, variables: int, clauses: int, seed: int) -> None:
    """Write a uniform random formula whose clauses have distinct variables."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((0, LENGTH), dtype=np.int64)
    while len(drawn) < clauses:
        more = rng.integers(1, variables + 1, (clauses, LENGTH))
        ordered = np.sort(more, axis=1)
        drawn = np.concatenate((drawn, more[(ordered[:, 1:] != ordered[:, :-1]).all(1)]))[:clauses]
    signed = drawn * rng.choice((-1, 1), drawn.shape)
    with path.open("w") as file:
        file.write(f"p cnf {variables} {clauses}\n")
        for begin in range(0, clauses, 100_000):
            file.writelines(f"{a} {b} {c} 0\n" for a, b, c in signed[begin : begin + 100_000].tolist())


def run(path: Path, solver: str, limit: float, seed: int) -> tuple[str, float, float, int, int]:
    """Status, seconds of the process, seconds of solving, iterations and bytes of memory of one run."""
    started = time.perf_counter()
    command = [sys.executable, "-c", CHILD, str(path), solver, str(limit), str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    status, seconds, iterations, memory = json.loads(done.stdout.splitlines()[-1])
    return status, time.perf_counter() - started, seconds, iterations, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    sizes = [1000, 10_000, 100_000, 1_000_000]
    parser.add_argument("--sizes", type=lambda text: [int(each) for each in text.split(",")], default=sizes)
    parser.add_argument("--ratio", type=float, default=4.0, help="clauses for each variable (4.0)")
    parser.add_argument("--solver", default="probsat", help="default: probsat")
    parser.add_argument("--repeat", type=int, default=1, help="formulas of each size; medians are printed (1)")
    parser.add_argument("--limit", type=float, default=600, help="seconds of each run (600)")
    parser.add_argument("--plot", help="file for a plot of the table: .svg, .pdf or .png")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.cnf"
        write(path, 10, 2, 0)
        run(path, args.solver, args.limit, 0)  # compiles
        base = run(path, args.solver, args.limit, 0)[4]
        print("variables\tliterals\tsolved\twhole\tslowest\tsolving\titerations\tbytes a literal", flush=True)
        for size in args.sizes:
            clauses = round(args.ratio * size)
            found = []
            for seed in range(args.repeat):
                write(path, size, clauses, seed)
                found.append(run(path, args.solver, args.limit, seed))
            solved = sum(each[0] == "solved" for each in found)
            whole, solving, iterations, memory = (
                median(column) for column in zip(*(each[1:] for each in found), strict=True)
            )
            literals = LENGTH * clauses
            rows.append((size, whole, solving, (memory - base) / literals))
            slowest = max(each[1] for each in found)
            figures = f"{solved}/{args.repeat}\t{whole:.2f}\t{slowest:.2f}\t{solving:.2f}\t{iterations:.0f}\t{rows[-1][3]:.0f}"
            print(f"{size}\t{literals}\t{figures}", flush=True)
    if args.plot:
        plot(rows, args.plot, args.ratio)


def plot(rows: Sequence[tuple[int, float, float, float]], path: str, ratio: float) -> None:
    """Draw seconds and bytes by the number of variables.

    Args:
        rows: variables, seconds of the process, seconds of solving, bytes for each literal.
        path: of the new file.
        ratio: of clauses to variables.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from mull.pictures.style import PLOT, legend_outside

    sizes, whole, solving, memory = zip(*rows, strict=True)
    with mpl.rc_context(PLOT):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.loglog(sizes, whole, "o-", label="whole process")
        left.loglog(sizes, solving, "s-", label="solving")
        left.set_title("Time by size", loc="left")
        left.set(xlabel=f"variables (3-SAT, ratio {ratio:g})", ylabel="time to the first solution (s)")
        legend_outside(left)
        right.semilogx(sizes, memory, "o-")
        right.set_title("Memory by size", loc="left")
        right.set(xlabel="variables", ylabel="bytes for each literal", ylim=(0, None))
        figure.savefig(path)


if __name__ == "__main__":
    main()
