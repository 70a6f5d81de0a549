"""Binary puzzles: fill a square with 0 and 1. Every line has as many 0 as 1, and never three equal cells in a row."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache

from mull.engine import Clause, ConstraintGraph, Count, Problem, Source, Value
from mull.problems import InputError
from mull.problems.family import Family
from mull.problems.parsing import numbered_lines, parse_fraction, parse_int

LARGEST = 14


class Binairo(Family):
    """Binary puzzles (Binairo, Takuzu). Equal lines are allowed, unlike in some variants."""

    name = "binairo"
    summary = "a line 'binairo', then the rows: 0, 1 or . for a blank"
    spec = "binairo:SIZE[:SHARE], SIZE even, SHARE of the cells given (0.4)"
    suffixes = (".binairo",)
    stream_forms = ("binairo:SIZE[:SHARE]",)
    stream_maker = "mull_binairo.stream:Boards"

    def recognises(self, text: str) -> bool:
        return text.split(None, 1)[0].lower() == self.name

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        (line, head), *rest = numbered_lines(text)
        rows = [(n, "".join(words)) for n, words in rest]
        if [word.lower() for word in head] != [self.name] or not rows:
            raise InputError("expected a line 'binairo', then rows", path, line, hint=self.summary)
        size = checked_size(str(len(rows)))
        for line, row in rows:
            if len(row) != size or not set(row) <= set("01."):
                raise InputError(f"expected {size} signs, each 0, 1 or .", path, line, hint=self.summary)
        signs = "".join(row for _, row in rows)
        givens = {name: int(sign) for name, sign in zip(template(size).domains, signs, strict=True) if sign != "."}
        return [Problem(template(size), givens, self.name, Source(path))]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        size, part = parsed(spec)
        return Problem(template(size), draw(size, part, random.Random(f"{self.name}:{spec}:{seed}"))[0], self.name)

    def draw(self, assignment: Mapping[str, Value]) -> str:
        signs = "".join(str(value) for value in assignment.values())
        size = round(len(signs) ** 0.5)
        return "\n".join(" ".join(signs[i : i + size]) for i in range(0, len(signs), size))


def checked_size(text: str) -> int:
    """The size that a text states: even, from 2 to ``LARGEST``.

    Raises:
        InputError: the text is not such a number.
    """
    size = parse_int(text, 2, LARGEST, "size", hint=Binairo.spec)
    if size % 2:
        raise InputError(f"size {size} is odd", hint=Binairo.spec)
    return size


def parsed(spec: str) -> tuple[int, float]:
    """The size and the share of givens of a specification.

    Raises:
        InputError: the specification is invalid.
    """
    size, _, part = spec.partition(":")
    return checked_size(size), parse_fraction(part or "0.4", "share of givens")


@cache
def template(size: int) -> ConstraintGraph:
    """The constraint graph of all puzzles of one size."""
    cells = [[f"r{r}c{c}" for c in range(1, size + 1)] for r in range(1, size + 1)]
    lines = [*cells, *map(list, zip(*cells, strict=True))]
    half = size // 2
    balanced = [Count(tuple(line), (1,), half, half) for line in lines]
    triples = [line[i : i + 3] for line in lines for i in range(size - 2)]
    mixed = [Clause(tuple((name, value) for name in triple)) for triple in triples for value in (0, 1)]
    return ConstraintGraph({name: (0, 1) for row in cells for name in row}, [*balanced, *mixed])


def full(size: int, rng: random.Random) -> list[int]:
    """A random full board, row by row.

    Backtracking search: cells in order, values in random order.

    Args:
        size: number of rows.
        rng: random numbers.
    """
    board: list[int] = []

    def fits(value: int) -> bool:
        at = len(board)
        row, column = board[at - at % size :], board[at % size :: size]
        return all(line.count(value) < size // 2 and line[-2:] != [value] * 2 for line in (row, column))

    def grow() -> bool:
        if len(board) == size * size:
            return True
        for value in rng.sample((0, 1), 2):
            if fits(value):
                board.append(value)
                if grow():
                    return True
                board.pop()
        return False

    grow()
    return board


def draw(size: int, part: float, rng: random.Random) -> tuple[dict[str, Value], list[int]]:
    """A random puzzle.

    Args:
        size: number of rows.
        part: share of the cells that are given.
        rng: random numbers.

    Returns:
        The givens, and the full board that they come from.
    """
    board = full(size, rng)
    names = list(template(size).domains)
    kept = sorted(rng.sample(range(size * size), round(part * size * size)))
    return {names[i]: board[i] for i in kept}, board
