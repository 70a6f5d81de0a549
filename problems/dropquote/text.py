"""Reading drop quotes: the records of LR²Bench, and a plain format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, excerpt
from ..parsing import json_records

HINT = "write 'dropquote', a line of letters for each column, an empty line, then the rows: '_' for a letter, '#' between words"
MOST_CELLS = 2000


@dataclass(frozen=True)
class Puzzle:
    """A drop quote as it is written.

    Args:
        rows: of signs; ``?`` is a cell to be filled, ``#`` is black, all others are punctuation.
        columns: the letters above each column, upper case.
        line: of the puzzle in the file, 1-based.
        title: of the puzzle, or empty.
    """

    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    line: int
    title: str = ""


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text.

    Args:
        text: one JSON object a line, with ``grid`` and ``candidate``; or the plain format of ``HINT``.

    Raises:
        InputError: the text is neither, or the letters do not match the grid.
    """
    if text.lstrip().startswith("{"):
        for number, record in json_records(text):
            yield _of_record(record, number)
    else:
        yield _plain(text)


def _of_record(fields: Mapping[str, Any], number: int) -> Puzzle:
    grid, letters = fields.get("grid"), fields.get("candidate")
    if not (isinstance(grid, list) and grid and all(isinstance(row, list) and row for row in grid)):
        raise InputError(
            "a record has 'grid', a list of rows, and 'candidate', the letters of each column", line=number
        )
    if not (isinstance(letters, list) and all(isinstance(each, str) for each in letters)):
        raise InputError("'candidate' is not a list of strings", line=number)
    rows = tuple(tuple("?" if str(sign).isdecimal() else str(sign) for sign in row) for row in grid)
    return _checked(Puzzle(rows, tuple(each.upper() for each in letters), number, str(fields.get("tag", ""))))


def _plain(text: str) -> Puzzle:
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    start, head = next(((n, line) for n, line in lines if line and not line.startswith("//")), (1, ""))
    columns: list[str] = []
    rows: list[tuple[str, ...]] = []
    blank = False
    for _, line in lines[start:]:
        if not line:
            blank = blank or bool(columns)
        elif blank:
            rows.append(tuple("?" if sign == "_" else sign for sign in line.replace(" ", "")))
        else:
            columns.append(line.upper().replace(" ", ""))
    if not rows:
        raise InputError("the puzzle has no rows", line=start, hint=HINT)
    return _checked(Puzzle(tuple(rows), tuple(columns), start, head[9:].strip()))


def _checked(puzzle: Puzzle) -> Puzzle:
    width = len(puzzle.columns)
    if sum(map(len, puzzle.rows)) > MOST_CELLS:
        raise InputError(f"the grid has more than {MOST_CELLS} cells", line=puzzle.line)
    for number, row in enumerate(puzzle.rows, 1):
        if len(row) != width:
            what = f"row {number} has {len(row)} cells, and letters are given for {width} columns"
            raise InputError(what, line=puzzle.line, hint=HINT)
        wrong = next((sign for sign in row if len(sign) != 1), None)
        if wrong is not None:
            raise InputError(f"row {number} has the cell {excerpt(wrong)}", line=puzzle.line, hint=HINT)
    for number, letters in enumerate(puzzle.columns, 1):
        cells = sum(row[number - 1] == "?" for row in puzzle.rows)
        strange = next((sign for sign in letters if not (sign.isascii() and sign.isalpha())), None)
        if strange is not None:
            raise InputError(f"column {number} has the sign {strange!r}, which is no letter", line=puzzle.line)
        if cells != len(letters):
            counts = ", ".join(f"{count} {sign}" for sign, count in sorted(Counter(letters).items()))
            what = f"column {number} has {cells} cells and {len(letters)} letters ({counts})"
            raise InputError(what, line=puzzle.line, hint="each letter above a column stands in one of its cells")
    return puzzle
