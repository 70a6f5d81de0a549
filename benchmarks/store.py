"""Time of writing and querying a store: 100,000 runs with traces of 100 points, in batches of 1,000.

python benchmarks/store.py [RUNS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

from mull.engine import AllDifferent, Budget, ConstraintGraph, Problem, Solution, Source, Status, Trace
from mull.engine.store import Store

SEED, POINTS, BATCH, PROBLEMS = 0, 100, 1000, 100
SOLVERS = ("descent", "meanfield", "localsearch", "cpsat", "auto")

NAMES = [f"v{i}" for i in range(9)]
GRAPH = ConstraintGraph(dict.fromkeys(NAMES, range(1, 10)), [AllDifferent(tuple(NAMES))])
INSTANCES = [
    Problem(GRAPH, {"v0": 1 + p % 9, "v1": 1 + p // 9 % 9, "v2": 1 + p // 81}, "row", Source("boards/rows.txt", p + 1))
    for p in range(PROBLEMS)
]


def solutions(count: int, rng: np.random.Generator) -> list[Solution]:
    """Runs of every solver on every problem in turn. Their traces fall with noise, as those of real runs do."""
    made = []
    for i in range(count):
        iterations = int(rng.integers(POINTS, 10_000))
        falling = np.linspace(1, 0, POINTS) * rng.uniform(5, 50) + rng.random(POINTS)
        trace = Trace(
            np.linspace(1, iterations, POINTS).astype(np.int32),
            falling.astype(np.float32),
            falling.astype(np.int32),
            rng.random(POINTS).astype(np.float32),
        )
        answer = dict(zip(NAMES, (rng.permutation(9) + 1).tolist(), strict=True))
        made.append(
            Solution(
                INSTANCES[i // len(SOLVERS) % PROBLEMS],
                SOLVERS[i % len(SOLVERS)],
                Status.SOLVED if rng.random() < 0.8 else Status.UNSOLVED,
                answer,
                violations=0,
                energy=0.0,
                iterations=iterations,
                seconds=rng.exponential(1.0),
                seed=i // (len(SOLVERS) * PROBLEMS),
                version="0.1",
                options={"rows": 64},
                budget=Budget(seconds=60.0, copies=((0, 64), (iterations // 64 * 32, 128))),
                trace=trace,
            )
        )
    return made


def write(store: Store, batches: Iterator[list[Solution]]) -> float:
    """Write batches, and return the time of writing in seconds. Making the runs is not counted: solvers do that."""
    written = 0.0
    for runs in batches:
        start = time.perf_counter()
        store.write(runs)
        written += time.perf_counter() - start
    return written


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        with Store(str(Path(folder) / "runs.db")) as store:
            written = write(store, (solutions(BATCH, rng) for _ in range(0, count, BATCH)))
            asked = []
            for _ in range(5):
                start = time.perf_counter()
                best = store.best_per_solver()
                asked.append(time.perf_counter() - start)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    print(f"{count} runs written in {written:.2f} s: {count / written:,.0f} runs/s, {size / count:,.0f} bytes a run")
    print(f"best run of each of {len(best)} solvers: median {median(asked) * 1000:.1f} ms of {len(asked)} queries")


if __name__ == "__main__":
    main()
