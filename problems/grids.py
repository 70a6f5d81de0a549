"""Square grids of values: names of the cells, and a drawing. Shared by the families of grid puzzles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..engine.problem import Problem, Source
from ..engine.values import Value

if TYPE_CHECKING:
    from ..pictures.view import View


def cell(row: int, column: int) -> str:
    """The variable of a cell: ``r1c1`` is at the top left.

    Args:
        row: 1-based.
        column: 1-based.
    """
    return f"r{row}c{column}"


def place(name: str) -> tuple[int, int]:
    """Row and column of a variable that ``cell`` names, 1-based."""
    row, _, column = name[1:].partition("c")
    return int(row), int(column)


def names(size: int) -> list[str]:
    """The variables of all cells of a square of ``size`` rows, row by row."""
    return [cell(r, c) for r in range(1, size + 1) for c in range(1, size + 1)]


class Puzzle(Protocol):
    """A puzzle that a text states.

    Attributes:
        line: of its first row, 1-based.
        givens: (row, column), both 1-based -> value.
    """

    line: int
    givens: dict[tuple[int, int], int]


P = TypeVar("P", bound=Puzzle)


def problems(
    found: Iterable[P], path: str, state: Callable[[P, Mapping[str, Value], Source], Problem]
) -> list[Problem]:
    """The problems of a file's puzzles. Where there are several, each has its line as source.

    Args:
        found: the puzzles of the file.
        path: of the file.
        state: makes a problem of a puzzle, its givens by variable, and its source.
    """
    listed = list(found)
    made = []
    for puzzle in listed:
        givens = {cell(*at): value for at, value in puzzle.givens.items()}
        made.append(state(puzzle, givens, Source(path, puzzle.line if len(listed) > 1 else None)))
    return made


def draw(size: int, assignment: Mapping[str, Value], box: int | None = None) -> str:
    """The grid as text. Blanks are dots; values are padded to one width.

    Args:
        size: number of rows.
        assignment: values by variable.
        box: rows of a box, for lines between boxes; None for no boxes.
    """
    width = max((len(str(value)) for value in assignment.values()), default=1)
    step = size // box if box else size
    rows = []
    for r in range(1, size + 1):
        cells = [str(assignment.get(cell(r, c), ".")).rjust(width) for c in range(1, size + 1)]
        rows.append(" | ".join(" ".join(cells[i : i + step]) for i in range(0, size, step)))
        if box and r % box == 0 and r < size:
            rows.append("-+-".join("-" * (step * (width + 1) - 1) for _ in range(0, size, step)))
    return "\n".join(rows)


def picture(view: View, size: int, boxes: tuple[int, int] | None = None) -> str:
    """The grid as an SVG document.

    Args:
        view: a problem with the variables of ``names(size)``.
        size: number of rows.
        boxes: rows and columns of a box, or None.
    """
    from ..pictures import Board

    board = Board(view, size, size)
    board.values({place(name): name for name in names(size)})
    board.lines(boxes)
    return board.svg()
