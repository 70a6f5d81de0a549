"""Time of ``solve history list`` with every filter, on a store of 1,000,000 runs of 5 solvers on 100 problems.

python benchmarks/histories.py [RUNS [FOLDER]]

Each filter has three values: one that most runs have, one that only the oldest thousand runs have, and one that no run
has. Times are medians of five calls of the whole program. With FOLDER, the store stays there for the next call.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
from store import BATCH, INSTANCES, PROBLEMS, SEED, SOLVERS, solutions, write
from ulid import ULID

from mull.engine import Problem, Solution, Source, Status
from mull.engine.store import Filter, Store

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "solve")
TIMES = 5
DAYS = 365.0
"""Time between the oldest run and the newest, in days."""


def history(count: int) -> Iterator[list[Solution]]:
    """Batches of runs, oldest first. Five solvers share a source, so a million runs have 200,000 sources."""
    rng = np.random.default_rng(SEED)
    now = time.time()
    for first in range(0, count, BATCH):
        yield [_dated(s, first + i, count, now) for i, s in enumerate(solutions(BATCH, rng))]


def _dated(s: Solution, i: int, count: int, now: float) -> Solution:
    sweep, p = divmod(i // len(SOLVERS), PROBLEMS)
    source = Source(f"boards/sweep-{sweep}/rows.txt", p + 1)
    id = str(ULID.from_timestamp(now - DAYS * 86400 * (1 - i / count)))
    if i >= BATCH:
        problem = Problem(s.problem.graph, s.problem.givens, "row", source)
        return replace(s, id=id, problem=problem, device=("cpu", "cuda")[i % 2])
    givens = {**s.problem.givens, "v3": 9}
    problem = Problem(s.problem.graph, givens, "ancient", Source(f"Papyrus/{source}"))
    return replace(
        s, id=id, problem=problem, solver="abacus", device="cuda:7", status=Status.FAILED, detail="Beads lost"
    )


def queries(store: Store) -> Iterator[tuple[str, list[str]]]:
    """What each query filters by, and its arguments of the command line."""
    oldest = next(store.each(Filter(family="ancient")))
    yesterday, tomorrow = (datetime.now() + timedelta(days=d) for d in (-1, 1))
    yield "no filter", []
    for name, frequent, old in (
        ("family", "row", "ancient"),
        ("solver", "cpsat", "abacus"),
        ("status", "solved", "failed"),
        ("device", "cpu", "cuda:7"),
        ("problem", INSTANCES[7].digest[:12], oldest.problem[:12]),
        ("problem", INSTANCES[7].digest[:1], oldest.source),
        ("text", "ROWS", "papyrus"),
        ("text", "sweep-1", "beads"),
        ("text", "s", "sweep-5"),  # not in the newest fifty thousand runs
    ):
        absent = "cancelled" if name == "status" else "nowhere"
        yield from ((f"--{name} {value}", [f"--{name}", value]) for value in (frequent, old, absent))
    yield from ((f"--since {day:%Y-%m-%d}", ["--since", f"{day:%Y-%m-%d}"]) for day in (yesterday, tomorrow))
    yield "--before the 100th", ["--before", oldest.id[:-1] + "Z"]


def timed(url: str, *arguments: str) -> tuple[float, int]:
    """The median time of the program in seconds, and the number of lines that it printed."""
    spent = []
    for _ in range(TIMES):
        start = time.perf_counter()
        done = subprocess.run(
            [PROGRAM, "history", *arguments, "--store", url], capture_output=True, text=True, check=False
        )
        spent.append(time.perf_counter() - start)
        if done.returncode:
            raise SystemExit(done.stderr)
    return median(spent), len(done.stdout.splitlines())


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(scratch)
        url = str(folder / "runs.db")
        with Store(url) as store:
            if not store.runs(1):
                written = write(store, history(count))
                print(f"written: {count / written:,.0f} runs/s")
            asked = list(queries(store))
        size = sum(os.path.getsize(path) for path in folder.glob("runs.db*"))
        print(f"{count} runs: {size / count:,.0f} bytes a run")
        for what, arguments in asked:
            seconds, lines = timed(url, "list", "-n", "20", "--json", *arguments)
            print(f"history list {what}: {seconds:.2f} s, {lines} rows", flush=True)
        seconds, _ = timed(url, "compare")
        print(f"history compare: {seconds:.2f} s")


if __name__ == "__main__":
    main()
