"""Boards in NumPy archives, as the pools of training boards are kept."""

from __future__ import annotations

import zipfile
from math import isqrt
from pathlib import Path

import numpy as np

from . import sudoku_text
from .errors import InputError
from .records import Record

LARGEST = 1 << 30
"""Bytes of the largest archive, unpacked: larger ones are refused before they fill the memory."""

HINT = "an .npz holds puzzles, uint8 [N, 81] with 0 for a blank, and mostly solutions of the same shape"


def arrays(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The boards of an archive and their solutions, where it holds them: uint8 [N, cells] each.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        if not Path(path).is_file():
            raise InputError("no such file", path, hint="check the path")
        with zipfile.ZipFile(path) as packed:
            if sum(item.file_size for item in packed.infolist()) > LARGEST:
                raise InputError(f"is larger than {LARGEST >> 20} MiB when unpacked", path, hint="split the file")
        with np.load(path) as data:
            puzzles = data["puzzles"]
            solutions = data.get("solutions")
    except InputError:
        raise
    except Exception as error:  # zlib, zipfile and NumPy raise a dozen kinds for a broken archive
        raise InputError(f"is not a file of boards: {error}", path, hint=HINT) from None
    for array in (puzzles, solutions):
        if array is not None and not (array.dtype == np.uint8 and array.ndim == 2 and array.shape == puzzles.shape):
            raise InputError("is not a file of boards", path, hint=HINT)
    if not len(puzzles) or puzzles.shape[1] not in sudoku_text.CELLS:
        raise InputError("is not a file of boards", path, hint=HINT)
    return puzzles, solutions


def records(path: str) -> list[Record]:
    """The boards of an archive, with their solutions where it holds them.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    puzzles, solutions = arrays(path)
    size = isqrt(puzzles.shape[1])
    for array in (puzzles, solutions):
        if array is not None and array.max() > size:
            raise InputError(f"holds a value above {size}", path, hint=HINT)
    signs = [".", *map(str, range(1, size + 1))]
    found = []
    for n, row in enumerate(puzzles):
        answer = [signs[v] for v in solutions[n]] if solutions is not None else None
        found.append(Record(n + 1, [signs[v] for v in row], answer))
    return found
