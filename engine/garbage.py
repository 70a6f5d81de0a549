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
def gc_frozen() -> Iterator[None]:
    """Exclude the objects that exist now from garbage collections inside a block.

    With 100,000 problems in memory each full collection visits millions of objects, none of which is garbage.
    """
    if gc.get_freeze_count():  # the caller's own objects, which must stay frozen afterwards
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


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
