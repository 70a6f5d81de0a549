"""Garbage collection while many objects are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG, MIDDLE, OLD = 50_000, 20, 20
"""Thresholds of ``gc`` in a worker. With Python's own, collections take an eighth of its time on problems of 1 ms."""


def collect_rarely() -> None:
    """Collect garbage rarely in this process, and never visit the objects that it has now.

    For a process that only solves: it makes many objects, and nearly all of them are freed without the collector.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Suspend garbage collection while a block makes many objects that stay: each collection would visit them all."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()
