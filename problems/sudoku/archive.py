"""Boards in NumPy archives (.npz), the format of pools of training boards."""

from __future__ import annotations

import zipfile
from math import isqrt

import numpy as np

from ...engine import files
from ..errors import InputError
from ..records import Record
from .text import CELLS

LARGEST = 1 << 30
"""Largest archive in bytes, packed and unpacked: a small archive may hold arrays that fill the memory."""

HINT = "an .npz has puzzles, uint8 [N, 81] with 0 for a blank, and mostly solutions of the same shape"


def read_arrays(path: str, largest: int = LARGEST) -> tuple[np.ndarray, np.ndarray | None]:
    """The boards of an archive, uint8 [N, cells], and their solutions of the same shape, or None.

    Args:
        path: of the file.
        largest: bytes allowed, packed and unpacked.

    Raises:
        InputError: the file cannot be read, or does not hold such arrays.
    """
    try:
        files.check(path, largest)
        with zipfile.ZipFile(path) as packed:
            # The directory of the archive states the sizes; nothing is unpacked yet.
            if sum(item.file_size for item in packed.infolist()) > largest:
                raise files.too_large(path, largest)
        with np.load(path) as data:
            puzzles, solutions = data["puzzles"], data.get("solutions")
    except FileNotFoundError:
        raise InputError("no such file", path, hint="check the path") from None
    except Exception as error:  # zlib, zipfile and NumPy raise a dozen kinds for a broken archive
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"is not a file of boards: {reason}", path, hint=HINT) from None
    if not _is_boards(puzzles) or (solutions is not None and not _is_boards(solutions)):
        raise InputError("is not a file of boards: an array is not uint8 [N, cells]", path, hint=HINT)
    if solutions is not None and solutions.shape != puzzles.shape:
        raise InputError("is not a file of boards: puzzles and solutions differ in shape", path, hint=HINT)
    size = isqrt(puzzles.shape[1])
    if any(array is not None and array.max() > size for array in (puzzles, solutions)):
        raise InputError(f"holds a value above {size}", path, hint=HINT)
    return puzzles, solutions


def records(path: str) -> list[Record]:
    """The boards of an archive, with their solutions if it has them.

    Raises:
        InputError: the file cannot be read, or does not hold boards.
    """
    puzzles, solutions = read_arrays(path)
    signs = [".", *map(str, range(1, isqrt(puzzles.shape[1]) + 1))]
    found = []
    for n, row in enumerate(puzzles):
        answer = [signs[v] for v in solutions[n]] if solutions is not None else None
        found.append(Record(n + 1, [signs[v] for v in row], answer))
    return found


def _is_boards(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 2 and len(array) > 0 and array.shape[1] in CELLS
