"""A file of 9 x 9 boards as a stream."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from glob import glob
from zipfile import BadZipFile, ZipFile

import numpy as np

from ...engine import files
from ...engine.examples import Examples
from ..errors import InputError
from ..sudoku import template
from .packing import Named
from .turns import turned

CHUNK = 8192
LARGEST = 4 << 30
"""Bytes of the largest file read, packed and unpacked."""


@dataclass(frozen=True)
class BoardFile(Named):
    """The boards of an ``.npz`` file with arrays puzzles and solutions, uint8 [N, 81], 0 for a blank.

    A name with ``*`` is all files of that pattern. Each pass over them is in an order of its own; for training, every board
    comes under a random symmetry each time. The split is what the files are said to be: all boards are handed out.
    """

    def check(self) -> None:
        load_boards(self.name)

    @property
    def family(self) -> str:
        return "sudoku"

    def __len__(self) -> int:
        return len(load_boards(self.name)[0])

    def chunk(self, k: int) -> Examples:
        """The k-th 8192 boards, or all of a smaller file, in an order of their own."""
        puzzles, solutions = load_boards(self.name)
        total = len(puzzles)
        size = min(CHUNK, total)
        rows = np.arange(k * size, (k + 1) * size)
        order = np.concatenate(
            [
                np.random.default_rng([self.seed, turn]).permutation(total)[rows[rows // total == turn] % total]
                for turn in range(rows[0] // total, rows[-1] // total + 1)
            ]
        )
        chosen, targets = puzzles[order].astype(np.int16) - 1, solutions[order].astype(np.int16) - 1
        if self.split == "train":
            chosen, targets = turned((chosen, targets), np.random.default_rng([self.seed, k, 1]))
        return Examples((template(3),), np.zeros(size, dtype=np.int64), chosen, targets[:, None])


@lru_cache(maxsize=8)
def load_boards(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Puzzles and solutions of a file, or of all files of a pattern with ``*``, uint8 [N, 81] each.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    if "*" in path:
        parts = [load_boards(part) for part in sorted(glob(path))]
        if not parts:
            raise InputError("no such files", path, hint="check the pattern")
        return np.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts])
    try:
        files.check(path, LARGEST)
        with ZipFile(path) as archive:  # a small archive may hold arrays that fill the memory
            if sum(part.file_size for part in archive.infolist()) > LARGEST:
                raise files.too_large(path, LARGEST)
        with np.load(path) as data:
            puzzles, solutions = data["puzzles"], data["solutions"]
    except FileNotFoundError:
        raise InputError("no such file", path, hint="check the path") from None
    except (OSError, ValueError, LookupError, EOFError, BadZipFile, NotImplementedError, zlib.error) as error:
        raise InputError(f"is not a file of boards: {error}", path, hint="an .npz with puzzles and solutions") from None
    for array in (puzzles, solutions):
        if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != 81 or not len(array):
            raise InputError("is not a file of boards", path, hint="puzzles and solutions are uint8 [N, 81]")
    if puzzles.shape != solutions.shape or ((puzzles != solutions) & (puzzles > 0)).any() or solutions.max() > 9:
        raise InputError("has solutions that are not of its puzzles", path)
    if not solutions.all():
        raise InputError("has solutions with blanks", path)
    return puzzles, solutions
