"""The kakuro family: runs of white cells with sums and without repeated digits."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent, Linear
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from .. import grids
from ..errors import InputError
from ..family import Family
from ..parsing import parse_fields, parse_fraction, parse_int
from ..uniqueness import needed_givens
from . import layout
from .text import HINT, Cell, Run, looks_like, puzzles

if TYPE_CHECKING:
    from ...pictures.view import View

LARGEST = 20
"""Most rows and columns of a generated puzzle."""
TRIES = 4
"""Grids of which the generator takes the one with the fewest givens."""


class Kakuro(Family):
    r"""Digits 1 to 9 in the white cells: each run has its sum, and no digit occurs twice in a run.

    The variables are the white cells, r2c3 in row 2 and column 3 of the whole grid. A file has rows of cells: ``#`` is
    black, ``23\16`` is a black cell with the sum of the run below and of the run to the right, ``.`` is white. A digit
    is a given. Blank lines separate puzzles.
    """

    name = "kakuro"
    summary = r"kakuro: rows of cells, # black, 23\16 sums below and to the right, . white, a digit given"
    spec = "kakuro:ROWSxCOLUMNS[:BLACK], up to 20x20, BLACK a share of the cells (0.3)"
    suffixes = (".kakuro",)

    def recognises(self, text: str) -> bool:
        return looks_like(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        return grids.problems(
            puzzles(text),
            path,
            lambda puzzle, givens, source: _problem(template(puzzle.white, puzzle.runs), givens, source),
        )

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random puzzle with one solution. Where the sums leave cells open, some digits are given."""
        parts = parse_fields(spec, 1, 2, self.spec)
        rows_text, _, columns_text = parts[0].partition("x")
        rows = parse_int(rows_text, 3, LARGEST, "rows", hint=self.spec)
        columns = parse_int(columns_text or rows_text, 3, LARGEST, "columns", hint=self.spec)
        share = parse_fraction([*parts, "0.3"][1], "share of black cells")
        if share > 0.6:
            raise InputError("share of black cells: more than 0.6 leaves no runs", hint=self.spec)
        rng = random.Random(f"kakuro:{spec}:{seed}")
        best: tuple[ConstraintGraph, dict[str, Value]] | None = None
        for _ in range(TRIES):
            runs = layout.random_runs(rows, columns, share, rng)
            digits = layout.fill(runs, rng)
            graph = template(sorted(digits), [(run, sum(digits[cell] for cell in run)) for run in runs])
            givens = needed_givens(graph, {grids.cell(*cell): digits[cell] for cell in sorted(digits)}, rng)
            if best is None or len(givens) < len(best[1]):
                best = graph, givens
            if not givens:
                break
        assert best is not None
        return _problem(*best, Source(f"kakuro:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return _drawn({grids.place(name): str(value) for name, value in assignment.items()})

    def picture(self, view: View) -> str:
        from ...pictures import Board

        cells = {grids.place(name): name for name in view.domains}
        clues = clues_of(view.problem.graph)
        rows, columns = (max(place[k] for place in (*cells, *clues)) for k in (0, 1))
        board = Board(view, rows, columns)
        for place in ((r, c) for r in range(1, rows + 1) for c in range(1, columns + 1) if (r, c) not in cells):
            board.fill(*place, "panel" if place in clues else "wall")
            x, y = board.corner(*place)
            if place in clues:
                down, across = clues[place]
                board.canvas.line((x, y), (x + board.side, y + board.side), "cage")
                board.canvas.text(x + 11, y + board.side - 9, down, "label", size=11)
                board.canvas.text(x + board.side - 11, y + 9, across, "label", size=11)
        board.values(cells)
        board.lines()
        return board.svg()

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        return replace(problem, render=partial(picture, problem.graph))


def _problem(graph: ConstraintGraph, givens: Mapping[str, Value], source: Source) -> Problem:
    return Problem(graph, givens, "kakuro", source, partial(picture, graph))


def template(white: Iterable[Cell], runs: Iterable[Run]) -> ConstraintGraph:
    """The constraint graph of a puzzle without its givens.

    Args:
        white: the white cells.
        runs: cells in order, and their sum or None.

    Raises:
        InputError: there is no white cell.
    """
    constraints: list[Constraint] = []
    for cells, total in runs:
        scope = tuple(grids.cell(*cell) for cell in cells)
        if total is not None:
            constraints.append(Linear(scope, (1,) * len(scope), "=", total))
        if len(scope) > 1:
            constraints.append(AllDifferent(scope))
    domains = {grids.cell(*cell): range(1, 10) for cell in white}
    if not domains:
        raise InputError("the grid has no white cell", hint=HINT)
    return ConstraintGraph(domains, constraints)


def picture(graph: ConstraintGraph, assignment: Mapping[str, Value]) -> str:
    """The grid as text, in the form that ``read`` reads.

    Args:
        graph: of the puzzle.
        assignment: values by variable; a missing cell is drawn as a dot.
    """
    cells = {grids.place(name): str(assignment.get(name, ".")) for name in graph.domains}
    return _drawn(cells | {cell: f"{down}\\{across}" for cell, (down, across) in clues_of(graph).items()})


def clues_of(graph: ConstraintGraph) -> dict[Cell, list[str]]:
    """The sums in the black cells: of the run below and of the run to the right, or empty.

    Args:
        graph: of the puzzle.
    """
    cells = set(map(grids.place, graph.domains))
    sums: dict[Cell, list[str]] = {}
    for constraint in graph.constraints:
        if isinstance(constraint, Linear):
            (r, c), last = grids.place(constraint.scope[0]), grids.place(constraint.scope[-1])
            # A run of a single cell goes to the right if there is a free black cell.
            across = last[1] > c or (
                last == (r, c) and (r, c - 1) not in cells and not sums.get((r, c - 1), ["", ""])[1]
            )
            clue = sums.setdefault((r, c - 1) if across else (r - 1, c), ["", ""])
            clue[int(across)] = str(constraint.bound)
    return sums


def _drawn(cells: Mapping[Cell, str]) -> str:
    """The cells as a table; other cells of it are black."""
    width = max(map(len, cells.values()))
    span = range(1, max(c for _, c in cells) + 1)
    lines = range(1, max(r for r, _ in cells) + 1)
    return "\n".join(" ".join(cells.get((r, c), "#").rjust(width) for c in span) for r in lines)
