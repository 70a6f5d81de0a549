"""The killer Sudoku family: a Sudoku with cages of cells that have sums and no repeats."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isqrt
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent, Linear
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Assignment, Value
from .. import grids, squares
from ..errors import InputError
from ..family import Family
from ..parsing import parse_fields, parse_int, parse_range
from ..uniqueness import OtherSolutions
from .text import BOXES, Cage, Cell, looks_like, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View

GENERATED = (4, 9, 16)
"""Rows of generated puzzles."""
MOST = 5
"""Most cells of a generated cage. A 9x9 board with cages of 3 to 6 cells took 79 s, with 3 to 5 up to 7 s."""


class Killer(Family):
    """Each value occurs once in every row, column and box, at most once in a cage, and each cage has its sum.

    The variables are r1c1 to rNcN. A file has one cage a line (``15 r1c1 r1c2``, or ``15 = r1c1 + r1c2``) after an
    optional line ``killer 9``; or n rows of letters, one letter a cage, then lines ``A 15``; or JSON with ``cages``; or
    a code ``3x3::k:`` in a line. Sizes are 4, 6 (boxes of 2 rows), 9, 16 and 25.
    """

    name = "killer"
    summary = "killer Sudoku: lines 'SUM r1c1 r1c2', a map of letters with sums, JSON with 'cages', 3x3::k: codes"
    spec = "killer:SIZE[:CELLS], SIZE 4, 9 or 16, CELLS of a cage, up to 5 (2-4)"
    suffixes = (".killer",)

    def recognises(self, text: str) -> bool:
        return looks_like(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return grids.problems(
            puzzles(text),
            path,
            lambda puzzle, givens, source: _problem(template(puzzle.size, puzzle.cages), givens, source),
        )

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random puzzle with one solution and without givens. Cages that leave cells open are cut."""
        parts = parse_fields(spec, 1, 2, self.spec)
        size = parse_int(parts[0], 4, 16, "size", hint=self.spec)
        if size not in GENERATED:
            raise InputError(f"size {size} is not 4, 9 or 16", hint=self.spec)
        limits = parse_range([*parts, "2-4"][1], 1, MOST, "cells of a cage", hint=self.spec)
        rng = random.Random(f"killer:{spec}:{seed}")
        board = squares.random_sudoku(isqrt(size), rng)
        value = {(r + 1, c + 1): board[r][c] for r in range(size) for c in range(size)}
        cages = _random_cages(value, limits, rng)
        graph, others = self._caged(size, value, cages, ())
        for cell in rng.sample(list(value), len(value)) if others.differ() else ():
            # A cage of one cell fixes it, and later cuts leave it fixed. So one pass over the cells is enough.
            if others.differ(grids.cell(*cell)):
                cages = [part for cage in cages for part in (_without(cage, cell) if cell in cage else [cage])]
                graph, others = self._caged(size, value, cages, others.known)
        return _problem(graph, {}, Source(f"killer:{spec}"))

    @staticmethod
    def _caged(
        size: int, value: Mapping[Cell, int], cages: Iterable[Sequence[Cell]], known: Iterable[Assignment]
    ) -> tuple[ConstraintGraph, OtherSolutions]:
        """The graph of cages in a solution, and its other solutions."""
        graph = template(size, [(sum(value[cell] for cell in cage), cage) for cage in sorted(map(tuple, cages))])
        return graph, OtherSolutions(graph, {grids.cell(*cell): v for cell, v in value.items()}, known)

    def draw(self, assignment: Mapping[str, Value]) -> str:
        size = isqrt(len(assignment))
        return grids.draw(size, assignment, isqrt(size) if isqrt(size) ** 2 == size else None)

    def picture(self, view: View) -> str:
        from ...pictures import Board

        size = isqrt(len(view.domains))
        board = Board(view, size, size, side=40)
        board.values({grids.place(name): name for name in view.domains})
        for total, cells in cages_of(view.problem.graph):
            board.outline(cells, "cage", 3, dashed=True)
            x, y = board.corner(*cells[0])
            board.canvas.rect(x + 4, y + 3.5, 6.0 * len(str(total)) + 1, 10, "paper")
            board.canvas.text(x + 5, y + 9, total, "label", size=9, anchor="start")
        high = BOXES.get(size)
        board.lines((high, size // high) if high else None)
        return board.svg()

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        return replace(problem, render=partial(picture, problem.graph))


def _problem(graph: ConstraintGraph, givens: Mapping[str, Value], source: Source) -> Problem:
    return Problem(graph, givens, "killer", source, partial(picture, graph))


def template(size: int, cages: Iterable[Cage]) -> ConstraintGraph:
    """The constraint graph of a puzzle without its givens.

    Args:
        size: number of rows, one of ``BOXES``.
        cages: sums and cells.
    """
    span = range(1, size + 1)
    high = BOXES[size]
    wide = size // high
    rows = [tuple(grids.cell(r, c) for c in span) for r in span]
    columns = list(zip(*rows, strict=True))
    boxes = [
        tuple(grids.cell(r + i, c + j) for i in range(high) for j in range(wide))
        for r in range(1, size + 1, high)
        for c in range(1, size + 1, wide)
    ]
    constraints: list[Constraint] = [AllDifferent(unit) for unit in (*rows, *columns, *boxes)]
    units = [set(unit) for unit in (*rows, *columns, *boxes)]
    for total, cells in cages:
        scope = tuple(grids.cell(*cell) for cell in cells)
        constraints.append(Linear(scope, (1,) * len(scope), "=", total))
        if len(scope) > 1 and not any(unit.issuperset(scope) for unit in units):
            constraints.append(AllDifferent(scope))
    return ConstraintGraph(dict.fromkeys(grids.names(size), span), constraints)


def _random_cages(value: Mapping[Cell, int], limits: tuple[int, int], rng: random.Random) -> list[list[Cell]]:
    """A random partition of the cells into connected cages without repeated values."""
    left = dict.fromkeys(value)
    cages = []
    while left:
        cage = [rng.choice(list(left))]
        del left[cage[0]]
        for _ in range(rng.randint(*limits) - 1):
            taken = {value[cell] for cell in cage}
            near = sorted({other for cell in cage for other in _around(cell) if other in left})
            fitting = [cell for cell in near if value[cell] not in taken]
            if not fitting:
                break
            cage.append(rng.choice(fitting))
            del left[cage[-1]]
        cages.append(sorted(cage))
    return cages


def _around(cell: Cell) -> tuple[Cell, ...]:
    r, c = cell
    return (r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)


def _without(cage: Sequence[Cell], cell: Cell) -> list[list[Cell]]:
    """The parts of a cage when a cell becomes a cage of its own."""
    left = set(cage) - {cell}
    parts = [[cell]]
    while left:
        reached = [min(left)]
        left.discard(reached[0])
        for each in reached:
            near = left.intersection(_around(each))
            reached += sorted(near)
            left -= near
        parts.append(sorted(reached))
    return parts


def cages_of(graph: ConstraintGraph) -> list[tuple[int, list[Cell]]]:
    """The sum and the cells of each cage, the cell at the top left first.

    Args:
        graph: of the puzzle.
    """
    sums = [each for each in graph.constraints if isinstance(each, Linear)]
    return [(each.bound, sorted(map(grids.place, each.scope))) for each in sums]


def picture(graph: ConstraintGraph, assignment: Mapping[str, Value]) -> str:
    """The board with lines around its cages, and each sum in the first cell of its cage.

    Args:
        graph: of the puzzle.
        assignment: values by variable; a missing cell is drawn as a dot.
    """
    size = isqrt(len(graph.domains))
    cage_of: dict[Cell, int] = {}
    sums: dict[Cell, str] = {}
    for number, (total, cells) in enumerate(cages_of(graph)):
        cage_of |= dict.fromkeys(cells, number)
        sums[cells[0]] = str(total)
    width = max(map(len, sums.values()), default=0) + 1 + len(str(size))

    def same(one: Cell, other: Cell) -> bool:
        return one in cage_of and cage_of[one] == cage_of.get(other)

    lines = []
    for r in range(1, size + 2):
        rule = row = ""
        for c in range(1, size + 2):
            bar = r <= size and not same((r, c - 1), (r, c)) if c <= size else r <= size
            row += "|" if bar else " "
            rule += "+"
            if c <= size:
                rule += (" " if same((r - 1, c), (r, c)) else "-") * width
                value = str(assignment.get(grids.cell(r, c), "."))
                row += sums.get((r, c), "").ljust(width - len(value)) + value
        lines += [rule, row]
    return "\n".join(lines[:-1])
