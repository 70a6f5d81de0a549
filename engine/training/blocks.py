"""Training data on its way to the net: chunks made by workers, shuffled block by block, in an order that can be resumed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np

from ..examples import Examples, Stream, concatenate


def make(stream: Stream, k: int) -> Examples:
    """The k-th chunk, with the literal groups of its graphs worked out: what a worker does."""
    chunk = stream.chunk(k)
    for graph in chunk.graphs:
        _ = graph.roles
    return chunk


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """A pool of worker processes; None for none."""
    if not count:
        yield None
        return
    # Spawned, not forked: the parent may hold CUDA and threads.
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Blocks:
    """Blocks of chunks of one stream; while one is in use, workers make the next.

    Args:
        stream: where chunks come from.
        size: chunks in a block.
        pool: who makes them; None makes them here, when they are asked for.
        shard, shards: which of several trainings side by side this is; they see different chunks.
    """

    def __init__(
        self, stream: Stream, size: int, pool: ProcessPoolExecutor | None, shard: int = 0, shards: int = 1
    ) -> None:
        self.stream, self.size, self.pool = stream, size, pool
        self.shard, self.shards = shard, shards
        self.coming: dict[int, list[Future[Examples]]] = {}

    def get(self, b: int) -> Examples:
        """Block b, once its chunks are there; the next one is asked for."""
        if self.pool is None:
            return concatenate([make(self.stream, k) for k in self._chunks(b)])
        self._ask(b)
        self._ask(b + 1)
        return concatenate([future.result() for future in self.coming.pop(b)])

    def _ask(self, b: int) -> None:
        if self.pool is not None and b not in self.coming:
            self.coming[b] = [self.pool.submit(make, self.stream, k) for k in self._chunks(b)]

    def _chunks(self, b: int) -> range:
        first = (b * self.shards + self.shard) * self.size
        return range(first, first + self.size)


def order(seed: int, block: int, turn: int, count: int) -> np.ndarray:
    """[count] the shuffled order in which a block's examples are used in its ``turn``-th pass."""
    return np.random.default_rng((seed, block, turn)).permutation(count)
