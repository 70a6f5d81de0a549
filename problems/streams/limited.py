"""A stream of few examples: the first ones of another stream, in endless passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...engine.examples import Examples, Stream, concatenate
from .passes import rows_of_chunk

CHUNK = 1024


@dataclass(frozen=True)
class Limited:
    """The first examples of a stream, again and again, each pass in another random order. They are not augmented.

    Args:
        stream: that is limited.
        count: number of examples.
    """

    stream: Stream
    count: int

    @property
    def name(self) -> str:
        """The name of the stream, with the number of examples."""
        return f"{self.stream.name}, {self.count} examples"

    @property
    def family(self) -> str:
        """The family of the stream."""
        return self.stream.family

    @property
    def split(self) -> str:
        """The split of the stream."""
        return self.stream.split

    @property
    def seed(self) -> int:
        """The seed of the stream and of the orders."""
        return self.stream.seed

    def chunk(self, k: int) -> Examples:
        """The k-th 1024 examples, or all of a smaller number in another order.

        Args:
            k: number of the chunk, from 0.
        """
        first = _first(self.stream, self.count)  # type: ignore[arg-type]  # streams are values
        return first.take(rows_of_chunk(k, CHUNK, self.count, self.seed))


@lru_cache(maxsize=4)
def _first(stream: Stream, count: int) -> Examples:
    """The first ``count`` examples of a stream."""
    chunks: list[Examples] = []
    while sum(map(len, chunks)) < count:
        chunks.append(stream.chunk(len(chunks)))
    return concatenate(chunks).take(np.arange(count))
