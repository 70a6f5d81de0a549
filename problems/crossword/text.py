"""Reading crosswords: the records of LR²Bench, and a plain format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, excerpt
from ..parsing import json_records

HINT = "write 'crossword', rows of '.', '#' and letters, an empty line, then 'ACROSS', lines '1. clue', 'DOWN', lines '1. clue'"
MOST_CELLS = 1000
WAYS = ("ACROSS", "DOWN")

Cell = tuple[int, int]
"""Row and column, from 1."""


@dataclass(frozen=True)
class Entry:
    """A word of the grid.

    Args:
        name: ``1-ACROSS``.
        clue: its text, or empty.
        cells: of its letters, in order.
    """

    name: str
    clue: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Puzzle:
    """A crossword as it is written.

    Args:
        grid: rows of ``#``, ``.`` and upper-case letters.
        entries: all words of two letters and more.
        line: of the puzzle in the file, 1-based.
        title: of the puzzle, or empty.
    """

    grid: tuple[str, ...]
    entries: tuple[Entry, ...]
    line: int
    title: str = ""


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text.

    Args:
        text: one JSON object a line, with ``grid`` and ``clue``; or the plain format of ``HINT``.

    Raises:
        InputError: the text is neither, or the clues do not match the grid.
    """
    if not text.lstrip().startswith("{"):
        yield _plain(text)
        return
    for number, record in json_records(text):
        yield _of_record(record, number)


def _of_record(fields: Mapping[str, Any], number: int) -> Puzzle:
    grid, clue = fields.get("grid"), fields.get("clue")
    if not (isinstance(grid, list) and grid and all(isinstance(row, list) for row in grid) and isinstance(clue, str)):
        raise InputError("a record has 'grid', a list of rows, and 'clue', a text", line=number)
    rows = tuple("".join("#" if str(sign) == "#" else "." for sign in row) for row in grid)
    puzzle = _puzzle(rows, _clues(clue.split("\n"), number), number, str(fields.get("tag", "")))
    for r, row in enumerate(grid, 1):
        for c, sign in enumerate(row, 1):
            starts = {entry.name.partition("-")[0] for entry in puzzle.entries if entry.cells[0] == (r, c)}
            if str(sign).isdigit() and starts and starts != {str(sign)}:
                raise InputError(f"row {r}, column {c} has the number {sign} instead of {min(starts)}", line=number)
    return puzzle


def _plain(text: str) -> Puzzle:
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    start, head = next(((n, line) for n, line in lines if line), (1, ""))
    rows: list[str] = []
    rest: list[str] = []
    for _, line in lines[start:]:
        if rest or line.upper() in WAYS:
            match = re.match(r"(\d+)[.:)]?\s*(.*)", line)
            rest += [match[1], match[2]] if match else [line] if line else []
        elif line:
            rows.append(line.upper().replace(" ", ""))
    return _puzzle(tuple(rows), _clues(rest, start), start, head[len("crossword") :].strip(" :"))


def _clues(lines: Sequence[str], number: int) -> dict[str, str]:
    """Name of an entry -> clue: the lines ACROSS and DOWN, each with pairs of a number and a text after it."""
    found: dict[str, str] = {}
    way, label = "", ""
    for line in (each.strip() for each in lines):
        if line.upper() in WAYS and not label:
            way = line.upper()
        elif line.isdigit() and not label:
            if not way:
                raise InputError(f"clue {line} stands before 'ACROSS' and 'DOWN'", line=number, hint=HINT)
            label = f"{line}-{way}"
        elif label:
            if label in found:
                raise InputError(f"the clue {label} occurs twice", line=number)
            found[label], label = line, ""
        elif line:
            raise InputError(f"the clue {excerpt(line)} has no number", line=number, hint=HINT)
    return found


def _puzzle(rows: tuple[str, ...], clues: Mapping[str, str], line: int, title: str) -> Puzzle:
    if not rows or not rows[0]:
        raise InputError("the puzzle has no rows", line=line, hint=HINT)
    if sum(map(len, rows)) > MOST_CELLS:
        raise InputError(f"the grid has more than {MOST_CELLS} cells", line=line)
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise InputError(f"row {number} has {len(row)} cells, and row 1 has {len(rows[0])}", line=line, hint=HINT)
        strange = next((sign for sign in row if sign not in ".#" and not ("A" <= sign <= "Z")), None)
        if strange is not None:
            raise InputError(f"row {number} has the sign {strange!r}", line=line, hint=HINT)
    entries = list(_entries(rows, clues))
    known = {entry.name for entry in entries}
    unknown = next((name for name in clues if name not in known), None)
    if unknown is not None:
        raise InputError(
            f"the clue {unknown} fits no word of the grid", line=line, hint="words are numbered row by row"
        )
    if not entries:
        raise InputError("the grid has no words", line=line, hint=HINT)
    return Puzzle(rows, tuple(entries), line, title)


def _entries(rows: Sequence[str], clues: Mapping[str, str]) -> Iterator[Entry]:
    """The words of a grid, numbered row by row as usual.

    A word of one letter counts where it has a clue.
    """

    def is_open(r: int, c: int) -> bool:
        return 0 <= r < len(rows) and 0 <= c < len(rows[0]) and rows[r][c] != "#"

    number = 0
    for r in range(len(rows)):
        for c in range(len(rows[0])):
            found = []
            for way, dr, dc in (("ACROSS", 0, 1), ("DOWN", 1, 0)):
                if is_open(r, c) and not is_open(r - dr, c - dc) and is_open(r + dr, c + dc):
                    length = 1
                    while is_open(r + length * dr, c + length * dc):
                        length += 1
                    found.append((way, tuple((r + i * dr + 1, c + i * dc + 1) for i in range(length))))
            number += bool(found)
            for way, cells in found:
                name = f"{number}-{way}"
                yield Entry(name, clues.get(name, ""), cells)
