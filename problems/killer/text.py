"""Text formats of killer Sudoku: lists of cages, maps of letters with sums, JSON, and ``3x3::k:`` codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

from .. import records
from ..errors import InputError, excerpt
from ..parsing import parse_int

HINT = "one cage a line, 'SUM r1c1 r1c2'; or a map of letters, then a line 'LETTER SUM' for each; or JSON with 'cages'"
BOXES = {4: 2, 6: 2, 9: 3, 16: 4, 25: 5}
"""Number of rows of a puzzle -> rows of a box."""

Cell = tuple[int, int]
"""Row and column, 1-based."""
Cage = tuple[int, tuple[Cell, ...]]
"""A sum and its cells."""

_CAGE = re.compile(r"([0-9]+)\s*[=:,]?\s*((?:[rR][0-9]+[cC][0-9]+[\s,+]*)+)")
_CELL = re.compile(r"[rR]([0-9]+)[cC]([0-9]+)")
_CODE = re.compile(r"([2-5])x\1:[^:\s]*:k((?::[0-9]+)+):?")
_SUM = re.compile(r"(\S)\s*[=:,\s]\s*([0-9]+)")
_HEADER = re.compile(r"killer(?:\s+([0-9]+))?", re.IGNORECASE)
_SUM_KEYS = ("sum", "total", "value", "target")


@dataclass
class Puzzle:
    """The content of one puzzle of a file.

    Args:
        line: where it starts, 1-based.
        size: number of rows.
        cages: with distinct cells.
        givens: cell -> value.
    """

    line: int
    size: int
    cages: list[Cage]
    givens: dict[Cell, int] = field(default_factory=dict)


def looks_like(text: str) -> bool:
    """Whether a text starts as one of the formats."""
    if text.lstrip()[:1] in ("{", "["):
        return '"cages"' in text[:100_000]
    first = next((bare for _, bare in _content(text)), "")
    return bool(_HEADER.fullmatch(first) or _CAGE.fullmatch(first) or _CODE.match(first) or _is_map(text))


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text.

    Raises:
        InputError: a line is malformed, a cell is outside the grid or in two cages; with the line.
    """
    if text.lstrip()[:1] in ("{", "["):
        for line, value in records.documents(text):
            for item in value if isinstance(value, list) else [value]:
                yield _json(item, line)
        return
    lines = _content(text)
    if not lines:
        raise InputError("holds only comments", hint="the file may be truncated")
    codes = [_CODE.match(bare) for _, bare in lines]
    if all(codes):
        for (number, _), code in zip(lines, codes, strict=True):
            assert code is not None
            yield _code(int(code[1]), code[2], number)
        return
    if _is_map(text):
        yield from _maps(lines)
        return
    yield from _lists(lines)


def _content(text: str) -> list[tuple[int, str]]:
    """The lines with content, each after its number."""
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, bare) for number, bare in lines if bare and not bare.startswith(("//", "%", "# ", ";"))]


# Lists of cages
# -------------------------------------------------------------------------------------------------------------------


def _lists(lines: Sequence[tuple[int, str]]) -> Iterator[Puzzle]:
    """The puzzles of lines ``SUM CELL CELL``, each after an optional line ``killer SIZE``."""
    start, size = lines[0][0], 0
    cages: list[tuple[int, Cage]] = []
    for number, bare in lines:
        header = _HEADER.fullmatch(bare)
        if header:
            if cages:
                yield _checked(start, size, cages)
            start, cages = number, []
            size = parse_int(header[1], 1, 25, "size", HINT, number) if header[1] else 0
            continue
        found = _CAGE.fullmatch(bare)
        if not found:
            raise InputError(f"{excerpt(bare)} is not 'SUM r1c1 r1c2'", line=number, hint=HINT)
        cells = tuple(
            (parse_int(r, 0, 99, "row", HINT, number), parse_int(c, 0, 99, "column", HINT, number))
            for r, c in _CELL.findall(found[2])
        )
        cages.append((number, (_sum(found[1], number), cells)))
    yield _checked(start, size, cages)


def _sum(text: str, line: int) -> int:
    return parse_int(text, 1, 325, "sum", HINT, line)  # 1 + ... + 25


def _checked(line: int, size: int, cages: list[tuple[int, Cage]], givens: dict[Cell, int] | None = None) -> Puzzle:
    """A puzzle whose cages are in the grid and share no cell.

    Args:
        line: of the puzzle.
        size: number of rows, or 0 to take the largest row or column.
        cages: each after its line.
        givens: cell -> value.

    Raises:
        InputError: a cell is outside the grid or in two cages, or a cage has more cells than there are values.
    """
    if not cages:
        raise InputError("holds no cage", line=line, hint=HINT)
    size = size or max(max(cell) for _, (_, cells) in cages for cell in cells)
    if size not in BOXES:
        sizes = ", ".join(map(str, BOXES))
        raise InputError(f"a grid of {size} rows", line=line, hint=f"sizes are {sizes}; a line 'killer 9' states it")
    seen: set[Cell] = set()
    for number, (_, cells) in cages:
        for r, c in cells:
            if not (1 <= r <= size and 1 <= c <= size):
                raise InputError(f"cell r{r}c{c} is outside the {size}x{size} grid", line=number, hint=HINT)
            if (r, c) in seen:
                raise InputError(f"cell r{r}c{c} occurs twice", line=number, hint="each cell is in one cage")
            seen.add((r, c))
        if len(cells) > size:
            message = f"a cage of {len(cells)} cells: values 1 to {size} do not repeat in it"
            raise InputError(message, line=number, hint="give cages of fewer cells")
    return Puzzle(line, size, [cage for _, cage in cages], givens or {})


# Maps of letters
# -------------------------------------------------------------------------------------------------------------------


def _is_map(text: str) -> bool:
    """Whether a text starts with n rows of n signs that are not a Sudoku's, and a line ``SIGN SUM`` follows."""
    lines = [bare for _, bare in _content(text) if not _HEADER.fullmatch(bare)]
    if not lines:
        return False
    size = len("".join(lines[0].split()))
    return (
        size in BOXES
        and len(lines) > size
        and all(len("".join(bare.split())) == size for bare in lines[:size])
        and _SUM.fullmatch(lines[size]) is not None
    )


def _maps(lines: Sequence[tuple[int, str]]) -> Iterator[Puzzle]:
    left = [(number, bare) for number, bare in lines if not _HEADER.fullmatch(bare)]
    while left:
        size = len("".join(left[0][1].split()))
        rows, left = left[:size], left[size:]
        cells: dict[str, list[Cell]] = {}
        for r, (number, bare) in enumerate(rows, 1):
            signs = "".join(bare.split())
            if len(signs) != size or size not in BOXES:
                raise InputError(f"a row of {len(signs)} cells in a map of {size} rows", line=number, hint=HINT)
            for c, sign in enumerate(signs, 1):
                if sign != ".":
                    cells.setdefault(sign, []).append((r, c))
        sums: dict[str, tuple[int, Cage]] = {}
        while left and (found := _SUM.fullmatch(left[0][1])):
            number, sign = left[0][0], found[1]
            if sign not in cells or sign in sums:
                what = "has a second sum" if sign in sums else "is not in the map"
                raise InputError(f"cage {sign} {what}", line=number, hint=HINT)
            sums[sign] = number, (_sum(found[2], number), tuple(cells[sign]))
            left = left[1:]
        missing = next((sign for sign in cells if sign not in sums), None)
        if missing is not None:
            line = left[0][0] if left else rows[-1][0]
            raise InputError(f"cage {missing} has no sum", line=line, hint=f"add a line '{missing} SUM'")
        yield _checked(rows[0][0], size, list(sums.values()))


# Codes and JSON
# -------------------------------------------------------------------------------------------------------------------


def _code(box: int, numbers: str, line: int) -> Puzzle:
    """The puzzle of a code ``3x3::k:2816:...``: each cell has 256 times the sum of its cage, plus the cage's number."""
    values = [parse_int(text, 0, 2**24, "cell", HINT, line) for text in numbers.split(":")[1:]]
    size = box * box
    if len(values) != size * size:
        raise InputError(f"{len(values)} cells in a code of {size * size}", line=line, hint="the code may be cut")
    # Some programs write the sum at the first cell only; the others then have the number of the cage alone.
    shift = 256 if size <= 16 else 1024
    cells: dict[int, list[Cell]] = {}
    sums: dict[int, int] = {}
    for place, value in enumerate(values):
        total, cage = divmod(value, shift)
        cells.setdefault(cage, []).append((place // size + 1, place % size + 1))
        if total and sums.setdefault(cage, total) != total:
            raise InputError(f"cell {place + 1} states another sum of its cage", line=line, hint=HINT)
    found: list[tuple[int, Cage]] = [(line, (sums[cage], tuple(cells[cage]))) for cage in cells if cage in sums]
    return _checked(line, size, found)


def _json(value: Any, line: int) -> Puzzle:
    """The puzzle of an object with ``cages``: each has a sum and a list of cells, pairs or ``r1c1``, from 0 or 1."""
    cages = value.get("cages") if isinstance(value, dict) else None
    if not isinstance(cages, list) or not cages:
        raise InputError("the object has no list 'cages'", line=line, hint=HINT)
    read: list[tuple[int, list[Cell]]] = []
    for cage in cages:
        keys = {str(key).lower(): item for key, item in cage.items()} if isinstance(cage, dict) else {}
        total = next((keys[key] for key in _SUM_KEYS if key in keys), None)
        cells = keys.get("cells")
        if type(total) is not int or not isinstance(cells, list) or not cells:
            message = f"{excerpt(json.dumps(cage))} is not a cage"
            raise InputError(message, line=line, hint='{"sum": 10, "cells": [[1, 1], [1, 2]]}')
        read.append((_sum(str(total), line), [_json_cell(cell, line) for cell in cells]))
    if any(0 in cell for _, cells in read for cell in cells):
        read = [(total, [(r + 1, c + 1) for r, c in cells]) for total, cells in read]
    size = value.get("size", 0)
    if type(size) is not int:
        raise InputError(f"size: expected an integer, not {excerpt(json.dumps(size))}", line=line, hint=HINT)
    grid = records.board_of(value.get("grid") or value.get("board"))
    givens: dict[Cell, int] = {}
    if grid is not None:
        side = isqrt(len(grid))
        size = size or side
        for place, sign in enumerate(grid):
            if sign.isdigit() and sign.strip("0"):
                number = parse_int(sign, 1, size, "cell", HINT, line)
                givens[place // side + 1, place % side + 1] = number
        if side != size:
            raise InputError(f"a grid of {side} rows in a puzzle of {size}", line=line, hint=HINT)
    return _checked(line, size, [(line, (total, tuple(cells))) for total, cells in read], givens)


def _json_cell(cell: Any, line: int) -> Cell:
    named = _CELL.fullmatch(cell) if isinstance(cell, str) else None
    if named:
        return parse_int(named[1], 0, 99, "row", HINT, line), parse_int(named[2], 0, 99, "column", HINT, line)
    if isinstance(cell, dict):
        keys = {str(key).lower(): item for key, item in cell.items()}
        cell = [keys.get("row", keys.get("r")), keys.get("column", keys.get("col", keys.get("c")))]
    if isinstance(cell, list) and len(cell) == 2 and all(type(item) is int and 0 <= item <= 25 for item in cell):
        return cell[0], cell[1]
    raise InputError(f"{excerpt(json.dumps(cell))} is not a cell", line=line, hint="write [row, column] or 'r1c1'")
