"""Text formats of mazes: rows of signs, all rows in one line, tables of such lines, JSON lists of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from .. import records
from ..errors import Ambiguous, InputError, excerpt

WALL, FREE, START, GOAL, PATH = "#", " ", "S", "G", "o"
HINT = "rows of # (wall), space or . (free), one S and one G; or one line of n^2 signs; short rows end in free cells"
LARGEST = 1_000_000
"""Most cells."""

_ENDS = (("S", "G"), ("S", "E"), ("A", "B"))
_SIGNS = frozenset("#█ .SGEABo")
_BITS = frozenset("01SGEABo")
_SIZE = re.compile(r"\s*(\d{1,4})(?:\s*[x×,\s]\s*(\d{1,4}))?\s*")


@dataclass(frozen=True)
class Drawing:
    """A maze in the signs of its file.

    Args:
        line: number of its first row in the file, 1-based.
        rows: of equal width. Path marks of the file are free cells.
        bits: whether 1 is a wall and 0 a free cell.
        answer: the cells, 0-based, of the path that the file states, or None.
    """

    line: int
    rows: tuple[str, ...]
    bits: bool = False
    answer: frozenset[tuple[int, int]] | None = None

    @property
    def walls(self) -> str:
        """The signs of walls."""
        return "1" if self.bits else "#█"


def drawings(text: str) -> Iterator[Drawing]:
    """The mazes of a text.

    Raises:
        InputError: a sign is unknown, or there is not exactly one start and one end; with the line.
    """
    start = text.lstrip()[:1]
    if start in "[{":
        for line, value in records.documents(text):
            yield from _json(line, value)
        return
    sign = records.delimiter(next((line for line in text.split("\n") if line.strip()), ""))
    if sign is not None:
        for record in records.table(text, sign):
            answer = record.answer if isinstance(record.answer, str) else None
            yield _drawn(str(record.board).strip("\n").split("\n"), record.line, answer)
        return
    lines = [line.rstrip("\n") for line in text.split("\n")]
    fields = [_fields(line) for line in lines if line.strip()]
    if all(fields):
        yield from (
            _drawn([found[0]], number, *found[1:2])
            for number, line in enumerate(lines, 1)
            if line.strip() and (found := _fields(line))
        )
        return
    first = next(i for i, line in enumerate(lines) if line.strip())
    last = max(i for i, line in enumerate(lines) if line.strip())
    rows = lines[first : last + 1]
    if len(rows) > 1 and all(_is_maze(row) for row in rows if row.strip()):
        for number, row in enumerate(rows, first + 1):
            if row.strip():
                yield _drawn([row], number)
        return
    for begin, block in _blocks(rows):
        yield _drawn(block, first + 1 + begin)


def _fields(line: str) -> list[str]:
    """The mazes in the comma-separated fields of a line without header: the question, and maybe the answer."""
    return [field for field in line.split(",") if _is_maze(field)] if "," in line else []


def _json(line: int, value: object) -> Iterator[Drawing]:
    if isinstance(value, dict):
        keys = {str(key).lower(): item for key, item in value.items()}
        question = next((keys[name] for name in records.QUESTIONS if name in keys), None)
        answer = next((keys[name] for name in records.ANSWERS if name in keys), None)
        if isinstance(answer, list):
            answer = "\n".join(map(str, answer))
        if isinstance(question, list) and all(isinstance(row, str) for row in question):
            question = "\n".join(question)
        if not isinstance(question, str):
            raise InputError("the object has no maze", line=line, hint=records.HINT)
        yield _drawn(question.strip("\n").split("\n"), line, answer if isinstance(answer, str) else None)
    elif isinstance(value, list) and value and all(isinstance(row, str) for row in value):
        yield _drawn(value, line)
    elif isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        yield _drawn(["".join(str(cell)[:2] for cell in row) for row in value], line)
    else:
        raise InputError("the JSON value is not a maze", line=line, hint="give a list of rows")


def _is_maze(row: str) -> bool:
    """Whether one line is a square maze with both ends."""
    side = isqrt(len(row))
    return side > 2 and side * side == len(row) and _ends(row) is not None


def _ends(text: str) -> tuple[str, str] | None:
    """The signs of start and end if each occurs once, or None."""
    return next((ends for ends in _ENDS if all(text.count(sign) == 1 for sign in ends)), None)


def _blocks(rows: list[str]) -> list[tuple[int, list[str]]]:
    """The mazes of a text, each after the index of its first row.

    Blank lines separate mazes if every part then has both ends. Otherwise they are rows of one maze.
    """
    blocks: list[tuple[int, list[str]]] = []
    for place, row in enumerate(rows):
        if row.strip() and (not place or not rows[place - 1].strip()):
            blocks.append((place, []))
        if row.strip():
            blocks[-1][1].append(row)
    if len(blocks) > 1 and all(_ends("".join(block)) for _, block in blocks):
        return blocks
    return [(0, rows)]


def _drawn(rows: list[str], line: int, answer: str | None = None) -> Drawing:
    """The maze of some rows, the first of which may state its size."""
    stated = _stated_size(rows)
    if stated:
        rows, line = rows[1:], line + 1
    rows = [row.expandtabs(1).rstrip("\r") for row in rows]
    bits = _bits(rows)
    if bits:  # written with blanks or commas between the cells
        rows = ["".join(row.replace(",", " ").split()) for row in rows]
        rows = [row for row in rows if row]
    rows = _folded(rows, stated, line)
    width = max(map(len, rows))
    if width * len(rows) > LARGEST:
        raise InputError(f"a maze of {len(rows)} x {width} cells", line=line, hint=f"mazes have up to {LARGEST} cells")
    # Files state width and height in either order.
    if stated and (len(rows), width) not in (stated, stated[::-1]):
        message = f"a maze of {len(rows)} x {width} cells under the size {stated[0]} x {stated[1]}"
        raise InputError(message, line=line, hint="correct or remove the line with the size")
    _check(rows, line, bits)
    # Short rows and old path marks get the sign that the file uses for free cells.
    free = "0" if bits else next((sign for sign in " ." if any(sign in row for row in rows)), FREE)
    marked = None
    if answer is not None:
        flat = "".join(answer.split("\n")).ljust(len(rows) * width)
        if len(flat) == len(rows) * width:
            marked = frozenset(divmod(i, width) for i, sign in enumerate(flat) if sign in "oSGEAB")
    drawn = tuple(row.ljust(width, free).replace(PATH, free) for row in rows)
    return Drawing(line, drawn, bits, marked)


def _stated_size(rows: list[str]) -> tuple[int, int] | None:
    """The size that the first row states, or None. A row of 0 and 1 as long as the next one is part of the maze."""
    if len(rows) < 2 or set("".join(rows[1:])) <= set("01 \n"):
        return None
    size = _SIZE.fullmatch(rows[0])
    if not size or (len(rows[0].strip()) == len(rows[1].strip()) and set(rows[0]) <= set("01 ")):
        return None
    height = int(size[1])
    return height, int(size[2] or height)


def _bits(rows: list[str]) -> bool:
    """Whether a maze is drawn with 0 and 1."""
    signs = set().union(*rows)
    return bool(signs & {"0", "1"}) and signs <= _BITS | {" ", ","}


def _folded(rows: list[str], stated: tuple[int, int] | None, line: int) -> list[str]:
    """The rows of a maze, which may have all its signs in one line.

    Raises:
        Ambiguous: one line is a maze both as a row and as a square.
    """
    if len(rows) != 1:
        return rows
    row = rows[0]
    if stated and stated[0] * stated[1] == len(row):
        return [row[i : i + stated[1]] for i in range(0, len(row), stated[1])]
    side = isqrt(len(row))
    if side < 3 or side * side != len(row):
        return rows
    walls = "1" if _bits(rows) else "#█"
    ends = _ends(row)
    if ends is not None and stated is None:
        low, high = sorted((row.index(ends[0]), row.index(ends[1])))
        # Without a wall between its ends the row alone is a maze. The square is one too only if it has a path.
        if not any(sign in row[low:high] for sign in walls):
            square = [row[i : i + side] for i in range(0, len(row), side)]
            if _reachable(square, walls, divmod(low, side), divmod(high, side)):
                hint = f"put the size in a line before it: 1 x {len(row)} or {side} x {side}"
                raise Ambiguous("one line that is a maze both as a row and as a square", line=line, hint=hint)
            return rows
    return [row[i : i + side] for i in range(0, len(row), side)]


def _reachable(rows: list[str], walls: str, start: tuple[int, int], goal: tuple[int, int]) -> bool:
    """Whether a path leads from one cell to another."""
    seen, queue = {start}, [start]
    for r, c in queue:
        for y, x in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= y < len(rows) and 0 <= x < len(rows[y])
            if inside and rows[y][x] not in walls and (y, x) not in seen:
                seen.add((y, x))
                queue.append((y, x))
    return goal in seen


def _check(rows: list[str], line: int, bits: bool) -> None:
    """Raise the error of a maze with unknown signs, or without exactly two ends."""
    known = _BITS if bits else _SIGNS
    for number, row in enumerate(rows, line):
        wrong = next((sign for sign in row if sign not in known), None)
        if wrong is not None:
            raise InputError(f"{excerpt(wrong)} is not a sign of a maze", line=number, hint=HINT)
    text = "".join(rows)
    if _ends(text) is not None and sum(text.count(sign) for sign in "SGEAB") == 2:
        return
    for sign in "SGEAB":
        if text.count(sign) > 1:
            # The line of each occurrence: the error is at the second one.
            places = [number for number, row in enumerate(rows, line) for _ in range(row.count(sign))]
            raise InputError(f"a second {sign}", line=places[1], hint=HINT)
    pair = next((ends for ends in _ENDS if ends[0] in text or ends[1] in text), _ENDS[0])
    missing = next((sign for sign in pair if sign not in text), None)
    if missing is None:
        raise InputError("more than two ends", line=line, hint="mark the ends S and G, S and E, or A and B")
    raise InputError(f"the maze has no {missing}", line=line + len(rows) - 1, hint=HINT)
