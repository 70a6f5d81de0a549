"""Time of merging stores: ten stores of 100,000 runs, each on a problem of its own, with traces of 100 points.

python benchmarks/merge.py [STORES] [RUNS]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
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


def main() -> None:
    stores = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.db" for i in range(stores)]
        for i, path in enumerate(paths):
            with Store(str(path)) as store:
                for start in range(i * count, (i + 1) * count, BATCH):
                    made = solutions(min(BATCH, (i + 1) * count - start), rng)
                    store.write([replace(s, problem=instance(start + j)) for j, s in enumerate(made)])
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
