"""Pictures of word puzzles: grids of letters, and texts of letters in cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ...engine.constraints import GlobalCardinality
from ...pictures import Board, View
from ..grids import place
from .phrases import letter

WRAP = 24
"""Most cells of a line of text."""


class Letter(NamedTuple):
    """A cell of a text.

    Args:
        name: its variable.
        note: written small below the letter: its number, or the cipher letter.
        starts: whether a word starts here.
    """

    name: str
    note: str
    starts: bool


def letter_board(view: View, numbered: bool) -> str:
    """A grid of letters; cells without a variable are black.

    Args:
        view: the problem; its cells are r1c1 to rNcM.
        numbered: number the cells where words start, as in a crossword.

    Returns:
        An SVG document.
    """
    cells = {place(name): name for name in view.domains if re.fullmatch(r"r\d+c\d+", name)}
    rows, columns = (max(at[k] for at in cells) for k in (0, 1))
    above = _letters_above(view)
    top = 8 + 15 * max(map(len, above.values()), default=0)
    board = Board(view, rows, columns, margin=(8, top, 8, 8))
    for column, signs in above.items():
        for k, sign in enumerate(reversed(signs)):
            board.canvas.text(board.centre(1, column)[0], top - 9 - 15 * k, sign, "note", size=12)
    number = 0
    for r in range(1, rows + 1):
        for c in range(1, columns + 1):
            if (r, c) not in cells:
                board.fill(r, c, "wall")
                continue
            across = (r, c - 1) not in cells and (r, c + 1) in cells
            down = (r - 1, c) not in cells and (r + 1, c) in cells
            if numbered and (across or down):
                number += 1
                x, y = board.corner(r, c)
                board.canvas.text(x + 3, y + 7, number, "note", size=8, anchor="start")
    board.values(cells, letter)
    board.lines()
    return board.svg()


def _letters_above(view: View) -> dict[int, str]:
    """The letters that a constraint states for each column of a drop quote."""
    found = {}
    for each in view.problem.graph.constraints:
        if isinstance(each, GlobalCardinality):
            counts = zip(each.values, each.counts, strict=True)
            found[place(str(each.items[0]))[1]] = "".join(letter(value) * int(count) for value, count in counts)
    return found


def letters(view: View, text: Sequence[Letter]) -> str:
    """A text of letters in cells, line by line; a word does not continue on the next line if it fits on one.

    Args:
        view: the problem with its values.
        text: the cells in order.

    Returns:
        An SVG document.
    """
    words: list[list[Letter]] = []
    for each in text:
        if each.starts or not words:
            words.append([])
        words[-1].append(each)
    placed: list[tuple[int, int, Letter]] = []
    row, column = 1, 1
    for word in words:
        if column > 1 and column + len(word) - 1 > WRAP:
            row, column = row + 1, 1
        for each in word:
            if column > WRAP:
                row, column = row + 1, 1
            placed.append((row, column, each))
            column += 1
        column += 1  # a gap between words
    columns = max((column for _, column, _ in placed), default=1)
    board = Board(view, 2 * row, columns, what=f"text of {len(words)} words", side=26)
    for line, column, each in placed:
        x, y = board.corner(2 * line - 1, column)
        board.canvas.rect(x, y, board.side, board.side, "cell")
        board.value(2 * line - 1, column, each.name, letter)
        board.canvas.text(x + board.side / 2, y + board.side + 8, each.note, "note", size=9)
    return board.svg()
