"""Sudoku, n^2 x n^2 for n = 2 to 5."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from functools import cache, partial
from math import isqrt

from ..engine.constraints import AllDifferent
from ..engine.graph import ConstraintGraph, Value
from ..engine.problem import Problem, Source
from . import grids, switching
from .errors import InputError, excerpt
from .family import Family, shares, whole

SIZES = (4, 9, 16, 25)
DECORATION = "|+-=!"
HINT = "one puzzle a line (16, 81, 256 or 625 cells), a grid of rows, or CSV with a column 'puzzle'"


def by_guesses(text: str) -> bool:
    """Whether what follows ``sudoku:9:`` is a band of guesses: a range without a decimal point, which one of shares has."""
    return "-" in text and "." not in text


class Sudoku(Family):
    """Each value once in every row, column and box."""

    name = "sudoku"
    summary = "n^2 x n^2 grids, n = 2 to 5: one a line, grids, or CSV with a column 'puzzle'"
    spec = (
        "sudoku:SIZE[:GIVENS], SIZE 4, 9, 16 or 25, GIVENS a share (0.4, 0.2-0.3); "
        "sudoku:9:LOW-HIGH without a point, a minimal board that takes so many guesses (20-60, 300-)"
    )
    suffixes = (".sudoku", ".sdk")

    def recognises(self, text: str) -> bool:
        first = next(filter(None, map(_content, text.split("\n"))), "")
        if first.lower().split(",")[0].strip(' "') in ("puzzle", "quizzes") or len(first.split(",")[0]) in _CELLS:
            return True
        rows = [line for line in _rows(text) if line]
        sizes = {len(row) for row in rows}
        return len(sizes) == 1 and len(rows) == sizes.pop() and len(rows) in SIZES

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        lines = text.split("\n")
        first = next((line for line in lines if _content(line)), None)
        if first is None:
            raise InputError("holds no puzzle", line=1, hint=HINT)
        if "," in first:
            return [self._problem(*found, path) for found in _csv(lines)]
        if len(_content(first)) in _CELLS and " " not in first.strip():
            found = ((n, line.strip()) for n, line in enumerate(lines, 1) if _content(line))
            return [self._problem(n, _cells(line, n), path) for n, line in found]
        return [self._problem(n, cells, path) for n, cells in _grids(lines)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random full board with all but some givens taken out, or a board of a band of guesses.

        With a share of givens more than one solution is possible.
        """
        size_text, _, givens_text = spec.partition(":")
        size = whole(size_text, 4, 25, "Sudoku size", hint=self.spec)
        if size not in SIZES:
            raise InputError(f"Sudoku size {size} is no square of 2 to 5", hint=self.spec)
        source = f"sudoku:{spec}"
        if size == 9 and by_guesses(givens_text):
            from .streams.sudoku import one  # brings a compiler along

            return self._problem(None, one(spec, seed), source)
        least, most = shares(givens_text or "0.4", "share of givens")
        rng = random.Random(f"sudoku:{spec}:{seed}")
        keep = rng.uniform(least, most) if least < most else least
        board = [value for row in switching.sudoku(isqrt(size), rng) for value in row]
        shown = set(rng.sample(range(size * size), round(keep * size * size)))
        return self._problem(None, [v if i in shown else 0 for i, v in enumerate(board)], source)

    @staticmethod
    def _problem(line: int | None, cells: list[int], path: str) -> Problem:
        size = isqrt(len(cells))
        givens: dict[str, Value] = {name: v for name, v in zip(_names(size), cells, strict=True) if v}
        return Problem(template(isqrt(size)), givens, "sudoku", Source(path, line), partial(render, size))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(isqrt(len(assignment)), assignment)


_CELLS = tuple(size * size for size in SIZES)
_names = cache(grids.names)


@cache
def template(n: int) -> ConstraintGraph:
    """The constraint graph that all n^2 x n^2 Sudokus share."""
    size = n * n
    span = range(1, size + 1)
    rows = [[grids.cell(r, c) for c in span] for r in span]
    columns = [[grids.cell(r, c) for r in span] for c in span]
    boxes = [
        [grids.cell(n * a + i, n * b + j) for i in range(1, n + 1) for j in range(1, n + 1)]
        for a in range(n)
        for b in range(n)
    ]
    return ConstraintGraph(dict.fromkeys(_names(size), span), [AllDifferent(tuple(g)) for g in rows + columns + boxes])


def render(size: int, assignment: Mapping[str, Value]) -> str:
    """The grid with its boxes."""
    return grids.draw(size, assignment, isqrt(size))


def _content(line: str) -> str:
    """A line without comment and outer blanks."""
    return "" if line.lstrip().startswith("#") else line.strip()


def _cells(line: str, number: int) -> list[int]:
    size = isqrt(len(line))
    if size not in SIZES or size * size != len(line):
        raise InputError(f"{len(line)} cells in {excerpt(line)}", line=number, hint=HINT)
    if size > 9 and line.isascii():
        return [grids.token(c, size, number) for c in line]
    try:
        cells = [_DIGITS[c] for c in line]
    except KeyError as error:
        raise InputError(
            f"{error.args[0]!r} is no cell value", line=number, hint="use digits, and . or 0 for blank"
        ) from None
    if max(cells) > size:
        raise InputError(f"value {max(cells)} is out of range", line=number, hint=f"the grid holds 1 to {size}")
    return cells


_DIGITS = {**{str(d): d for d in range(10)}, **dict.fromkeys(grids.BLANKS, 0)}


def _csv(lines: list[str]) -> Iterator[tuple[int, list[int]]]:
    """(line, cells) of each row; a solution column must agree with the givens and is otherwise left alone."""
    puzzle, solution = 0, 1
    for number, line in enumerate(lines, 1):
        if not _content(line):
            continue
        row = next(csv.reader([line])) if '"' in line else line.split(",")
        row = [item.strip() for item in row]
        lower = [item.lower() for item in row]
        if number == 1 and any(name in lower for name in ("puzzle", "quizzes", "solution", "solutions")):
            puzzle = next((lower.index(name) for name in ("puzzle", "quizzes") if name in lower), 0)
            solution = next((lower.index(name) for name in ("solution", "solutions") if name in lower), -1)
            continue
        if puzzle >= len(row):
            raise InputError("the row ends before the puzzle column", line=number, hint=HINT)
        cells = _cells(row[puzzle], number)
        if 0 <= solution < len(row) and row[solution]:
            answer = _cells(row[solution], number)
            if len(answer) != len(cells) or any(g and g != a for g, a in zip(cells, answer, strict=True)):
                raise InputError("the solution column contradicts the puzzle", line=number)
        yield number, cells


def _rows(text: str) -> list[list[str]]:
    """The grid rows of a text as tokens; an empty list for separators and blank lines."""
    rows = []
    for line in text.split("\n"):
        bare = _content(line)
        for sign in DECORATION:
            bare = bare.replace(sign, " ")
        tokens = bare.split()
        together = "".join(tokens)
        # "53..7...." and "53. .7. ..." are one character a cell, "12 . 3" is one token a cell.
        rows.append(tokens if len(tokens) in SIZES else list(together))
    return rows


def _grids(lines: list[str]) -> Iterator[tuple[int, list[int]]]:
    """(first line, cells) of each grid in a text of rows."""
    start, grid, size = 0, list[int](), 0
    for number, tokens in enumerate(_rows("\n".join(lines)), 1):
        if not tokens:
            continue
        if not grid:
            start, size = number, len(tokens)
            if size not in SIZES:
                raise InputError(f"a row of {size} cells", line=number, hint=HINT)
        if len(tokens) != size:
            raise InputError(f"a row of {len(tokens)} cells in a grid of {size}", line=number, hint=HINT)
        grid += [grids.token(item, size, number) for item in tokens]
        if len(grid) == size * size:
            yield start, grid
            grid = []
    if grid:
        rows = len(grid) // size
        raise InputError(
            f"the grid ends after {rows} of {size} rows", line=len(lines), hint="the file may be truncated"
        )
