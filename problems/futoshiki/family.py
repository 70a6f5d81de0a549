"""The futoshiki family: a Latin square with less-than signs between neighbouring cells."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from math import isqrt
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent, Compare
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from .. import grids, squares
from ..family import Family
from ..parsing import parse_fields, parse_fraction, parse_int
from ..uniqueness import needed_givens
from .text import Cell, looks_like, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View

LARGEST = 12
"""Most rows of a generated puzzle."""


class Futoshiki(Family):
    """Each value 1 to n occurs once in every row and column, and signs order neighbouring cells.

    The variables are r1c1 to rNcN. A file has rows of cells (``.`` or a number) with ``<`` or ``>`` between the cells,
    and lines of ``^`` (the upper cell is smaller) or ``v`` between the rows. Game descriptions of Simon Tatham's
    Unequal, ``5:0R,3,0U,...``, are read too, one a line.
    """

    name = "futoshiki"
    summary = "futoshiki: rows of numbers and . with < > between cells and ^ v between rows; Unequal game descriptions"
    spec = "futoshiki:ORDER[:SIGNS], ORDER 2 to 12, SIGNS a share of the neighbouring pairs (0.3)"
    suffixes = (".futoshiki", ".unequal")

    def recognises(self, text: str) -> bool:
        return looks_like(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return grids.problems(
            puzzles(text),
            path,
            lambda puzzle, givens, source: _problem(template(puzzle.order, puzzle.less), givens, source),
        )

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random puzzle with one solution: no number of it can be left out."""
        parts = parse_fields(spec, 1, 2, self.spec)
        order = parse_int(parts[0], 2, LARGEST, "order", hint=self.spec)
        share = parse_fraction([*parts, "0.3"][1], "share of signs")
        rng = random.Random(f"futoshiki:{spec}:{seed}")
        square = squares.random_latin(order, rng)
        value = {(r + 1, c + 1): square[r][c] + 1 for r in range(order) for c in range(order)}
        pairs = [(a, b) for a in value for b in ((a[0], a[1] + 1), (a[0] + 1, a[1])) if b in value]
        chosen = sorted(rng.sample(pairs, round(share * len(pairs))))
        graph = template(order, [(a, b) if value[a] < value[b] else (b, a) for a, b in chosen])
        solution: dict[str, Value] = {grids.cell(*cell): v for cell, v in value.items()}
        givens = needed_givens(graph, solution, rng, minimal=True)
        return _problem(graph, givens, Source(f"futoshiki:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return grids.draw(isqrt(len(assignment)), assignment)

    def picture(self, view: View) -> str:
        from ...pictures import Board

        order = isqrt(len(view.domains))
        board = Board(view, order, order, side=44)
        board.values({grids.place(name): name for name in view.domains})
        board.lines()
        for (a, b), sign in signs_of(view.problem.graph).items():
            (x1, y1), (x2, y2) = board.centre(*a), board.centre(*b)
            x, y = (x1 + x2) / 2, (y1 + y2) / 2
            board.canvas.circle(x, y, 7, "paper")
            # A caret and a letter v differ in size; two lines look the same in all directions.
            (dx, dy), tip = {"<": ((4, 0), -1), ">": ((4, 0), 1), "^": ((0, 4), -1), "v": ((0, 4), 1)}[sign]
            point = x + tip * dx, y + tip * dy
            ends = [(x - tip * dx + side * dy, y - tip * dy + side * dx) for side in (-1, 1)]
            board.canvas.shape((ends[0], point, ends[1]), "frame")
        return board.svg()

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        return replace(problem, render=partial(picture, problem.graph))


def _problem(graph: ConstraintGraph, givens: Mapping[str, Value], source: Source) -> Problem:
    return Problem(graph, givens, "futoshiki", source, partial(picture, graph))


def template(order: int, less: Iterable[tuple[Cell, Cell]]) -> ConstraintGraph:
    """The constraint graph of a puzzle without its givens.

    Args:
        order: number of rows.
        less: pairs of cells; the first has the smaller value.
    """
    span = range(1, order + 1)
    rows = [tuple(grids.cell(r, c) for c in span) for r in span]
    columns = list(zip(*rows, strict=True))
    signs = [Compare(grids.cell(*a), "<", grids.cell(*b)) for a, b in dict.fromkeys(less)]
    return ConstraintGraph(dict.fromkeys(grids.names(order), span), [*map(AllDifferent, rows + columns), *signs])


def signs_of(graph: ConstraintGraph) -> dict[tuple[Cell, Cell], str]:
    """The sign between two neighbouring cells, the left or upper one first: ``<``, ``>``, ``^`` or ``v``.

    Args:
        graph: of the puzzle.
    """
    signs: dict[tuple[Cell, Cell], str] = {}
    for constraint in graph.constraints:
        if isinstance(constraint, Compare):
            a, b = grids.place(constraint.left), grids.place(constraint.right)
            across = a[0] == b[0]
            signs[min(a, b), max(a, b)] = ("<" if across else "^") if a < b else (">" if across else "v")
    return signs


def picture(graph: ConstraintGraph, assignment: Mapping[str, Value]) -> str:
    """The square with its signs as text, in the form that ``read`` reads.

    Args:
        graph: of the puzzle.
        assignment: values by variable; a missing cell is drawn as a dot.
    """
    order = isqrt(len(graph.domains))
    width = len(str(order))
    signs = signs_of(graph)
    lines = []
    for r in range(1, order + 1):
        row, below = "", ""
        for c in range(1, order + 1):
            row += str(assignment.get(grids.cell(r, c), ".")).rjust(width)
            row += f" {signs.get(((r, c), (r, c + 1)), ' ')} "
            below += signs.get(((r, c), (r + 1, c)), " ").rjust(width) + "   "
        lines += [row.rstrip(), below.rstrip()]
    return "\n".join(lines[:-1])
