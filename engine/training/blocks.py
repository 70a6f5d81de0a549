"""Blocks of training examples: chunks that workers generate, shuffled block by block in an order that can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from ..errors import GraphError
from ..examples import Examples, Stream, concatenate
from ..orphans import follow_parent
from ..role_tensors import MANY_TEMPLATES, rounded

FEW = 4
"""Most streams whose first chunks are generated without workers, which take seconds to start."""


def make(stream: Stream, k: int) -> Examples:
    """The k-th chunk, with the literal groups and digests of its graphs computed: the task of a worker.

    Args:
        stream: source of chunks.
        k: number of the chunk, from 0.
    """
    chunk = stream.chunk(k)
    for graph in chunk.graphs:
        _ = graph.digest
        with suppress(GraphError):  # a kind without literal groups: some backbones do not read them
            _ = graph.roles
    return chunk


def first_chunks(streams: Sequence[Stream], processes: int) -> list[Examples]:
    """Chunk 0 of each stream. That of a stream that occurs several times is generated once.

    Args:
        streams: of a training.
        processes: workers that generate them if there are several; 0 generates them in this process.
    """
    distinct = list({(stream.name, stream.seed): stream for stream in streams}.values())
    with workers(min(processes, len(distinct)) if len(distinct) > FEW else 0) as pool:
        made = list(pool.map(make, distinct, [0] * len(distinct))) if pool else [s.chunk(0) for s in distinct]
    known = {(stream.name, stream.seed): chunk for stream, chunk in zip(distinct, made, strict=True)}
    return [known[stream.name, stream.seed] for stream in streams]


@contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """A pool of ``count`` worker processes, or None for 0."""
    if not count:
        yield None
        return
    # Spawned, not forked: a fork of a process with CUDA or threads may hang.
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=follow_parent)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class Origin(NamedTuple):
    """Where the blocks of a stream begin: those before were used by another number of processes.

    Args:
        block: number of the first block.
        chunk: number of its first chunk.
    """

    block: int = 0
    chunk: int = 0


class Blocks:
    """Blocks of chunks of one stream. Workers generate the next block while one is in use.

    The first block is one chunk, so that training starts at once. Each further block has twice as many chunks, up to ``size``
    examples.

    Args:
        stream: source of chunks, all of one length.
        size: examples of a full block.
        pool: the workers; None generates chunks in this process.
        shard: number of this process among those of the training; each reads different chunks.
        shards: number of processes of the training.
        origin: the first block, and its first chunk.
        first: chunk 0 of the stream, if it is known; it is then not generated again.
    """

    def __init__(
        self,
        stream: Stream,
        size: int,
        pool: ProcessPoolExecutor | None,
        shard: int = 0,
        shards: int = 1,
        origin: Origin = Origin(),
        first: Examples | None = None,
    ) -> None:
        self.stream, self.size, self.pool = stream, size, pool
        self.shard, self.shards, self.origin, self.first = shard, shards, origin, first
        self.pending: dict[int, list[Future[Examples]]] = {}
        self.last: tuple[int, Examples] | None = None
        """The block last returned: after a checkpoint it is requested again."""

    def get(self, b: int) -> Examples:
        """Block b. It waits for the chunks, and requests those of the next block."""
        if self.last is None or self.last[0] != b:
            self.request(b)
            requested = self.pending.pop(b, None)
            chunks = [f.result() for f in requested or ()] or [self._chunk(k) for k in self._chunks(b)]
            self.last = b, _joined(chunks)
        self.request(b + 1)
        return self.last[1]

    def request(self, b: int) -> None:
        """Let the workers generate block b, unless they do so already.

        Args:
            b: number of the block.
        """
        if self.pool is None or b in self.pending or (self.first is not None and self._chunks(b) == range(1)):
            return
        self.pending[b] = [self.pool.submit(make, self.stream, k) for k in self._chunks(b)]

    def _chunk(self, k: int) -> Examples:
        return self.stream.chunk(k) if k or self.first is None else self.first

    def after(self, b: int) -> Origin:
        """The origin of the blocks from ``b`` on for another number of processes: no chunk before it is used again."""
        return Origin(b, self._first(b))

    def _chunks(self, b: int) -> range:
        first = self._first(b) + self.shard * self._count(b)
        return range(first, first + self._count(b))

    def _first(self, b: int) -> int:
        """The first chunk of block b of all processes."""
        return self.origin.chunk + self.shards * sum(map(self._count, range(self.origin.block, b)))

    def _count(self, b: int) -> int:
        """Number of chunks of block b."""
        return 1 if b == 0 else min(1 << b, -(-self.size // self._length))

    @cached_property
    def _length(self) -> int:
        return len(self._chunk(0))


def _joined(chunks: Sequence[Examples]) -> Examples:
    """The chunks as one; many templates are padded to round sizes, so that a compiled net fits the next block too."""
    examples = concatenate(chunks)
    if len(examples.graphs) < MANY_TEMPLATES:
        return examples
    variables = examples.givens.shape[1]
    missing = rounded(variables) - variables
    givens = np.pad(examples.givens, ((0, 0), (0, missing)), constant_values=-1)
    targets = np.pad(examples.targets, ((0, 0), (0, 0), (0, missing)), constant_values=-1)
    return Examples(examples.graphs, examples.template, givens, targets)


def order(seed: int, block: int, number: int, count: int) -> np.ndarray:
    """[count] int64, the order in which a pass uses the examples of a block.

    Args:
        seed: of the training.
        block: number of the block, from 0.
        number: number of the pass over the block, from 0.
        count: examples of the block.
    """
    return np.random.default_rng((seed, block, number)).permutation(count)
