"""A stream of the 9x9 boards in .npz files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from glob import glob

import numpy as np

from ...engine.examples import Examples
from ..errors import InputError
from ..streams.base import FamilyStream
from ..streams.passes import rows_of_chunk
from .archive import read_arrays
from .augment import augment
from .template import template

CHUNK = 8192
LARGEST = 4 << 30
"""Largest file in bytes, packed and unpacked."""


@dataclass(frozen=True)
class BoardFile(FamilyStream):
    """The boards of an ``.npz`` file with arrays puzzles and solutions, uint8 [N, 81], 0 for a blank.

    A name with ``*`` stands for all files that match. Each pass over the boards is in another random order. For
    training, each board is put under a random symmetry. All boards belong to the split that is named.
    """

    def check(self) -> None:
        load_boards(self.name)

    @property
    def family(self) -> str:
        """``sudoku``."""
        return "sudoku"

    def __len__(self) -> int:
        return len(load_boards(self.name)[0])

    def chunk(self, k: int) -> Examples:
        """The k-th 8192 boards, or all boards of a smaller file in another order."""
        puzzles, solutions = load_boards(self.name)
        order = rows_of_chunk(k, CHUNK, len(puzzles), self.seed)
        givens, targets = puzzles[order].astype(np.int16) - 1, solutions[order].astype(np.int16) - 1
        found = Examples((template(3),), np.zeros(len(order), dtype=np.int64), givens, targets[:, None])
        return augment(found, np.random.default_rng([self.seed, k, 1])) if self.split == "train" else found


@lru_cache(maxsize=8)
def load_boards(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Puzzles and solutions of a file, or of all files that match a pattern with ``*``, uint8 [N, 81] each.

    Raises:
        InputError: a file cannot be read, holds other boards than 9x9, or solutions that are not complete or do not
            fit.
    """
    if "*" in path:
        parts = [load_boards(part) for part in sorted(glob(path))]
        if not parts:
            raise InputError("no such files", path, hint="check the pattern")
        return np.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts])
    puzzles, solutions = read_arrays(path, LARGEST)
    hint = "puzzles and solutions are uint8 [N, 81]"
    if solutions is None or puzzles.shape[1] != 81:
        missing = "it has no solutions" if solutions is None else f"its boards have {puzzles.shape[1]} cells"
        raise InputError(f"is not a file of boards to train on: {missing}", path, hint=hint)
    if not solutions.all():
        row = int(np.flatnonzero(~solutions.all(1))[0])
        raise InputError(f"the solution in row {row} has blanks", path, hint="leave that board out, or complete it")
    wrong = np.flatnonzero(((puzzles != solutions) & (puzzles > 0)).any(1))
    if len(wrong):
        message = f"the solution in row {wrong[0]} differs from its puzzle in a given cell"
        raise InputError(message, path, hint="rows of puzzles and solutions belong together")
    return puzzles, solutions
