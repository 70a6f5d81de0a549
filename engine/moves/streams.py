"""Random streams of compiled searches: a 64-bit key for each row, from its label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """A counter-based stream of random numbers for each of B rows.

    ``engine/moves/draws.py`` has the numbers of a stream, as a function of its key, the move and the draw.

    Args:
        keys: [B] uint64.
        copies: [B] int64, the number of each row among the rows of its problem. A search may give copies different
            roles by it.
    """

    keys: np.ndarray
    copies: np.ndarray

    @classmethod
    def for_rows(cls, labels: Sequence[object]) -> Streams:
        """One stream for each label. Equal labels give equal streams.

        Args:
            labels: B objects whose ``repr`` depends on their value only: numbers, strings, tuples. The engine's
                labels are (seed, digest, copy, start). The copy of any other label is 0.
        """
        keys = [int.from_bytes(hashlib.sha256(repr(label).encode()).digest()[:8], "big") for label in labels]
        copies = [label[2] if isinstance(label, tuple) and len(label) == 4 else 0 for label in labels]
        return cls(np.array(keys, dtype=np.uint64), np.array(copies, dtype=np.int64))
