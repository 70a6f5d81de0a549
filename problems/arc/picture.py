"""The picture of an ARC task: input and output of each pair side by side."""

from __future__ import annotations

from ...pictures import Canvas, View
from .graph import CELL, OUTSIDE

SIDE = 16.0
GAP = 26.0
DARK_TEXT = frozenset((4, 5, 8))
"""Colours on which the digit is dark."""

Grid = dict[tuple[int, int], str]


def task(view: View) -> str:
    """The pairs of a task, each a row: input, arrow, output. Each cell has its colour and its digit.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document.
    """
    grids: dict[tuple[int, str], Grid] = {}
    for name in view.domains:
        if found := CELL.fullmatch(name):
            grids.setdefault((int(found[2]), found[1]), {})[int(found[3]), int(found[4])] = name
    numbers = sorted({number for number, _ in grids})
    wide = {kind: max((_size(grids.get((n, kind), {}))[1] for n in numbers), default=0) for kind in ("in", "out")}
    heights = {n: max(_size(grids.get((n, kind), {}))[0] for kind in ("in", "out")) * SIDE for n in numbers}
    width = (wide["in"] + wide["out"]) * SIDE + 2 * GAP + 16
    canvas = Canvas(
        width, sum(heights.values()) + 12 * len(numbers) + 8, view.title, view.description(f"{len(numbers)} pairs")
    )
    y = 8.0
    for number in numbers:
        _draw(canvas, view, grids.get((number, "in"), {}), 8, y)
        x = 8 + wide["in"] * SIDE
        middle = y + SIDE / 2
        canvas.line((x + 8, middle), (x + 2 * GAP - 12, middle), "frame")
        head = [(x + 2 * GAP - 18, middle - 5), (x + 2 * GAP - 10, middle), (x + 2 * GAP - 18, middle + 5)]
        canvas.shape(head, "frame")
        _draw(canvas, view, grids.get((number, "out"), {}), x + 2 * GAP, y)
        y += heights[number] + 12
    return canvas.svg()


def _size(grid: Grid) -> tuple[int, int]:
    return max((r for r, _ in grid), default=1), max((c for _, c in grid), default=1)


def _draw(canvas: Canvas, view: View, grid: Grid, left: float, top: float) -> None:
    rows, columns = _size(grid)
    for (r, c), name in grid.items():
        x, y = left + (c - 1) * SIDE, top + (r - 1) * SIDE
        chances = view.chances(name)
        value = max(chances, key=chances.__getitem__) if chances else view.values.get(name)
        if value == OUTSIDE or value is None:
            canvas.rect(x, y, SIDE, SIDE, "cell")
            if value is None:
                canvas.text(x + SIDE / 2, y + SIDE / 2, "?", "note", size=9)
            continue
        canvas.rect(x, y, SIDE, SIDE, f"arc{value}", opacity=chances[value] if chances else 1.0)
        dark = int(value) in DARK_TEXT or bool(chances and chances[value] < 0.6)
        canvas.text(x + SIDE / 2, y + SIDE / 2, value, "dark" if dark else "light", size=8)
    canvas.rect(left, top, columns * SIDE, rows * SIDE, "cage")
