"""Binary files whose content has a text form: NumPy arrays of boards and mazes (``.npy``), DIMACS binary graphs."""

from __future__ import annotations

import io
import re
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine import files
from . import compressed
from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

NPY = b"\x93NUMPY"
BOARDS = "an .npy of boards has integers [N, cells]: 1 a blank and 2 to 10 the digits, or 0 a blank and 1 to 9"
MAZE = "# SGo"
"""The signs of a maze in the data sets of HRM and TRM, with the numbers 1 to 5."""

_GRAPH = re.compile(rb"\A\s*(\d{1,7})\n")


def text_of(data: bytes, path: str, largest: int) -> bytes:
    """The text form of a binary file, or the data unchanged if it is of another format.

    Args:
        data: the content of the file.
        path: of the file. For ``inputs`` in its name, the file with ``labels`` beside it has the stated solutions.
        largest: bytes of a second file that are read at most.

    Raises:
        InputError: the file is damaged, or the array has another content.
    """
    if data.startswith(NPY):
        return _arrays(data, path, largest)
    head = _GRAPH.match(data)
    if head and re.search(rb"^p[ \t]+(?:col|edge)", data[head.end() : head.end() + int(head[1])], re.MULTILINE):
        return _graph(data, head.end(), int(head[1]))
    return data


# Arrays of the data sets of HRM and TRM
# -------------------------------------------------------------------------------------------------------------------


def _arrays(data: bytes, path: str, largest: int) -> bytes:
    """A table with columns ``question`` and ``answer``."""
    inputs = _array(data)
    name = Path(path).name
    beside = Path(path).with_name(name.replace("inputs", "labels")) if "inputs" in name else None
    labels = None
    if beside is not None and beside.is_file():
        try:
            labels = _array(compressed.unpacked(files.read(beside, largest), largest))
        except InputError as error:
            raise error.at(str(beside)) from None
        if labels.shape != inputs.shape:
            raise InputError(f"the labels in {beside.name} have another shape", hint="both are [N, cells]")
    signs = _signs(inputs)
    questions = _lines(inputs, signs)
    if labels is None:
        return "\n".join(["question", *questions, ""]).encode()
    both = zip(questions, _lines(labels, signs), strict=True)
    return "\n".join(["question,answer", *map(",".join, both), ""]).encode()


def _array(data: bytes) -> np.ndarray:
    """The array of an ``.npy`` file with two axes, of integers. Nothing is unpickled.

    Raises:
        InputError: the file is damaged or has another array.
    """
    import numpy as np

    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, kind = read(stream)
    except Exception:
        raise InputError("is not a valid .npy file", hint=BOARDS) from None
    content = data[stream.tell() :]
    if kind.kind not in "iu" or len(shape) != 2 or 0 in shape:
        raise InputError(f"the array has shape {shape} and type {kind}", hint=BOARDS)
    if len(content) != shape[0] * shape[1] * kind.itemsize:
        raise InputError("the array is shorter or longer than its header states", hint="the file may be truncated")
    return np.frombuffer(content, kind).reshape(shape, order="F" if by_column else "C")


def _signs(inputs: np.ndarray) -> str:
    """The signs of the numbers from 0, by the size and the values of the inputs.

    Raises:
        InputError: the inputs are neither boards nor mazes.
    """
    cells, least, most = inputs.shape[1], int(inputs.min()), int(inputs.max())
    start, goal = ((inputs == number).sum(1) == 1 for number in (3, 4))
    if isqrt(cells) ** 2 == cells and least >= 1 and most <= 5 and start.all() and goal.all():
        return f"?{MAZE}"
    if cells == 81 and least >= 1 and most <= 10:
        return "?.123456789"
    if cells == 81 and least >= 0 and most <= 9:
        return ".123456789"
    raise InputError(f"rows of {cells} numbers from {least} to {most} are neither boards nor mazes", hint=BOARDS)


def _lines(array: np.ndarray, signs: str) -> list[str]:
    """One line of signs for each row.

    Raises:
        InputError: a number has no sign.
    """
    import numpy as np

    wrong = array[(array < 0) | (array >= len(signs))]
    if wrong.size:
        raise InputError(f"the number {wrong[0]} is out of range", hint=BOARDS)
    codes = np.frombuffer(signs.encode(), np.uint8)
    return [row.tobytes().decode() for row in codes[array]]


# DIMACS binary graphs
# -------------------------------------------------------------------------------------------------------------------


def _graph(data: bytes, start: int, length: int) -> bytes:
    """The ASCII form of a DIMACS binary graph: a preamble of a stated length, then the lower triangle in bits.

    Raises:
        InputError: the file ends early.
    """
    preamble = data[start : start + length]
    stated = re.search(rb"^p[ \t]+\w+[ \t]+(\d{1,6})[ \t]+(\d+)", preamble, re.MULTILINE)
    if stated is None:
        raise InputError("the preamble has no line 'p col VERTICES EDGES'", hint="the file may be truncated")
    place, lines = start + length, [preamble.rstrip()]
    for i in range(int(stated[1])):
        row = data[place : place + i // 8 + 1]  # bit j of row i, the highest first: an edge of i and j < i
        place += len(row)
        if len(row) != i // 8 + 1:
            raise InputError(f"the matrix ends in row {i + 1} of {int(stated[1])}", hint="the file may be truncated")
        bits = int.from_bytes(row, "big") >> (8 * len(row) - i) if i else 0
        while bits:
            low = bits & -bits
            lines.append(b"e %d %d" % (i + 1, i - low.bit_length() + 1))
            bits ^= low
    return b"\n".join(lines) + b"\n"
