"""Square grids of values: the text that Sudoku and Latin squares share."""

from __future__ import annotations

from collections.abc import Mapping

from ..engine.values import Value


def cell(row: int, column: int) -> str:
    """The variable's name, 1-based."""
    return f"r{row}c{column}"


def names(size: int) -> list[str]:
    """All cells, row by row."""
    return [cell(r, c) for r in range(1, size + 1) for c in range(1, size + 1)]


def draw(size: int, assignment: Mapping[str, Value], box: int | None = None) -> str:
    """The grid as text: blanks as dots, values as symbols up to 9 and as padded numbers above; lines between boxes."""
    width = max((len(str(value)) for value in assignment.values()), default=1)
    step = box or size
    rows = []
    for r in range(1, size + 1):
        cells = [str(assignment.get(cell(r, c), ".")).rjust(width) for c in range(1, size + 1)]
        rows.append(" | ".join(" ".join(cells[i : i + step]) for i in range(0, size, step)))
        if box and r % box == 0 and r < size:
            rows.append("-+-".join("-" * (step * (width + 1) - 1) for _ in range(0, size, step)))
    return "\n".join(rows)
