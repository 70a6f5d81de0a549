"""Text formats of Sudokus: one board a line, grids with or without frames, tables, JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isqrt

from .. import records
from ..alphabet import cells, consistent, meaning, symbols
from ..errors import Ambiguous, InputError, excerpt
from ..parsing import parse_int
from ..records import Record
from ..squares import BOXES
from .blanks import marked

SPEC = (
    "sudoku:SIZE[:GIVENS], SIZE 4, 6, 9, 12, 16 or 25, GIVENS a share (0.4, 0.2-0.3); "
    "sudoku:9:LOW-HIGH without a point, a minimal board that takes so many guesses (20-60, 300-)"
)
"""How generated Sudokus are named."""
SIZES = tuple(BOXES)
CELLS = tuple(size * size for size in SIZES)
"""Numbers of cells of a board."""
HINT = "give one puzzle a line (16, 36, 81, 144, 256 or 625 cells), a grid of rows, JSON, or CSV with a column 'puzzle'"

_BOX = "".join(map(chr, range(0x2500, 0x2580)))
_RULES = frozenset("-+*=|!~ \t" + _BOX)
"""The signs of lines between boxes or around the grid."""
_APART = str.maketrans(dict.fromkeys("|!,;\t[](){}\"'+=" + _BOX, " "))
_BOARD = re.compile(r"[0-9A-Za-z.*_?-]+")
_CELL = re.compile(r"[0-9A-Za-z.*_?-]|\d{1,3}|-1|null|None")
# A line before a grid such as "Grid 01" or "Puzzle:"; the list of Project Euler and many collections have one.
_TITLE = re.compile(r"\W*(?:grid|puzzle|sudoku|board|game|level|no|nr|number)\b[\s#:.]*\w{0,20}\W*", re.IGNORECASE)
_SECTION = re.compile(r"\[([A-Za-z][A-Za-z ]*)\]")
_COMMENT = re.compile(r"\s+(?:#|//).*")


def parse_size(text: str) -> int:
    """The rows of a board, from text.

    Raises:
        InputError: it is not one of ``SIZES``.
    """
    size = parse_int(text, 4, 25, "Sudoku size", hint=SPEC)
    if size not in SIZES:
        raise InputError(f"Sudoku size {size} is not 4, 6, 9, 12, 16 or 25", hint=SPEC)
    return size


def is_guess_range(text: str) -> bool:
    """Whether the text after ``sudoku:9:`` is a range of guesses. A range of shares has a decimal point."""
    return "-" in text and "." not in text


def boards(text: str) -> Iterator[Record]:
    """The boards of a text in order.

    Raises:
        InputError: a line is not part of a board; with its number.
    """
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        text = marked(text)
    if start == "{" or (start == "[" and not _SECTION.match(text.lstrip())):
        # "[" may also start a grid in brackets, as NumPy prints one. It is JSON if its first board is read.
        first = records.first(records.json_boards(text))
        if start == "{" or first is not None:
            yield from map(_sized, records.json_boards(text))
            return
    number, head = next(((n, line) for n, line in enumerate(text.split("\n"), 1) if _content(line)), (1, ""))
    sign = records.delimiter(head)
    if sign is not None:
        found = map(_sized, records.table(text, sign))
        first_row = next(found, None)
        if first_row is None:
            raise InputError("the header has no rows", line=number, hint="the file may be truncated")
        yield first_row
        yield from found
        return
    yield from _Lines().read(text)


def has_header(text: str) -> bool:
    """Whether a text starts with the header of a table of boards. The rows may be wrong."""
    lines = [line for line in text[:4000].split("\n") if _content(line)]
    return bool(lines) and records.delimiter(lines[0]) is not None and not set(lines[-1]) & set("#█SG")


def cut_grid(text: str) -> InputError | None:
    """The error of a text that looks like a 9x9 grid with missing rows or cells; None if it does not look like one."""
    lines = [(number, _content(line)) for number, line in enumerate(text[:4000].split("\n"), 1)]
    rows = [(number, _joined(line)) for number, line in lines if line and not set(line) <= _RULES]
    full = sum(len(row) == 9 for _, row in rows)
    signs = {sign for _, row in rows for sign in row}
    if full < 3 or 2 * full < len(rows) or not signs <= set("0123456789.*_?-xX") or not signs & set("123456789"):
        return None
    for number, row in rows:  # the first row of another length is where a cell is missing
        if len(row) != 9:
            message = f"looks like a Sudoku grid, but this row has {len(row)} cells where others have 9"
            return InputError(message, line=number, hint="write 9 cells in each row, . for a blank")
    if len(rows) % 9 == 0:
        return None
    message = f"looks like a Sudoku grid with {len(rows)} rows of 9"
    return InputError(message, line=rows[-1][0], hint="add the missing rows: a grid has 9, with . for a blank")


def _sized(record: Record) -> Record:
    """The record of a table or of JSON as a board of a known size. Its text may be a grid of several lines."""
    if not isinstance(record.board, str):
        if len(record.board) not in CELLS:
            message = f"a board of {len(record.board)} cells: expected {_OR_CELLS}"
            raise InputError(message, line=record.line, hint=HINT)
        return record
    board = record.board if len(record.board) in CELLS else _joined(record.board)
    if len(board) not in CELLS or not _BOARD.fullmatch(board):
        raise _not_a_board(len(board), record.board.strip(), record.line)
    answer = _joined(record.answer) if isinstance(record.answer, str) else record.answer
    return Record(record.line, board, answer or None)


_OR_CELLS = f"{', '.join(map(str, CELLS[:-1]))} or {CELLS[-1]}"


def _not_a_board(count: int, text: str, line: int) -> InputError:
    return InputError(f"{count} cells in {excerpt(text)}: a board has {_OR_CELLS}", line=line, hint=HINT)


def _joined(text: str) -> str:
    """The signs of a text without separators."""
    return "".join(text.translate(_APART).split())


def _content(line: str) -> str:
    """A line without its comment and without blanks at its ends."""
    bare = line.strip()
    if bare.startswith(("#", "//", "%")):
        return ""
    return _COMMENT.sub("", bare) if "#" in bare or "//" in bare else bare


class _Lines:
    """Reads lines that are boards or rows of boards.

    A line of 16 cells is a 4x4 board or a row of a 16x16 grid. Such lines are collected until another line follows, and
    then decided together.
    """

    def __init__(self) -> None:
        self.grid: list[str] = []
        self.size = 0
        self.start = 0
        self.sixteens: list[tuple[int, Sequence[str]]] = []
        self.spaced = False
        self.number = 0

    def read(self, text: str) -> Iterator[Record]:
        """The boards of a text."""
        lines = text.split("\n")
        marks = _row_marks(lines)
        skipped = False
        for self.number, line in enumerate(lines, 1):
            bare = _content(line)
            if not bare:
                continue
            section = _SECTION.fullmatch(bare)
            if section or _TITLE.fullmatch(bare):
                yield from self.end()
                skipped = section is not None and section[1].lower() not in ("puzzle", "grid", "sudoku", "board")
            elif not skipped and not _rule(bare, marks):
                yield from self.line(bare)
            elif not skipped:
                self.spaced = True
        yield from self.end()

    def line(self, bare: str) -> Iterator[Record]:
        """The boards that end with a line."""
        found = _split(bare, self.number)
        if isinstance(found[0], Record):
            yield from self.end()
            yield from found
            return
        row: list[str] = found
        if len(row) == 16:
            if self.grid:
                yield from self.end()
            self.spaced = self.spaced or len(bare.translate(_APART).split()) == 16
            self.sixteens.append((self.number, row))
            return
        if self.sixteens:
            yield from self.end()
        if not self.grid:
            self.start, self.size = self.number, len(row)
        if len(row) != self.size:
            message = f"a row of {len(row)} cells in a grid with rows of {self.size}"
            raise InputError(message, line=self.number, hint=HINT)
        self.grid += row
        if len(self.grid) == self.size**2:
            yield Record(self.start, self.grid)
            self.grid, self.spaced = [], False

    def end(self) -> Iterator[Record]:
        """The boards of the collected lines.

        Raises:
            InputError: a grid is not complete, or the lines fit both sizes.
        """
        if self.grid:
            message = f"the grid ends after {len(self.grid) // self.size} of {self.size} rows"
            raise InputError(message, line=self.number, hint="the file may be truncated")
        # Lines of 16 cells: with blanks between the cells, 16 of them are a grid. Otherwise the values decide.
        lines, spaced = self.sixteens, self.spaced
        self.sixteens, self.spaced = [], False
        if not lines:
            return
        small = [Record(number, list(row)) for number, row in lines]
        whole = [
            Record(lines[i][0], [sign for _, row in lines[i : i + 16] for sign in row])
            for i in range(0, len(lines) // 16 * 16, 16)
        ]
        if len(lines) % 16:
            if not _fit(small):  # rows of a grid that ends early
                _refuse_cut(small, len(lines) % 16, self.number)
            yield from small
            return
        large = _fit(whole, check=not spaced)
        if not spaced and large and _fit(small, check=True):
            raise Ambiguous(
                "16 lines of 16 cells fit one 16x16 grid as well as sixteen 4x4 boards",
                line=lines[0][0],
                hint="put blanks between the cells of a 16x16 grid; put a line 'puzzle' before 4x4 boards",
            )
        yield from whole if spaced or large or not _fit(small) else small


def _fit(found: list[Record], check: bool = False) -> bool:
    """Whether every sign is a value and, with ``check``, no value occurs twice in a row, column or box."""
    order = isqrt(len(found[0].board))
    values = symbols(order, (record.board for record in found))
    known = meaning(values)
    if not all(sign in known for record in found for sign in record.board):
        return False
    return not check or all(consistent([known[s] for s in r.board], order, BOXES[order]) for r in found)


def _refuse_cut(small: list[Record], rows: int, line: int) -> None:
    """Raise the error of lines of 16 cells that are neither 4x4 boards nor complete 16x16 grids."""
    values = symbols(16, (record.board for record in small if len(record.board) == 16))
    for record in small if len(small) == 1 else ():
        known = symbols(4, [record.board])
        cells(record.board, meaning(known), known, record.line)
    for record in small:
        cells(record.board, meaning(values), values, record.line)
    raise InputError(f"the grid ends after {rows} of 16 rows", line=line, hint="the file may be truncated")


def _split(bare: str, number: int) -> list[Record] | list[str]:
    """A line as boards, or as the signs of one row. A line of 16 cells is returned as a row, but may be a board.

    Raises:
        InputError: the line is neither.
    """
    if len(bare) in CELLS and _BOARD.fullmatch(bare):
        return list(bare) if len(bare) == 16 else [Record(number, bare)]
    tokens = bare.translate(_APART).split()
    longest = max((len(t) for t in tokens if len(t) in CELLS and _BOARD.fullmatch(t)), default=0)
    # Collections put a number, a hash or a rating beside a board; the longest word of a board's length is the board.
    if longest and not (longest == 16 and len(tokens) == 16):
        found = [t for t in tokens if len(t) == longest and _BOARD.fullmatch(t)]
        if len(found) == 1 and longest == 16:
            return list(found[0])
        if len(found) == 2 and _solved(found[1]):
            return [Record(number, found[0], found[1])]
        return [Record(number, board) for board in found]
    if len(tokens) - 1 in SIZES and all(len(t) == len(tokens) - 1 for t in tokens[:-1]):
        tokens = tokens[:-1]  # a rating after the groups
    if len(tokens) in (*SIZES, *CELLS) and all(_CELL.fullmatch(t) for t in tokens):
        return tokens if len(tokens) in SIZES else [Record(number, tokens)]
    joined = "".join(tokens)
    if not _BOARD.fullmatch(joined):
        raise InputError(f"{excerpt(bare)} is not a row of cells", line=number, hint=HINT)
    if len(joined) in SIZES:
        return list(joined)
    if len(joined) in CELLS:
        return [Record(number, joined)]
    raise _not_a_board(len(joined), bare, number)


def _solved(board: str) -> bool:
    """Whether a board has no blanks."""
    return not any(sign in board for sign in "._*-?")


def _row_marks(lines: list[str]) -> frozenset[str]:
    """The signs of ``-`` and ``*`` that rows with other signs use as blanks."""
    found: set[str] = set()
    other = False
    for line in lines:
        bare = _content(line)
        if bare and not set(bare) <= _RULES:
            other = True
            found |= {"-", "*"} & set(bare)
            if len(found) == 2:
                break
    return frozenset(found if other else "-*")


def _rule(bare: str, marks: frozenset[str]) -> bool:
    """Whether a line separates boxes or frames the grid, and has no cells."""
    if bare[0] not in _RULES or not set(bare) <= _RULES:
        return False
    inner = set(bare) - set("|! \t")
    if len(inner) != 1 or not inner <= marks:
        return True
    count = len(bare.translate(_APART).replace(" ", ""))
    return count not in (*SIZES, *CELLS)
