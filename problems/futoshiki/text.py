"""Text formats of futoshiki: grids with signs, and the game descriptions of Simon Tatham's Unequal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import InputError, excerpt
from ..parsing import parse_int

LARGEST = 50
"""Most rows."""
HINT = "rows of cells (. or a number) with < or > between them; lines of ^ or v between the rows, below the cells"

Cell = tuple[int, int]
"""Row and column, 1-based."""

_TOKEN = re.compile(r"[0-9]+|[._?*<>]")
_SIGNS = re.compile(r"[\^vV∧∨\s]+")
_ROW = re.compile(r"[0-9._?*<>\s|]+")
_UNEQUAL = re.compile(r"([0-9]+):((?:[0-9]+[URDL]*,)+[0-9]*[URDL]*)")
_STEPS = {"U": (-1, 0), "R": (0, 1), "D": (1, 0), "L": (0, -1)}


@dataclass
class Puzzle:
    """The content of one puzzle of a file.

    Args:
        line: of its first row, 1-based.
        order: number of rows.
        givens: cell -> value.
        less: pairs of cells; the first has the smaller value.
    """

    line: int
    order: int
    givens: dict[Cell, int] = field(default_factory=dict)
    less: list[tuple[Cell, Cell]] = field(default_factory=list)


def looks_like(text: str) -> bool:
    """Whether a text has the form of a futoshiki: its first line is the header, or the file has signs and rows."""
    lines = [line for line in text.split("\n") if line.strip() and line[0] != "#"]
    if not lines:
        return False
    if lines[0].split()[0].lower() == "futoshiki" or _UNEQUAL.fullmatch(lines[0].strip()):
        return True
    signs = any("<" in line or ">" in line or _SIGNS.fullmatch(line) for line in lines)
    return signs and len(lines) > 1 and all(_ROW.fullmatch(line) or _SIGNS.fullmatch(line) for line in lines)


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text.

    Raises:
        InputError: a row is malformed, or a sign is not between two cells; with the line.
    """
    puzzle: Puzzle | None = None
    row, starts, number = 0, [0], 0
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare[0] == "#" or bare.lower() == "futoshiki":
            continue
        code = _UNEQUAL.fullmatch(bare)
        if code:
            yield _unequal(code[1], code[2], number)
        elif _SIGNS.fullmatch(line):
            if puzzle is None:
                raise InputError("signs that are not between two rows", line=number, hint=HINT)
            _vertical(puzzle, row, starts, line, number)
        else:
            if puzzle is None:
                puzzle, row = Puzzle(number, 0), 0
            row += 1
            starts = _row(puzzle, row, line, number)
            if row == puzzle.order:
                yield puzzle
                puzzle = None
    if puzzle is not None:
        message = f"the puzzle ends after {row} of {puzzle.order} rows"
        raise InputError(message, line=number, hint="the file may be truncated")


def _row(puzzle: Puzzle, row: int, line: str, number: int) -> list[int]:
    """Add a row of cells and signs to a puzzle; returns the position of each cell in its line.

    Raises:
        InputError: the row has other signs, or another length.
    """
    if not _ROW.fullmatch(line):
        raise InputError(f"{excerpt(line.strip())} is not a row of cells", line=number, hint=HINT)
    # Without blanks between them, digits are one cell each.
    pattern = _TOKEN if len(line.split()) > 1 else re.compile(r"[0-9]|[._?*<>]")
    cells: list[str] = []
    starts: list[int] = []
    signs: list[tuple[int, str]] = []
    for match in pattern.finditer(line):
        if match[0] in "<>":
            signs.append((len(cells), match[0]))
        else:
            cells.append(match[0])
            starts.append(match.start() + len(match[0]) - 1)
    puzzle.order = puzzle.order or len(cells)
    if len(cells) != puzzle.order or not cells:
        raise InputError(f"a row of {len(cells)} cells in a puzzle of order {puzzle.order}", line=number, hint=HINT)
    if puzzle.order > LARGEST:
        raise InputError(f"a row of {len(cells)} cells", line=number, hint=f"puzzles have up to {LARGEST} rows")
    for column, text in enumerate(cells, 1):
        if text.isdigit() and text.strip("0"):
            puzzle.givens[row, column] = parse_int(text, 1, puzzle.order, "cell", HINT, number)
    for after, sign in signs:
        if not 0 < after < puzzle.order or sum(place == after for place, _ in signs) > 1:
            raise InputError(f"{sign} is not between two cells", line=number, hint=HINT)
        left, right = (row, after), (row, after + 1)
        puzzle.less.append((left, right) if sign == "<" else (right, left))
    return starts


def _vertical(puzzle: Puzzle, row: int, starts: list[int], line: str, number: int) -> None:
    """Add a line of signs below a row to a puzzle. ``^`` states that the upper cell is smaller.

    Raises:
        InputError: a sign is not below a cell.
    """
    for place, sign in enumerate(line):
        if sign.isspace():
            continue
        column = min(range(len(starts)), key=lambda k: abs(starts[k] - place))
        if abs(starts[column] - place) > 1:
            raise InputError(f"the sign at character {place + 1} is not below a cell", line=number, hint=HINT)
        upper, lower = (row, column + 1), (row + 1, column + 1)
        puzzle.less.append((upper, lower) if sign in "^∧" else (lower, upper))


def _unequal(order_text: str, cells: str, line: int) -> Puzzle:
    """The puzzle of a game description ``5:0R,3,0U...``: a letter states that the cell is greater in that direction.

    Raises:
        InputError: there are more or fewer than order² cells, or a letter leads out of the grid.
    """
    order = parse_int(order_text, 2, LARGEST, "order", HINT, line)
    items = cells.removesuffix(",").split(",")
    if len(items) != order * order:
        raise InputError(f"{len(items)} cells in a puzzle of order {order}", line=line, hint=f"give {order**2} cells")
    puzzle = Puzzle(line, order)
    for place, item in enumerate(items):
        row, column = place // order + 1, place % order + 1
        digits = item.rstrip("URDL")
        value = parse_int(digits, 0, order, "cell", HINT, line)
        if value:
            puzzle.givens[row, column] = value
        for letter in item[len(digits) :]:
            down, right = _STEPS[letter]
            other = row + down, column + right
            if not (1 <= other[0] <= order and 1 <= other[1] <= order):
                raise InputError(f"{letter} of cell {place + 1} leads out of the grid", line=line, hint=HINT)
            puzzle.less.append((other, (row, column)))
    return puzzle
