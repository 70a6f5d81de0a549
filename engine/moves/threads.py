"""Rows of a batch on all cores: kernels release the GIL, and each thread calls them for some rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from ..rows import cores

PIECES = 8
"""Parts of the rows for each core. Rows that are done take no time, so equal parts would not take equal times."""

_pools: dict[int, ThreadPoolExecutor] = {}


def over_rows(work: Callable[[int, int], object], rows: int) -> None:
    """Call a function for parts of some rows, on all cores that the process may use.

    Args:
        work: called with the first row of a part and the one after its last; it releases the GIL.
        rows: the number of rows.

    Raises:
        Exception: what ``work`` raises.
    """
    threads = min(cores(), rows)
    if threads <= 1:
        work(0, rows)
        return
    size = max(1, rows // (threads * PIECES))
    parts = count(0, size)

    def run() -> None:
        while (low := next(parts)) < rows:
            work(low, min(low + size, rows))

    # A pool for each process: threads do not survive a fork.
    pool = _pools.setdefault(os.getpid(), ThreadPoolExecutor(cores(), "moves"))
    others = [pool.submit(run) for _ in range(threads - 1)]
    run()
    for other in others:
        other.result()
