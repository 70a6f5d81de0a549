"""Eight processes write to one store at once: every run must be stored; the longest wait is measured.

python benchmarks/concurrent_writers.py [URL] [BATCH] [WRITERS] [RUNS]

The default store is an SQLite file in a temporary folder. tests/postgresql.sh starts a PostgreSQL server:

tests/postgresql.sh sh -c 'python benchmarks/concurrent_writers.py "$MULL_TEST_POSTGRESQL" 100'
"""

from __future__ import annotations

import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from store import SEED, solutions

from mull.engine.store import Store


def writer(number: int, url: str, batch: int, runs: int, start: Barrier) -> list[float]:
    """Write runs, and return the time of each batch in seconds."""
    made = solutions(runs, np.random.default_rng([SEED, number]))
    waits = []
    with Store(url) as store:
        start.wait()
        for first in range(0, runs, batch):
            began = time.perf_counter()
            store.write(made[first : first + batch])
            waits.append(time.perf_counter() - began)
    return waits


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else str(Path(folder) / "runs.db")
        batch, writers, runs = (int(sys.argv[k]) if len(sys.argv) > k else n for k, n in ((2, 100), (3, 8), (4, 2000)))
        with Store(url) as store:
            before = store.count()
        context = get_context("fork")  # new programs would import for seconds, and not at the same time
        with context.Manager() as manager, context.Pool(writers) as pool:
            start = manager.Barrier(writers)
            waits = pool.starmap(writer, [(n, url, batch, runs, start) for n in range(writers)])
        with Store(url) as store:
            stored = store.count() - before
            kind = "PostgreSQL" if store.path is None else "SQLite"
    longest = sorted(wait for mine in waits for wait in mine)
    print(
        f"{kind}, {writers} writers of {runs} runs in batches of {batch}: {stored} rows of {writers * runs}, "
        f"longest write {longest[-1]:.3f} s, median {longest[len(longest) // 2]:.4f} s"
    )
    if stored != writers * runs:
        raise SystemExit("rows are missing")


if __name__ == "__main__":
    main()
