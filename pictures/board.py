"""Boards of cells with values: the drawing that the families of grid puzzles share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import ceil, sqrt

from ..engine.values import Value
from .canvas import Canvas
from .view import View

SIDE = 36.0
"""Side of a cell."""
MOST_SMALL = 25
"""Largest domain whose values are drawn as small candidates."""

Place = tuple[int, int]


class Board:
    """A canvas with a grid of cells. Rows and columns count from 1.

    Args:
        view: the problem with its values.
        rows: of the grid.
        columns: of the grid.
        what: the kind of picture, for screen readers; by default ``board of R by C cells``.
        side: of a cell.
        margin: left, top, right and bottom of the grid, for labels.
    """

    def __init__(
        self,
        view: View,
        rows: int,
        columns: int,
        *,
        what: str = "",
        side: float = SIDE,
        margin: tuple[float, float, float, float] = (8, 8, 8, 8),
    ) -> None:
        self.view, self.rows, self.columns, self.side, self.margin = view, rows, columns, side, margin
        left, top, right, bottom = margin
        described = view.description(what or f"board of {rows} by {columns} cells")
        self.canvas = Canvas(left + columns * side + right, top + rows * side + bottom, view.title, described)

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """The top left corner of a cell.

        Args:
            row, column: of the cell.
        """
        return self.margin[0] + (column - 1) * self.side, self.margin[1] + (row - 1) * self.side

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """The centre of a cell.

        Args:
            row, column: of the cell.
        """
        x, y = self.corner(row, column)
        return x + self.side / 2, y + self.side / 2

    def fill(self, row: int, column: int, look: str, opacity: float = 1.0, tip: str = "") -> None:
        """Fill a cell.

        Args:
            row, column: of the cell.
            look: class of the mark.
            opacity: 0 to 1.
            tip: text that appears over the cell.
        """
        self.canvas.rect(*self.corner(row, column), self.side, self.side, look, opacity=opacity, tip=tip)

    def lines(self, boxes: tuple[int, int] | None = None) -> None:
        """Draw the lines between the cells, the frame, and thick lines between boxes.

        Args:
            boxes: rows and columns of a box, or None.
        """
        x0, y0 = self.corner(1, 1)
        x1, y1 = self.corner(self.rows + 1, self.columns + 1)
        down, across = boxes or (self.rows, self.columns)
        for r in range(1, self.rows):
            y = self.corner(r + 1, 1)[1]
            self.canvas.line((x0, y), (x1, y), "frame" if r % down == 0 else "cell")
        for c in range(1, self.columns):
            x = self.corner(1, c + 1)[0]
            self.canvas.line((x, y0), (x, y1), "frame" if c % across == 0 else "cell")
        self.canvas.rect(x0, y0, x1 - x0, y1 - y0, "frame")

    def values(self, cells: Mapping[Place, str], text: Callable[[Value], object] = str) -> None:
        """Draw the value of each cell, its beliefs, and the mark of a wrong one.

        Args:
            cells: (row, column) -> variable.
            text: returns the text of a value.
        """
        for (row, column), name in cells.items():
            self.value(row, column, name, text)

    def value(self, row: int, column: int, name: str, text: Callable[[Value], object] = str) -> None:
        """Draw the value or the beliefs of one cell.

        Args:
            row, column: of the cell.
            name: its variable.
            text: returns the text of a value.
        """
        view = self.view
        x, y = self.centre(row, column)
        chances = view.chances(name)
        if chances is not None and len(chances) <= MOST_SMALL:
            self._candidates(row, column, chances, text)
        elif name in view.values or chances:
            value = view.values.get(name)
            if chances:
                value = max(chances, key=chances.__getitem__)
                self.fill(row, column, "shade", 0.5 * chances[value])
            shown = str(text(value)) if value is not None else ""
            size = self.side * (0.6 if len(shown) <= 2 else 1.2 / max(len(shown), 2))
            self.canvas.text(x, y, shown, view.look(name), size=round(size, 1))
        if name in view.wrong:
            left, top = self.corner(row, column)
            self.canvas.miss(left, top, self.side, self.side)

    def _candidates(
        self, row: int, column: int, chances: Mapping[Value, float], text: Callable[[Value], object]
    ) -> None:
        """Draw the values small, each as opaque as it is probable, in a fixed place."""
        top = max(chances.values(), default=0.0) or 1.0
        self.fill(row, column, "shade", 0.3 * top)
        across = ceil(sqrt(len(chances)))
        down = ceil(len(chances) / across)
        x, y = self.corner(row, column)
        for i, (value, chance) in enumerate(chances.items()):
            if chance >= 0.02:
                r, c = divmod(i, across)
                at = x + (c + 0.5) * self.side / across, y + (r + 0.5) * self.side / down
                size = round(0.8 * self.side / max(across, down), 1)
                self.canvas.text(*at, text(value), "found", size=size, opacity=0.2 + 0.8 * chance / top)

    def outline(self, cells: Iterable[Place], look: str = "frame", inset: float = 0.0, dashed: bool = False) -> None:
        """Draw the outline of a set of cells.

        Args:
            cells: of the set.
            look: class of the lines.
            inset: distance of the lines from the cells' sides, inwards.
            dashed: draw dashed lines.
        """
        inside = set(cells)
        for r, c in inside:
            x, y = self.corner(r, c)
            x0, y0, x1, y1 = x + inset, y + inset, x + self.side - inset, y + self.side - inset
            # A side continues into a neighbour of the set, so that insets leave no gaps.
            left, right = ((r, c - 1) in inside) * 2 * inset, ((r, c + 1) in inside) * 2 * inset
            above, below = ((r - 1, c) in inside) * 2 * inset, ((r + 1, c) in inside) * 2 * inset
            if not above and (r - 1, c) not in inside:
                self.canvas.line((x0 - left, y0), (x1 + right, y0), look, dashed=dashed)
            if not below and (r + 1, c) not in inside:
                self.canvas.line((x0 - left, y1), (x1 + right, y1), look, dashed=dashed)
            if not left and (r, c - 1) not in inside:
                self.canvas.line((x0, y0 - above), (x0, y1 + below), look, dashed=dashed)
            if not right and (r, c + 1) not in inside:
                self.canvas.line((x1, y0 - above), (x1, y1 + below), look, dashed=dashed)

    def svg(self) -> str:
        """The SVG document."""
        return self.canvas.svg()
