"""The picture of a maze: walls, the two ends and the path."""

from __future__ import annotations

from ...pictures import Board, View
from ..grids import place

MOST = 40_000
"""Most cells that are drawn."""
WIDTH = 640.0
"""Largest width of the picture."""


def maze(view: View) -> str | None:
    """The maze with its path as a line; beliefs are shades.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document; None for more than ``MOST`` cells.
    """
    cells = {place(name): name for name in view.domains}
    rows, columns = (max(at[k] for at in cells) + 1 for k in (0, 1))
    if rows * columns > MOST:
        return None
    board = Board(view, rows, columns, what=f"maze of {rows} by {columns} cells", side=min(26.0, WIDTH / columns))
    side = board.side
    for r in range(1, rows + 1):
        start = None
        for c in range(1, columns + 2):  # one rectangle for each row of walls
            wall = c <= columns and (r, c) not in cells
            if wall and start is None:
                start = c
            elif not wall and start is not None:
                board.canvas.rect(*board.corner(r, start), (c - start) * side, side, "wall")
                start = None
    path = {at for at, name in cells.items() if view.values.get(name) == 1 and view.chances(name) is None}
    for at, name in cells.items():
        if view.chances(name) is not None:
            board.fill(*at, "shade", view.probability(name, 1))
    for r, c in path:
        for other in ((r, c + 1), (r + 1, c)):
            if other in path:
                board.canvas.line(board.centre(r, c), board.centre(*other), "path")
    for at in path:
        if cells[at] in view.wrong:
            board.canvas.miss(*board.corner(*at), side, side)
    ends = [at for at, name in cells.items() if view.domains[name] == (1,)]
    for at, look, sign in zip(ends, ("start", "goal"), "SG", strict=False):
        board.canvas.circle(*board.centre(*at), 0.42 * side, look)
        board.canvas.text(*board.centre(*at), sign, "onshade", size=round(0.55 * side, 1))
    return board.svg()
