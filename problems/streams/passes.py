"""Endless passes over the rows of a file, each in another random order."""

from __future__ import annotations

import numpy as np


def rows_of_chunk(k: int, chunk: int, total: int, seed: int) -> np.ndarray:
    """The rows of the k-th chunk: int64 [min(chunk, total)].

    Args:
        k: number of the chunk, from 0.
        chunk: rows of a chunk.
        total: rows of the file.
        seed: random seed of the orders.
    """
    size = min(chunk, total)
    rows = np.arange(k * size, (k + 1) * size)
    passes = range(int(rows[0]) // total, int(rows[-1]) // total + 1)
    orders = [
        np.random.default_rng([seed, turn]).permutation(total)[rows[rows // total == turn] % total] for turn in passes
    ]
    return np.concatenate(orders)
