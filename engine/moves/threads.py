"""Rows of a batch on all cores: kernels release the GIL, and each thread calls them for some rows."""

from __future__ import annotations

from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable
from itertools import count

from ..deadline import uninterrupted
from ..rows import cores

PIECES = 8
"""Parts of the rows for each core. Rows that are done take no time, so equal parts would not take equal times."""


@uninterrupted
def over_rows(work: Callable[[int, int], object], rows: int) -> None:
    """Call a function for parts of some rows, on all cores that the process may use.

    The call lasts as long as one step of a search. ``OutOfTime`` waits for its end: raised between the start of a
    thread and its registration, it could leave a thread for which the process waits for ever.

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
    failed: list[BaseException] = []

    def run() -> None:
        try:
            while not failed and (low := next(parts)) < rows:
                work(low, min(low + size, rows))
        except BaseException as error:
            failed.append(error)

    def other(ended: LockType) -> None:
        run()
        ended.release()

    # Plain threads and locks: ``threading.Thread`` waits for the start of a thread, which an exception can interrupt.
    locks = [allocate_lock() for _ in range(threads - 1)]
    for lock in locks:
        lock.acquire()
        start_new_thread(other, (lock,))
    run()
    for lock in locks:
        lock.acquire()
    if failed:
        raise failed[0]
