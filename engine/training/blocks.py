"""Training data on its way to the net: chunks made by workers, shuffled block by block, in an order that can be resumed."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from multiprocessing import get_context

import numpy as np

from ..examples import Examples, Stream, concatenate
from ..role_tensors import MANY_TEMPLATES, rounded


def make(stream: Stream, k: int) -> Examples:
    """The k-th chunk, with all that training asks of its graphs worked out: what a worker does."""
    chunk = stream.chunk(k)
    for graph in chunk.graphs:
        _ = graph.roles, graph.digest
    return chunk


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """A pool of worker processes; None for none."""
    if not count:
        yield None
        return
    # Spawned, not forked: the parent may hold CUDA and threads.
    # Ctrl-C reaches the whole group: the parent ends the training, and the workers with it.
    pool = ProcessPoolExecutor(
        count, get_context("spawn"), initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Blocks:
    """Blocks of chunks of one stream; while one is in use, workers make the next.

    The first block is one chunk, so that training starts at once; each has twice the chunks of the one before, up to ``size``.

    Args:
        stream: where chunks come from, all of one length.
        size: examples in a block, once it is full-grown.
        pool: who makes them; None makes them here, when they are asked for.
        shard, shards: which of several trainings side by side this is; they see different chunks.
    """

    def __init__(
        self, stream: Stream, size: int, pool: ProcessPoolExecutor | None, shard: int = 0, shards: int = 1
    ) -> None:
        self.stream, self.size, self.pool = stream, size, pool
        self.shard, self.shards = shard, shards
        self.coming: dict[int, list[Future[Examples]]] = {}
        self.kept: tuple[int, Examples] | None = None
        """The block last asked for: after a checkpoint it is asked for again."""

    def get(self, b: int) -> Examples:
        """Block b, once its chunks are there; the next one is asked for."""
        if self.kept is None or self.kept[0] != b:
            self._ask(b)
            asked = self.coming.pop(b, None)
            chunks = [f.result() for f in asked] if asked else [make(self.stream, k) for k in self._chunks(b)]
            self.kept = b, _joined(chunks)
        self._ask(b + 1)
        return self.kept[1]

    def _ask(self, b: int) -> None:
        if self.pool is not None and b not in self.coming:
            self.coming[b] = [self.pool.submit(make, self.stream, k) for k in self._chunks(b)]

    def _chunks(self, b: int) -> range:
        before = sum(map(self._count, range(b)))
        first = before * self.shards + self.shard * self._count(b)
        return range(first, first + self._count(b))

    def _count(self, b: int) -> int:
        """Chunks of block b."""
        return 1 if b == 0 else min(1 << b, -(-self.size // self._length))

    @cached_property
    def _length(self) -> int:
        return len(self.stream.chunk(0))


def _joined(chunks: Sequence[Examples]) -> Examples:
    """One after another; many unlike templates padded to round numbers, so that compiled nets fit the next block too."""
    examples = concatenate(chunks)
    if len(examples.graphs) < MANY_TEMPLATES:
        return examples
    variables = examples.givens.shape[1]
    missing = rounded(variables) - variables
    givens = np.pad(examples.givens, ((0, 0), (0, missing)), constant_values=-1)
    targets = np.pad(examples.targets, ((0, 0), (0, 0), (0, missing)), constant_values=-1)
    return Examples(examples.graphs, examples.template, givens, targets)


def order(seed: int, block: int, turn: int, count: int) -> np.ndarray:
    """[count] the shuffled order in which a block's examples are used in its ``turn``-th pass."""
    return np.random.default_rng((seed, block, turn)).permutation(count)
