r"""The text format of kakuro: a grid whose black cells are ``#`` or ``DOWN\ACROSS``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import InputError, excerpt
from ..parsing import parse_int

HINT = r"rows of cells: # is black, 23\16 has the sums of the runs below and to the right, . is white, 1-9 is given"
LARGEST = 200
"""Most rows and columns."""
MOST = 45
"""The sum of the digits 1 to 9."""

Cell = tuple[int, int]
"""Row and column, 1-based."""
Run = tuple[tuple[Cell, ...], int | None]
"""The cells of a run in order, and their sum, or None if the file states none."""

_BLACK = ("#", "x", "X", "█", "*", "■", "\\", "/")
_DIGITS = tuple("123456789")
_WHITE = (".", "_", "?", "0", "□")
_CLUE = re.compile(r"([0-9]*|[.\-_xX#]*)[\\/]([0-9]*|[.\-_xX#]*)")


@dataclass
class Puzzle:
    """The content of one puzzle of a file.

    Args:
        line: of its first row, 1-based.
        white: the white cells, row by row.
        runs: two or more cells in a row or column, and single cells with a sum.
        givens: cell -> digit.
    """

    line: int
    white: list[Cell] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    givens: dict[Cell, int] = field(default_factory=dict)


def looks_like(text: str) -> bool:
    """Whether all cells of a text are black, white, clues or digits, and there is at least one clue."""
    lines = [line for line in text.split("\n") if line.strip() and line.strip().lower() != "kakuro"]
    cells = [cell for line in lines for cell in _cells(line)]
    clues = any(_CLUE.fullmatch(cell) and any(map(str.isdigit, cell)) for cell in cells)
    return clues and all(_known(cell) for cell in cells)


def puzzles(text: str) -> Iterator[Puzzle]:
    """The puzzles of a text; blank lines separate them.

    Raises:
        InputError: a cell is malformed, a row is too short or too long, or a sum has no run; with the line.
    """
    rows: list[tuple[int, list[str]]] = []
    found = 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if not line.strip():
            if rows:
                yield _puzzle(rows)
                found += 1
            rows = []
        elif (line.strip().lower() != "kakuro" and not line.startswith(("//", "%", "# "))) or (
            line.startswith("# ") and all(_known(cell) for cell in _cells(line))
        ):
            rows.append((number, _cells(line)))
    if not found:
        raise InputError("holds no rows", line=1, hint=HINT)


def _cells(line: str) -> list[str]:
    return line.replace(",", " ").replace(";", " ").replace("|", " ").split()


def _known(cell: str) -> bool:
    return cell in _BLACK or cell in _WHITE or _CLUE.fullmatch(cell) is not None or cell in _DIGITS


def _puzzle(rows: list[tuple[int, list[str]]]) -> Puzzle:
    """The puzzle of some rows of cells, each after its line.

    Raises:
        InputError: a row has another length, or a cell is malformed, or a sum has no run.
    """
    puzzle = Puzzle(rows[0][0])
    width = len(rows[0][1])
    if width > LARGEST or len(rows) > LARGEST:
        message = f"a grid of {len(rows)} rows and {width} columns"
        raise InputError(message, line=rows[0][0], hint=f"grids have up to {LARGEST} rows and columns")
    across: dict[Cell, int] = {}
    down: dict[Cell, int] = {}
    for r, (line, cells) in enumerate(rows, 1):
        if len(cells) != width:
            raise InputError(f"a row of {len(cells)} cells in a grid of {width} columns", line=line, hint=HINT)
        for c, cell in enumerate(cells, 1):
            clue = _CLUE.fullmatch(cell)
            if cell in _WHITE or cell in _DIGITS:
                puzzle.white.append((r, c))
                if cell not in _WHITE:
                    puzzle.givens[r, c] = int(cell)
            elif clue and cell not in _BLACK:
                for text, sums in ((clue[1], down), (clue[2], across)):
                    if text.isdigit() and text.strip("0"):
                        sums[r, c] = parse_int(text, 1, MOST, "sum", HINT, line)
            elif cell not in _BLACK:
                raise InputError(f"{excerpt(cell)} is not a cell", line=line, hint=HINT)
    if not puzzle.white:
        raise InputError("the grid has no white cell", line=rows[0][0], hint=HINT)
    for sums, step, word in ((across, (0, 1), "to the right"), (down, (1, 0), "below")):
        puzzle.runs += _runs(puzzle.white, sums, step, word, rows)
    return puzzle


def _runs(
    white: list[Cell], sums: dict[Cell, int], step: Cell, word: str, rows: list[tuple[int, list[str]]]
) -> Iterator[Run]:
    """The runs in one direction.

    Raises:
        InputError: a run has more than 9 cells, or a sum is not followed by a white cell.
    """
    cells = set(white)
    for clue, value in sums.items():
        if (clue[0] + step[0], clue[1] + step[1]) not in cells:
            message = f"the sum {value} in column {clue[1]} has no white cell {word}"
            raise InputError(message, line=rows[clue[0] - 1][0], hint=HINT)
    for r, c in white:
        before = r - step[0], c - step[1]
        if before in cells:
            continue
        run = [(r, c)]
        while (after := (run[-1][0] + step[0], run[-1][1] + step[1])) in cells:
            run.append(after)
        if len(run) > 9:
            message = f"a run of {len(run)} cells from column {c}: digits 1 to 9 do not repeat in a run"
            raise InputError(message, line=rows[r - 1][0], hint="break it with a black cell")
        total = sums.get(before)
        if len(run) > 1 or total is not None:
            yield tuple(run), total
