"""The nonogram family: a picture from the lengths of the blocks in each row and column."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from ...engine.constraints import Regular
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from .. import grids
from ..family import Family
from ..parsing import parse_fields, parse_fraction, parse_int
from ..uniqueness import OtherSolutions
from .text import Clue, looks_like, parse

if TYPE_CHECKING:
    from ...pictures.view import View

LARGEST = 30
"""Most rows and columns of a generated puzzle."""

Picture = list[list[int]]
"""Rows of cells: 1 is filled, 0 empty."""


class Nonogram(Family):
    """Cells are filled so that each row and column has blocks of the stated lengths, in order and apart.

    The variables are r1c1 to rNcM: 1 is filled, 0 empty. Files are ``.non``, with lines ``width``, ``height``, ``rows``
    and ``columns``; or a line of numbers for each row, a blank line, and a line for each column; 0 is an empty line. A
    ``goal`` in the file is the stated solution.
    """

    name = "nonogram"
    summary = "nonograms: .non files, or a line of block lengths for each row, a blank line, and one for each column"
    spec = "nonogram:ROWSxCOLUMNS[:FILLED], up to 30x30, FILLED a share of the cells (0.55)"
    suffixes = (".non", ".nonogram", ".cwd")

    def recognises(self, text: str) -> bool:
        return looks_like(text)

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        puzzle = parse(text)
        graph = template(puzzle.rows, puzzle.columns)
        return [Problem(graph, {}, "nonogram", Source(path), self.draw, name=puzzle.title, expected=puzzle.goal)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """The clues of a random picture, which is their only solution."""
        parts = parse_fields(spec, 1, 2, self.spec)
        height_text, _, width_text = parts[0].partition("x")
        height = parse_int(height_text, 1, LARGEST, "rows", hint=self.spec)
        width = parse_int(width_text or height_text, 1, LARGEST, "columns", hint=self.spec)
        share = parse_fraction([*parts, "0.55"][1], "share of filled cells")
        rng = random.Random(f"nonogram:{spec}:{seed}")
        picture = _random_picture(height, width, share, rng)
        while True:
            graph = template([_clue(row) for row in picture], [_clue(list(c)) for c in zip(*picture, strict=True)])
            cells = {(r, c): grids.cell(r + 1, c + 1) for r in range(height) for c in range(width)}
            others = OtherSolutions(graph, {name: picture[r][c] for (r, c), name in cells.items()})
            left = [cell for cell, name in cells.items() if others.differ(name)] if others.differ() else []
            if not left:
                return Problem(graph, {}, "nonogram", Source(f"nonogram:{spec}"), self.draw)
            # Every solution fills equally many cells, so some open cell is empty now: the picture grows, the loop ends.
            for r, c in left:
                picture[r][c] = 1

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return drawn(assignment)

    def picture(self, view: View) -> str:
        from ...pictures import Board

        lines = [(each.items, clue_of(each)) for each in view.problem.graph.constraints if isinstance(each, Regular)]
        cells = {grids.place(name): name for name in view.domains}
        rows, columns = (max(place[k] for place in cells) for k in (0, 1))
        across = [clue for scope, clue in lines[:rows]]
        down = [clue for scope, clue in lines[rows:]]
        left, top = (16 * max((len(clue) for clue in clues), default=1) + 12.0 for clues in (across, down))
        board = Board(view, rows, columns, side=22, margin=(left, top, 8, 8))
        for place, name in cells.items():
            filled = view.probability(name, 1)
            if filled > 0.02:
                board.fill(*place, "wall" if name in view.values else "shade", filled)
            elif view.values.get(name) == 0:
                board.canvas.text(*board.centre(*place), "·", "note", size=14)
            if name in view.wrong:
                board.canvas.rect(*board.corner(*place), board.side, board.side, "miss")
        board.lines((5, 5))
        for r, clue in enumerate(across, 1):
            for k, block in enumerate(reversed(clue or (0,))):
                board.canvas.text(left - 12 - 16 * k, board.centre(r, 1)[1], block, "label", size=12)
        for c, clue in enumerate(down, 1):
            for k, block in enumerate(reversed(clue or (0,))):
                board.canvas.text(board.centre(1, c)[0], top - 12 - 16 * k, block, "label", size=12)
        return board.svg()


def template(rows: Sequence[Clue], columns: Sequence[Clue]) -> ConstraintGraph:
    """The constraint graph of a puzzle: an automaton for each row and each column.

    Args:
        rows: the block lengths of each row.
        columns: the block lengths of each column.
    """
    names = [[grids.cell(r, c) for c in range(1, len(columns) + 1)] for r in range(1, len(rows) + 1)]
    lines = [*zip(names, rows, strict=True), *zip(zip(*names, strict=True), columns, strict=True)]
    constraints = [Regular(tuple(scope), *automaton(clue)) for scope, clue in lines]
    return ConstraintGraph(dict.fromkeys((name for row in names for name in row), (0, 1)), constraints)


def automaton(clue: Clue) -> tuple[tuple[tuple[int, int, int], ...], int, tuple[int, ...]]:
    """The automaton of the lines with the blocks of a clue.

    Args:
        clue: block lengths.

    Returns:
        Transitions (state, cell, next state), the first state, and the accepting states.
    """
    state = 0
    transitions = [(0, 0, 0)]
    for block, length in enumerate(clue):
        for _ in range(length):
            transitions.append((state, 1, state + 1))
            state += 1
        if block < len(clue) - 1:  # an empty cell between blocks, and more of them
            transitions += [(state, 0, state + 1), (state + 1, 0, state + 1)]
            state += 1
    if clue:
        transitions.append((state, 0, state + 1))
        transitions.append((state + 1, 0, state + 1))
        return tuple(transitions), 0, (state, state + 1)
    return tuple(transitions), 0, (0,)


def clue_of(line: Regular) -> Clue:
    """The block lengths of a line, from its automaton.

    Args:
        line: as ``template`` makes it.
    """
    after = {(state, cell): following for state, cell, following in line.transitions}
    blocks, state, length = [], line.start, 0
    while True:
        if (state, 1) in after:
            state, length = after[state, 1], length + 1
            continue
        if length:
            blocks.append(length)
            length = 0
        following = after.get((state, 0), state)
        if following == state:
            return tuple(blocks)
        state = following


def drawn(assignment: Mapping[str, Value]) -> str:
    """The picture as text: two signs a cell, so that cells are about square.

    Args:
        assignment: values by variable; a missing cell is drawn as a question mark.
    """
    places = {grids.place(name): value for name, value in assignment.items()}
    height, width = (max((place[k] for place in places), default=0) for k in (0, 1))
    signs: dict[Value | None, str] = {1: "██", 0: "· ", None: "? "}
    lines = ("".join(signs[places.get((r, c))] for c in range(1, width + 1)) for r in range(1, height + 1))
    return "\n".join(line.rstrip() for line in lines)


def _clue(line: Sequence[int]) -> Clue:
    return tuple(len(list(group)) for filled, group in groupby(line) if filled)


def _random_picture(height: int, width: int, share: float, rng: random.Random) -> Picture:
    """A picture with patches: noise averaged over neighbours, above a threshold."""
    noise = [[rng.random() for _ in range(width)] for _ in range(height)]
    smooth: list[tuple[float, int, int]] = []
    for r in range(height):
        for c in range(width):
            near = [
                noise[y][x]
                for y in range(max(r - 1, 0), min(r + 2, height))
                for x in range(max(c - 1, 0), min(c + 2, width))
            ]
            smooth.append((sum(near) / len(near) + noise[r][c] / 3, r, c))
    picture = [[0] * width for _ in range(height)]
    for _, r, c in sorted(smooth, reverse=True)[: round(share * height * width)]:
        picture[r][c] = 1
    return picture
