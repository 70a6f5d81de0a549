"""Rows of values side by side: sequences with several rows, and the arrays of models."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..engine.values import Value
from .board import SIDE, Board
from .canvas import Canvas
from .view import View

WRAP = 24
"""Most columns of a block; longer rows continue in the next block."""
MOST_CELLS = 2500
"""Most cells of arrays that are drawn."""
INDEXED = re.compile(r"(.+?)((?:\[-?\d+(?:\s*,\s*-?\d+)*\])+)")
NUMBER = re.compile(r"-?\d+")

Row = tuple[str, Sequence[str | None]]
"""The label of a row, and the variable in each column; None for no cell."""


def strips(
    view: View, rows: Sequence[Row], text: Callable[[Value], object] = str, *, wrap: int = WRAP, side: float = 28
) -> str:
    """Rows below each other, in blocks of columns.

    Args:
        view: the problem with its values.
        rows: all of one length.
        text: returns the text of a value.
        wrap: most columns of a block.
        side: of a cell.

    Returns:
        An SVG document.
    """
    length = max((len(names) for _, names in rows), default=0)
    columns = max(1, min(length, wrap))
    blocks = max(1, -(-length // columns))
    high = len(rows) + 1  # a row of numbers above each block
    left = 14 + 7 * max((len(label) for label, _ in rows), default=0)
    what = f"{len(rows)} rows of {length} values"
    board = Board(view, blocks * high, columns, what=what, side=side, margin=(left, 0, 8, 8))
    for block in range(blocks):
        span = range(block * columns, min(length, (block + 1) * columns))
        for i in span:
            x, y = board.centre(block * high + 1, i - span.start + 1)
            board.canvas.text(x, y + side / 4, i + 1, "note", size=9)
        for r, (label, names) in enumerate(rows):
            row = block * high + r + 2
            _, y = board.centre(row, 1)
            board.canvas.text(left - 6, y, label, "label", size=11, anchor="end")
            cells = {(row, i - span.start + 1): name for i in span if (name := names[i]) is not None}
            _draw_cells(board, cells, text)
    return board.svg()


def arrays(view: View) -> str | None:
    """The arrays of a model, by the names of its variables: ``x[3]``, ``x[1,2]`` or ``x[1][2]``.

    Variables without an index are rows of one cell.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document; None if no two variables have an index, one has more than two, or there are more than
        ``MOST_CELLS`` cells.
    """
    found: dict[str, dict[tuple[int, int], str]] = {}
    indexed = 0
    for name in view.domains:
        if name in view.problem.auxiliary:
            continue
        match = INDEXED.fullmatch(name)
        index = tuple(map(int, NUMBER.findall(match[2]))) if match else ()
        if len(index) > 2:
            return None
        indexed += bool(index)
        place = index if len(index) == 2 else (0, index[0] if index else 0)
        found.setdefault(match[1] if match else name, {})[place[0], place[1]] = name
    spans = {array: _span(cells) for array, cells in found.items()}
    size = sum(rows * columns for _, _, rows, columns in spans.values())
    if indexed < 2 or size > MOST_CELLS:
        return None
    return _arrays(view, found, spans)


def _arrays(
    view: View, found: dict[str, dict[tuple[int, int], str]], spans: dict[str, tuple[int, int, int, int]]
) -> str:
    left = 34 + 7 * min(18, max(map(len, found)))
    columns = max(columns for _, _, _, columns in spans.values())
    rows = sum(rows + (rows + columns > 2) for _, _, rows, columns in spans.values())
    what = "arrays " + ", ".join(list(found)[:8])
    board = Board(view, rows, columns, what=what, side=SIDE if columns <= 20 else 24, margin=(left, 8, 8, 8))
    top = 1
    for array, cells in found.items():
        low, lowest, high, wide = spans[array]
        if high + wide > 2:  # the numbers of the columns
            for c in range(wide):
                x, y = board.centre(top, c + 1)
                board.canvas.text(x, y + board.side / 4, lowest + c, "note", size=9)
            top += 1
        for r in range(high):
            _, y = board.centre(top + r, 1)
            label = array if r == 0 else ""
            board.canvas.text(left - 22, y, label, "label", size=11, anchor="end", longest=18)
            if high > 1:
                board.canvas.text(left - 6, y, low + r, "note", size=9, anchor="end")
        _draw_cells(board, {(top + r - low, 1 + c - lowest): name for (r, c), name in cells.items()}, str)
        top += high
    return board.svg()


def _draw_cells(board: Board, cells: dict[tuple[int, int], str], text: Callable[[Value], object]) -> None:
    for row, column in cells:
        board.canvas.rect(*board.corner(row, column), board.side, board.side, "cell")
    board.values(cells, text)


def _span(cells: dict[tuple[int, int], str]) -> tuple[int, int, int, int]:
    """The first row and column, and the numbers of rows and columns."""
    rows, columns = ([place[k] for place in cells] for k in (0, 1))
    return min(rows), min(columns), max(rows) - min(rows) + 1, max(columns) - min(columns) + 1


def rows_of_text(
    view: View, header: Sequence[tuple[str, int]], rows: Sequence[Sequence[tuple[str, str]]], what: str
) -> str:
    """A table of texts.

    Args:
        view: the problem, for the title.
        header: name of each column, and its width in characters; longer texts are cut.
        rows: text and class of each cell.
        what: the kind of picture, for screen readers.

    Returns:
        An SVG document.
    """
    widths = [24 + 7.5 * min(40, width) for _, width in header]
    canvas = Canvas(sum(widths) + 16, 28 * (len(rows) + 1) + 16, view.title, view.description(what))
    for r in range(len(rows) + 1):
        x, y = 8.0, 8 + 28 * r
        if r % 2 == 0:
            canvas.rect(x, y, sum(widths), 28, "panel")
        for i, width in enumerate(widths):
            shown, look = (header[i][0], "given") if r == 0 else rows[r - 1][i]
            canvas.text(x + 10, y + 14, shown, look, size=13, anchor="start", longest=min(40, header[i][1]))
            if look == "wrong":
                canvas.rect(x + 2, y + 2, width - 4, 24, "miss")
            x += width
    canvas.rect(8, 8, sum(widths), 28 * (len(rows) + 1), "frame")
    return canvas.svg()
