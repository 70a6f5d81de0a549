"""Time of merging stores: ten stores of 100,000 runs, each on a problem of its own, with traces of 100 points.

python benchmarks/merge.py [STORES [RUNS [FOLDER]]]

Making the stores takes minutes, and two processes make them. FOLDER keeps them for the next time.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from store import BATCH, GRAPH, NAMES, SEED, solutions

from mull.engine import Problem, Source
from mull.engine.store import Store
from mull.engine.store.merge import merge


def instance(number: int) -> Problem:
    """A problem of its own for each number below 9**9."""
    givens = {name: 1 + number // 9**i % 9 for i, name in enumerate(NAMES)}
    return Problem(GRAPH, givens, "row", Source("boards/rows.txt", number + 1))


def made(folder: Path, number: int, count: int) -> Path:
    """A store with ``count`` runs, made unless the folder has it."""
    path = folder / f"{number}-{count}.db"
    if path.exists():
        return path
    rng = np.random.default_rng([SEED, number])
    unfinished = path.with_suffix(".part")
    with Store(str(unfinished)) as store:
        for start in range(number * count, (number + 1) * count, BATCH):
            some = solutions(min(BATCH, (number + 1) * count - start), rng)
            store.write([replace(s, problem=instance(start + j)) for j, s in enumerate(some)])
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return unfinished.rename(path)


def sources(folder: Path, stores: int, count: int) -> list[Path]:
    """The stores to merge."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        return list(pool.map(made, [folder] * stores, range(stores), [count] * stores))


def main() -> None:
    stores = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        paths = sources(Path(sys.argv[3] if len(sys.argv) > 3 else folder), stores, count)
        with Store(str(Path(folder) / "all.db")) as into:
            for what in ("merged", "merged again"):
                began, cpu = time.perf_counter(), sum(os.times()[:2])
                added = sum({step.source: step.added for step in merge(paths, into)}.values())
                seconds, cpu = time.perf_counter() - began, sum(os.times()[:2]) - cpu
                print(f"{stores} stores of {count} runs {what}: {added} new runs, {seconds:.1f} s, {cpu:.1f} CPU s")
            assert into.count() == stores * count
        size = (Path(folder) / "all.db").stat().st_size
        print(f"{size / stores / count:,.0f} bytes a run")


if __name__ == "__main__":
    main()
