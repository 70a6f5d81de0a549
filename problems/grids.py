"""Square grids of values: the text that Sudoku and Latin squares share."""

from __future__ import annotations

from collections.abc import Mapping

from ..engine.graph import Value
from .errors import InputError, excerpt

SYMBOLS = "123456789ABCDEFGHIJKLMNOP"
"""Values 1 to 25 as single characters."""

BLANKS = ".0_*"


def cell(row: int, column: int) -> str:
    """The variable's name, 1-based."""
    return f"r{row}c{column}"


def names(size: int) -> list[str]:
    """All cells, row by row."""
    return [cell(r, c) for r in range(1, size + 1) for c in range(1, size + 1)]


def token(text: str, size: int, line: int | None) -> int:
    """A cell's value, 0 for a blank: a number, a blank sign, or above 9 a letter (A = 10).

    Raises:
        InputError: anything else, or a value above ``size``.
    """
    if text in BLANKS or text == "-1":
        return 0
    if text.isascii() and text.isdigit() and len(text) <= 3:
        value = int(text)
    else:
        value = SYMBOLS.find(text.upper()) + 1 if len(text) == 1 else 0
        if value == 0:
            raise InputError(
                f"{excerpt(text)} is no cell value", line=line, hint=f"use 1 to {size}, and . or 0 for blank"
            )
    if value > size:
        raise InputError(f"value {value} is out of range", line=line, hint=f"a {size} x {size} grid holds 1 to {size}")
    return value


def draw(size: int, assignment: Mapping[str, Value], box: int | None = None) -> str:
    """The grid as text: blanks as dots, values as symbols up to 9 and as padded numbers above; lines between boxes."""
    width = len(str(size))
    step = box or size
    rows = []
    for r in range(1, size + 1):
        cells = [str(assignment.get(cell(r, c), ".")).rjust(width) for c in range(1, size + 1)]
        rows.append(" | ".join(" ".join(cells[i : i + step]) for i in range(0, size, step)))
        if box and r % box == 0 and r < size:
            rows.append("-+-".join("-" * (step * (width + 1) - 1) for _ in range(0, size, step)))
    return "\n".join(rows)
