"""Text formats of nonograms: ``.non`` files, and plain lines of clues for rows and columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError, excerpt, warn
from ..parsing import parse_int

HINT = "a .non file has 'width', 'height', 'rows' and 'columns'; or give a line of clues for each row, a blank line, "
HINT += "and a line for each column"
LARGEST = 500
"""Most rows and columns."""

Clue = tuple[int, ...]
"""The lengths of the blocks of a line in order; empty for a line without filled cells."""

_ALIASES = {"col": "columns", "cols": "columns", "column": "columns", "row": "rows"}
_NUMBERS = re.compile(r"[0-9]+(?:[\s,]+[0-9]+)*,?")
_KEYS = frozenset(
    [
        "catalogue",
        "title",
        "by",
        "author",
        "copyright",
        "license",
        "licence",
        "width",
        "height",
        "rows",
        "columns",
        "goal",
        "saved",
        "color",
        "description",
        "url",
        "notes",
        "difficulty",
    ]
)


@dataclass(frozen=True)
class Puzzle:
    """The content of a file.

    Args:
        rows: the clue of each row.
        columns: the clue of each column.
        title: of the picture, or empty.
        goal: the picture that the file states, 0 and 1 row by row, or None.
    """

    rows: tuple[Clue, ...]
    columns: tuple[Clue, ...]
    title: str = ""
    goal: tuple[int, ...] | None = None


def looks_like(text: str) -> bool:
    """Whether a text has a line ``rows`` and a line ``columns``, or starts with ``nonogram``."""
    heads = {line.strip().lower() for line in text.split("\n")}
    stated = any(head in heads for head in ("rows", "row")) and any(head in heads for head in ("columns", "cols"))
    return stated or text.split(None, 1)[0].lower() == "nonogram"


def parse(text: str) -> Puzzle:
    """The puzzle of a text.

    Raises:
        InputError: a clue is malformed or does not fit its line, or the clues of rows and columns have different sums.
    """
    lines = list(enumerate(text.split("\n"), 1))
    heads = {_ALIASES.get(head, head) for _, line in lines if (head := line.strip().lower())}
    read = _non if {"rows", "columns"} <= heads else _plain
    clues, sizes, labels = read(lines)
    height, width = sizes.get("height", len(clues["rows"])), sizes.get("width", len(clues["columns"]))
    for what, count, number in (("rows", height, "height"), ("columns", width, "width")):
        if len(clues[what]) != count:
            message = f"{len(clues[what])} clues of {what}, but {number} {count}"
            raise InputError(message, line=clues[what][-1][0] if clues[what] else 1, hint=HINT)
        if not 0 < count <= LARGEST:
            raise InputError(f"{count} {what}", line=1, hint=f"nonograms have 1 to {LARGEST} rows and columns")
    for what, length in (("rows", width), ("columns", height)):
        for line, clue in clues[what]:
            if sum(clue) + len(clue) - 1 > length:
                message = f"blocks {' '.join(map(str, clue))} need more than {length} cells"
                raise InputError(message, line=line, hint=f"are the clues of {what} complete, and in their section?")
    rows, columns = (tuple(clue for _, clue in clues[what]) for what in ("rows", "columns"))
    filled = sum(map(sum, rows)), sum(map(sum, columns))
    if filled[0] != filled[1]:
        message = f"the rows have {filled[0]} filled cells, the columns {filled[1]}"
        raise InputError(message, hint="a clue is wrong or missing")
    return Puzzle(rows, columns, labels.get("title", ""), _goal(labels.get("goal"), width, height))


_Clues = dict[str, list[tuple[int, Clue]]]
_Lines = list[tuple[int, Clue | None]]
_Read = tuple[_Clues, dict[str, int], dict[str, str]]


def _non(lines: Sequence[tuple[int, str]]) -> _Read:
    """Clues after their lines, stated sizes and labels of a ``.non`` file."""
    sections: dict[str, _Lines] = {"rows": [], "columns": []}
    sizes: dict[str, int] = {}
    labels: dict[str, str] = {}
    section: _Lines | None = None
    for number, line in lines:
        bare = line.strip()
        word, _, rest = bare.partition(" ")
        key = _ALIASES.get(word.lower(), word.lower())
        if not bare:
            if section is not None:
                section.append((number, None))
        elif key in sections:
            section = sections[key]
        elif key in ("width", "height"):
            sizes[key] = parse_int(rest.strip(), 1, LARGEST, key, HINT, number)
        elif key == "color":
            raise InputError("coloured nonograms are not supported", line=number, hint="give one colour")
        elif key in _KEYS:
            section = None
            labels[key] = rest.strip().strip("\"'")
        elif bare.startswith("#"):
            continue
        elif section is not None:
            section.append((number, _clue(bare, number)))
        elif bare.lower() != "nonogram":
            warn(f"the line {excerpt(bare)} is ignored", number)
    wanted = {"rows": sizes.get("height", 0), "columns": sizes.get("width", 0)}
    return {what: _counted(section, wanted[what]) for what, section in sections.items()}, sizes, labels


def _counted(section: _Lines, wanted: int) -> list[tuple[int, Clue]]:
    """The clues of a section. A blank line is a clue without blocks where the stated number of lines needs it."""
    clues = [(number, clue) for number, clue in section if clue is not None]
    if len(clues) >= wanted:
        return clues
    while len(section) > wanted and section[-1][1] is None:
        section.pop()
    return [(number, clue or ()) for number, clue in section]


def _plain(lines: Sequence[tuple[int, str]]) -> _Read:
    """Clues of a file of numbers alone: the rows, a blank line or a line ``#``, and the columns.

    Two first lines of one number, then as many clues in one block, are the sizes (the format ``.cwd``).
    """
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, line in lines:
        bare = line.strip()
        if bare.lower() == "nonogram":
            continue
        if not bare or set(bare) <= set("#-="):
            if blocks[-1]:
                blocks.append([])
        elif not bare.startswith(("//", "%")):
            blocks[-1].append((number, bare))
    blocks = [block for block in blocks if block]
    if len(blocks) == 2:
        if [bare for _, bare in blocks[0][:2]] == [str(len(blocks[0]) - 2), str(len(blocks[1]))]:
            blocks[0] = blocks[0][2:]
    elif len(blocks) == 3 and len(blocks[0]) == 2:
        blocks = blocks[1:]
    if len(blocks) != 2:
        what = f"{len(blocks)} blocks of lines" if blocks else "no clues"
        raise InputError(f"{what}: expected rows, a blank line, columns", line=1, hint=HINT)
    names = ("rows", "columns")
    clues: _Clues = {
        name: [(n, _clue(bare, n)) for n, bare in block] for name, block in zip(names, blocks, strict=True)
    }
    return clues, {}, {}


def _clue(bare: str, line: int) -> Clue:
    """The blocks of a line of numbers; a single 0 is a line without blocks.

    Raises:
        InputError: it is not a list of positive numbers.
    """
    if bare in ("0", "-", "."):
        return ()
    if not _NUMBERS.fullmatch(bare):
        colored = re.search(r"\d[a-z]", bare)
        hint = "coloured nonograms are not supported" if colored else HINT
        raise InputError(f"{excerpt(bare)} is not a list of block lengths", line=line, hint=hint)
    return tuple(parse_int(text, 1, LARGEST, "block", HINT, line) for text in bare.replace(",", " ").split())


def _goal(text: str | None, width: int, height: int) -> tuple[int, ...] | None:
    if text is None:
        return None
    signs = "".join(text.split())
    if len(signs) != width * height or not set(signs) <= {"0", "1"}:
        warn("the goal is not a picture of width x height cells 0 and 1, and is left out")
        return None
    return tuple(map(int, signs))
